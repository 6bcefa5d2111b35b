package attach

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lines"
)

// breakTime is how long a client's BREAK is on the line.
const breakTime = 250 * time.Millisecond

// dropTime is how long DTR is off if the client has let it go for a shorter time: modems overlook less.
const dropTime = 500 * time.Millisecond

// rawStall is how long a modem may take no data.
const rawStall = time.Minute

// raw gives the user the modem itself.
func (v *visit) raw(ctx context.Context) error {
	denied, err := v.Broker.RawAccess(ctx, broker.RawAccess{Identity: v.at.Identity, Auth: v.auth, Lease: v.lease,
		From: v.at.From.String(),
		Serve: func(ctx context.Context, port lines.Port) (toModem, toClient uint64, err error) {
			v.say("%% Line %d: you talk to its modem; what you dial is not limited, and the audit has you\n",
				v.lease.TTY())
			return v.p.serveRaw(ctx, port)
		}})
	if denied {
		v.say("%% Raw access denied: %v\n", err)
	}
	return err
}

// serveRaw carries octets and modem signals between the user and the port, until one of them or ctx ends, or nothing
// happens for the idle time.
func (p *prompt) serveRaw(ctx context.Context, port lines.Port) (toModem, toClient uint64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() {
		_ = port.SetReadDeadline(time.Unix(1, 0))
		_ = port.SetWriteDeadline(time.Unix(1, 0))
	})()
	number := p.screen.next()
	p.screen.setOnline(true)
	var shown atomic.Uint64
	done := make(chan error, 1)
	go func() {
		buf := make([]byte, 4<<10)
		for {
			n, err := port.Read(buf)
			if n > 0 && !p.screen.data(number, buf[:n]) {
				err = io.EOF
			}
			shown.Add(uint64(n))
			if err != nil {
				done <- err
				return
			}
		}
	}()
	toModem, err, ended := p.pumpRaw(ctx, port, done)
	cancel(err)
	p.screen.next()
	if !ended {
		<-done
	}
	return toModem, shown.Load(), err
}

// pumpRaw is the loop of serveRaw. ended: done was read.
func (p *prompt) pumpRaw(ctx context.Context, port lines.Port, done <-chan error) (n uint64, err error, ended bool) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	p.traffic = time.Now()
	up, drops, breaks := p.client.DTR(), p.client.Drops(), p.client.Breaks()
	if n, err = p.toPort(port, p.early); err != nil {
		return n, err, false
	}
	for {
		p.signs.set(sign{binary: true, circuits: port.Signals() & (lines.DCD | lines.RI | lines.DSR | lines.CTS)})
		timer.Reset(time.Until(p.traffic.Add(p.idle)))
		select {
		case b, ok := <-p.input:
			if !ok {
				return n, p.unread, false
			}
			wrote, err := p.toPort(port, b)
			n += wrote
			p.taken <- true
			if err != nil {
				return n, err, false
			}
		case <-p.screen.moved:
			p.traffic = time.Now()
		case <-p.screen.done:
			return n, context.Cause(ctx), false
		case <-port.Changes():
		case <-p.client.Changed():
			now, d, count := p.client.DTR(), p.client.Drops(), p.client.Breaks()
			if d != drops && now { // it is over already
				_ = port.SetDTR(false) // a port without signals cannot
				<-time.After(dropTime)
			}
			if d != drops || now != up {
				_ = port.SetDTR(now)
			}
			if count != breaks {
				_ = port.Break(breakTime)
			}
			up, drops, breaks = now, d, count
		case <-timer.C:
			if !time.Now().Before(p.traffic.Add(p.idle)) {
				return n, errIdle, false
			}
		case err := <-done:
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return n, err, true
		case <-ctx.Done():
			return n, context.Cause(ctx), false
		}
	}
}

// toPort sends what the user has sent.
func (p *prompt) toPort(port lines.Port, b []byte) (n uint64, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	p.traffic = time.Now()
	_ = port.SetWriteDeadline(p.traffic.Add(rawStall))
	wrote, err := port.Write(b)
	return uint64(wrote), err
}
