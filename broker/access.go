package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/policies"
)

// requestLife is how long a request for a window waits for the second operator.
const requestLife = time.Hour

// seenEvery is how often an open window is recorded as seen: a clock that is set back while no process runs lengthens
// the window by no more than the time since then.
const seenEvery = time.Minute

// The errors of OpenAccess, ApproveAccess and CloseAccess.
var (
	ErrAccess = errors.New("access window")
	// ErrStillOpen means that a window is closed, but a restart would open it again. ringback keeps trying to record
	// its end.
	ErrStillOpen = errors.New("access window closed, but not on disk: a restart would open it again")
)

// States of an access window.
const (
	AccessOpen    = "open"
	AccessWaiting = "waiting" // for a second operator
	AccessLapsed  = "lapsed"  // waited too long
	AccessClosed  = "closed"
	// AccessUnapproved means open for fewer operators than the group's policy has required since a reload: it admits
	// nobody.
	AccessUnapproved = "unapproved"
)

// AccessView is the latest access window of a group.
type AccessView struct {
	journal.AccessWindow
	State string
}

// access has the access windows of the groups. One opens when that is on disk. It closes at its end by the wall clock
// or by the monotonic one, whichever comes first, or when an operator says so; that acts from memory first.
type access struct {
	mu      sync.Mutex // the Broker's mutex may be held; not the other way around
	windows map[string]*accessWindow
	open    atomic.Pointer[map[string]policies.AccessWindow] // those in force; replaced, never changed
	stopped bool                                             // the process ends
}

// accessWindow is the window of a group. access.mu guards it.
type accessWindow struct {
	row    journal.AccessWindow // in force
	asked  journal.AccessWindow // as last ordered; equal to row if no order is under way
	order  uint64               // counts orders: an answer of the disk to an earlier one changes nothing
	placed uint64               // the last order that was carried out, or failed
	onDisk bool                 // row is
	ends   time.Time            // monotonic
	timer  *time.Timer
}

func isOpen(row journal.AccessWindow) bool { return !row.Opened.IsZero() && row.Closed.IsZero() }

// inForce returns the windows that are open, by group, to be read only.
func (a *access) inForce() map[string]policies.AccessWindow {
	if open := a.open.Load(); open != nil {
		return *open
	}
	return nil
}

// OpenWindows returns the access windows that are open, by group, to be read only.
func (b *Broker) OpenWindows() map[string]policies.AccessWindow { return b.access.inForce() }

// window returns a group's window, new or known. mu is held.
func (a *access) window(group string) *accessWindow {
	w := a.windows[group]
	if w == nil {
		w = &accessWindow{}
		if a.windows == nil {
			a.windows = map[string]*accessWindow{}
		}
		a.windows[group] = w
	}
	return w
}

// loadAccess opens the windows that the previous process left open and that are not over.
func (b *Broker) loadAccess(ctx context.Context) error {
	rows, damaged, err := b.opt.Journal.AccessWindows(ctx)
	if err != nil {
		return fmt.Errorf("journal: read the access windows: %w", err)
	}
	for _, d := range damaged {
		b.Happened(events.Alarm{Text: "an access window is damaged; it is closed: " + d.String()})
	}
	for _, row := range rows {
		b.access.mu.Lock()
		w := b.access.window(row.Group)
		w.onDisk = true
		b.placeAccess(w, row)
		b.settleAccess(w)
		b.access.mu.Unlock()
		b.accessTick(row.Group, 0)
	}
	return nil
}

// placeAccess puts a row in force. access.mu is held.
func (b *Broker) placeAccess(w *accessWindow, row journal.AccessWindow) {
	if w.row = row; isOpen(row) {
		now := time.Now()
		left := row.Until.Sub(now.Round(0))
		if ahead := row.Seen.Sub(now.Round(0)); ahead > 0 { // the clock was set back
			left -= ahead
		}
		w.ends = now.Add(left)
	}
	open := map[string]policies.AccessWindow{}
	for group, w := range b.access.windows {
		if !isOpen(w.row) {
			continue
		}
		open[group] = policies.AccessWindow{Until: w.row.Until, Operators: operators(w.row)}
	}
	b.access.open.Store(&open)
}

func operators(row journal.AccessWindow) int {
	if row.ApprovedBy != "" {
		return 2
	}
	return 1
}

// settleAccess ends an order, carried out or not. access.mu is held.
func (b *Broker) settleAccess(w *accessWindow) {
	w.placed, w.asked = w.order, w.row
	b.armAccess(w)
}

// armAccess sets the timer of a window. access.mu is held.
func (b *Broker) armAccess(w *accessWindow) {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if isOpen(w.row) && !b.access.stopped {
		group, order := w.row.Group, w.placed
		w.timer = time.AfterFunc(max(min(time.Until(w.ends), seenEvery), 0), func() { b.accessTick(group, order) })
	}
}

// stop ends the timers.
func (a *access) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
	for _, w := range a.windows {
		if w.timer != nil {
			w.timer.Stop()
		}
	}
}

// accessTick closes a window that is over, otherwise it records that it is still open. placed is the last order that
// was carried out for it; after another one, nothing is done.
func (b *Broker) accessTick(group string, placed uint64) {
	b.access.mu.Lock()
	w := b.access.window(group)
	if w.placed != placed || b.access.stopped {
		b.access.mu.Unlock()
		return
	}
	now := time.Now()
	wall := now.Round(0)
	switch {
	case !isOpen(w.row):
	case !now.Before(w.ends) || !wall.Before(w.row.Until):
		b.accessOver(w)
		b.access.mu.Unlock()
		b.endAccess(group)
		return
	case w.order == w.placed && wall.After(w.row.Seen): // otherwise its row would follow that of a later order
		w.row.Seen = wall
		w.asked.Seen = wall
		b.note(nil, journal.PutAccessWindow{Window: w.row})
		b.armAccess(w)
	default:
		b.armAccess(w)
	}
	b.access.mu.Unlock()
}

// accessPolicy returns the terms on which a group's windows are opened.
func (b *Broker) accessPolicy(group string) (policies.Access, error) {
	set := b.config.Load().Policies
	p, ok := set.Group(group)
	switch {
	case !ok:
		return p.Access, fmt.Errorf("%w: group %q has no policy file (groups: %s)", ErrAccess, group,
			strings.Join(set.Groups(), ", "))
	case !p.Access.Required:
		return p.Access, fmt.Errorf("%w: group %s needs none (write access: {window: required} in its policy file)",
			ErrAccess, group)
	}
	return p.Access, nil
}

// accessState returns the state of a window; "" if there was none.
func accessState(row journal.AccessWindow, now time.Time) string {
	switch {
	case row.Requested.IsZero():
		return ""
	case !row.Closed.IsZero():
		return AccessClosed
	case !row.Opened.IsZero():
		return AccessOpen
	case now.Sub(row.Requested).Abs() > requestLife:
		return AccessLapsed
	}
	return AccessWaiting
}

// AccessWindows returns the latest window of each group that has had one, by group.
func (b *Broker) AccessWindows() []AccessView {
	b.access.mu.Lock()
	defer b.access.mu.Unlock()
	set, views := b.config.Load().Policies, []AccessView{}
	for _, group := range slices.Sorted(maps.Keys(b.access.windows)) {
		row := b.access.windows[group].row
		state := accessState(row, time.Now())
		if p, ok := set.Group(group); state == AccessOpen && ok && p.Access.Required &&
			operators(row) < p.Access.Operators() {
			state = AccessUnapproved
		}
		if state != "" {
			views = append(views, AccessView{row, state})
		}
	}
	return views
}
