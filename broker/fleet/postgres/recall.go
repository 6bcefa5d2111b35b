package postgres

import (
	"hash/fnv"
	"maps"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// recall is what this process has last read or written of accounts. What it remembers may be old: a transaction that
// relies on it writes nothing unless the rows still have these signatures.
type recall struct {
	first int // where this node begins to search for a stripe with room: nodes do not disturb each other

	mu   sync.Mutex
	rows map[charged]noted
	held map[charged]bool // a transaction of this process writes it
}

// noted is a row of accounts. If it is empty, nothing has used the account.
type noted struct{ body, mac string }

// mostRecalled bounds what is remembered. More accounts of an operator's users are in the database.
const mostRecalled = 20_000

func (r *recall) prepare(node string) {
	h := fnv.New32a()
	h.Write([]byte(node))
	r.first = int(h.Sum32() % stripes)
	r.rows, r.held = map[charged]noted{}, map[charged]bool{}
}

// hold puts the row of an account in which a reservation fits into l, until release. It returns false if none is known,
// or others of this process write it. An account without stripes that is not remembered is taken for a new one.
func (r *recall) hold(l *locked, c journal.Charge, add journal.Amount, begins [3]time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := stripesOf(c.Scope, c.Key)
	for i := range names {
		at := names[(r.first+i)%len(names)]
		row, known := r.rows[at]
		if r.held[at] || striped(c.Scope) && !known {
			continue
		}
		s := &stripe{at: at, row: row, there: known}
		s.Scope, s.Key = at.scope, at.key
		if len(row.body) > 0 && s.decode([]byte(row.body)) != nil {
			continue
		}
		if s.Enter(begins); striped(c.Scope) && !s.room(boundsOf(c), add) {
			continue
		}
		l.all[at], r.held[at] = s, true
		l.held = append(l.held, at)
		return true
	}
	return false
}

// holdRows puts the rows of accounts that are known into l, until release. It returns false if one is not, or others of
// this process write it.
func (r *recall) holdRows(l *locked, accounts []charged) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, at := range accounts {
		row := r.rows[at]
		s := &stripe{at: at, row: row, there: true}
		s.Scope, s.Key = at.scope, at.key
		if len(row.body) == 0 || r.held[at] || s.decode([]byte(row.body)) != nil {
			return false
		}
		l.all[at], r.held[at] = s, true
		l.held = append(l.held, at)
	}
	return true
}

// see remembers rows that were read without locks.
func (r *recall) see(found []*stripe) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range found {
		if !s.bad && !r.held[s.at] {
			r.rows[s.at] = s.row
		}
	}
	r.forget()
}

// release ends the use of the rows of l, and remembers them as they are now.
func (r *recall) release(l *locked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, at := range l.held {
		delete(r.held, at)
	}
	for at, row := range l.written {
		if l.done {
			r.rows[at] = row
		} else {
			delete(r.rows, at) // it is not known what it is
		}
	}
	for _, s := range l.found {
		if !s.bad {
			r.rows[s.at] = s.row
		}
	}
	r.forget()
}

// forget keeps no more than mostRecalled rows.
func (r *recall) forget() {
	for at := range maps.Keys(r.rows) {
		if len(r.rows) <= mostRecalled {
			break
		}
		delete(r.rows, at)
	}
}
