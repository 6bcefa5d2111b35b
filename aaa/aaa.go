// Package aaa is the vocabulary of authentication, authorization and accounting that the rest of ringback speaks whichever protocol
// brought the answer: Identity, Authorization, Record, the conversation with a server, method lists and local users.
// It opens no socket: aaa/radius and later aaa/tacplus do.
package aaa

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Secret is a password or shared secret. It prints as [secret] wherever it is printed; string(s) is the only way to its value.
type Secret string

func (Secret) String() string               { return "[secret]" }
func (Secret) GoString() string             { return "[secret]" }
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }
func (Secret) LogValue() slog.Value         { return slog.StringValue("[secret]") }

// Format keeps %x, %q and the like from printing the value.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[secret]") }

// Identity is what leg two must prove again: the same user by the same method-list entry (or realm).
type Identity struct {
	Entry string `json:"entry"` // the method-list entry that granted, e.g. "radius", "local"
	User  string `json:"user"`  // canonical user name
}

func (i Identity) String() string { return i.User + " by " + i.Entry }

// Dialstring is a number as AAA gave it: unset (the zero value), NULL (the caller may type it) or a value.
type Dialstring struct {
	set bool
	s   string
}

// DialstringOf returns a set Dialstring; the empty string makes it NULL.
func DialstringOf(s string) Dialstring { return Dialstring{set: true, s: s} }

func (d Dialstring) IsSet() bool   { return d.set }
func (d Dialstring) IsNull() bool  { return d.set && d.s == "" }
func (d Dialstring) Value() string { return d.s } // "" when unset or NULL

func (d Dialstring) String() string {
	switch {
	case !d.set:
		return "unset"
	case d.s == "":
		return "NULL"
	}
	return fmt.Sprintf("%q", d.s)
}

// MarshalJSON writes null for unset, "" for NULL, else the string.
func (d Dialstring) MarshalJSON() ([]byte, error) {
	if !d.set {
		return []byte("null"), nil
	}
	return json.Marshal(d.s)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Dialstring) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*d = Dialstring{}
	if s != nil {
		*d = DialstringOf(*s)
	}
	return nil
}

// Service is the kind of session that the caller begins.
type Service string

const (
	EXEC Service = "exec"
	PPP  Service = "ppp"
)

// Authorization is what AAA granted, one struct whichever protocol brought it. The zero value grants a plain session without callback.
type Authorization struct {
	ServiceType int    `json:"service_type,omitempty"` // RADIUS Service-Type; 0 where none came
	Kind        string `json:"kind,omitempty"`         // the Service-Type's name, "Callback-NAS-Prompt"

	Callback   bool       `json:"callback"`              // AAA demands that the user be called back
	Dialstring Dialstring `json:"dialstring"`            // the number to dial
	CallbackID string     `json:"callback_id,omitempty"` // RADIUS Callback-Id: a name of the local table of places
	Lines      []int      `json:"callback_line,omitempty"`
	Rotary     *int       `json:"callback_rotary,omitempty"` // 0–100
	NoVerify   bool       `json:"no_verify,omitempty"`       // nocallback-verify

	SessionTimeout time.Duration `json:"session_timeout,omitempty"` // 0: none
	IdleTimeout    time.Duration `json:"idle_timeout,omitempty"`
	PrivLevel      int           `json:"priv_lvl,omitempty"` // 0–15; 1 where AAA says nothing
	ReplyMessage   string        `json:"reply_message,omitempty"`
	Class          [][]byte      `json:"-"`                // echoed in accounting, never shown
	Groups         []string      `json:"groups,omitempty"` // group membership hints for the policies

	// Refuse is set where the reply was authentic but cannot be honoured (an unsupported Service-Type, a contradiction,
	// an attribute that does not parse). Such a grant is a refusal: nobody is let in, nobody is called.
	Refuse string `json:"refuse,omitempty"`

	Attributes []string `json:"attributes,omitempty"` // the reply's attributes printed for people, secrets masked
}

// Request is what is known of a caller when a conversation begins.
type Request struct {
	Service  Service
	User     string
	Password Secret
	Entry    string // leg two: only this method-list entry may answer; "" any
	CallID   string
	TTY      int
	Caller   string // Calling-Station-Id; "" unknown
	Called   string // Called-Station-Id
	Connect  string // Connect-Info as the modem said it
}

// Kind tells what a Result is.
type Kind int

const (
	Silent  Kind = iota // nobody answered (authentically) in time; the zero value, so that nothing forgotten grants
	Refused             // an authentic refusal, or a grant that cannot be honoured
	Prompt              // the server asks: show Message, read a line, Answer it
	Granted             // authenticated and authorized
)

func (k Kind) String() string {
	return [...]string{"silent", "refused", "prompt", "granted"}[k]
}

// Result is one step of a conversation.
type Result struct {
	Kind     Kind
	Message  string // for the caller: Reply-Message or the prompt; untrusted text of the server
	Echo     bool   // Prompt: whether what the caller types may be shown
	Reason   string // for log and operator: why refused or silent, with a hint that mends it
	Server   string // which server answered
	Identity Identity
	Auth     Authorization
}

// Conversation is an authentication that has begun; it is pinned to the server that began it.
type Conversation interface {
	// Answer sends what the caller typed after a Prompt and blocks for the next Result.
	Answer(ctx context.Context, answer Secret) Result
}

// Method is one entry of a method list: "radius", "local", …
type Method interface {
	Name() string
	// Start begins a conversation and blocks for its first Result. Where that is a Prompt, the Conversation goes on; else it is nil.
	Start(ctx context.Context, r Request) (Conversation, Result)
}
