package exchange

import (
	"fmt"
	"sync"
	"time"
)

// keyGrace is the time after a command line in which the DTE may send, for example, a line feed without aborting the
// dial (V.250 §5.6.1).
const keyGrace = 125 * time.Millisecond

// ModemConfig is the configuration of a modem. The zero value is a modem that can only call out.
type ModemConfig struct {
	Name   string // for events and Dials; should be unique
	Number string // its subscriber number; several modems may share one
	Direct string // another number of this modem alone; "": none
	// ConnectText is the verbose CONNECT from X1 on, for example "CONNECT 9600"; empty means plain CONNECT.
	ConnectText string
	// CallerID means that the subscriber has the caller ID service. The modem shows the number after AT+VCID=1.
	CallerID bool
	// WithholdsNumber sends P instead of the number; PresentsNumber sends a number other than Number.
	WithholdsNumber bool
	PresentsNumber  string
	// HoldsLine makes a caller who never releases the line: when the called side goes on hook the call stays up at the
	// exchange until this modem goes on hook. What the called side then dials on that line is not routed, and this
	// modem answers. Its own DTE receives NO CARRIER as usual.
	HoldsLine bool
	// StaysOffHook keeps the call when the DTE closes the port. Dropping DTR on an open port still hangs up.
	StaysOffHook bool
	// IgnoresDTR makes a modem without the DTR wire: it hangs up only on ATH, and answers with or without a DTE.
	IgnoresDTR bool
	// SeizedBefore is how long an incoming call occupies the line before its first RING, up to 4 s on a loop-start
	// line.
	SeizedBefore time.Duration
	// Telephone makes a telephone, whose calls are voice calls.
	Telephone bool
	// Profile is a command line without AT that runs at power-on and on ATZ: "S0=1E0".
	Profile string
	// MaxLine is the longest command line, without AT and spaces; longer ones are an ERROR. Zero means 255.
	MaxLine int
	// Dialect is how the modem differs from the usual one.
	Dialect Dialect
}

// ModemState is what a modem is doing.
type ModemState uint8

// The states of a modem.
const (
	OnHook    ModemState = iota
	Ringing              // on hook, with an incoming call
	OffHook              // after ATH1, or holding the line: command state
	Dialing              // from the dial command to CONNECT
	Answering            // from the answer to CONNECT
	Connected            // bytes go to the other modem
	Escaped              // connected, in command state after +++
)

// String returns the name as text.
func (s ModemState) String() string {
	switch s {
	case OnHook:
		return "on hook"
	case Ringing:
		return "ringing"
	case OffHook:
		return "off hook"
	case Dialing:
		return "dialing"
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

// SignalSink receives the circuits that the modem drives.
type SignalSink interface {
	// ModemSignals is called with DCD, DSR, CTS and RI when the sink is attached and after each change, in order, with
	// no lock held. It must not block.
	ModemSignals(Signals)
}

// Fault makes a modem misbehave. The zero value is a modem without faults. Faults can be combined.
type Fault struct {
	// accepts every byte and sends nothing, while the line continues. Idle or in a call, at any time
	Hung bool
	// a power failure: the line is released silently, no signal is on; the port stays open
	PoweredOff   bool
	NeverOK      bool          // executes everything, never sends OK
	DelayOK      time.Duration // delays OK, and all output after it
	Garbage      bool          // echoes other bytes than it received
	SplitConnect time.Duration // sends CONNECT in pieces of three bytes, with that pause between them
	NoDialtone   bool          // the line is dead
	Vanished     bool          // unplugged: the port is closed and no DTE is accepted until the fault is removed
	Blacklisted  bool          // rejects dial commands: BLACKLISTED
	Delayed      bool          // rejects dial commands: DELAYED
	FalseConnect bool          // each dial command ends in a false CONNECT
	FalseHangUp  bool          // false OK to ATH and ATZ: stays off hook, also when DTR drops
	LosesATA     int           // ignores this many ATA; counted down from each SetFault
	// delays NO CARRIER after the far end has hung up, unless the modem is then in a new call
	LateNoCarrier time.Duration
	MuteNoCarrier bool // never sends NO CARRIER when the far end has hung up
	DCDStuckOn    bool // always shows carrier
	DCDStuckOff   bool // never shows carrier
	DSRLost       bool // never shows DSR
	// never ready to receive: CTS is off. A DTE's Write blocks until its deadline; without one, as from a stream, the
	// octets are lost
	CTSStuckOff bool
	// executes everything and sends nothing, because another program reads the port
	Mute bool
	// answers each command with the result code of the one before
	Stale bool
	// uses another speed towards its DTE as soon as a call is connected: the data arrives as other octets, both ways
	WrongSpeed  bool
	RejectsDial bool // rejects dial commands: ERROR
}

// Modem is one modem. Exchange.AddModem makes it; its methods are safe for concurrent use.
type Modem struct {
	x   *Exchange
	cfg ModemConfig

	profile  profile
	stored   profile // set by &W
	register int     // chosen by ATSn, for AT= and AT?
	editor   editor
	rest     []byte // of the command line, after the current command
	fault    Fault
	answers  []string // of registers, for one line: Dialect.OneLine
	stale    []byte   // the last result code, under Fault.Stale
	deaf     time.Time
	triggers []*trigger

	state      ModemState // Ringing is never stored, see visible
	offHook    bool
	carrier    bool // for DCD
	listening  bool // for the other modem
	ri         bool
	rings      int // since it was installed
	call       *call
	dial       int    // Seq of the last dial command, 0 before the first
	digits     string // of a dial string that ended with ';'
	lastNumber string // for L
	failed     failures
	mail       mail

	escape      escape
	unread      []byte // from the far end, while escaped
	ignoreUntil time.Time
	overrun     bool      // bytes for this DTE are being lost
	room        sync.Cond // signals that port may have room again

	step, patience, lost *timer // of dialing, of S7, of S10
	late                 *timer // of Fault.LateNoCarrier

	port        *port
	pty         *ptyLink
	dtr, rts    bool
	lastSignals Signals
	held        []piece // output that waits for its time
	holding     *timer
}

// piece is output that is sent after a delay from the piece before it.
type piece struct {
	wait    time.Duration
	data    []byte
	deafens bool // a result code, after which Dialect.Deaf begins
}

// now is the only use of the clock besides the timers.
func now() time.Time { return time.Now() }

// Name returns the modem's name.
func (m *Modem) Name() string { return m.cfg.Name }

// Number returns the modem's subscriber number.
func (m *Modem) Number() string { return m.cfg.Number }

// State returns what the modem is doing.
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

// Held reports whether a caller who never released the line occupies it while the modem is on hook.
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

// HangUp puts the modem on hook, as the modem's own switch would, whatever DTE, DTR and faults say.
func (m *Modem) HangUp() {
	m.x.lock()
	defer m.x.unlock()
	if m.state != OnHook {
		m.onHook()
		m.say(resultNoCarrier)
	}
}

// SetFault changes the faults of the modem immediately. Vanished closes its port, hangs up, and rejects every DTE until
// the fault is removed; a pseudo terminal then returns under a new name and the old link.
func (m *Modem) SetFault(f Fault) {
	m.x.lock()
	was := m.fault
	m.fault = f
	if !f.Stale {
		m.stale = nil
	}
	m.room.Broadcast() // writers that waited for CTS
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

// PowerCycle switches the modem off and on: the line is released silently, the stored profile is restored, and an
// incomplete command line is discarded. The port stays open.
func (m *Modem) PowerCycle() {
	m.x.lock()
	defer m.x.unlock()
	m.powerOff()
	m.updateSignals()
}

// powerOff discards everything that is not stored.
func (m *Modem) powerOff() {
	m.factory()
	m.restore()
	m.onHook()
	m.editor = editor{}
	m.late.stop()
	m.failed = failures{}
	m.held, m.answers, m.rest, m.stale, m.deaf = nil, nil, nil, nil, time.Time{}
	m.holding.stop()
}

// dead reports whether input has no effect and the modem sends nothing.
func (m *Modem) dead() bool { return m.fault.Hung || m.fault.PoweredOff }

// silent reports whether the modem sends nothing.
func (m *Modem) silent() bool { return m.dead() || m.fault.Mute }

// Disconnect closes the port as a network failure does: the DTE must reconnect. DTR drops, unless the modem
// StaysOffHook. A pseudo terminal returns immediately under a new name and the old link.
func (m *Modem) Disconnect() {
	m.x.lock()
	m.detach(m.port)
	back := m.pty != nil && !m.x.closed
	m.x.unlock()
	if back {
		m.pty.reopen()
	}
}

// unplug removes the port and the power.
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

// setState changes the state and discards an incomplete command line.
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

// onHook ends everything that the modem does on the line.
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
	if len(m.mail.notices) > 0 {
		m.x.after(noticeGap, m.flushMail)
	}
	if was {
		m.x.event(OnHookEvent, m, m.call, "")
		if m.call != nil {
			m.x.leave(m.call, m)
		}
	}
	m.updateSignals()
}

// hangUp is the effect of ATH, ATZ and DTR, unless a fault prevents it.
func (m *Modem) hangUp() {
	if !m.fault.FalseHangUp && m.state != OnHook {
		m.onHook()
	}
}

// answer is the effect of ATA, or of S0 rings. Without an incoming call the modem still waits for a carrier.
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

// autoAnswers reports whether S0 rings have come and a DTE is ready (&D2 and &D3 forbid answering without DTR).
func (m *Modem) autoAnswers(rings int) bool {
	s0 := int(m.profile.s[0])
	if s0 == 0 || rings < s0 || m.state != OnHook || m.dead() || m.fault.Vanished {
		return false
	}
	return m.dtr || m.cfg.IgnoresDTR || m.profile.dtr < 2
}

// online runs when both sides have carrier.
func (m *Modem) online() {
	m.patience.stop()
	if m.state == Dialing {
		m.failed = failures{}
	}
	m.x.settle(m.dial, m.dialOutcome())
	m.setState(Connected)
	m.carrier = true
	m.escape = escape{last: now()}
	m.updateSignals()
	m.sayConnect()
}

// loseCarrier runs when the far end is gone. After S10 the modem reports it and goes on hook, or stays off hook if it
// holds the line. S10=255 ignores the loss.
func (m *Modem) loseCarrier(stay bool) {
	if !m.offHook || m.state == OffHook {
		return // it never had a carrier from that call
	}
	s10 := m.profile.s[10]
	if m.state == Dialing && !m.listening || s10 == 255 && m.carrier {
		return
	}
	m.lost.stop()
	if d := m.x.delay(time.Duration(s10) * 100 * time.Millisecond); d > 0 {
		m.lost = m.x.after(d, func() { m.carrierLost(stay) })
		return
	}
	m.carrierLost(stay) // immediately, so that the next call finds the line free
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

// sayCarrierLost sends NO CARRIER after the far end has gone, late if a fault says so.
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

// setDTR handles a change of DTR.
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

// circuits returns the circuits that the modem drives.
func (m *Modem) circuits() Signals {
	if m.fault.Vanished || m.fault.PoweredOff {
		return 0
	}
	s := DSR | CTS
	if m.fault.DSRLost {
		s &^= DSR
	}
	if m.fault.CTSStuckOff {
		s &^= CTS
	}
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

// updateSignals notifies the port if a circuit has changed.
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
