package modem

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ringback/ringback/lines"
)

// errWaited is returned by await at its time limit.
var errWaited = errors.New("no answer in time")

// errRings is returned by command if ringing continues, because the modem has lost the command.
var errRings = errors.New("still ringing")

// startAlarm starts the timer of the token's holder, which waits for one thing at a time.
func (d *Driver) startAlarm(wait time.Duration) *time.Timer {
	if d.alarm == nil {
		d.alarm = time.NewTimer(wait)
	} else {
		d.alarm.Reset(wait)
	}
	return d.alarm
}

// await blocks until cond is true, the time limit passes, the port is lost or ctx ends. It calls cond with d.mu held.
// Only the token's holder may call await.
func (d *Driver) await(ctx context.Context, limit time.Duration, cond func() bool) error {
	t := d.startAlarm(limit)
	defer t.Stop()
	for {
		d.mu.Lock()
		ok, lost, port := cond(), d.lost, d.port
		d.mu.Unlock()
		switch {
		case ok:
			return nil
		case lost != nil:
			return fmt.Errorf("%w: %w", lines.ErrDown, lost)
		}
		select {
		case <-d.notify:
		case <-port.Changes():
			d.lookAtSignals()
		case <-t.C:
			return errWaited
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// pause waits for a fixed time.
func (d *Driver) pause(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	if err := d.await(ctx, wait, func() bool { return false }); err != errWaited {
		return err
	}
	return nil
}

// gap waits until the modem accepts a command: until its current line is complete, because a script sees OK before
// its line end, and for a moment after a result code, when some modems ignore input.
func (d *Driver) gap(ctx context.Context) error {
	d.mu.Lock()
	half, wait := len(d.split.line) > 0, time.Until(d.lastCode.Add(d.t.CommandGap))
	d.mu.Unlock()
	if half {
		err := d.await(ctx, d.t.Command/6, func() bool { return len(d.split.line) == 0 })
		if err != nil && err != errWaited {
			return err
		}
		d.mu.Lock()
		wait = time.Until(d.lastCode.Add(d.t.CommandGap))
		d.mu.Unlock()
	}
	if wait <= 0 {
		return nil
	}
	t := d.startAlarm(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// send writes to the port's command line. In debug output, shown replaces a text that contains a secret; "" means
// that it contains none.
func (d *Driver) send(port lines.Port, b []byte, limit time.Time, shown string) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.put(port, b, limit, shown)
}

// put is send with d.writing held.
func (d *Driver) put(port lines.Port, b []byte, limit time.Time, shown string) error {
	if err := port.SetWriteDeadline(limit); err != nil {
		return fmt.Errorf("write to %s: %w", d.o.Config.Port, err)
	}
	_, err := port.Write(b)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &lines.Failed{Kind: lines.FailUnsent, Text: "the modem accepts no bytes (is it powered? is CTS off " +
			"with hardware flow control?)"}
	case err != nil:
		return fmt.Errorf("write to %s: %w", d.o.Config.Port, err)
	}
	if d.o.Debug != nil {
		if shown == "" {
			shown = string(b)
		}
		d.debug("-> %q", shown)
	}
	return nil
}

// reply is the answer to one of the driver's own commands.
type reply struct {
	wants  func(lines.ResultCode) bool // nil: no command of ours is running
	code   lines.ResultCode
	info   []string // the lines before it that are not result codes
	secret bool     // info is not shown, and a line of digits is not a result code
}

// maxInfo is the maximum number of lines kept of an answer.
const maxInfo = 16

func (r *reply) tell(line string) {
	if r.wants == nil || len(r.info) == maxInfo {
		return
	}
	if r.info == nil {
		r.info = make([]string, 0, 4) // the proof has three lines
	}
	r.info = append(r.info, line)
}

// last returns the last line of the answer.
func (r *reply) last() string {
	if len(r.info) == 0 {
		return ""
	}
	return r.info[len(r.info)-1]
}

// order is one of the driver's own commands.
type order struct {
	text    string
	limit   time.Duration
	wants   func(lines.ResultCode) bool // nil: final
	shown   string                      // debug text of a command that contains or reads a secret; "": the text itself
	numbers bool                        // the command reads registers
	// Two rings this long after the command mean that the modem has lost it; 0: rings are ignored. One ring may have
	// been on its way when the modem took the command, and another command would end the call.
	rings time.Duration
}

// final reports whether a code answers an ordinary command.
func final(c lines.ResultCode) bool { return c == lines.OK || c == lines.Error }

// command sends an order and waits for a result code that it wants, until its time limit.
func (d *Driver) command(ctx context.Context, o order) (reply, error) {
	if isCommand(o.text) {
		if err := d.clean(ctx); err != nil {
			return reply{}, err
		}
	}
	if err := d.gap(ctx); err != nil {
		return reply{}, err
	}
	switch {
	case o.numbers: // an OK before the numbers is a late answer to the escape or to the previous command
		o.wants = func(c lines.ResultCode) bool { return c == lines.Error || c == lines.OK && len(d.reply.info) > 0 }
	case o.wants == nil:
		o.wants = final
	}
	d.mu.Lock()
	d.split.reset()
	d.reply = reply{wants: o.wants, secret: o.shown != ""}
	port := d.port
	d.mu.Unlock()
	err := d.send(port, []byte(o.text), time.Now().Add(d.t.Command), o.shown)
	sent := time.Now()
	lost := func() bool { return o.rings > 0 && d.lateRing[0].Sub(sent) >= o.rings }
	if err == nil {
		err = d.await(ctx, o.limit, func() bool { return d.reply.code != lines.NoResult || lost() })
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.reply
	d.reply = reply{}
	if err == nil && r.code == lines.NoResult {
		err = errRings
	}
	return r, err
}

// ask sends a command that requires the answer OK.
func (d *Driver) ask(ctx context.Context, text string, limit time.Duration) error {
	r, err := d.command(ctx, order{text: text + "\r", limit: limit})
	switch {
	case err == errWaited:
		return fmt.Errorf("%w to %s within %v (is it a modem? check its speed and power)", errNoOK, text, limit)
	case err != nil:
		return fmt.Errorf("%s: %w", text, err)
	case r.code != lines.OK:
		return fmt.Errorf("the modem answered %s to %s", r.code, text)
	}
	return nil
}

// errNoOK is wrapped by the error of a command that got no answer.
var errNoOK = &lines.Failed{Kind: lines.FailNoOK, Text: "no OK"}

// insist asks up to three times, each time with a longer limit: a modem ignores input for a moment after DTR rises,
// and the first command may be garbled. A rejected command is not repeated.
func (d *Driver) insist(ctx context.Context, text string) error {
	var err error
	for _, part := range []time.Duration{6, 3, 2} {
		if err = d.ask(ctx, text, d.t.Command/part); !errors.Is(err, errNoOK) {
			return err
		}
	}
	return fmt.Errorf("%w to %s within %v, asked three times (is it a modem? check its speed and power)", errNoOK, text,
		d.t.Command)
}
