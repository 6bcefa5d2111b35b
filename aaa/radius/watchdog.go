package radius

import "time"

// State is what is known of a server's health, in the words of RFC 3539 §3.4.
type State string

const (
	Initial State = "initial" // nothing was heard of it yet
	Okay    State = "okay"
	Suspect State = "suspect" // it left something unanswered; others are asked first until it answers
	Down    State = "down"    // others are asked first
	Reopen  State = "reopen"  // it answers Status-Server again, and must do so three times before it is asked again
)

// happening is what a watchdog learns.
type happening string

const (
	onAnswer  happening = "answer"  // an authentic answer to an ordinary request
	onProof   happening = "proof"   // an authentic answer to Status-Server
	onSilence happening = "silence" // an ordinary request was answered by nobody
	onOpen    happening = "open"    // the connection stands (TLS)
	onLoss    happening = "loss"    // the connection was lost, or could not be made (TLS)
	onTimer   happening = "timer"   // the timer
)

// action is what a watchdog wants done.
type action uint8

const (
	setTimer  action = 1 << iota // Tw, with jitter, from now
	sendProbe                    // a Status-Server
	dropConns                    // close the connection
	tryOpen                      // make a connection
)

// watchdog is the state machine of RFC 3539 §3.4.1 for one server. It is pure: no clock, no socket. Where datagrams, or
// the person waiting at the other end of a modem, want something else than the RFC, the rule says so.
type watchdog struct {
	state   State
	pending bool // a Status-Server is unanswered
	proofs  int  // in Reopen: answers to Status-Server; -1 when one was missed
	known   bool // it has once answered Status-Server
	stream  bool // a connection: it is watched while it is well, too
	strict  bool // StatusOn: it is judged by Status-Server though it has never answered one
	off     bool // StatusOff: it is never sent one
}

// judged reports whether silence to Status-Server says anything of this server: not all of them speak it.
func (w *watchdog) judged() bool { return !w.off && (w.known || w.strict) }

// watchdogRules is the machine. The first rule that fits is taken; what fits none changes nothing.
var watchdogRules = []struct {
	from State
	on   happening
	when func(w *watchdog) bool // nil: always
	to   State
	do   func(w *watchdog) action // nil: nothing
}{
	// A request that was answered is the best proof. The RFC throws such answers away in Down and Reopen, where it
	// sends no requests; we send them there when every server is down.
	{Initial, onAnswer, nil, Okay, (*watchdog).wellAgain},
	{Okay, onAnswer, nil, Okay, (*watchdog).wellAgain},
	{Suspect, onAnswer, nil, Okay, (*watchdog).wellAgain},
	{Down, onAnswer, nil, Okay, (*watchdog).wellAgain},
	{Reopen, onAnswer, nil, Okay, (*watchdog).wellAgain},

	// Silence to a request is not in the RFC, whose proxies cannot tell whose silence it is. Here somebody waits:
	// others are asked first from now on, and Status-Server is asked at once.
	{Initial, onSilence, (*watchdog).judged, Suspect, (*watchdog).probe},
	{Okay, onSilence, (*watchdog).judged, Suspect, (*watchdog).probe},
	{Initial, onSilence, nil, Down, (*watchdog).probe},
	{Okay, onSilence, nil, Down, (*watchdog).probe},
	{Reopen, onSilence, nil, Down, (*watchdog).probe},

	{Initial, onOpen, nil, Okay, (*watchdog).wellAgain},
	{Initial, onLoss, nil, Down, (*watchdog).waiting},
	{Suspect, onOpen, nil, Suspect, (*watchdog).probe},
	{Down, onOpen, nil, Reopen, (*watchdog).reopening},

	// A connection that its server closes for idleness is opened again when it is needed; one that owes an answer is
	// down.
	{Okay, onLoss, func(w *watchdog) bool { return w.pending && w.judged() }, Down, (*watchdog).waiting},
	{Okay, onLoss, nil, Initial, nil},
	{Suspect, onLoss, nil, Down, (*watchdog).waiting},
	{Reopen, onLoss, nil, Down, (*watchdog).waiting},

	{Okay, onProof, nil, Okay, (*watchdog).wellAgain},
	{Suspect, onProof, nil, Okay, (*watchdog).wellAgain},
	{Down, onProof, nil, Reopen, (*watchdog).firstProof}, // datagrams have no onOpen
	{Reopen, onProof, func(w *watchdog) bool { return w.proofs >= 2 }, Okay, (*watchdog).wellAgain},
	{Reopen, onProof, nil, Reopen, (*watchdog).anotherProof},

	{Okay, onTimer, func(w *watchdog) bool { return !w.stream }, Okay, nil}, // a server that nobody asks needs no proof
	{Okay, onTimer, func(w *watchdog) bool { return !w.pending }, Okay, (*watchdog).probe},
	{Okay, onTimer, (*watchdog).judged, Suspect, (*watchdog).waiting},
	{Okay, onTimer, nil, Okay, (*watchdog).probe},
	{Suspect, onTimer, nil, Down, (*watchdog).dropping},
	{Down, onTimer, func(w *watchdog) bool { return w.stream }, Down, (*watchdog).opening},
	{Down, onTimer, nil, Down, (*watchdog).probe},
	{Reopen, onTimer, func(w *watchdog) bool { return !w.pending }, Reopen, (*watchdog).probe},
	{Reopen, onTimer, func(w *watchdog) bool { return w.proofs < 0 || !w.stream }, Down, (*watchdog).dropping},
	{Reopen, onTimer, nil, Reopen, (*watchdog).missed},
}

func (w *watchdog) wellAgain() action { w.pending, w.proofs = false, 0; return setTimer }
func (w *watchdog) probe() action     { w.pending = true; return sendProbe | setTimer }
func (w *watchdog) waiting() action   { return setTimer }
func (w *watchdog) opening() action   { return tryOpen | setTimer }
func (w *watchdog) reopening() action { w.proofs = 0; return w.probe() }

func (w *watchdog) dropping() action {
	w.pending, w.proofs = false, 0
	if !w.stream {
		return w.probe()
	}
	return dropConns | setTimer
}

func (w *watchdog) firstProof() action { w.pending, w.proofs = false, 1; return setTimer }

func (w *watchdog) anotherProof() action {
	w.pending = false
	w.proofs = max(w.proofs, 0) + 1
	return 0
}

func (w *watchdog) missed() action { w.proofs = -1; return setTimer }

// step moves the machine and returns what is to be done.
func (w *watchdog) step(h happening) action {
	if h == onProof {
		w.known = true
	}
	if w.state == "" {
		w.state = Initial
	}
	for _, r := range watchdogRules {
		if r.from != w.state || r.on != h || r.when != nil && !r.when(w) {
			continue
		}
		w.state = r.to
		if r.do == nil {
			return 0
		}
		d := r.do(w)
		if w.off {
			w.pending, d = false, d&^(sendProbe|tryOpen)
		}
		return d
	}
	return 0
}

// passedOver reports whether others are asked before it. after is the end of the dead time.
func (w *watchdog) passedOver(now, after time.Time) bool {
	switch w.state {
	case Suspect:
		return true
	case Down, Reopen:
		return w.judged() || now.Before(after)
	}
	return false
}
