package lab

import (
	"context"
	"errors"
	"strings"
	"time"
)

// forgedNumber is the caller ID that a thief types.
const forgedNumber = "5550001"

func forgeries() []Attack {
	return []Attack{
		{
			Name: "forged-ring",
			About: "A caller types NO CARRIER, and then RING and a caller ID of their choice: the daemon answers a " +
				"call that does not exist, with a number that AAA trusts and a new set of login attempts.",
			lines: 1,
			edit: func(name, text string) string {
				if name == "ringback.yaml" {
					text = strings.ReplaceAll(text, "modem: inout,", "modem: inout, caller_id: true,")
				}
				return text
			},
			play: func(ctx context.Context, s *siege) error {
				thief, err := s.sit(ctx, "kihei-03")
				if err != nil {
					return err
				}
				defer thief.leave()
				if err := thief.calls(ctx); err != nil {
					return err
				}
				thief.lie(&impostor{})
				if err := thief.types("\r\nNO CARRIER\r\n"); err != nil {
					return err
				}
				return thief.repeats(ctx, 12, 700*time.Millisecond, "\r\nRING\r\n", "\r\nNMBR = "+forgedNumber+"\r\n")
			},
		},
		{
			Name: "forged-connect",
			About: "A caller types NO CARRIER, and CONNECT 33600 right after it, repeatedly, in answer to every " +
				"command, and while another user is called back: the daemon mistakes the line for a new call, or for " +
				"the user's.",
			lines: 2,
			play: func(ctx context.Context, s *siege) error {
				const gone, connect = "\r\nNO CARRIER\r\n", "\r\nCONNECT 33600\r\n"
				for _, try := range []forgedConnect{
					{typed: gone + connect, lies: &impostor{}},
					{typed: gone, wait: 400 * time.Millisecond, again: connect, lies: &impostor{}},
					{typed: gone, wait: believed, again: connect, lies: &impostor{}},
					{typed: gone, lies: &impostor{says: connect}},
					{typed: gone, wait: believed, again: connect, lies: &impostor{}, victim: true},
				} {
					err := s.connect(ctx, try)
					if s.broken() || errors.Is(err, errNoLine) {
						return nil
					}
					if err != nil {
						return err
					}
				}
				return nil
			},
		},
	}
}

// repeats types the texts, with a pause after each, until the call ends or the thief has got something.
func (c *caller) repeats(ctx context.Context, times int, pause time.Duration, texts ...string) error {
	for range times {
		for _, t := range texts {
			if c.thrownOff() {
				c.s.notice("the thief's call was ended")
				return nil
			}
			if err := c.types(t); err != nil {
				return err
			}
			if err := c.s.until(ctx, pause/time.Duration(len(texts)), c.thrownOff); err != nil || c.s.broken() {
				return err
			}
		}
	}
	return nil
}

// forgedConnect is when a caller types CONNECT.
type forgedConnect struct {
	typed  string        // first
	wait   time.Duration // after it, at most until the line is idle
	again  string        // then, repeatedly
	lies   *impostor
	victim bool // while a user is called back
}

// connect is one call with a forged CONNECT.
func (s *siege) connect(ctx context.Context, f forgedConnect) error {
	thief, err := s.sit(ctx, "kihei-03")
	if err != nil {
		return err
	}
	defer thief.leave()
	if err := thief.calls(ctx); err != nil {
		return err
	}
	thief.lie(f.lies)
	if err := thief.types(f.typed); err != nil {
		return err
	}
	if err := s.until(ctx, f.wait, func() bool { return thief.thrownOff() || s.idle(ctx) }); err != nil {
		return err
	}
	if f.victim {
		done := make(chan error, 1)
		go func() { done <- thief.repeats(ctx, 40, 300*time.Millisecond, f.again) }()
		err := s.callVictim(ctx, thief)
		return errors.Join(err, <-done)
	}
	if f.again != "" {
		if err := thief.repeats(ctx, 20, 150*time.Millisecond, f.again); err != nil {
			return err
		}
	}
	if err := s.until(ctx, believed, thief.thrownOff); err != nil {
		return err
	}
	return thief.hangsUp(ctx)
}
