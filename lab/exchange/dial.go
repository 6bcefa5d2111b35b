package exchange

import (
	"fmt"
	"time"
)

// flash is how long '!' puts the modem on hook; quiet is the silence that '@' waits for.
const (
	flashTime = 500 * time.Millisecond
	quietTime = 5 * time.Second
	slashTime = 125 * time.Millisecond
)

// dialString is a parsed dial string.
type dialString struct {
	digits string
	commas int  // pauses of S8
	waits  int  // W: for a dial tone
	quiets int  // @: for silence
	flash  int  // !
	slash  int  // /: 125 ms
	redial bool // L
}

// parseDial reads what follows a D. T, P, R, space, hyphen and parentheses have no effect.
func parseDial(s string) (dialString, error) {
	var d dialString
	for i := range len(s) {
		switch c := upper(s[i]); c {
		case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D':
			d.digits += string(rune(c))
		case 'T', 'P', 'R', ' ', '-', '(', ')', '.':
		case ',':
			d.commas++
		case 'W':
			d.waits++
		case '@':
			d.quiets++
		case '!':
			d.flash++
		case '/':
			d.slash++
		case 'L':
			d.redial = true
		default:
			return d, fmt.Errorf("dial string %q: %q: %w", s, s[i], errSyntax)
		}
	}
	return d, nil
}

// duration is the time from off hook to the last digit.
func (d dialString) duration(p *profile) time.Duration {
	t := toneWait
	if blind(p) && d.waits == 0 {
		t = time.Duration(max(p.s[6], 2)) * time.Second
	}
	t += time.Duration(len(d.digits)) * 2 * time.Duration(p.s[11]) * time.Millisecond
	t += time.Duration(d.commas) * time.Duration(p.s[8]) * time.Second
	t += time.Duration(d.quiets)*quietTime + time.Duration(d.flash)*flashTime + time.Duration(d.slash)*slashTime
	return t + time.Duration(max(d.waits-1, 0))*toneWait
}

// blind reports whether this X level does not listen for a dial tone.
func blind(p *profile) bool { return p.x != 2 && p.x != 4 }

// doDial executes the D command. Each dial command is recorded first.
func (m *Modem) doDial(c command) verdict {
	d, err := parseDial(c.arg)
	if d.redial && err == nil {
		d.digits = m.lastNumber + d.digits
	}
	m.dial = m.x.recordDial(m, d.digits, c.arg)
	if err != nil || m.state == Connected || m.state == Escaped {
		m.x.settle(m.dial, DialError)
		return refuse
	}
	if d.digits != "" {
		m.lastNumber = d.digits
	}
	if m.dialFault(d) {
		return took
	}
	m.goOffHook()
	m.setState(Dialing)
	m.ignoreUntil = now().Add(keyGrace)
	m.beginDial(d, c.op == ';')
	return took
}

// dialFault answers a dial command if a fault decides it without the line.
func (m *Modem) dialFault(d dialString) bool {
	switch {
	case m.fault.RejectsDial:
		m.x.settle(m.dial, DialError)
		m.say(resultError)
	case m.fault.Blacklisted, m.failed.blocks(d.digits, m.cfg.Dialect.BlacklistAfter):
		m.x.settle(m.dial, DialForbidden)
		m.say(resultBlacklisted)
	case m.fault.Delayed:
		m.x.settle(m.dial, DialDelayed)
		m.say(resultDelayed)
	default:
		return false
	}
	return true
}

// beginDial listens for the tone and sends the digits. The result depends on the line: it is free, a call comes in at
// this moment (glare), or a former caller never hung up.
func (m *Modem) beginDial(d dialString, back bool) {
	x := m.x
	t := d.duration(&m.profile)
	if m.fault.NoDialtone {
		if blind(&m.profile) && d.waits == 0 {
			m.step = x.after(x.delay(t), m.awaitCarrier) // the digits reach nobody
			return
		}
		m.step = x.after(x.delay(time.Duration(max(m.profile.s[6], 2))*time.Second), func() {
			m.dialFailed(resultNoDialtone, DialNoDialtone)
		})
		return
	}
	present := m.call
	if present != nil && present.to == m && (present.phase == seized || present.phase == ringing) {
		x.event(GlareEvent, m, present, "")
		x.pickUp(present)
		m.updateSignals()
	}
	rest := m.rest
	m.step = x.after(x.delay(t), func() { m.dialed(d.digits, present, back, rest) })
}

// dialed runs after the last digit.
func (m *Modem) dialed(digits string, present *call, back bool, rest []byte) {
	switch {
	case m.fault.FalseConnect:
		m.x.settle(m.dial, DialLied)
		m.online()
		return
	case m.call != nil && m.call == present:
		m.reached(present)
	case present != nil: // it was released during dialing: the digits are incomplete
	default:
		m.digits += digits
		if !back || m.x.numbers[m.digits] != nil {
			m.x.place(m, m.digits)
			m.digits = ""
		}
	}
	if back {
		m.x.settle(m.dial, DialPartial)
		m.setState(OffHook)
		m.run(rest)
		return
	}
	m.awaitCarrier()
}

// reached connects a modem that dialed while a call was on its line already.
func (m *Modem) reached(c *call) {
	if c.phase != held {
		return
	}
	c.timer.stop()
	c.phase = answered
	h := c.from
	h.lost.stop()
	h.carrier = false
	h.setState(Answering)
	h.updateSignals()
	h.awaitCarrier()
}

// awaitCarrier listens for the other modem for S7 seconds.
func (m *Modem) awaitCarrier() {
	m.listening = true
	m.patience.stop()
	m.patience = m.x.after(m.x.clock(time.Duration(max(m.profile.s[7], 1))*time.Second), m.noCarrier)
	if m.call != nil {
		m.x.meet(m.call)
	}
}

// noCarrier runs when S7 expires.
func (m *Modem) noCarrier() {
	m.failed.count(m.state == Dialing, m.lastNumber)
	if m.state == Dialing && m.call != nil && m.call.phase == ringing && m.profile.x >= 3 {
		m.dialFailed(resultNoAnswer, DialNoAnswer)
		return
	}
	m.x.settle(m.dial, DialNoCarrier)
	m.onHook()
	m.say(resultNoCarrier)
}

// dialFailed ends an attempt with a result. A modem that is back in command state does not notice it.
func (m *Modem) dialFailed(r result, o Outcome) {
	if m.state != Dialing {
		return
	}
	if o != DialNoAnswer && o != DialNoDialtone { // noCarrier has counted, or nothing was dialed
		m.failed.count(true, m.lastNumber)
	}
	m.x.settle(m.dial, o)
	m.onHook()
	m.say(r)
}

// failures counts the failed dials of one number in a row, for Dialect.BlacklistAfter.
type failures struct {
	number string
	n      int
}

// count counts a failed dial; dialed is false for a call that came in.
func (f *failures) count(dialed bool, number string) {
	switch {
	case !dialed:
	case f.number == number:
		f.n++
	default:
		*f = failures{number, 1}
	}
}

// blocks reports whether a dial of the number is rejected after limit failures; 0 is no limit.
func (f *failures) blocks(number string, limit int) bool {
	return limit > 0 && f.number == number && f.n >= limit
}

// dialOutcome is the outcome of the dial command that led to a CONNECT.
func (m *Modem) dialOutcome() Outcome {
	switch {
	case m.call == nil || m.call.from == m:
		return DialConnected
	case m.call.from.cfg.HoldsLine && m.call.wasHeld:
		return DialHeld
	}
	return DialGlare
}
