package exchange

import (
	"io"
	"sync"
)

// readSize is the read buffer of each attached DTE.
const readSize = 1024

// outLimit is the limit above which even the modem's own messages are lost, if the DTE does not read.
const outLimit = portLimit + 4<<10

// port is the DTE attached to a modem: a byte stream with its reader, or an in-memory DTE that fetches its bytes.
type port struct {
	m      *Modem
	rwc    io.ReadWriteCloser // nil for an in-memory DTE
	sink   SignalSink
	telnet *telnet // of an RFC 2217 client
	slave  *ptySlave

	ctl          []byte // telnet answers, sent before anything else
	out          []byte // for the DTE
	writing      bool
	writeExpired bool // the in-memory DTE's write deadline

	readable sync.Cond // for an in-memory DTE: out or gone changed
	gone     bool
}

// Connect attaches a DTE, replacing the attached one, and raises DTR. The sink may be nil. From then on the modem reads
// and writes rwc. It closes rwc when rwc ends, at a Vanished fault, at the next Connect, and at Close; the end of rwc
// drops DTR.
func (m *Modem) Connect(rwc io.ReadWriteCloser, s SignalSink) {
	m.x.lock()
	defer m.x.unlock()
	m.detach(m.port)
	m.attach(&port{rwc: rwc, sink: s})
}

// attach makes p the modem's port and starts its reader. It closes p and returns false if the modem cannot have a port.
func (m *Modem) attach(p *port) bool {
	p.m = m
	p.readable.L = &m.x.mu
	if m.fault.Vanished || m.x.closed || m.port != nil || p.rwc != nil && !m.x.goroutine(p.read) {
		m.x.event(PortClosedEvent, m, nil, "rejected")
		p.end()
		return false
	}
	m.port = p
	m.held = nil
	m.holding.stop()
	m.editor.reset()
	m.x.event(PortOpenEvent, m, nil, "")
	m.rts = true
	m.setDTR(p.slave == nil || p.slave.opened())
	p.signalsChanged()
	return true
}

// detach removes p from the modem; p may be nil or already removed.
func (m *Modem) detach(p *port) {
	if p == nil || p.gone {
		return
	}
	p.end()
	if m.port != p {
		return
	}
	m.port = nil
	m.held = nil
	m.holding.stop()
	m.overrun = false
	m.room.Broadcast()
	m.editor.reset()
	m.x.event(PortClosedEvent, m, nil, "")
	m.rts = false
	m.portClosed()
}

// portClosed runs when the DTE is gone: DTR drops, which a modem that StaysOffHook ignores.
func (m *Modem) portClosed() {
	if m.cfg.StaysOffHook {
		m.dtr = false
		return
	}
	m.setDTR(false)
}

// end closes the stream when the lock is released, and wakes its waiters.
func (p *port) end() {
	if p.gone {
		return
	}
	p.gone = true
	if p.slave != nil {
		p.slave.forget()
	}
	p.out, p.ctl = nil, nil
	p.readable.Broadcast()
	if p.rwc != nil {
		p.m.x.later(func() { p.rwc.Close() })
	}
}

// read is the goroutine of an attached stream. It ends when the stream does.
func (p *port) read() {
	buf := make([]byte, readSize)
	for {
		n, err := p.rwc.Read(buf)
		p.m.x.lock()
		if n > 0 && !p.gone {
			p.take(buf[:n])
		}
		if err != nil {
			p.m.detach(p)
		}
		p.m.x.unlock()
		if err != nil {
			return
		}
	}
}

func (p *port) take(b []byte) {
	if p.slave != nil {
		p.slave.sync()
	}
	if p.telnet != nil {
		p.telnet.feed(b, p)
		p.kick()
		return
	}
	p.m.input(p, b)
}

// write appends bytes for the DTE. It never blocks; bytes above the limit are lost.
func (p *port) write(b []byte) {
	if p.gone || len(p.out) > outLimit || p.slave != nil && !p.slave.opened() {
		return
	}
	if p.telnet != nil {
		p.out = p.telnet.encode(p.out, b)
	} else {
		p.out = append(p.out, b...)
	}
	p.kick()
}

// kick starts a writer if there is something to write; the writer ends when all is written.
func (p *port) kick() {
	if p.rwc == nil {
		p.readable.Broadcast()
		return
	}
	if !p.writing && !p.gone && p.pending() {
		p.writing = p.m.x.goroutine(p.drain)
	}
}

func (p *port) pending() bool {
	return len(p.ctl) > 0 || len(p.out) > 0 && (p.telnet == nil || !p.telnet.suspended)
}

func (p *port) drain() {
	x := p.m.x
	x.lock()
	for p.pending() && !p.gone {
		b := p.ctl
		p.ctl = nil
		if p.telnet == nil || !p.telnet.suspended {
			b = append(b, p.out...)
			p.out = nil
		}
		p.m.room.Broadcast()
		x.flush()
		x.mu.Unlock()
		_, err := p.rwc.Write(b)
		x.mu.Lock()
		if err != nil {
			p.m.detach(p)
		}
	}
	p.writing = false
	x.unlock()
}

// signalsChanged reports the circuits in the port's own way.
func (p *port) signalsChanged() {
	if p.gone {
		return
	}
	s := p.m.circuits()
	if p.sink != nil {
		p.m.x.later(func() { p.sink.ModemSignals(s) })
	}
	if p.telnet != nil {
		p.out = p.telnet.notify(p.out, s)
		p.kick()
	}
}
