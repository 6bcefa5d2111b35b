package broker

import (
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
)

// ErrNotBusiedOut is the error of RestoreLine for a line that is in use.
var ErrNotBusiedOut = errors.New("is not busied out")

// BusyOutLine lets a line finish its call or callback, and then take no more, until RestoreLine; also after a restart.
// It returns when the order is on disk and in force, and otherwise an error, and nothing was done. A line that is
// busied out gets the new reason, which may be "". by identifies the operator.
func (b *Broker) BusyOutLine(tty int, reason, by string) error {
	if _, ok := b.opt.Pool.Config(tty); !ok {
		return lines.NoLine(tty)
	}
	reason, err := optionalReason(reason)
	if err != nil {
		return err
	}
	b.busyout.Lock()
	defer b.busyout.Unlock()
	all := b.opt.Pool.Busyouts()
	all[tty] = lines.Busyout{Reason: reason, By: by, Since: time.Now().Round(0)}
	if err := b.setBusyouts(all); err != nil {
		return fmt.Errorf("line %d stays in use: %w", tty, err)
	}
	b.Happened(events.LineBusiedOut{Line: tty, Reason: reason, By: by})
	return nil
}

// RestoreLine ends the order of BusyOutLine, also for a line that was removed from the configuration. It returns when
// that is on disk and in force, and otherwise an error, and nothing was done.
func (b *Broker) RestoreLine(tty int, by string) error {
	b.busyout.Lock()
	defer b.busyout.Unlock()
	all := b.opt.Pool.Busyouts()
	if _, ok := all[tty]; !ok {
		return fmt.Errorf("line %d %w", tty, ErrNotBusiedOut)
	}
	delete(all, tty)
	if err := b.setBusyouts(all); err != nil {
		return fmt.Errorf("line %d stays busied out: %w", tty, err)
	}
	b.tests.forgive(tty)
	b.Happened(events.LineRestored{Line: tty, By: by})
	return nil
}

// setBusyouts puts orders in force when they are on disk. b.busyout is held.
func (b *Broker) setBusyouts(all map[int]lines.Busyout) error {
	if b.opt.KeepBusyouts != nil {
		if err := b.opt.KeepBusyouts(all); err != nil {
			return err
		}
	}
	b.opt.Pool.SetBusyouts(all)
	return nil
}
