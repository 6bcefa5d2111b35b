package broker

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

var someLimits = LoginLimits{
	Window: 15 * time.Minute, DelayAfter: 5, DelayMax: 20 * time.Second, LockUserAfter: 10, LockNumberAfter: 30,
	LockTime: 15 * time.Minute,
}

// guarded returns a guard on a journal, configured as in a daemon.
func guarded(t *testing.T, path string, l LoginLimits) (*guard, *observer.ObservedLogs, func()) {
	t.Helper()
	j, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.InfoLevel)
	b := New(Options{Journal: j, Log: zap.New(core), NameKey: []byte("names")},
		Config{LoginLimits: l, LocalUsers: map[string]bool{"kihei-03": true}})
	if err := b.guard.load(context.Background()); err != nil {
		t.Fatal(err)
	}
	return b.guard, logs, func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
}

func inGuard(t *testing.T, l LoginLimits, f func(t *testing.T, g *guard, logs *observer.ObservedLogs)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state")
		if err := FreshJournal(dir); err != nil {
			t.Fatal(err)
		}
		g, logs, done := guarded(t, filepath.Join(dir, "journal.db"), l)
		defer done()
		f(t, g, logs)
	})
}

func guess(user, number string, tty int) session.Guess {
	return session.Guess{Call: &lines.Call{ID: "c1", TTY: tty, Direction: lines.Incoming, Caller: number}, Leg: 1,
		User: user}
}

// fails makes n failed guesses, delayed or not, until one is refused; it returns how many were made.
func (g *guard) fails(n int, q session.Guess) int {
	for i := range n {
		if _, no := g.Before(q); no != "" {
			return i
		}
		g.After(q, session.GuessWrong, "wrong")
	}
	return n
}

// There are AAA servers for which all spellings are one account, so they have one count.
func TestGuessInOtherLetterCase(t *testing.T) {
	inGuard(t, someLimits, func(t *testing.T, g *guard, _ *observer.ObservedLogs) {
		for _, user := range []string{"kihei-03", "KIHEI-03", "Kihei-03", "kiheI-03", "\u212aihei-03"} {
			if n := g.fails(2, guess(user, "84001", 65)); n != 2 {
				t.Fatalf("%s: %d guesses", user, n)
			}
		}
		for _, user := range []string{"kIhei-03", "kihei-03"} {
			if n := g.fails(1, guess(user, "84001", 65)); n != 0 {
				t.Errorf("a guess of %s after 10 failures", user)
			}
		}
		if n := g.fails(1, guess("kihei-04", "84001", 65)); n != 1 {
			t.Error("another name is locked")
		}
	})
}

func TestGuessDelays(t *testing.T) {
	inGuard(t, someLimits, func(t *testing.T, g *guard, _ *observer.ObservedLogs) {
		var delays []time.Duration
		for i := range 12 { // each from another number
			q := guess("kihei-03", fmt.Sprint(84100+i), 65)
			wait, no := g.Before(q)
			if no != "" {
				t.Fatalf("guess %d: %s", i, no)
			}
			delays = append(delays, wait)
			g.After(q, session.GuessWrong, "wrong")
		}
		s := time.Second
		if want := []time.Duration{0, 0, 0, 0, 0, s, 2 * s, 4 * s, 8 * s, 16 * s, 20 * s, 20 * s}; !slices.Equal(delays,
			want) {
			t.Errorf("delays %v, want %v", delays, want)
		}
		<-time.After(15*time.Minute - time.Nanosecond)
		if wait, _ := g.Before(guess("kihei-03", "84001", 65)); wait != 20*s {
			t.Errorf("before the window's end: %v", wait)
		}
		<-time.After(time.Nanosecond)
		if wait, _ := g.Before(guess("kihei-03", "84001", 65)); wait != 0 {
			t.Errorf("after the window's end: %v", wait)
		}
	})
}

func TestGuessLocks(t *testing.T) {
	const victim = "kihei-03"
	tests := []struct {
		name   string
		failed func(g *guard)
		locked []session.Guess
		open   []session.Guess
	}{
		{"name and number", func(g *guard) { g.fails(10, guess(victim, "84002", 65)) },
			[]session.Guess{guess(victim, "84002", 65), guess(victim, "84002", 66)},
			[]session.Guess{guess(victim, "84001", 65), guess(victim, "", 65), guess("paia-04", "84002", 65)}},
		{"name and line, of calls without a number", func(g *guard) { g.fails(10, guess(victim, "", 65)) },
			[]session.Guess{guess(victim, "", 65)},
			[]session.Guess{guess(victim, "84001", 65), guess(victim, "", 66), guess("paia-04", "", 65)}},
		{"number", func(g *guard) {
			for i := range 30 {
				g.fails(1, guess(fmt.Sprintf("user-%d", i), "84002", 65))
			}
		},
			[]session.Guess{guess(victim, "84002", 65), guess("paia-04", "84002", 66)},
			[]session.Guess{guess(victim, "84001", 65), guess(victim, "", 65)}},
		{"9 are not 10", func(g *guard) { g.fails(9, guess(victim, "84002", 65)) }, nil,
			[]session.Guess{guess(victim, "84002", 65)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inGuard(t, someLimits, func(t *testing.T, g *guard, _ *observer.ObservedLogs) {
				tt.failed(g)
				check := func(when string, guesses []session.Guess, locked bool) {
					for _, q := range guesses {
						if _, no := g.Before(q); (no != "") != locked {
							t.Errorf("%s: %s from %q on %d: %q", when, q.User, q.Call.Caller, q.Call.TTY, no)
						}
						q.Leg = 2
						if wait, no := g.Before(q); no != "" || wait != 0 {
							t.Errorf("%s: leg two of %s waits %v: %q", when, q.User, wait, no)
						}
					}
				}
				check("at once", tt.locked, true)
				check("at once", tt.open, false)
				<-time.After(15*time.Minute - time.Nanosecond)
				check("before its end", tt.locked, true)
				<-time.After(time.Nanosecond)
				check("after its end", tt.locked, false)
			})
		})
	}
}

// No matter what others do from other numbers, a user calling from their own number is admitted within the longest
// delay.
func TestGuessNobodyLocksAnother(t *testing.T) {
	inGuard(t, someLimits, func(t *testing.T, g *guard, _ *observer.ObservedLogs) {
		for i := range 40 {
			g.fails(12, guess("kihei-03", fmt.Sprint(84100+i), 65))
			g.fails(12, guess("kihei-03", "", 65+i%8))
		}
		q := guess("kihei-03", "84001", 65)
		if wait, no := g.Before(q); no != "" || wait != 20*time.Second {
			t.Errorf("waits %v: %q", wait, no)
		}
		// A successful login does not erase the failures that the user caused for others, nor those that others caused.
		g.After(q, session.GuessRight, "")
		if wait, _ := g.Before(guess("kihei-03", "84999", 65)); wait != 20*time.Second {
			t.Errorf("after a login from another number the name waits %v", wait)
		}
		g.fails(29, guess("paia-04", "84777", 65))
		own := guess("thief", "84777", 65)
		own.Identity = aaa.Identity{Entry: "local", User: "thief"}
		g.After(own, session.GuessRight, "")
		if _, no := g.Before(guess("paia-04", "84777", 65)); no == "" {
			t.Error("a login of one user unlocks another name")
		}
	})
}

// The original attack: eight lines, one name, a hang-up after each guess.
func TestGuessAcrossHangUps(t *testing.T) {
	inGuard(t, someLimits, func(t *testing.T, g *guard, _ *observer.ObservedLogs) {
		var guesses atomic.Int64
		stop, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for i := range 8 {
			go func() {
				for stop.Err() == nil {
					q := guess("kihei-03", "", 65+i)
					wait, no := g.Before(q)
					<-time.After(wait + time.Second) // the rest of the call
					if no == "" {
						guesses.Add(1)
						g.After(q, session.GuessWrong, "wrong")
					}
				}
			}()
		}
		<-time.After(20 * time.Second)
		in20s := guesses.Load()
		<-stop.Done()
		<-time.After(time.Minute)
		// In an hour each line has four locks of 15 minutes, with 10 guesses before each; one more line may be between
		// its check and its result.
		if hour := guesses.Load(); in20s > 40 || hour > 8*10*5 || hour < 8*10 {
			t.Errorf("%d guesses in 20 s, %d in an hour", in20s, hour)
		}
	})
}

// Varied names fill neither memory nor disk, and evict no lock.
func TestGuessVariedNames(t *testing.T) {
	inGuard(t, someLimits, func(t *testing.T, g *guard, _ *observer.ObservedLogs) {
		g.maxSources = 40
		g.fails(10, guess("kihei-03", "84002", 65))
		for i := range 300 {
			g.fails(1, guess(fmt.Sprintf("name-%d", i), "", 65+i%8))
		}
		rows, _, err := g.b.opt.Journal.LoginLimits(t.Context())
		if err != nil || len(g.sources) > 40 || len(rows) != len(g.sources) {
			t.Errorf("%d sources, %d rows: %v", len(g.sources), len(rows), err)
		}
		if _, no := g.Before(guess("kihei-03", "84002", 65)); no == "" {
			t.Error("the lock was evicted")
		}
		if wait, _ := g.Before(guess("name-900", "", 65)); wait != 20*time.Second {
			t.Errorf("a line on which names are tried out waits %v", wait)
		}
	})
}

func TestGuessSurvivesRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state", "journal.db")
		g, _, done := guarded(t, path, someLimits)
		g.fails(10, guess("kihei-03", "84002", 65))
		g.fails(7, guess("paia-04", "", 66))
		q := guess("makawao-08", "84003", 65)
		q.Identity = aaa.Identity{Entry: "radius", User: "makawao-08"}
		g.After(q, session.GuessRight, "")
		before := g.b.LoginLocks()
		done()
		g, _, done = guarded(t, path, someLimits)
		defer done()
		if after := g.b.LoginLocks(); len(before) != 4 || !slices.EqualFunc(before, after, func(x, y LoginLock) bool {
			x.LockedUntil, y.LockedUntil = x.LockedUntil.UTC(), y.LockedUntil.UTC()
			return x == y
		}) {
			t.Errorf("before %+v\nafter %+v", before, after)
		}
		if !g.Known("makawao-08") || g.Known("makawao-09") {
			t.Error("the names that have logged in did not survive")
		}
		for _, tt := range []struct {
			of      string
			cleared int
			err     error
		}{{"84009", 0, ErrNoLock}, {"kihei-03", 2, nil}, {"84002", 1, nil}, {"", 3, nil}, {"", 0, nil}} {
			if n, err := g.b.ClearLoginLocks(t.Context(), tt.of, "uid 7"); n != tt.cleared || err != tt.err {
				t.Errorf("clear %q: %d, %v; want %d, %v", tt.of, n, err, tt.cleared, tt.err)
			}
		}
		if rows, _, err := g.b.opt.Journal.LoginLimits(t.Context()); len(rows) != 0 || err != nil {
			t.Errorf("%v %v", rows, err)
		}
	})
}

// `enable` has the same limits, on leg two as well, and is counted separately.
func TestGuessEnable(t *testing.T) {
	inGuard(t, someLimits, func(t *testing.T, g *guard, logs *observer.ObservedLogs) {
		q := guess("kihei-03", "", 65)
		q.Enable, q.Leg, q.Call.Direction, q.Call.Called = true, 2, lines.Outgoing, "84001"
		if n := g.fails(20, q); n != 10 {
			t.Errorf("%d guesses", n)
		}
		if wait, no := g.Before(guess("kihei-03", "84001", 65)); wait != 0 || no != "" {
			t.Errorf("the login waits %v: %q", wait, no)
		}
		if n := logs.FilterMessage("enable failed").FilterField(zap.String("caller", "84001")).Len(); n != 10 {
			t.Errorf("%d lines in the log", n)
		}
	})
}

// A right password that a policy, a ceiling or a silent server rejects is no guess, however often: it neither delays
// nor locks the user, and does not count with the wrong ones.
func TestRejectedIsNoGuess(t *testing.T) {
	inGuard(t, someLimits, func(t *testing.T, g *guard, _ *observer.ObservedLogs) {
		q := guess("kihei-03", "84002", 65)
		for range 100 {
			g.After(q, session.GuessRefused, "a ceiling")
		}
		if wait, no := g.Before(q); wait != 0 || no != "" || len(g.b.LoginLocks()) != 0 {
			t.Errorf("wait %v, %q", wait, no)
		}
		g.After(q, session.GuessWrong, "wrong")
		if wait, no := g.Before(q); wait != 0 || no != "" {
			t.Errorf("after one wrong password: wait %v, %q", wait, no)
		}
	})
}

// Each failure immediately logs one line of a stable form; a name that belongs to no user is not in it.
func TestGuessLog(t *testing.T) {
	inGuard(t, someLimits, func(t *testing.T, g *guard, logs *observer.ObservedLogs) {
		g.After(guess("kihei-03", "84002", 65), session.GuessWrong, "local: wrong password")
		g.After(guess("sécret", "", 66), session.GuessWrong, "no such user")
		g.After(guess("sécret", "", 66), session.GuessRefused, "locked")
		got, rejected := logs.FilterMessage("login failed").All(), logs.FilterMessage("login rejected").All()
		if len(got) != 2 || len(rejected) != 1 || rejected[0].ContextMap()["reason"] != "locked" {
			t.Fatalf("%v, %v", got, rejected)
		}
		want := map[string]any{"user": "kihei-03", "caller": "84002", "line": int64(65), "call": "c1", "leg": int64(1),
			"reason": "local: wrong password", "event": "login.failed"}
		if m := got[0].ContextMap(); fmt.Sprint(m) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", m, want)
		}
		// printf sécret | openssl dgst -sha256 -hmac names
		if user := got[1].ContextMap()["user"]; user != "unknown:6:e050f2e009c4cb63" {
			t.Errorf("%v", user)
		}
		for _, e := range logs.All() {
			if strings.Contains(fmt.Sprint(e), "sécret") {
				t.Errorf("the name is in %v", e)
			}
		}
		rows, _, _ := g.b.opt.Journal.LoginLimits(t.Context())
		if strings.Contains(fmt.Sprint(rows), "sécret") || len(rows) == 0 {
			t.Errorf("%v", rows)
		}
	})
}

// Without thresholds nothing is counted.
func TestGuessUnlimited(t *testing.T) {
	inGuard(t, LoginLimits{}, func(t *testing.T, g *guard, _ *observer.ObservedLogs) {
		if n := g.fails(100, guess("kihei-03", "84002", 65)); n != 100 || len(g.sources) != 0 {
			t.Errorf("%d guesses, %d sources", n, len(g.sources))
		}
	})
}
