package modem

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/lines"
)

// On a port without signals, a reset during which a call comes in proves nothing: the modem may have answered, and its
// caller may imitate it. Somebody who calls again and again would keep the line out of service. So after some resets in
// vain the driver first waits until nobody rings; if the caller rings on, it answers the call and hangs it up. Then the
// reset begins as after any call, and has the time that the caller needs to call again.

// patientResets is how many resets in a row a call may make void before the driver waits for the end of the ringing.
const patientResets = 3

// longestRinging is how long the driver waits for the end of a ringing that it must not answer.
const longestRinging = 5 * time.Minute

// answerBriefly is how long an answered call is kept before it is hung up: the exchange must have noticed the answer.
const answerBriefly = 2 * time.Second

// disturbedReset counts the resets that a call has made void, and names that in the error of a further one.
func (d *Driver) disturbedReset(err error) error {
	switch {
	case err == nil:
		d.rungIn = 0
	case errors.Is(err, errDisturbed):
		if d.rungIn++; d.rungIn >= patientResets {
			return d.ringing("")
		}
	}
	return err
}

// ringing is the error of a line on which somebody rings during each reset.
func (d *Driver) ringing(more string) error {
	return &lines.Failed{Kind: lines.FailRinging, Err: errDisturbed,
		Text: fmt.Sprintf("%v, %d times in a row%s", errDisturbed, d.rungIn, more)}
}

// endRinging returns when nobody has rung for Timing.Rings. A call that rings on is answered and hung up, where the
// line may answer any call; elsewhere the error says that the line waits for its end.
func (d *Driver) endRinging(ctx context.Context) error {
	c := d.o.Config
	mayAnswer := !d.screens() && c.Modem != lines.CallOut
	for end := time.Now().Add(longestRinging); ; {
		d.watch()
		err := d.await(ctx, d.t.Rings, func() bool { return d.disturbed })
		switch {
		case err == errWaited:
			return nil
		case err != nil:
			return err
		case mayAnswer:
			return d.refuse(ctx)
		case !time.Now().Before(end):
			return d.ringing("; it must not be answered (call_check, modem: callout)")
		}
	}
}

// refuse answers a call and hangs it up.
func (d *Driver) refuse(ctx context.Context) error {
	d.debug("%v, %d times in a row: the call is answered and hung up", errDisturbed, d.rungIn)
	d.host.Count(lines.CallsMissed)
	_, err := d.command(ctx, order{text: cmp.Or(d.o.Config.Profile.Answer, defaultAnswer) + "\r", limit: answerBriefly,
		wants: func(c lines.ResultCode) bool { return c != lines.OK && c != lines.Ring }})
	if err == errWaited {
		return d.abort(ctx)
	}
	return err // a call that is connected is hung up by the escapes that follow
}
