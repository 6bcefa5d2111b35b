package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringback/ringback/broker/journal"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// charges are the accounts of a callback of user u: at most 3 calls and 2 h per hour, 5 calls a day; 8 calls of all
// users a day, 20 per month.
func charges(user string) []journal.Charge {
	limit := func(period string, calls int64, d time.Duration) journal.Limit {
		return journal.Limit{Period: period, Amount: journal.Amount{Calls: calls, Time: d}}
	}
	return []journal.Charge{
		{Scope: "user", Key: user, Limits: []journal.Limit{limit(journal.Hour, 3, 2*time.Hour),
			limit(journal.Day, 5, 0)}},
		{Scope: "site", Limits: []journal.Limit{limit(journal.Day, 8, 0), limit(journal.Month, 20, 0)}},
	}
}

func reserving(id, user string, calls int64, d time.Duration, now time.Time) journal.Reserve {
	return journal.Reserve{Callback: id, Charges: charges(user),
		Amount: journal.Amount{Calls: calls, Time: d}, Time: now}
}

func accountOf(t testing.TB, j *Journal, scope, key string) journal.Account {
	t.Helper()
	for _, a := range rows(j.Accounts(context.Background())) {
		if a.Scope == scope && a.Key == key {
			return a
		}
	}
	return journal.Account{}
}

func TestCeiling(t *testing.T) {
	ctx := context.Background()
	j := open(t, newPath(t))
	commit(t, j, reserving("a", "u", 2, time.Hour, at(0)))
	err := j.Commit(ctx, journal.PutCallback{Callback: callback("b", "u")}, reserving("b", "u", 2, time.Minute, at(1)))
	var over *journal.Ceiling
	if !errors.As(err, &over) || !errors.Is(err, journal.ErrCeiling) || over.Scope != "user" || over.Key != "u" ||
		over.Period != "hour" || over.Reserved.Calls != 2 || over.Of.Calls != 3 {
		t.Fatalf("%v", err)
	}
	if want := "the hour of user u allows 3 calls, 0 are used, 2 reserved, 2 more are needed"; !strings.Contains(
		err.Error(), want) {
		t.Errorf("the error is %q", err)
	}
	if n := len(rows(j.Pending(ctx))); n != 0 {
		t.Errorf("%d callbacks without a reservation", n)
	}
	commit(t, j, journal.Settle{Callback: "a", Used: journal.Amount{Calls: 1, Time: time.Minute}, Time: at(2)})
	commit(t, j, journal.Settle{Callback: "a", Used: journal.Amount{Calls: 1}, Time: at(2)}) // a second time: nothing
	commit(t, j, reserving("b", "u", 2, 119*time.Minute, at(3)))
	if a := accountOf(t, j, "user", "u"); a.Windows[0].Used != (journal.Amount{Calls: 1, Time: time.Minute}) ||
		a.Reserved.Calls != 2 {
		t.Errorf("%+v", a)
	}
	// The clock is set back by an hour, and the user's earlier window reopens nothing.
	if err := j.Commit(ctx, reserving("c", "u", 1, 0, at(4).Add(-time.Hour))); !errors.Is(err, journal.ErrCeiling) {
		t.Errorf("an hour earlier: %v", err)
	}
	commit(t, j, journal.Settle{Callback: "b", Worst: true, Time: at(5)})
	if a := accountOf(t, j, "site", ""); a.Reserved != (journal.Amount{}) ||
		a.Windows[2].Used != (journal.Amount{Calls: 3, Time: 2 * time.Hour}) {
		t.Errorf("%+v", a)
	}
}

// TestDamagedLedger: a callback whose accounts, reservation or clock do not verify still ends. What cannot be read
// stays as it is and makes no room, and the other accounts are settled.
func TestDamagedLedger(t *testing.T) {
	ctx := context.Background()
	for name, tt := range map[string]struct {
		damage string
		user   int64 // calls of the user this hour
	}{
		"an account":          {"UPDATE accounts SET day_calls = 0, open = 9 WHERE scope = 'site'", 1},
		"the user's account":  {"UPDATE accounts SET hour_calls = 0, open = 1 WHERE scope = 'user'", -1},
		"the windows":         {"UPDATE accounts SET hour = 1 WHERE scope = ''", 1},
		"the total":           {"UPDATE marks SET hash = zeroblob(72) WHERE name = 'reserved'", 1},
		"no total":            {"UPDATE marks SET hash = NULL WHERE name = 'reserved'", 1},
		"the reservation":     {"UPDATE reservations SET calls = 0", 0},
		"its list of charges": {"UPDATE reservations SET accounts = 'x'", 0},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			j := open(t, path)
			commit(t, j, reserving("0", "u", 1, 0, at(0)), journal.Settle{Callback: "0", Time: at(0)})
			commit(t, j, journal.PutCallback{Callback: callback("a", "u")}, reserving("a", "u", 2, time.Hour, at(0)))
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			edit(t, path, tt.damage)
			j = open(t, path)
			settle := journal.Settle{Callback: "a", Used: journal.Amount{Calls: 1}, Time: at(1)}
			commit(t, j, journal.PutCallback{Callback: ended(callback("a", "u"), "completed")}, settle)
			commit(t, j, settle) // a second time: nothing
			if n := len(rows(j.Pending(ctx))); n != 0 {
				t.Error("the callback is still pending")
			}
			all, bad, err := j.Accounts(ctx)
			if err != nil {
				t.Fatal(err)
			}
			calls := int64(-1)
			for _, a := range all {
				if a.Scope == "user" {
					calls = a.Windows[0].Used.Calls
				}
			}
			if calls != tt.user {
				t.Errorf("the user's calls are %d; damaged %v", calls, bad)
			}
			if name == "its list of charges" || name == "the reservation" {
				staysReserved(t, j)
				return
			}
			if err := j.Commit(ctx, reserving("b", "u", 1, 0, at(2))); !errors.Is(err, journal.ErrDamaged) {
				t.Errorf("a promise beside it: %v", err)
			}
		})
	}
}

// staysReserved tries to reserve beside a lost reservation of 2 calls: it counts in every account, because nobody knows
// in which it does not.
func staysReserved(t *testing.T, j *Journal) {
	t.Helper()
	ctx := context.Background()
	for _, user := range []string{"u", "v"} {
		if err := j.Commit(ctx, reserving("b", user, 2, 0, at(2))); !errors.Is(err, journal.ErrCeiling) {
			t.Errorf("%s: 2 calls beside 2 of 3: %v", user, err)
		}
		commit(t, j, reserving("b"+user, user, 1, 0, at(2)))
	}
	all, _, err := j.Accounts(ctx)
	if err != nil || len(all) != 3 {
		t.Errorf("%+v, %v", all, err)
	}
	if site, _, err := j.Accounts(ctx, "site"); err != nil || len(site) != 1 || site[0].Scope != "site" {
		t.Errorf("of the site: %+v, %v", site, err)
	}
	for _, a := range all {
		want := int64(3)
		if a.Scope == "site" {
			want = 4
		}
		if a.Reserved.Calls != want || a.Open != want-1 {
			t.Errorf("%+v", a)
		}
	}
}

// TestLedgerOverflow: no amount is so large, or negative, that it makes room.
func TestLedgerOverflow(t *testing.T) {
	limit := []journal.Limit{{Period: journal.Day, Amount: journal.Amount{Money: 10}}}
	reserve := func(id, scope string, limits []journal.Limit, money int64) journal.Reserve {
		return journal.Reserve{Callback: id, Charges: []journal.Charge{{Scope: scope, Limits: limits}},
			Amount: journal.Amount{Calls: 1, Money: money}, Time: at(0)}
	}
	ctx := context.Background()
	j := open(t, newPath(t))
	commit(t, j, reserve("a", "site", limit, 4), reserve("b", "line", nil, math.MaxInt64-1))
	for _, money := range []int64{math.MaxInt64, math.MaxInt64 - 3, math.MaxInt64 - 10, 7} {
		if err := j.Commit(ctx, reserve("c", "site", limit, money)); !errors.Is(err, journal.ErrCeiling) {
			t.Errorf("%d beside 4 under a ceiling of 10: %v", money, err)
		}
	}
	for _, r := range []journal.Reserve{reserve("c", "line", nil, 1), reserve("c", "line", nil, math.MaxInt64),
		reserve("c", "site", limit, -1)} {
		if err := j.Commit(ctx, r); err == nil {
			t.Errorf("%+v is reserved", r)
		}
	}
	commit(t, j, journal.Settle{Callback: "a", Used: journal.Amount{Calls: 1, Money: -100}, Time: at(1)},
		journal.Settle{Callback: "b", Worst: true, Time: at(1)})
	if a := accountOf(t, j, "site", ""); a.Windows[1].Used.Money != 4 || a.Reserved != (journal.Amount{}) {
		t.Errorf("%+v", a)
	}
	if a := accountOf(t, j, "line", ""); a.Windows[1].Used.Money != math.MaxInt64-1 ||
		a.Reserved != (journal.Amount{}) {
		t.Errorf("%+v", a)
	}
}

// TestCeilingInABatch: promises that share a transaction do not exceed a ceiling together.
func TestCeilingInABatch(t *testing.T) {
	j := open(t, newPath(t))
	var groups [][]journal.Mutation
	for i := range 20 {
		id := fmt.Sprint("cb", i)
		groups = append(groups, []journal.Mutation{journal.PutCallback{Callback: callback(id, id)},
			reserving(id, id, 1, 0, at(i))})
	}
	kept := 0
	for _, err := range j.CommitEach(context.Background(), groups...) {
		if err == nil {
			kept++
		} else if !errors.Is(err, journal.ErrCeiling) {
			t.Error(err)
		}
	}
	if kept != 8 || len(rows(j.Pending(context.Background()))) != 8 || len(rows(j.Reservations(t.Context()))) != 8 {
		t.Errorf("%d promises under a ceiling of 8", kept)
	}
}

// TestAtOnce: callbacks that are pending or connected count until they are settled, and failures like calls.
func TestAtOnce(t *testing.T) {
	ctx := context.Background()
	j := open(t, newPath(t))
	one := func(id string, failures int64) journal.Reserve {
		return journal.Reserve{Callback: id, Amount: journal.Amount{Calls: 1, Failures: failures}, Time: at(0),
			Charges: []journal.Charge{{Scope: "user", Key: "u", AtOnce: 2, Limits: []journal.Limit{
				{Period: journal.Day, Amount: journal.Amount{Failures: 3}}}}}}
	}
	commit(t, j, one("a", 1))
	commit(t, j, one("b", 1))
	const atOnce = "user u may have 2 callbacks pending or connected at once"
	if err := j.Commit(ctx, one("c", 1)); !errors.Is(err, journal.ErrCeiling) ||
		!strings.Contains(err.Error(), atOnce) {
		t.Errorf("a third: %v", err)
	}
	commit(t, j, journal.Settle{Callback: "a", Used: journal.Amount{Calls: 1, Failures: 1}, Time: at(1)})
	const failures = "the day of user u allows 3 failures, 1 are used, 1 reserved, 2 more are needed"
	if err := j.Commit(ctx, one("d", 2)); !errors.Is(err, journal.ErrCeiling) ||
		!strings.Contains(err.Error(), failures) {
		t.Errorf("two failures more: %v", err)
	}
	commit(t, j, one("d", 1))
	if a := accountOf(t, j, "user", "u"); a.Open != 2 || a.Reserved.Failures != 2 || a.Windows[1].Used.Failures != 1 {
		t.Errorf("%+v", a)
	}
}

// TestOldAccountsAreRemoved: those that nothing has used since the month began, except open reservations.
func TestOldAccountsAreRemoved(t *testing.T) {
	j := open(t, newPath(t))
	commit(t, j, reserving("a", "old", 1, 0, at(0)), reserving("b", "open", 1, 0, at(0)),
		journal.Settle{Callback: "a", Used: journal.Amount{Calls: 1}, Time: at(1)})
	commit(t, j, reserving("c", "new", 1, 0, at(0).AddDate(0, 1, 0)))
	var keys []string
	for _, a := range rows(j.Accounts(context.Background())) {
		keys = append(keys, a.Scope+a.Key)
	}
	if got := strings.Join(keys, " "); got != "site usernew useropen" {
		t.Errorf("left are %s", got)
	}
}

// TestLedgerLaws: whatever the order of reservations, settlements, reverted groups, clock steps and restarts, what is
// used in a window and what is reserved stay under each limit, and a reservation is never negative. The test keeps its
// own books: what was used, by the latest time that any clock has shown.
func TestLedgerLaws(t *testing.T) {
	ctx := context.Background()
	paris := zone(t, "Europe/Paris")
	rapid.Check(t, func(rt *rapid.T) {
		path := newPath(t)
		j, err := Open(ctx, Options{Path: path, Reserve: testReserve})
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { j.Close() }()
		type open struct {
			user string
			journal.Amount
		}
		pending := map[string]open{}
		used := map[string]int64{} // calls, by account and window
		now := time.Date(2026, 10, 24, 20, 0, 0, 0, paris)
		var latest time.Time
		names := func(user string) []string {
			day := latest.In(paris).Format("2006-01-02")
			return []string{user + latest.UTC().Format("2006-01-02 15"), user + day, "site" + day,
				"site" + latest.In(paris).Format("2006-01")}
		}
		limits := []int64{3, 5, 8, 20}
		for n := range rapid.IntRange(1, 60).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(-100, 200).Draw(rt, "minutes")) * time.Minute)
			user := rapid.SampledFrom([]string{"u", "v", "w"}).Draw(rt, "user")
			switch rapid.IntRange(0, 24).Draw(rt, "what") {
			default:
				before := latest
				if now.After(latest) {
					latest = now
				}
				id, calls := fmt.Sprint("cb", n), rapid.Int64Range(1, 3).Draw(rt, "calls")
				fits := true
				for i, name := range names(user) {
					sum := used[name] + calls
					for _, p := range pending {
						if i > 1 || p.user == user {
							sum += p.Calls
						}
					}
					fits = fits && sum <= limits[i]
				}
				err := j.Commit(ctx, reserving(id, user, calls, 0, now))
				if fits != (err == nil) || err != nil && !errors.Is(err, journal.ErrCeiling) {
					rt.Fatalf("at %v, latest %v: %v; it fits: %v", now, latest, err, fits)
				}
				if err == nil {
					pending[id] = open{user, journal.Amount{Calls: calls}}
				} else {
					latest = before // what is refused leaves nothing
				}
			case 1, 2, 3, 4, 5, 6, 7, 8:
				if len(pending) == 0 {
					continue
				}
				if now.After(latest) {
					latest = now
				}
				id := rapid.SampledFrom(slices.Sorted(maps.Keys(pending))).Draw(rt, "callback")
				p := pending[id]
				calls := rapid.Int64Range(0, p.Calls).Draw(rt, "used")
				if err := j.Commit(ctx, journal.Settle{Callback: id, Used: journal.Amount{Calls: calls},
					Time: now}); err != nil {
					rt.Fatal(err)
				}
				for _, name := range names(p.user) {
					used[name] += calls
				}
				delete(pending, id)
			case 9, 10: // a group that fails after it has reserved and settled; another may be written beside it
				failing := []journal.Mutation{reserving("failed", user, 1, 0, now)}
				for _, id := range slices.Sorted(maps.Keys(pending)) {
					failing = append(failing, journal.Settle{Callback: id, Worst: true, Time: now})
				}
				errs := j.CommitEach(ctx, append(failing, journal.EndCall{ID: "none"}),
					[]journal.Mutation{journal.AddAudit{Audit: record("beside it")}})
				if errs[0] == nil || errs[1] != nil {
					rt.Fatal(errs)
				}
				sameAccounts(t, j)
			case 11: // another program commits
				edit(t, path, "UPDATE marks SET n = n WHERE name = 'reopened'")
			case 0: // a restart is slow
				if err := j.Close(); err != nil {
					rt.Fatal(err)
				}
				if j, err = Open(ctx, Options{Path: path, Reserve: testReserve}); err != nil {
					rt.Fatal(err)
				}
			}
			for _, a := range rows(j.Accounts(ctx)) {
				if a.Reserved.Calls < 0 {
					rt.Fatalf("reserved are %d", a.Reserved.Calls)
				}
				for _, c := range charges(a.Key) {
					for _, l := range c.Limits {
						for i, p := range journal.Periods {
							if sum := a.Windows[i].Used.Calls + a.Reserved.Calls; c.Scope == a.Scope && l.Period == p &&
								sum > l.Calls {
								rt.Fatalf("%s %s: %d calls in a %s that allows %d", a.Scope, a.Key, sum, p, l.Calls)
							}
						}
					}
				}
			}
		}
	})
}

// BenchmarkPromiseReserved commits one promise at a time with a reservation in three accounts; BenchmarkCommit is the
// same without one.
func BenchmarkPromiseReserved(b *testing.B) {
	j := open(b, diskPath(b))
	limit := []journal.Limit{{Period: journal.Month, Amount: journal.Amount{Calls: 1 << 40}}}
	for i := 0; b.Loop(); i++ {
		commit(b, j, append(promise(i), journal.Reserve{Callback: fmt.Sprint("cb", i),
			Amount: journal.Amount{Calls: 3}, Time: at(0),
			Charges: []journal.Charge{{Scope: "user", Key: fmt.Sprint("u", i), Limits: limit},
				{Scope: "group", Key: "default", Limits: limit}, {Scope: "site", Limits: limit}}})...)
	}
}
