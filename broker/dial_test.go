package broker_test

import (
	"testing"
	"time"

	"github.com/ringback/ringback/policies"
)

// The group's script dials instead of the line's, after the longer of the group's and the line's waits. A pending
// callback keeps both over a restart with another policy.
func TestDialOfTheGroup(t *testing.T) {
	for _, tt := range []struct {
		then   policies.Dial
		script string // as recorded
		wait   time.Duration
	}{
		{policies.Dial{}, "rtp", 20 * time.Second},
		{policies.Dial{Script: "exec-callback", Wait: time.Minute}, "^exec-callback$", time.Minute},
		{policies.Dial{Script: "exec-callback", Wait: time.Second}, "^exec-callback$", 20 * time.Second},
	} {
		for _, restart := range []bool{false, true} {
			now := tt.then
			o := townOptions{forcedWait: 20 * time.Second, policy: func(p *policies.Policy) { p.Dial = now }}
			inTown(t, o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("austin-01")
				p.see("NO CARRIER", time.Minute)
				if restart {
					w.pass(10 * time.Second)
					w.halt()
					now = policies.Dial{Script: "ppp-callback"} // of later promises
					w.start()
				}
				began := time.Now() // a restart begins the wait again
				if !restart {
					began = time.Time{}
				}
				p.see("maui-nas-04>", 3*time.Minute)
				if began.IsZero() {
					began = happened(w.last(), "HungUp")
				}
				if d := w.dialed()[0].Time.Sub(began); d < tt.wait || d > tt.wait+5*time.Second {
					t.Errorf("%+v, restart %v: dialed after %v, not %v", tt.then, restart, d, tt.wait)
				}
				if a := w.last().Attempt; len(a) != 1 || a[0].Script != tt.script {
					t.Errorf("%+v, restart %v: %+v", tt.then, restart, a)
				}
				p.dte.SetDTR(false)
				w.idle(time.Minute)
			})
		}
	}
}
