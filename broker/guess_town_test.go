package broker_test

import (
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lab/exchange"
)

// An attacker who hangs up after each guess is locked out at that number, also after a restart of ringback. Meanwhile
// the user logs in from home and is called back, even if the lock came while the callback was pending.
func TestGuessingThief(t *testing.T) {
	limits := broker.LoginLimits{Window: 12 * time.Hour, DelayAfter: 2, DelayMax: 8 * time.Second, LockUserAfter: 4,
		LockNumberAfter: 30, LockTime: 12 * time.Hour}
	inTown(t, townOptions{callerID: true, line: exchange.ModemConfig{CallerID: true}, limits: limits}, func(w *town) {
		thief := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "thief", Number: "84002"}))
		try := func(word, answer string) {
			t.Helper()
			thief.typ("atdt55555")
			thief.see("Username: ", 2*time.Minute)
			thief.typ("kihei-03")
			thief.see("Password: ", time.Minute)
			thief.typ(word)
			thief.see(answer, time.Minute)
			thief.dte.SetDTR(false)
			w.pass(3 * time.Second)
			thief.dte.SetDTR(true)
		}
		for range 3 {
			try("guess", "% Login invalid")
		}
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("kihei-03")
		p.see("Callback initiated", time.Minute)
		p.see("NO CARRIER", time.Minute)
		p.see("CONNECT", 2*time.Minute)
		try("guess", "% Login invalid") // on the other line
		p.see("Username: ", time.Minute)
		p.typ("kihei-03")
		p.see("Password: ", time.Minute)
		p.typ(password)
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		p.dte.SetDTR(true)

		try(password, "% Too many failures")
		w.halt()
		w.start()
		w.idle(time.Minute)
		try(password, "% Too many failures")
		if n, err := w.broker.ClearLoginLocks(w.t.Context(), "84002", "uid 7"); n != 2 || err != nil {
			t.Errorf("%d cleared: %v", n, err)
		}
		try(password, "Callback initiated")
	})
}
