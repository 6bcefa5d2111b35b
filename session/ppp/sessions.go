package pppfront

import (
	"slices"
	"sync"
	"time"

	"github.com/ringback/ringback/ppp"
)

// Sessions has the live sessions of PPP and their captures, for the operator. The front ends of all configurations
// share it. The zero value is ready for use; nil keeps no session, and has no Capture. It is safe for concurrent use.
type Sessions struct {
	mu       sync.Mutex
	links    map[int]*link      // by TTY
	captures map[int][]*Capture // by TTY; the slices are not changed, but replaced
}

// Status is the state of a session of PPP.
type Status struct {
	TTY   int
	Call  string // its ID
	Leg   int
	Since time.Time // when PPP began on the call
	ppp.Status
	// Used is when a packet passed that keeps the session from being idle, or when the session was admitted; zero: it
	// was not.
	Used  time.Time
	Until time.Time // the end of the session; zero: no limit
	// Overrun counts the octets of the line that were lost because they were not fetched in time.
	Overrun uint64
}

// List returns the live sessions, sorted by TTY. It waits for no session.
func (s *Sessions) List() []Status {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	links := make([]*link, 0, len(s.links))
	for _, l := range s.links {
		links = append(links, l)
	}
	s.mu.Unlock()
	out := make([]Status, 0, len(links))
	for _, l := range links {
		out = append(out, l.status())
	}
	slices.SortFunc(out, func(a, b Status) int { return a.TTY - b.TTY })
	return out
}

// enter adds a session.
func (s *Sessions) enter(l *link) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.links == nil {
		s.links = map[int]*link{}
	}
	tty := l.Call().TTY
	s.links[tty] = l
	l.watch(s.captures[tty])
}

// leave removes a session.
func (s *Sessions) leave(l *link) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if tty := l.Call().TTY; s.links[tty] == l {
		delete(s.links, tty)
	}
}

// status returns the state of the link.
func (l *link) status() Status {
	call := l.Call()
	s := Status{TTY: call.TTY, Call: call.ID, Leg: l.Leg().Number, Since: l.since, Overrun: l.line.Overrun()}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Status, s.Used, s.Until = l.engine.Status(), l.used, l.until
	return s
}
