package broker_test

import (
	"context"
	"testing"
	"time"

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
		if a := w.site(); a.Reserved != (journal.Amount{Calls: 1, Time: time.Hour + 45*time.Second}) {
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
