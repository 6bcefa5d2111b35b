package broker

import (
	"context"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
)

// Screen asks AAA whether a ringing call may be answered (RADIUS Call-Check); it is a lines.PoolOptions.Screen. It
// blocks until the answer, at most Limits.CallCheck. If AAA rejects the call or is silent, or no server can be asked,
// the call is left ringing.
func (b *Broker) Screen(ctx context.Context, r lines.RingingCall) bool {
	if b.draining.Load() {
		return false
	}
	res := aaa.Result{Reason: "no AAA server supports Call-Check"}
	switch {
	case !b.trusted(r.TTY):
		res.Reason = "the line has no modem signals: a caller could forge any number (insecure_signals: true " +
			"accepts this)"
	case b.opt.CallCheck != nil:
		ctx, cancel := context.WithTimeout(ctx, b.opt.Limits.CallCheck)
		defer cancel()
		res = b.opt.CallCheck(ctx, aaa.Request{User: r.Caller, TTY: r.TTY, Caller: r.Caller, Called: r.Called})
	}
	may := res.Kind == aaa.Granted
	b.publish(events.CallScreened{
		Line: r.TTY, Caller: r.Caller, Called: r.Called, Result: res.Kind.String(), Server: res.Server,
		Reason: res.Reason, Answered: may,
	})
	return may
}
