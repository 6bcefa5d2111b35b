package broker

import (
	"testing"
	"time"

	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
)

// strict makes a guard's policies: vendors have tighter thresholds by their names, admins by their line and looser ones
// by their names, which change nothing.
func (g *guard) strict(t *testing.T) {
	t.Helper()
	set, err := policies.New(policies.Site{},
		policies.Policy{Group: "vendor", Match: policies.Match{Prefixes: []string{"vendor-"}},
			Logins: policies.Logins{DelayAfter: 1, LockUserAfter: 3, LockTime: time.Hour}},
		policies.Policy{Group: "console", Match: policies.Match{Lines: []string{"70-79"}},
			Logins: policies.Logins{LockUserAfter: 2}},
		policies.Policy{Group: "admins", Users: []string{"root"},
			Logins: policies.Logins{DelayAfter: 900, LockUserAfter: 900, LockTime: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := *g.b.config.Load()
	cfg.Policies = set
	g.b.Reload(cfg)
	g.b.opt.Pool = lines.NewPool(lines.PoolOptions{})
}

func TestGuessLimitsOfGroups(t *testing.T) {
	for _, tt := range []struct {
		name   string
		site   LoginLimits
		q      session.Guess
		fails  int // until the lock
		locked time.Duration
	}{
		{"no group", someLimits, guess("kim", "84001", 65), 10, 15 * time.Minute},
		{"a group's match", someLimits, guess("vendor-1", "84001", 65), 3, time.Hour},
		{"without a number", someLimits, guess("vendor-1", "", 65), 3, time.Hour},
		{"a group's line", someLimits, guess("kim", "84001", 70), 2, 15 * time.Minute},
		{"the tightest of two", someLimits, guess("vendor-1", "84001", 79), 2, time.Hour},
		{"looser values", someLimits, guess("root", "84001", 65), 10, 15 * time.Minute},
		{"where the site has none", LoginLimits{Window: time.Hour}, guess("vendor-1", "84001", 65), 3, time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inGuard(t, tt.site, func(t *testing.T, g *guard, _ *observer.ObservedLogs) {
				g.strict(t)
				if n := g.fails(50, tt.q); n != tt.fails {
					t.Errorf("locked after %d failures, not %d", n, tt.fails)
				}
				<-time.After(tt.locked - time.Nanosecond)
				if _, no := g.Before(tt.q); no == "" {
					t.Error("the lock ended early")
				}
				<-time.After(time.Nanosecond)
				if _, no := g.Before(tt.q); no != "" {
					t.Errorf("the lock did not end: %s", no)
				}
			})
		})
	}
}

// A group's delay is that of a name. The limits of numbers and lines, which callers of many groups use, are the site's.
func TestGuessDelayOfGroups(t *testing.T) {
	inGuard(t, someLimits, func(t *testing.T, g *guard, _ *observer.ObservedLogs) {
		g.strict(t)
		g.fails(2, guess("vendor-1", "", 65))
		if wait, _ := g.Before(guess("vendor-1", "84001", 66)); wait != 2*time.Second {
			t.Errorf("the name waits %v", wait)
		}
		if wait, no := g.Before(guess("vendor-2", "", 65)); wait != 0 || no != "" {
			t.Errorf("another name on the line waits %v: %q", wait, no)
		}
		if n := g.fails(50, guess("kim", "84009", 65)); n != 10 {
			t.Errorf("a user of no group is locked after %d failures", n)
		}
	})
}
