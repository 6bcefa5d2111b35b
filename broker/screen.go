package broker

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// Screen asks AAA whether a call that rings may be answered (RADIUS Call-Check); it is a lines.PoolOptions.Screen. It blocks for the answer, at most for
// Limits.CallCheck. Refusal and silence leave the telephone ringing, and so does a Broker that has nobody to ask.
func (b *Broker) Screen(ctx context.Context, r lines.RingingCall) bool {
	if b.draining.Load() {
		return false
	}
	res := aaa.Result{Reason: "no AAA server takes Call-Check"}
	switch {
	case !b.trusted(r.TTY):
		res.Reason = "the line has no modem signals: a caller could write any number (insecure_signals: true accepts that)"
	case b.opt.CallCheck != nil:
		ctx, cancel := context.WithTimeout(ctx, b.opt.Limits.CallCheck)
		defer cancel()
		res = b.opt.CallCheck(ctx, aaa.Request{User: r.Caller, TTY: r.TTY, Caller: r.Caller, Called: r.Called})
	}
	fields := []zap.Field{zap.Int("line", r.TTY), zap.String("caller", r.Caller), zap.String("called", r.Called), zap.Stringer("result", res.Kind),
		zap.String("server", res.Server), zap.String("reason", res.Reason)}
	b.opt.Debug(r.TTY, fmt.Sprintf("Call-Check of %q: %v %s", r.Caller, res.Kind, res.Reason))
	if res.Kind != aaa.Granted {
		b.log.Warn("a call is not answered", fields...)
		return false
	}
	b.log.Info("a call may be answered", fields...)
	return true
}
