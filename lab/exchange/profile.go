package exchange

import (
	"fmt"
	"strings"
	"time"
)

// numRegisters is the number of S registers of a modem.
const numRegisters = 100

// profile is the state that AT commands set and ATZ restores.
type profile struct {
	echo     bool // E
	quiet    bool // Q
	verbose  bool // V
	callerID bool // +VCID
	ownRing  bool // Dialect.RingCommand
	textMode bool // +CMGF=1
	// +CNMI: 0 messages are stored, 1 the DTE is told of it, 2 they are sent to the DTE
	newMessage int
	x          int // X
	dcd        int // &C
	dtr        int // &D
	s          [numRegisters]byte
}

// factoryProfile is the state after &F.
func factoryProfile() profile {
	p := profile{echo: true, verbose: true, x: 4, dcd: 1, dtr: 2}
	p.s[2] = '+'
	p.s[3] = '\r'
	p.s[4] = '\n'
	p.s[5] = '\b'
	p.s[6] = 2   // s before blind dialing
	p.s[7] = 50  // s to wait for the carrier
	p.s[8] = 2   // s for a comma
	p.s[9] = 6   // 0.1 s, carrier response
	p.s[10] = 14 // 0.1 s, loss of carrier to hang-up
	p.s[11] = 95 // ms of a tone, and of the gap after it
	p.s[12] = 50 // 0.02 s, guard of the escape sequence
	return p
}

// factory loads &F and keeps the count of rings, which belongs to the line.
func (m *Modem) factory() {
	rings := m.profile.s[1]
	m.profile = factoryProfile()
	for n, r := range m.cfg.Dialect.Registers {
		if r.Value != 0 {
			m.profile.s[n] = r.Value
		}
	}
	m.profile.s[1] = rings
}

// restore loads what &W stored.
func (m *Modem) restore() {
	rings := m.profile.s[1]
	m.profile = m.stored
	m.profile.s[1] = rings
	m.updateSignals()
}

// setRegister stores v in Sn if the register and the value exist. S1 is read-only.
func (p *profile) setRegister(n, v int) bool {
	if n < 0 || n >= numRegisters || n == 1 || v < 0 || v > 255 {
		return false
	}
	if (n == 3 || n == 4) && v > 127 {
		return false
	}
	p.s[n] = byte(v)
	return true
}

// guard is the silence before and after the escape sequence: S12, in units of 20 ms.
func (p *profile) guard() time.Duration { return time.Duration(p.s[12]) * 20 * time.Millisecond }

// lines prints the profile for &V.
func (p *profile) lines() []string {
	bit := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	out := []string{
		"ACTIVE PROFILE:",
		fmt.Sprintf("E%d Q%d V%d X%d &C%d &D%d +VCID=%d", bit(p.echo), bit(p.quiet), bit(p.verbose), p.x, p.dcd, p.dtr,
			bit(p.callerID)),
	}
	regs := make([]string, 0, 13)
	for n := range 13 {
		regs = append(regs, fmt.Sprintf("S%02d:%03d", n, p.s[n]))
	}
	return append(out, strings.Join(regs, " "))
}
