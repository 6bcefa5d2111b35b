package broker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// ErrNoCallback is returned for the ID of no callback.
var ErrNoCallback = errors.New("no such callback")

// Attempt is one dial of a callback.
type Attempt = journal.Attempt

// UserView is a caller on a line.
type UserView struct {
	TTY      int
	User     string // "" until the caller has logged in
	Service  aaa.Service
	Leg      int
	Call     string
	Caller   string
	Connect  string
	Start    time.Time
	Profile  string // the group whose profile limits the calls to the called number; "" none
	Overflow bool   // beyond the profile's base
}

// CallbackView is a callback with the data that explains it.
type CallbackView struct {
	journal.Callback
	TTY      int      // the line that dials or dialed; 0 if not chosen yet
	Numbers  []string // of several numbers, those that it dials, in their order; Number is the current one
	Attempt  []Attempt
	Decision policies.Trace
	Group    string
	History  []Happening

	WaitsFor   string    // why a pending callback waits; "" if it does not
	WaitsUntil time.Time // when that ends; zero: not known
}

// Lines returns the lines, sorted by TTY.
func (b *Broker) Lines() []lines.Status { return b.opt.Pool.Lines() }

// Tally returns the lines as counts.
func (b *Broker) Tally() lines.Tally { return b.opt.Pool.Tally() }

// Pending returns the number of pending callbacks.
func (b *Broker) Pending() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.works)
}

// LinesInUse returns the lines that a live call, or a pending callback that was promised or dials there, uses.
func (b *Broker) LinesInUse() map[int]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	used := map[int]bool{}
	for _, c := range b.calls {
		used[c.TTY] = true
	}
	for _, w := range b.works {
		used[w.calledHere()], used[w.state.TTY] = true, true
	}
	return used
}

// LineConfig returns the configuration of a line's modem; false if there is no such line.
func (b *Broker) LineConfig(tty int) (lines.Config, bool) { return b.opt.Pool.Config(tty) }

// OnLines returns the callers on the lines, sorted by TTY.
func (b *Broker) OnLines() []UserView {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := make([]UserView, 0, len(b.calls))
	for _, c := range b.calls {
		v = append(v, UserView{TTY: c.TTY, User: c.user, Service: c.service, Leg: c.leg, Call: c.ID, Caller: c.Caller,
			Connect: c.Connect, Start: c.Start, Profile: c.profile, Overflow: c.overflow})
	}
	slices.SortFunc(v, func(x, y UserView) int { return x.TTY - y.TTY })
	return v
}

// CallbackQuery selects callbacks.
type CallbackQuery struct {
	All   bool      // also ended ones
	Limit int       // only the newest Limit; 0: all
	Since time.Time // only those created at this time or later; zero: all
	User  string    // "": of all users
}

// CallbackList returns callbacks, newest first, and how many older ones the limit omits.
func (b *Broker) CallbackList(ctx context.Context, q CallbackQuery) (v []CallbackView, older int, err error) {
	f := journal.Filter{Pending: !q.All, Since: q.Since, User: q.User}
	if q.Limit <= 0 {
		q.Limit = journal.All
	}
	total, err := b.opt.Journal.CountCallbacks(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	rows, _, err := b.opt.Journal.Callbacks(ctx, q.Limit, f)
	if err != nil {
		return nil, 0, err
	}
	v = make([]CallbackView, 0, len(rows))
	for _, r := range rows {
		v = append(v, b.explained(view(r, nil)))
	}
	return v, max(total-q.Limit, 0), nil
}

// Callback returns one callback with its attempts, by its ID or a unique prefix of it.
func (b *Broker) Callback(ctx context.Context, id string) (CallbackView, error) {
	row, attempts, err := b.opt.Journal.Callback(ctx, id)
	if err == nil {
		return b.explained(view(row, attempts)), nil
	}
	if !errors.Is(err, journal.ErrNotFound) || id == "" {
		return CallbackView{}, err
	}
	rows, _, err := b.opt.Journal.Callbacks(ctx, 1000, journal.Filter{})
	if err != nil {
		return CallbackView{}, err
	}
	found := ""
	for _, r := range rows {
		if strings.HasPrefix(r.ID, id) {
			if found != "" {
				return CallbackView{}, errors.New("callback " + id + ": several IDs begin so: give more characters")
			}
			found = r.ID
		}
	}
	if found == "" {
		return CallbackView{}, ErrNoCallback
	}
	row, attempts, err = b.opt.Journal.Callback(ctx, found)
	return b.explained(view(row, attempts)), err
}

// ViewOf returns a callback of another node, with its attempts.
func ViewOf(row journal.Callback, attempts []Attempt) CallbackView { return view(row, attempts) }

// HistoryOf returns the history in a trace that a node recorded; nil if it cannot be read.
func HistoryOf(text string) []Happening {
	var t recorded[policies.Trace, Happening]
	if unmarshal(text, &t) != nil {
		return nil
	}
	return t.History
}

func view(row journal.Callback, attempts []journal.Attempt) CallbackView {
	if g, err := decodeGrant(row.Authorization); err == nil {
		g.Auth.Class = nil // only the server understands it: it is kept for leg two's accounting
		row.Authorization = g.encode()
	}
	v := CallbackView{Callback: row, Attempt: attempts}
	var t recorded[policies.Trace, Happening]
	if unmarshal(row.Trace, &t) == nil {
		v.Decision, v.Group, v.History = t.Decision, t.Group, t.History
	}
	w := newWork(row, trace{}, grant{})
	if unmarshal(row.State, &w.state) == nil {
		v.TTY = w.state.TTY
		w.state.Phase, w.state.Attempt, w.state.Max = callback.Phase(row.Phase), row.Attempts, row.Max
		if w.readPlan() == nil && len(w.plan.Numbers()) > 1 {
			v.Number = w.step().Number.String()
			for _, n := range w.plan.Numbers() {
				v.Numbers = append(v.Numbers, n.String())
			}
		}
	}
	if n := len(attempts); v.TTY == 0 && n > 0 {
		v.TTY = attempts[n-1].TTY
	}
	return v
}
