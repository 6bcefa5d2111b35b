package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
)

// activate runs the activation script of the line on an incoming call. If it fails, the Reason of the Outcome says why:
// the script is part of what the operator requires of a caller, so the call has no session.
func (b *Broker) activate(ctx context.Context, c *call, cfg *Config) (out session.Outcome) {
	what := fmt.Sprintf("activation script of tty%d", c.TTY)
	err := b.converse(ctx, c, cfg, what, cfg.Lines[c.TTY].ActivationScript)
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

// converse runs a script on a call, with a limit of time.
func (b *Broker) converse(ctx context.Context, c *call, cfg *Config, what, script string) error {
	limit := b.opt.Limits.Script
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the script did not end within %v", limit))
	defer cancel()
	return cfg.Dialer.Converse(ctx, c.Call, what, script)
}
