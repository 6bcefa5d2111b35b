package broker

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
)

// recover resumes what the previous process left: it closes the calls that a crash interrupted and spools their Stops,
// then Accounting-On; it sends Restarted to each pending callback. A damaged row raises an alarm and is never dialed.
func (b *Broker) recover(ctx context.Context) error {
	pending, damaged, err := b.opt.Journal.Pending(ctx)
	if err != nil {
		return fmt.Errorf("journal: read the pending callbacks: %w", err)
	}
	if err := b.guard.load(ctx); err != nil {
		return err
	}
	if err := b.loadLockdown(ctx); err != nil {
		return err
	}
	if err := b.loadAccess(ctx); err != nil {
		return err
	}
	if err := b.loadPast(ctx, pending); err != nil {
		return err
	}
	b.loadLast(ctx)
	b.loadTriggered(ctx)
	if err := b.loadTests(ctx); err != nil {
		return err
	}
	if err := b.loadOrdered(ctx); err != nil {
		return err
	}
	promised, promisedOn := map[string]bool{}, map[string]bool{}
	for _, row := range pending {
		promised[row.ID], promisedOn[row.CallID] = true, true
	}
	if err := b.closeOpenCalls(ctx, promisedOn); err != nil {
		return err
	}
	for _, d := range damaged {
		b.Happened(events.Alarm{Text: "a callback's row is damaged; it will not be dialed: " + d.String()})
	}
	if len(damaged) > 0 {
		b.setAside(ctx)
	}
	if err := b.settleLeft(ctx, promised); err != nil {
		return err
	}
	for i, r := range readWorks(pending) {
		if r.err != nil {
			b.Happened(events.Alarm{Text: fmt.Sprintf("callback %s of %s cannot be resumed: %v", pending[i].ID,
				pending[i].User, r.err)})
			continue
		}
		b.restart(ctx, r.work)
	}
	return nil
}

// settleLeft settles the reservations of callbacks that are not pending: they have ended and a crash interrupted their
// calls, so all counts as used.
func (b *Broker) settleLeft(ctx context.Context, pending map[string]bool) error {
	open, damaged, err := b.opt.Journal.Reservations(ctx)
	if err != nil {
		return fmt.Errorf("journal: read the reservations: %w", err)
	}
	for _, d := range damaged {
		b.Happened(events.Alarm{Text: "a reservation is damaged; its amount stays reserved, in all accounts: " +
			d.String()})
	}
	var left []journal.Mutation
	for _, r := range open {
		if pending[r.Callback] {
			continue
		}
		settle := journal.Settle{Callback: r.Callback, Worst: true, Time: time.Now()}
		left = append(left, settle)
		if b.fleet != nil && byOrder(r.Callback) {
			left = append(left, leftDial(r, settle))
		}
	}
	if len(left) == 0 {
		return nil
	}
	return b.opt.Journal.Commit(ctx, append(left, journal.UseReserve{})...)
}

// setAside moves damaged rows, for which an alarm was raised, out of the way of their users and of the accounting
// spool. They stay in the journal.
func (b *Broker) setAside(ctx context.Context) {
	if err := b.opt.Journal.Commit(ctx, journal.SetAside{Time: time.Now()}); err != nil {
		b.log.Error("journal: set damaged rows aside", zap.Error(err))
	}
}

// readWork is a callback of the journal, or why its row cannot be read.
type readWork struct {
	work *work
	err  error
}

// readWorks decodes the rows of pending callbacks, on all processors: there may be many, and the start waits for it.
func readWorks(rows []journal.Callback) []readWork {
	read := make([]readWork, len(rows))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(rows)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(rows)); i = next.Add(1) - 1 {
				read[i].work, read[i].err = workOf(rows[i])
			}
		})
	}
	workers.Wait()
	return read
}

// workOf returns the callback of a row that an earlier process has left.
func workOf(row journal.Callback) (*work, error) {
	g, err := decodeGrant(row.Authorization)
	if err != nil {
		return nil, fmt.Errorf("its recorded authorization: %w", err)
	}
	w := newWork(row, trace{earlier: row.Trace}, g)
	if err := w.restore(); err != nil {
		return nil, fmt.Errorf("its recorded state: %w", err)
	}
	var d decided
	if err := unmarshal(row.Decision, &d); err != nil {
		return nil, fmt.Errorf("its recorded decision: %w", err)
	}
	if err := w.readPlan(); err != nil {
		return nil, fmt.Errorf("its recorded plan: %w", err)
	}
	w.trace.Group, w.limits, w.attempts, w.unstarted = d.Group, d.Limits, d.Attempts, true
	w.remembers = remembersNumbers(d.Decision)
	return w, nil
}

// restart begins with a callback that an earlier process has left.
func (b *Broker) restart(ctx context.Context, w *work) {
	row := w.row
	w.expires = b.expiry(row.Created)
	w.keepDelay()
	b.keepBars(w)
	b.works[row.ID] = w
	w.row.Home = b.homeOf(row.Home) // older rows have the own name of this node
	w.foreign = w.row.Home != ""
	again := event{id: row.ID, what: callback.Restarted{}, text: "ringback was restarted"}
	if w.state.Phase == callback.Dialing && b.attemptIsOpen(ctx, row.ID, w.state.Attempt) {
		// a crash interrupted the attempt; it counts, whatever the modem did
		again.rows = []journal.Mutation{journal.EndAttempt{CallbackID: row.ID, N: w.state.Attempt, Ended: time.Now(),
			Outcome: restarted}}
	}
	if b.fleet != nil {
		w.again = &again // when the fleet has said what became of it, or has not answered
	} else {
		b.backlog = append(b.backlog, again)
	}
	b.publish(events.Resumed{Callback: row.ID, User: row.User, Phase: row.Phase, Attempts: row.Attempts})
}

// attemptIsOpen reports whether the end of an attempt is not on disk. A shutdown that interrupts an attempt may still
// record its end, but not the next phase of the callback.
func (b *Broker) attemptIsOpen(ctx context.Context, id string, n int) bool {
	_, attempts, err := b.opt.Journal.Callback(ctx, id)
	if err != nil {
		return true // what cannot be read is reported when its end is recorded
	}
	for _, a := range attempts {
		if a.N == n {
			return a.Ended.IsZero()
		}
	}
	return true
}

// keepDelay lets the delay of a callback run again in full: the wall clock may have been set while no process ran, so
// the time that has passed since the request is unknown (law 8).
func (w *work) keepDelay() {
	if w.state.NotBefore == 0 {
		return
	}
	if w.state.Delay == 0 {
		w.state.Delay = time.Unix(0, w.state.NotBefore).Sub(w.row.Updated)
	}
	w.notBefore = time.Now().Add(w.state.Delay)
	w.state.NotBefore = w.notBefore.UnixNano()
}

func (b *Broker) closeOpenCalls(ctx context.Context, promisedOn map[string]bool) error {
	open, damaged, err := b.opt.Journal.OpenCalls(ctx)
	if err != nil {
		return fmt.Errorf("journal: read the open calls: %w", err)
	}
	if len(damaged) > 0 {
		defer b.setAside(ctx)
	}
	for _, d := range damaged {
		b.Happened(events.Alarm{Text: "a call's row is damaged; its accounting Stop cannot be sent: " + d.String()})
	}
	now := time.Now()
	var stops []aaa.Record
	var rows []journal.Mutation
	for _, row := range open {
		cause := aaa.CauseNASReboot
		if promisedOn[row.ID] {
			cause = aaa.CauseCallback
		}
		if stop, ok := stopOf(row, now, cause); ok {
			stops = append(stops, stop)
		}
		rows = append(rows, journal.EndCall{ID: row.ID, End: now, Cause: "interrupted by a crash",
			TerminateCause: int(cause), OctetsIn: row.OctetsIn, OctetsOut: row.OctetsOut})
	}
	rows = append(rows, journal.UseReserve{})
	if err := b.spool.Put(ctx, append(stops, b.systemRecords(aaa.On)...), rows...); err != nil {
		return fmt.Errorf("journal: close the calls that a crash interrupted: %w", err)
	}
	return nil
}

// stopOf creates the Stop that the crash kept from being spooled. It returns false if no session was open on the call.
func stopOf(row journal.Call, now time.Time, cause aaa.Cause) (aaa.Record, bool) {
	if row.SessionID == "" {
		return aaa.Record{}, false
	}
	var r aaa.Record
	if unmarshal(row.Data, &r) != nil {
		return aaa.Record{}, false
	}
	started := r.Time
	r.ID, r.Type, r.Time, r.Cause = r.SessionID+"-stop", aaa.Stop, now, cause
	r.SessionTime = max(now.Sub(started), 0)
	return r, true
}
