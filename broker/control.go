package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// Selector selects a session, a pending callback, or both with the same Acct-Multi-Session-Id (RFC 5176 §3). All set
// fields must match; the zero Selector matches nothing.
type Selector struct {
	SessionID      string // Acct-Session-Id of the live session, or of leg one if its callback is pending
	MultiSessionID string // Acct-Multi-Session-Id, shared by both legs and the callback between them
	User           string // the canonical user, or the name that accounting uses
	TTY            int    // the line; 0 any
	Caller         string // the caller's number
	By             string // the sender of the request, for audit and log; "" is "AAA"
}

// Found says how many sessions and callbacks matched and were changed.
type Found struct{ Sessions, Callbacks int }

// Change is a requested change. Zero fields change nothing.
type Change struct {
	SessionTimeout, IdleTimeout *time.Duration // of live sessions: not supported
	CancelCallback              bool
	DelayCallback               time.Duration // minimum time from now to the dial; it never makes a dial earlier
}

// The errors of Disconnect and Change. On error nothing was done.
var (
	ErrSeveral      = errors.New("several sessions match (select one by its Acct-Session-Id or Acct-Multi-Session-Id)")
	ErrNotSupported = errors.New("the timeouts of a running session cannot be changed")
	ErrTooLate      = errors.New("the callback cannot be delayed")
)

func (s Selector) empty() bool {
	s.By = ""
	return s == Selector{}
}

func (s Selector) by() string { return cmp.Or(s.By, "AAA") }

// call reports whether a live session matches. The Broker's mutex is held.
func (s Selector) call(c *call) bool {
	return c.session != "" && fits(s.SessionID, c.session) && fits(s.MultiSessionID, c.multiSessionID) &&
		fits(s.User, c.user, c.billed) &&
		(s.TTY == 0 || s.TTY == c.TTY) && fits(s.Caller, c.Caller)
}

// work reports whether a pending callback matches. The Broker's mutex is held.
func (s Selector) work(w *work) bool {
	legOne := s.SessionID == "" || s.SessionID == w.row.CallID || strings.HasPrefix(s.SessionID, w.row.CallID+"-")
	return w.state.Phase.Pending() && legOne && fits(s.MultiSessionID, w.row.MultiSessionID) &&
		fits(s.User, w.row.User, w.auth.Auth.AccountingUser) &&
		(s.TTY == 0 || s.TTY == w.calledHere() || s.TTY == w.state.TTY) && fits(s.Caller, w.row.Caller)
}

func fits(want string, have ...string) bool { return want == "" || slices.Contains(have, want) }

// found is what a Selector matches: all with the same Acct-Multi-Session-Id.
type found struct {
	calls    []*call
	sessions []string // of the calls, in their order
	callback string   // "" if none: an identity has one callback at a time
}

func (b *Broker) find(s Selector) (f found, err error) {
	if s.empty() {
		return f, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	multi := map[string]bool{}
	for _, c := range b.calls {
		if s.call(c) {
			f.calls, f.sessions = append(f.calls, c), append(f.sessions, c.session)
			multi[c.multiSessionID] = true
		}
	}
	for id, w := range b.works {
		if s.work(w) {
			f.callback = id
			multi[w.row.MultiSessionID] = true
		}
	}
	if len(multi) > 1 {
		return found{}, fmt.Errorf("%w: %d sessions or callbacks", ErrSeveral, len(multi))
	}
	return f, nil
}

// Disconnect ends the matching live session with the cause Admin-Reset, and cancels the matching callback. It returns
// when the callback's end is on disk, or is certain (its dial is being ended), and the session was told to end.
func (b *Broker) Disconnect(ctx context.Context, s Selector) (Found, error) {
	f, err := b.find(s)
	if err != nil {
		return Found{}, err
	}
	var done Found
	if done.Callbacks, err = b.cancelFound(ctx, f, s.by()); err != nil {
		return done, err
	}
	for i, c := range f.calls {
		c.cancel(session.End{Cause: aaa.CauseAdminReset, Text: texts.EndAdministrator})
		b.publish(events.CallDisconnected{Call: c.ID, Callback: c.callbackID, Session: f.sessions[i],
			Line: c.TTY, By: s.by()})
		done.Sessions++
	}
	return done, nil
}

// cancelFound cancels the callback, if there is one, and returns how many it cancelled: 0 also if the callback has just
// ended.
func (b *Broker) cancelFound(ctx context.Context, f found, by string) (int, error) {
	if f.callback == "" {
		return 0, nil
	}
	err := b.cancel(ctx, f.callback, by)
	switch {
	case errors.Is(err, errStale):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("cancel callback %s: %w", f.callback, err)
	}
	return 1, nil
}

// Change cancels or delays the matching pending callback; it never makes it earlier. It returns when the change is on
// disk. On error nothing was changed: ErrNotSupported; ErrTooLate if the dial has begun, the callback already waits
// longer, or would expire before the delay is over.
func (b *Broker) Change(ctx context.Context, s Selector, c Change) (Found, error) {
	f, err := b.find(s)
	switch {
	case err != nil || f.callback == "" && len(f.calls) == 0:
		return Found{}, err
	case c.SessionTimeout != nil || c.IdleTimeout != nil:
		return Found{}, ErrNotSupported
	case c.DelayCallback < 0:
		return Found{}, fmt.Errorf("%w: the delay %v is negative", ErrTooLate, c.DelayCallback)
	case f.callback == "":
		return Found{}, nil
	case c.CancelCallback:
		n, err := b.cancelFound(ctx, f, s.by())
		return Found{Callbacks: n}, err
	case c.DelayCallback == 0:
		return Found{Callbacks: 1}, nil
	}
	if err := b.putOff(ctx, f.callback, c.DelayCallback, s.by()); err != nil {
		return Found{}, err
	}
	return Found{Callbacks: 1}, nil
}

// putOff makes a callback wait at least d from now (law 8: an authentic CoA may only lengthen the wait).
func (b *Broker) putOff(ctx context.Context, id string, d time.Duration, by string) error {
	until := time.Now().Add(d)
	b.mu.Lock()
	w := b.works[id]
	if w == nil {
		b.mu.Unlock()
		return fmt.Errorf("%w: callback %s has ended", ErrTooLate, id)
	}
	ends := w.expires
	b.mu.Unlock()
	if until.After(ends) {
		return fmt.Errorf("%w: callback %s expires at %s, before a delay of %v ends", ErrTooLate, id,
			ends.Local().Format(time.RFC3339), d)
	}
	err := b.tell(ctx, event{
		id: id, what: callback.Delay{NotBefore: until.UnixNano(), For: d, By: by},
		text: fmt.Sprintf("by %v, by %s", d, by),
		also: func(w *work) { w.notBefore = until },
	})
	if errors.Is(err, errStale) {
		return fmt.Errorf("%w: callback %s is dialing, has ended or is already delayed longer", ErrTooLate, id)
	}
	return err
}
