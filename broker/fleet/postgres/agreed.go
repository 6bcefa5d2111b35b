package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
)

// agreed returns nil if the rows of callbacks tell who has them: another server, or another timeline, may lack the last
// claims, and the nodes that have made them may dial until they have resumed. So nobody dials before this node has
// resumed, and each that is present has too, or has had the time that an attempt may last. Otherwise the error wraps
// fleet.ErrAway.
func (a *Authority) agreed(ctx context.Context) error {
	why := a.disagreement(nil)
	if why == "" {
		return nil
	}
	timelines := map[string]string{} // others may have resumed since the last beat
	var name, timeline string
	err := a.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT name, timeline FROM ringback.nodes`)
		if err != nil {
			return err
		}
		_, err = pgx.ForEachRow(rows, []any{&name, &timeline}, func() error { timelines[name] = timeline; return nil })
		return err
	})
	if err != nil {
		return err
	}
	if why = a.disagreement(timelines); why != "" {
		return fmt.Errorf("%w: after a start or a change of the server, %s", fleet.ErrAway, why)
	}
	return nil
}

// disagreement returns which node has not resumed with the present server, and may have work in progress; "" if there
// is none. timelines are newer than those of the last beat.
func (a *Authority) disagreement(timelines map[string]string) string {
	m := &a.member
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !m.hasResumed():
		return "this node has not yet told it which callbacks it has"
	case m.view.watched-m.changed >= a.opt.AttemptLimit:
		return ""
	}
	for name, row := range m.rows {
		timeline, newer := timelines[name]
		if !newer {
			timeline = row.timeline
		}
		if name != a.opt.Node && timeline != m.server && !m.view.absent(name) {
			return "node " + name + " has not yet told it which callbacks it has"
		}
	}
	return ""
}
