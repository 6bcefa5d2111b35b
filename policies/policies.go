// Package policies decides what happens to a caller that AAA has authenticated: admitted, refused, asked for a number
// or called back, with a trace that explains why. The operator's policy files, one per group of users, set the limits;
// nothing that AAA sends widens them. It is pure: no clock, no goroutine, no files except in the loader. It neither
// authenticates nor dials.
package policies

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/ringback/ringback/texts"
)

// CallbackMode says whether a group is called back.
type CallbackMode string

const (
	Optional CallbackMode = "optional" // AAA decides; "" is the same
	Off      CallbackMode = "off"      // a user whose callback AAA demands is refused
	Required CallbackMode = "required" // nobody is admitted without a callback
	// Secure is Required for numbers that AAA fixed, and no caller learns whether a callback follows (Decision.Secure).
	Secure CallbackMode = "secure"
	// WhenCheaper is Optional, and a user whose callback AAA does not require is called back at the calling number if
	// that costs less than the caller's own call.
	WhenCheaper CallbackMode = "when_cheaper"
)

// DefaultGroup is the group of users that no other group claims.
const DefaultGroup = "default"

// Numbers limits the numbers at which a group may be called back.
type Numbers struct {
	From  []Source // nil: FromAAA alone. The order has no meaning
	Allow []string // patterns; a number from the caller must match one
	Deny  []string // patterns, whatever the source of the number. The longest match decides, Deny between equals
	// List has the numbers that a user may give (FromList), by the user's name. Deny applies to them, not Allow.
	List map[string][]string
	// AllowClasses lifts the denial of numbers.DeniedClasses. DenyClasses denies more, and decides if both have a
	// class.
	AllowClasses, DenyClasses []string
}

// Policy is the content of one policy file. The zero value applies without any policy file: users are called back at
// numbers that AAA fixed, must log in again, and one attempt is made.
type Policy struct {
	Group    string
	Users    []string // exact canonical names of the users that the group claims
	Match    Match    // claims users that no group lists and AAA gives no group with a policy
	Profile  Profile
	Logins   Logins
	Callback CallbackMode
	NoVerify bool // the second login may be skipped if AAA grants it
	Numbers  Numbers
	Attempts Attempts

	Reauthorize bool // AAA is asked again right before each dial (`reauthorize: before_dial`)
	// OnRequest: users of PPP may request a callback that AAA does not require, at a number that they give
	// (`callback_on_request: allow`). It requires FromCaller or FromList.
	OnRequest bool
	// OnRing: users are called back without their call being answered (`callback_on_ring: allow`), on lines whose calls
	// AAA is asked about while they ring.
	OnRing   bool
	Triggers []string     // what may request a callback without a call that is answered (`triggers`)
	Services Services     // services without a callback
	EXEC     EXEC         // terms of EXEC sessions
	Record   bool         // EXEC sessions are recorded
	Locale   texts.Locale // how users of the EXEC are addressed; open: as the line says
	PPP      PPP          // terms of PPP sessions
	PPPAuth  []string     // methods by which callers of PPP may authenticate; nil: all that the line offers
	Hours    Hours        // when callbacks may be promised
	Limits   Limits       // ceilings of callbacks, and time limits of sessions
	Access   Access       // when users may come in
	When     []Condition

	CallbackLines []LineChoice // the lines that call back, best first; empty: AAA's, or the called line's rotary
	OtherLine     bool         // never the line that was called (`same_line: deny`)
	Dial          Dial         // how a callback is dialed
	RawAccess     bool         // users may talk to the modem of a line itself
	DialOut       DialOuts     // which numbers users may have dialed
}

func (p Policy) mode() CallbackMode {
	if p.Callback == "" {
		return Optional
	}
	return p.Callback
}

// required reports whether nobody is admitted without a callback.
func (p Policy) required() bool { return p.Callback == Required || p.Callback == Secure }

func (p Policy) name() string {
	if p.Group == "" {
		return DefaultGroup
	}
	return p.Group
}

// Digest is the SHA-256 of Canonical in hexadecimal digits. A pending callback stores it, to show whether the
// policy has changed since.
func (p Policy) Digest() string {
	sum := sha256.Sum256([]byte(p.Canonical()))
	return hex.EncodeToString(sum[:])
}
