package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/tariff"
)

// errChatDenied is the error of a dial that no policy permits.
var errChatDenied = errors.New("start-chat dials no number here: no policy permits it " +
	"(write start_chat: {policy: GROUP} in the configuration)")

// chatDial is a dial of start-chat. Its JSON is in the journal.
type chatDial struct {
	orderedDial `json:"-"`
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

	pattern  string // selects the script
	dials    numbers.Dialstring
	charges  []journal.Charge
	reserved journal.Amount
	rate     tariff.Rate
	priced   bool
	held     bool          // the dial command was provably not sent
	used     time.Duration // on the telephone network; 0: nobody answered
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
	if err := b.recordChat(ctx, d); err != nil {
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
	n := allowed.Number
	trunk, err := cfg.trunkOf(n, c.TTY)
	if err != nil {
		return nil, err
	}
	id := newID()
	d := &chatDial{TTY: c.TTY, ID: id, Number: n.String(), Group: allowed.Group, By: c.By, pattern: c.Pattern,
		orderedDial: orderedDial{what: "start-chat " + id, number: n, ttys: []int{c.TTY}}}
	step := callback.PlanStep{Number: n, Trunk: trunk}
	if d.dials, err = cfg.dialstring(step); err != nil {
		return nil, err
	}
	if d.Script, err = cfg.Dialer.CheckDial(d.dials, c.Pattern); err != nil {
		return nil, err
	}
	d.charges = chargesOf(allowed.Limits, user, []numbers.Number{n}, allowed.Group, c.TTY, cfg.Ceilings)
	rate, priced := cfg.prices(step).Find(n)
	if !priced && limitsMoney(d.charges) {
		return nil, fmt.Errorf("%w: the tariff has no rate for %s, and money is limited (add a rate)", errNoPrice, n)
	}
	d.rate, d.priced = rate, priced
	most := b.opt.Limits.overhead()
	d.reserved = journal.Amount{Calls: 1, Failures: 1, Time: most, Money: int64(rate.Worst(most, 1))}
	return d, nil
}

// recordChat counts the dial in the journal. Only then may it be made.
func (b *Broker) recordChat(ctx context.Context, d *chatDial) error {
	d.Started = time.Now().Round(0)
	began := events.ChatStarted{Line: d.TTY, Script: d.Script, Number: d.Number, By: d.By}
	rows := append(audit(d.Started, began), journal.PutCall{Call: d.row()})
	if len(d.charges) > 0 {
		rows = append(rows, journal.Reserve{Callback: d.row().ID, Charges: d.charges, Amount: d.reserved,
			Time: d.Started})
	}
	// The operator's patience must not decide whether it is known what is on disk.
	err := b.opt.Journal.Commit(context.WithoutCancel(ctx), rows...)
	var ceiling *journal.Ceiling
	switch {
	case errors.As(err, &ceiling):
		return ceiling
	case err != nil:
		return fmt.Errorf("the dial cannot be recorded, so it is not made: %w", err)
	}
	b.publish(began)
	return nil
}

// row is the dial as a row of the journal.
func (d *chatDial) row() journal.Call {
	return journal.Call{ID: "chat-" + d.ID, TTY: d.TTY, Direction: string(lines.Outgoing), Called: d.Number,
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
	if !d.held {
		b.dialedAt.note(d.number, d.Ended)
	}
	ended := events.ChatDialed{Line: d.TTY, Script: d.Script, Number: d.Number, Outcome: d.Outcome, Detail: d.Detail,
		By: d.By}
	rows := append(audit(d.Ended, ended), journal.PutCall{Call: d.row(), Cost: costOf(d.rate, d.priced, d.used)})
	if len(d.charges) > 0 {
		used := journal.Amount{Calls: 1, Time: d.used, Money: int64(d.rate.Cost(d.used))}
		if d.Connect == "" {
			used.Failures = 1
		}
		rows = append(rows, journal.Settle{Callback: d.row().ID, Used: used, Time: d.Ended})
	}
	if err := b.opt.Journal.Commit(context.Background(), append(rows, journal.UseReserve{})...); err != nil {
		b.log.Error("journal: the end of a dial of start-chat is not on disk: until a restart all that it could use "+
			"stays reserved, and then counts as used", zap.String("id", d.ID), zap.Error(err))
	}
	b.publish(ended)
}

// loadChats reads when numbers were dialed by start-chat before this process, for callback.hold_off.
func (b *Broker) loadChats(ctx context.Context) error {
	now := time.Now()
	rows, _, err := b.opt.Journal.Calls(ctx, journal.All, journal.CallFilter{Service: journal.StartChat,
		Since: now.Add(-longestLifetime)})
	if err != nil {
		return fmt.Errorf("journal: read the dials of start-chat: %w", err)
	}
	for _, row := range rows {
		b.noteDial(row, now)
	}
	return nil
}
