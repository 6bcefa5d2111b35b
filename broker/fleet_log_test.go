package broker_test

import (
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/broker/fleet/fleettest"
)

// The log says once that a node has joined its fleet again, when its callbacks are resumed.
func TestFleetJoinedAgain(t *testing.T) {
	core, logged := observer.New(zap.InfoLevel)
	inFleet(t, 1, func(_ int, o *townOptions) { o.log = zap.New(core) }, func(_ *fleettest.Fleet, all []*town) {
		const text = "fleet: joined again"
		a := all[0]
		if n := logged.FilterMessage(text).Len(); n != 0 {
			t.Errorf("at the start: %d times", n)
		}
		a.node.Cut(true)
		a.pass(time.Minute)
		if n := logged.FilterMessage(text).Len(); n != 0 {
			t.Errorf("without it: %d times", n)
		}
		a.node.Cut(false)
		a.pass(time.Minute)
		if n := logged.FilterMessage(text).Len(); n != 1 {
			t.Errorf("with it: %d times", n)
		}
	})
}
