package broker_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/dialer"
	"github.com/ringback/ringback/lab/exchange"
)

// A reload that changes what the broker knows of the lines applies to the next call. No port is touched, and a call
// that is up continues as it began.
func TestReloadOfLines(t *testing.T) {
	srv := &books{}
	o := townOptions{lines: 3, accountant: srv, accounting: map[string]broker.AccountingList{"default": {},
		"later": {}}}
	inTown(t, o, func(w *town) {
		visitor := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "visitor", Number: "84002"}))
		visitor.login("paia-04")
		visitor.see("maui-nas-04>", time.Minute)

		before := w.pool.Lines()
		w.broker.Reload(w.reloaded())
		w.pass(time.Minute)
		if after := w.pool.Lines(); !reflect.DeepEqual(before, after) {
			t.Errorf("the reload touched the lines: %+v, before %+v", after, before)
		}
		visitor.typ("show privilege")
		visitor.see("Current privilege level is 1", time.Minute)

		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("later-06") // not a user of the old list
		p.see("Callback initiated", time.Minute)
		p.see("maui-nas-04>", 2*time.Minute)
		v := w.last()
		if wait := w.dialed()[0].Time.Sub(happened(v, "HungUp")); wait < 30*time.Second || wait > 31*time.Second {
			t.Errorf("dialed %v after the hang-up, the new forced wait is 30 s", wait)
		}
		if got := v.Attempt[0].Script; got != "later" {
			t.Errorf("dialed by chat script %q, the new one is later", got)
		}
		p.dte.SetDTR(false)
		visitor.typ("exit")
		visitor.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
	})
	for _, r := range srv.all() {
		want := map[string]string{"paia-04": "", "later-06": "later"}[r.User]
		if r.User != "" && r.List != want {
			t.Errorf("%s of %s has list %q, want %q", r.Type, r.User, r.List, want)
		}
	}
	if got := srv.types(); strings.Count(got, "stop later") != 2 { // both legs
		t.Error(got)
	}
}

// Law 8: a reload while a callback waits shortens no wait, not even with a CoA delay, after which the wait is computed
// again.
func TestReloadShortensNoWait(t *testing.T) {
	for name, delay := range map[string]time.Duration{"the reload": 0, "the reload and a delay": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{}, func(w *town) {
				slow := w.config()
				l := slow.Lines[66] // which will call back
				l.ForcedWait = time.Minute
				slow.Lines[66] = l
				w.broker.Reload(slow)
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("austin-01")
				p.see("Callback initiated", time.Minute)
				p.see("NO CARRIER", time.Minute)
				w.pass(10 * time.Second)

				fast := w.config()
				for tty, l := range fast.Lines {
					l.ForcedWait = 0
					fast.Lines[tty] = l
				}
				w.broker.Reload(fast)
				if delay > 0 {
					change := broker.Change{DelayCallback: delay}
					if _, err := w.broker.Change(context.Background(), broker.Selector{User: "austin-01"},
						change); err != nil {
						t.Fatal(err)
					}
				}
				p.see("maui-nas-04>", 3*time.Minute)
				if wait := w.dialed()[0].Time.Sub(happened(w.last(), "HungUp")); wait < time.Minute ||
					wait > 61*time.Second {
					t.Errorf("dialed %v after the hang-up, the forced wait was 1 min", wait)
				}
				p.dte.SetDTR(false)
				w.idle(time.Minute)
			})
		})
	}
}

// If accounting is configured only by a reload, it begins with the next call.
func TestReloadBeginsAccounting(t *testing.T) {
	srv := &books{}
	none := map[string]broker.AccountingList{"default": {Record: broker.NoRecording}}
	inTown(t, townOptions{accountant: srv, accounting: none}, func(w *town) {
		session := func() {
			p := w.pc(w.home)
			p.login("paia-04")
			p.see("maui-nas-04>", time.Minute)
			p.typ("exit")
			p.see("NO CARRIER", time.Minute)
			w.idle(time.Minute)
		}
		session()
		if got := srv.types(); got != "" {
			t.Errorf("recorded though nothing is accounted: %s", got)
		}
		c := w.config()
		c.Accounting = map[string]broker.AccountingList{"default": {}}
		w.broker.Reload(c)
		session()
		if got := srv.types(); got != "start, stop" {
			t.Errorf("recorded after the reload: %q", got)
		}
	})
}

// reloaded returns the configuration with another login list, script, wait and accounting list on each line.
func (w *town) reloaded() broker.Config {
	w.t.Helper()
	later, err := aaa.NewLocal([]aaa.User{
		{Name: "later-06", Password: password, Callback: &aaa.UserCallback{Dialstring: aaa.DialstringOf("84001"),
			NoVerify: true}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	c := w.config()
	for tty, l := range c.Lines {
		l.Login = aaa.Login{Authentication: aaa.Lists{aaa.EXEC: {Name: "later", Entries: []aaa.Method{later}}}}
		l.CallbackScript, l.ForcedWait, l.Accounting = "later", 30*time.Second, "later"
		c.Lines[tty] = l
	}
	c.Dialer = &dialer.Dialer{Scripts: []*chat.Script{
		script(w.t, "offhook", `"" "ATH1" OK`),
		script(w.t, "later", `ABORT ERROR "" "AT" OK "ATDT \T" TIMEOUT 45 CONNECT \c`),
	}}
	return c
}

// happened returns when an event of a callback's history was recorded.
func happened(v broker.CallbackView, what string) time.Time {
	for _, h := range v.History {
		if h.What == what {
			return h.Time
		}
	}
	return time.Time{}
}
