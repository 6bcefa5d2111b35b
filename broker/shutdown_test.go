package broker_test

import (
	"testing"
	"time"
)

// TestShutdownInAnAttempt: a shutdown that interrupts an attempt or the login on leg two, at several moments, leaves
// the callback as a crash does: the attempt counts, and the next start goes on with the budget.
func TestShutdownInAnAttempt(t *testing.T) {
	for at := time.Duration(0); at < 30*time.Second; at += 4700 * time.Millisecond {
		inTown(t, townOptions{attempts: 2}, func(w *town) {
			p := w.pc(w.home)
			p.typ("ats0=1")
			p.login("kihei-03")
			p.see("Callback initiated", time.Minute)
			w.until("dialing", time.Minute)
			w.pass(at)
			w.halt()
			p.await("\x00", time.Second) // what the first attempt has written
			w.start()
			p.see("Username: ", 10*time.Minute)
			p.typ("kihei-03")
			p.see("Password: ", time.Minute)
			p.typ(password)
			p.see("maui-nas-04>", time.Minute)
			p.dte.SetDTR(false)
			w.idle(time.Minute)
			if v := w.last(); v.Phase != "completed" || v.Attempts != 2 || len(w.dialed()) != 2 {
				t.Errorf("%v: %s: %s after %d attempts, %d dials", at, v.Phase, v.Cause, v.Attempts, len(w.dialed()))
			}
		})
	}
}
