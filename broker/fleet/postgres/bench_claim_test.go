package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
	"github.com/ringback/ringback/broker/fleet/postgres"
	"github.com/ringback/ringback/broker/journal"
)

// timed returns the µs that do takes.
func timed(b *testing.B, do func() error) float64 {
	b.Helper()
	began := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return float64(time.Since(began).Nanoseconds()) / 1e3
}

// waiting makes n callbacks wait for a line of any node.
func waiting(b *testing.B, a *postgres.Authority, home string, n int) {
	b.Helper()
	rows := make(chan fleet.Row, n)
	for range n {
		rows <- benchRow(home)
	}
	close(rows)
	var all sync.WaitGroup
	var failed atomic.Value
	for range 16 {
		all.Go(func() {
			for r := range rows {
				err := a.Promise(context.Background(), benchPromise(r, false))
				if err == nil {
					r.Offered = true
					err = a.Offer(context.Background(), r)
				}
				if err != nil {
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
}

// claimOne looks for what waits and takes the oldest.
func claimOne(ctx context.Context, a *postgres.Authority) (fleet.Row, error) {
	for {
		rows, err := a.Waiting(ctx, []int{7}, nil, 1)
		if err != nil {
			return fleet.Row{}, err
		}
		if len(rows) == 0 {
			return fleet.Row{}, errors.New("nothing waits")
		}
		r, err := a.Take(ctx, rows[0])
		if !errors.Is(err, fleet.ErrFenced) {
			return r, err
		}
	}
}

// workers claim as a node with so many free lines does: it reads as much as it has lines for, and takes each.
type workers struct {
	a *postgres.Authority

	mu    sync.Mutex
	rows  []fleet.Row
	given map[string]bool // to a worker, which has not taken it yet
}

// benchWorkers is how many workers there are.
const benchWorkers = 16

func workersOf(a *postgres.Authority) *workers { return &workers{a: a, given: map[string]bool{}} }

func (w *workers) next(ctx context.Context) (fleet.Row, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rows) == 0 {
		var err error
		w.rows, err = w.a.Waiting(ctx, []int{7}, slices.Collect(maps.Keys(w.given)), benchWorkers)
		if err == nil && len(w.rows) == 0 {
			err = errors.New("nothing waits")
		}
		if err != nil {
			return fleet.Row{}, err
		}
	}
	r := w.rows[0]
	w.rows, w.given[r.ID] = w.rows[1:], true
	return r, nil
}

// claim claims one callback.
func (w *workers) claim(ctx context.Context) (r fleet.Row, err error) {
	if r, err = w.next(ctx); err != nil {
		return r, err
	}
	r, err = w.a.Take(ctx, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.given, r.ID)
	return r, err
}

// errEnough ends the work of parallel.
var errEnough = errors.New("enough")

// place is a fleet in a database of its own.
type place struct {
	*pgtest.Database
	home, taker *postgres.Authority
}

func newPlace(b *testing.B, s *pgtest.Server, name string) place {
	b.Helper()
	s.SQL(b, "CREATE DATABASE "+name+" OWNER "+pgtest.User)
	d := &pgtest.Database{Server: s, Name: name, Address: s.Address}
	return place{d, benchNode(b, d, "node-1", time.Hour), benchNode(b, d, "node-2", time.Hour)}
}

// claims returns the median µs of n claims at one place and at another, which alternate, and of their ratio.
func claims(b *testing.B, one, other place, n int) (us, otherUs, ratio float64) {
	b.Helper()
	var all, others, ratios []float64
	claim := func(p place) float64 {
		return timed(b, func() error { _, err := claimOne(b.Context(), p.taker); return err })
	}
	for range n {
		all, others = append(all, claim(one)), append(others, claim(other))
		ratios = append(ratios, others[len(others)-1]/all[len(all)-1])
	}
	return medianOf(all), medianOf(others), medianOf(ratios)
}

// BenchmarkClaim measures a claim with many callbacks that wait, and after many claims beside an old transaction, which
// keeps PostgreSQL from removing what they left; in turns with claims at a place with few callbacks.
func BenchmarkClaim(b *testing.B) {
	s := benchServer(b, nil)
	small, large := newPlace(b, s, "small"), newPlace(b, s, "large")
	for range b.N {
		waiting(b, small.home, "node-1", 200)
		waiting(b, large.home, "node-1", 10_100)
		few, many, ratio := claims(b, small, large, 100)
		b.ReportMetric(few, "few-µs")
		b.ReportMetric(many, "many-µs")
		b.ReportMetric(ratio, "many-ratio")
		tx, err := large.Connect(b, pgtest.User).BeginTx(b.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tx.Exec(b.Context(), "SELECT count(*) FROM ringback.nodes"); err != nil {
			b.Fatal(err)
		}
		var left atomic.Int64
		left.Store(10_000)
		w := workersOf(large.taker)
		parallel(b, benchWorkers, time.Hour, func(int) error {
			if left.Add(-1) < 0 {
				return errEnough
			}
			_, err := w.claim(context.Background())
			return err
		})
		waiting(b, small.home, "node-1", 100)
		waiting(b, large.home, "node-1", 200)
		few, old, ratio := claims(b, small, large, 100)
		b.ReportMetric(few, "new-µs")
		b.ReportMetric(old, "old-µs")
		b.ReportMetric(ratio, "old-ratio")
		if err := tx.Rollback(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// life is a callback from the claim to its end.
func life(ctx context.Context, w *workers) error {
	r, err := w.claim(ctx)
	if err != nil {
		return err
	}
	a := w.a
	at := journal.Attempt{CallbackID: r.ID, N: 1, TTY: 65, Number: r.Number, Started: time.Now()}
	if err := a.Attempt(ctx, r.Claim(), at); err != nil {
		return err
	}
	return a.End(ctx, fleet.End{Claim: r.Claim(), Time: time.Now(), Outcome: "completed", Attempts: 1, Trace: "[]",
		Settle: &journal.Settle{Callback: r.ID, Used: journal.Amount{Calls: 1}, Time: time.Now()}})
}

// BenchmarkLives is the rate of claim, attempt and end with 16 workers. bench/fleet.go runs River on a server of the
// same kind for comparison.
func BenchmarkLives(b *testing.B) {
	s := benchServer(b, nil)
	home := benchNode(b, &s.Database, "node-1", time.Hour)
	taker := benchNode(b, &s.Database, "node-2", time.Hour)
	for range b.N {
		var ours, peer, ratios []float64
		for range 3 {
			const lives = 1_500
			waiting(b, home, "node-1", lives)
			w := workersOf(taker)
			var left atomic.Int64
			left.Store(lives)
			ours = append(ours, parallel(b, benchWorkers, time.Hour, func(int) error {
				if left.Add(-1) < 0 {
					return errEnough
				}
				return life(context.Background(), w)
			}))
			if r := river(b, s); r > 0 {
				peer, ratios = append(peer, r), append(ratios, ours[len(ours)-1]/r)
			}
		}
		b.ReportMetric(medianOf(ours), "lives-16")
		if len(peer) > 0 {
			b.ReportMetric(medianOf(peer), "river-16")
			b.ReportMetric(medianOf(ratios), "river-ratio")
		}
	}
}

// river lets River work through jobs in another database of the server, and returns how many it fetched and completed
// in a second; 0 if RINGBACK_RIVER, the program bench/river, is not set.
func river(b *testing.B, s *pgtest.Server) float64 {
	b.Helper()
	program := os.Getenv("RINGBACK_RIVER")
	if _, err := os.Stat(program); err != nil {
		return 0
	}
	s.SQL(b, "DROP DATABASE IF EXISTS river")
	s.SQL(b, "CREATE DATABASE river OWNER "+pgtest.User)
	cmd := exec.Command(program, "-dsn", fmt.Sprintf("host=%s port=%d user=%s dbname=river", s.Address, pgtest.Port,
		pgtest.User), "-jobs", "1500")
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("bench/river: %v: %s", err, out)
	}
	rate, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return rate
}
