package lab

import (
	"context"
	"time"

	"github.com/ringback/ringback/lab/exchange"
)

// reopens are the attacks on a modem that keeps its call when the port is closed: the caller is still connected when
// the port is opened again.
func reopens() []Attack {
	stays := func(_ string, c *exchange.ModemConfig) { c.StaysOffHook = true }
	return []Attack{
		{
			Name: "restart",
			About: "The daemon is killed and started again while a caller is on the line. The caller answers OK to " +
				"everything, and stores and returns values of registers: the line comes up while the caller has it.",
			lines: 1, modem: stays,
			play: func(ctx context.Context, s *siege) error {
				return s.reopen(ctx, func() error {
					s.child().kill()
					return s.launch()
				})
			},
		},
		{
			Name:  "reopen",
			About: "The same caller, when the daemon's connection to the modem fails and is opened again.",
			lines: 1, modem: stays,
			play: func(ctx context.Context, s *siege) error {
				return s.reopen(ctx, func() error {
					s.lines[0].Disconnect()
					return nil
				})
			},
		},
	}
}

// reopen keeps a caller on the line while the daemon loses its state of the line.
func (s *siege) reopen(ctx context.Context, lose func() error) error {
	thief, err := s.sit(ctx, "kihei-03")
	if err != nil {
		return err
	}
	defer thief.leave()
	if err := thief.calls(ctx); err != nil {
		return err
	}
	thief.lie(&impostor{})
	if err := lose(); err != nil {
		return err
	}
	decided := func() bool { return thief.thrownOff() || s.isFooled() }
	if err := s.until(ctx, 25*time.Second, decided); err != nil || s.isFooled() {
		return err
	}
	if !thief.thrownOff() {
		s.notice("the line was not put into service")
		return nil
	}
	s.notice("the thief's call was ended")
	return s.until(ctx, stepTime, func() bool { // wait until the line is back, and see that nothing is wrong then
		lines, err := s.Client().Lines(ctx)
		return err == nil && inService(lines)
	})
}
