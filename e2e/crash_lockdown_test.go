package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/journal/sqlite"
)

// TestPeerCrashLockdown kills the daemon at its last syncs to disk before an operator's order of a lockdown is
// acknowledged, while a callback is pending. An order that was acknowledged is in force in the next daemon, and nothing
// is dialed before it is lifted. An order without an answer is in force or not; the callback is dialed only if it is
// not.
func TestPeerCrashLockdown(t *testing.T) {
	t.Parallel()
	strace := crashStrace(t)
	play := func(n int) (syncs int, hit, kept bool) {
		town := newCrashTown(t, crashWorld{wait: time.Second})
		syncs, hit, kept, err := town.lockdown(t, strace, n)
		if err != nil {
			t.Errorf("killed at sync %d: %v", n, err)
		}
		return syncs, hit, kept
	}
	whole, _, kept := play(1000) // no life has as many
	if !kept {
		t.Fatal("a daemon killed after the order: the next one is not locked")
	}
	hits, locked := 0, 0
	for n := whole - 2; n <= whole+1 && !t.Failed(); n++ {
		_, hit, kept := play(n)
		if hit {
			hits++
		}
		if kept {
			locked++
		}
	}
	t.Logf("%d syncs; killed 4 times around the last one, %d times before the order was acknowledged; %d next daemons "+
		"were locked", whole, hits, locked)
	if hits == 0 && !t.Failed() {
		t.Error("no daemon was killed before its answer: that proves nothing")
	}
}

// lockdown is a callback that is pending when a lockdown is ordered, with a daemon that is killed at its n-th sync, and
// the next daemon. kept: the lockdown was in force in the next one.
// syncs is how many its busiest thread had made.
func (town *crashTown) lockdown(t *testing.T, strace string, n int) (syncs int, hit, kept bool, err error) {
	log := filepath.Join(town.dir, "strace")
	first := town.start(t, strace, "-D", "-f", "-o", log, "-e", "trace=fsync,fdatasync",
		"-e", fmt.Sprintf("inject=fsync,fdatasync:signal=KILL:when=%d", n))
	var second *crashDaemon
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, town.story(first, second))
		}
	}()
	var told client.Lockdown
	if err := first.ready(); err == nil {
		town.callers[0].call()
		if err := town.callers[0].hangsUp(first); err == nil {
			told, err = town.client().OrderLockdown(t.Context(), "toll fraud", false)
			if err != nil && first.until("the end", func(context.Context) bool { return false }) != errCrashEnded {
				return 0, false, false, err
			}
		}
	}
	acknowledged := told.Active && told.OnDisk
	hit = first.over()
	first.kill()
	trace, err := crashTrace(log, first.cmd.Process.Pid)
	if err != nil {
		return 0, hit, false, err
	}
	threads := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^(\d+) +f\w*sync\(`).FindAllStringSubmatch(trace, -1) {
		threads[m[1]]++
		syncs = max(syncs, threads[m[1]])
	}
	dials := len(town.lineDials())
	second = town.start(t)
	if err := second.ready(); err != nil {
		return syncs, hit, false, err
	}
	now, err := town.client().Lockdown(t.Context())
	if err != nil {
		return syncs, hit, false, err
	}
	if acknowledged && (!now.Active || !now.OnDisk || now.Reason != "toll fraud") {
		return syncs, hit, false, fmt.Errorf("acknowledged %+v, and the next daemon has %+v", told, now)
	}
	if now.Active {
		<-time.After(2 * town.wait)
		if d := len(town.lineDials()); d != dials {
			return syncs, hit, true, fmt.Errorf("%d dials during the lockdown", d-dials)
		}
		if err := town.client().LiftLockdown(t.Context(), ""); err != nil {
			return syncs, hit, true, err
		}
	}
	if err := second.rest(0); err != nil {
		return syncs, hit, now.Active, err
	}
	return syncs, hit, now.Active, second.stop()
}

// TestRestoredLockdown: a restored journal has the lockdown of its backup. One that was made before the lockdown has
// none, so the operator repeats the order.
func TestRestoredLockdown(t *testing.T) {
	t.Parallel()
	town := newCrashTown(t, crashWorld{})
	d := town.start(t)
	must := func(err error) {
		if err != nil {
			t.Helper()
			d.kill()
			t.Fatal(err, town.story(d))
		}
	}
	must(d.ready())
	before, during := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "backup")
	must(sqlite.Backup(t.Context(), town.journal(), before))
	_, err := town.client().OrderLockdown(t.Context(), "toll fraud", true)
	must(err)
	must(sqlite.Backup(t.Context(), town.journal(), during))
	must(town.client().LiftLockdown(t.Context(), ""))
	must(d.stop())
	for _, tt := range []struct {
		backup string
		want   bool
	}{{during, true}, {before, false}} {
		_, err := sqlite.Restore(context.Background(), town.journal(), tt.backup, "uid 0", false)
		must(err)
		d = town.start(t)
		must(d.ready())
		now, err := town.client().Lockdown(t.Context())
		must(err)
		if now.Active != tt.want || now.Sessions != tt.want {
			t.Errorf("restored: %+v", now)
		}
		must(d.stop())
	}
}
