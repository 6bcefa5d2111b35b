package postgres

import (
	"fmt"
	"sync"
	"time"
)

// memory is what this process has seen of callbacks: the marks against rows that went back, and what it needs to change
// a row without reading it.
type memory struct {
	mu     sync.Mutex
	count  uint64
	seen   map[string]memo
	floors map[string]floor
	bad    map[string]bool // rows that did not verify
	claims map[string]int  // operations that may make this process the holder, and are not over
	forged uint64
	pruned time.Time
}

// memo is a record as it was seen last, without its body.
type memo struct {
	record
	mine    bool // this process promised, took or resumed it
	granted int  // number of the last attempt that this process was told it may dial, under this epoch
	count   uint64
	at      time.Time
}

// floor is what the feed says of a callback: a row with less is an earlier one.
type floor struct {
	attempts int
	ended    bool
	count    uint64
	at       time.Time
}

// above reports whether a record is an earlier one.
func (f floor) above(r *record) bool { return r.attempts < f.attempts || f.ended && r.ended == 0 }

// mostFloors bounds what is remembered of the feed. All of it is remembered for memoryMore longer than a callback may
// be pending.
const (
	mostFloors = 200_000
	memoryMore = time.Hour
)

// mostBad bounds what is remembered of rows that did not verify: a person who can write to the database can make more.
const mostBad = 1000

// now returns the number of what was seen so far. A read that begins now must not be older.
func (m *memory) now() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

// get returns a copy of what is known of a callback, in memory of its own. It has no signature if the row has changed
// since.
func (m *memory) get(id string) (memo, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.seen[id]
	if m.floors[id].above(&s.record) {
		s.mac = nil
	}
	return s, ok
}

// behind reports whether a record is older than one that was seen before a read began.
func (m *memory) behind(r *record, before uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.seen[r.id]
	f := m.floors[r.id]
	return ok && s.count <= before && r.before(&s.record) || f.count <= before && f.above(r)
}

// raise remembers news of the feed. If they are too many, it forgets all of the feed and returns false.
func (m *memory) raise(page []fed) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.floors == nil || len(m.floors)+len(page) > mostFloors {
		full := m.floors != nil
		m.floors = map[string]floor{}
		if full {
			return false
		}
	}
	m.count++
	for _, n := range page {
		f := m.floors[n.id]
		if n.number <= f.attempts && (n.number > 0 || f.ended) {
			continue // the look before it has read it
		}
		f.attempts, f.ended = max(f.attempts, n.number), f.ended || n.number == 0
		f.count, f.at = m.count, time.Now()
		m.floors[n.id] = f
	}
	return true
}

// before reports whether r is an earlier state of o: no change ever lessens these.
func (r *record) before(o *record) bool {
	return r.epoch < o.epoch || r.attempts < o.attempts || o.ended != 0 && r.ended == 0
}

// see remembers a record that was read, unless a later one has been noted since the read began.
func (m *memory) see(r *record, before uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.seen[r.id]
	if ok && s.count > before {
		return
	}
	s.mine = s.mine && r.holder == s.holder
	m.put(r, s)
}

// note remembers a record that this process has written. mine: it holds the claim now.
func (m *memory) note(r *record, mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.seen[r.id]
	if s.id != "" && r.before(&s.record) {
		return
	}
	s.mine = mine
	m.put(r, s)
}

// put stores a record in place of the memo s. m must be locked.
func (m *memory) put(r *record, s memo) {
	if m.seen == nil {
		m.seen = map[string]memo{}
	}
	if r.epoch != s.epoch {
		s.granted = 0
	}
	m.count++
	s.record, s.count, s.at = *r, m.count, time.Now()
	s.body = nil
	m.seen[r.id] = s
}

// grant records that this process was told it may dial for attempt n. It returns false if it was told before.
func (m *memory) grant(id string, epoch int64, n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.seen[id]
	if s.epoch != epoch || s.granted >= n {
		return false
	}
	s.granted = n
	m.seen[id] = s
	return true
}

// holds reports whether this process promised, took or resumed a callback.
func (m *memory) holds(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen[id].mine || m.claims[id] > 0
}

// claiming notes that an operation begins that may make this process the holder of a callback. It returns a function
// that must be called when the operation is over.
func (m *memory) claiming(id string) (over func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.claims == nil {
		m.claims = map[string]int{}
	}
	m.claims[id]++
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.claims[id]--; m.claims[id] == 0 {
			delete(m.claims, id)
		}
	}
}

// disown forgets that this process holds a callback: it is not known whether it does.
func (m *memory) disown(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.seen[id]; ok {
		s.mine = false
		m.seen[id] = s
	}
}

// forget drops the marks: another server may lack the last commits of the one before, and its rows went back with no
// fraud.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.seen {
		s.record = record{id: id}
		m.seen[id] = s
	}
	m.floors, m.bad = nil, nil
}

// prune removes what was seen longer than age ago and is not held.
func (m *memory) prune(age time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Sub(m.pruned) < time.Minute {
		return
	}
	m.pruned = now
	for id, s := range m.seen {
		if now.Sub(s.at) > age && (!s.mine || s.ended != 0) {
			delete(m.seen, id)
		}
	}
	for id, f := range m.floors {
		if now.Sub(f.at) > age {
			delete(m.floors, id)
		}
	}
}

// damaged counts a row that did not verify. It returns false if it was counted before.
func (m *memory) damaged(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bad == nil {
		m.bad = map[string]bool{}
	}
	if m.bad[id] || len(m.bad) >= mostBad {
		return false
	}
	m.bad[id] = true
	m.forged++
	return true
}

// badRows returns the callbacks whose rows did not verify.
func (m *memory) badRows() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := make([]string, 0, len(m.bad))
	for id := range m.bad {
		ids = append(ids, id)
	}
	return ids
}

// forgedRows returns how many rows did not verify.
func (m *memory) forgedRows() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.forged
}

// forged counts a row that does not verify, and tells operators of it, once.
func (a *Authority) forged(what string) {
	if a.known.damaged(what) {
		a.opt.Alarm(fmt.Sprintf("the row of %s in the fleet's PostgreSQL does not verify: it is not acted on (who can "+
			"write to the database? do all nodes have the same key file?)", what))
	}
}
