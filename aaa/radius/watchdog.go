package radius

import "time"

// State is the state of a server's health, with the names of RFC 3539 §3.4.
type State string

const (
	Initial State = "initial" // nothing received yet
	Okay    State = "okay"
	Suspect State = "suspect" // a request was not answered; other servers are asked first until it answers
	Down    State = "down"    // other servers are asked first
	Reopen  State = "reopen"  // it answers Status-Server again, and must do so three times before it is asked again
)

// happening is an event for a watchdog.
type happening string

const (
	onAnswer  happening = "answer"  // an authentic answer to an ordinary request
	onProof   happening = "proof"   // an authentic answer to Status-Server
	onSilence happening = "silence" // an ordinary request was not answered
	onOpen    happening = "open"    // the connection was opened (TLS)
	onLoss    happening = "loss"    // the connection was lost, or could not be opened (TLS)
	onTimer   happening = "timer"   // the timer fired
)

// action is a set of actions that a watchdog requests.
type action uint8

const (
	setTimer  action = 1 << iota // set the timer to Tw with jitter
	sendProbe                    // send a Status-Server
	dropConns                    // close the connection
	tryOpen                      // open a connection
)

// watchdog is the state machine of RFC 3539 §3.4.1 for one server, without clock or sockets. A rule that differs from
// the RFC, because of datagrams or because a person is waiting at the other end of a modem, has a comment.
type watchdog struct {
	state   State
	pending bool // a Status-Server is unanswered
	proofs  int  // in Reopen: answers to Status-Server; -1 if one was missed
	known   bool // it has answered Status-Server before
	stream  bool // a connection: it is probed while it is up, too
	strict  bool // StatusOn: Status-Server decides even if it has never been answered
	off     bool // StatusOff: Status-Server is never sent
}

// judged reports whether silence after a Status-Server means that the server is down: not all servers support it.
func (w *watchdog) judged() bool { return !w.off && (w.known || w.strict) }

// watchdogRules are the transitions. The first matching rule applies; without a match nothing changes.
var watchdogRules = []struct {
	from State
	on   happening
	when func(w *watchdog) bool // nil: always
	to   State
	do   func(w *watchdog) action // nil: nothing
}{
	// An answered request is the best proof. The RFC discards such answers in Down and Reopen, where it sends no
	// requests; we send requests there if all servers are down.
	{Initial, onAnswer, nil, Okay, (*watchdog).wellAgain},
	{Okay, onAnswer, nil, Okay, (*watchdog).wellAgain},
	{Suspect, onAnswer, nil, Okay, (*watchdog).wellAgain},
	{Down, onAnswer, nil, Okay, (*watchdog).wellAgain},
	{Reopen, onAnswer, nil, Okay, (*watchdog).wellAgain},

	// The RFC has no event for an unanswered request, because a proxy cannot know which server is silent. Here a person
	// is waiting, so other servers are asked first from now on, and a Status-Server is sent immediately.
	{Initial, onSilence, (*watchdog).judged, Suspect, (*watchdog).probe},
	{Okay, onSilence, (*watchdog).judged, Suspect, (*watchdog).probe},
	{Initial, onSilence, nil, Down, (*watchdog).probe},
	{Okay, onSilence, nil, Down, (*watchdog).probe},
	{Reopen, onSilence, nil, Down, (*watchdog).probe},

	{Initial, onOpen, nil, Okay, (*watchdog).wellAgain},
	{Initial, onLoss, nil, Down, (*watchdog).waiting},
	{Suspect, onOpen, nil, Suspect, (*watchdog).probe},
	{Down, onOpen, nil, Reopen, (*watchdog).reopening},

	// If the server closes an idle connection, it is opened again when needed. If the server closes it without
	// answering a Status-Server, the server is down.
	{Okay, onLoss, func(w *watchdog) bool { return w.pending && w.judged() }, Down, (*watchdog).waiting},
	{Okay, onLoss, nil, Initial, nil},
	{Suspect, onLoss, nil, Down, (*watchdog).waiting},
	{Reopen, onLoss, nil, Down, (*watchdog).waiting},

	{Okay, onProof, nil, Okay, (*watchdog).wellAgain},
	{Suspect, onProof, nil, Okay, (*watchdog).wellAgain},
	{Down, onProof, nil, Reopen, (*watchdog).firstProof}, // there is no onOpen for datagrams
	{Reopen, onProof, func(w *watchdog) bool { return w.proofs >= 2 }, Okay, (*watchdog).wellAgain},
	{Reopen, onProof, nil, Reopen, (*watchdog).anotherProof},

	{Okay, onTimer, func(w *watchdog) bool { return !w.stream }, Okay, nil}, // an unused server needs no probe
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

// step applies an event and returns the requested actions.
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

// passedOver reports whether other servers are asked first. after is the end of the dead time.
func (w *watchdog) passedOver(now, after time.Time) bool {
	switch w.state {
	case Suspect:
		return true
	case Down, Reopen:
		return w.judged() || now.Before(after)
	}
	return false
}
