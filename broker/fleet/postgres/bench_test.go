package postgres_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
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

// These benchmarks measure whole rounds themselves, in turns with their peer on the same server, and report medians:
// run them with -benchtime 1x. bench/fleet.go prints them as a table.

// benchServer is a server on a disk with a synchronous standby, as a fleet has it.
func benchServer(b *testing.B, settings map[string]string) *pgtest.Server {
	b.Helper()
	all := map[string]string{"max_connections": "200"}
	maps.Copy(all, settings)
	s := pgtest.Start(b, pgtest.Options{Disk: true, Settings: all})
	s.Standby(b)
	return s
}

// benchNode returns the authority of a node, which is a member.
func benchNode(b *testing.B, s *pgtest.Database, name string, takeover time.Duration) *postgres.Authority {
	b.Helper()
	a, _ := benchProcess(b, s, name, takeover)
	return a
}

// benchProcess is benchNode with the function that ends the node without a word.
func benchProcess(b *testing.B, s *pgtest.Database, name string, takeover time.Duration) (*postgres.Authority,
	func()) {
	b.Helper()
	opt := postgres.Options{Addresses: []string{s.Address}, Database: s.Name, User: pgtest.User, Node: name,
		Incarnation: fmt.Sprint(rand.Uint64()), JournalID: name, Version: "bench", Key: []byte("key of the benchmarks"),
		Durability: postgres.Replicated, Takeover: takeover, History: time.Hour, Lifetime: time.Hour,
		Timeout: 20 * time.Second}
	if err := postgres.Migrate(b.Context(), opt, "", func(string) {}); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a, err := postgres.Open(ctx, opt)
	if err != nil {
		b.Fatal(err)
	}
	var run sync.WaitGroup
	run.Go(func() { a.Run(ctx) })
	run.Go(func() {
		for {
			select {
			case <-a.Changes():
			case <-ctx.Done():
				return
			}
		}
	})
	end := sync.OnceFunc(func() { a.Close(); cancel(); run.Wait() }) // no word of its end arrives
	b.Cleanup(end)
	for !a.Status().Member {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-b.Context().Done():
			b.Fatal("no member")
		}
	}
	if _, err := a.Resume(ctx, nil); err != nil {
		b.Fatal(err)
	}
	acquainted(b, s)
	return a, end
}

// acquainted waits until each node that is up has the watch of each other one in its roll: what it writes from then on
// may be taken at once. A dead node of an earlier round never has it.
func acquainted(b *testing.B, d *pgtest.Database) {
	b.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if d.SQL(b, `SELECT count(*) FROM ringback.nodes a JOIN ringback.nodes b ON a.name <> b.name
			LEFT JOIN ringback.rolls r ON r.node = a.name WHERE a.state = 'up' AND b.state = 'up'
			AND (b.watch = 0 OR coalesce(position(int8send(b.watch) IN r.watches), 0) = 0)`) == "0" {
			return
		}
	}
}

var benchSerial atomic.Int64

// benchRow is a callback as large as usual, of a user of its own.
func benchRow(home string) fleet.Row {
	n, rotary := benchSerial.Add(1), 7
	now := time.Now()
	return fleet.Row{Holder: home, Rotary: rotary, Format: fleet.Format, Callback: journal.Callback{
		ID: fmt.Sprintf("bench%08d", n), Phase: "promised", State: `{"Phase":"promised","Max":2}`,
		User: fmt.Sprintf("user%d", n), Entry: "default", Service: "exec", Caller: "55501", Number: "84001",
		CallID: fmt.Sprintf("call%d", n), CalledTTY: 65, Rotary: &rotary, ForcedWait: time.Second, Max: 2,
		Decision: `{"text":"` + strings.Repeat("decided ", 60) + `"}`, Trace: strings.Repeat("reason ", 60),
		PolicyDigest: "digest", Authorization: `{"text":"` + strings.Repeat("granted ", 60) + `"}`,
		Created: now, Updated: now, Epoch: 1, Home: home, Shared: true}}
}

// benchPromise is the promise of a row; a site-wide ceiling is a limit that is never reached.
func benchPromise(r fleet.Row, site bool) fleet.Promise {
	p := fleet.Promise{Row: r, Amount: journal.Amount{Calls: 2, Time: time.Hour}, Time: r.Created,
		Charges: []journal.Charge{{Scope: "user", Key: r.User}, {Scope: "number", Key: r.User}}}
	if site {
		p.Charges = append(p.Charges, journal.Charge{Scope: "site", Limits: []journal.Limit{{Period: journal.Day,
			Amount: journal.Amount{Calls: 1e9}}}})
	}
	return p
}

// medianOf returns the median; a benchmark has several rounds.
func medianOf(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// parallel runs do in n goroutines for a time, and returns how often it was run in a second.
func parallel(b *testing.B, n int, d time.Duration, do func(worker int) error) float64 {
	b.Helper()
	var done atomic.Int64
	var failed atomic.Value
	var all sync.WaitGroup
	began := time.Now()
	for w := range n {
		all.Go(func() {
			for time.Since(began) < d {
				err := do(w)
				if err == errEnough {
					return
				}
				if err != nil {
					failed.Store(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	if err, ok := failed.Load().(error); ok {
		b.Fatal(err)
	}
	return float64(done.Load()) / took.Seconds()
}
