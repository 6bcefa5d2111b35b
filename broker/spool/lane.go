package spool

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
)

// How a lane works.
const (
	atOnce        = 64          // maximum number of records being sent; less for other content than accounting
	pageSize      = 1024        // records per read of the journal
	lowWater      = 512         // number of sessions ready to be sent below which more is read
	mostHeld      = 1 << 15     // number of sessions waiting for a retry above which nothing more is read
	mostAhead     = 1 << 15     // records after the barrier above which no more are read to find one to probe with
	mostUnsettled = 4096        // acknowledged records not yet removed on disk, above which no more is sent
	minWait       = time.Second // first pause after a failure; it doubles
	maxWait       = time.Minute
	freshWait     = 5 * time.Second // … but a record that was never tried waits at most this long

	// refusedTries is how often a record is sent, each time with all retransmissions, before it no longer blocks a
	// record of the server as a whole (Accounting-On): otherwise anyone able to spoil one record could stop all
	// accounting.
	refusedTries = 5
)

// lane sends the records of one list. Records of one callback, or of one session without a callback, are
// sent in order; different callbacks and sessions are sent concurrently. It handles failures as follows:
//
//   - A record that fails while others are acknowledged is treated as refused. The records after it in its order
//     wait, longer each time; the others continue.
//   - If nothing is acknowledged, the server is treated as silent: one record at a time is tried, with growing
//     pauses; those that were never tried come first, the oldest and the newest alternately, so that many refused
//     records are not mistaken for a silent server for long.
//   - A record of no session (Accounting-On, -Off), the barrier, is sent alone, after all before it, and what
//     follows waits for it. If it is refused often, one record after it is tried: if that is acknowledged, the
//     barrier no longer blocks the others.
//
// Only the goroutine that runs the lane uses its fields.
type lane struct {
	s    *Spool
	list string
	wake chan struct{} // capacity 1
	last bool          // for a shutdown: it ends when nothing is left, or the server is silent

	cursor    int64             // number of the last record read
	unread    bool              // there may be more in the journal
	ahead     []*entry          // read, but after the barrier; oldest first
	known     map[string]*queue // queues with unacknowledged records, by key
	fresh     []*queue          // ready and never refused, oldest first
	held      waiting           // refused, by the time of their next attempt
	phase     phase
	barrier   *queue // a record of no session; nil in the phase open
	probe     *queue // a record after the barrier that is being sent
	lastProbe int64  // its number; the next probe is a later record, if there is one

	under  int // records being sent
	window int // maximum of under
	acks   uint64
	fails  int       // rounds of failures since the last acknowledgement
	failed time.Time // when the last of them ended
	next   time.Time // no record is retried before
	turn   int       // counts probes

	acked     []journal.Spooled // to be removed from the journal
	tried     []journal.Mutation
	removing  []journal.Spooled // removed by the current commit
	settling  bool
	settleAt  time.Time // the journal refused it: do not settle before
	unreadAt  time.Time // when the failure to read the spool was last logged
	unsettled time.Time // when the journal's refusal was last logged
	failing   bool      // as last reported
	failure   error

	results chan delivery
	settled chan error
}

// queue has the unsent records of a callback or a session, oldest first.
type queue struct {
	key   string
	rows  []*entry
	tries int // failed attempts for the first record
	due   time.Time
}

// entry is a record of the spool. Its Body is empty: it is decoded once, when it is read.
type entry struct {
	journal.Spooled
	key        string // of its queue
	send       func(context.Context) error
	unreadable error // the Body cannot be opened: never sent
}

func (s *Spool) entryOf(row journal.Spooled) *entry {
	e := &entry{Spooled: row}
	e.key, e.send, e.unreadable = s.content.Open(row)
	e.Body = ""
	if e.unreadable != nil {
		e.key = row.SessionID
	}
	return e
}

// openRecord opens a record of accounting. Its key: both legs of a callback share their Acct-Multi-Session-Id, and no
// server may receive leg two's Start before leg one's Stop.
func openRecord(a aaa.Accountant, row journal.Spooled) (string, func(context.Context) error, error) {
	var r aaa.Record
	if err := json.Unmarshal([]byte(row.Body), &r); err != nil {
		return "", nil, fmt.Errorf("accounting record %s cannot be read: %w", row.ID, err)
	}
	return cmp.Or(r.MultiSessionID, row.SessionID), func(ctx context.Context) error { return a.Send(ctx, r) }, nil
}

// delivery is the result of sending a record.
type delivery struct {
	queue *queue
	began time.Time
	acks  uint64 // acknowledgements of the lane when it began
	err   error
}

func newLane(s *Spool, list string) *lane {
	return &lane{
		s: s, list: list, phase: open, wake: make(chan struct{}, 1), unread: true, known: map[string]*queue{},
		window:  s.content.AtOnce,
		results: make(chan delivery, atOnce), settled: make(chan error, 1),
	}
}

// run sends until ctx ends. Then it waits for the records being sent and settles them.
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

// gather collects the other deliveries that have finished meanwhile.
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

// finish waits for the records being sent and records their results.
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

// read reads records from the journal, up to the next barrier. While the server is silent it reads more, so that the
// newest can be tried. To probe, it reads until there is a record to probe with: the records of refused sessions and
// the next barriers may fill pages.
func (l *lane) read(ctx context.Context) {
	for l.phase == open && len(l.held) < mostHeld &&
		(len(l.fresh) < lowWater || l.fails > 0 && len(l.fresh) < mostHeld) {
		if len(l.ahead) == 0 && !l.page(ctx) {
			return
		}
		l.queueUp()
	}
	if l.phase == probing {
		for l.candidate() == nil && len(l.ahead) < mostAhead && l.page(ctx) {
		}
	}
}

// page adds the next page to ahead. It returns false if there is nothing more.
func (l *lane) page(ctx context.Context) bool {
	if !l.unread {
		return false
	}
	rows, damaged, err := l.s.journal.SpoolAfter(ctx, l.list, l.cursor, pageSize)
	if err != nil {
		if ctx.Err() == nil {
			if time.Since(l.unreadAt) >= logEvery {
				l.s.log.Error("journal: read the "+l.s.content.What+" spool", zap.Error(err))
				l.unreadAt = time.Now()
			}
			l.later(minWait)
		}
		l.unread = false
		return false
	}
	l.unread = len(rows)+len(damaged) == pageSize
	for _, row := range rows {
		l.ahead = append(l.ahead, l.s.entryOf(row))
	}
	if n := len(rows); n > 0 {
		l.cursor = rows[n-1].Seq
	}
	l.setAside(ctx, damaged)
	if len(rows) == 0 && l.unread { // a page of only damaged rows: there is more after it
		l.later(minWait)
	}
	return len(rows) > 0
}

// later schedules another read of the journal after d.
func (l *lane) later(d time.Duration) {
	time.AfterFunc(d, func() { signal(l.wake) })
}

func (l *lane) setAside(ctx context.Context, damaged []journal.Damage) {
	for _, d := range damaged {
		l.s.log.Error("journal: a record of the "+l.s.content.What+" spool is damaged and cannot be sent",
			zap.Stringer("row", d))
	}
	if len(damaged) > 0 {
		if err := l.s.journal.Commit(context.WithoutCancel(ctx), journal.SetAside{Time: time.Now()}); err != nil {
			l.s.log.Error("journal: set damaged records aside", zap.Error(err))
		}
	}
}

// queueUp moves the records that were read to their queues, up to the next barrier.
func (l *lane) queueUp() {
	for i, row := range l.ahead {
		if row.SessionID == "" {
			l.happened(happening{on: onBarrier, queue: &queue{rows: []*entry{row}}})
			l.ahead = l.ahead[i+1:]
			return
		}
		key := row.key
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
