package modem

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/ringback/ringback/lines"
)

// serve waits for calls and other events of the line, until the line may rest, the port is lost or ctx ends. The
// caller does not hold the token.
func (d *Driver) serve(ctx context.Context) error {
	d.mu.Lock()
	port := d.port
	d.mu.Unlock()
	alarm := time.NewTimer(restAfter)
	defer alarm.Stop()
	quiet := time.Now().Add(restAfter) // the line rests if nothing happens until then
	for {
		next, lost := d.look(ctx)
		switch {
		case lost != nil:
			return lost
		case ctx.Err() != nil:
			return errClosed
		}
		due := next
		if d.mayRest() {
			if !time.Now().Before(quiet) && d.beginRest(ctx, port, next) {
				return errRests
			}
			if due.IsZero() || quiet.Before(due) {
				due = quiet
			}
		}
		var timeUp <-chan time.Time
		if !due.IsZero() {
			alarm.Reset(time.Until(due))
			timeUp = alarm.C
		}
		select {
		case <-d.wake:
			quiet = time.Now().Add(restAfter)
		case <-timeUp:
		case <-port.Changes():
			quiet = time.Now().Add(restAfter)
			d.lookAtSignals()
		case <-ctx.Done():
			return errClosed
		}
	}
}

// look handles what is due now. It returns the time at which it must run again without an event; zero means never.
func (d *Driver) look(ctx context.Context) (next time.Time, lost error) {
	d.mu.Lock()
	lost = d.lost
	c, ph, rings, last, told := d.conn, d.phase, d.rings, d.lastRing, d.callerAt
	from, tried, voice := d.caller, d.tried, d.voice
	d.mu.Unlock()
	switch {
	case lost != nil:
		return time.Time{}, lost
	case c != nil:
		if d.unclaimed(c) {
			d.answered(ctx, c)
		}
		return d.checkCarrier(c), nil
	case ph == dropped:
		d.hangUpStray(ctx)
		return time.Time{}, nil
	case ph != idle && ph != used:
		return time.Time{}, nil
	case rings == 0 && told.IsZero():
		return soonest(d.readMail(ctx), d.probeIdle(ctx)), nil
	case time.Since(latest(last, told)) >= d.t.Rings:
		d.mu.Lock()
		d.quietLocked()
		d.mu.Unlock()
		d.host.Phase(lines.Idle)
		return time.Time{}, nil
	case rings == 0: // the number arrived before the first ring
		return told.Add(d.t.Rings), nil
	}
	d.host.Phase(lines.Ringing)
	enough := rings > d.o.Config.Profile.CallerID.Order.Rings() || !d.wantsCaller() || from != ""
	if ph == idle && enough && rings > tried && d.autoAnswer == "" && d.wanted(ctx) && !voice {
		d.answer(ctx, rings)
	}
	return latest(last, told).Add(d.t.Rings), nil
}

// soonest returns the earlier of two times, of which zero is never.
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (d *Driver) unclaimed(c *conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conn == c && !c.claimed && d.talk == nil
}

// checkCarrier ends a call for which DCD never rises: the loss of its carrier could not be detected either. It
// returns when to check.
func (d *Driver) checkCarrier(c *conn) time.Time {
	if !c.port.HasSignals() || d.hasCarrier(c) {
		return time.Time{}
	}
	if at := c.born.Add(d.t.Command); time.Now().Before(at) {
		return at
	}
	d.debug("%s, but DCD stays off: hung up (check AT&C1 and the cable)", c.text)
	d.host.Notice(noticeCarrier, "DCD stays off after CONNECT: calls are hung up immediately (does init have "+
		"AT&C1? does the cable have all wires?)")
	d.drop(c, onGiveUp)
	return time.Time{}
}

// answer answers a call with ATA, if it may. It blocks until the call is up or the line is on hook again.
func (d *Driver) answer(ctx context.Context, rings int) {
	if !d.tryTake() {
		return
	}
	d.mu.Lock()
	stale := !d.open || d.rings != rings || d.phase != idle
	from, to := d.caller, d.called
	d.tried = rings // a ring that was rejected stays ignored: its caller may be gone before the line is free
	d.mu.Unlock()
	if stale {
		<-d.op
		return
	}
	if !d.host.Answer(from, to) {
		d.revokeScreening()
		<-d.op
		return
	}
	defer d.give()
	d.mu.Lock()
	from, to = d.caller, d.called
	began := d.happenLocked(happening{on: onAnswer})
	d.mu.Unlock()
	d.debug("ring %d, caller %q: answering", rings, from)
	var r reply
	err := lines.ErrDown
	if began {
		r, err = d.sendAnswer(ctx)
	}
	d.mu.Lock()
	c := d.conn
	if c != nil {
		c.claimed = true
		if d.caller != "" {
			from = d.caller
		}
		if d.called != "" {
			to = d.called
		}
	}
	d.quietLocked()
	d.mu.Unlock()
	if c != nil {
		if err = d.follow(ctx, c); err == nil {
			d.host.Connected(c.call(lines.Incoming, from, to))
			return
		}
	}
	d.debug("the call did not connect: %s %v", r.code, orNone(err))
	d.host.Missed(d.prove(context.WithoutCancel(ctx)))
}

// sendAnswer sends the answer command and waits for the result. If ringing continues, the modem has lost the command
// and it is sent again, but not because of one ring: a slow modem, or a slow network in between, may report it behind
// the command, and a second command would end the call that the first one answers.
func (d *Driver) sendAnswer(ctx context.Context) (r reply, err error) {
	command := cmp.Or(d.o.Config.Profile.Answer, defaultAnswer)
	end := time.Now().Add(d.t.Answer)
	for time.Now().Before(end) {
		r, err = d.command(ctx, order{text: command + "\r", limit: time.Until(end),
			wants: func(c lines.ResultCode) bool { return c != lines.OK && c != lines.Ring },
			rings: d.t.Command / 3})
		if err != errRings {
			return r, err
		}
		d.debug("still ringing: %s again", command)
	}
	return r, errWaited
}

// follow sets the port to the speed of the caller, if the line does so. It may block for returnTime. An error means
// that the call is of no use.
func (d *Driver) follow(ctx context.Context, c *conn) error {
	if d.followConnect(c) {
		return nil
	}
	return d.findSpeed(ctx, c)
}

func orNone(err error) any {
	if err == nil {
		return ""
	}
	return err
}

// answered handles a call that the modem answered by itself (S0): the call is accepted if the line is free, and
// otherwise hung up.
func (d *Driver) answered(ctx context.Context, c *conn) {
	if !d.tryTake() {
		return
	}
	defer d.give()
	if !d.unclaimed(c) {
		return
	}
	d.mu.Lock()
	screened, from, to := d.screened, d.caller, d.called
	d.mu.Unlock()
	if may := !d.screens() || screened == granted; may && d.host.Answer(from, to) {
		d.mu.Lock()
		c.claimed = true
		from, to = d.caller, d.called
		d.quietLocked()
		d.mu.Unlock()
		if err := d.follow(ctx, c); err != nil {
			d.debug("the call did not connect: %v", err)
			d.host.Missed(d.prove(context.WithoutCancel(ctx)))
			return
		}
		d.host.Connected(c.call(lines.Incoming, from, to))
		return
	}
	d.debug("%s: the modem answered a call by itself: hung up", c.text)
	d.proveAlone(ctx)
}

// hangUpStray hangs up a call without an owner.
func (d *Driver) hangUpStray(ctx context.Context) {
	if !d.tryTake() {
		return
	}
	defer d.give()
	if d.phaseNow() == dropped {
		d.debug("CONNECT without a dial or an answer: hung up")
		d.proveAlone(ctx)
	}
}

// proveAlone is prove for callers that do not handle the error: it reports an error to the pool.
func (d *Driver) proveAlone(ctx context.Context) error {
	err := d.prove(ctx)
	if err != nil && !errors.Is(err, lines.ErrDown) {
		d.host.Up(err) // without this, the pool would not learn that the line is not on hook
	}
	return err
}
