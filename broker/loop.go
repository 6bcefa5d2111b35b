package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/tariff"
)

// event is something that happened to one callback and that the loop will handle.
type event struct {
	id   string
	what callback.Event

	promise *work              // Promise: the new callback
	lease   *lines.Lease       // Leased: the lease
	rows    []journal.Mutation // to be committed with the step
	text    string             // for the history
	report  []events.Event     // to be reported when the step is committed
	also    func(*work)        // changes the loop's work when the loop handles the event; must not block
	barred  time.Duration      // DialEnded: for how long the modem will not dial the number
	cut     bool               // CallEnded: by a lockdown or a shutdown
	hurry   bool               // instead of what: an operator ends the retry wait
	afresh  bool               // DenialRechecked: a lockdown delayed the check, so it is made again
	do      func()             // instead of what: the loop calls it between two rounds
	shared  bool               // the fleet has the end that this event makes
	refused func(error)        // called if the event is not carried out; must not block
	reply   chan error         // capacity 1: nil after the commit, errStale, or the disk's error; nil: no one waits
}

// errStale is the reply to an event that no rule covers.
var errStale = errors.New("the event is too late or out of place")

// errUnstarted is the reply to an event for a callback that an earlier process left and that could not be resumed yet.
var errUnstarted = errors.New("ringback has just started, and the journal cannot be written yet: try again")

// send passes an event to the loop; it blocks only while the loop is behind. It returns false if ctx ended first.
func (b *Broker) send(ctx context.Context, e event) bool {
	select {
	case b.events <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

// tell sends an event and waits for its commit. Once the loop has the event, tell waits for the reply even if ctx ends:
// a sender that stops waiting does not know what is on disk.
func (b *Broker) tell(ctx context.Context, e event) error {
	e.reply = make(chan error, 1)
	select {
	case b.events <- e:
	case <-ctx.Done():
		e.notTaken(context.Cause(ctx))
		return context.Cause(ctx)
	case <-b.over:
		return errShutdown
	}
	select {
	case err := <-e.reply:
		return err
	case <-b.over:
		return errShutdown
	}
}

// tellInTime is tell for a caller whose login has a time limit. If that limit expires (session.ErrLoginTimeout), it
// stops waiting for the reply, and calls undo if the event is committed later.
func (b *Broker) tellInTime(ctx context.Context, e event, undo func()) error {
	answer := make(chan error, 1)
	go func() { answer <- b.tell(ctx, e) }() // ends with the loop at the latest
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
	}
	if !errors.Is(context.Cause(ctx), session.ErrLoginTimeout) {
		return <-answer
	}
	go func() {
		if <-answer == nil {
			undo()
		}
	}()
	return context.Cause(ctx)
}

// Progress returns nil as soon as the loop is ready for an event: it has begun, it is not stuck, and it has finished
// the events before. It returns ctx's error if that did not happen in time, and an error if the loop has ended.
func (b *Broker) Progress(ctx context.Context) error {
	select {
	case b.progress <- struct{}{}:
		return nil
	case <-b.over:
		return errShutdown
	case <-ctx.Done():
		return ctx.Err()
	}
}

// maxBatch bounds how many events share a transaction.
const maxBatch = 256

// step is one event that a machine accepted, before its commit.
type step struct {
	event   event
	work    *work
	before  callback.State
	plan    callback.Plan // before
	rates   []tariff.Rate // before
	effects []callback.Effect
	rows    []journal.Mutation
	events  []events.Event // reported when the step is committed
}

// loop works like raft's Ready loop: step all waiting events, write one transaction, then carry out all effects.
func (b *Broker) loop(ctx context.Context) {
	defer close(b.over)
	for {
		batch := b.gather(ctx)
		if len(batch) == 0 {
			b.stopTimers()
			return
		}
		b.round(ctx, batch)
		clear(batch)
	}
}

// round steps the machines with a batch of events, commits the steps, and then carries out their effects.
func (b *Broker) round(ctx context.Context, batch []event) {
	steps := b.steps[:0]
	b.steps = nil
	for _, e := range batch {
		if e.do != nil {
			e.do()
			e.answer(nil)
			continue
		}
		if b.heldUp(ctx, e) {
			continue
		}
		if s, ok := b.take(ctx, e); ok {
			steps = append(steps, s)
		}
	}
	errs := b.commit(ctx, steps)
	for i, s := range steps {
		if errs[i] != nil {
			b.undo(ctx, s, errs[i])
			continue
		}
		b.done(ctx, s)
	}
	clear(steps) // do not keep alive what they refer to
	b.steps = steps
}

// gather blocks for an event and takes the other waiting events, at most one per callback: the second may depend on the
// result of the first one's commit.
func (b *Broker) gather(ctx context.Context) []event {
	batch, taken := b.batch[:0], b.taken
	clear(taken)
	var later []event
	take := func(e event) {
		if taken[e.id] || len(batch) == maxBatch {
			later = append(later, e)
			return
		}
		taken[e.id] = true
		batch = append(batch, e)
	}
	for _, e := range b.backlog {
		take(e)
	}
	b.backlog = nil
	for len(batch) == 0 {
		select {
		case e := <-b.events:
			take(e)
		case <-b.progress:
		case <-ctx.Done():
			return nil
		}
	}
	for waiting := true; waiting; { // all who wait: a round may take long
		select {
		case <-b.progress:
		default:
			waiting = false
		}
	}
	for len(batch) < maxBatch && len(later) < maxBatch {
		select {
		case e := <-b.events:
			take(e)
			continue
		default:
		}
		break
	}
	b.backlog, b.batch = later, batch
	return batch
}

// take steps the machine that the event concerns. It returns false if the event was refused; the event is then
// answered.
func (b *Broker) take(ctx context.Context, e event) (step, bool) {
	w := b.works[e.id]
	if e.promise != nil {
		if err := b.beside(e.promise); err != nil {
			e.answer(err)
			return step{}, false
		}
		w = e.promise
	}
	if w == nil {
		b.refuse(e)
		return step{}, false
	}
	if w.unstarted && (e.hurry || !takesUp(e.what)) {
		e.giveBack()
		e.answer(errUnstarted)
		return step{}, false
	}
	if e.hurry {
		e.answer(b.hurry(w))
		return step{}, false
	}
	w.expire(&e)
	if leased, ok := e.what.(callback.Leased); ok && leased.Lease == 0 {
		b.leaseSeq++
		leased.Lease = b.leaseSeq
		if e.lease != nil {
			leased.TTY = e.lease.TTY()
		}
		e.what = leased
	}
	before, plan, rates := w.state, w.plan, w.rates
	e.what = w.held(b.planned(w, e))
	if b.endsFirst(ctx, w, e) {
		w.unrepeat(plan, rates)
		return step{}, false
	}
	next, effects, ok := callback.Step(before, e.what)
	if !ok {
		w.unrepeat(plan, rates)
		b.refuse(e)
		if e.shared { // the fleet has an end that this callback has not
			b.running.Go(func() { b.fenced(ctx, e.id) })
		}
		return step{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	w.state = next
	if e.promise != nil {
		b.works[e.id] = w
	}
	if leased, ok := e.what.(callback.Leased); ok && next.Lease == leased.Lease {
		w.lease, w.leaseNo = e.lease, leased.Lease
		w.lineWait = b.config.Load().Lines[leased.TTY].ForcedWait
		e = verifyLocked(e, w)
	} else if ok {
		e.giveBack() // too late: the machine has no use for it
	}
	if e.also != nil {
		e.also(w)
	}
	s := step{event: e, work: w, before: before, plan: plan, rates: rates, effects: effects}
	s.events = happened(s)
	w.trace.add(Happening{Time: time.Now(), What: eventName(e.what), Phase: next.Phase.String(), Text: b.describe(s)})
	if callback.Durable(before, next) || len(e.rows)+len(s.events) > 0 || e.promise != nil {
		s.rows = b.mutations(s)
	}
	s.rows = append(s.rows, w.settle(next, time.Now())...)
	s.rows = append(s.rows, b.owes(s)...)
	return s, true
}

// expire ends a callback whose lifetime is over before the event brings it closer to a dial: the timer may be queued
// behind other events, and none ran while no process did.
func (w *work) expire(e *event) {
	if !w.overdue() {
		return
	}
	switch w.state.Phase {
	case callback.Promised, callback.Leasing, callback.Waiting:
		switch e.what.(type) {
		case callback.Cancel, callback.Delay:
		default:
			e.giveBack()
			e.lease, e.what, e.text = nil, callback.TimerFired{Kind: callback.Lifetime, Gen: w.state.LifeGen}, ""
		}
	case callback.Dialing, callback.Answered:
		if _, ok := e.what.(callback.Restarted); ok {
			w.state.Overdue = true
		}
	}
}

// takesUp reports whether an event may be the first for a callback of an earlier process.
func takesUp(e callback.Event) bool {
	switch e := e.(type) {
	case callback.TimerFired:
		return e.Kind == callback.Lifetime
	case callback.Restarted:
		return true
	}
	return false
}

// verifyLocked requires a login for a callback without verification from now on, if its leased line does not allow it
// to omit the login. The change is committed with the step and recorded in the audit.
func verifyLocked(e event, w *work) event {
	if e.lease == nil {
		return e
	}
	why := w.verifyOn(e.lease.Config())
	if why == "" {
		return e
	}
	w.row.NoVerify = false
	e.text = why
	e.report = append(e.report, events.VerifyRequired{Callback: w.row.ID, User: w.row.User, Reason: why,
		Line: e.lease.TTY()})
	return e
}

// refuse counts an event that no rule covers, and gives back its lease.
func (b *Broker) refuse(e event) {
	b.refused.Add(1)
	e.giveBack()
	if len(e.rows) > 0 {
		if err := b.opt.Journal.Commit(context.Background(), e.rows...); err != nil {
			b.log.Warn("journal: record a late event", zap.String("callback", e.id), zap.Error(err))
		}
	}
	b.log.Debug("event refused", zap.String("callback", e.id), zap.String("event", fmt.Sprintf("%T", e.what)))
	e.answer(errStale)
}

// logEvery is the minimum time between two log entries about the same disk error.
const logEvery = time.Minute

// done carries out the effects of a committed step.
func (b *Broker) done(ctx context.Context, s step) {
	w := s.work
	w.unstarted = false
	b.selected(s)
	for _, e := range s.effects {
		b.carry(ctx, w, e)
		if end, ok := e.(callback.End); ok {
			b.remember(w, end)
		}
	}
	for _, e := range s.events {
		b.publish(e)
	}
	s.event.answer(nil)
	if b.fleet != nil {
		wake(b.fleet.owing)
	}
	if w.state.Done() {
		b.stopAll(w)
		b.mu.Lock()
		delete(b.works, w.row.ID)
		b.mu.Unlock()
	}
}

// giveBack returns an unused lease.
func (e event) giveBack() {
	if e.lease != nil {
		e.lease.Release()
	}
}

func (e event) answer(err error) {
	if err != nil {
		e.notTaken(err)
	}
	if e.reply != nil {
		e.reply <- err
	}
}

// notTaken tells who must know that the event is not carried out.
func (e event) notTaken(err error) {
	if e.refused != nil {
		e.refused(err)
	}
}

func (b *Broker) stopTimers() {
	for _, w := range b.works {
		b.stopAll(w)
	}
}

func (b *Broker) stopAll(w *work) {
	for _, t := range w.timers {
		t.Stop()
	}
	clear(w.timers)
	if w.waiting != nil {
		w.waiting.Cancel()
		w.waiting = nil
	}
}

// describe returns the text of a step for the history.
func (b *Broker) describe(s step) string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(s.event.text)
	switch e := s.event.what.(type) {
	case callback.TimerFired:
		add(string(e.Kind) + " is over")
	case callback.Leased:
		add(fmt.Sprintf("tty %d", e.TTY))
	case callback.OffHookEnded:
		add(e.Err)
	case callback.LineLost:
		add(e.Cause)
	case callback.Taken, callback.EndedElsewhere, callback.NotNow:
		add(s.work.state.Cause)
	case callback.NoLine:
		if e.Resting {
			add("no line is kept during the wait")
		} else {
			add(e.Cause)
		}
	case callback.DialEnded:
		add(stopped(e.Then))
	case callback.CallEnded:
		add(stopped(e.Then))
	case callback.Restarted:
		add(stopped(e.Then))
	case callback.DenialRechecked:
		if e.Reason == "" {
			add("not denied")
		}
	}
	for _, e := range s.effects {
		switch e := e.(type) {
		case callback.ArmTimer:
			if e.Kind == callback.Wait || e.Kind == callback.RetryWait {
				add(fmt.Sprintf("%s %v", e.Kind, b.duration(s.work, e).Round(time.Millisecond)))
			}
		case callback.Dial:
			add(fmt.Sprintf("attempt %d of %d", e.Attempt, s.work.state.Max))
		case callback.End:
			add(e.Cause)
		}
	}
	return strings.Join(parts, ", ")
}

func stopped(then callback.Then) string {
	if then.Stop {
		return "the policy makes no further attempt after this cause"
	}
	return ""
}

// eventName is the event's name in the machine's table.
func eventName(e callback.Event) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", e), "callback.")
}

// pause waits for d. It returns false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
