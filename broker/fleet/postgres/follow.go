package postgres

import "context"

// mostFollowed bounds how many callbacks of other nodes one look follows.
const mostFollowed = 1000

// follow reads what became of the callbacks of other nodes that this process has seen pending: only then does it find
// later that an earlier row of one was put back.
func (a *Authority) follow(ctx context.Context) error {
	before := a.known.now()
	ids := a.known.others(mostFollowed)
	if len(ids) == 0 {
		return nil
	}
	found, err := a.records(ctx, `id = ANY ($1)`, ids)
	if err != nil {
		return err
	}
	left := map[string]bool{}
	for _, r := range found {
		left[r.id] = true
	}
	for _, id := range ids {
		if !left[id] {
			a.known.gone(id, before)
		}
	}
	return nil
}

// others returns up to n callbacks that were seen pending, and that this process does not hold.
func (m *memory) others(n int) (ids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.seen {
		if len(ids) < n && len(s.mac) > 0 && s.ended == 0 && !s.mine {
			ids = append(ids, id)
		}
	}
	return ids
}

// gone marks a callback whose row is not there any longer, although rows are removed only long after the end: if the
// row is put back, it is an earlier one. What was noted since a read began stays as it is.
func (m *memory) gone(id string, before uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.seen[id]; ok && s.count <= before && s.ended == 0 {
		s.ended = 1
		m.seen[id] = s
	}
}
