package metrics

import (
	"strconv"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
)

// Take implements events.Sink: it counts the event.
func (m *Metrics) Take(e events.Event) {
	switch e := e.(type) {
	case events.CallBegan:
		m.add("ringback_calls_total", 1, e.Direction)
	case events.CallEnded:
		leg := strconv.Itoa(e.Leg)
		m.add("ringback_calls_ended_total", 1, leg, snake(e.Outcome))
		m.add("ringback_call_duration_seconds_total", e.Duration.Seconds(), leg)
		m.add("ringback_call_bytes_total", float64(e.OctetsIn), leg, "in")
		m.add("ringback_call_bytes_total", float64(e.OctetsOut), leg, "out")
	case events.CallScreened:
		if !e.Answered {
			m.add("ringback_calls_rejected_total", 1, "screening")
		}
	case events.CallRejected:
		m.add("ringback_calls_rejected_total", 1, "profile")
	case events.LoginSucceeded:
		m.add(logins, 1, loginKind(e.Enable), "success", e.Server)
	case events.LoginFailed:
		m.add(logins, 1, loginKind(e.Enable), loginResult(e), e.Server)
	case events.LoginLocked:
		m.add("ringback_login_locks_total", 1)
	case events.Decided:
		m.add("ringback_policy_decisions_total", 1, e.Outcome)
	case events.Alarm:
		m.add("ringback_alarms_total", 1)
	case events.Reloaded:
		m.add("ringback_reloads_total", 1, "applied")
	case events.ReloadFailed:
		m.add("ringback_reloads_total", 1, "failed")
	case events.LineDown:
		m.add("ringback_lines_down_total", 1)
	case events.ModemTested:
		m.add("ringback_modem_tests_total", 1, e.Result)
	case events.ModemTestSkipped:
		m.add("ringback_modem_tests_skipped_total", 1)
	case events.ModemQuarantined:
		m.add("ringback_modem_quarantines_total", 1)
	case events.MethodSilent:
		m.add(silentMethods, 1, e.Method)
	default:
		m.takeCallback(e)
	}
}

// takeCallback counts what happens to callbacks and dial-outs.
func (m *Metrics) takeCallback(e events.Event) {
	const notPromised = "ringback_callbacks_not_promised_total"
	switch e := e.(type) {
	case events.Promised:
		m.add("ringback_callbacks_promised_total", 1)
	case events.AlreadyPending:
		m.add(notPromised, 1, "pending")
	case events.NumberPending:
		m.add(notPromised, 1, "number_pending")
	case events.NumberDisabled:
		m.add(notPromised, 1, "number_disabled")
	case events.NotPromised:
		m.add(notPromised, 1, "no_line")
	case events.NotRecorded:
		m.add(notPromised, 1, "not_recorded")
	case events.CeilingReached:
		m.add(notPromised, 1, "ceiling")
	case events.Dialing:
		if e.HeldBack { // the attempt was counted before
			return
		}
		m.observe(lateSeconds, e.Late)
		if e.Attempt == 1 {
			m.observe(waitSeconds, e.Waited)
		}
	case events.AttemptEnded:
		m.add("ringback_attempts_total", 1, oneOf(attemptResults, e.Outcome))
	case events.DialOutEnded:
		m.add("ringback_dial_outs_total", 1, oneOf(attemptResults, e.Outcome))
	case events.DialOutRejected:
		m.add("ringback_dial_outs_rejected_total", 1)
	case events.Claimed:
		m.add("ringback_callbacks_claimed_total", 1)
	case events.GivenUp:
		m.add("ringback_callbacks_given_up_total", 1)
	case events.CallbackEnded:
		m.add("ringback_callbacks_ended_total", 1, e.Outcome, endCause(e))
	}
}

func endCause(e events.CallbackEnded) string {
	switch e.Kind {
	case "":
		return "none"
	case events.EndDial:
		return oneOf(attemptResults, e.Cause)
	}
	return string(e.Kind)
}

func loginKind(enable bool) string {
	if enable {
		return "enable"
	}
	return "login"
}

func loginResult(e events.LoginFailed) string {
	switch {
	case e.Locked:
		return "locked"
	case e.Rejected:
		return "rejected"
	}
	return "failure"
}

// Exchange counts a request to an AAA server.
func (m *Metrics) Exchange(protocol string, e aaa.Exchange) {
	m.add(requests, 1, protocol, e.Server, string(e.Purpose), e.Result.String())
	m.observe(requestSeconds, e.Took, protocol, e.Server, string(e.Purpose))
}

// FleetOperation counts an operation of this node on its fleet, with the word for its result.
func (m *Metrics) FleetOperation(operation, result string, took time.Duration) {
	if operation != "look" {
		m.observe(fleetSeconds, took, operation)
	}
	if result != "ok" {
		m.add(fleetFailures, 1, operation, result)
	}
}

// Committed counts a transaction of the journal.
func (m *Metrics) Committed(took time.Duration, err error) {
	m.observe(commitSeconds, took)
	if err != nil {
		m.add("ringback_journal_commit_errors_total", 1)
	}
}
