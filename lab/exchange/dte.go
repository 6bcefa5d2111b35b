package exchange

import (
	"io"
	"os"
	"time"
)

// DTE is the computer's end of a modem's port, in memory: a net.Conn without addresses, with the modem's circuits. It
// uses no goroutine. Its methods are safe for concurrent use.
type DTE struct {
	p       *port
	changes chan struct{}
	rd, wd  deadline
}

// deadline is a timer that sets a flag.
type deadline struct {
	expired bool
	t       *timer
}

// DTE attaches an in-memory DTE, replacing the attached one, and raises DTR.
func (m *Modem) DTE() *DTE {
	d := &DTE{changes: make(chan struct{}, 1)}
	d.p = &port{sink: d}
	m.x.lock()
	defer m.x.unlock()
	m.detach(m.port)
	m.attach(d.p)
	return d
}

// ModemSignals implements SignalSink: it wakes the receiver of Changes, and Await.
func (d *DTE) ModemSignals(Signals) {
	select {
	case d.changes <- struct{}{}:
	default:
	}
	x := d.p.m.x
	x.lock()
	defer x.unlock()
	d.p.readable.Broadcast()
}

// Await blocks until Read would not block, or Changes has a token.
func (d *DTE) Await() {
	x := d.p.m.x
	x.lock()
	defer x.unlock()
	for len(d.p.out) == 0 && !d.p.gone && !d.rd.expired && len(d.changes) == 0 {
		x.flush()
		if len(d.p.out) == 0 && !d.p.gone && !d.rd.expired && len(d.changes) == 0 {
			d.p.readable.Wait()
		}
	}
}

// Read returns what the modem sent. If there is nothing, it blocks until the deadline (os.ErrDeadlineExceeded) or the
// end of the port (io.EOF).
func (d *DTE) Read(b []byte) (int, error) {
	x := d.p.m.x
	x.lock()
	defer x.unlock()
	for len(d.p.out) == 0 {
		switch {
		case d.p.gone:
			return 0, io.EOF
		case d.rd.expired:
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		}
		x.flush()
		if len(d.p.out) == 0 && !d.p.gone && !d.rd.expired {
			d.p.readable.Wait()
		}
	}
	n := copy(b, d.p.out)
	if d.p.out = d.p.out[n:]; len(d.p.out) == 0 {
		d.p.out = nil
	}
	d.p.m.room.Broadcast()
	return n, nil
}

// Write sends bytes to the modem. In data state it blocks while the far end's DTE does not read.
func (d *DTE) Write(b []byte) (int, error) {
	x := d.p.m.x
	x.lock()
	defer x.unlock()
	n := 0
	for n < len(b) {
		switch {
		case d.p.gone:
			return n, io.ErrClosedPipe
		case d.p.writeExpired:
			return n, os.ErrDeadlineExceeded
		}
		c := b[n:min(n+readSize, len(b))]
		if d.p.m.input(d.p, c) {
			n += len(c)
		}
	}
	return n, nil
}

// Close drops DTR and ends the port. Unread output is lost.
func (d *DTE) Close() error {
	x := d.p.m.x
	x.lock()
	defer x.unlock()
	d.rd.t.stop()
	d.wd.t.stop()
	d.p.m.detach(d.p)
	return nil
}

// SetReadDeadline makes Read fail after t; the zero time means never.
func (d *DTE) SetReadDeadline(t time.Time) error {
	x := d.p.m.x
	x.lock()
	defer x.unlock()
	d.rd.set(x, t, func(expired bool) {
		d.rd.expired = expired
		d.p.readable.Broadcast()
	})
	return nil
}

// SetWriteDeadline makes Write fail after t; the zero time means never.
func (d *DTE) SetWriteDeadline(t time.Time) error {
	x := d.p.m.x
	x.lock()
	defer x.unlock()
	d.wd.set(x, t, func(expired bool) {
		d.p.writeExpired = expired
		d.p.m.room.Broadcast()
		if o := d.p.m.farEnd(); o != nil {
			o.room.Broadcast()
		}
	})
	return nil
}

func (w *deadline) set(x *Exchange, t time.Time, tell func(bool)) {
	w.t.stop()
	w.t = nil
	d := time.Until(t)
	tell(!t.IsZero() && d <= 0)
	if !t.IsZero() && d > 0 {
		w.t = x.after(d, func() { tell(true) })
	}
}

// SetDTR raises or drops DTR.
func (d *DTE) SetDTR(on bool) {
	x := d.p.m.x
	x.lock()
	defer x.unlock()
	if !d.p.gone {
		d.p.m.setDTR(on)
	}
}

// Signals returns the circuits, DTR and RTS included; zero after the end of the port.
func (d *DTE) Signals() Signals {
	x := d.p.m.x
	x.lock()
	defer x.unlock()
	if d.p.gone {
		return 0
	}
	return d.p.m.allCircuits()
}

// Changes receives one token (its capacity is 1) after a circuit of the modem changed. It is for one receiver.
func (d *DTE) Changes() <-chan struct{} { return d.changes }
