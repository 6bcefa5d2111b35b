package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// OutEnd is why a dial-out has ended.
type OutEnd struct {
	Cause aaa.Cause
	Text  string // for the person and the log: a sentence of ours, without text from the called side
}

// OutCall is a dial-out that is up. Its Data is that of the call: what is read comes from the called side. Reads and
// writes return io.EOF when the call is over. Hangup ends it for the person, blocks until it is on hook and recorded,
// or ctx ends, and returns whether that was proven. A second call is safe.
type OutCall struct {
	*lines.Call
	Number     string // that was dialed, in canonical digits
	Script     string // the name of the script that dialed
	Transcript string // of the scripts, a line for each entry, secrets masked

	in, out  atomic.Uint64
	active   atomic.Int64 // when an octet was read or written last, in ns since began
	began    time.Time
	hungUp   chan struct{} // closed by Hangup
	once     sync.Once
	ended    chan struct{} // closed when the call is over and recorded
	end      OutEnd
	unproven error
}

func (c *OutCall) Read(p []byte) (int, error) {
	n, err := c.Call.Read(p)
	c.count(&c.in, n)
	return n, err
}

func (c *OutCall) Write(p []byte) (int, error) {
	n, err := c.Call.Write(p)
	c.count(&c.out, n)
	return n, err
}

func (c *OutCall) count(octets *atomic.Uint64, n int) {
	if n > 0 {
		octets.Add(uint64(n))
		c.active.Store(int64(time.Since(c.began)))
	}
}

// Hangup ends the call.
func (c *OutCall) Hangup(ctx context.Context) error {
	c.once.Do(func() { close(c.hungUp) })
	select {
	case <-c.ended:
		return c.unproven
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Ended is closed when the call is over, its line is on hook or quarantined, and its end is recorded.
func (c *OutCall) Ended() <-chan struct{} { return c.ended }

// Why returns why the call has ended. Call it only after Ended is closed.
func (c *OutCall) Why() OutEnd { return c.end }

// errLost is the end of a call whose person went away.
var errLost = OutEnd{Cause: aaa.CauseLostService, Text: "the person's connection was lost"}

// serveOut serves a call that is up until it is over.
func (b *Broker) serveOut(ctx context.Context, cfg *Config, d *outDial, a lines.Dialed, began time.Time,
	returned func(), answer func(*OutCall)) error {
	lc := *a.Call
	lc.ID, lc.Called = d.id, d.number.String()
	d.row.Connect = lc.Connect
	out := &OutCall{Call: &lc, Number: d.number.String(), Script: d.script, Transcript: a.Transcript,
		began: time.Now(), hungUp: make(chan struct{}), ended: make(chan struct{})}
	defer close(out.ended)
	defer b.ordered.remove(&d.orderedDial) // a person who has seen the end may dial the number again
	c := &call{Call: &lc, cancel: d.cancel, multiSessionID: d.row.MultiSessionID, called: d.number,
		accounting: cfg.accounting(lc.TTY), identity: d.of.Identity, user: d.of.Identity.User, service: aaa.Outbound,
		admitted: d.of.Identity, octets: func() (in, sent uint64) { return out.in.Load(), out.out.Load() }}
	c.last = d.row
	c.last.Start = lc.Start
	b.mu.Lock()
	b.calls[c.ID] = c
	locked := b.lock.deny() // with the mutex: a later lockdown finds the call
	b.mu.Unlock()
	defer b.end(c)
	if locked != "" {
		d.cancel(lockdownEnd)
	}
	b.ordered.connected(&d.orderedDial)
	b.publish(events.CallBegan{Call: c.ID, Line: c.TTY, Direction: string(c.Direction), Connect: c.Connect})

	report := session.Report{Kind: session.Began, Time: time.Now().Round(0), Call: &lc, Identity: d.of.Identity,
		Auth: d.of.Auth, Service: aaa.Outbound, Server: d.of.Server, Session: 1}
	b.Report(ctx, report)
	err := b.joinOut(ctx, cfg, c, d, out)
	if err == nil {
		answer(out)
		out.end = b.watchOut(ctx, c, d, out, report)
	} else {
		out.end = endOf(ctx, &lc, err)
	}
	out.unproven = b.hangUpCall(c)
	d.used = time.Since(began)
	returned() // at once: the disk must not keep the line
	report.Kind, report.Time, report.Duration = session.Ended, time.Now().Round(0), time.Since(out.began)
	report.OctetsIn, report.OctetsOut = c.octets()
	report.Cause, report.Reason, report.Admitted = out.end.Cause, out.end.Text, err == nil
	b.Report(context.WithoutCancel(ctx), report)
	c.cost = d.cost()
	result := session.Outcome{Kind: session.SessionEnded, Cause: out.end.Cause, Reason: out.end.Text,
		Identity: d.of.Identity, OctetsIn: report.OctetsIn, OctetsOut: report.OctetsOut, Duration: report.Duration}
	b.callEnded(c, result)
	b.closeCall(c, result)
	d.row.End = time.Now().Round(0)
	b.settleDial(&d.countedDial, d.row, err != nil, d.ended(a.Outcome, out.end.Text, report.Duration))
	if err != nil {
		return &DialOutError{Outcome: a.Outcome, Err: err, Transcript: out.Transcript}
	}
	return nil
}

// connected leaves a dial that has become a call to the end of its session: a lockdown cuts dials.
func (o *ordered) connected(d *orderedDial) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.admitted, d)
}

// joinOut returns when the person may have the call: its session is recorded, and the system script has ended.
func (b *Broker) joinOut(ctx context.Context, cfg *Config, c *call, d *outDial, out *OutCall) error {
	if err := b.sessionRecorded(ctx, c, 1); err != nil {
		return err
	}
	if !b.startAcknowledged(ctx, c, 1) {
		return errors.New("accounting: the session's Start is not acknowledged (wait-start)")
	}
	if len(d.system) == 0 {
		return context.Cause(ctx)
	}
	limit := b.opt.Limits.Script
	limited, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the script did not end within %v", limit))
	defer cancel()
	said, err := cfg.Dialer.Converse(limited, c.TTY, out, logsOnAs(d.of.Auth), "system script of "+d.what,
		d.system...)
	if said.Transcript != "" {
		out.Transcript += "\n" + said.Transcript
	}
	if err != nil {
		return err
	}
	return context.Cause(ctx)
}

// watchOut returns why a call that a person has ends, when it must be hung up.
func (b *Broker) watchOut(ctx context.Context, c *call, d *outDial, out *OutCall, report session.Report) OutEnd {
	over := time.NewTimer(time.Until(out.began.Add(d.limits.SessionTime)))
	defer over.Stop()
	idle := d.of.Auth.Limited(0, d.limits.IdleTime).IdleTimeout
	quiet := time.NewTimer(max(idle, time.Second))
	defer quiet.Stop()
	every := session.Config{Interim: c.accounting.interim()}.InterimEvery(d.of.Auth)
	interim := time.NewTicker(max(every, time.Second))
	defer interim.Stop()
	if every <= 0 {
		interim.Stop()
	}
	for {
		select {
		case <-out.Done():
			return OutEnd{Cause: aaa.CauseLostCarrier, Text: "the carrier was lost"}
		case <-out.hungUp:
			return OutEnd{Cause: aaa.CauseUserRequest, Text: "hung up by the person"}
		case <-ctx.Done():
			return endOf(ctx, out.Call, context.Cause(ctx))
		case <-over.C:
			return OutEnd{Cause: aaa.CauseSessionTimeout,
				Text: fmt.Sprintf("the call has lasted %v", d.limits.SessionTime)}
		case <-quiet.C:
			left := idle - time.Since(out.began) + time.Duration(out.active.Load())
			if idle > 0 && left <= 0 {
				return OutEnd{Cause: aaa.CauseIdleTimeout,
					Text: fmt.Sprintf("nothing was sent or received for %v", idle)}
			}
			if idle > 0 {
				quiet.Reset(left)
			}
		case <-interim.C:
			report.Kind, report.Time, report.Duration = session.Interim, time.Now().Round(0), time.Since(out.began)
			report.OctetsIn, report.OctetsOut = c.octets()
			b.Report(ctx, report)
		}
	}
}

// endOf returns why a call ends with err, or with the context of its person.
func endOf(ctx context.Context, c *lines.Call, err error) OutEnd {
	var end session.End
	switch {
	case errors.As(err, &end):
		return OutEnd{Cause: end.Cause, Text: end.Text.English()}
	case errors.Is(err, errHangUp):
		return OutEnd{Cause: aaa.CauseAdminReset, Text: "ended by an operator"}
	case errors.Is(err, errLockdown), errors.Is(err, errShutdown):
		return OutEnd{Cause: aaa.CauseNASRequest, Text: err.Error()}
	case ctx.Err() != nil && context.Cause(ctx) != ctx.Err():
		return OutEnd{Cause: aaa.CauseLostService, Text: context.Cause(ctx).Error()}
	case ctx.Err() != nil:
		return errLost
	}
	select {
	case <-c.Done():
		return OutEnd{Cause: aaa.CauseLostCarrier, Text: err.Error()}
	default:
		return OutEnd{Cause: aaa.CauseServiceUnavailable, Text: err.Error()}
	}
}
