package pool

import (
	"container/list"
	"slices"
	"time"
)

// space is the units of one family of one pool. It knows the units that were given back; the Allocator knows those in
// use.
type space struct {
	family    family
	holdback  time.Duration
	spans     []span
	size      int
	fresh     int                  // the number of units, from the first, that were assigned or passed over
	returned  *list.List           // of *record, the first one given back first
	exhausted time.Time            // when last no unit was free for an assignment; zero: never
	byUser    map[string][]*record // the same records, in the same order, except those of the user ""
}

// record is a unit that was given back and is not in use.
type record struct {
	space   *space
	unit    uint64
	user    string
	at      time.Time
	order   uint64 // grows with each return
	element *list.Element
}

func newSpace(f family, d *definition) *space {
	return &space{family: f, holdback: d.holdback, spans: d.spans[f], size: size(d.spans[f]), returned: list.New(),
		byUser: make(map[string][]*record)}
}

// nextFresh returns the next unit that was not assigned yet.
func (s *space) nextFresh() (unit uint64, ok bool) {
	if s.fresh == s.size {
		return 0, false
	}
	n := uint64(s.fresh)
	s.fresh++
	for _, t := range s.spans {
		if n < t.size() {
			return t.first + n, true
		}
		n -= t.size()
	}
	return 0, false
}

// left returns how long r is still held back for others than its user; 0 or less: no longer.
func (r *record) left(now time.Time) time.Duration { return r.space.holdback - now.Sub(r.at) }

// add appends r, the latest return.
func (s *space) add(r *record) {
	r.space = s
	r.element = s.returned.PushBack(r)
	if r.user != "" {
		s.byUser[r.user] = append(s.byUser[r.user], r)
	}
}

// remove forgets r, whose unit is assigned again.
func (s *space) remove(r *record) {
	s.returned.Remove(r.element)
	rest := slices.DeleteFunc(s.byUser[r.user], func(x *record) bool { return x == r })
	if s.byUser[r.user] = rest; len(rest) == 0 {
		delete(s.byUser, r.user)
	}
}

// latest returns the unit that user gave back last, or nil.
func (s *space) latest(user string) *record {
	rs := s.byUser[user]
	if len(rs) == 0 {
		return nil
	}
	return rs[len(rs)-1]
}

// oldest returns the unit that was given back first, or nil if it is held back, and so all others are.
func (s *space) oldest(now time.Time) *record {
	if e := s.returned.Front(); e != nil {
		if r := e.Value.(*record); r.left(now) <= 0 {
			return r
		}
	}
	return nil
}

// heldBack returns the number of units that are held back.
func (s *space) heldBack(now time.Time) int {
	n := 0
	for e := s.returned.Back(); e != nil && e.Value.(*record).left(now) > 0; e = e.Prev() {
		n++
	}
	return n
}
