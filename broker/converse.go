package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// converse runs the script of an event on a call: `activation` of an incoming one, `system` of an answered callback,
// before its session. The script matches all patterns; "" is none, and without any there is no script. If it fails, the
// Reason of the Outcome says why: the operator requires the dialogue, so the call has no session.
func (b *Broker) converse(ctx context.Context, c *call, cfg *Config, event string, scripts ...string) (
	out session.Outcome) {
	limit := b.opt.Limits.Script
	limited, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the script did not end within %v", limit))
	defer cancel()
	_, err := cfg.Dialer.Converse(limited, c.TTY, c.Call, lines.LogonAs{},
		fmt.Sprintf("%s script of tty%d", event, c.TTY), scripts...)
	if err == nil {
		return out
	}
	out.Cause, out.Reason = aaa.CauseServiceUnavailable, err.Error()
	select {
	case <-c.Done():
		out.Cause = aaa.CauseLostCarrier
	default:
		if e := (session.End{}); errors.As(context.Cause(ctx), &e) {
			out.Cause = e.Cause
		}
	}
	return out
}
