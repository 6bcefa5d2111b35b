package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// bareTable is what the peer of a promise inserts into: one row of the same size.
const bareTable = `CREATE TABLE IF NOT EXISTS bare (id text PRIMARY KEY, body text NOT NULL);
CREATE TABLE IF NOT EXISTS plain_counter (one integer PRIMARY KEY, calls bigint NOT NULL);
INSERT INTO plain_counter VALUES (1, 0) ON CONFLICT DO NOTHING;
GRANT ALL ON bare, plain_counter TO ` + pgtest.User

// bare are connections that insert one row in each commit.
func bare(b *testing.B, s *pgtest.Server, n int) (insert, counter func(int) error) {
	b.Helper()
	s.SQL(b, bareTable)
	var conns []*pgx.Conn
	for range n {
		conns = append(conns, s.Connect(b, pgtest.User))
	}
	body := strings.Repeat("row ", 450)
	insert = func(w int) error {
		_, err := conns[w].Exec(context.Background(), "INSERT INTO bare VALUES ($1, $2)",
			fmt.Sprintf("b%08d", benchSerial.Add(1)), body)
		return err
	}
	counter = func(w int) error {
		return pgx.BeginFunc(context.Background(), conns[w], func(tx pgx.Tx) error {
			batch := &pgx.Batch{}
			batch.Queue("INSERT INTO bare VALUES ($1, $2)", fmt.Sprintf("b%08d", benchSerial.Add(1)), body)
			batch.Queue("UPDATE plain_counter SET calls = calls + 1 WHERE one = 1")
			return tx.SendBatch(context.Background(), batch).Close()
		})
	}
	return insert, counter
}

// BenchmarkPromise compares a promise with the bare commit of a row of its size: one that charges no account, one that
// charges its user and its number, and one that charges the site too.
func BenchmarkPromise(b *testing.B) {
	s := benchServer(b, nil)
	a := benchNode(b, &s.Database, "node-1", time.Hour)
	const callers, rounds, round = 16, 9, 700 * time.Millisecond
	insert, counter := bare(b, s, callers)
	promise := func(change func(*fleet.Promise)) func(int) error {
		return func(int) error {
			p := benchPromise(benchRow("node-1"), true)
			change(&p)
			return a.Promise(context.Background(), p)
		}
	}
	charging := func(n int) func(int) error { return promise(func(p *fleet.Promise) { p.Charges = p.Charges[:n] }) }
	run := func(n int, do func(int) error) float64 { return parallel(b, n, round, do) }
	for range b.N {
		figures := map[string][]float64{}
		note := func(name string, v float64) float64 { figures[name] = append(figures[name], v); return v }
		for n := range rounds + 1 {
			if n == 1 {
				clear(figures) // the first round has made the connections
			}
			peer := note("bare-1", run(1, insert))
			note("free-ratio-1", peer/note("free-1", run(1, charging(0))))
			note("time-ratio-1", peer/note("promise-1", run(1, charging(2))))
			peer = note("bare-16", run(callers, insert))
			ours := note("promise-16", run(callers, charging(2)))
			note("rate-ratio-16", ours/peer)
			note("site-ratio", note("site-16", run(callers, charging(3)))/ours)
			note("free-rate-ratio-16", note("free-16", run(callers, charging(0)))/peer)
			note("counter-ratio", note("counter-16", run(callers, counter))/ours)
		}
		for name, v := range figures {
			b.ReportMetric(medianOf(v), name)
		}
	}
}
