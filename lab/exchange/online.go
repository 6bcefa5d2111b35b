package exchange

import "time"

const (
	portLimit    = 32 << 10         // bytes that wait for a DTE before the far end is stopped
	unreadLimit  = 4 << 10          // bytes that wait for ATO
	flowPatience = 10 * time.Second // how long a DTE that does not read stops the far end, before bytes are lost
	escapeLength = 3
)

// escape watches the data for three escape characters (S2) in silence: S12 before, between at most, and after.
type escape struct {
	last  time.Time // of the last byte
	count int       // escape characters so far
	guard *timer    // the silence after
}

func (e *escape) stop() {
	e.guard.stop()
	e.count = 0
}

// see takes data that goes to the far end, and says whether the sequence is complete but for the silence.
func (e *escape) see(data []byte, at time.Time, p *profile) bool {
	silence := at.Sub(e.last)
	e.last = at
	e.guard.stop()
	if p.s[2] > 127 || len(data) > escapeLength {
		e.count = 0
		return false
	}
	for _, c := range data {
		if c != p.s[2] {
			e.count = 0
			return false
		}
	}
	switch g := p.guard(); {
	case g > 0 && silence >= g: // a new beginning
		e.count = len(data)
	case g == 0 || e.count > 0:
		e.count += len(data)
	}
	if e.count > escapeLength {
		e.count = 0
	}
	return e.count == escapeLength
}

// input takes bytes from the DTE at p, as far as p is still the modem's port. It returns false where p's write deadline
// passed before they were sent.
func (m *Modem) input(p *port, b []byte) bool {
	for len(b) > 0 && m.port == p && !m.fault.Hung {
		switch m.state {
		case Connected:
			n := min(len(b), readSize)
			if !m.transmit(p, b[:n]) {
				return false
			}
			b = b[n:]
		case Dialling, Answering:
			if !now().Before(m.ignoreUntil) {
				m.abort()
			}
			b = b[1:]
		default:
			m.key(b[0])
			b = b[1:]
		}
	}
	return true
}

// key is a byte in command state.
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

// abort is a key pressed before CONNECT.
func (m *Modem) abort() {
	m.x.settle(m.dial, DialAborted)
	m.onHook()
	m.say(resultNoCarrier)
}

// transmit sends data to the far end. It waits, with the lock released, while the DTE there does not read, and returns
// false where p's write deadline passed meanwhile.
func (m *Modem) transmit(p *port, data []byte) bool {
	m.waitForRoom(p)
	if m.state != Connected || m.port != p {
		return true // the call ended: the data goes the way of all that was on the line
	}
	if o := m.farEnd(); p.writeExpired && o != nil && o.full() && !o.overrun {
		return false
	}
	if m.escape.see(data, now(), &m.profile) {
		m.escape.guard = m.x.after(m.profile.guard(), func() {
			if m.state == Connected && m.escape.count == escapeLength {
				m.toCommand()
			}
		})
	}
	if o := m.farEnd(); o != nil {
		o.receive(data)
	}
	return true
}

// farEnd is the modem that hears us, nil where there is none.
func (m *Modem) farEnd() *Modem {
	if m.call == nil || m.call.phase != connected {
		return nil
	}
	return m.call.other(m)
}

// toCommand leaves the data and keeps the call.
func (m *Modem) toCommand() {
	if m.state != Connected {
		return
	}
	m.escape.stop()
	m.setState(Escaped)
	m.say(resultOK)
}

// receive takes data from the far end.
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
		m.send(data)
	}
}

func (m *Modem) full() bool { return m.port != nil && len(m.port.out) >= portLimit }

// waitForRoom is the flow control from end to end. It gives up after flowPatience, once, so that a DTE that never reads
// cannot stop the far end for ever.
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

// send gives bytes to the DTE, behind those that wait for their time.
func (m *Modem) send(b []byte) {
	if len(b) == 0 || m.port == nil {
		return
	}
	if len(m.held) > 0 {
		m.hold(b, 0)
		return
	}
	m.port.write(b)
}

// hold sends bytes that much after the ones before them.
func (m *Modem) hold(b []byte, wait time.Duration) {
	m.held = append(m.held, piece{wait, append([]byte(nil), b...)})
	if len(m.held) == 1 {
		m.releaseNext()
	}
}

func (m *Modem) releaseNext() {
	for len(m.held) > 0 {
		if w := m.held[0].wait; w > 0 {
			m.held[0].wait = 0
			m.holding = m.x.after(w, m.releaseNext)
			return
		}
		if m.port != nil {
			m.port.write(m.held[0].data)
		}
		m.held = m.held[1:]
	}
	m.held = nil
}
