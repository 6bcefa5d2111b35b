package broker

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestOrdersAreWaitedFor: Run ends after the goroutines of orders, also those that an order starts.
func TestOrdersAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o orders
		o.wait()
		for range 2 { // again after all have ended
			var ended atomic.Int32
			o.start(func() {
				<-time.After(time.Second)
				o.start(func() {
					<-time.After(time.Second)
					ended.Add(1)
				})
				ended.Add(1)
			})
			o.wait()
			if n := ended.Load(); n != 2 {
				t.Errorf("%d have ended", n)
			}
		}
	})
}
