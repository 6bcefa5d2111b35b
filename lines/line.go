// Package lines has the vocabulary of an access server's lines (Line, Port, Call, Lease) and the pool that leases
// them: rotaries, queues, quarantine. It opens no port and knows no modem command; lines/port and lines/modem do.
package lines

import (
	"time"
)

// ModemMode is the direction in which a line is used, in IOS's words (`modem inout` …).
type ModemMode string

const (
	InOut   ModemMode = "inout"   // answers and dials
	CallIn  ModemMode = "callin"  // answers only: no script dials here
	CallOut ModemMode = "callout" // dials only: never answers
)

// NoRotary is the Rotary of a line that belongs to none.
const NoRotary = -1

// Config is the configuration of a line's port and modem. What callers on the line may do is decided by the broker.
type Config struct {
	TTY         int
	Port        string    // URL of the port
	Device      string    // what no two lines may open at the same time; "" is Port
	Speed       int       // of the port, in bit/s; 0: unknown, the setting of its server
	Modem       ModemMode // "" is InOut
	FlowControl string    // "hardware", "software" or "none"
	Rotary      int       // 0–100 as in IOS, or NoRotary
	// caller ID is switched on (a refusal is accepted), and an answer waits for it until the ring after the one that
	// Profile.CallerID.Order names
	CallerID bool
	// FollowSpeed: the port has Speed for commands, and that of the caller during a call
	FollowSpeed bool
	CallCheck   bool // AAA checks the calling number before the call is answered (RADIUS Service-Type Call-Check)
	// short messages are read and deleted (SMS); Profile.Messages has the command that switches them on
	Messages bool
	// the broker is asked about calls that ring, also voice calls, as with CallCheck
	MissedCalls bool
	Init        string // the modem's initialization command, after ATZ; "" for the driver's own
	Profile     Profile

	// this kind of port has no modem signals: result codes and data share one stream (tcp, pty)
	InBand bool
	// the operator accepts a modem whose state cannot be proven on a port without modem signals
	InsecureSignals bool
	// S registers without a function, which store the proof on such a port; nil: S18, S25, S26
	ProofRegisters []int
	// texts of this modem in addition to the driver's table; NoResult: progress, ends nothing
	ResultCodes map[string]ResultCode
	SameLine    bool // a callback without verification may be placed on the line that was called

	Timing Timing
}

// Trusted reports whether no caller can impersonate the line's modem. On a port without modem signals, a caller can
// write result codes and caller IDs into the data. On such a line, a callback needs a login on leg two and no number
// reported by the modem is dialed, unless the operator accepts the risk.
func (c Config) Trusted() bool { return !c.InBand || c.InsecureSignals }

func (c *Config) mode() ModemMode {
	if c.Modem == "" {
		return InOut
	}
	return c.Modem
}

// Idle returns the Status of a line with this configuration that is in service and not leased, for Choose.
func (c Config) Idle() Status {
	return Status{TTY: c.TTY, Port: c.Port, Modem: c.mode(), Rotary: c.Rotary, State: Idle, InBand: c.InBand,
		Untrusted: !c.Trusted(), SameLine: c.SameLine}
}

// Timing has the driver's waits; a zero field means the default of WithDefaults. A simulated network shortens them;
// real modems need the defaults.
type Timing struct {
	Command    time.Duration // longest wait for OK
	Answer     time.Duration // longest wait for CONNECT after ATA (S7)
	DTRLow     time.Duration // how long DTR is held low to hang up
	Guard      time.Duration // silence before and after +++ (S12)
	OnHook     time.Duration // longest wait for DCD off and OK after a hang-up
	Reopen     time.Duration // first pause before a lost port is opened again; doubles up to 30 s
	Quarantine time.Duration // first pause before a quarantined line is proven again; doubles up to 5 min
	Rings      time.Duration // silence after which the caller is considered gone
	Silence    time.Duration // how long no data must follow NO CARRIER before it counts as the end of the call
	Drain      time.Duration // how long Drain waits in addition to the transmission time of the bytes
	// pause between a result code and the next command (V.250 §5.7.1: the DTE waits for the result code)
	CommandGap time.Duration
	Settle     time.Duration // pause between CONNECT and the first octet that we send; reading starts immediately
	// an idle modem is asked for OK this often; before a lease, if it was silent for longer than a tenth of this
	Probe time.Duration
}

// State is the state of a line as `show line` shows it.
type State string

const (
	Down        State = "down"        // port or modem not usable; Reason says why, the driver tries again
	Idle        State = "idle"        // in service, on hook, not leased
	Ringing     State = "ringing"     // RING seen, not yet connected
	InCall      State = "in call"     // an incoming call is up
	Leased      State = "leased"      // leased to a callback that is not dialing yet
	Dialing     State = "dialing"     // a dial command was given
	OutCall     State = "out call"    // an outgoing call is up
	HangingUp   State = "hanging up"  // until proven on hook
	Preparing   State = "preparing"   // a startup or reset script runs
	Quarantined State = "quarantined" // could not be proven on hook: not used until it is
	BusiedOut   State = "busyout"     // in working order, but an operator lets it take no calls
)

// States are all states of a line.
var States = []State{Down, Idle, Ringing, InCall, Leased, Dialing, OutCall, HangingUp, Preparing, Quarantined,
	BusiedOut}

// startingUp is the reason of a line that is down until its driver has opened it for the first time.
const startingUp = "starting"

// outOfService reports whether a line in a state does not work; one that starts is not out of service.
func outOfService(s State, reason string) bool {
	return s == Quarantined || s == Down && reason != startingUp
}

// Status is a line's state at one instant.
type Status struct {
	TTY    int       `json:"tty"`
	Port   string    `json:"port"`
	Modem  ModemMode `json:"modem"`
	Rotary int       `json:"rotary"` // NoRotary: none
	State  State     `json:"state"`
	// no modem signals: the modem must prove its state by a secret
	InBand bool   `json:"in_band,omitempty"`
	Reason string `json:"reason,omitempty"` // why it is down, quarantined or busied out
	// the operator's order; the line may still finish a call
	Busyout *Busyout `json:"busyout,omitempty"`
	// problems of a line that still works: caller ID refused, DCD that never rises
	Notices []string `json:"notices,omitempty"`
	// Changes or Leaves: a new configuration waits for the end of its call
	Change      string    `json:"change,omitempty"`
	Owner       string    `json:"owner,omitempty"` // holder of the lease: a call's or a callback's ID
	Role        Role      `json:"role,omitempty"`  // of the holder of the lease; a call has none
	Signals     string    `json:"signals,omitempty"`
	Since       time.Time `json:"since"`
	Speed       int       `json:"speed,omitempty"`   // as in Config
	Profile     string    `json:"profile,omitempty"` // Profile.Name
	Connect     string    `json:"connect,omitempty"` // the CONNECT line of the call that is up
	Retry       time.Time `json:"retry,omitzero"`    // quarantined: when it is proven again
	Answered    time.Time `json:"answered,omitzero"` // when the modem last answered a probe
	Counts      Counts    `json:"counts"`
	CountsSince time.Time `json:"counts_since"`      // when they began
	Failure     *Failure  `json:"failure,omitempty"` // the last one
	// leases granted to calls and callbacks since the start, by which a rotary hunts LeastUsed
	Leases uint64 `json:"leases"`

	Untrusted bool `json:"untrusted,omitempty"` // not Config.Trusted: a callback on this line needs a login
	SameLine  bool `json:"same_line,omitempty"` // as in Config
}

// OutOfService returns why the line is out of service; "" if it is in service or starting.
func (s Status) OutOfService() string {
	if !outOfService(s.State, s.Reason) {
		return ""
	}
	return string(s.State) + ": " + s.Reason
}
