package broker

import (
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
)

// How a lane works.
const (
	spoolAtOnce  = 64          // records under way together
	spoolPage    = 1024        // records read from the journal at once
	spoolLow     = 512         // sessions ready to be sent, below which more is read
	spoolKept    = 1 << 15     // sessions that wait for another try, above which nothing more is read
	spoolSettle  = 4096        // acknowledged records whose removal is not on disk yet, above which no more is sent
	spoolMinWait = time.Second // first pause after a failure; it doubles
	spoolMaxWait = time.Minute
	spoolFresh   = 5 * time.Second // … but a record that was never tried waits no longer than this

	// refusedTries is how often a record is sent, each time with all retransmissions, before it no longer holds up a record of the server as a whole
	// (Accounting-On): whoever can spoil one record must not end the accounting of all.
	refusedTries = 5
)

// lane sends the records of one accounting list: those of one session in their order, sessions side by side. What it does about failures:
//
//   - A record that fails while others are acknowledged is refused, for all we know. Its session waits, longer each time; the others go on.
//   - Where nobody acknowledges anything the server is taken to be silent: one record at a time is tried, with growing pauses; those that were never tried
//     first, the oldest and the newest by turns, so that a heap of refused ones is not taken for a silent server for long.
//   - A record of no session (Accounting-On, -Off) goes alone, after all before it, and what follows waits for it. Where it is refused often, one that
//     follows is tried right after it: if that is acknowledged, it holds up nobody any more.
//
// Its fields are of the goroutine that runs it.
type lane struct {
	s    *spool
	list string
	wake chan struct{} // capacity 1
	last bool          // a shutdown's: it ends when nothing is left, or nobody answers

	cursor  int64             // number of the record read last
	unread  bool              // there may be more in the journal
	ahead   []journal.Spooled // read, but behind the barrier
	known   map[string]*queue // sessions with records read and not acknowledged
	fresh   []*queue          // ready and never tried in vain, oldest first
	held    waiting           // tried in vain, by when they are due
	barrier *queue            // a record of no session, and …
	passed  bool              // … whether all that hold it up were tried right before it
	beyond  bool              // … whether one behind it is to be tried, for it was refused often and just now

	under  int // records under way
	window int // how many may be
	acks   uint64
	fails  int       // rounds of failures since the last acknowledgement
	failed time.Time // when the last of them ended
	next   time.Time // no record is tried again before
	turn   int       // counts probes

	acked    []journal.Spooled // to be removed from the journal
	tried    []journal.Mutation
	removing []journal.Spooled // what the commit under way removes
	settling bool
	settleAt time.Time // not before: the journal refused it
	failing  bool      // as it was logged last
	failure  error

	results chan delivery
	settled chan error
}

// queue is the unsent records of a session, oldest first.
type queue struct {
	rows  []journal.Spooled
	tries int // of the first, in vain
	due   time.Time
	busy  bool // under way, in fresh or in held
	spy   bool // a record from behind the barrier
}

// delivery is what became of a record.
type delivery struct {
	queue *queue
	began time.Time
	acks  uint64 // of the lane, when it began
	err   error
}

func newLane(s *spool, list string) *lane {
	return &lane{
		s: s, list: list, wake: make(chan struct{}, 1), unread: true, known: map[string]*queue{}, window: spoolAtOnce,
		results: make(chan delivery, spoolAtOnce), settled: make(chan error, 1),
	}
}

// run sends until ctx ends. Then it waits for what is under way and settles it.
func (l *lane) run(ctx context.Context) {
	var senders sync.WaitGroup
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for ctx.Err() == nil {
		l.read(ctx)
		for q := l.pick(time.Now()); q != nil; q = l.pick(time.Now()) {
			l.start(ctx, &senders, q)
		}
		l.settle(&senders)
		if l.last && l.under == 0 && !l.settling {
			break
		}
		if d, ok := l.sleep(time.Now()); ok {
			alarm.Reset(d)
		}
		select {
		case d := <-l.results:
			l.took(d)
			l.gather()
		case err := <-l.settled:
			l.settledBy(err)
		case <-l.wake:
			l.unread = true
		case <-alarm.C:
		case <-ctx.Done():
		}
		l.tell(ctx)
	}
	l.finish(&senders)
}

// gather takes what other deliveries have come back meanwhile.
func (l *lane) gather() {
	for {
		select {
		case d := <-l.results:
			l.took(d)
		default:
			return
		}
	}
}

// finish waits for what is under way and writes down what came of it.
func (l *lane) finish(senders *sync.WaitGroup) {
	for l.under > 0 {
		l.took(<-l.results)
	}
	if l.settling {
		l.settledBy(<-l.settled)
	}
	l.settle(senders)
	if l.settling {
		l.settledBy(<-l.settled)
	}
	senders.Wait()
}

// read takes records from the journal, up to the next one of no session. While the server is silent more is read, so that the newest can be tried.
func (l *lane) read(ctx context.Context) {
	for l.barrier == nil && len(l.held) < spoolKept && (len(l.fresh) < spoolLow || l.fails > 0 && len(l.fresh) < spoolKept) {
		if len(l.ahead) == 0 && !l.page(ctx) {
			return
		}
		l.queueUp()
	}
	if l.beyond && len(l.ahead) == 0 {
		l.page(ctx)
	}
}

// page reads what comes next. false: there is nothing.
func (l *lane) page(ctx context.Context) bool {
	if !l.unread {
		return false
	}
	rows, damaged, err := l.s.journal.SpoolAfter(ctx, l.list, l.cursor, spoolPage)
	if err != nil {
		if ctx.Err() == nil {
			l.s.log.Error("journal: read the accounting spool", zap.Error(err))
			l.later(spoolMinWait)
		}
		l.unread = false
		return false
	}
	l.unread = len(rows)+len(damaged) == spoolPage
	l.ahead = rows
	if n := len(rows); n > 0 {
		l.cursor = rows[n-1].Seq
	}
	l.setAside(ctx, damaged)
	if len(rows) == 0 && l.unread { // a page of nothing but damage: there is more behind it
		l.later(spoolMinWait)
	}
	return len(rows) > 0
}

// later has the journal looked at again after a while.
func (l *lane) later(d time.Duration) {
	time.AfterFunc(d, func() { signal(l.wake) })
}

func (l *lane) setAside(ctx context.Context, damaged []journal.Damage) {
	for _, d := range damaged {
		l.s.log.Error("journal: an accounting record is damaged and cannot be sent", zap.Stringer("row", d))
	}
	if len(damaged) > 0 {
		if err := l.s.journal.Commit(context.WithoutCancel(ctx), journal.SetAside{Time: time.Now()}); err != nil {
			l.s.log.Error("journal: set damaged records aside", zap.Error(err))
		}
	}
}

// queueUp gives what was read to its sessions, up to the next barrier.
func (l *lane) queueUp() {
	for i, row := range l.ahead {
		if row.SessionID == "" {
			l.barrier = &queue{rows: []journal.Spooled{row}}
			l.passed = false
			l.ahead = l.ahead[i+1:]
			return
		}
		q := l.known[row.SessionID]
		if q == nil {
			q = &queue{}
			l.known[row.SessionID] = q
		}
		q.rows = append(q.rows, row)
		if !q.busy {
			q.busy = true
			l.fresh = append(l.fresh, q)
		}
	}
	l.ahead = nil
}

// pick returns the session whose first record is to be sent now; nil: none.
func (l *lane) pick(now time.Time) *queue {
	for {
		q := l.choose(now)
		if q == nil || q == l.barrier || q.spy {
			return q
		}
		session := q.rows[0].SessionID
		for len(q.rows) > 0 && l.s.replaced(q.rows[0]) {
			q.rows = q.rows[1:]
		}
		if len(q.rows) > 0 {
			return q
		}
		l.drop(q, session)
	}
}

func (l *lane) choose(now time.Time) *queue {
	if l.under >= l.window || len(l.acked) > spoolSettle {
		return nil
	}
	if q := l.chooseBeyond(); q != nil {
		return q
	}
	if q := l.chooseBarrier(now); q != nil {
		return q
	}
	pass := l.passing()
	silent := l.fails > 0 && !pass && !l.last && now.Before(l.next)
	if n := len(l.fresh); n > 0 {
		if silent && now.Before(l.failed.Add(spoolFresh)) {
			return nil
		}
		return l.takeFresh(n)
	}
	if silent || l.last && !pass {
		return nil
	}
	if l.isDue(now) {
		return heap.Pop(&l.held).(*queue)
	}
	return nil
}

// takeFresh takes the oldest; while nobody answers by turns the newest.
func (l *lane) takeFresh(n int) (q *queue) {
	if l.turn++; l.fails > 0 && l.turn%2 == 0 {
		q, l.fresh = l.fresh[n-1], l.fresh[:n-1]
	} else {
		q, l.fresh = l.fresh[0], l.fresh[1:]
	}
	return q
}

// chooseBarrier returns the record of no session when its turn has come: all before it are acknowledged, or were refused often and once more just now.
func (l *lane) chooseBarrier(now time.Time) *queue {
	b := l.barrier
	if b == nil || l.under > 0 || len(l.fresh) > 0 || b.busy || now.Before(b.due) {
		return nil
	}
	if len(l.held) == 0 {
		b.busy = true
		return b
	}
	for _, q := range l.held {
		if q.tries < refusedTries && !(l.last && l.acks > 0) {
			return nil
		}
	}
	if !l.passed {
		l.passed, l.window = true, spoolAtOnce
		for _, q := range l.held {
			q.due = now
		}
		heap.Init(&l.held)
		return nil
	}
	if l.isDue(now) {
		return nil // not all have been tried
	}
	b.busy = true
	return b
}

// chooseBeyond returns a record from behind the barrier, of a session that nothing holds up.
func (l *lane) chooseBeyond() *queue {
	if !l.beyond || l.under > 0 {
		return nil
	}
	l.beyond = false
	for _, row := range l.ahead {
		if row.SessionID != "" && l.known[row.SessionID] == nil {
			return &queue{rows: []journal.Spooled{row}, spy: true}
		}
	}
	return nil
}

// letBy takes the barrier away: the server takes what is behind it and not it.
func (l *lane) letBy(spy journal.Spooled) {
	l.ahead = slices.DeleteFunc(l.ahead, func(r journal.Spooled) bool { return r.Seq == spy.Seq })
	l.barrier.busy = true
	heap.Push(&l.held, l.barrier)
	l.barrier = nil
}

// passing: what holds up the barrier is tried a last time before it, whatever the pauses.
func (l *lane) passing() bool { return l.barrier != nil && l.passed && !l.barrier.busy }

// isDue reports whether a session that waited is to be tried again.
func (l *lane) isDue(now time.Time) bool { return len(l.held) > 0 && !now.Before(l.held[0].due) }

// waiting is a heap of sessions: the one that is due first is the first.
type waiting []*queue

func (w waiting) Len() int      { return len(w) }
func (w waiting) Swap(i, j int) { w[i], w[j] = w[j], w[i] }
func (w waiting) Less(i, j int) bool {
	if w[i].due.Equal(w[j].due) {
		return w[i].rows[0].Seq < w[j].rows[0].Seq
	}
	return w[i].due.Before(w[j].due)
}
func (w *waiting) Push(q any) { *w = append(*w, q.(*queue)) }
func (w *waiting) Pop() any {
	old := *w
	q := old[len(old)-1]
	old[len(old)-1] = nil
	*w = old[:len(old)-1]
	return q
}

// start sends a session's first record.
func (l *lane) start(ctx context.Context, senders *sync.WaitGroup, q *queue) {
	l.under++
	row, d := q.rows[0], delivery{queue: q, began: time.Now(), acks: l.acks}
	senders.Go(func() {
		d.err = l.send(ctx, row)
		l.results <- d // the lane takes all that it has started
	})
}

// send delivers one record. A panic is a failure like another: the record waits, and the others go on.
func (l *lane) send(ctx context.Context, row journal.Spooled) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sending accounting record %s panicked: %v", row.ID, p)
		}
	}()
	var r aaa.Record
	if err := json.Unmarshal([]byte(row.Body), &r); err != nil {
		return fmt.Errorf("accounting record %s cannot be read: %w", row.ID, err)
	}
	return l.s.accountant.Send(ctx, r)
}

// took acts on what became of a record.
func (l *lane) took(d delivery) {
	l.under--
	if d.err != nil {
		l.refused(d)
		return
	}
	q := d.queue
	row := q.rows[0]
	l.acks++
	l.fails, l.window = 0, min(2*l.window, spoolAtOnce)
	l.acked = append(l.acked, row)
	q.rows, q.tries = q.rows[1:], 0
	switch {
	case q == l.barrier:
		l.barrier = nil
	case q.spy:
		l.letBy(row)
	case len(q.rows) > 0:
		l.fresh = append(l.fresh, q)
	default:
		l.drop(q, row.SessionID)
	}
}

// drop forgets a session that has no more records.
func (l *lane) drop(q *queue, session string) {
	q.busy = false
	if l.known[session] == q {
		delete(l.known, session)
	}
}

// refused has a record that was not acknowledged wait. Nothing acknowledged since it was sent: the server may be silent.
func (l *lane) refused(d delivery) {
	q, now := d.queue, time.Now()
	l.failure = d.err
	l.tried = append(l.tried, journal.SpoolTried{ID: q.rows[0].ID, Err: d.err.Error()})
	q.tries++
	q.due = now.Add(backOff(q.tries))
	passing := l.passing()
	switch {
	case q.spy:
	case q == l.barrier:
		q.busy, l.passed, l.beyond = false, false, q.tries >= refusedTries
	default:
		heap.Push(&l.held, q)
	}
	if l.acks != d.acks {
		return
	}
	if !d.began.Before(l.failed) { // one that began before the last failure tells nothing new
		l.fails++
		l.next = now.Add(backOff(l.fails))
	}
	l.failed = now
	if !passing && !l.last {
		l.window = 1
	}
}

// backOff is the pause after n failures: doubled with each, and spread, so that what failed together does not come back together.
func backOff(n int) time.Duration {
	d := min(spoolMinWait<<min(n-1, 10), spoolMaxWait)
	return d - d/5 + rand.N(d/5)
}

// sleep is how long nothing will be to do unless something happens. false: for good.
func (l *lane) sleep(now time.Time) (time.Duration, bool) {
	var at time.Time
	if b := l.barrier; b != nil && !b.busy && now.Before(b.due) {
		at = b.due
	}
	if len(l.held) > 0 {
		due := l.held[0].due
		if l.fails > 0 && !l.passing() && due.Before(l.next) {
			due = l.next
		}
		at = sooner(at, due)
	}
	if len(l.fresh) > 0 && l.fails > 0 {
		at = sooner(at, sooner(l.next, l.failed.Add(spoolFresh)))
	}
	if at.IsZero() {
		return 0, false
	}
	return max(at.Sub(now), time.Millisecond), true
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// settle has what became of the deliveries written down, while others go on. What is acknowledged and could not be removed is removed later; where the
// process ends before, it is sent once more: at least once is the promise.
func (l *lane) settle(jobs *sync.WaitGroup) {
	if l.settling || len(l.acked)+len(l.tried) == 0 || time.Now().Before(l.settleAt) {
		return
	}
	remove := journal.UnspoolAll{}
	for _, r := range l.acked {
		remove.Seqs = append(remove.Seqs, r.Seq)
	}
	groups := [][]journal.Mutation{{remove}}
	for _, m := range l.tried {
		groups = append(groups, []journal.Mutation{m})
	}
	l.removing, l.acked, l.tried, l.settling = l.acked, nil, nil, true
	jobs.Go(func() { l.settled <- l.s.journal.CommitEach(context.Background(), groups...)[0] })
}

func (l *lane) settledBy(err error) {
	l.settling = false
	if err == nil {
		l.s.acknowledged(l.removing)
		l.removing = nil
		return
	}
	l.s.log.Error("journal: settle the accounting spool", zap.Error(err))
	l.acked, l.removing = append(l.removing, l.acked...), nil
	l.settleAt = time.Now().Add(spoolMinWait)
	l.later(spoolMinWait)
}

// tell logs when deliveries begin to fail and when they succeed again.
func (l *lane) tell(ctx context.Context) {
	failing := l.fails > 0 || len(l.held) > 0
	if failing == l.failing || ctx.Err() != nil {
		return
	}
	if l.failing = failing; failing {
		l.s.log.Warn("accounting records wait in the spool for a server that acknowledges them", zap.String("list", listName(l.list)), zap.Error(l.failure))
		return
	}
	l.s.log.Info("accounting records are acknowledged again", zap.String("list", listName(l.list)))
}
