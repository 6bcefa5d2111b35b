package broker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/lab/exchange"
)

// asksFor logs in as a user who may choose the number, and gives one.
func (p *pc) asksFor(dial, number string) {
	p.t.Helper()
	p.typ("atdt" + dial)
	p.see("Username: ", 2*time.Minute)
	p.typ("austin-02")
	p.see("Password: ", time.Minute)
	p.typ(password)
	p.see("Callback Dialstring: ", time.Minute)
	p.typ(number)
}

// A number that is calling now is not dialed until its call is over, and waiting for that is no attempt.
func TestCallingNumberIsNotDialed(t *testing.T) {
	o := townOptions{lines: 3, callerID: true, line: exchange.ModemConfig{CallerID: true}}
	inTown(t, o, func(w *town) {
		home := w.pc(w.home)
		home.typ("ats0=1")
		home.login("paia-04")
		home.see("maui-nas-04>", time.Minute)
		other := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "other", Number: "84002"}))
		other.asksFor("55555", "84001")
		other.see("Callback initiated", time.Minute)
		w.pass(15 * time.Second)
		if d := w.dialed(); len(d) > 0 {
			t.Errorf("dialed %+v while 84001 was on another line", d)
		}
		v := w.last()
		if len(v.Attempt) > 1 || !strings.Contains(fmt.Sprint(v.History), "84001 is calling on tty") {
			t.Errorf("%+v", v)
		}
		home.typ("exit")
		home.see("NO CARRIER", time.Minute)
		home.see("Username: ", 3*time.Minute)
		if d := w.dialed(); len(d) != 1 || d[0].Number != "84001" {
			t.Errorf("dialed %+v", d)
		}
	})
}

// Two users cannot have callbacks to one number at the same time. The second hears nothing about the first.
func TestNumberWithPendingCallback(t *testing.T) {
	inTown(t, townOptions{lines: 3, forcedWait: 30 * time.Second}, func(w *town) {
		home := w.pc(w.home)
		home.typ("ats0=1")
		home.login("kihei-03")
		home.see("Callback initiated", time.Minute)
		other := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "other", Number: "84002"}))
		other.asksFor("55555", "84001")
		if got := other.see("Callback not available", time.Minute); strings.Contains(got, "pending") {
			t.Errorf("the second caller reads %q", got)
		}
		if v := w.last(); v.User != "kihei-03" {
			t.Errorf("promised to %s", v.User)
		}
	})
}

// neighbor boots another ringback in the same exchange, whose lines have a number.
func (w *town) neighbor(number string) *town {
	n := &town{t: w.t, opt: w.opt, dir: w.t.TempDir(), x: w.x}
	for i := range w.opt.lines {
		c := w.opt.line
		c.Name, c.Number = fmt.Sprintf("far%d", i), number
		n.lines = append(n.lines, w.x.AddModem(c))
	}
	n.start()
	n.idle(time.Minute)
	return n
}

// A callback between two ringbacks ends by itself: neither can log in to the other, and what a called party types
// causes no callback. Both have a user who asks for a callback at the other's number, at the same time.
func TestTwoRingbacks(t *testing.T) {
	o := townOptions{lines: 3, number: "84200", attempts: 3, callerID: true, line: exchange.ModemConfig{CallerID: true}}
	inTown(t, o, func(w *town) {
		far := w.neighbor("84100")
		defer far.halt()
		one := w.pc(w.home)
		one.asksFor("84200", "84100")
		two := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "two", Number: "84002"}))
		two.asksFor("84100", "84200")
		one.see("Callback initiated", time.Minute)
		two.see("Callback initiated", time.Minute)
		w.pass(30 * time.Minute)
		w.idle(time.Second)
		far.idle(time.Second)
		for _, side := range []*town{w, far} {
			all, _, err := side.broker.CallbackList(context.Background(), broker.CallbackQuery{All: true})
			if err != nil || len(all) != 1 || callback.Phase(all[0].Phase).Pending() {
				t.Errorf("callbacks: %+v, %v", all, err)
			}
		}
		if dials := w.x.Dials(); len(dials) != 4 || dials[2].Number != "84100" || dials[3].Number != "84200" {
			t.Errorf("dialed: %+v", dials)
		}
	})
}
