package broker_test

import (
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
)

// Some AAA servers ignore the letter case of names. A thief who knows a password has one callback at a time and the
// ceilings of one user, however the name is typed.
func TestOtherSpellingIsTheSameUser(t *testing.T) {
	o := townOptions{forcedWait: 3 * time.Minute, lines: 4, policy: func(p *policies.Policy) {
		p.Limits.User.Day.Calls = 1
	}}
	inTown(t, o, func(w *town) {
		ask := func(p *pc, user, number, answer string) {
			t.Helper()
			p.login(user)
			p.see("Callback Dialstring: ", time.Minute)
			p.typ(number)
			p.see(answer, time.Minute)
		}
		home := w.pc(w.home)
		home.typ("ats0=1")
		ask(home, "austin-02", "84001", "Callback initiated")
		home.see("NO CARRIER", time.Minute)
		thief := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "thief", Number: "84002"}))
		ask(thief, "AUSTIN-02", "84002", "Callback already pending")
		thief.dte.SetDTR(false)
		home.see("CONNECT", 10*time.Minute)
		home.typ("austin-02")
		home.see("Password: ", time.Minute)
		home.typ(password)
		home.see(">", time.Minute)
		home.typ("exit")
		home.see("NO CARRIER", time.Minute)
		thief.dte.SetDTR(true)
		ask(thief, "AUSTIN-02", "84002", "Callback not available")
		thief.dte.SetDTR(false)
		if a := w.account("user", "austin-02"); a.Windows[1].Used.Calls != 1 {
			t.Errorf("%+v", a)
		}
		w.idle(5 * time.Minute)
	})
}
