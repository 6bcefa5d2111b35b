package broker_test

import (
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
)

// A callback is dialed by the first line of the group's callback_lines that is not busy, and by no other.
func TestCallbackLines(t *testing.T) {
	for _, tt := range []struct {
		visitors int // on the first lines
		leaves   int // the visitor who hangs up
		want     string
	}{{0, -1, "tty66"}, {1, -1, "tty66"}, {2, 1, "tty66"}, {2, 0, "tty65"}} {
		o := townOptions{lines: 4, policy: func(p *policies.Policy) {
			p.CallbackLines = []policies.LineChoice{{First: 66, Last: 66}, {First: 65, Last: 65}}
		}}
		inTown(t, o, func(w *town) {
			var visitors []*pc
			for _, number := range []string{"84002", "84003"}[:tt.visitors] {
				v := w.pc(w.x.AddModem(exchange.ModemConfig{Name: number, Number: number}))
				v.login("paia-04")
				v.see("maui-nas-04>", time.Minute)
				visitors = append(visitors, v)
			}
			p := w.pc(w.home)
			p.typ("ats0=1")
			p.login("kihei-03")
			p.see("NO CARRIER", time.Minute)
			w.pass(time.Minute)
			if n := len(w.dialed()); tt.leaves >= 0 && n != 0 {
				t.Errorf("%+v: %d dials while the lines are busy", tt, n)
			}
			if tt.leaves >= 0 {
				visitors[tt.leaves].dte.SetDTR(false)
			}
			p.see("Username: ", 2*time.Minute)
			if all := w.dialed(); len(all) != 1 || all[0].Modem != tt.want {
				t.Errorf("%+v: %+v", tt, all)
			}
			for _, v := range append(visitors, p) {
				v.dte.SetDTR(false)
			}
			w.idle(time.Minute)
		})
	}
}

// With `same_line: deny` the called line never calls back: where there is no other, nothing is promised.
func TestSameLine(t *testing.T) {
	for _, lines := range []int{1, 2} {
		o := townOptions{lines: lines, policy: func(p *policies.Policy) { p.OtherLine = true }}
		inTown(t, o, func(w *town) {
			p := w.pc(w.home)
			p.typ("ats0=1")
			p.login("austin-01")
			if lines == 1 {
				p.see("Callback not available", time.Minute)
			} else {
				p.see("maui-nas-04>", 2*time.Minute)
				if all := w.dialed(); len(all) != 1 || all[0].Modem != "tty66" {
					t.Errorf("%+v", all)
				}
			}
			p.dte.SetDTR(false)
			w.idle(time.Minute)
		})
	}
}
