package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/tty"
)

// Visit is a session that comes over the network, to a vty instead of a line with a modem.
type Visit struct {
	// Call is the connection: its TTY is that of a vty, and its Caller the client's address. Its Hangup closes it.
	Call *lines.Call
	// Line has the method lists. Nothing else of it is used: a vty has no modem and no scripts.
	Line Line
	// FrontEnd returns what serves the session; text is the front end for EXEC sessions of the configuration in force.
	// nil: text itself.
	FrontEnd func(text session.FrontEnd) session.FrontEnd
	// Admitted is called when a user is admitted; it must not block. nil: no one is told.
	Admitted func()
}

// The errors of Visit.
var (
	ErrNotServing = errors.New("ringback is starting or stopping")
	errNoText     = errors.New("no front end for text sessions is configured")
)

// network reports whether the session is over the network, on a vty.
func (c *call) network() bool {
	_, ok := tty.IsVTY(c.TTY)
	return ok
}

// Visit serves a session over the network, from the first octet to its end, as Accept serves a call: the same Guard,
// accounting, time limits and orders of operators. It blocks until the connection is closed and its end recorded, as
// Accept. Only text sessions are served. An error means that nothing was served; the connection is then closed too.
func (b *Broker) Visit(ctx context.Context, v Visit) (session.Outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cfg := b.config.Load()
	front, err := cfg.frontEnd(v)
	if err == nil {
		err = b.enter()
	}
	if err != nil {
		_ = b.hangUp(v.Call)
		return session.Outcome{}, err
	}
	defer b.running.Done()
	defer b.untilOver(ctx, cancel)()
	c := &call{Call: v.Call, leg: 1, cancel: cancel, multiSessionID: "m-" + v.Call.ID, welcomed: v.Admitted}
	c.accounting = cfg.accountingOf(v.Line.Accounting)
	login := v.Line.Login
	if login == nil {
		login = nobody(v.Call.TTY)
	}
	b.begin(c)
	defer b.end(c)
	s := c.config(b, cfg)
	s.FrontEnds = session.Only{FrontEnd: front}
	out := session.Run(ctx, v.Call, s, login, b, session.Leg{Number: 1, Locale: v.Line.Locale})
	b.callEnded(c, out)
	_ = b.hangUpCall(c) // it only closes the connection
	b.closeCall(c, out)
	return out, nil
}

// frontEnd returns what serves a visit.
func (c *Config) frontEnd(v Visit) (session.FrontEnd, error) {
	if c.Session.FrontEnds == nil {
		return nil, errNoText
	}
	text, _ := c.Session.FrontEnds.Choose(v.Call)
	if text == nil {
		return nil, errNoText
	}
	if v.FrontEnd == nil {
		return text, nil
	}
	return v.FrontEnd(text), nil
}

// enter makes Run wait for a visit, until running.Done. It returns ErrNotServing if there is nothing to wait for yet,
// or no more.
func (b *Broker) enter() error {
	b.mu.Lock() // with the mutex: until, in a shutdown, sees the visit or it is rejected
	defer b.mu.Unlock()
	select {
	case <-b.over:
		return ErrNotServing
	default:
	}
	if !b.recovered.Load() || b.draining.Load() {
		return ErrNotServing
	}
	b.running.Add(1)
	return nil
}

// untilOver ends a visit when the loop has ended because a part failed. The returned function stops that.
func (b *Broker) untilOver(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-b.over:
			cancel(shutdownEnd)
		case <-ctx.Done():
		}
	}()
	return func() {
		cancel(nil)
		<-done
	}
}

// attached admits a user of the console server who may dial out. Each number that they dial is decided again, before it
// is dialed.
func (b *Broker) attached(ctx context.Context, c *call, a session.Asked, d policies.Decision) session.Verdict {
	switch d.Outcome {
	case policies.AskNumber, policies.DialOut:
		return b.recorded(ctx, c, a, d, b.admit(ctx, c, a, "the user may dial out"))
	default:
		return session.Verdict{Text: d.Text, Reason: d.Reason}
	}
}

// clearVTY ends the session on a vty, as IOS `clear line vty N` does.
func (b *Broker) clearVTY(n int, by string) error {
	if !b.hangUpOn(tty.VTY(n)) {
		return NoVTY(n)
	}
	b.Happened(events.LineCleared{Line: tty.VTY(n), By: by})
	return nil
}

// NoVTY is the error for a vty on which there is no session.
type NoVTY int

func (n NoVTY) Error() string { return fmt.Sprintf("nobody is on vty %d", int(n)) }
