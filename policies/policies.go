// Package policies decides what becomes of a caller whom AAA has authenticated: admitted, refused, asked for a
// number or called back, with the trace of why. The operator's policy files, one for a group of users, say what is
// allowed at most; nothing that AAA sends widens it. It is pure: no clock, no goroutine, no file but the loader's.
// It does not authenticate and dials nobody.
package policies

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// CallbackMode says whether a group is called back.
type CallbackMode string

const (
	Optional CallbackMode = "optional" // as AAA says; "" is the same
	Off      CallbackMode = "off"      // a user whose callback AAA demands is refused
	Required CallbackMode = "required" // nobody is admitted without a callback
)

// DefaultGroup is the group of users whom no other group claims.
const DefaultGroup = "default"

// The attempts of a callback for a policy that does not say (IOS dials once).
const (
	DefaultMaxAttempts = 1
	DefaultRetryWait   = 30 * time.Second
	maxAttempts        = 10
	minRetryWait       = time.Second
	maxRetryWait       = time.Hour
)

// Attempts is the budget of dials that a callback gets.
type Attempts struct {
	Max       int           // dials at most, 1–10; 0 stands for 1
	RetryWait time.Duration // between the end of an attempt and the next; 0 stands for 30 s
}

// attemptsJSON has the wait as text, "30s", as policy files do.
type attemptsJSON struct {
	Max       int    `json:"max"`
	RetryWait string `json:"retry_wait"`
}

// MarshalJSON writes the wait as text.
func (a Attempts) MarshalJSON() ([]byte, error) {
	return json.Marshal(attemptsJSON{a.Max, a.RetryWait.String()})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (a *Attempts) UnmarshalJSON(b []byte) error {
	var j attemptsJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	wait, err := time.ParseDuration(j.RetryWait)
	*a = Attempts{j.Max, wait}
	return err
}

func (a Attempts) orDefault() Attempts {
	if a.Max <= 0 {
		a.Max = DefaultMaxAttempts
	}
	if a.RetryWait <= 0 {
		a.RetryWait = DefaultRetryWait
	}
	a.Max = min(a.Max, maxAttempts)
	return a
}

// Numbers says which numbers a group may be called back at.
type Numbers struct {
	FromCaller bool     // the caller may type a number where AAA leaves it to the caller (NULL)
	Allow      []string // patterns; a number from the caller must match one
	Deny       []string // patterns, wherever the number came from. The longest match decides, Deny between equals
}

// Policy is what one policy file says. The zero value is what users get where there is no policy file at all: they
// are called back at numbers that AAA fixed, must log in again, and one attempt is made.
type Policy struct {
	Group    string
	Users    []string // exact canonical user names whom the group claims
	Callback CallbackMode
	NoVerify bool // a second login may be left out where AAA grants it
	Numbers  Numbers
	Attempts Attempts

	Reauthorize bool // AAA is asked again right before each dial (`reauthorize: before_dial`)
}

func (p Policy) mode() CallbackMode {
	if p.Callback == "" {
		return Optional
	}
	return p.Callback
}

func (p Policy) name() string {
	if p.Group == "" {
		return DefaultGroup
	}
	return p.Group
}

// Digest is the SHA-256 of Canonical in hexadecimal digits: a pending callback carries it, so that people see
// whether the policy has changed since.
func (p Policy) Digest() string {
	sum := sha256.Sum256([]byte(p.Canonical()))
	return hex.EncodeToString(sum[:])
}
