package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/tariff"
	"github.com/ringback/ringback/tty"
)

// FromBroker returns a Daemon that shows and controls a broker. The audit records the user ID of the socket's peer.
func FromBroker(b *broker.Broker) Daemon { return daemon{b} }

type daemon struct{ b *broker.Broker }

func (d daemon) Rotaries() []client.Rotary {
	all := d.b.Rotaries()
	v := make([]client.Rotary, 0, len(all))
	for _, r := range all {
		out := client.Rotary{Rotary: r.Rotary, Hunt: string(r.Hunt), Lines: []client.RotaryLine{}, Queue: []string{}}
		for _, s := range r.Lines {
			out.Lines = append(out.Lines, client.RotaryLine{TTY: s.TTY, Modem: string(s.Modem), State: string(s.State),
				Leases: s.Leases})
		}
		for _, q := range r.Queue {
			out.Queue = append(out.Queue, q.Owner)
		}
		v = append(v, out)
	}
	return v
}

func (d daemon) Queue() []client.Queued {
	all := d.b.Queue()
	v := make([]client.Queued, 0, len(all))
	for _, q := range all {
		out := client.Queued{Callback: q.Owner, User: q.User, Number: q.Number, Lines: q.TTYs, Called: q.Called,
			Probed: q.Probed, Since: q.Since.Local(), Role: q.Role.String(),
			Offered: q.Offered}
		if q.Rotary != lines.NoRotary {
			out.Rotary = &q.Rotary
		}
		v = append(v, out)
	}
	return v
}

func (d daemon) Users() []client.User {
	on := d.b.OnLines()
	v := make([]client.User, 0, len(on))
	for _, u := range on {
		v = append(v, client.User{
			TTY: u.TTY, Line: tty.Name(u.TTY), User: u.User, Service: string(u.Service), Leg: u.Leg,
			Call: u.Call, Caller: u.Caller, Connect: u.Connect, Start: u.Start.Local(), Profile: u.Profile,
			Overflow: u.Overflow,
		})
	}
	return v
}

func (d daemon) Callbacks(ctx context.Context, q client.CallbackQuery) ([]client.Callback, int, error) {
	list, older, err := d.b.CallbackList(ctx, broker.CallbackQuery{All: q.All, Limit: q.Limit, Since: q.Since,
		User: q.User})
	v := make([]client.Callback, 0, len(list))
	for _, c := range list {
		v = append(v, callback(c))
	}
	return v, older, err
}

func (d daemon) Callback(ctx context.Context, id string) (client.CallbackDetail, error) {
	c, err := d.b.Callback(ctx, id)
	if err != nil {
		return client.CallbackDetail{}, notFound(id, err)
	}
	return detailOf(c), nil
}

func detailOf(c broker.CallbackView) client.CallbackDetail {
	v := client.CallbackDetail{
		Callback: callback(c), Policy: c.Group, PolicyDigest: c.PolicyDigest, Authorization: object(c.Authorization),
		Decision: Steps(c.Decision), History: happenings(c.History), Dials: []client.Attempt{},
	}
	for _, a := range c.Attempt {
		v.Dials = append(v.Dials, attempt(a))
	}
	return v
}

func happenings(all []broker.Happening) []client.Happening {
	v := []client.Happening{}
	for _, h := range all {
		v = append(v, client.Happening{Time: h.Time.Local(), Event: h.What, Phase: h.Phase, Text: h.Text})
	}
	return v
}

func (d daemon) CancelCallback(ctx context.Context, id string) error {
	c, err := d.b.Callback(ctx, id)
	if err != nil {
		return notFound(id, err)
	}
	return d.b.CancelCallback(ctx, c.ID, By(ctx))
}

func (d daemon) OrderCallback(ctx context.Context, o client.CallbackOrder) (string, error) {
	return d.b.CallUser(ctx, broker.UserOrder{User: o.User, Number: o.Number, TTY: o.Line,
		Service: aaa.Service(o.Service), At: o.At, By: By(ctx)})
}

func (d daemon) RetryCallback(ctx context.Context, id string) error {
	c, err := d.b.Callback(ctx, id)
	if err != nil {
		return notFound(id, err)
	}
	return d.b.RetryCallback(ctx, c.ID, By(ctx))
}

func (d daemon) ClearLine(ctx context.Context, tty int) error {
	return d.b.ClearLine(ctx, tty, By(ctx))
}

func (d daemon) ClearCounters(ctx context.Context, ttys ...int) (int, error) {
	return d.b.ClearCounters(By(ctx), ttys...)
}

func (d daemon) StartChat(ctx context.Context, tty int, script, number string) (client.ChatRun, error) {
	out, err := d.b.StartChat(ctx, lines.Chat{Pattern: script, TTY: tty, By: By(ctx), User: account(ctx),
		Number: number})
	run := client.ChatRun{Line: tty, Script: out.Script, Transcript: []string{}, Number: out.Number,
		Result: out.Outcome, Connect: out.Connect}
	if out.Transcript != "" {
		run.Transcript = strings.Split(out.Transcript, "\n")
	}
	if err != nil && out.Transcript == "" && out.Outcome == "" { // nothing was sent
		return run, err
	}
	if err != nil {
		run.Error = err.Error()
	}
	return run, nil
}

func (d daemon) CallSite(ctx context.Context, c broker.SiteCall) (*broker.OutCall, error) {
	return d.b.CallSite(ctx, c)
}

func (d daemon) BusyOutLine(ctx context.Context, tty int, reason string) error {
	return d.b.BusyOutLine(tty, reason, By(ctx))
}

func (d daemon) RestoreLine(ctx context.Context, tty int) error { return d.b.RestoreLine(tty, By(ctx)) }

func (d daemon) LoginLocks() []client.LoginLock {
	locks := d.b.LoginLocks()
	v := make([]client.LoginLock, 0, len(locks))
	for _, l := range locks {
		v = append(v, client.LoginLock{
			Of: l.Kind, Enable: l.Enable, User: l.User, Number: l.Number, TTY: l.TTY, Failures: l.Failures,
			Until: ended(l.LockedUntil), Delay: l.Delay.Seconds(),
		})
	}
	return v
}

func (d daemon) ClearLoginLocks(ctx context.Context, of string) (int, error) {
	n, err := d.b.ClearLoginLocks(ctx, of, By(ctx))
	if errors.Is(err, broker.ErrNoLock) {
		return 0, fmt.Errorf("%s: %w, %w (`ringback show login-locks` lists them)", of, err, ErrNotFound)
	}
	return n, err
}

func (d daemon) Ceilings(ctx context.Context) ([]client.Ceiling, error) {
	all, err := d.b.Ceilings(ctx)
	v := make([]client.Ceiling, 0, len(all))
	for _, c := range all {
		out := client.Ceiling{Scope: c.Scope, Name: c.Key, Open: c.Open, AtOnce: c.AtOnce, Reserved: amount(c.Reserved)}
		for i, w := range c.Windows {
			p := client.Period{Period: journal.Periods[i], Begin: ended(w.Begin), Used: amount(w.Used)}
			var limit journal.Amount
			for _, l := range c.Limits {
				if l.Period == p.Period {
					limit = l.Amount
				}
			}
			p.Limit = amount(limit)
			out.Periods = append(out.Periods, p)
		}
		v = append(v, out)
	}
	return v, err
}

func amount(a journal.Amount) client.Amount {
	return client.Amount{Calls: a.Calls, Failures: a.Failures, Seconds: a.Time.Seconds(),
		Money: tariff.Money(a.Money).String()}
}

func (d daemon) Lockdown() client.Lockdown { return LockdownOf(d.b.LockdownState()) }

// LockdownOf returns the state of a lockdown for clients.
func LockdownOf(s broker.LockdownView) client.Lockdown {
	v := client.Lockdown{Active: s.Active, Sessions: s.Sessions, Reason: s.Reason, By: s.Who, Since: ended(s.Since),
		OnDisk: s.OnDisk}
	if s.Err != nil {
		v.Error = s.Err.Error()
	}
	return v
}

func (d daemon) OrderLockdown(ctx context.Context, reason string, sessions bool) (client.Lockdown, error) {
	err := d.b.Lockdown(reason, sessions, By(ctx))
	v := d.Lockdown()
	if errors.Is(err, broker.ErrNotOnDisk) {
		v.Error, err = err.Error(), nil
	}
	return v, err
}

func (d daemon) LiftLockdown(ctx context.Context, reason string) error {
	return d.b.LiftLockdown(reason, By(ctx))
}

func notFound(id string, err error) error {
	if errors.Is(err, broker.ErrNoCallback) {
		return fmt.Errorf("callback %s: %w (`ringback show callbacks --all` lists them)", id, ErrNotFound)
	}
	return err
}

func callback(c broker.CallbackView) client.Callback {
	return client.Callback{
		ID: c.ID, Phase: c.Phase, User: c.User, Entry: c.Entry, Number: c.Number, Numbers: c.Numbers,
		NoVerify: c.NoVerify,
		Caller:   c.Caller, Called: c.CalledTTY, TTY: c.TTY,
		Attempts: c.Attempts, Max: c.Max, Cause: c.Cause, Created: c.Created.Local(), Ended: ended(c.Ended),
		WaitsFor: c.WaitsFor, WaitsUntil: ended(c.WaitsUntil), Home: c.Home,
	}
}

// Steps returns the trace of a decision for clients.
func Steps(t policies.Trace) []client.Step {
	v := make([]client.Step, 0, len(t))
	for _, s := range t {
		v = append(v, client.Step{Rule: s.Rule, Input: s.Input, Result: s.Result, At: s.At})
	}
	return v
}

func attempt(a broker.Attempt) client.Attempt {
	v := client.Attempt{N: a.N, TTY: a.TTY, Number: a.Number, Script: a.Script, Started: a.Started.Local(),
		Ended: ended(a.Ended), Outcome: a.Outcome, Detail: a.Detail}
	if a.Transcript != "" {
		v.Transcript = strings.Split(a.Transcript, "\n")
	}
	return v
}

func ended(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.Local()
	return &t
}

// object returns JSON from the journal, or nil if it is not valid JSON.
func object(s string) json.RawMessage {
	if !json.Valid([]byte(s)) {
		return nil
	}
	return json.RawMessage(s)
}
