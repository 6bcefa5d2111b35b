// Package aaa defines the types for authentication, authorization and accounting, independent of the protocol:
// Identity, Authorization, Record, the conversation with a server, method lists and local users. It opens no socket:
// aaa/radius and aaa/tacplus do.
package aaa

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Secret is a password or shared secret. It always prints as [secret]; string(s) returns its value.
type Secret string

func (Secret) String() string               { return "[secret]" }
func (Secret) GoString() string             { return "[secret]" }
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }
func (Secret) LogValue() slog.Value         { return slog.StringValue("[secret]") }

// Format keeps %x, %q and the like from printing the value.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[secret]") }

// Identity is the user and the method-list entry that authenticated them. Leg two must authenticate the same user by
// the same entry (or realm).
type Identity struct {
	Entry string `json:"entry"` // the method-list entry that granted access, for example "radius", "local"
	User  string `json:"user"`  // canonical user name
}

// Proves reports whether a name that a caller typed is that of the user. The method `none` proves nothing.
func (i Identity) Proves(name string) bool {
	return name != "" && i.User == name && i.Entry != None{}.Name()
}

func (i Identity) String() string { return i.User + " by " + i.Entry }

// Dialstring is a number as AAA granted it: unset (the zero value), NULL (the caller may type it) or a value.
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

// UnmarshalJSON is the inverse of MarshalJSON.
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

// Service is what a caller asks for: a kind of session, or something inside a session that has its own method lists.
type Service string

const (
	EXEC Service = "exec"
	PPP  Service = "ppp"
	// Outbound is a call that the user asks us to place (RADIUS Service-Type 5). Only an answer that grants it grants
	// anything.
	Outbound Service = "outbound"

	Enable   Service = "enable"   // a privileged level of the EXEC
	Commands Service = "commands" // one command of the EXEC
)

// Authorization is what AAA granted, independent of the protocol. The zero value grants a plain session without
// callback.
type Authorization struct {
	ServiceType int    `json:"service_type,omitempty"` // RADIUS Service-Type; 0: none received
	Kind        string `json:"kind,omitempty"`         // the Service-Type's name, "Callback-NAS-Prompt"

	Callback   bool       `json:"callback"`   // AAA requires that the user be called back
	Dialstring Dialstring `json:"dialstring"` // the number to dial
	// the other numbers of the user, in AAA's order, if Dialstring is a value; with it, MaxNumbers at most
	Further    []string `json:"further_dialstrings,omitempty"`
	CallbackID string   `json:"callback_id,omitempty"` // RADIUS Callback-Id: a name of the local table of places
	Lines      []int    `json:"callback_line,omitempty"`
	Rotary     *int     `json:"callback_rotary,omitempty"` // 0–100
	NoVerify   bool     `json:"no_verify,omitempty"`       // nocallback-verify

	// call back the caller ID (USR ANI, ACC CLI); Dialstring is then unset
	CallerID bool `json:"caller_id,omitempty"`
	// minimum time between the hang-up and the dial; 0: none
	CallbackDelay time.Duration `json:"callback_delay,omitempty"`

	SessionTimeout time.Duration `json:"session_timeout,omitempty"` // 0: none
	IdleTimeout    time.Duration `json:"idle_timeout,omitempty"`
	// between accounting updates of the session; 0: AAA gave none
	InterimInterval time.Duration `json:"interim_interval,omitempty"`
	// the name for accounting instead of Identity.User (User-Name in an Accept, RFC 2865 §5.1); after EAP also the
	// identity
	AccountingUser string `json:"accounting_user,omitempty"`
	PrivLevel      int    `json:"priv_lvl,omitempty"`   // 0–15; 1 if AAA sets none
	PortLimit      int    `json:"port_limit,omitempty"` // simultaneous sessions; 0: no limit

	Host *Host `json:"host,omitempty"` // the session is connected to a host instead of the EXEC
	// the EXEC command that is run first, as if typed; the session ends with it
	Autocmd  string `json:"autocmd,omitempty"`
	NoHangup bool   `json:"nohangup,omitempty"`
	NoEscape bool   `json:"noescape,omitempty"` // the autocmd cannot be left
	ACL      string `json:"acl,omitempty"`      // the name of an access class: reported, not enforced

	FilterIDs  []string `json:"filter_id,omitempty"`
	Framed     *Framed  `json:"framed,omitempty"` // PPP: what Framed-* and similar attributes granted
	SendSecret Secret   `json:"-"`                // authenticates us to the called side; never stored
	// the user may dial out; nil: that was not granted
	DialOut *DialOut `json:"dial_out,omitempty"`

	ReplyMessage string   `json:"reply_message,omitempty"`
	Class        [][]byte `json:"-"`                // echoed in accounting, never shown
	Groups       []string `json:"groups,omitempty"` // group membership hints for the policies

	// Grantor is the authorization-list entry that granted; the same entry authorizes leg two. Without a list it is the
	// entry that authenticated.
	Grantor string `json:"grantor,omitempty"`

	// Refuse is set if the reply was authentic but cannot be honored (an unsupported Service-Type, a contradiction,
	// an attribute that does not parse). Such a grant is a refusal: no session, no callback.
	Refuse string `json:"refuse,omitempty"`

	Attributes []string `json:"attributes,omitempty"` // the reply's attributes printed for people, secrets masked

	// Readings report how each attribute was interpreted, in the order of the reply (`aaa test --explain`).
	Readings []Reading `json:"readings,omitempty"`
}

// MaxNumbers is the most numbers that AAA may give for one user: no callback dials more often.
const MaxNumbers = 10

// Numbers returns the numbers that AAA fixed, in its order; none if it fixed none.
func (a Authorization) Numbers() []string {
	if a.Dialstring.Value() == "" {
		return nil
	}
	return append([]string{a.Dialstring.Value()}, a.Further...)
}

// Limited returns a with a Session-Timeout and an Idle-Timeout of at most these; 0: no limit.
func (a Authorization) Limited(session, idle time.Duration) Authorization {
	a.SessionTimeout, a.IdleTimeout = shorter(a.SessionTimeout, session), shorter(a.IdleTimeout, idle)
	return a
}

// shorter returns the shorter of two limits, of which 0 is none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// Reading is how one attribute of a reply was interpreted.
type Reading struct {
	Dialect   string `json:"dialect"`         // "RFC 2865", "Cisco", "Ascend", "USR", "TACACS+", …
	Attribute string `json:"attribute"`       // as its dictionary spells it
	Value     string `json:"value,omitempty"` // printed for people, secrets masked
	Field     string `json:"field,omitempty"` // of Authorization, as its JSON names it; "": it changed nothing
	Note      string `json:"note,omitempty"`  // why it was ignored, overruled or refused
}

// The services of a Host.
const (
	Telnet   = "telnet"
	TCPClear = "tcp-clear" // the bytes unchanged (RFC 2865 §5.15)
)

// Host is the host that a session is connected to: Login-IP-Host, Login-Service, Login-TCP-Port (RFC 2865 §5.14–5.16).
type Host struct {
	// an IP address; "": the access server chooses (0.0.0.0); "any": the caller chooses (255.255.255.255)
	Address string `json:"address"`
	Service string `json:"service"` // Telnet or TCPClear
	Port    int    `json:"port"`    // 23 for telnet if AAA gives none
}

// Outbound is what was granted to a user who dials out, as in IOS's large-scale dial-out. Dialstring and Further of the
// Authorization have the numbers that the user may dial, unset if the policy alone says so; SendSecret has the secret.
type DialOut struct {
	ModemScript  string `json:"modem_script,omitempty"`  // regular expression on the names of scripts that dial
	SystemScript string `json:"system_script,omitempty"` // likewise, of scripts that log on to the called system
	SendName     string `json:"send_name,omitempty"`     // our name at the called system
	SendAuth     string `json:"send_auth,omitempty"`     // "none", "pap", "chap" or "ms-chap": reported
}

// Framed is what was granted to a PPP session. Addresses are in their text form; "" is unset.
type Framed struct {
	Protocol string `json:"protocol,omitempty"` // "PPP", "SLIP", …
	// "negotiate": the peer chooses (255.255.255.255); "assign": the access server does (255.255.255.254)
	Address     string   `json:"address,omitempty"`
	Netmask     string   `json:"netmask,omitempty"`
	Pool        string   `json:"pool,omitempty"`
	Routes      []string `json:"routes,omitempty"` // as written: Framed-Route, ip:route
	MTU         int      `json:"mtu,omitempty"`
	Compression string   `json:"compression,omitempty"`
	DNS         []string `json:"dns,omitempty"`
	WINS        []string `json:"wins,omitempty"` // NetBIOS name servers
	InACL       []string `json:"inacl,omitempty"`
	OutACL      []string `json:"outacl,omitempty"`
	IPv6Prefix  []string `json:"ipv6_prefix,omitempty"`
	InterfaceID string   `json:"interface_id,omitempty"`
	IPv6Pool    string   `json:"ipv6_pool,omitempty"`
	NoIPv6      bool     `json:"no_ipv6,omitempty"` // AAA was asked for IPv6 and refused it
}

// Request is what is known about a caller when a conversation begins.
type Request struct {
	Service  Service
	User     string
	Password Secret
	CHAP     *CHAP   // in place of Password
	MSCHAP   *MSCHAP // in place of Password
	EAP      []byte  // in place of Password: the peer's first EAP packet; each Answer is then the peer's next one
	Enable   int     // 1–15: a user with a session asks for this privilege level (IOS `enable`); 0: a login
	Entry    string  // leg two: only this method-list entry may answer; "" any
	Grantor  string  // leg two: only this entry of an authorization list may answer; "" any
	Leg      int     // 1 (or 0) and 2
	Fallback bool    // another entry is tried if this one is silent, so servers known to be dead are skipped
	Explain  bool    // always fill Attributes and Readings; otherwise only for a callback or a refusal
	CallID   string
	TTY      int
	Caller   string // Calling-Station-Id; "" unknown
	Called   string // Called-Station-Id
	Connect  string // Connect-Info as the modem reported it
	IPv6     bool   // PPP: the line serves IPv6, which TACACS+ authorizes separately
}

// CHAP is a peer's response to our challenge (RFC 1994): Response is MD5 over ID, password, Challenge.
type CHAP struct {
	ID        byte
	Challenge []byte // 1 to 253 octets
	Response  []byte // 16 octets
}

// MSCHAP is a peer's response to our MS-CHAP challenge (RFC 2433, RFC 2759).
type MSCHAP struct {
	Version   int // 1 or 2
	ID        byte
	Challenge []byte // the authenticator's: 8 octets (version 1), 16 (version 2)
	// Response is the Response packet's value as received: 49 octets (24 LM, 24 NT, flags; or 16 peer challenge, 8
	// zero, 24 NT, flags).
	Response []byte
}

// Kind is the kind of a Result.
type Kind int

const (
	Silent  Kind = iota // no authentic answer in time; the zero value, so that a forgotten field never grants
	Refused             // an authentic refusal, or a grant that cannot be honored
	Prompt              // the server asks: show Message, read a line, call Answer with it
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
	Reason   string // for the log and the operator: why the login was refused or no answer came, with a hint
	Server   string // which server answered
	Identity Identity
	Auth     Authorization
	// Refused: the Request's name is that of a user that the server authenticated, and what the user may have cannot be
	// granted
	Known bool
	// Prompt: how long the server waits for the answer (Session-Timeout in a challenge, RFC 2865 §5.27); 0: not given
	Wait time.Duration
	EAP  []byte // the server's EAP packet for the peer, if the Request contains EAP; nil: none
	// MS-CHAPv2: "S=…", which authenticates the server to the peer (RFC 2759 §5); MS-CHAP refusals: "E=…"
	Success string
	// PPPAuth is set by package ppp/auth with a grant: the method by which the peer passed, as the configuration names
	// it. "" for another service.
	PPPAuth string
}

// Conversation is an authentication in progress; it stays with the server that began it.
type Conversation interface {
	// Answer sends what the caller typed after a Prompt and blocks for the next Result.
	Answer(ctx context.Context, answer Secret) Result
}

// Method is one entry of a method list: "radius", "local", …
type Method interface {
	Name() string
	// Start begins a conversation and blocks for its first Result. If that is a Prompt, the Conversation continues;
	// otherwise it is nil. ctx applies to the whole conversation: after it ends, no further answer comes.
	Start(ctx context.Context, r Request) (Conversation, Result)
}
