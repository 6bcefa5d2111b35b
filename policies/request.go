package policies

import (
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/tty"
)

// Request is all that a decision about one caller depends on besides the Set. Ask returns one.
type Request struct {
	Identity aaa.Identity
	Auth     aaa.Authorization
	Service  aaa.Service
	PPPAuth  string // of PPP: the method by which the caller authenticated (aaa.Result), or AnyPPPAuth
	// Ringing: the call rings and is not answered yet. Identity is the user that AAA names for the calling number, and
	// nobody has authenticated. For a pending callback, Promised says whether it was so.
	Ringing bool
	// Trigger is what requests the callback: one of `triggers` of the policies; "": a call, or an operator. Nobody has
	// authenticated. For a pending callback, Promised says what it was.
	Trigger string
	Leg     int // 1 the caller's own call (0 means 1), 2 the call that a callback made
	// Raw: of a dial-out, the user asks for the modem itself (raw access), and not for a number.
	Raw        bool
	FromCaller *string // the number that the caller gave; nil: not asked yet
	Place      string  // instead of FromCaller, the name of a place that the caller gave (RFC 1570, operation 2)
	// CalledBack: on leg two, the number of a callback that was promised for another service. The user is admitted if
	// this service requires no callback, or one at the same number. Zero: the callback was promised for this service.
	CalledBack numbers.Number

	// The caller's own call, also on leg two.
	Caller string // the calling number (Calling-Station-Id); "" unknown
	Called string // the number that the caller dialed (Called-Station-Id); "" unknown
	TTY    int    // the line; 0 unknown
	Line   Line
	// Network: the session is on a vty, over the network. There is no call, and nobody to call back.
	Network bool

	// Promised is the decision of a pending callback that is checked again right before its dial; nil: the
	// first decision. Then only denials count: the Set is the current one; Auth is what AAA granted at the
	// login or, if Renewed, what it grants now.
	Promised *Decision
	Renewed  bool

	Time time.Time // time of the decision; rules read no clock
	// Latest is the latest time that any decision had. If it is after Time, the clock was set back, and hours that were
	// over do not begin again. Zero: unknown.
	Latest time.Time
	Used   Used
	// Windows are the access windows that are open, by group. They are only read.
	Windows map[string]AccessWindow
}

// Line is what a decision depends on about the line that a caller called. The zero value is an unknown line.
type Line struct {
	Rotary  *int // nil: none
	Trusted bool // callers cannot write the numbers that the line reports; otherwise these count for nothing
}

// Used is what the caller's identity uses at that time; the rules do not count it themselves.
type Used struct {
	Sessions int // live sessions on other calls
}

// Ask returns the Request about a caller from the request to AAA and its grant. No other code builds one: a
// login, its explanation, the check of the configuration and the check before a dial differ in what they know
// about the call, not in what they ask. q.TTY, q.Caller and q.Called are those of leg one; line is that TTY. On a vty
// there is no call: the client's address is no number, and the vty no line that a policy could name.
func Ask(q aaa.Request, granted aaa.Result, line Line, now time.Time, used Used) Request {
	_, network := tty.IsVTY(q.TTY)
	if network {
		q.TTY, q.Caller, q.Called, line = 0, "", "", Line{}
	}
	return Request{
		Network:  network,
		Identity: granted.Identity, Auth: granted.Auth, Service: q.Service, PPPAuth: granted.PPPAuth, Leg: q.Leg,
		Caller: q.Caller, Called: q.Called, TTY: q.TTY, Line: line, Time: now, Used: used,
	}
}
