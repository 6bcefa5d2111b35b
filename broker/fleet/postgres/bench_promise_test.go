package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

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

// BenchmarkPromise compares a promise with the bare commit of a row of its size.
func BenchmarkPromise(b *testing.B) {
	s := benchServer(b, nil)
	a := benchNode(b, s, "node-1", time.Hour)
	const callers, rounds, round = 16, 5, 1500 * time.Millisecond
	insert, counter := bare(b, s, callers)
	promise := func(site bool) func(int) error {
		return func(int) error { return a.Promise(context.Background(), benchPromise(benchRow("node-1"), site)) }
	}
	run := func(n int, do func(int) error) float64 { return parallel(b, n, round, do) }
	for range b.N {
		figures := map[string][]float64{}
		note := func(name string, v float64) float64 { figures[name] = append(figures[name], v); return v }
		for range rounds {
			peer, ours := note("bare-1", run(1, insert)), note("promise-1", run(1, promise(false)))
			note("time-ratio-1", peer/ours)
			peer, ours = note("bare-16", run(callers, insert)), note("promise-16", run(callers, promise(false)))
			note("rate-ratio-16", ours/peer)
			site := note("site-16", run(callers, promise(true)))
			note("site-ratio", site/ours)
			note("counter-ratio", note("counter-16", run(callers, counter))/ours)
		}
		for name, v := range figures {
			b.ReportMetric(medianOf(v), name)
		}
	}
}
