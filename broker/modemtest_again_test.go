package broker_test

import (
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lab/exchange"
)

// A stranger who calls the called line at any moment, and again as soon as they are hung up, delays no test: each gives
// its result within the time of an ordinary one, and the first one without the stranger passes.
func TestModemTestWhileStrangerRedials(t *testing.T) {
	const most = 40 * time.Second
	for after := time.Duration(0); after <= 20*time.Second; after += 2 * time.Second {
		inTown(t, townOptions{tests: allTests, callerID: after%(4*time.Second) == 0}, func(w *town) {
			over, ended := make(chan bool), make(chan bool)
			go func() {
				defer close(ended)
				for pause := after; ; pause = 2 * time.Second {
					select {
					case <-over:
						return
					case <-time.After(pause):
					}
					if w.home.State() == exchange.OnHook {
						w.x.Ring(w.home, w.lines[1])
					}
				}
			}()
			for i := range 3 {
				began := time.Now()
				got, err := w.test(broker.TestOrder{TTY: 65, With: 66})
				if d := time.Since(began); d > most || got.Result == broker.TestFailed {
					t.Errorf("after %v: test %d took %v: %+v, %v", after, i, d, got, err)
				}
			}
			close(over)
			<-ended
			w.pc(w.home).dte.SetDTR(false)
			w.idle(5 * time.Minute)
			if got, err := w.test(broker.TestOrder{TTY: 65, With: 66}); err != nil || got.Result != broker.TestPassed {
				t.Errorf("after %v, without the stranger: %+v, %v", after, got, err)
			}
		})
	}
}
