package exchange

import "time"

const (
	portLimit    = 32 << 10         // bytes that wait for a DTE before flow control stops the far end
	unreadLimit  = 4 << 10          // bytes that wait for ATO
	flowPatience = 10 * time.Second // how long a DTE that does not read stops the far end before bytes are lost
	escapeLength = 3
	escapeLimit  = 127 // a larger value of S2 turns the escape off (V.250 leaves it to the manufacturer)
)

// escape searches the data for three escape characters (S2) in silence: S12 before and after, and at most S12 between.
type escape struct {
	last  time.Time // of the last byte
	count int       // escape characters so far
	a     byte      // of TIES: the A after them, 0 before it comes
	guard *timer    // the silence after
}

func (e *escape) stop() {
	e.guard.stop()
	e.count, e.a = 0, 0
}

// see examines data that goes to the far end. Without a guard time it returns the number of octets up to the one that
// ends the data, 0 if none does; with a guard time, complete then reports whether only the silence is missing. limit is
// the largest escape character.
func (e *escape) see(data []byte, at time.Time, p *profile, kind Escape, limit byte, slow time.Duration) int {
	silence, guard := at.Sub(e.last), p.guard()
	if guard > 0 {
		guard += slow
	}
	if kind != EscapeGuarded {
		guard = 0
	}
	e.last = at
	e.guard.stop()
	for i, c := range data {
		switch {
		case kind == EscapeTIES && e.count >= escapeLength && e.attention(c):
			return i + 1
		case kind == EscapeTIES && e.count >= escapeLength && e.a != 0: // the A of an AT
		case c != p.s[2] || c > limit:
			e.count, e.a = 0, 0
		case guard > 0 && silence >= guard: // a new start
			e.count = 1
		case guard == 0 || e.count > 0:
			e.count++
		}
		if guard > 0 && e.count > escapeLength {
			e.count = 0
		}
		if guard == 0 && kind != EscapeTIES && e.count == escapeLength {
			return i + 1
		}
		silence = 0
	}
	return 0
}

// complete reports whether only the silence is missing.
func (e *escape) complete() bool { return e.count == escapeLength }

// attention takes an octet after the escape characters of TIES, and reports whether it completes AT or at.
func (e *escape) attention(c byte) bool {
	was := e.a
	e.a = 0
	if c == 'A' || c == 'a' {
		e.a = c
	}
	return was == 'A' && c == 'T' || was == 'a' && c == 't'
}

// input handles bytes from the DTE at p, as long as p is the modem's port. It returns false if p's write deadline
// passed before they were sent.
func (m *Modem) input(p *port, b []byte) bool {
	if !m.waitForCTS(p) {
		return false
	}
	m.trip(b)
	if m.fault.WrongSpeed && m.state == Connected {
		b = garbage(b)
	}
	for len(b) > 0 && m.port == p && !m.dead() {
		switch m.state {
		case Connected:
			n, ok := m.transmit(p, b[:min(len(b), readSize)])
			if !ok {
				return false
			}
			b = b[n:]
		case Dialing, Answering:
			if !now().Before(m.ignoreUntil) {
				m.abort()
			}
			b = b[1:]
		default:
			if !now().Before(m.deaf) {
				m.key(b[0])
			}
			b = b[1:]
		}
	}
	return true
}

// key handles a byte in command state.
func (m *Modem) key(c byte) {
	echo, what := m.editor.feed(c, &m.profile, m.cfg.MaxLine)
	if m.profile.echo {
		if m.fault.Garbage {
			echo = garbage(echo)
		}
		m.send(echo)
	}
	switch what {
	case editLine, editRepeat:
		m.run(append([]byte(nil), m.editor.line...))
	case editTooBig:
		m.say(resultError)
	}
}

func garbage(b []byte) []byte {
	g := make([]byte, len(b))
	for i, c := range b {
		g[i] = c ^ 0xA5 | 0x80
	}
	return g
}

// abort handles a key pressed before CONNECT.
func (m *Modem) abort() {
	m.x.settle(m.dial, DialAborted)
	m.onHook()
	m.say(resultNoCarrier)
}

// transmit sends data to the far end, up to an escape sequence without guard time, and returns how much it sent. It
// waits, with the lock released, while the DTE there does not read, and returns false if p's write deadline passed
// meanwhile.
func (m *Modem) transmit(p *port, data []byte) (int, bool) {
	m.waitForRoom(p)
	if m.state != Connected || m.port != p {
		return len(data), true // the call ended: the data is lost like everything on the line
	}
	if o := m.farEnd(); p.writeExpired && o != nil && o.full() && !o.overrun {
		return 0, false
	}
	kind := m.cfg.Dialect.Escape
	limit := byte(escapeLimit)
	if m.cfg.Dialect.EscapeAbove127 {
		limit = 255
	}
	end := m.escape.see(data, now(), &m.profile, kind, limit, m.cfg.Dialect.SlowGuard)
	if end > 0 {
		data = data[:end]
	} else if kind == EscapeGuarded && m.escape.complete() {
		m.escape.guard = m.x.after(m.profile.guard()+m.cfg.Dialect.SlowGuard, func() {
			if m.state == Connected && m.escape.complete() {
				m.toCommand()
			}
		})
	}
	if o := m.farEnd(); o != nil {
		o.receive(data)
	}
	switch {
	case end > 0 && kind == EscapeTIES:
		m.escape.stop()
		m.setState(Escaped)
		m.editor = editor{stage: stageBody} // its AT has been received
	case end > 0:
		m.toCommand()
	}
	return len(data), true
}

// farEnd is the modem that receives this modem's data; nil if there is none.
func (m *Modem) farEnd() *Modem {
	if m.call == nil || m.call.phase != connected {
		return nil
	}
	return m.call.other(m)
}

// toCommand enters command state and keeps the call.
func (m *Modem) toCommand() {
	if m.state != Connected {
		return
	}
	m.escape.stop()
	m.setState(Escaped)
	m.say(resultOK)
}

// receive accepts data from the far end.
func (m *Modem) receive(data []byte) {
	switch {
	case m.state == Escaped && len(m.unread)+len(data) <= unreadLimit:
		m.unread = append(m.unread, data...)
	case m.state != Connected:
	case m.full():
		if !m.overrun {
			m.overrun = true
			m.x.event(OverrunEvent, m, m.call, "")
		}
	default:
		m.overrun = false
		if m.fault.WrongSpeed {
			data = garbage(data)
		}
		m.send(data)
	}
}

func (m *Modem) full() bool { return m.port != nil && len(m.port.out) >= portLimit }

// waitForCTS waits, with the lock released, while a fault keeps CTS off. It returns false if p's write deadline passed
// meanwhile, and for a stream, which would hold up its reader.
func (m *Modem) waitForCTS(p *port) bool {
	for m.fault.CTSStuckOff && m.port == p && !m.x.closed {
		if p.rwc != nil || p.writeExpired {
			return false
		}
		m.x.flush()
		if m.fault.CTSStuckOff && m.port == p && !p.writeExpired {
			m.room.Wait()
		}
	}
	return true
}

// waitForRoom is the end-to-end flow control. It gives up after flowPatience, once, so that a DTE that never reads
// cannot stop the far end forever.
func (m *Modem) waitForRoom(p *port) {
	o := m.farEnd()
	if o == nil || o.overrun || !o.full() {
		return
	}
	expired := false
	t := m.x.after(flowPatience, func() {
		expired = true
		o.room.Broadcast()
	})
	for !expired && !p.writeExpired && m.port == p && m.farEnd() == o && o.full() && !m.x.closed {
		m.x.flush()
		if o.full() {
			o.room.Wait()
		}
	}
	t.stop()
}

// send sends bytes to the DTE, after pieces that wait for their time.
func (m *Modem) send(b []byte) { m.sendPiece(piece{data: b}) }

func (m *Modem) sendPiece(p piece) {
	switch {
	case len(p.data) == 0 || m.port == nil || m.silent():
	case len(m.held) > 0:
		m.hold(p)
	default:
		m.deliver(p)
	}
}

// hold sends a piece after its delay from the previous piece.
func (m *Modem) hold(p piece) {
	p.data = append([]byte(nil), p.data...)
	m.held = append(m.held, p)
	if len(m.held) == 1 {
		m.releaseNext()
	}
}

// deliver writes a piece to the port.
func (m *Modem) deliver(p piece) {
	if m.port == nil || m.silent() {
		return
	}
	m.port.write(p.data)
	if p.deafens && m.cfg.Dialect.Deaf > 0 {
		m.deaf = now().Add(m.cfg.Dialect.Deaf)
	}
}

func (m *Modem) releaseNext() {
	for len(m.held) > 0 {
		if w := m.held[0].wait; w > 0 {
			m.held[0].wait = 0
			m.holding = m.x.after(w, m.releaseNext)
			return
		}
		m.deliver(m.held[0])
		m.held = m.held[1:]
	}
	m.held = nil
}
