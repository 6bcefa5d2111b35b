package fsm

import (
	"fmt"
	"time"
)

// Effect is an order to the engine: Send, StartTimer, StopTimer, LayerUp, LayerDown, LayerStarted or LayerFinished of
// this package, or one of another package's. Its text is for debugging.
type Effect interface{ String() string }

// Send orders the transmission of a packet of a control protocol.
type Send struct {
	Protocol uint16
	Packet   []byte // the information field of the frame; the engine owns it
}

// StartTimer orders that Timeout of the protocol's machine is called after a time. It replaces the machine's timer.
type StartTimer struct {
	Protocol uint16
	After    time.Duration
}

// StopTimer orders that Timeout is not called.
type StopTimer struct{ Protocol uint16 }

// LayerUp says that the protocol is open: its results are valid (This-Layer-Up).
type LayerUp struct{ Protocol uint16 }

// LayerDown says that the protocol is open no longer: all that rests on it ends before the next effect
// (This-Layer-Down).
type LayerDown struct {
	Protocol uint16
	Reason   Reason
}

// LayerStarted says that the layer below is needed (This-Layer-Started).
type LayerStarted struct{ Protocol uint16 }

// LayerFinished says that the layer below is not needed any more (This-Layer-Finished): the negotiation has ended, and
// why. It can come twice. A peer that goes on may open the layer again until Close or Down.
type LayerFinished struct {
	Protocol uint16
	Reason   Reason
}

func (e Send) String() string         { return fmt.Sprintf("%04x send % x", e.Protocol, e.Packet) }
func (e StartTimer) String() string   { return fmt.Sprintf("%04x start timer %v", e.Protocol, e.After) }
func (e StopTimer) String() string    { return fmt.Sprintf("%04x stop timer", e.Protocol) }
func (e LayerUp) String() string      { return fmt.Sprintf("%04x layer up", e.Protocol) }
func (e LayerDown) String() string    { return fmt.Sprintf("%04x layer down: %v", e.Protocol, e.Reason) }
func (e LayerStarted) String() string { return fmt.Sprintf("%04x layer started", e.Protocol) }
func (e LayerFinished) String() string {
	return fmt.Sprintf("%04x layer finished: %v", e.Protocol, e.Reason)
}

// Cause is the kind of a Reason, for programs. Packages lcp and ncp have more of them.
type Cause string

// The causes of all control protocols.
const (
	LowerLayerDown   Cause = "the layer below is down"
	PeerTerminated   Cause = "ended by the peer"
	PeerRestarted    Cause = "renegotiated by the peer"
	NoAnswer         Cause = "no answer to Configure-Requests"
	NotConverging    Cause = "the options do not converge"
	CodeRejected     Cause = "the peer rejects a basic code"
	ProtocolRejected Cause = "the peer rejects the protocol"
)

// Reason says why a layer went down or was finished. The zero Reason is none.
type Reason struct {
	Cause  Cause
	Detail string // for people; may come from the peer, so it can have any octets
}

// String is the text for a log. Octets of the peer that are not printable are escaped.
func (r Reason) String() string {
	if r.Detail == "" {
		return string(r.Cause)
	}
	return fmt.Sprintf("%s: %q", r.Cause, r.Detail)
}
