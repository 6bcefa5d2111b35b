package broker_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
)

// profiled is a town whose modems report the called number, 55555, with a profile for one call and one overflow call.
func profiled(lines int) (townOptions, *observer.ObservedLogs) {
	core, logs := observer.New(zap.InfoLevel)
	return townOptions{lines: lines, callerID: true, log: zap.New(core),
		line: exchange.ModemConfig{CallerID: true, Dialect: exchange.Dialect{CallerIDText: "RING;%s;55555"}},
		policy: func(p *policies.Policy) {
			p.Match.Called, p.Profile = []string{"5555*"}, policies.Profile{Base: 1, Overflow: 1}
		}}, logs
}

// The call beyond the base is marked; the one beyond the overflow rings until another is over.
func TestProfile(t *testing.T) {
	o, logs := profiled(4)
	inTown(t, o, func(w *town) {
		var callers []*pc
		for _, number := range []string{"84001", "84002", "84003"} {
			m := w.home
			if number != "84001" {
				m = w.x.AddModem(exchange.ModemConfig{Name: number, Number: number})
			}
			p := w.pc(m)
			p.typ("ats7=255dt55555")
			callers = append(callers, p)
			if number != "84003" {
				p.see("Username: ", time.Minute)
			}
		}
		third := callers[2]
		if got, ok := third.await("CONNECT", 30*time.Second); ok {
			t.Errorf("the third call was answered: %q", got)
		}
		on := w.broker.OnLines()
		if len(on) != 2 || on[0].Overflow || !on[1].Overflow || on[0].Profile != "default" {
			t.Errorf("%+v", on)
		}
		if n := logs.FilterMessage("overflow call").Len(); n != 1 {
			t.Errorf("%d overflow calls", n)
		}
		const full = "call rejected: the called number has too many calls"
		if got := logs.FilterMessage(full); got.Len() != 1 || got.All()[0].ContextMap()["caller"] != "84003" {
			t.Errorf("%+v", got.All())
		}
		callers[0].dte.SetDTR(false)
		third.see("Username: ", time.Minute)
		callers[1].dte.SetDTR(false)
		third.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// Of calls that ring at the same moment, as many as the profile allows stay up; the others are hung up without a text.
func TestProfileAfterTheAnswer(t *testing.T) {
	o, logs := profiled(6)
	inTown(t, o, func(w *town) {
		var callers []*pc
		for _, number := range []string{"84002", "84003", "84004", "84005", "84006"} {
			p := w.pc(w.x.AddModem(exchange.ModemConfig{Name: number, Number: number}))
			p.typ("ats7=255dt55555")
			callers = append(callers, p)
		}
		w.pass(20 * time.Second)
		served, rejected := 0, 0
		for _, p := range callers {
			got, ok := p.await("NO CARRIER", time.Second)
			switch {
			case ok && strings.Contains(got, "CONNECT") && !strings.ContainsAny(got, "%:"):
				rejected++
			case ok:
				t.Errorf("a rejected caller read %q", got)
			default:
				served++
			}
		}
		if on := w.broker.OnLines(); len(on) != 2 || served != 2 || rejected != 3 {
			t.Errorf("%d calls are up, %d callers are rejected: %+v", served, rejected, on)
		}
		if n := logs.FilterField(zap.Bool("answered", true)).Len(); n != 3 {
			t.Errorf("%d calls were rejected after the answer", n)
		}
		for _, p := range callers {
			p.dte.SetDTR(false)
		}
		w.idle(time.Minute)
	})
}

// A reload applies to the calls that are up.
func TestProfileReloaded(t *testing.T) {
	o, _ := profiled(3)
	with := o.policy
	o.policy = nil
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.typ("atdt55555")
		p.see("Username: ", time.Minute)
		w.opt.policy = func(p *policies.Policy) { with(p); p.Profile.Overflow = 0 }
		w.broker.Reload(w.config())
		second := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "84002", Number: "84002"}))
		second.typ("ats7=255dt55555")
		if got, ok := second.await("CONNECT", 30*time.Second); ok {
			t.Errorf("the second call was answered: %q", got)
		}
		w.opt.policy = nil
		w.broker.Reload(w.config())
		second.see("Username: ", time.Minute)
		for _, p := range []*pc{p, second} {
			p.dte.SetDTR(false)
		}
		w.idle(time.Minute)
	})
}
