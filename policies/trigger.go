package policies

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
	"github.com/ringback/ringback/triggers"
)

const triggersKey = "triggers"

const triggerMissed = string(triggers.MissedCall)

// trigger is what requests the callback, or has requested the pending one.
func (e *evaluation) trigger() string {
	if e.Promised != nil {
		return e.Promised.Trigger
	}
	return e.Trigger
}

// unanswered reports whether a call that nobody answered requests the callback: nobody is there to choose a number.
func (e *evaluation) unanswered() bool { return e.d.OnRing || e.d.Trigger == triggerMissed }

// ruleTrigger applies to a request without a call that is answered. Nobody has authenticated: the sender of a text has
// only proved to have a key, and the number of a missed call may be forged. So a missed call chooses no number, and leg
// two requires a login.
func ruleTrigger(e *evaluation) (string, string, bool) {
	t := e.trigger()
	input := e.text(t, ", triggers: [", strings.Join(e.policy.Triggers, ", "), "]")
	if !slices.Contains(e.policy.Triggers, t) {
		return e.refuse(input, texts.RefusedCallback, "add "+t+" to triggers in the group's policy file",
			"group %s allows no callback by the trigger %s", e.policy.name(), t)
	}
	if e.d.Trigger = t; t == triggerMissed {
		e.policy.Numbers = e.policy.Numbers.unchosen()
	}
	return input, "allowed", false
}

// checkTriggers reports what `triggers` lacks or contradicts.
func (p Policy) checkTriggers(v *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	at := v.Get(triggersKey)
	switch {
	case len(p.Triggers) == 0:
	case p.Callback == Off:
		problem(at, "allows callbacks, but callback is off", "write callback: optional or required")
	case p.Callback == Secure:
		problem(at, "callback: secure calls back after a login only", "remove it, or write callback: required")
	case slices.Contains(p.Triggers, triggerMissed) && !p.Limits.User.countsCalls():
		problem(at, "anyone who can forge a calling number can cause callbacks by missed_call, and nothing limits them",
			"add a ceiling, such as limits: {user: {hour: {calls: 4}}}")
	}
}

// countsCalls reports whether a ceiling limits the number of calls.
func (l Ceilings) countsCalls() bool { return cmp.Or(l.Hour.Calls, l.Day.Calls, l.Month.Calls) > 0 }
