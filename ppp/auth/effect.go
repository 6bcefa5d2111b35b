package auth

import (
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
)

// Effect is an order to the engine: Send, StartTimer, StopTimer, Ask, Continue, Granted or Failed. Its text is for
// debugging and has no secrets.
type Effect interface{ String() string }

// Send orders the transmission of a packet.
type Send struct {
	Protocol uint16
	Packet   []byte // the information field of the frame; the engine owns it
}

// StartTimer orders that Timeout is called after a time. It replaces the timer of an earlier StartTimer.
type StartTimer struct{ After time.Duration }

// StopTimer orders that Timeout is not called.
type StopTimer struct{}

// Ask orders a new login at AAA (aaa.Login.Start). The engine calls Answer with its result.
type Ask struct{ Credentials }

// Continue orders that the login under way goes on with the peer's next EAP packet (aaa.Conversation.Answer). The
// engine calls Answer with its result.
type Continue struct{ EAP []byte }

// Granted says that the peer has passed: Result is AAA's grant.
type Granted struct{ Result aaa.Result }

// Failed says that the peer has not passed: the link ends.
type Failed struct{ Reason Reason }

func (e Send) String() string {
	return fmt.Sprintf("%04x send %s", e.Protocol, describe(e.Protocol, e.Packet))
}
func (e StartTimer) String() string { return fmt.Sprintf("start timer %v", e.After) }
func (StopTimer) String() string    { return "stop timer" }
func (e Ask) String() string        { return fmt.Sprintf("ask AAA about %q", e.User) }
func (e Continue) String() string {
	return fmt.Sprintf("continue with %s", describe(EAP.Protocol(), e.EAP))
}
func (e Granted) String() string { return fmt.Sprintf("granted to %v", e.Result.Identity) }
func (e Failed) String() string  { return fmt.Sprintf("failed: %v", e.Reason) }

// Credentials are what the peer proves to AAA, as package aaa has it: one of Password, CHAP, MSCHAP and EAP.
type Credentials struct {
	User     string
	Password aaa.Secret // PAP; it may be empty
	CHAP     *aaa.CHAP
	MSCHAP   *aaa.MSCHAP
	EAP      []byte
}

// Request returns r with the credentials in place of its own.
func (c Credentials) Request(r aaa.Request) aaa.Request {
	r.User, r.Password, r.CHAP, r.MSCHAP, r.EAP = c.User, c.Password, c.CHAP, c.MSCHAP, c.EAP
	return r
}

// Cause is the kind of a Reason, for programs.
type Cause string

// The causes for which a peer fails.
const (
	PeerSilent       Cause = "the peer does not authenticate"
	ProtocolRejected Cause = "the peer rejects the authentication protocol that it accepted"
	BadName          Cause = "the user name cannot be used"
	BadResponse      Cause = "the response does not fit the method"
	Reflected        Cause = "the peer sends our challenge back"
	Refused          Cause = "refused"
	Unanswered       Cause = "AAA gives no answer"
	TooManyRounds    Cause = "the EAP conversation has no end"
)

// Reason says why a peer failed.
type Reason struct {
	Cause  Cause
	Detail string // for the operator; may come from the peer or AAA, so it can have any octets
}

// String is the text for a log. Octets that are not printable are escaped.
func (r Reason) String() string {
	if r.Detail == "" {
		return string(r.Cause)
	}
	return fmt.Sprintf("%s: %q", r.Cause, r.Detail)
}
