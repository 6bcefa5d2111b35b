package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
)

// late finds callbacks that this node holds by their rows, and that this process does not know. The server carries out
// a statement that it gets after the client has given up, or after the process that sent it has died: a promise or a
// claim can arrive when Resume has looked already. One goroutine looks.
type late struct {
	found map[string]bool // by the last look
	asked map[string]bool // those of found for which Resume was asked for
}

// lateLooks is how many sweeps have one look. What two looks find is not just being written.
const lateLooks = 6

// take takes what a look has found, and returns how many the look before has found too and nobody was asked about.
func (l *late) take(ids []string) (news int) {
	found, asked := map[string]bool{}, map[string]bool{}
	for _, id := range ids {
		found[id], asked[id] = true, l.found[id]
		if l.found[id] && !l.asked[id] {
			news++
		}
	}
	l.found, l.asked = found, asked
	return news
}

// findLate looks for such callbacks once, and asks for Resume, which decides what becomes of them.
func (a *Authority) findLate(ctx context.Context) error {
	a.member.mu.Lock()
	resumed := a.member.hasResumed()
	a.member.mu.Unlock()
	if !resumed {
		return nil // it is asked for
	}
	ctx, cancel := context.WithTimeout(ctx, a.opt.Timeout)
	defer cancel()
	rows, err := a.link.pool.Query(ctx, `SELECT left(id, 64) FROM ringback.callbacks
		WHERE holder = $1 AND ended IS NULL AND NOT offered`, a.opt.Node)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	var ids []string
	for _, id := range all {
		if !a.known.holds(id) {
			ids = append(ids, id)
		}
	}
	if a.late.take(ids) > 0 {
		a.log.Info("callbacks arrived in PostgreSQL after this node had given them up: it resumes")
		a.mail.put(fleet.Change{Kind: fleet.Back})
	}
	return nil
}
