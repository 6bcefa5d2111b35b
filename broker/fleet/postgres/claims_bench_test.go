package postgres

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
	"github.com/ringback/ringback/broker/journal"
)

// benchTown has a server of its own, on a disk, with a node.
func benchTown(b *testing.B) (*town, *Authority) {
	s := pgtest.Start(b, pgtest.Options{Disk: true})
	t := &town{TB: b, d: &s.Database, stops: map[string]func(){}}
	if err := fill(context.Background(), t.d); err != nil {
		b.Fatal(err)
	}
	return t, t.member("lyon-1")
}

var serial atomic.Int64

func benchPromise() fleet.Promise {
	n := serial.Add(1)
	p := promiseOf(fmt.Sprint("cb", n), fmt.Sprint("user", n))
	p.Decision = strings.Repeat("d", 600)
	p.Authorization = strings.Repeat("a", 600)
	p.State = strings.Repeat("s", 500)
	return p
}

func BenchmarkBareInsert(b *testing.B) {
	t, _ := benchTown(b)
	pool, err := pgxpool.New(b.Context(), fmt.Sprintf("host=%s port=%d dbname=%s user=%s pool_max_conns=16",
		t.d.Address, pgtest.Port, t.d.Name, pgtest.User))
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(b.Context(), `CREATE TABLE bare (id text PRIMARY KEY, body bytea)`); err != nil {
		b.Fatal(err)
	}
	body := make([]byte, 1800)
	insert := func() {
		id := fmt.Sprint(serial.Add(1))
		if _, err := pool.Exec(context.Background(), `INSERT INTO bare VALUES ($1, $2)`, id, body); err != nil {
			b.Error(err)
		}
	}
	b.Run("1", func(b *testing.B) {
		for b.Loop() {
			insert()
		}
	})
	b.Run("16", func(b *testing.B) { sixteen(b, insert) })
}

// sixteen calls f from 16 goroutines.
func sixteen(b *testing.B, f func()) {
	b.SetParallelism(8) // of 2 processors
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f()
		}
	})
}

func BenchmarkPromise(b *testing.B) {
	_, a := benchTown(b)
	for name, charges := range map[string]func(p fleet.Promise) []journal.Charge{
		"bare": func(fleet.Promise) []journal.Charge { return nil },
		"user, number": func(p fleet.Promise) []journal.Charge {
			return []journal.Charge{{Scope: "user", Key: p.User}, {Scope: "number", Key: p.User}}
		},
		"user, site": func(p fleet.Promise) []journal.Charge {
			return []journal.Charge{{Scope: "user", Key: p.User}, {Scope: "site",
				Limits: []journal.Limit{{Period: journal.Day, Amount: journal.Amount{Calls: 1e9}}}}}
		},
	} {
		promise := func() {
			p := benchPromise()
			p.Charges, p.Amount = charges(p), journal.Amount{Calls: 1}
			if err := a.Promise(context.Background(), p); err != nil {
				b.Error(err)
			}
		}
		b.Run(name+"/1", func(b *testing.B) {
			for b.Loop() {
				promise()
			}
		})
		b.Run(name+"/16", func(b *testing.B) { sixteen(b, promise) })
	}
}

// offerMany offers callbacks without the API.
func offerMany(b *testing.B, a *Authority, n int) {
	for ; n > 1000; n -= 1000 {
		offerMany(b, a, 1000)
	}
	err := a.tx(context.Background(), func(ctx context.Context, tx pgx.Tx) error {
		for done := 0; done < n; {
			batch := &pgx.Batch{}
			for range min(500, n-done) {
				p := benchPromise()
				p.Epoch, p.Home, p.Holder, p.Offered, p.Format = 1, "lyon-1", "lyon-1", true, 1
				r, err := newRecord(p.Row, []byte{})
				if err != nil {
					return err
				}
				a.insert(batch, r)
				done++
			}
			if err := tx.SendBatch(ctx, batch).Close(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func BenchmarkClaim(b *testing.B) {
	t, a := benchTown(b)
	c := t.member("lyon-2")
	claim := func() fleet.Row {
		all, err := c.Waiting(context.Background(), []int{7}, nil, 16)
		if err != nil || len(all) == 0 {
			b.Fatal(len(all), err)
		}
		r, err := c.Take(context.Background(), all[0])
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			offerMany(b, a, n)
			for b.Loop() {
				claim()
				b.StopTimer()
				offerMany(b, a, 1)
				b.StartTimer()
			}
		})
	}
	b.Run("beside an old transaction", func(b *testing.B) {
		tx, err := t.d.Connect(b, pgtest.User).BeginTx(b.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			b.Fatal(err)
		}
		defer tx.Rollback(context.Background())
		if _, err = tx.Exec(b.Context(), `SELECT count(*) FROM ringback.callbacks`); err != nil {
			b.Fatal(err)
		}
		for range 5000 {
			claim()
		}
		offerMany(b, a, 100)
		for b.Loop() {
			claim()
			b.StopTimer()
			offerMany(b, a, 1)
			b.StartTimer()
		}
	})
}

func BenchmarkClaimAttemptEnd(b *testing.B) {
	t, a := benchTown(b)
	c := t.member("lyon-2")
	offerMany(b, a, 20_000)
	ctx := context.Background()
	ready := make(chan fleet.Row, 16)
	go func() {
		var skip []string
		for {
			all, err := c.Waiting(ctx, []int{7}, skip, 64)
			if err != nil || len(all) == 0 {
				return
			}
			skip = skip[:0]
			for _, r := range all {
				ready <- r
				skip = append(skip, r.ID)
			}
		}
	}()
	sixteen(b, func() {
		r, err := c.Take(ctx, <-ready)
		if err != nil {
			b.Error(err)
			return
		}
		if err = c.Attempt(ctx, r.Claim(), attemptOf(r.ID, 1)); err == nil {
			err = c.End(ctx, endOf(r, "completed"))
		}
		if err != nil {
			b.Error(err)
		}
	})
}
