package ppp

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/auth"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/ppp/ncp"
)

// Effect is an order to the driver. Its text is for debugging and has no secrets.
type Effect interface{ String() string }

// Timer is the name of a timer.
type Timer uint8

// The timers.
const (
	LinkTimer    Timer = iota // LCP's restart timer, also while the link ends
	EchoTimer                 // the keepalive
	AuthTimer                 // the peer's next packet of the authentication
	CBCPTimer                 // the peer's Response, or its Terminate-Request
	IPCPTimer                 // IPCP's restart timer
	IPV6CPTimer               // IPV6CP's restart timer
	IdleTimer                 // no IP packet
	SessionTimer              // the limit of the session, and what the peer is told of it

	Timers // the number of timers
)

var timerNames = [...]string{"link", "echo", "auth", "cbcp", "ipcp", "ipv6cp", "idle", "session"}

// String is the timer's name.
func (t Timer) String() string {
	if int(t) < len(timerNames) {
		return timerNames[t]
	}
	return "unknown"
}

// Effects on timers. Timeout is called with Timer and Generation after the time. A timer that is started or stopped has
// a new generation: the end of an earlier one is ignored.
type (
	StartTimer struct {
		Timer      Timer
		Generation uint64
		After      time.Duration
	}
	StopTimer struct{ Timer Timer }
)

// Questions. They are answered once, with their number.
type (
	// Ask begins a login at AAA; Answered has its result.
	Ask struct {
		Question    int
		Credentials auth.Credentials
	}
	// Continue goes on with the login under way: the peer's next EAP packet. Answered has its result.
	Continue struct {
		Question int
		EAP      []byte
	}
	// Settle gives a final result to the session and the broker (session.Session.Settle); Settled has the decision.
	Settle struct {
		Question int
		Result   aaa.Result
	}
	// Promise answers the broker's offer with what the caller wants (session.Session.Promise); Promised has the
	// verdict.
	Promise struct {
		Question int
		Wish     cbcp.Wish
	}
	// Assign asks for the addresses of the link; Assigned has them.
	Assign struct {
		Question int
		Identity aaa.Identity
		Auth     aaa.Authorization
	}
	// Cancel says that the open question needs no answer: the peer has renegotiated, or the link has ended.
	Cancel struct{ Question int }
)

// Effects on the session and the network.
type (
	// Admit begins the session that the broker has admitted (session.Session.Admit).
	Admit struct{}
	// Leave ends the session that has begun, and not the call: the peer has to log in again.
	Leave struct{ Reason string }
	// OpenNetwork says that a network protocol is open: its packets may be sent with SendIP.
	OpenNetwork struct{ Opening }
	// CloseNetwork says that it is open no longer.
	CloseNetwork struct{ Family Family }
	// Release gives back what Assigned has brought.
	Release struct{}
	// Deliver hands an IP packet of the caller to the network. The packet is valid until the next Receive.
	Deliver struct{ Packet []byte }
	// End says that the link has ended. What Output still has is written first. It is returned once, as the last
	// Effect.
	End struct{ Ending }
	// Note is a line for the operator who debugs the link.
	Note struct{ Text string }
)

// Family is a network protocol.
type Family uint8

// The network protocols.
const (
	IPv4 Family = iota
	IPv6

	families
)

// String is the protocol's name.
func (f Family) String() string {
	if f == IPv6 {
		return "IPv6"
	}
	return "IPv4"
}

// Opening is what was negotiated for a network protocol.
type Opening struct {
	Family      Family
	Local, Peer netip.Addr // of IPv4
	LocalID     ncp.InterfaceID
	PeerID      ncp.InterfaceID
	MTU         int // the largest packet for SendIP
}

// Ending is why a link ended.
type Ending struct {
	Cause  aaa.Cause
	Reason string // for the operator; may have any octets of the peer, escaped
}

func (e StartTimer) String() string { return fmt.Sprintf("start %v timer %v", e.Timer, e.After) }
func (e StopTimer) String() string  { return fmt.Sprintf("stop %v timer", e.Timer) }
func (e Ask) String() string {
	return fmt.Sprintf("ask AAA (%d): user %q", e.Question, e.Credentials.User)
}
func (e Continue) String() string { return fmt.Sprintf("continue with AAA (%d)", e.Question) }
func (e Settle) String() string   { return fmt.Sprintf("settle (%d): %v", e.Question, e.Result.Kind) }
func (e Promise) String() string {
	return fmt.Sprintf("promise (%d): %s", e.Question, e.Wish)
}
func (e Assign) String() string       { return fmt.Sprintf("assign addresses (%d)", e.Question) }
func (e Cancel) String() string       { return fmt.Sprintf("cancel (%d)", e.Question) }
func (Admit) String() string          { return "admit" }
func (e Leave) String() string        { return "leave the session: " + e.Reason }
func (e CloseNetwork) String() string { return "close " + e.Family.String() }
func (Release) String() string        { return "release addresses" }
func (e *Deliver) String() string     { return fmt.Sprintf("deliver %d octets", len(e.Packet)) }
func (e End) String() string          { return fmt.Sprintf("end: cause %d, %s", e.Cause, e.Reason) }
func (e Note) String() string         { return e.Text }
func (e OpenNetwork) String() string {
	if e.Family == IPv6 {
		return fmt.Sprintf("open IPv6: %v to %v, MTU %d", e.LocalID, e.PeerID, e.MTU)
	}
	return fmt.Sprintf("open IPv4: %v to %v, MTU %d", e.Local, e.Peer, e.MTU)
}
