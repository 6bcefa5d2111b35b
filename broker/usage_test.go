package broker_test

import (
	"context"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// TestUsage: a callback is a call that came in, a dial and a call that was connected, with its price, also without
// ceilings. Without a price, its cost is unknown.
func TestUsage(t *testing.T) {
	for name, c := range map[string]struct {
		tariff          string
		money, unpriced int64
	}{
		"a price":  {prices, 450_000, 0}, // by hand: 0.05, and 4 minutes for 0.10
		"no price": {"", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{tariff: c.tariff}, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("austin-01")
				p.see("Callback initiated", time.Minute)
				p.see("CONNECT", 2*time.Minute)
				w.pass(3*time.Minute + 10*time.Second)
				p.dte.SetDTR(false)
				w.idle(time.Minute)
				u, err := w.broker.Usage(context.Background(), time.Now().Add(-2*time.Hour), time.Now())
				if err != nil || u.Damaged > 0 || u.First.IsZero() || (u.Currency != "") != (c.tariff != "") {
					t.Fatalf("%+v %v", u, err)
				}
				var sum journal.Usage
				for _, h := range u.Hours {
					sum.Incoming += h.Incoming
					sum.Outgoing += h.Outgoing
					sum.Dials += h.Dials
					sum.Failures += h.Failures
					sum.Money += h.Money
					sum.Unpriced += h.Unpriced
					sum.OutgoingTime += h.OutgoingTime
					sum.IncomingTime += h.IncomingTime
				}
				if sum.OutgoingTime < 3*time.Minute || sum.OutgoingTime > 4*time.Minute || sum.IncomingTime == 0 ||
					sum.IncomingTime > time.Minute {
					t.Errorf("the times are %v out, %v in", sum.OutgoingTime, sum.IncomingTime)
				}
				sum.OutgoingTime, sum.IncomingTime = 0, 0
				want := journal.Usage{Incoming: 1, Outgoing: 1, Dials: 1, Money: c.money, Unpriced: c.unpriced}
				if sum != want {
					t.Errorf("%+v, want %+v", sum, want)
				}
			})
		})
	}
}
