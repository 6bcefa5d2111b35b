package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/session"
)

// Selector says of whom a Disconnect or Change is to be (RFC 5176 §3). All that is set must fit; the zero Selector fits nobody.
type Selector struct {
	SessionID      string // Acct-Session-Id: of the live session, or of leg one's whose callback is pending
	MultiSessionID string // Acct-Multi-Session-Id, which both legs and the callback between them share
	User           string
	TTY            int    // the line; 0 any
	Caller         string // the number that rang us
	By             string // who asks, for audit and log; "" is "AAA"
}

// Change is what is to change. The zero fields do not.
type Change struct {
	SessionTimeout, IdleTimeout *time.Duration // of live sessions: not supported
	CancelCallback              bool
	DelayCallback               time.Duration // no dial before so much time has passed from now; it never hastens one
}

// The errors by which Disconnect and Change are to be refused.
var (
	ErrNoSession    = errors.New("no live session and no pending callback fits")
	ErrNotSupported = errors.New("the timeouts of a session that runs cannot be changed")
	ErrTooLate      = errors.New("the callback cannot be put off")
)

func (s Selector) empty() bool {
	s.By = ""
	return s == Selector{}
}

func (s Selector) by() string { return cmp.Or(s.By, "AAA") }

// call reports whether a live session fits; the Broker's mutex is held.
func (s Selector) call(c *call) bool {
	return c.session != "" && fits(s.SessionID, c.session) && fits(s.MultiSessionID, c.multiSessionID) && fits(s.User, c.user) &&
		(s.TTY == 0 || s.TTY == c.TTY) && fits(s.Caller, c.Caller)
}

// work reports whether a pending callback fits; the Broker's mutex is held.
func (s Selector) work(w *work) bool {
	legOne := s.SessionID == "" || s.SessionID == w.row.CallID || strings.HasPrefix(s.SessionID, w.row.CallID+"-")
	return w.state.Phase.Pending() && legOne && fits(s.MultiSessionID, w.row.MultiSessionID) && fits(s.User, w.row.User) &&
		(s.TTY == 0 || s.TTY == w.row.CalledTTY || s.TTY == w.state.TTY) && fits(s.Caller, w.row.Caller)
}

func fits(want, have string) bool { return want == "" || want == have }

// pendingFits returns the IDs of the pending callbacks that fit, sorted.
func (b *Broker) pendingFits(s Selector) []string {
	if s.empty() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []string
	for id, w := range b.works {
		if s.work(w) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Disconnect ends the live sessions that fit with the cause Admin-Reset, and takes back the callbacks that were promised in those that fit. It returns when
// the callbacks' ends are on disk and the sessions were told; ErrNoSession where nothing fits.
func (b *Broker) Disconnect(ctx context.Context, s Selector) error {
	cancelled, err := b.cancelAll(ctx, s)
	if err != nil {
		return err
	}
	if n := b.endSessions(s); n+cancelled == 0 {
		return ErrNoSession
	}
	return nil
}

// cancelAll takes back the callbacks that fit and returns how many.
func (b *Broker) cancelAll(ctx context.Context, s Selector) (n int, err error) {
	for _, id := range b.pendingFits(s) {
		switch err := b.tell(ctx, event{id: id, what: callback.Cancel{By: s.by()}, text: "by " + s.by()}); {
		case err == nil:
			n++
		case !errors.Is(err, errStale): // stale: it has just ended, or is being cancelled
			return n, fmt.Errorf("cancel callback %s: %w", id, err)
		}
	}
	return n, nil
}

// endSessions ends the live sessions that fit and returns how many.
func (b *Broker) endSessions(s Selector) (n int) {
	if s.empty() {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.calls {
		if s.call(c) {
			c.cancel(session.End{Cause: aaa.CauseAdminReset, Text: "Disconnected by the administrator"})
			b.log.Info("session disconnected", zap.String("call", c.ID), zap.Int("line", c.TTY), zap.String("user", c.user), zap.String("by", s.by()))
			n++
		}
	}
	return n
}

// Change cancels or puts off the pending callbacks that fit; never does it hasten one. It returns when that is on disk. Either all is done that is asked
// for, or, where the error says why, nothing: ErrNotSupported, ErrNoSession, ErrTooLate (wrapped) where the dial has begun, or the callback stands for
// later already, or would outlive its lifetime.
func (b *Broker) Change(ctx context.Context, s Selector, c Change) error {
	switch {
	case c.SessionTimeout != nil || c.IdleTimeout != nil:
		return ErrNotSupported
	case c.DelayCallback < 0:
		return fmt.Errorf("%w: a delay of %v would hasten it", ErrTooLate, c.DelayCallback)
	}
	ids := b.pendingFits(s)
	if len(ids) == 0 {
		return ErrNoSession
	}
	if c.CancelCallback {
		n, err := b.cancelAll(ctx, s)
		if err == nil && n == 0 {
			err = ErrNoSession
		}
		return err
	}
	if c.DelayCallback == 0 {
		return nil
	}
	if len(ids) > 1 { // one identity has one callback, but entries may share a user's name
		return fmt.Errorf("%w: %d callbacks fit; name one by its Acct-Multi-Session-Id", ErrTooLate, len(ids))
	}
	return b.putOff(ctx, ids[0], c.DelayCallback, s.by())
}

// putOff has a callback wait for d from now at least (law 8: an authentic CoA may only lengthen the wait).
func (b *Broker) putOff(ctx context.Context, id string, d time.Duration, by string) error {
	until := time.Now().Add(d)
	b.mu.Lock()
	w := b.works[id]
	if w == nil {
		b.mu.Unlock()
		return ErrNoSession
	}
	ends := w.row.Created.Add(b.lifetime())
	b.mu.Unlock()
	if until.After(ends) {
		return fmt.Errorf("%w: callback %s expires at %s, before a delay of %v is over", ErrTooLate, id, ends.UTC().Format(time.RFC3339), d)
	}
	err := b.tell(ctx, event{
		id: id, what: callback.Delay{NotBefore: until.UnixNano(), By: by}, text: fmt.Sprintf("by %v, by %s", d, by),
		also: func(w *work) { w.notBefore = until },
	})
	if errors.Is(err, errStale) {
		return fmt.Errorf("%w: callback %s is dialling, has ended or is put off for longer", ErrTooLate, id)
	}
	return err
}
