package broker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
)

// A caller that a group claims by the number that they dialed is in that group too when their callback is checked again
// before the dial, by another process, and when they log in on leg two. On a line without modem signals a caller could
// type the number, so there it claims no one.
func TestGroupOfTheCall(t *testing.T) {
	for _, signals := range []bool{true, false} {
		o := townOptions{noSignals: !signals, callerID: true, line: exchange.ModemConfig{CallerID: true,
			Dialect: exchange.Dialect{CallerIDText: "RING;%s;55555"}}}
		o.policy = func(p *policies.Policy) { p.Group, p.Match.Called = "acme", []string{"5555*"} }
		inTown(t, o, func(w *town) {
			p := w.pc(w.home)
			p.typ("ats0=1")
			p.login("austin-02")
			if !signals {
				p.see("Callback not available", time.Minute) // in the built-in group no caller gives a number
				p.dte.SetDTR(false)
				w.idle(time.Minute)
				return
			}
			p.see("Dialstring: ", time.Minute)
			p.typ("84001")
			p.see("NO CARRIER", time.Minute)
			w.halt()
			w.start()
			p.see("Username: ", 2*time.Minute)
			p.typ("austin-02")
			p.see("Password: ", time.Minute)
			p.typ(password)
			p.see("maui-nas-04>", time.Minute)
			v := w.last()
			if v.Group != "acme" || !strings.Contains(v.Decision.String(), "called 55555") {
				t.Errorf("group %q\n%s", v.Group, v.Decision)
			}
			p.dte.SetDTR(false)
			w.idle(time.Minute)
		})
	}
}
