package broker

import (
	"context"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// Screen asks AAA whether a ringing call may be answered (RADIUS Call-Check); it is a lines.PoolOptions.Screen. A call
// from a number whose user is called back after a missed call (Config.Triggers) is left ringing until ctx ends. It
// blocks until the answer, at most Limits.CallCheck. If AAA rejects the call or is silent, or no server can be asked,
// the call is left ringing. It is left ringing too if the user is called back instead (`callback_on_ring: allow`); then
// Screen blocks until ctx ends, which is when the ringing ends.
func (b *Broker) Screen(ctx context.Context, r lines.RingingCall) bool {
	if b.draining.Load() {
		return false
	}
	defer b.rang(r)()
	if b.missedCall(ctx, r) || r.Voice {
		return false
	}
	if c, ok := b.opt.Pool.Config(r.TTY); ok && c.MissedCalls && !c.CallCheck {
		return true // it is asked for missed calls only
	}
	res := aaa.Result{Reason: "no AAA server supports Call-Check"}
	switch {
	case !b.trusted(r.TTY):
		res.Reason = "the line has no modem signals: a caller could forge any number (insecure_signals: true " +
			"accepts this)"
	case b.opt.CallCheck != nil:
		res = b.callCheck(ctx, r)
	}
	may := res.Kind == aaa.Granted
	v, onRing := session.Verdict{}, false
	if may {
		if v, onRing = b.onRing(ctx, r, res); onRing {
			may, res.Reason = false, v.Reason
		}
	}
	b.publish(events.CallScreened{
		Line: r.TTY, Caller: r.Caller, Called: r.Called, Result: res.Kind.String(), Server: res.Server,
		Reason: res.Reason, Answered: may,
	})
	if onRing {
		b.untilQuiet(ctx, v.CallbackID)
	}
	return may
}

func (b *Broker) callCheck(ctx context.Context, r lines.RingingCall) aaa.Result {
	ctx, cancel := context.WithTimeout(ctx, b.opt.Limits.CallCheck)
	defer cancel()
	return b.opt.CallCheck(ctx, aaa.Request{User: r.Caller, TTY: r.TTY, Caller: r.Caller, Called: r.Called})
}
