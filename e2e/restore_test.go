package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal/sqlite"
)

// TestRestoredCallbackIsNotDialed: the running daemon is backed up while a callback waits; the callback is dialed and
// ends; the backup is restored. The next daemon dials nothing, and shows the callback as cancelled; with --dial-pending
// it is dialed.
func TestRestoredCallbackIsNotDialed(t *testing.T) {
	t.Parallel()
	for _, dial := range []bool{false, true} {
		town := newCrashTown(t, crashWorld{wait: 5 * time.Second})
		d := town.start(t)
		must := func(err error) {
			if err != nil {
				t.Helper()
				d.kill()
				t.Fatal(err, town.story(d))
			}
		}
		must(d.ready())
		town.callers[0].call()
		must(town.callers[0].hangsUp(d))
		backup := filepath.Join(t.TempDir(), "backup")
		must(sqlite.Backup(t.Context(), town.journal(), backup))
		if c, err := sqlite.Check(t.Context(), filepath.Join(backup, "journal.db")); err != nil || c.Pending != 1 {
			t.Fatalf("the backup has %+v, %v: a pending callback is wanted", c, err)
		}
		must(d.rest(1))
		must(d.stop())
		before := len(town.lineDials())
		r, err := sqlite.Restore(t.Context(), town.journal(), backup, "uid 0", dial)
		if err != nil || before != 1 || len(r.Cancelled)+r.Pending != 1 {
			t.Fatalf("%d dials, %+v, %v", before, r, err)
		}
		d = town.start(t)
		must(d.ready())
		must(d.rest(1))
		all, err := town.client().Callbacks(t.Context(), true)
		must(err)
		must(d.stop())
		dials, phase := len(town.lineDials())-before, all[0].Phase
		if !dial && (dials != 0 || phase != "cancelled" || all[0].Cause != sqlite.RestoredCause) || dial && dials != 1 {
			t.Errorf("restored with dial %v: %d dials, the callback is %s: %s", dial, dials, phase, all[0].Cause)
		}
	}
}
