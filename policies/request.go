package policies

import (
	"time"

	"github.com/ringback/ringback/aaa"
)

// Request is all that a decision about one caller depends on besides the Set. Ask makes one.
type Request struct {
	Identity   aaa.Identity
	Auth       aaa.Authorization
	Service    aaa.Service
	Leg        int     // 1 the caller's own call (0 stands for 1), 2 the call that a callback made
	FromCaller *string // what the caller typed for a number; nil: not asked yet

	Caller        string // the number that called us (Calling-Station-Id); "" unknown
	CallerTrusted bool   // no caller of that line can write the number; else it is never dialed

	// Promised is the decision of a pending callback that is looked at again right before its dial; nil: it is the
	// first. Then only denials count: the Set is that of now, Auth what AAA granted then or, where Renewed, what it
	// granted now.
	Promised *Decision
	Renewed  bool

	Time time.Time // when it is asked: rules read no clock
	Used Used
}

// Used is what the caller's identity uses at that time. Rules count nothing themselves.
type Used struct {
	Sessions int // live sessions on other calls
}

// Ask makes the Request about a caller from what AAA was asked with and what it granted. It is the one place that
// does: a login, its explanation, the check of the configuration and the look before a dial differ in what they
// know of the call, not in what is asked. trusted: the port has modem signals, so that q.Caller is the network's
// word.
func Ask(q aaa.Request, granted aaa.Result, trusted bool, now time.Time, used Used) Request {
	return Request{
		Identity: granted.Identity, Auth: granted.Auth, Service: q.Service, Leg: q.Leg,
		Caller: q.Caller, CallerTrusted: trusted, Time: now, Used: used,
	}
}
