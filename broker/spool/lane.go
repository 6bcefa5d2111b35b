package spool

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/journal"
)

// How a lane works.
const (
	atOnce        = 64          // records under way together
	pageSize      = 1024        // records read from the journal at once
	lowWater      = 512         // sessions ready to be sent, below which more is read
	mostHeld      = 1 << 15     // sessions that wait for another try, above which nothing more is read
	mostUnsettled = 4096        // acknowledged records whose removal is not on disk yet, above which no more is sent
	minWait       = time.Second // first pause after a failure; it doubles
	maxWait       = time.Minute
	freshWait     = 5 * time.Second // … but a record that was never tried waits no longer than this

	// refusedTries is how often a record is sent, each time with all retransmissions, before it no longer holds up a
	// record of the server as a whole (Accounting-On): somebody able to spoil one record must not end the accounting of
	// all.
	refusedTries = 5
)

// lane sends the records of one accounting list: those of one callback, or of one session without one, in their order,
// these side by side. What it does about failures:
//
//   - A record that fails while others are acknowledged is refused, for all we know. What follows it in its order
//     waits, longer each time; the others go on.
//   - Where nobody acknowledges anything the server is taken to be silent: one record at a time is tried, with growing
//     pauses; those that were never tried first, the oldest and the newest by turns, so that a heap of refused ones is
//     not taken for a silent server for long.
//   - A record of no session (Accounting-On, -Off) goes alone, after all before it, and what follows waits for it.
//     Where it is refused often, one that follows is tried right after it: if that is acknowledged, it holds up nobody
//     any more.
//
// Its fields are of the goroutine that runs it.
type lane struct {
	s    *Spool
	list string
	wake chan struct{} // capacity 1
	last bool          // a shutdown's: it ends when nothing is left, or nobody answers

	cursor  int64             // number of the record read last
	unread  bool              // there may be more in the journal
	ahead   []journal.Spooled // read, but behind the barrier
	known   map[string]*queue // by key, what has records read and not acknowledged
	fresh   []*queue          // ready and never tried in vain, oldest first
	held    waiting           // tried in vain, by when they are due
	phase   phase
	barrier *queue // a record of no session; nil while the phase is open
	probe   *queue // a record from behind it that is under way

	under  int // records under way
	window int // how many may be
	acks   uint64
	fails  int       // rounds of failures since the last acknowledgement
	failed time.Time // when the last of them ended
	next   time.Time // no record is tried again before
	turn   int       // counts probes

	acked     []journal.Spooled // to be removed from the journal
	tried     []journal.Mutation
	removing  []journal.Spooled // what the commit under way removes
	settling  bool
	settleAt  time.Time // not before: the journal refused it
	unreadAt  time.Time // when it was last logged that the spool cannot be read
	unsettled time.Time // when it was last logged that it refused it
	failing   bool      // as it was logged last
	failure   error

	results chan delivery
	settled chan error
}

// queue is the unsent records of a callback or a session, oldest first.
type queue struct {
	key   string
	rows  []journal.Spooled
	tries int // of the first, in vain
	due   time.Time
}

// delivery is what became of a record.
type delivery struct {
	queue *queue
	began time.Time
	acks  uint64 // of the lane, when it began
	err   error
}

func newLane(s *Spool, list string) *lane {
	return &lane{
		s: s, list: list, phase: open, wake: make(chan struct{}, 1), unread: true, known: map[string]*queue{},
		window:  atOnce,
		results: make(chan delivery, atOnce), settled: make(chan error, 1),
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

// read takes records from the journal, up to the next one of no session. While the server is silent more is read, so
// that the newest can be tried.
func (l *lane) read(ctx context.Context) {
	for l.phase == open && len(l.held) < mostHeld &&
		(len(l.fresh) < lowWater || l.fails > 0 && len(l.fresh) < mostHeld) {
		if len(l.ahead) == 0 && !l.page(ctx) {
			return
		}
		l.queueUp()
	}
	if l.phase == probing && len(l.ahead) == 0 {
		l.page(ctx)
	}
}

// page reads what comes next. false: there is nothing.
func (l *lane) page(ctx context.Context) bool {
	if !l.unread {
		return false
	}
	rows, damaged, err := l.s.journal.SpoolAfter(ctx, l.list, l.cursor, pageSize)
	if err != nil {
		if ctx.Err() == nil {
			if time.Since(l.unreadAt) >= logEvery {
				l.s.log.Error("journal: read the accounting spool", zap.Error(err))
				l.unreadAt = time.Now()
			}
			l.later(minWait)
		}
		l.unread = false
		return false
	}
	l.unread = len(rows)+len(damaged) == pageSize
	l.ahead = rows
	if n := len(rows); n > 0 {
		l.cursor = rows[n-1].Seq
	}
	l.setAside(ctx, damaged)
	if len(rows) == 0 && l.unread { // a page of nothing but damage: there is more behind it
		l.later(minWait)
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
			l.happened(happening{on: onBarrier, queue: &queue{rows: []journal.Spooled{row}}})
			l.ahead = l.ahead[i+1:]
			return
		}
		key := keyOf(row)
		q := l.known[key]
		if q == nil {
			q = &queue{key: key}
			l.known[key] = q
			l.fresh = append(l.fresh, q)
		}
		q.rows = append(q.rows, row)
	}
	l.ahead = nil
}

// keyOf names the order that a record belongs to: both legs of a callback share their Acct-Multi-Session-Id, and no
// server shall hear of leg two's begin before leg one's end.
func keyOf(row journal.Spooled) string {
	var r struct {
		MultiSessionID string `json:"multi_session_id"`
	}
	if json.Unmarshal([]byte(row.Body), &r) != nil || r.MultiSessionID == "" {
		return row.SessionID
	}
	return r.MultiSessionID
}
