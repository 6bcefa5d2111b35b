package postgres

import (
	"context"

	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// fill makes the tables of a fleet.
func fill(ctx context.Context, d *pgtest.Database) error {
	return Migrate(ctx, options(d.Name, d.Address), "", func(string) {})
}
