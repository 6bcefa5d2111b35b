package triggers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
)

// Kind is what requests a callback.
type Kind string

// The kinds.
const (
	SMS        Kind = "sms"         // a signed short message
	MissedCall Kind = "missed_call" // a call that ends before it is answered
)

// Kinds are all kinds.
func Kinds() []string { return []string{string(SMS), string(MissedCall)} }

// Rules say who may request callbacks. The zero value lets nobody.
type Rules struct {
	Window  time.Duration // most by which the time of a text differs from the clock
	PerHour int           // most requests of a user in an hour that are carried out; 0: none is limited
	Keys    []Key
	Calls   []Call
}

// Key is who signs short messages with a key.
type Key struct {
	Users   []string // exactly as AAA names them
	Secret  aaa.Secret
	Senders []string // the only numbers whose messages count, as Plain has them; none: all
	Service aaa.Service
}

// Call is who is called back after a missed call.
type Call struct {
	From    string // the calling number, as Plain has it
	User    string
	Service aaa.Service
}

// Plain is a number without its plus, so that numbers from a network that writes it and from one that does not are
// equal.
func Plain(number string) string { return strings.TrimPrefix(number, "+") }

// Canonical is Plain of a number of the network, in the canonical digits of the number plan if it can read the number.
func Canonical(plan numbers.Plan, number string) string {
	if n, err := plan.Canonical(number, numbers.OriginCallerID); err == nil {
		return Plain(n.String())
	}
	return Plain(number)
}

// Of returns the user who is called back after a missed call from a number; nil: nobody.
func (r Rules) Of(from string) *Call {
	i := slices.IndexFunc(r.Calls, func(c Call) bool { return from != "" && c.From == Plain(from) })
	if i < 0 {
		return nil
	}
	return &r.Calls[i]
}

// Result is what became of a trigger.
type Result string

// The results. All except Accepted do nothing.
const (
	Accepted      Result = "accepted"       // a callback is promised
	Unreadable    Result = "unreadable"     // not a signed text
	UnknownUser   Result = "unknown_user"   // no key is for the user
	UnknownSender Result = "unknown_sender" // the key is not for this number
	BadSignature  Result = "bad_signature"
	Clock         Result = "clock" // signed outside of the window
	Replay        Result = "replay"
	Limited       Result = "limited"  // the user has requested too many
	Rejected      Result = "rejected" // by AAA, the policy, a ceiling, a lockdown, or the disk
)

// Results are all results.
func Results() []Result {
	return []Result{Accepted, Unreadable, UnknownUser, UnknownSender, BadSignature, Clock, Replay, Limited, Rejected}
}

// Check says whether a short message is signed by its user, now, and from a number that may send it. Its result is
// Accepted if so; why explains every other one. Whether the text was used before, the caller finds out.
func (r Rules) Check(from, text string, now time.Time) (s Signed, k *Key, result Result, why string) {
	s, err := Parse(text)
	if err != nil {
		return s, nil, Unreadable, err.Error()
	}
	i := slices.IndexFunc(r.Keys, func(k Key) bool { return slices.Contains(k.Users, s.User) })
	if i < 0 {
		return s, nil, UnknownUser, "no key of triggers.keys is for the user"
	}
	k = &r.Keys[i]
	switch off := s.At.Sub(now); {
	case len(k.Senders) > 0 && !slices.Contains(k.Senders, Plain(from)):
		return s, nil, UnknownSender, "triggers.keys does not have the sender for this user"
	case !s.By(k.Secret):
		return s, nil, BadSignature, "the signature is not that of the user's key"
	case off > r.Window || off < -r.Window:
		return s, nil, Clock, fmt.Sprintf("it was signed at %s, %v %s the clock of this machine; triggers.window is %v",
			s.At.UTC().Format("2006-01-02 15:04:05 UTC"), off.Abs().Round(time.Second),
			map[bool]string{true: "after", false: "before"}[off > 0], r.Window)
	}
	return s, k, Accepted, ""
}
