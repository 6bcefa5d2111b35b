package modem

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ringback/ringback/lines"
)

// errWaited is what await returns when its time is over.
var errWaited = errors.New("no answer in time")

// await blocks until cond, which is asked with d.mu held, or until the time is over, the port is lost or ctx ends. Only the token's holder
// awaits.
func (d *Driver) await(ctx context.Context, limit time.Duration, cond func() bool) error {
	t := time.NewTimer(limit)
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
		case <-d.poke:
		case <-port.Changes():
			d.lookAtSignals()
		case <-t.C:
			return errWaited
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// pause waits without wanting anything.
func (d *Driver) pause(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	if err := d.await(ctx, wait, func() bool { return false }); err != errWaited {
		return err
	}
	return nil
}

// send writes to the port's command line.
func (d *Driver) send(port lines.Port, b []byte, limit time.Time) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	if err := port.SetWriteDeadline(limit); err != nil {
		return fmt.Errorf("write to %s: %w", d.o.Config.Port, err)
	}
	_, err := port.Write(b)
	d.lastWrite = time.Now()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("the modem takes no bytes (power? CTS off with flow control hardware?)")
	case err != nil:
		return fmt.Errorf("write to %s: %w", d.o.Config.Port, err)
	}
	if d.o.Debug != nil {
		d.debug("-> %q", b)
	}
	return nil
}

// final are the codes that answer an ordinary command.
func final(c lines.ResultCode) bool { return c == lines.OK || c == lines.Error }

// command sends a command of ours and waits for a code that wants accepts. info is the last line before it that was no code.
func (d *Driver) command(ctx context.Context, text string, limit time.Duration, wants func(lines.ResultCode) bool) (code lines.ResultCode, info string, err error) {
	if isCommand(text) {
		if err := d.clean(ctx); err != nil {
			return "", "", err
		}
	}
	d.mu.Lock()
	d.reply = reply{wants: wants}
	port := d.port
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		code, info = d.reply.code, d.reply.info
		d.reply = reply{}
		d.mu.Unlock()
	}()
	if err := d.send(port, []byte(text), time.Now().Add(d.t.Command)); err != nil {
		return "", "", err
	}
	err = d.await(ctx, limit, func() bool { return d.reply.code != lines.NoResult })
	return "", "", err // the codes by the deferred function
}

// ask sends a command and wants OK.
func (d *Driver) ask(ctx context.Context, text string, limit time.Duration) error {
	code, _, err := d.command(ctx, text+"\r", limit, final)
	switch {
	case err == errWaited:
		return fmt.Errorf("no OK to %s within %v (is it a modem? speed? power?)", text, limit)
	case err != nil:
		return fmt.Errorf("%s: %w", text, err)
	case code != lines.OK:
		return fmt.Errorf("the modem answers %s to %s", code, text)
	}
	return nil
}

// insist asks three times, longer each time: a modem is deaf for a moment after DTR rises, and the first command may end in garbage.
func (d *Driver) insist(ctx context.Context, text string) error {
	var err error
	for _, part := range []time.Duration{6, 3, 2} {
		if err = d.ask(ctx, text, d.t.Command/part); err == nil || ctx.Err() != nil || errors.Is(err, lines.ErrDown) {
			return err
		}
	}
	return fmt.Errorf("no OK to %s within %v, asked three times (is it a modem? speed? power?): %w", text, d.t.Command, err)
}
