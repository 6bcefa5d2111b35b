package cbcp

import (
	"fmt"
	"time"
)

// Effect is an order to the engine: Send, StartTimer, StopTimer, Ask, Proceed or End. Its text is for debugging.
type Effect interface{ String() string }

// Send orders the transmission of a packet of CBCP.
type Send struct {
	Protocol uint16 // Protocol
	Packet   []byte // the information field of the frame; the engine owns it
}

// StartTimer orders that Timeout is called after a time. It replaces the timer of an earlier StartTimer.
type StartTimer struct{ After time.Duration }

// StopTimer orders that Timeout is not called.
type StopTimer struct{}

// Ask orders that the broker is asked to promise what the caller has chosen, or to admit a caller who declines
// (session.Session.Promise). The engine calls Answer with its verdict.
type Ask struct{ Wish Wish }

// Proceed says that there is no callback and the network protocols may open. The Machine stays: it answers repeated
// Responses.
type Proceed struct{}

// End says that the link ends: the engine closes LCP.
type End struct {
	Reason Reason
	Text   string // for the caller, in the Terminate-Request
}

func (e Send) String() string       { return "c029 send " + describe(e.Packet) }
func (e StartTimer) String() string { return fmt.Sprintf("c029 start timer %v", e.After) }
func (StopTimer) String() string    { return "c029 stop timer" }
func (Proceed) String() string      { return "c029 proceed without a callback" }
func (e End) String() string        { return fmt.Sprintf("c029 end: %v", e.Reason) }
func (e Ask) String() string {
	if e.Wish.Decline {
		return "c029 the caller declines"
	}
	return fmt.Sprintf("c029 ask the broker: number %q, delay %v", e.Wish.Number, e.Wish.Delay)
}

// describe returns a packet for debugging.
func describe(b []byte) string {
	code, id, options, ok := parseMessage(b)
	if !ok {
		return fmt.Sprintf("a damaged packet of %d octets", len(b))
	}
	name := fmt.Sprintf("code %d", code)
	names := [...]string{codeRequest: "Request", codeResponse: "Response", codeAck: "Ack"}
	if int(code) < len(names) && names[code] != "" {
		name = names[code]
	}
	return fmt.Sprintf("%s id %d: % x", name, id, options)
}

// Cause is the kind of a Reason, for programs.
type Cause string

// The causes for which the link ends.
const (
	CallbackPromised Cause = "callback promised" // the caller was told, and did not end the link itself
	Refused          Cause = "callback refused"
	NoResponse       Cause = "the peer does not answer CBCP"
	NotAgreed        Cause = "the peer chooses no callback that is offered"
	ProtocolRejected Cause = "the peer rejects CBCP, which it accepted"
)

// Reason says why the link ends.
type Reason struct {
	Cause  Cause
	Detail string // for the operator; may come from the peer, so it can have any octets
}

// String is the text for a log. Octets that are not printable are escaped.
func (r Reason) String() string {
	if r.Detail == "" {
		return string(r.Cause)
	}
	return fmt.Sprintf("%s: %q", r.Cause, r.Detail)
}
