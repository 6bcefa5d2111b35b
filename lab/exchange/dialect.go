package exchange

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Dialect is how a modem differs from the one that V.250 and the Hayes manuals describe. The zero value has no
// differences.
type Dialect struct {
	// Deaf is how long the octets of the DTE are lost after each result code except CONNECT: 2 ms to 100 ms. V.250 §5.7
	// lets the DTE wait for the result code; the usual advice since Hayes is to wait a tenth of a second more.
	Deaf time.Duration

	// LowerCase sends result codes in lower case. Some modems do so if the command line was in lower case, some always.
	LowerCase bool
	// Texts replaces verbose result codes by a manufacturer's own: {"NO DIALTONE": "NO DIAL-TONE"}. Hayes has NO
	// DIALTONE, U.S. Robotics NO DIAL TONE, Telebit also NO PROMPTTONE (C-Kermit, ckudia.c); British modems say ENGAGED
	// for BUSY; soft modems say LINE IN USE while a telephone on the line is off hook. RING may become "+CRING: FAX"
	// (3GPP TS 27.007 §6.11). The text with which a data modem reports a fax machine is ModemConfig.ConnectText:
	// "CONNECT FAX".
	Texts map[string]string
	// HearsVoice ends a dial with VOICE when a person answers (U.S. Robotics, ZyXEL), instead of S7 and NO CARRIER.
	HearsVoice bool
	// HearsRinging sends RINGING during a dial each time the far end rings (U.S. Robotics, ZyXEL).
	HearsRinging bool

	// Identify has the answers to ATI0 to ATI9, +GMI and the like by command ("I3", "+GMM"), each with its lines. With
	// it, other ATIn answer OK alone and other extended commands ERROR. nil: those of the lab's own modem.
	Identify map[string][]string
	// Commands are the commands beyond V.250 and Hayes that the modem accepts without effect: "&K", `\N`, "+PMH". All
	// others are an ERROR. nil: the modem accepts the commands of many manufacturers.
	Commands []string

	// NoCallerID answers AT+VCID and AT#CID with ERROR.
	NoCallerID bool
	// CallerIDCommand is the command, without AT, that turns caller ID on instead of +VCID=1 and #CID=1: "+CLIP=1",
	// "S153=6", "S40.2=1". Another value turns it off.
	CallerIDCommand string
	// CallerIDAlways shows callers without any command.
	CallerIDAlways bool
	// CallerIDText has one or more lines with %s for the caller's number, instead of Bellcore's DATE, TIME and NMBR:
	// "NMBR = %s", "CID: %s", `+CLIP: "%s",129` (3GPP TS 27.007 §7.11). A text that begins with RING is sent instead of
	// RING, as ISDN terminal adapters do: "RING;%s".
	CallerIDText string
	// CallerIDTime is when the network sends the number.
	CallerIDTime CallerIDTime
	// CallerIDEachRing repeats the number with every ring.
	CallerIDEachRing bool

	// RingText is sent instead of RING, from the command RingCommand on if there is one: "+CRING: REL ASYNC" after
	// "+CRC=1" (3GPP TS 27.007 §6.11).
	RingText, RingCommand string
	// VoiceRingText is sent instead of RingText for the call of a telephone: "+CRING: VOICE".
	VoiceRingText string
	// Messages: the modem takes short messages, with the commands of 3GPP TS 27.005.
	Messages bool
	// Negotiated are lines that precede CONNECT: "CARRIER 33600".
	Negotiated []string
	// BlacklistAfter answers BLACKLISTED to the dials of a number after this many failed ones in a row, until a dial of
	// another number or a power failure, as modems for European networks do. Zero means never.
	BlacklistAfter int

	// Escape is how the modem detects the escape sequence in the data.
	Escape Escape
	// EscapeAbove127 makes a value of S2 above 127 an escape character too, instead of none.
	EscapeAbove127 bool
	// SlowGuard is the silence that the escape sequence needs before and after it in addition to S12.
	SlowGuard time.Duration
	// Registers are the S registers that differ from the usual ones.
	Registers map[int]Register
	// BareNumbers shows registers without leading zeros; V.250 §5.3.2 requires three digits.
	BareNumbers bool
	// OneLine joins the answers of one command line into one line, with this text between them; empty means one line
	// each.
	OneLine string
}

// CallerIDTime is when the network sends the caller's number.
type CallerIDTime uint8

// The times of the caller's number.
const (
	AfterFirstRing  CallerIDTime = iota // Bellcore GR-30, ETSI EN 300 659-1 "during ringing"
	BeforeFirstRing                     // ETSI EN 300 659-1 "prior to ringing": United Kingdom, France
	AfterSecondRing                     // a slow modem
)

// rings is how many rings come before the number.
func (t CallerIDTime) rings() int {
	switch t {
	case BeforeFirstRing:
		return 0
	case AfterSecondRing:
		return 2
	}
	return 1
}

// Escape is how a modem detects the escape sequence in the data of its DTE.
type Escape uint8

// The kinds of escape.
const (
	EscapeGuarded Escape = iota // silence of S12 before and after (Hayes, US patent 4,549,302)
	EscapeAtOnce                // three escape characters anywhere in the data, ignoring S12
	// three escape characters and AT anywhere in the data, then a command line (Sierra, Rockwell)
	EscapeTIES
)

// Register is how an S register differs from the usual one, which stores any octet and shows it.
type Register struct {
	Value    byte // after power-on and &F; zero means the usual value
	Max      int  // values above it are an ERROR; zero means 255
	Fixed    bool // accepts a value with OK and keeps its own
	ReadOnly bool // a write is an ERROR
	Missing  bool // reading and writing are an ERROR
}

// takes reports whether a write of v is valid, and whether it changes the register.
func (r Register) takes(v int) (ok, changes bool) {
	ok = !r.Missing && !r.ReadOnly && (r.Max == 0 || v <= r.Max)
	return ok, ok && !r.Fixed
}

// CheckDialect returns the error for which AddModem would panic.
func CheckDialect(d Dialect) error { return d.check() }

// commandName is a command without its parameters.
var commandName = regexp.MustCompile(`^(?:[&\\%$*]?[A-Z]|[+#][A-Z][A-Z0-9]*)$`)

// check rejects settings that would have no effect.
func (d *Dialect) check() error {
	for text := range d.Texts {
		if !known(text) {
			return fmt.Errorf("Dialect.Texts: no result code %q", text)
		}
	}
	for _, name := range d.Commands {
		if !commandName.MatchString(name) {
			return fmt.Errorf("Dialect.Commands: %q is not the name of a command, such as &K or +PMH", name)
		}
		if _, ok := handlerOf(name); ok {
			return fmt.Errorf("Dialect.Commands: %s: every modem of the lab has this command, with its effect", name)
		}
	}
	if f := d.CallerIDText; f != "" && !strings.Contains(f, "%s") {
		return fmt.Errorf("Dialect.CallerIDText %q: needs %%s", f)
	}
	if d.RingCommand != "" && d.RingText == "" {
		return fmt.Errorf("Dialect.RingCommand %q: needs a RingText", d.RingCommand)
	}
	if d.VoiceRingText != "" && d.RingText == "" {
		return fmt.Errorf("Dialect.VoiceRingText %q: needs a RingText", d.VoiceRingText)
	}
	for n := range d.Registers {
		if n < 0 || n >= numRegisters {
			return fmt.Errorf("Dialect.Registers: S%d: registers go from 0 to %d", n, numRegisters-1)
		}
	}
	return nil
}

func known(text string) bool {
	for _, r := range results {
		if r.String() == text {
			return true
		}
	}
	return false
}

// text is the verbose form of a result code.
func (d *Dialect) text(r result) string {
	text := r.String()
	if own, ok := d.Texts[text]; ok {
		text = own
	}
	return d.inCase(text)
}

func (d *Dialect) inCase(text string) string {
	if d.LowerCase {
		return strings.ToLower(text)
	}
	return text
}

// number is how a register is displayed.
func (d *Dialect) number(v byte) string {
	if d.BareNumbers {
		return fmt.Sprint(v)
	}
	return fmt.Sprintf("%03d", v)
}

// callerID is CallerIDText with a number.
func (d *Dialect) callerID(number string) string {
	return strings.ReplaceAll(d.CallerIDText, "%s", number)
}

// switches executes a command that the dialect has for caller ID or for its own RING, and reports whether it was one.
func (m *Modem) switches(c command) bool {
	d := &m.cfg.Dialect
	for _, s := range []struct {
		command string
		on      *bool
	}{{d.CallerIDCommand, &m.profile.callerID}, {d.RingCommand, &m.profile.ownRing}} {
		name, value, _ := strings.Cut(s.command, "=")
		if s.command == "" || c.op != '=' || c.target() != name {
			continue
		}
		*s.on = c.value() == value
		return true
	}
	return false
}
