package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/ringback/ringback/broker/fleet/pgtest"
)

func fill(ctx context.Context, d *pgtest.Database) error {
	db, err := sql.Open("pgx", fmt.Sprintf("host=%s port=%d dbname=%s user=%s", d.Address, pgtest.Port, d.Name,
		pgtest.User))
	if err != nil {
		return err
	}
	defer db.Close()
	sub, err := fs.Sub(migrations, "schema")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, sub)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}
