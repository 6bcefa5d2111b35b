package lines

// Hunt is how a rotary selects one of several idle lines for a callback.
type Hunt string

const (
	Linear     Hunt = "linear"      // by TTY
	RoundRobin Hunt = "round_robin" // the line whose last lease for a callback is the longest ago
	LeastUsed  Hunt = "least_used"  // the line with the fewest leases since the start: Status.Leases
)

// Hunts are the values of Hunt; the first is the default.
func Hunts() []Hunt { return []Hunt{Linear, RoundRobin, LeastUsed} }

// SetHunts sets the hunts of rotaries from now on; a rotary that is not listed hunts Linear. The Pool keeps the map.
func (p *Pool) SetHunts(hunts map[int]Hunt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hunts = hunts
}

// beforeLocked reports whether l is better than m for a callback that either may serve: a line that only dials leaves
// the others to callers, and then the hunt decides. Equal lines are used by TTY, in the order of Pool.sorted.
func (l *line) beforeLocked(m *line, h Hunt) bool {
	if dials := l.cfg.Modem == CallOut; dials != (m.cfg.Modem == CallOut) {
		return dials
	}
	switch h {
	case RoundRobin:
		return l.lastLent < m.lastLent
	case LeastUsed:
		return l.leases < m.leases
	}
	return false
}
