package modem

import (
	"slices"
	"time"

	"github.com/ringback/ringback/lines"
)

// phase is the state of a line's modem, as far as the driver knows and has proven it.
type phase string

// The phases in the order of a line's life.
const (
	closed    phase = "closed"     // there is no port
	starting  phase = "starting"   // the port is open; its input is not trusted
	idle      phase = "idle"       // on hook, proven; rings are counted
	scripted  phase = "scripted"   // a script uses the command line; no dial command was sent
	used      phase = "used"       // a script used the command line: perhaps off hook, but no call is up
	answering phase = "answering"  // ATA was sent
	dialing   phase = "dialing"    // the dial command was sent
	connected phase = "connected"  // data
	released  phase = "released"   // the modem, or a caller impersonating it, reports the end of the call or attempt
	aborted   phase = "aborted"    // a dial or answer attempt continues without an owner
	dropped   phase = "dropped"    // a call may be up without an owner
	hangingUp phase = "hanging up" // until the proof
	unproven  phase = "unproven"   // the proof failed: quarantine
)

// phases lists all phases.
var phases = []phase{closed, starting, idle, scripted, used, answering, dialing, connected, released, aborted, dropped,
	hangingUp, unproven}

// trigger is an event on a line.
type trigger string

// The triggers. Messages from the modem:
const (
	onRing trigger = "RING"
	// of a call that is not for a data modem
	onVoiceRing trigger = "ring of a voice call"
	onCallerID  trigger = "caller ID"
	onConnect   trigger = "CONNECT"
	// the end of a call or an attempt: NO CARRIER, BUSY, ERROR to a dial command
	onFinal trigger = "final result"
)

// The call's data:
const (
	onCarrierLost trigger = "carrier lost" // by DCD, or by NO CARRIER in the data of a port without signals
	onGiveUp      trigger = "given up"     // the call or attempt has lost its owner
)

// Actions of the driver:
const (
	onOpened      trigger = "port opened"
	onLost        trigger = "port lost"
	onScript      trigger = "script started"
	onScriptEnded trigger = "script ended"
	onAnswer      trigger = "ATA sent"
	onDial        trigger = "dial command sent"
	onUnsent      trigger = "dial command not written"
	onHangUp      trigger = "hang-up started"
	onProven      trigger = "proven on hook"
	onUnproven    trigger = "not proven"
)

// happening is a trigger with its data.
type happening struct {
	on   trigger
	line event // the modem's message
	cr   bool  // a CR ended it: an LF may follow
	talk *talk // the script that started or ended
	good bool  // the script succeeded
	why  error // why the port was lost, or the line is not proven
}

// rule is one row of the table. The first rule that matches a trigger in a phase applies; if none matches, nothing
// changes.
type rule struct {
	from []phase
	on   trigger
	when []guard // all must be true
	to   phase   // same: it stays
	do   []action
	why  string
}

// same means that the phase does not change.
const same phase = "same"

type guard struct {
	name  string
	holds func(d *Driver, h happening) bool
}

// action is called with d.mu held, after the phase has changed.
type action struct {
	name string
	run  func(d *Driver, h happening)
}

// rules are the table: which phase follows from a trigger, and which actions. deafLocked names the phases in which
// input is ignored.
var rules = []rule{
	{from: in(closed), on: onOpened, to: starting},
	{from: in(starting), on: onProven, to: idle, do: do(tellUp), why: "the modem is ready and on hook"},
	{from: in(starting), on: onUnproven, to: unproven, do: do(tellUp),
		why: "ready, but not proven on hook: quarantine"},
	{from: in(starting), on: onRing, to: same, do: do(markDisturbed),
		why: "not answered; a reset that a call interrupts proves nothing"},
	{from: in(hangingUp), on: onRing, to: same, do: do(markDisturbed, keepLaterRing),
		why: "not answered; a reset that a call interrupts proves nothing"},
	{from: in(starting, hangingUp), on: onConnect, to: same, do: do(markDisturbed), why: "as for RING"},

	// The telephone rings.
	{from: in(idle, used), on: onRing, to: same, do: do(countRing)},
	{from: in(idle, used), on: onVoiceRing, when: all(missedCalls), to: same, do: do(countRing),
		why: "it is never answered, but may be a missed call"},
	{from: in(scripted), on: onRing, to: same, do: do(countRing, glare), why: "a line that rings is not dialed"},
	{from: in(dialing), on: onRing, to: aborted, do: do(glare, keepRing),
		why: "the next CONNECT would belong to the caller"},
	{from: in(answering), on: onRing, to: same, do: do(noteLateRing), why: "the modem may have lost ATA"},
	{from: in(idle, used, scripted, answering), on: onCallerID, to: same, do: do(noteCaller)},

	// A call begins.
	{from: in(idle), on: onAnswer, to: answering},
	{from: in(answering), on: onConnect, to: connected, do: do(takeData)},
	{from: in(idle), on: onConnect, when: all(autoAnswer), to: connected, do: do(takeData),
		why: "the modem answers by itself (S0)"},
	{from: in(idle, used), on: onConnect, to: dropped, do: do(wakeRun), why: "not our call"},
	{from: in(scripted), on: onConnect, to: dropped, do: do(glare), why: "not our call: no dial command was sent"},
	{from: in(idle, used), on: onScript, to: scripted, do: do(beginScript)},
	{from: in(scripted), on: onDial, to: dialing},
	{from: in(dialing), on: onUnsent, to: scripted, why: "its last look had become too old"},
	{from: in(scripted), on: onScriptEnded, to: used},
	{from: in(dialing), on: onConnect, to: connected, do: do(takeData, giveToScript)},
	{from: in(dialing), on: onFinal, when: all(online), to: dropped, do: do(endAttempt),
		why: "a call is up that we cannot use, for example a fax"},
	{from: in(dialing), on: onFinal, to: released, do: do(endAttempt)},
	{from: in(answering), on: onFinal, when: all(online), to: dropped},
	{from: in(answering), on: onFinal, to: released},
	{from: in(idle, used), on: onFinal, when: all(online), to: dropped, do: do(wakeRun)},
	{from: in(scripted), on: onFinal, when: all(online), to: dropped, do: do(glare)},
	{from: in(dialing), on: onScriptEnded, to: aborted},
	{from: in(answering), on: onGiveUp, to: aborted},

	// A call ends.
	{from: in(connected), on: onCarrierLost, to: released, do: do(tellHangingUp, endCall),
		why: "the session ends; the line is free only after the proof"},
	{from: in(connected), on: onGiveUp, to: dropped, do: do(tellHangingUp, endCall)},
	{from: in(connected), on: onScriptEnded, when: all(not(good)), to: dropped, do: do(endCall),
		why: "the script failed: no user gets this call"},

	// The hang-up, and its proof.
	{from: in(idle, used), on: onHangUp, to: hangingUp, do: do(keepRings, forgetRings),
		why: "no call is up: a caller who rings is still there"},
	{from: in(released, aborted, dropped, unproven), on: onHangUp, to: hangingUp, do: do(endRings, forgetRings)},
	{from: in(hangingUp), on: onProven, to: idle, do: do(forgetRings, recallRing, checkMail)},
	{from: in(hangingUp), on: onUnproven, to: unproven},

	{from: butClosed(), on: onLost, to: closed, do: do(tellDown, endCall, endScript)},
}

func in(p ...phase) []phase   { return p }
func all(g ...guard) []guard  { return g }
func do(a ...action) []action { return a }
func not(g guard) guard {
	return guard{"not " + g.name, func(d *Driver, h happening) bool { return !g.holds(d, h) }}
}

func butClosed() []phase { return phases[1:] }

var (
	autoAnswer  = guard{"auto-answer is on", func(d *Driver, _ happening) bool { return d.autoAnswer != "" }}
	missedCalls = guard{"missed calls are wanted", func(d *Driver, _ happening) bool { return d.o.Config.MissedCalls }}
	online      = guard{"the modem has left its command line",
		func(_ *Driver, h happening) bool { return h.line.online }}
	good = guard{"success", func(_ *Driver, h happening) bool { return h.good }}
)

var (
	tellUp = action{"up", (*Driver).tellUpLocked}
	// This comes before the call's owner learns of its end.
	tellHangingUp = action{"hanging up", func(d *Driver, _ happening) { d.host.Phase(lines.HangingUp) }}

	tellDown      = action{"down", (*Driver).tellDownLocked}
	markDisturbed = action{"start again", func(d *Driver, _ happening) { d.disturbed = true }}
	countRing     = action{"count the ring", func(d *Driver, h happening) { d.ringLocked(h.line) }}
	noteCaller    = action{"record the caller", func(d *Driver, h happening) { d.callerLocked(h.line.caller) }}
	noteLateRing  = action{"record the ring", func(d *Driver, h happening) {
		d.lateRing[0], d.lateRing[1] = d.lateRing[1], time.Now()
		if h.line.caller != "" {
			d.callerLocked(h.line.caller)
		}
	}}
	keepRing = action{"keep the ring", func(d *Driver, _ happening) { d.ringKept = time.Now() }}
	// With DCD, a call is up all the same, and RING may be its text.
	keepRings = action{"keep the rings", func(d *Driver, _ happening) {
		d.ringKept, d.keepsRings = d.lastRing, !d.signals.Has(lines.DCD)
	}}
	// RING may be text of the call that ends
	endRings = action{"keep no first ring", func(d *Driver, _ happening) { d.keepsRings = false }}
	// another ring of the same caller, or the first one while no call is up
	keepLaterRing = action{"keep a later ring", func(d *Driver, _ happening) {
		if d.keepsRings || !d.ringKept.IsZero() {
			d.ringKept = time.Now()
		}
	}}
	// That caller is still there: the line is not on offer to a script.
	recallRing = action{"recall the ring", func(d *Driver, _ happening) {
		if at := d.ringKept; !at.IsZero() && time.Since(at) < d.t.Rings {
			d.rings, d.tried, d.lastRing = 1, 1, at
		}
		d.ringKept = time.Time{}
	}}
	forgetRings  = action{"forget the rings", func(d *Driver, _ happening) { d.quietLocked() }}
	glare        = action{"glare", func(d *Driver, h happening) { d.talk.rangLocked(h.line) }}
	takeData     = action{"start the data", func(d *Driver, h happening) { d.connectLocked(h) }}
	giveToScript = action{"give the call to the script",
		func(d *Driver, _ happening) { d.talk.connectLocked(d.conn) }}
	endAttempt = action{"give the result to the script",
		func(d *Driver, h happening) { d.talk.finalLocked(h.line) }}
	beginScript = action{"begin the script", func(d *Driver, h happening) { d.talk = h.talk }}
	endScript   = action{"end the script", func(d *Driver, h happening) { d.talk.endLocked(h.why) }}
	endCall     = action{"end the call", func(d *Driver, _ happening) { d.endCallLocked() }}
	checkMail   = action{"look for short messages", func(d *Driver, _ happening) {
		if d.mail != nil { // the modem may have reported some while nobody listened
			d.mail.due = true
		}
	}}
	wakeRun = action{"hang up", func(d *Driver, _ happening) { signal(d.wake) }}
)

// happenLocked finds and applies the rule for a trigger. It reports whether there is one.
func (d *Driver) happenLocked(h happening) bool {
	for i := range rules {
		r := &rules[i]
		if r.on != h.on || !slices.Contains(r.from, d.phase) ||
			slices.ContainsFunc(r.when, func(g guard) bool { return !g.holds(d, h) }) {
			continue
		}
		if r.to != same {
			d.phase = r.to
		}
		for _, a := range r.do {
			a.run(d, h)
		}
		signal(d.notify)
		return true
	}
	return false
}

// deafLocked reports whether input is discarded because it may be data of a call without an owner. While the driver
// hangs up or starts, it processes answers to its own commands, but no ring and no call.
func (d *Driver) deafLocked() bool {
	switch d.phase {
	case released, aborted, dropped, unproven:
		return true
	case starting, hangingUp:
		return d.muffled
	}
	return false
}

// callMayBeUpLocked reports whether the line needs a hang-up before the port is closed.
func (d *Driver) callMayBeUpLocked() bool {
	return !slices.Contains([]phase{closed, starting, idle}, d.phase)
}

// modemSays returns the trigger for a result code, or none.
func modemSays(code lines.ResultCode) trigger {
	switch code {
	case lines.Ring:
		return onRing
	case lines.Connected:
		return onConnect
	case lines.OK, lines.NoResult:
		return ""
	}
	return onFinal
}
