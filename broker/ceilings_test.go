package broker_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/broker/journal"
)

// site returns the account of all callbacks together.
func (w *town) site() (a journal.Account) {
	w.t.Helper()
	all, bad, err := w.journal.Accounts(context.Background())
	if err != nil || len(bad) > 0 {
		w.t.Fatalf("%v %v", bad, err)
	}
	for _, b := range all {
		if b.Scope == "site" {
			a = b
		}
	}
	return a
}

// TestCeilingOfTheSite: a callback reserves one dial and the longest call, its end settles what it has used, and the
// next one is refused with the text of any other refusal. A restart changes nothing.
func TestCeilingOfTheSite(t *testing.T) {
	o := townOptions{ceilings: []journal.Limit{{Period: journal.Day, Amount: journal.Amount{Calls: 1}}}}
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("austin-01")
		p.see("Callback initiated", time.Minute)
		if a := w.site(); a.Reserved != (journal.Amount{Calls: 1, Time: time.Hour + 5*time.Minute + 45*time.Second}) {
			t.Errorf("reserved are %+v", a.Reserved)
		}
		w.halt()
		w.start()
		w.pass(5 * time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		a := w.site()
		if used := a.Windows[1].Used; a.Reserved != (journal.Amount{}) || used.Calls != 1 || used.Time == 0 ||
			used.Time > 10*time.Minute {
			t.Errorf("reserved are %+v, used %+v", a.Reserved, used)
		}
		p.dte.SetDTR(true)
		p.login("austin-01")
		p.see("Callback not available", time.Minute)
		if n := len(w.dialed()); n != 1 {
			t.Errorf("%d dials", n)
		}
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// prices of the subscriber at 84001: 6.00 per hour, in minutes.
const prices = "prefix,per_minute,per_call,granularity\n84001,0.10,0.05,60/60\n"

// TestCeilingInMoney: a callback reserves the worst cost of its number, and its end settles the price of the call. One
// that does not fit is refused, with an alarm immediately.
func TestCeilingInMoney(t *testing.T) {
	core, logged := observer.New(zap.WarnLevel)
	o := townOptions{tariff: prices, log: zap.New(core), ceilings: []journal.Limit{
		{Period: journal.Month, Amount: journal.Amount{Money: 7_000_000}}}}
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("austin-01")
		p.see("Callback initiated", time.Minute)
		// By hand: an hour, 5 min and 45 s are 66 minutes, and one minute more for rounding up.
		if a := w.site(); a.Reserved.Money != 6_600_000+100_000+50_000 {
			t.Errorf("reserved are %+v", a.Reserved)
		}
		p.see("CONNECT", 2*time.Minute)
		w.pass(3*time.Minute + 10*time.Second)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		// Nobody pays less than the calls that the exchange saw.
		if a := w.site(); a.Reserved != (journal.Amount{}) || a.Windows[2].Used.Money != 450_000 {
			t.Errorf("reserved are %+v, used %+v", a.Reserved, a.Windows[2].Used)
		}
		p.dte.SetDTR(true)
		p.login("austin-01")
		before := time.Now()
		p.see("Callback not available", time.Minute)
		alarms := logged.FilterMessage("callback not promised: it could exceed a ceiling").All()
		if len(alarms) != 1 || alarms[0].Time.Sub(before) > time.Second || alarms[0].Level != zap.ErrorLevel {
			t.Errorf("the alarms are %+v", alarms)
		}
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// TestNoPrice: a number without a rate is not dialed while money is limited.
func TestNoPrice(t *testing.T) {
	for name, csv := range map[string]string{"no tariff": "", "no rate": "prefix,per_minute,granularity\n49,0,1/1\n"} {
		t.Run(name, func(t *testing.T) {
			o := townOptions{tariff: csv, ceilings: []journal.Limit{
				{Period: journal.Month, Amount: journal.Amount{Money: 1 << 40}}}}
			inTown(t, o, func(w *town) {
				p := w.pc(w.home)
				p.login("austin-01")
				p.see("Callback not available", time.Minute)
				if n := len(w.dialed()); n != 0 {
					t.Errorf("%d dials", n)
				}
				p.dte.SetDTR(false)
				w.idle(time.Minute)
			})
		})
	}
}
