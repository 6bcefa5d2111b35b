// Package atprompt is the modem that a network user of a line meets: the command line of ITU-T V.250, emulated. The
// real modem never sees what the user types. A command that needs it becomes an Action (Dial with a number, HangUp,
// Abort), which the owner of the line carries out and answers with Done.
package atprompt

import "time"

// State is what the emulated modem does.
type State int

// The states. In Dialing and HangingUp an order waits for Done.
const (
	Command   State = iota // the command line, without a call
	Dialing                // a dial is in progress; any character ends it (V.250 §5.6.1)
	Online                 // what the user sends is data of the call
	Escaped                // the command line during a call
	HangingUp              // the call is being hung up; what the user sends is lost
)

// String returns the name of the state.
func (s State) String() string {
	return [...]string{"command", "dialing", "online", "escaped", "hanging up"}[s]
}

// Config is what the emulation is told of its user and its line.
type Config struct {
	Product string // the answer to ATI
	// Explain: a sentence before the result code says why a command failed. It is for people; programs may take it for
	// something else.
	Explain bool
}

// Kind says what an Action asks for.
type Kind int

// The kinds of actions. After Dial and HangUp the owner must call Done once; after Abort, the Done of the Dial follows.
const (
	ToUser Kind = iota // send Data to the user
	ToCall             // send Data to the call
	Dial               // ask for a call to Number
	Abort              // end the dial in progress
	HangUp             // hang up the call
)

// Action is what the emulation asks its owner to do, in the order of the returned list.
type Action struct {
	Kind   Kind
	Data   []byte
	Number string // as typed: digits and the characters of numberChars; the number plan reads it
}

// Result is how an order has ended.
type Result struct {
	Code    Code
	Connect string // the CONNECT line of the real modem; "" none
	Why     string // a sentence for Config.Explain; "" none
}

const (
	// maxLine is the longest command line, without AT (V.250 §5.2.1 requires 40).
	maxLine = 255
	// settle is how long after a command line no character ends the dial, so that a line feed does not (V.250 §5.6.1).
	settle = 125 * time.Millisecond
)

// Modem is the emulated modem of one user. It is a pure machine: it reads no clock, and is used by one goroutine.
type Modem struct {
	cfg   Config
	set   settings
	state State

	prefix   byte   // what the line has so far: 0, 'A', or 'T' for all of AT
	body     []byte // behind AT
	overlong bool   // the line was longer than maxLine
	last     string // the body of the line before, for A/
	ended    byte   // what may still belong to the end of the line; see ends
	rest     []command

	began    time.Time // the dial
	stopping bool      // it was aborted
	reset    bool      // the settings are reset after the hang-up (&D3, Z)
	why      string    // why it was aborted
	connect  string    // the CONNECT line of the call

	escape escape
	out    []Action
}

// New returns an emulated modem in command state with its default settings.
func New(cfg Config) *Modem { return &Modem{cfg: cfg, set: defaults()} }

// State returns what the modem does.
func (m *Modem) State() State { return m.state }

// Carrier reports the state of circuit 109 (DCD) as &C has it.
func (m *Modem) Carrier() bool { return !m.set.carrier || m.state == Online || m.state == Escaped }

// Input takes what the user has sent. It keeps no reference to b; Data of ToCall is a part of b.
func (m *Modem) Input(now time.Time, b []byte) []Action {
	m.tick(now)
	for i, c := range b {
		switch {
		case m.ends(c):
			continue
		case m.state == Online:
			m.escape.sent(now, b[i:], m.set)
			m.out = append(m.out, Action{Kind: ToCall, Data: b[i:]})
			return m.take()
		}
		m.octet(now, c&0x7f) // V.250 §5.1: a parity bit has no meaning
	}
	return m.take()
}

// ends reports whether c still belongs to the end of the command line before it: the LF of CR LF, the NUL of Telnet's
// CR NUL, the Enter key after A/.
func (m *Modem) ends(c byte) bool {
	ended := m.ended
	m.ended = 0
	if m.state != Online {
		c &= 0x7f
	}
	if ended == '\r' && c == m.set.s[3] {
		m.ended = '\n'
		return true
	}
	return ended != 0 && (c == '\n' || c == 0)
}

// octet takes one octet, except data of a call.
func (m *Modem) octet(now time.Time, c byte) {
	switch m.state {
	case Command, Escaped:
		m.typed(now, c)
	case Dialing:
		if now.Sub(m.began) >= settle {
			m.abort("the dial was ended by a key")
		}
	case Online, HangingUp:
	}
}

// Break takes a BREAK of the user: it ends a dial, and the command line that is being typed.
func (m *Modem) Break(time.Time) []Action {
	switch m.state {
	case Dialing:
		m.abort("the dial was ended by a break")
	case Command, Escaped:
		m.clearLine()
	case Online, HangingUp:
	}
	return m.take()
}

// DropDTR takes that the user's circuit 108 (DTR) went off; what it does is a matter of &D.
func (m *Modem) DropDTR(now time.Time) []Action {
	switch {
	case m.set.dtr == 0:
	case m.state == Dialing:
		m.reset = m.reset || m.set.dtr == 3
		m.abort("the dial was ended: DTR went off")
	case m.set.dtr == 1 && m.state == Online:
		m.escaped()
	case m.set.dtr >= 2 && (m.state == Online || m.state == Escaped):
		m.clearLine()
		m.hangUp(m.set.dtr == 3)
	case m.set.dtr == 3 && m.state == Command:
		m.set = defaults()
	}
	return m.take()
}

// Lost takes that the call has ended, and that all its data is with the user.
func (m *Modem) Lost(now time.Time) []Action {
	if m.state == Online || m.state == Escaped {
		m.state, m.connect, m.escape = Command, "", escape{}
		m.result(Result{Code: NoCarrier})
	}
	return m.take()
}

// Done takes the end of the order that is in progress; without one it does nothing.
func (m *Modem) Done(now time.Time, r Result) []Action {
	switch m.state {
	case Dialing:
		m.dialed(now, r)
	case HangingUp:
		m.state, m.connect = Command, ""
		if m.reset {
			m.set, m.reset = defaults(), false
		}
		if m.stopping { // the dial that was aborted had a call
			m.stopping = false
			r = Result{Code: NoCarrier, Why: m.why}
		}
		if r.Code != OK {
			m.rest = nil
			m.result(r)
			break
		}
		m.run(now)
	case Command, Online, Escaped:
	}
	return m.take()
}

func (m *Modem) dialed(now time.Time, r Result) {
	m.rest = nil // D is the last command of its line
	switch {
	case r.Code != Connected:
		m.state = Command
		if m.stopping {
			r.Code, r.Why = NoCarrier, m.why
		}
		m.stopping = false
		if m.reset {
			m.set, m.reset = defaults(), false
		}
		m.result(r)
	case m.stopping: // it connected before the abort could reach it
		m.hangUp(m.reset)
	default:
		m.state, m.connect = Online, printable(r.Connect)
		m.escape = escape{last: now}
		m.result(Result{Code: Connected, Connect: m.connect})
	}
}

// Deadline returns when Tick is to be called; zero: not at all. It changes with every other call.
func (m *Modem) Deadline() time.Time {
	switch {
	case m.state == Dialing && !m.stopping:
		return m.began.Add(time.Duration(m.set.s[7]) * time.Second)
	case m.state == Online:
		return m.escape.deadline(m.set)
	}
	return time.Time{}
}

// Tick takes that the time is now: it ends the guard time of the escape, and a dial that takes longer than S7.
func (m *Modem) Tick(now time.Time) []Action {
	m.tick(now)
	return m.take()
}

func (m *Modem) tick(now time.Time) {
	switch at := m.Deadline(); {
	case at.IsZero() || now.Before(at):
	case m.state == Dialing:
		m.abort("no connection within the seconds of S7")
	default:
		m.escaped()
	}
}

func (m *Modem) escaped() {
	m.state, m.escape = Escaped, escape{}
	m.clearLine()
	m.result(Result{Code: OK})
}

func (m *Modem) abort(why string) {
	if !m.stopping {
		m.stopping, m.why = true, why
		m.out = append(m.out, Action{Kind: Abort})
	}
}

func (m *Modem) hangUp(reset bool) {
	m.state, m.reset, m.escape = HangingUp, m.reset || reset, escape{}
	m.out = append(m.out, Action{Kind: HangUp})
}

func (m *Modem) take() []Action {
	out := m.out
	m.out = nil
	return out
}

// say sends text to the user.
func (m *Modem) say(text string) {
	if n := len(m.out); n > 0 && m.out[n-1].Kind == ToUser {
		m.out[n-1].Data = append(m.out[n-1].Data, text...)
		return
	}
	m.out = append(m.out, Action{Kind: ToUser, Data: []byte(text)})
}
