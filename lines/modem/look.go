package modem

import (
	"context"
	"fmt"
	"time"

	"github.com/ringback/ringback/lines"
)

// maxLooks is how often the last look is made for one dial command.
const maxLooks = 3

var errOldLook = fmt.Errorf("each of %d last looks took longer than %v (is the machine overloaded, or was the process "+
	"stopped?)", maxLooks, lines.LookLimit)

// place writes the dial command. With a last look, no octet of it is written later than lines.LookLimit after a look
// began that allowed it: nothing that may block is left between the look and the write.
func (t *talk) place(text []byte) error {
	if t.look == nil {
		_, err := t.placeBy(text, time.Time{})
		return err
	}
	for range maxLooks {
		by := time.Now().Add(lines.LookLimit)
		if err := t.lastLook(by); err != nil {
			return err
		}
		if sent, err := t.placeBy(text, by); sent || err != nil {
			return err
		}
	}
	return lines.LookFailed{Err: errOldLook}
}

// lastLook asks whether the number may still be dialed. If the script has ended meanwhile, the error gives the reason.
func (t *talk) lastLook(by time.Time) error {
	ctx, cancel := context.WithDeadline(t.ctx, by)
	defer cancel()
	err := t.look(ctx)
	if ended := t.allow(true, false); ended != nil {
		return ended
	}
	switch {
	case t.ctx.Err() != nil:
		return context.Cause(t.ctx)
	case err != nil:
		return lines.LookFailed{Err: err}
	}
	return nil
}

// placeBy writes the dial command unless it is later than by; zero: no limit.
func (t *talk) placeBy(text []byte, by time.Time) (sent bool, err error) {
	d := t.d
	d.writing.Lock()
	defer d.writing.Unlock()
	late := func() bool { return !by.IsZero() && !time.Now().Before(by) }
	if late() {
		return false, nil
	}
	if err := t.allow(true, true); err != nil {
		return false, err
	}
	d.host.Phase(lines.Dialing)
	limit := t.writeLimit()
	if !by.IsZero() && by.Before(limit) {
		limit = by
	}
	if late() && t.takeBack() { // the process was stopped meanwhile
		return false, nil
	}
	return true, d.put(t.port, text, limit, "")
}

// takeBack undoes the mark of a dial command that was not written. It reports whether the line is as before.
func (t *talk) takeBack() bool {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	if !t.d.happenLocked(happening{on: onUnsent}) {
		return false
	}
	t.dialed = false
	return true
}
