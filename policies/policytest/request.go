package policytest

import (
	"cmp"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/tty"
)

// Asked describes a request as a test or a command line does: what AAA would answer about a user, and what is known
// about the call. The zero value is an EXEC login of a user without a name that AAA admits without a callback.
type Asked struct {
	User    string
	Entry   string      // the method-list entry that authenticated the user
	Groups  []string    // AAA's group hints, in their order
	Service aaa.Service // "": aaa.EXEC; aaa.Outbound: AAA grants that the user dials out
	Auth    string      // of PPP: the method by which the user authenticated; "": unknown

	Callback bool     // AAA requires a callback; one of the next three says so too
	Number   *string  // AAA's number; "" leaves it to the caller. Of a dial-out: the one that may be dialed
	Further  []string // AAA's other numbers, after Number
	Place    string   // AAA's Callback-Id
	Address  string   // of PPP: AAA's fixed IPv4 address; "": none
	CallerID bool     // AAA requires a callback to the calling number
	NoVerify bool     // AAA grants that the second login is omitted

	Priv      int // AAA's privilege level
	PortLimit int // AAA's maximum of simultaneous sessions; 0: none
	Sessions  int // that the user has already

	Typed   *string   // the number that the caller gave; nil: not asked yet
	Caller  string    // the calling number; "": unknown. It is that of the network, not of the caller
	Called  string    // the number that the caller dialed; "": unknown
	Line    int       // the line that the caller called, a TTY; 0: unknown
	Rotary  *int      // of that line; nil: none
	Ringing bool      // the call is not answered yet; User is the user that AAA names for the calling number
	Network bool      // the session is on a vty, over the network
	Trigger string    // what requests the callback without a call (`triggers` of the policies); "": a call
	Raw     bool      // with the service outbound: the user asks for the modem itself
	Leg     int       // 0 and 1: the caller's own call; 2: the call that the callback made
	Time    time.Time // of the request
	// Windows are the access windows that are open at that time: by group, how many operators have agreed.
	Windows map[string]int
}

// Request returns the request that the daemon would make of this.
func (a Asked) Request() policies.Request {
	service := a.Service
	if service == "" {
		service = aaa.EXEC
	}
	auth := aaa.Authorization{Callback: a.Callback, CallbackID: a.Place, CallerID: a.CallerID, NoVerify: a.NoVerify,
		PrivLevel: a.Priv, PortLimit: a.PortLimit, Groups: a.Groups}
	if a.Number != nil {
		auth.Dialstring, auth.Further = aaa.DialstringOf(*a.Number), a.Further
	}
	if a.Address != "" {
		auth.Framed = &aaa.Framed{Address: a.Address}
	}
	auth.Callback = auth.Callback || a.Number != nil || a.Place != "" || a.CallerID
	if service == aaa.Outbound {
		auth.Callback, auth.DialOut = false, &aaa.DialOut{}
	}
	asked := aaa.Request{Service: service, User: a.User, Leg: a.Leg, Caller: a.Caller, Called: a.Called,
		TTY: a.Line}
	if a.Network {
		asked.TTY = tty.VTY(0)
	}
	granted := aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: a.Entry, User: a.User}, Auth: auth,
		PPPAuth: cmp.Or(a.Auth, policies.AnyPPPAuth)}
	r := policies.Ask(asked, granted, policies.Line{Rotary: a.Rotary, Trusted: true}, a.Time,
		policies.Used{Sessions: a.Sessions})
	r.FromCaller, r.Ringing, r.Trigger, r.Raw = a.Typed, a.Ringing, a.Trigger, a.Raw
	for group, operators := range a.Windows {
		if r.Windows == nil {
			r.Windows = map[string]policies.AccessWindow{}
		}
		r.Windows[group] = policies.AccessWindow{Until: a.Time.Add(time.Hour), Operators: operators}
	}
	return r
}
