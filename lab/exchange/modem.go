package exchange

import (
	"fmt"
	"sync"
	"time"
)

// keyGrace is the time after a command line in which the DTE may send a line feed or so without aborting the dial
// (V.250 §5.6.1).
const keyGrace = 125 * time.Millisecond

// ModemConfig is what a modem is like. The zero value is a modem that can only call out.
type ModemConfig struct {
	Name   string // for people, events and Dials; should be unique
	Number string // its subscriber number; several modems may share one
	// ConnectText is the verbose CONNECT from X1 on, "CONNECT 9600" say; empty means plain CONNECT.
	ConnectText string
	// CallerID says that the subscriber pays for the caller's number. The modem shows it once AT+VCID=1 was given.
	CallerID bool
	// WithholdsNumber sends P instead of the number; PresentsNumber sends another one than Number.
	WithholdsNumber bool
	PresentsNumber  string
	// HoldsLine makes a caller who never lets go: when the called side goes on hook the call stays up at the exchange,
	// until this modem goes on hook. What the called side then dials on that line goes nowhere, and this modem answers.
	// Its own DTE sees NO CARRIER as usual.
	HoldsLine bool
	// StaysOffHook keeps the call when the DTE closes the port. Dropping DTR on an open port still hangs up.
	StaysOffHook bool
	// IgnoresDTR makes a modem without that wire: it hangs up on ATH only, and answers whether or not a DTE is there.
	IgnoresDTR bool
	// SeizedBefore is how long an incoming call occupies the line before its first RING, up to 4 s on a loop-start
	// line.
	SeizedBefore time.Duration
	// Profile is a command line without AT that is done at power-on, and that ATZ restores: "S0=1E0".
	Profile string
	// MaxLine is the longest command line, AT and spaces not counted; longer ones are an ERROR. Zero means 255.
	MaxLine int
	// Dialect is how the modem differs from the usual one.
	Dialect Dialect
}

// ModemState is what a modem does at the moment.
type ModemState uint8

// The states of a modem.
const (
	OnHook    ModemState = iota
	Ringing              // on hook, with an incoming call
	OffHook              // after ATH1, or holding the line: command state
	Dialling             // from the dial command to CONNECT
	Answering            // from the answer to CONNECT
	Connected            // bytes go to the other modem
	Escaped              // connected, in command state after +++
)

// String returns the name for people.
func (s ModemState) String() string {
	switch s {
	case OnHook:
		return "on hook"
	case Ringing:
		return "ringing"
	case OffHook:
		return "off hook"
	case Dialling:
		return "dialling"
	case Answering:
		return "answering"
	case Connected:
		return "connected"
	case Escaped:
		return "escaped"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Signals is a set of EIA-232 circuits. RI, DCD, DSR and CTS come from the modem, DTR and RTS from the DTE.
type Signals uint8

// The circuits.
const (
	DCD Signals = 1 << iota // Data Carrier Detect
	DSR                     // Data Set Ready
	CTS                     // Clear To Send
	RI                      // Ring Indicator
	DTR                     // Data Terminal Ready
	RTS                     // Request To Send
)

// Has reports whether all circuits of want are on.
func (s Signals) Has(want Signals) bool { return s&want == want }

// SignalSink is told about the circuits that come from the modem.
type SignalSink interface {
	// ModemSignals gets DCD, DSR, CTS and RI at the attachment and after each change, in order, with no lock held. It
	// must not block.
	ModemSignals(Signals)
}

// Fault makes a modem misbehave. The zero value is a modem in order. Faults add up.
type Fault struct {
	// takes every byte and says nothing; what the line does goes on. Idle or in a call, at any time
	Hung bool
	// a power failure: the line is released without a word, no signal is on; the port stays open
	PoweredOff   bool
	NeverOK      bool          // does everything, never says OK
	DelayOK      time.Duration // delays OK, and all output after it
	Garbage      bool          // echoes other bytes than it got
	SplitConnect time.Duration // sends CONNECT in pieces of three bytes, with that pause between them
	NoDialtone   bool          // the line is dead
	Vanished     bool          // unplugged: the port is closed and no DTE gets in until the fault is taken back
	Blacklisted  bool          // refuses to dial: BLACKLISTED
	Delayed      bool          // refuses to dial: DELAYED
	FalseConnect bool          // each dial command ends in a false CONNECT
	FalseHangUp  bool          // false OK to ATH and ATZ: stays off hook, also when DTR drops
	LosesATA     int           // ignores so many ATA; counted down from each SetFault
	// delays NO CARRIER after the far end has hung up, unless it is in a new call then
	LateNoCarrier time.Duration
	MuteNoCarrier bool // never says NO CARRIER when the far end has hung up
	DCDStuckOn    bool // shows carrier always
	DCDStuckOff   bool // shows carrier never
}

// Modem is one modem. Exchange.AddModem makes it; its methods may be called from any goroutine.
type Modem struct {
	x   *Exchange
	cfg ModemConfig

	profile  profile
	stored   profile // by &W
	register int     // chosen by ATSn, for AT= and AT?
	editor   editor
	rest     []byte // of the command line, behind the command being done
	fault    Fault
	answers  []string // of registers, for one line: Dialect.OneLine
	deaf     time.Time
	triggers []*trigger

	state      ModemState // Ringing is never stored, see visible
	offHook    bool
	carrier    bool // for DCD
	listening  bool // for the other modem
	ri         bool
	rings      int // ever
	call       *call
	dial       int    // Seq of the last dial command, 0 before the first
	digits     string // of a dial string that ';' cut off
	lastNumber string // for L

	escape      escape
	unread      []byte // from the far end, while escaped
	ignoreUntil time.Time
	overrun     bool      // bytes for this DTE are being lost
	room        sync.Cond // there may be room in port again

	step, patience, lost *timer // of dialling, of S7, of S10
	late                 *timer // of Fault.LateNoCarrier

	port        *port
	pty         *ptyLink
	dtr, rts    bool
	lastSignals Signals
	held        []piece // output that waits for its time
	holding     *timer
}

// piece is output that is sent so much after the one before it.
type piece struct {
	wait    time.Duration
	data    []byte
	deafens bool // a result code, behind which Dialect.Deaf begins
}

// now is the only look at the clock besides the timers.
func now() time.Time { return time.Now() }

// Name returns the modem's name.
func (m *Modem) Name() string { return m.cfg.Name }

// Number returns the modem's subscriber number.
func (m *Modem) Number() string { return m.cfg.Number }

// State returns what the modem does at the moment.
func (m *Modem) State() ModemState {
	m.x.lock()
	defer m.x.unlock()
	return m.visible()
}

// Signals returns all circuits of the modem's port, DTR and RTS included.
func (m *Modem) Signals() Signals {
	m.x.lock()
	defer m.x.unlock()
	return m.allCircuits()
}

// Register returns the value of S register n, 0 if there is none.
func (m *Modem) Register(n int) byte {
	m.x.lock()
	defer m.x.unlock()
	if n < 0 || n >= numRegisters || m.cfg.Dialect.Registers[n].Missing {
		return 0
	}
	return m.profile.s[n]
}

// Held reports whether a caller who never let go occupies the line while the modem is on hook.
func (m *Modem) Held() bool {
	m.x.lock()
	defer m.x.unlock()
	return m.call != nil && m.call.phase == held && m.call.to == m
}

// Rings returns how often the line has rung since it was installed.
func (m *Modem) Rings() int {
	m.x.lock()
	defer m.x.unlock()
	return m.rings
}

// HangUp puts the modem on hook, as a hand at its switch would: whatever DTE, DTR and faults say.
func (m *Modem) HangUp() {
	m.x.lock()
	defer m.x.unlock()
	if m.state != OnHook {
		m.onHook()
		m.say(resultNoCarrier)
	}
}

// SetFault changes the faults of the modem at once. Vanished closes its port, hangs up, and turns every DTE away until
// it is taken back; a pseudo terminal comes back under a new name and the old link.
func (m *Modem) SetFault(f Fault) {
	m.x.lock()
	was := m.fault
	m.fault = f
	if f.Vanished && !was.Vanished {
		m.unplug()
	}
	if f.PoweredOff && !was.PoweredOff {
		m.powerOff()
	}
	m.updateSignals()
	back := was.Vanished && !f.Vanished && m.pty != nil && !m.x.closed
	m.x.unlock()
	if back {
		m.pty.reopen()
	}
}

// PowerCycle switches the modem off and on: the line is released without a word, the stored profile comes back, and
// what the DTE had begun to type is forgotten. The port stays open.
func (m *Modem) PowerCycle() {
	m.x.lock()
	defer m.x.unlock()
	m.powerOff()
	m.updateSignals()
}

// powerOff forgets all that is not stored.
func (m *Modem) powerOff() {
	m.factory()
	m.restore()
	m.onHook()
	m.editor = editor{}
	m.late.stop()
	m.held, m.answers, m.rest, m.deaf = nil, nil, nil, time.Time{}
	m.holding.stop()
}

// dead says that nothing the DTE does has an effect, and that the modem says nothing.
func (m *Modem) dead() bool { return m.fault.Hung || m.fault.PoweredOff }

// Disconnect closes the port as a network does that fails: the DTE has to come back. It is DTR dropped, unless the
// modem StaysOffHook. A pseudo terminal comes back at once under a new name and the old link.
func (m *Modem) Disconnect() {
	m.x.lock()
	m.detach(m.port)
	back := m.pty != nil && !m.x.closed
	m.x.unlock()
	if back {
		m.pty.reopen()
	}
}

// unplug is the loss of the port and of the power.
func (m *Modem) unplug() {
	m.detach(m.port)
	m.factory()
	m.restore()
	if !m.cfg.StaysOffHook || m.x.closed {
		m.onHook()
	}
}

func (m *Modem) visible() ModemState {
	if m.state == OnHook && m.call != nil && m.call.to == m && m.call.phase == ringing {
		return Ringing
	}
	return m.state
}

// setState changes the state; what the DTE had begun to type is forgotten.
func (m *Modem) setState(s ModemState) {
	m.state = s
	m.listening = false
	m.editor.reset()
}

func (m *Modem) goOffHook() {
	if m.offHook {
		return
	}
	m.offHook = true
	m.setState(OffHook)
	m.x.event(OffHookEvent, m, m.call, "")
}

// onHook ends whatever the modem did on the line.
func (m *Modem) onHook() {
	m.step.stop()
	m.patience.stop()
	m.lost.stop()
	m.escape.stop()
	m.x.settle(m.dial, DialAborted)
	was := m.offHook
	m.offHook, m.carrier = false, false
	m.digits, m.unread = "", nil
	m.setState(OnHook)
	m.room.Broadcast()
	if was {
		m.x.event(OnHookEvent, m, m.call, "")
		if m.call != nil {
			m.x.leave(m.call, m)
		}
	}
	m.updateSignals()
}

// hangUp is what ATH, ATZ and DTR do, unless the modem only says so.
func (m *Modem) hangUp() {
	if !m.fault.FalseHangUp && m.state != OnHook {
		m.onHook()
	}
}

// answer is ATA, or S0 rings. Without an incoming call the modem waits for a carrier all the same.
func (m *Modem) answer() {
	if m.state != OnHook && m.state != OffHook {
		m.say(resultError)
		return
	}
	m.goOffHook()
	m.setState(Answering)
	m.ignoreUntil = now().Add(keyGrace)
	if c := m.call; c != nil && c.to == m && (c.phase == seized || c.phase == ringing) {
		m.x.pickUp(c)
		m.updateSignals()
	}
	m.awaitCarrier()
}

// autoAnswers: S0 rings have come, and a DTE is there to talk to (&D2 and &D3 forbid it without DTR).
func (m *Modem) autoAnswers(rings int) bool {
	s0 := int(m.profile.s[0])
	if s0 == 0 || rings < s0 || m.state != OnHook || m.dead() || m.fault.Vanished {
		return false
	}
	return m.dtr || m.cfg.IgnoresDTR || m.profile.dtr < 2
}

// online is carrier on both sides.
func (m *Modem) online() {
	m.patience.stop()
	m.x.settle(m.dial, m.dialOutcome())
	m.setState(Connected)
	m.carrier = true
	m.escape = escape{last: now()}
	m.updateSignals()
	m.sayConnect()
}

// loseCarrier is the far end gone. After S10 the modem says so and goes on hook, or stays off hook where it holds the
// line. S10=255 takes no notice.
func (m *Modem) loseCarrier(stay bool) {
	if !m.offHook || m.state == OffHook {
		return // it heard nothing of the call
	}
	s10 := m.profile.s[10]
	if m.state == Dialling && !m.listening || s10 == 255 && m.carrier {
		return
	}
	m.lost.stop()
	if d := m.x.delay(time.Duration(s10) * 100 * time.Millisecond); d > 0 {
		m.lost = m.x.after(d, func() { m.carrierLost(stay) })
		return
	}
	m.carrierLost(stay) // at once, so that the next call finds the line free
}

func (m *Modem) carrierLost(stay bool) {
	m.x.settle(m.dial, DialNoCarrier)
	if !stay {
		m.onHook()
	} else {
		m.escape.stop()
		m.patience.stop()
		m.carrier = false
		m.setState(OffHook)
		m.updateSignals()
	}
	m.sayCarrierLost()
}

// sayCarrierLost is NO CARRIER when the far end has gone, in time or not.
func (m *Modem) sayCarrierLost() {
	switch {
	case m.fault.MuteNoCarrier:
	case m.fault.LateNoCarrier > 0:
		m.late.stop()
		m.late = m.x.after(m.fault.LateNoCarrier, func() {
			if m.state != Connected {
				m.say(resultNoCarrier)
			}
		})
	default:
		m.say(resultNoCarrier)
	}
}

// setDTR is the wire from the DTE.
func (m *Modem) setDTR(on bool) {
	was := m.dtr
	m.dtr = on
	if !was || on || m.cfg.IgnoresDTR || m.dead() {
		return
	}
	switch m.profile.dtr {
	case 1:
		m.toCommand()
	case 2:
		m.dropCall()
	case 3:
		m.dropCall()
		m.restore()
	}
}

func (m *Modem) dropCall() {
	if m.state == OnHook {
		m.editor.reset()
		return
	}
	m.hangUp()
	if m.state == OnHook {
		m.say(resultNoCarrier)
	}
}

// circuits are those that the modem drives.
func (m *Modem) circuits() Signals {
	if m.fault.Vanished || m.fault.PoweredOff {
		return 0
	}
	s := DSR | CTS
	if (m.carrier || m.profile.dcd == 0 || m.fault.DCDStuckOn) && !m.fault.DCDStuckOff {
		s |= DCD
	}
	if m.ri {
		s |= RI
	}
	return s
}

func (m *Modem) allCircuits() Signals {
	s := m.circuits()
	if m.dtr {
		s |= DTR
	}
	if m.rts {
		s |= RTS
	}
	return s
}

// updateSignals tells the port where a circuit has changed.
func (m *Modem) updateSignals() {
	s := m.circuits()
	if s == m.lastSignals {
		return
	}
	m.lastSignals = s
	if m.port != nil {
		m.port.signalsChanged()
	}
}
