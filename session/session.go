// Package session runs a call from the first octet until just before the hang-up. A front end (the EXEC, PPP)
// implements the protocol; the session applies the rules common to all protocols: AAA authenticates the user,
// the Guard limits guessing, the Broker decides, accounting is notified of begin and end, and time limits or a
// lost carrier end the session. It makes no callback decisions, stores no records and never hangs up: the
// Broker does.
package session

import (
	"context"
	"net/netip"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/texts"
)

// Config is the configuration of all sessions of a node.
type Config struct {
	FrontEnds Chooser // selects the protocol of a call; nil serves no call

	Tries        int           // maximum number of failed logins on a call; 0 means 3
	FailureDelay time.Duration // pause after a failed login; 0 means 2 s, negative none
	LoginTimeout time.Duration // limit for the login and the choice of a number; 0 means 60 s, negative none

	// Interim is the interval of interim reports. 0 means AAA's value (Authorization.InterimInterval); another value
	// overrides it (RFC 2869 §2.1), and a negative one disables interim reports. The minimum is one minute.
	Interim time.Duration

	Guard Guard // limits guessing across calls; nil: only Tries and FailureDelay do

	// Joined is called for each connection attempt to a host; why is empty if it succeeded. It may block for disk I/O.
	// May be nil.
	Joined func(call *lines.Call, user, host, why string)

	// Metered is called once for each call, before it is served, with a function that returns the octets from and to
	// the caller so far. That function is safe for concurrent use, also after the call. May be nil.
	Metered func(call *lines.Call, octets func() (in, out uint64))

	// Trying is called with the name, as typed, whose login begins on a line, before AAA is asked; "" before a caller
	// is asked for a name. It must not block. May be nil.
	Trying func(tty int, user string)

	// Debug receives one line of text for each step of a login and its callback (`debug aaa`, `debug callback`),
	// without secrets. It is called from the call's goroutine and must not block. May be nil.
	Debug func(tty int, text string)
}

// Leg is the leg of a callback that a call is. The zero value is leg one, an incoming call.
type Leg struct {
	Number     int         // 1 (or 0) and 2
	CallbackID string      // leg two: the callback of this call
	Service    aaa.Service // leg two: the service of leg one
	// Locale is how the caller is addressed until a group is known: that of the line or, on leg two, of the user who is
	// called back.
	Locale texts.Locale

	// Identity is what leg two must authenticate again: the same user with the same method-list entry.
	Identity aaa.Identity
	// NoVerify skips the login on leg two and reuses Identity and Auth of leg one. The Broker sets it only if AAA
	// granted it and the policy allows it. Decide is still called and may refuse.
	NoVerify bool
	// with NoVerify, the authorization of the session; otherwise that of leg one, whose Grantor must grant again
	Auth   aaa.Authorization
	Server string // NoVerify: the server that granted Auth
}

// Asked is an authenticated caller, for the Broker's decision.
type Asked struct {
	Call     *lines.Call
	Identity aaa.Identity
	Auth     aaa.Authorization
	Service  aaa.Service // of the front end
	Server   string      // the AAA server that authenticated the user
	PPPAuth  string      // as in aaa.Result
	Session  int         // 1 for the first grant on this call, 2 after a refusal and a second login, …
}

// Offer is a callback that the caller may accept. It reserves nothing and may be dropped at any time: no call is placed
// before Promise returns Promised. It ends with its session, at the next Decide on its call, and when it is promised or
// refused.
type Offer struct {
	ID         string        // for the Choice
	Number     string        // the fixed number in canonical digits; "": the caller chooses
	MayDecline bool          // the caller may decline the callback and have the session on this call
	Wait       time.Duration // minimum time from hang-up to dial; the dialing line may extend it
}

// MaxDelay is the longest delay that a caller may request: CBCP has one octet of seconds.
const MaxDelay = 255 * time.Second

// Choice is the caller's answer to an Offer.
type Choice struct {
	Call  *lines.Call
	Offer string // the ID of the Offer

	Number  string        // the number as typed, if the caller chooses; otherwise ""
	Place   string        // instead of a number, the name of a place, if the caller chooses (RFC 1570, operation 2)
	Decline bool          // no callback
	Delay   time.Duration // additional minimum wait, 0 to MaxDelay; it never shortens the wait
}

// VerdictKind is the kind of a Verdict.
type VerdictKind int

const (
	Refuse    VerdictKind = iota // not admitted, no callback; the zero value, so that a forgotten verdict refuses
	Admit                        // the session begins now
	Offered                      // Decide: a callback is offered; call Promise
	BadChoice                    // Promise: the choice is not acceptable (Text says why); the offer remains valid
	Promised                     // Promise: the callback is recorded; tell the caller and end the call
	// Disconnect is of Settle alone: send the Text and end the call. The caller must not learn what was decided.
	Disconnect
)

func (k VerdictKind) String() string {
	names := [...]string{"refuse", "admit", "offered", "bad choice", "promised", "disconnect"}
	if k < 0 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// Verdict is the Broker's decision.
type Verdict struct {
	Kind       VerdictKind
	Offer      Offer         // of Offered
	Text       texts.Key     // for the caller, with Refuse, BadChoice and Disconnect; "" for a default text
	Reason     string        // for the operator; never shown to the caller
	CallbackID string        // of Promised
	Notice     texts.Message // of Decide: a sentence that the user reads first; zero for none
	// Locale is that of the user\'s group, of Decide; what it leaves open is as for the line.
	Locale texts.Locale
	Queue  int // of Promised: the callback's place in the queue for a line; 0: one is free
	// With Admit and Offered, the longest session and idle time, if AAA sets none that are shorter; 0: none.
	SessionTime, IdleTime time.Duration
	Terms                 Terms    // of Decide: what narrows the session, if there is one
	Recorder              Recorder // of Admit: takes what the user sees; nil: the session is not recorded
}

// Recorder keeps what the user of a session sees. Its methods are safe for concurrent use and never block.
type Recorder interface {
	// Output takes what is written to the user's terminal, without parity bits, and keeps nothing of p.
	Output(p []byte)
	// Hide masks a secret in the output from now on.
	Hide(secret string)
	// Close ends the recording; reason is for the operator, without secrets. The session calls it once.
	Close(reason string)
}

// Terms narrow what AAA grants to a session. The zero value narrows nothing.
type Terms struct {
	// Of an EXEC session.
	Privilege *int           // the highest privilege level; nil: 15
	Commands  []string       // by their first words; nil: all
	Hosts     []netip.Prefix // to which the user may be connected; nil: all

	// Of a PPP session; "": none. See ppp.Holder.
	Pool, Filter string
}

// Broker makes the decisions about callers, and receives reports of their sessions.
type Broker interface {
	// Secure reports whether the caller, on leg one, must not learn what Decide and Promise say about them. It is
	// called before Decide and has no effects; Session is 0 then. It must not block.
	Secure(a Asked) bool
	// Decide blocks until it has a verdict: Refuse, Admit or Offered; on leg two any kind but Admit is treated as
	// Refuse. ctx ends with the call, or with the cause ErrLoginTimeout; the verdict is then no longer needed.
	Decide(ctx context.Context, a Asked) Verdict
	// Promise processes the answer to an offer, checks again what may have changed since, and blocks until it has a
	// verdict: Refuse, BadChoice, Admit (declined), or Promised, only after the callback is durable. An offer leads to
	// at most one callback. ctx is as for Decide.
	Promise(ctx context.Context, c Choice) Verdict
	// Report is called at the begin and the end of a session, each exactly once and in this order, for every valid AAA
	// grant (and for a NoVerify leg two), also if a callback or a refusal follows. Commands and interims are reported
	// in between, never two reports at once; an interim may arrive during Decide. A report is valid even if ctx ends:
	// that only means that the session does not wait until it is recorded.
	Report(ctx context.Context, r Report)
}

// ReportKind is the kind of a Report.
type ReportKind int

const (
	Began   ReportKind = iota + 1 // AAA granted (leg one: before Decide)
	Ended                         // the session is over
	Command                       // an authorized EXEC command, before it is executed
	Interim                       // the session continues
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

	CallbackID string // the callback promised (leg one) or completed (leg two); "" for none

	// Of Command only.
	Command   string // the complete command, abbreviations expanded: "show line 65"; never a password
	PrivLevel int    // the privilege level of its execution

	// Of Ended and Interim.
	Admitted bool          // the session was served; false: refused, promised a callback, or ended before
	Carried                // since the start of the call, or the end of the previous session on it
	Duration time.Duration // since Began, by the monotonic clock

	// Of Ended only.
	Cause  aaa.Cause // CauseCallback after a promise
	Reason string    // for the operator
}

// Carried is what was carried for a caller.
type Carried struct {
	OctetsIn, OctetsOut   uint64 // from and to the caller: of the line, or of packets without their framing
	PacketsIn, PacketsOut uint64 // of a front end that carries packets
	Framed                Framed
}

// Framed is the addresses of a caller whose packets are carried; the zero value is none.
type Framed struct {
	Address     netip.Addr
	Prefixes    []netip.Prefix // of IPv6
	InterfaceID string         // of IPv6, as RFC 3162 §2.2 has it in text: "307d:0:a2fe:77"
}

// End is a cause for cancelling a session's ctx (context.WithCancelCause) with a Cause for accounting and a Text for
// the caller. Any other cause is an AdminReset.
type End struct {
	Cause aaa.Cause
	Text  texts.Key // "" for none
}

func (e End) Error() string { return "ended: " + e.Text.English() }

// Login authenticates and authorizes callers. An aaa.Login satisfies it.
type Login interface {
	// Start begins a conversation and blocks until its first Result; if that is a Prompt, continue with the
	// Conversation. With r.Enable, a logged-in user requests a higher privilege level.
	Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result)
	// Command authorizes an EXEC command and blocks until the Result; only Granted allows it.
	Command(ctx context.Context, q aaa.Question) aaa.Result
}

// OutcomeKind is the kind of an Outcome.
type OutcomeKind int

const (
	NotAdmitted      OutcomeKind = iota // no session and no callback
	SessionEnded                        // the session was served and has ended
	CallbackPromised                    // the callback CallbackID is recorded
)

func (k OutcomeKind) String() string {
	names := [...]string{"not admitted", "session ended", "callback promised"}
	if k < 0 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// Outcome is the outcome of a call. The Broker hangs up after any outcome.
type Outcome struct {
	Kind       OutcomeKind
	Cause      aaa.Cause
	Reason     string       // for the operator: one line without control characters or secrets
	Identity   aaa.Identity // the last identity granted by AAA; zero for none
	CallbackID string
	Tries      int    // number of failed logins
	LastFail   string // why the last login failed, for the operator
	OctetsIn   uint64
	OctetsOut  uint64
	Duration   time.Duration
	Stack      string // stack of a panic that ended the session, for the log; otherwise ""
}
