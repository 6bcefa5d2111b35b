package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// errChatDenied is the error of a dial that no policy permits.
var errChatDenied = errors.New("start-chat dials no number here: no policy permits it " +
	"(write start_chat: {policy: GROUP} in the configuration)")

// chatDial is a dial of start-chat. Its JSON is in the journal.
type chatDial struct {
	countedDial `json:"-"`
	TTY         int       `json:"tty"`
	ID          string    `json:"id"`
	Script      string    `json:"script"` // its name
	Number      string    `json:"number"`
	Group       string    `json:"group"` // whose policy permitted it
	By          string    `json:"by"`
	Started     time.Time `json:"started"` // before the dial
	Ended       time.Time `json:"ended,omitzero"`
	Outcome     string    `json:"outcome,omitempty"`
	Detail      string    `json:"detail,omitempty"`
	Connect     string    `json:"connect,omitempty"`

	pattern string // selects the script
}

// dialChat runs a chat script that dials a number for an operator, and hangs up when it has ended. The dial is counted
// in the journal, with what it reserves of the ceilings, before its first octet, and is never repeated.
func (b *Broker) dialChat(ctx context.Context, c lines.Chat) (out lines.Chatted, err error) {
	if !b.ordered.run(ctx, func(ctx context.Context, cancel context.CancelCauseFunc) {
		out, err = b.dialChatNow(ctx, cancel, c)
	}) {
		return out, errShutdown
	}
	return out, err
}

func (b *Broker) dialChatNow(ctx context.Context, cancel context.CancelCauseFunc, c lines.Chat) (lines.Chatted,
	error) {
	rejected := func(err error) (lines.Chatted, error) {
		b.Happened(events.ChatRejected{Line: c.TTY, Script: c.Pattern, Number: c.Number, By: c.By, Reason: err})
		return lines.Chatted{}, err
	}
	cfg := b.config.Load()
	d, err := b.planChat(cfg, c)
	if err != nil {
		return rejected(err)
	}
	d.cancel = cancel
	b.untilSettled(ctx, d.TTY)
	if err := b.takeOrder(&d.orderedDial); err != nil {
		return rejected(err)
	}
	defer b.ordered.remove(&d.orderedDial)
	waiting, stop := context.WithTimeout(ctx, orderLeases)
	lease, err := b.leaseFor(waiting, "start-chat by "+c.By, d.TTY, false)
	stop()
	if err != nil {
		return rejected(err)
	}
	d.Started = time.Now().Round(0)
	began := events.ChatStarted{Line: d.TTY, Script: d.Script, Number: d.Number, By: d.By}
	if err := b.recordDial(ctx, &d.countedDial, d.row(), began); err != nil {
		lease.Release()
		return rejected(err)
	}
	transcript := func() string {
		defer lease.Release() // at once: the disk must not keep the line
		return b.runChat(ctx, cfg, d, lease)
	}()
	b.finishChat(d)
	out := lines.Chatted{Script: d.Script, Transcript: transcript, Number: d.Number, Outcome: d.Outcome,
		Connect: d.Connect}
	if d.Connect == "" {
		return out, errors.New("start-chat: " + d.Detail)
	}
	return out, nil
}

// planChat asks the policy about the number, and finds what is dialed, with which script, and what it can use.
func (b *Broker) planChat(cfg *Config, c lines.Chat) (*chatDial, error) {
	if cfg.ChatPolicy == "" {
		return nil, errChatDenied
	}
	now := time.Now()
	b.mu.Lock()
	latest := b.clock.see(now)
	b.mu.Unlock()
	user := c.User
	if user == "" {
		user = c.By
	}
	allowed := cfg.Policies.EvaluateOperator(policies.OperatorDial{Group: cfg.ChatPolicy, Number: c.Number, User: user,
		TTY: c.TTY, Line: b.lineOf(c.TTY), Time: now, Latest: latest, Windows: b.access.inForce()})
	if allowed.Outcome != policies.CallBack {
		if allowed.Hint != "" {
			return nil, fmt.Errorf("%s (%s)", allowed.Reason, allowed.Hint)
		}
		return nil, errors.New(allowed.Reason)
	}
	id := newID()
	d := &chatDial{TTY: c.TTY, ID: id, Number: allowed.Number.String(), Group: allowed.Group, By: c.By,
		pattern: c.Pattern}
	d.what = "start-chat " + id
	if err := d.prepare(cfg, allowed, user, b.home(), c.TTY, b.opt.Limits.overhead()); err != nil {
		return nil, err
	}
	var err error
	d.Script, err = cfg.Dialer.CheckDial(d.dials, c.Pattern)
	return d, err
}

// row is the dial as a row of the journal.
func (d *chatDial) row() journal.Call {
	return journal.Call{ID: chatID + d.ID, TTY: d.TTY, Direction: string(lines.Outgoing), Called: d.Number,
		Connect: d.Connect, Service: journal.StartChat, Start: d.Started, End: d.Ended, Cause: d.Outcome,
		Data: mustJSON(d)}
}

// runChat dials, and hangs up when the script has ended. It returns the transcript.
func (b *Broker) runChat(ctx context.Context, cfg *Config, d *chatDial, l *lines.Lease) (transcript string) {
	limit := b.opt.Limits.Dial
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the script did not end within %v", limit))
	defer cancel()
	if locked := b.ordered.admit(&d.orderedDial, &b.lock); locked != "" { // a later lockdown finds the dial
		d.Outcome, d.Detail, d.held = journal.HeldBack, locked, true
		return ""
	}
	began := time.Now()
	a := cfg.Dialer.Dial(ctx, l, d.pattern, d.dials)
	d.Outcome, d.Detail, d.held = a.Outcome, a.Detail, a.HeldBack
	if a.Call != nil {
		d.Connect = a.Call.Connect
		if err := b.hangUp(a.Call); err != nil {
			d.Detail += fmt.Sprintf("; tty %d is not proven on hook: %v", d.TTY, err)
		}
	}
	if !a.HeldBack && !a.Unanswered {
		d.used = time.Since(began)
	}
	return a.Transcript
}

// finishChat records how a dial has ended, and what it has used.
func (b *Broker) finishChat(d *chatDial) {
	d.Ended = time.Now().Round(0)
	ended := events.ChatDialed{Line: d.TTY, Script: d.Script, Number: d.Number, Outcome: d.Outcome, Detail: d.Detail,
		By: d.By}
	b.settleDial(&d.countedDial, d.row(), d.Connect == "", ended,
		journal.PutCall{Call: d.row(), Cost: d.cost()})
}
