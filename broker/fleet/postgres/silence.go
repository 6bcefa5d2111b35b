package postgres

import (
	"maps"
	"time"
)

// sight is what one read saw of a node.
type sight struct {
	incarnation string
	beat        int64
	state       string
	interval    time.Duration // between its beats
}

// silence is a watcher's view of the other nodes. It is pure, and counts time in one way: each successful read adds the
// watcher's own monotonic time since the read before it, at most two intervals. So neither a pause of the watcher nor
// an outage of the server makes a node silent, and no clock of another machine is compared with anything.
type silence struct {
	interval time.Duration // between two beats of a node
	takeover time.Duration // a node that is silent for so long may be followed by others

	begun   bool
	last    time.Duration // when the last successful read was, on the watcher's monotonic clock
	watched time.Duration // the time that was watched: the sum of what the reads added
	nodes   map[string]*watched
	held    map[hold]time.Duration // when it was first seen, in watched time
}

// watched is one node as the watcher knows it.
type watched struct {
	sight
	moved     time.Duration // watched time when it was last seen to move
	unchanged int           // successful reads since then
	moves     int           // how often it was seen to move
}

// hold is what a silent node has in its hands: an attempt under a claim, or, with attempt 0, a callback that waits.
type hold struct {
	id      string
	epoch   int64
	attempt int
}

// fewestReads is how many successful reads in sequence must find a node unchanged before it is silent.
const fewestReads = 3

// fewestBeats is how many beats a silent node has missed, at least. It matters where the nodes do not agree on the
// takeover.
const fewestBeats = 5

// longestGap returns the most that one read may add to the watched time.
func (s *silence) longestGap() time.Duration { return 2 * s.interval }

// read takes the result of a successful read at a time of the watcher's monotonic clock. Nodes that are not in it do
// not exist any longer.
func (s *silence) read(at time.Duration, nodes map[string]sight) {
	if s.begun {
		s.watched += min(max(at-s.last, 0), s.longestGap())
	}
	s.begun, s.last = true, at
	if s.nodes == nil {
		s.nodes = make(map[string]*watched)
	}
	maps.DeleteFunc(s.nodes, func(name string, _ *watched) bool { _, ok := nodes[name]; return !ok })
	for name, now := range nodes {
		w := s.nodes[name]
		switch {
		case w == nil:
			s.nodes[name] = &watched{sight: now, moved: s.watched}
		case w.sight != now:
			*w = watched{sight: now, moved: s.watched, moves: w.moves + 1}
		default:
			w.unchanged++
		}
	}
}

// anew forgets how a node has moved so far.
func (s *silence) anew(name string) {
	if w := s.nodes[name]; w != nil {
		*w = watched{sight: w.sight, moved: s.watched}
	}
}

// quiet returns the watched time since a node was last seen to move.
func (s *silence) quiet(name string) time.Duration {
	w := s.nodes[name]
	if w == nil {
		return 0
	}
	return s.watched - w.moved
}

// absent reports whether others may take what a node has waiting: it has shut down, an operator has removed it, or it
// is silent.
func (s *silence) absent(name string) bool {
	w := s.nodes[name]
	switch {
	case w == nil:
		return false
	case w.state == stateDown, w.state == stateRemoved:
		return true
	}
	return w.unchanged >= fewestReads && s.quiet(name) >= max(s.takeover, fewestBeats*w.interval)
}

// absentees returns the nodes that are absent, with what was seen of them, by name.
func (s *silence) absentees() map[string]sight {
	out := make(map[string]sight)
	for name, w := range s.nodes {
		if s.absent(name) {
			out[name] = w.sight
		}
	}
	return out
}

// hold takes all that absent nodes have in their hands, as a successful read found it. What is no longer there is
// forgotten, so that its time begins again if it comes back.
func (s *silence) hold(found []hold) {
	held := make(map[hold]time.Duration, len(found))
	for _, h := range found {
		first, ok := s.held[h]
		if !ok {
			first = s.watched
		}
		held[h] = first
	}
	s.held = held
}

// over reports whether the watcher has watched something that an absent node holds for at least limit.
func (s *silence) over(h hold, limit time.Duration) bool {
	first, ok := s.held[h]
	return ok && s.watched-first >= limit
}
