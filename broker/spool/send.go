package spool

import (
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/journal"
)

// start sends a session's first record.
func (l *lane) start(ctx context.Context, senders *sync.WaitGroup, q *queue) {
	l.under++
	row, d := q.rows[0], delivery{queue: q, began: time.Now(), acks: l.acks}
	senders.Go(func() {
		d.err = l.send(ctx, row)
		l.results <- d // the lane receives the results of all it has started
	})
}

// send delivers one record. A panic counts as a failure: the record waits, and the others continue.
func (l *lane) send(ctx context.Context, row *entry) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sending %s record %s panicked: %v", l.s.content.What, row.ID, p)
		}
	}()
	if row.unreadable != nil {
		return row.unreadable
	}
	return row.send(ctx)
}

// took handles the result of sending a record.
func (l *lane) took(d delivery) {
	l.under--
	if d.err != nil {
		l.refused(d)
		return
	}
	q := d.queue
	row := q.rows[0]
	l.acks++
	l.fails, l.window = 0, min(2*l.window, l.s.content.AtOnce)
	l.acked = append(l.acked, row.Spooled)
	q.rows, q.tries = q.rows[1:], 0
	switch {
	case q == l.barrier:
		l.happened(happening{on: onAcknowledged})
	case q == l.probe:
		l.happened(happening{on: onProbeTaken, row: row})
	case len(q.rows) > 0:
		l.fresh = append(l.fresh, q)
	default:
		l.drop(q)
	}
}

// drop removes a queue that has no more records.
func (l *lane) drop(q *queue) {
	if l.known[q.key] == q {
		delete(l.known, q.key)
	}
}

// refused makes a record that was not acknowledged wait. If nothing was acknowledged since it was sent, the server may
// be silent.
func (l *lane) refused(d delivery) {
	q, now := d.queue, time.Now()
	l.failure = d.err
	l.tried = append(l.tried, journal.SpoolTried{ID: q.rows[0].ID, Err: d.err.Error()})
	q.tries++
	q.due = now.Add(backOff(q.tries))
	was := l.phase
	switch {
	case q == l.probe:
		l.happened(happening{on: onProbeNotTaken})
	case q == l.barrier && q.tries >= refusedTries:
		l.happened(happening{on: onRefusedOften})
	case q == l.barrier:
		l.happened(happening{on: onRefused})
	default:
		heap.Push(&l.held, q)
	}
	if l.acks != d.acks {
		return
	}
	if !d.began.Before(l.failed) { // a delivery that began before the last failure shows nothing new
		l.fails++
		l.next = now.Add(backOff(l.fails))
	}
	l.failed = now
	if was != lastTries && !l.last {
		l.window = 1
	}
}

// backOff returns the pause after n failures: it doubles with each, and varies, so that records that failed together
// are not retried together.
func backOff(n int) time.Duration {
	d := min(minWait<<min(n-1, 10), maxWait)
	return d - d/5 + rand.N(d/5)
}

// sleep returns how long the lane has nothing to do unless something happens. It returns false if it has no time limit.
func (l *lane) sleep(now time.Time) (time.Duration, bool) {
	var at time.Time
	if b := l.barrier; b != nil && l.phase != crossing && now.Before(b.due) {
		at = b.due
	}
	if len(l.held) > 0 {
		due := l.held[0].due
		if l.fails > 0 && l.phase != lastTries && due.Before(l.next) {
			due = l.next
		}
		at = sooner(at, due)
	}
	if len(l.fresh) > 0 && l.fails > 0 {
		at = sooner(at, sooner(l.next, l.failed.Add(freshWait)))
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

// settle writes the results of deliveries to the journal, while others continue. Acknowledged records that could not be
// removed are removed later; if the process ends first, they are sent again: delivery is at least once.
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
		l.unsettled = time.Time{}
		l.s.acknowledged(l.removing)
		l.removing = nil
		return
	}
	if time.Since(l.unsettled) >= logEvery {
		l.s.log.Error("journal: settle the "+l.s.content.What+" spool", zap.Error(err))
		l.unsettled = time.Now()
	}
	l.acked, l.removing = append(l.removing, l.acked...), nil
	l.settleAt = time.Now().Add(minWait)
	l.later(minWait)
}

// tell reports when deliveries begin to fail and when they succeed again.
func (l *lane) tell(ctx context.Context) {
	failing := l.fails > 0 || len(l.held) > 0
	if failing == l.failing || ctx.Err() != nil {
		return
	}
	l.failing = failing
	l.s.content.Tell(l.list, failing, l.failure)
}
