package port

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/nvt"
)

const (
	maxEarly     = 4 << 10                // maximum size of the data received before Open returned
	answerLimit  = 250 * time.Millisecond // how long a peer that does not read our answers can delay Read
	chunk        = 512                    // octets of data escaped at a time
	signatureOut = "ringback"
)

// rfc2217 is the client of a serial port behind a Telnet server (RFC 2217). It has no goroutine: the server's
// messages about options and signals are handled in Read, which the driver of a line always calls.
type rfc2217 struct {
	conn  net.Conn
	name  string
	log   *slog.Logger
	speed atomic.Int64 // that was asked for, in bit/s; 0: the server's own
	flow  string
	form  Format
	limit time.Duration // Options.Timeout

	// Used only by the reader.
	telnet    telnet
	early     []byte // data received while Open negotiated
	set       bool   // the settings were sent
	stateSeen bool   // a NOTIFY-MODEMSTATE was received
	dtrSeen   bool   // our DTR command was confirmed

	signals circuits
	comPort atomic.Bool // COM-PORT is agreed
	spoken  atomic.Bool // the peer speaks Telnet
	nvt     atomic.Bool // the peer has rejected our BINARY: CR is sent as CR NUL
	owing   atomic.Bool // carry is not empty

	// Used only by the holder of the token in sending.
	sending chan struct{} // capacity 1
	carry   []byte        // rest of a unit that a deadline cut, sent first
	scratch []byte        // escaped data

	mu        sync.Mutex
	queue     []byte        // answers of the reader, sent as soon as sending is free
	deadline  time.Time     // of Write
	control   bool          // a control unit is being sent, with a separate deadline
	suspended bool          // the server accepts no data (FLOWCONTROL-SUSPEND)
	changed   chan struct{} // closed when suspended or deadline changes; nil if not suspended

	breaking sync.Mutex // one BREAK at a time
	closing  chan struct{}
	once     sync.Once
	closeErr error
}

func openRFC2217(ctx context.Context, a Address, o Options) (lines.Port, error) {
	c, err := dial(ctx, a, o.TLS)
	if err != nil {
		return nil, err
	}
	p := newRFC2217(c, a, o)
	if err := p.negotiate(ctx); err != nil {
		p.Close()
		return nil, fmt.Errorf("%s: %w", a.Name(), bare(err))
	}
	return p, nil
}

func newRFC2217(c net.Conn, a Address, o Options) *rfc2217 {
	p := &rfc2217{conn: c, name: a.Name(), log: o.Log, flow: o.FlowControl,
		form: a.Format, limit: o.Timeout, sending: make(chan struct{}, 1), closing: make(chan struct{})}
	p.speed.Store(int64(a.Speed))
	p.telnet.comPort = p.command
	return p
}

// negotiate agrees on the options and waits for the modem's state. If the server does not answer or rejects the
// options, this is not an error, but the port has no signals.
func (p *rfc2217) negotiate(ctx context.Context) error {
	end := time.Now().Add(p.limit)
	p.signals.changes = make(chan struct{}, 1)
	p.conn.SetDeadline(end)
	stop := context.AfterFunc(ctx, func() { p.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	p.telnet.start()
	p.enqueue()
	err := p.greet(end)
	var b [512]byte
	for err == nil && !p.settled() && len(p.early) < maxEarly {
		var n int
		n, err = p.receive(b[:])
		p.early = append(p.early, b[:n]...)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == io.EOF:
		return errors.New("the server closed the connection immediately (is the port in use by another client, " +
			"or its device missing?)")
	case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	if !stop() { // ctx has just ended, and its deadline may replace ours
		return ctx.Err()
	}
	if !p.proven() {
		p.signals.changes = nil
		p.log.Debug("no modem signals: the server did not accept COM-PORT-OPTION, did not report the modem's state, "+
			"or its device has none",
			"telnet", p.spoken.Load(), "com_port", p.comPort.Load(), "state", p.stateSeen, "dtr", p.dtrSeen)
	}
	p.conn.SetReadDeadline(time.Time{})
	p.SetWriteDeadline(time.Time{})
	return nil
}

// greet sends the first units. A peer that does not read them in time is not a server.
func (p *rfc2217) greet(end time.Time) error {
	p.sending <- struct{}{}
	err := p.flushLocked(time.Until(end))
	<-p.sending
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the server does not read the data sent to it: %v", err)
	}
	if s, ok := p.conn.(*secure); ok && err != nil {
		return s.reason(err)
	}
	return err
}

// settled reports whether there is nothing more to wait for.
func (p *rfc2217) settled() bool {
	t := &p.telnet
	for _, s := range []optionState{t.ours(nvt.OptComPort), t.ours(nvt.OptBinary), t.theirs(nvt.OptBinary)} {
		if s == wantYes {
			return false
		}
	}
	return t.ours(nvt.OptComPort) == no || p.proven()
}

// proven reports whether the server's device has modem signals. For a device without signals, ser2net reports that
// all are off, and does not confirm the command to raise DTR. A modem that is switched off also has all signals off,
// but its DTR is confirmed.
func (p *rfc2217) proven() bool {
	return p.stateSeen && (p.dtrSeen || p.signals.get()&fromModem != 0)
}

// Read returns data of the line. It removes and handles the server's messages about signals and options.
func (p *rfc2217) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if len(p.early) > 0 {
		n := copy(b, p.early)
		if p.early = p.early[n:]; len(p.early) == 0 {
			p.early = nil
		}
		return n, nil
	}
	for {
		n, err := p.receive(b)
		if err != nil {
			select {
			case <-p.closing: // the server ends the connection too
				return n, net.ErrClosed
			default:
				return n, err
			}
		}
		if n > 0 {
			return n, nil
		}
	}
}

// Await implements lines.Port. Signals change only within Read, except those that we set.
func (p *rfc2217) Await() {
	if len(p.early) == 0 && len(p.signals.changes) == 0 {
		await(p.conn)
	}
}

// receive reads once and returns the number of data octets received, which may be 0.
func (p *rfc2217) receive(b []byte) (int, error) {
	n, err := p.conn.Read(b)
	n = p.telnet.decode(b[:n])
	p.comPort.Store(p.telnet.ours(nvt.OptComPort) == yes)
	p.spoken.Store(p.telnet.heard)
	p.nvt.Store(p.telnet.ours(nvt.OptBinary) == no)
	if p.comPort.Load() && !p.set {
		p.set = true
		p.telnet.out = appendSettings(p.telnet.out, int(p.speed.Load()), p.flow, p.form)
		p.signals.set(toModem, toModem)
	}
	if len(p.telnet.out) > 0 || p.owing.Load() {
		p.enqueue()
		if e := p.flush(answerLimit); e != nil && err == nil {
			err = e
		}
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		p.signals.set(fromModem, 0)
		p.suspend(false)
	}
	return n, err
}

// command handles a COM-PORT message from the server. A truncated, overlong or unknown message is dropped.
func (p *rfc2217) command(m []byte) {
	value := m[1:]
	switch m[0] {
	case nvt.FromServer + nvt.NotifyModem:
		if len(value) == 1 {
			p.stateSeen = true
			p.signals.set(fromModem, modemState(value[0]))
		}
	case nvt.FromServer + nvt.SetControl: // its values for BREAK are unreliable: ser2net confirms "off" with "on"
		if len(value) == 1 && (value[0] == nvt.DTROn || value[0] == nvt.DTROff) {
			p.dtrSeen = true
		}
	case nvt.FromServer + nvt.SetBaudRate:
		if want := p.speed.Load(); len(value) == 4 && want != 0 && int64(binary.BigEndian.Uint32(value)) != want {
			p.log.Warn("the server's port has another speed", "asked", want, "speed", binary.BigEndian.Uint32(value))
		}
	case nvt.FromServer + nvt.SetDataSize:
		if want := byte(p.form.DataBits()); len(value) == 1 && value[0] != want {
			p.log.Warn("the server's port has another number of data bits", "asked", want, "data_bits", value[0])
		}
	case nvt.FromServer + nvt.Signature, nvt.Signature:
		if len(value) == 0 && p.telnet.answered < maxAnswers {
			p.telnet.answered++
			p.telnet.out = appendCom(p.telnet.out, nvt.Signature, []byte(signatureOut)...)
		}
	case nvt.FromServer + nvt.Suspend:
		p.suspend(true)
	case nvt.FromServer + nvt.Resume:
		p.suspend(false)
	}
}

func (p *rfc2217) SetReadDeadline(t time.Time) error { return p.conn.SetReadDeadline(t) }
func (p *rfc2217) String() string                    { return p.name }
func (p *rfc2217) HasSignals() bool                  { return p.signals.changes != nil }
func (p *rfc2217) Changes() <-chan struct{}          { return p.signals.changes }

func (p *rfc2217) Signals() lines.Signals {
	if !p.HasSignals() {
		return 0
	}
	return p.signals.get()
}

// SetDTR raises or drops DTR at the server, and also RTS if hardware flow control is off.
func (p *rfc2217) SetDTR(on bool) error {
	if !p.HasSignals() {
		return lines.ErrNoSignals
	}
	which := driven(p.flow)
	if err := p.sendControl(appendDrive(nil, which, on)); err != nil {
		return fmt.Errorf("%s: set DTR: %w", p.name, err)
	}
	state := lines.Signals(0)
	if on {
		state = which
	}
	p.signals.set(which, state)
	return nil
}

// SetSpeed implements lines.SpeedSetter. The server's confirmation is not awaited; another speed is logged.
func (p *rfc2217) SetSpeed(bps int) error {
	if !p.HasSignals() {
		return lines.ErrNoSignals
	}
	p.speed.Store(int64(bps))
	if err := p.sendControl(appendSpeed(nil, bps)); err != nil {
		return fmt.Errorf("%s: set the speed: %w", p.name, err)
	}
	return nil
}

// Break sends a BREAK of duration d and returns after it; Close ends it early. A Telnet server without COM-PORT gets
// the Telnet Break (RFC 854), whose duration the server chooses.
func (p *rfc2217) Break(d time.Duration) error {
	if !p.spoken.Load() {
		return lines.ErrNoSignals
	}
	p.breaking.Lock() // Close ends the current one
	defer p.breaking.Unlock()
	if err := p.sendBreak(d); err != nil {
		return fmt.Errorf("%s: BREAK: %w", p.name, err)
	}
	return nil
}

func (p *rfc2217) sendBreak(d time.Duration) error {
	if !p.comPort.Load() {
		return p.sendControl([]byte{nvt.IAC, nvt.BRK})
	}
	if err := p.sendControl(appendCom(nil, nvt.SetControl, nvt.BreakOn)); err != nil {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return p.sendControl(appendCom(nil, nvt.SetControl, nvt.BreakOff))
	case <-p.closing:
		return net.ErrClosed
	}
}

// Close ends the connection; the server's configuration decides whether it drops DTR.
func (p *rfc2217) Close() error {
	p.once.Do(func() {
		close(p.closing)
		release(p.conn, releaseLimit)
		p.closeErr = p.conn.Close()
	})
	return p.closeErr
}
