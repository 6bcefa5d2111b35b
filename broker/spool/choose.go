package spool

import (
	"container/heap"
	"time"
)

// pick returns the session whose first record is sent next; nil if none.
func (l *lane) pick(now time.Time) *queue {
	for {
		q := l.choose(now)
		if q == nil || q == l.barrier || q == l.probe {
			return q
		}
		for len(q.rows) > 0 && l.s.replaced(q.rows[0].Spooled) {
			q.rows = q.rows[1:]
		}
		if len(q.rows) > 0 {
			return q
		}
		l.drop(q)
	}
}

func (l *lane) choose(now time.Time) *queue {
	if l.under >= l.window || len(l.acked) > mostUnsettled {
		return nil
	}
	if q := l.chooseProbe(); q != nil {
		return q
	}
	if q := l.chooseBarrier(now); q != nil {
		return q
	}
	pass := l.phase == lastTries
	silent := l.fails > 0 && !pass && !l.last && now.Before(l.next)
	if n := len(l.fresh); n > 0 {
		if silent && now.Before(l.failed.Add(freshWait)) {
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

// takeFresh takes the oldest fresh session; while the server is silent, the oldest and the newest alternately.
func (l *lane) takeFresh(n int) (q *queue) {
	if l.turn++; l.fails > 0 && l.turn%2 == 0 {
		q, l.fresh = l.fresh[n-1], l.fresh[:n-1]
	} else {
		q, l.fresh = l.fresh[0], l.fresh[1:]
	}
	return q
}

// chooseBarrier returns the barrier if it can be sent: all records before it are acknowledged, or were refused often
// and were just tried again.
func (l *lane) chooseBarrier(now time.Time) *queue {
	if l.phase != draining && l.phase != lastTries || l.under > 0 || len(l.fresh) > 0 || now.Before(l.barrier.due) {
		return nil
	}
	for _, q := range l.held {
		if q.tries < refusedTries && !(l.last && l.acks > 0) {
			return nil
		}
	}
	switch {
	case l.phase == lastTries && l.isDue(now):
		return nil // not all have been tried
	case l.phase == lastTries:
		l.happened(happening{on: onAllTried})
	case len(l.held) > 0:
		l.happened(happening{on: onAllRefused})
		return nil
	default:
		l.happened(happening{on: onNoneBefore})
	}
	return l.barrier
}

// chooseProbe returns a record after the barrier, of a session that nothing blocks.
func (l *lane) chooseProbe() *queue {
	if l.phase != probing || l.under > 0 {
		return nil
	}
	row := l.candidate()
	if row == nil && l.lastProbe != 0 { // from the first again
		l.lastProbe = 0
		row = l.candidate()
	}
	if row == nil {
		l.happened(happening{on: onNoProbe})
		return nil
	}
	l.lastProbe = row.Seq
	l.happened(happening{on: onProbe, queue: &queue{rows: []*entry{row}}})
	return l.probe
}

// candidate returns a record to probe with: the first that was read of its session, if nothing before the barrier is
// left of that session, and after the last probe: if that one is refused too, the next probe is another one.
func (l *lane) candidate() *entry {
	seen := map[string]bool{}
	for _, row := range l.ahead {
		key := row.key
		if row.SessionID == "" || l.known[key] != nil || seen[key] {
			continue
		}
		if seen[key] = true; row.Seq > l.lastProbe {
			return row
		}
	}
	return nil
}

// isDue reports whether the first waiting session is due for a retry.
func (l *lane) isDue(now time.Time) bool { return len(l.held) > 0 && !now.Before(l.held[0].due) }

// waiting is a heap of sessions, ordered by the time of their next attempt.
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
