package exchange

import "strconv"

// phase is the state of a call at the exchange.
type phase uint8

const (
	routing   phase = iota // the digits are complete, nothing was found yet
	seized                 // the called line is taken, before its first ring
	ringing                // the called line rings
	answered               // off hook on both sides, the modems do not hear each other yet
	training               // both modems exchange tones
	connected              // both have carrier
	held                   // the called side is on hook again, the caller keeps the line
)

// call is one connection, or an attempt. Both modems have it in their call field as long as it occupies their lines. to
// is nil if a behavior answers instead of a modem.
type call struct {
	from, to *Modem
	number   string
	phase    phase
	rings    int
	wasHeld  bool   // the called side was on hook in between
	timer    *timer // the next step of the exchange
}

// other returns the far end, nil if it is not a modem.
func (c *call) other(m *Modem) *Modem {
	if c.from == m {
		return c.to
	}
	return c.from
}

// place begins a call; the result comes after the post-dial delay.
func (x *Exchange) place(m *Modem, number string) {
	c := &call{from: m, number: number}
	m.call = c
	c.timer = x.after(x.delay(x.cfg.PostDial), func() { x.route(c) })
}

// route looks a number up. A number that is not in the directory ends here.
func (x *Exchange) route(c *call) {
	s := x.numbers[c.number]
	if s == nil {
		x.event(RefusedEvent, c.from, c, "not in the directory")
		c.from.dialFailed(resultNoCarrier, DialNoNumber)
		return
	}
	switch s.behavior {
	case Busy:
		x.engaged(c)
	case NoAnswer:
		x.ringBack(c)
	case Voice:
		x.ringBack(c)
		c.timer.stop() // no second ring
		c.timer = x.after(x.clock(ringCycle), func() {
			c.phase = answered
			x.event(AnswerEvent, nil, c, "a person")
			if c.from.cfg.Dialect.HearsVoice {
				c.from.dialFailed(resultVoice, DialVoice)
			}
		})
	case OutOfService:
		c.phase = answered
		x.event(RefusedEvent, c.from, c, "out of service")
	default:
		x.hunt(c, s)
	}
}

// ringBack sends ringing tone for a line that has no modem.
func (x *Exchange) ringBack(c *call) {
	c.phase = ringing
	c.rings++
	x.event(RingEvent, nil, c, "%d", c.rings)
	c.from.sayRinging()
	c.timer = x.after(x.clock(ringCycle), func() { x.ringBack(c) })
}

// hunt takes the first idle modem of a number.
func (x *Exchange) hunt(c *call, s *subscription) {
	for _, m := range s.modems {
		if m.offHook || m.call != nil {
			continue
		}
		x.seize(c, m)
		return
	}
	x.engaged(c)
}

// seize takes the called line. Its first ring comes immediately, after SeizedBefore, or after the caller's number.
func (x *Exchange) seize(c *call, m *Modem) {
	c.to, c.phase = m, seized
	m.call = c
	first := func() { x.ring(c) }
	if m.cfg.Dialect.CallerIDTime == BeforeFirstRing && m.showsCaller() {
		first = func() {
			m.showCaller(c.from)
			c.timer = x.after(x.delay(callerIDGap), func() { x.ring(c) })
		}
	}
	if m.cfg.SeizedBefore <= 0 {
		first()
		return
	}
	x.event(SeizedEvent, m, c, "")
	c.timer = x.after(x.clock(m.cfg.SeizedBefore), first)
}

// engaged sends the busy tone. A modem that does not listen for it waits until S7.
func (x *Exchange) engaged(c *call) {
	x.event(RefusedEvent, c.from, c, "busy")
	if c.from.profile.x >= 3 {
		c.from.dialFailed(resultBusy, DialBusy)
	}
}

// ring begins one cycle of the cadence, 2 s on and 4 s off.
func (x *Exchange) ring(c *call) {
	m := c.to
	c.phase = ringing
	c.rings++
	m.rings++
	m.profile.s[1] = byte(min(c.rings, 255))
	x.event(RingEvent, m, c, "%s", strconv.Itoa(c.rings))
	m.ri = true
	m.updateSignals()
	m.sayRing(c)
	c.from.sayRinging()
	c.timer = x.after(x.delay(ringOn), func() { x.burstEnds(c) })
}

// burstEnds goes on with the cycle. One timer after the other: on a busy machine no ring overtakes the caller's number.
func (x *Exchange) burstEnds(c *call) {
	m := c.to
	m.ri = false
	m.updateSignals()
	if m.autoAnswers(c.rings) {
		m.answer()
		return
	}
	off := x.clock(ringCycle) - x.delay(ringOn)
	again := func() { x.ring(c) }
	first := m.cfg.Dialect.CallerIDTime.rings()
	if !m.showsCaller() || c.rings != first && (c.rings < first || !m.cfg.Dialect.CallerIDEachRing) {
		c.timer = x.after(off, again)
		return
	}
	gap := x.delay(callerIDGap)
	c.timer = x.after(gap, func() {
		m.showCaller(c.from)
		c.timer = x.after(off-gap, again)
	})
}

// pickUp runs when the called side goes off hook on a seized or ringing line.
func (x *Exchange) pickUp(c *call) {
	c.timer.stop()
	c.phase = answered
	c.to.ri = false
	c.to.profile.s[1] = 0
	x.event(AnswerEvent, c.to, c, "")
}

// meet starts training when both modems listen.
func (x *Exchange) meet(c *call) {
	if c.to == nil || c.phase != answered || !c.from.listening || !c.to.listening {
		return
	}
	c.phase = training
	c.timer = x.after(x.delay(x.cfg.Training), func() {
		c.phase = connected
		x.event(ConnectEvent, c.to, c, "")
		c.to.online()
		c.from.online()
	})
}

// leave runs when m goes on hook during c. A caller ends the call; a called side ends it unless the caller holds the
// line.
func (x *Exchange) leave(c *call, m *Modem) {
	o := c.other(m)
	if m == c.to && c.from.cfg.HoldsLine {
		x.hold(c)
		return
	}
	c.timer.stop()
	x.event(ReleaseEvent, m, c, "")
	m.call = nil
	if o != nil {
		o.call = nil
		o.ri = false
		o.profile.s[1] = 0
		o.updateSignals()
		o.loseCarrier(false)
	}
}

// hold runs when the called side is on hook while the caller stays: the line is occupied, and only the caller frees it.
func (x *Exchange) hold(c *call) {
	c.timer.stop()
	c.phase, c.wasHeld = held, true
	x.event(HoldEvent, c.to, c, "")
	c.from.loseCarrier(true)
	if x.cfg.HoldTime > 0 {
		c.timer = x.after(x.clock(x.cfg.HoldTime), func() {
			if c.phase == held && !c.to.offHook {
				c.from.call, c.to.call = nil, nil
				x.event(ReleaseEvent, c.to, c, "held too long")
			}
		})
	}
}
