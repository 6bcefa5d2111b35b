package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
	"github.com/ringback/ringback/broker/fleet/postgres"
	"github.com/ringback/ringback/broker/journal"
)

// statements returns the number of statements that the database has run, and where its log ends.
func statements(b *testing.B, s *pgtest.Server) (calls, wal int64) {
	b.Helper()
	out := s.SQL(b, `SELECT coalesce(sum(calls), 0)::bigint || '|' || (pg_current_wal_lsn() - '0/0')::bigint
		FROM pg_stat_statements JOIN pg_roles ON oid = userid WHERE rolname = '`+pgtest.User+`'`)
	if _, err := fmt.Sscanf(strings.TrimSpace(out), "%d|%d", &calls, &wal); err != nil {
		b.Fatal(out, err)
	}
	return calls, wal
}

// BenchmarkStatements counts statements and octets of the log: idle, by nodes and by callbacks that wait; and of the
// life of a callback at one node and at eight.
func BenchmarkStatements(b *testing.B) {
	s := benchServer(b, map[string]string{"shared_preload_libraries": "pg_stat_statements", "full_page_writes": "off",
		"autovacuum": "off", "pg_stat_statements.track": "top"})
	s.SQL(b, "CREATE EXTENSION pg_stat_statements")
	const takeover = 15 * time.Second // the default
	for range b.N {
		nodes := []*postgres.Authority{benchNode(b, &s.Database, "node-1", takeover)}
		one := idleOf(b, s)
		waiting(b, nodes[0], "node-1", 5_000)
		b.ReportMetric(one.statements, "idle-1-node")
		b.ReportMetric(idleOf(b, s).statements, "idle-1-node-5000-waiting")
		life1 := livesOf(b, s, nodes, one)
		for i := range 7 {
			nodes = append(nodes, benchNode(b, &s.Database, fmt.Sprintf("node-%d", i+2), takeover))
		}
		settled(b, s, len(nodes))
		eight := idleOf(b, s)
		b.ReportMetric(eight.statements, "idle-8-nodes")
		life8 := livesOf(b, s, nodes, eight)
		b.ReportMetric(life1.statements, "statements-1")
		b.ReportMetric(life8.statements, "statements-8")
		b.ReportMetric(life8.statements/life1.statements, "statements-ratio")
		b.ReportMetric(life1.octets, "wal-1")
		b.ReportMetric(life8.octets, "wal-8")
		b.ReportMetric(life8.octets/life1.octets, "wal-ratio")
	}
}

// use is what nodes do: statements, and octets of the log.
type use struct{ statements, octets float64 }

// settled waits until the nodes have written anew what waits, which they do after others have joined.
func settled(b *testing.B, s *pgtest.Server, nodes int) {
	b.Helper()
	before, _ := statements(b, s)
	for range 120 {
		<-time.After(time.Second)
		now, _ := statements(b, s)
		if now-before < int64(20*nodes) {
			return
		}
		before = now
	}
	b.Fatal("the nodes are not idle")
}

// idleOf returns what the nodes do in a second without a callback.
func idleOf(b *testing.B, s *pgtest.Server) use {
	b.Helper()
	const idle = time.Minute // what a node asks each minute is in it once
	calls, wal := statements(b, s)
	<-time.After(idle)
	after, walAfter := statements(b, s)
	return use{float64(after-calls) / idle.Seconds(), float64(walAfter-wal) / idle.Seconds()}
}

// livesOf plays callbacks whose promise, attempt and end are of the node that promised, and returns the use of each:
// what idle nodes do in a second is not counted.
func livesOf(b *testing.B, s *pgtest.Server, nodes []*postgres.Authority, idle use) use {
	b.Helper()
	const lives = 2000
	began := time.Now()
	before, walBefore := statements(b, s)
	var all sync.WaitGroup
	var failed atomic.Value
	for w := range 8 {
		a := nodes[w%len(nodes)]
		name := fmt.Sprintf("node-%d", w%len(nodes)+1)
		all.Go(func() {
			for range lives / 8 {
				if err := ownLife(a, name); err != nil {
					failed.Store(err)
					return
				}
			}
		})
	}
	all.Wait()
	if err, ok := failed.Load().(error); ok {
		b.Fatal(err)
	}
	after, walAfter := statements(b, s)
	seconds := time.Since(began).Seconds()
	return use{(float64(after-before) - seconds*idle.statements) / lives,
		(float64(walAfter-walBefore) - seconds*idle.octets) / lives}
}

// ownLife is a callback that its home promises, dials and ends.
func ownLife(a *postgres.Authority, home string) error {
	ctx, r := context.Background(), benchRow(home)
	if err := a.Promise(ctx, benchPromise(r, true)); err != nil {
		return err
	}
	at := journal.Attempt{CallbackID: r.ID, N: 1, TTY: 65, Number: r.Number, Started: time.Now()}
	if err := a.Attempt(ctx, r.Claim(), at); err != nil {
		return err
	}
	if err := a.Look(ctx, r.Claim(), 1); err != nil {
		return err
	}
	return a.End(ctx, fleet.End{Claim: r.Claim(), Time: time.Now(), Outcome: "completed", Attempts: 1, Trace: "[]",
		Settle: &journal.Settle{Callback: r.ID, Used: journal.Amount{Calls: 1}, Time: time.Now()}})
}

// BenchmarkTakeover measures how long after the death of a node its 10,000 callbacks may be taken.
func BenchmarkTakeover(b *testing.B) {
	const takeover = 5 * time.Second
	s := benchServer(b, nil)
	for range b.N {
		home, kill := benchProcess(b, &s.Database, "node-1", takeover)
		taker := benchNode(b, &s.Database, "node-2", takeover)
		const n = 10_000
		promised(b, home, n)
		kill()
		began := time.Now()
		for {
			rows, err := taker.Waiting(b.Context(), []int{7}, nil, n)
			if err != nil {
				b.Fatal(err)
			}
			if len(rows) == n {
				break
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-b.Context().Done():
				b.Fatal("nothing can be taken")
			}
		}
		b.ReportMetric(time.Since(began).Seconds()-takeover.Seconds(), "s-after-takeover")
	}
}

// promised makes n callbacks that are pending at their home.
func promised(b *testing.B, a *postgres.Authority, n int) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := a.Promise(context.Background(), benchPromise(benchRow("node-1"), false)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}
