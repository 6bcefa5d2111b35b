// Package session is the life of a call, from the first octet to the hang-up. A front end (the EXEC, PPP) speaks with
// the caller; the session holds it to what all callers are held to: AAA proves who calls, the Guard limits guessing,
// the Broker decides, the accounting hears of the begin and the end, time limits and a lost carrier end it. It decides
// nothing about callbacks, keeps no record, speaks no protocol and never hangs up: the Broker does.
package session

import (
	"context"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// Config is what all sessions of a node have in common.
type Config struct {
	FrontEnds Chooser // which protocols are spoken, and when; nil serves nobody

	Tries        int           // logins a call is allowed; 0 is 3
	FailureDelay time.Duration // pause after each login that failed; 0 is 2 s, negative none
	LoginTimeout time.Duration // from the answer to the end of the login and the choice of a number; 0 is 60 s, negative none

	// Interim is the time between two interim reports of a session; 0 leaves it to AAA (Authorization.InterimInterval),
	// negative none whatever AAA says. What is set here goes before what AAA says (RFC 2869 §2.1). Less than a minute
	// is a minute.
	Interim time.Duration

	Guard Guard // limits guessing across calls; nil: nothing does but Tries and FailureDelay

	// Joined hears of each connection to a host that was tried for a user: why is empty where it stands. It may block
	// for a disk; nil: nobody hears.
	Joined func(call *lines.Call, user, host, why string)

	// Debug gets one line of text for each step of a login and its callback (`debug aaa`, `debug callback`); nil none.
	// It is called from the call's goroutine and must not block. No secret is ever in it.
	Debug func(tty int, text string)
}

// Leg says which leg of a callback a call is. The zero value is leg one: somebody rang us.
type Leg struct {
	Number     int         // 1 (or 0) and 2
	CallbackID string      // leg two: the callback that this call fulfils
	Service    aaa.Service // leg two: the service of leg one, whose front end serves

	// Identity is what must be proven on leg two: same user by the same method-list entry.
	Identity aaa.Identity
	// NoVerify takes the Identity on leg two as proven, with Auth as leg one had it: no prompt. The Broker sets it only
	// where AAA granted it and the policy allows it. Decide is asked all the same and may still refuse.
	NoVerify bool
	Auth     aaa.Authorization // what the session may have with NoVerify; else of leg one: its Grantor must grant again
	Server   string            // NoVerify: the server that granted it
}

// Asked is what the Broker is asked about: a caller who proved their identity.
type Asked struct {
	Call     *lines.Call
	Identity aaa.Identity
	Auth     aaa.Authorization
	Service  aaa.Service // of the front end
	Server   string      // the AAA server that granted
	Session  int         // 1 for the first grant on this call, 2 after a refusal and a second login, …
}

// Offer is the callback that a caller may have. It holds nothing: nobody is called before Promise says so, and it may
// be dropped at any time. It ends with the session that it was made for, at the next Decide on its call, and when it is
// promised or refused.
type Offer struct {
	ID         string        // for the Choice
	Number     string        // the fixed number, canonical digits; "" leaves it to the caller
	MayDecline bool          // the caller may have the session on this call in place of the callback
	Wait       time.Duration // least time from the hang-up to the dial; the line that dials may make it longer
}

// MaxDelay is the longest delay that a caller may ask for: CBCP's, which is one octet of seconds.
const MaxDelay = 255 * time.Second

// Choice is the caller's answer to an Offer.
type Choice struct {
	Call    *lines.Call
	Offer   string        // its ID
	Number  string        // where the Offer leaves it to the caller: as typed; else ""
	Decline bool          // no callback
	Delay   time.Duration // wait so long at least, 0 to MaxDelay. It never makes the wait shorter
}

// VerdictKind is what is to become of a caller.
type VerdictKind int

const (
	Refuse    VerdictKind = iota // not admitted, not called back; the zero value, so that nothing forgotten admits
	Admit                        // the session begins now
	Offered                      // Decide: a callback is possible, by Promise
	BadChoice                    // Promise: the choice will not do (Text says why); the offer stands for another
	Promised                     // Promise: the callback is recorded: tell the caller and end the call
)

func (k VerdictKind) String() string {
	names := [...]string{"refuse", "admit", "offered", "bad choice", "promised"}
	if k < 0 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// Verdict is the Broker's answer.
type Verdict struct {
	Kind       VerdictKind
	Offer      Offer  // of Offered
	Text       string // for the caller where they are refused or the choice is bad; "" is a default
	Reason     string // for the operator; never shown to the caller
	CallbackID string // of Promised
}

// Broker decides about callers and hears what became of them.
type Broker interface {
	// Decide blocks until the verdict stands: Refuse, Admit or Offered, and on leg two all but Admit is a refusal. ctx
	// ends when the call does, or with the cause ErrLoginTimeout: then a verdict is no longer waited for.
	Decide(ctx context.Context, a Asked) Verdict
	// Promise acts on the answer to an offer, checks anew what may have changed since, and blocks until the verdict
	// stands: Refuse, BadChoice, Admit (declined), or Promised, that only after the callback is durable. An offer leads
	// to one callback at most. ctx is as Decide's.
	Promise(ctx context.Context, c Choice) Verdict
	// Report tells of a session's begin and end, each exactly once and in this order, for every grant of AAA that may
	// stand on this leg (and for a NoVerify leg two), also where a callback or a refusal follows. Between the two come
	// its commands and interims, never two reports at once; an interim may come while Decide is at work. A report
	// counts whatever becomes of ctx, whose end says no more than that nobody waits until it is recorded.
	Report(ctx context.Context, r Report)
}

// ReportKind tells what a Report is about.
type ReportKind int

const (
	Began   ReportKind = iota + 1 // AAA granted (leg one: before Decide)
	Ended                         // the session is over
	Command                       // an EXEC command is run: one for each that was allowed, before it does anything
	Interim                       // the session goes on
)

// Report is one event for accounting.
type Report struct {
	Kind     ReportKind
	Time     time.Time // wall clock
	Call     *lines.Call
	Identity aaa.Identity
	Auth     aaa.Authorization
	Service  aaa.Service
	Server   string
	Leg      int
	Session  int // as in Asked; Call.ID and Session name a session

	CallbackID string // the callback that was promised (leg one) or is fulfilled (leg two); "" none

	// Of Command only.
	Command   string // its words whole, whatever was typed: "show line 65"; never a password
	PrivLevel int    // the level at which it is run

	// Of Ended and Interim.
	Admitted  bool          // the caller had the session; false: refused, promised a callback or lost before
	OctetsIn  uint64        // from the caller since the call began (or since the session before it on this call ended)
	OctetsOut uint64        // to the caller, likewise
	Duration  time.Duration // since Began, by the monotonic clock

	// Of Ended only.
	Cause  aaa.Cause // CauseCallback after a promise
	Reason string    // for the operator
}

// End is a cause for cancelling a session's ctx (context.WithCancelCause) that says more than that the line was
// cleared: Cause goes into accounting, Text to the caller. Any other cause is an AdminReset.
type End struct {
	Cause aaa.Cause
	Text  string // "" shows nothing
}

func (e End) Error() string { return "ended: " + e.Text }

// Login authenticates and authorizes callers. An aaa.Login satisfies it.
type Login interface {
	// Start begins a conversation and blocks for its first Result; where that is a Prompt, the Conversation goes on.
	// With r.Enable a user who is logged in asks for a higher privilege level.
	Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result)
	// Command asks whether an EXEC command may be run and blocks for the Result: Granted, and else it is not run.
	Command(ctx context.Context, q aaa.Question) aaa.Result
}

// Shower has what the EXEC's show commands show. Each method returns a copy and may be called from any goroutine.
type Shower interface {
	Lines() []lines.Status
	Users() []UserLine
	Callbacks() []CallbackLine
}

// UserLine is one row of `show users`.
type UserLine struct {
	TTY     int
	User    string
	Service aaa.Service
	Leg     int
	Caller  string // calling number; "" unknown
	Since   time.Time
}

// CallbackLine is one row of `show callback`.
type CallbackLine struct {
	ID         string
	User       string
	Dialstring string // shown whole at privilege level 15 only
	TTY        int    // the line that dials or dialled; 0 not chosen yet
	State      string
	Reason     string
	Since      time.Time // when it was promised
}

// OutcomeKind tells how a call went.
type OutcomeKind int

const (
	NotAdmitted      OutcomeKind = iota // nobody was let in, nothing was promised
	SessionEnded                        // the caller had the session and it is over
	CallbackPromised                    // CallbackID is recorded and calls the caller back
)

func (k OutcomeKind) String() string {
	names := [...]string{"not admitted", "session ended", "callback promised"}
	if k < 0 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// Outcome is how a call went. Whatever it says, the Broker now hangs up.
type Outcome struct {
	Kind       OutcomeKind
	Cause      aaa.Cause
	Reason     string       // for the operator: one line without control characters or secrets
	Identity   aaa.Identity // the last one that AAA granted; zero where none
	CallbackID string
	Tries      int    // logins that failed
	LastFail   string // why the last of them did: for the operator, like Reason
	OctetsIn   uint64
	OctetsOut  uint64
	Duration   time.Duration
	Stack      string // where a panic ended the session: for the log; "" else
}
