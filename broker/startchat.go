package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
)

// errNoPattern is the error of StartChat without a name.
var errNoPattern = errors.New("no chat script was named")

// StartChat runs a chat script for an operator, like IOS's `start-chat`, and blocks until
// it has ended, at most Limits.Script. The script is the first one whose name matches. It talks to the modem of a line
// that nothing uses, under a lease, and cannot dial; or, with c.Own, to the caller on that line; or, with c.Number, it
// dials it (dialChat), at most Limits.Dial. The audit has it before it begins. An error says why it was not run, or how
// it failed.
func (b *Broker) StartChat(ctx context.Context, c lines.Chat) (out lines.Chatted, err error) {
	if c.Pattern == "" {
		return out, errNoPattern
	}
	d := b.config.Load().Dialer
	if err := d.Check(c.Pattern); err != nil {
		return out, err
	}
	if c.Number != "" {
		return b.dialChat(ctx, c)
	}
	limit := b.opt.Limits.Script
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the script did not end within %v", limit))
	defer cancel()
	what := fmt.Sprintf("start-chat on tty%d", c.TTY)
	begins := events.ChatStarted{Line: c.TTY, Script: c.Pattern, By: c.By}
	if c.Own != nil {
		b.Happened(begins)
		return d.Converse(ctx, c.TTY, c.Own, lines.LogonAs{}, what, c.Pattern)
	}
	unused := b.opt.Pool.Use(ctx, c.TTY, "start-chat by "+c.By, func(ctx context.Context, l *lines.Lease) {
		b.Happened(begins)
		out, err = d.Command(ctx, l, what, c.Pattern)
	})
	if unused != nil {
		return out, unused
	}
	return out, err
}
