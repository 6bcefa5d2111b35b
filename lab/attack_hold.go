package lab

import (
	"context"
	"time"

	"github.com/ringback/ringback/lab/exchange"
)

func holds() []Attack {
	return []Attack{
		{
			Name: "line-hold",
			About: "A thief with a stolen password types it, NO CARRIER right after it, and then answers OK to every " +
				"command: the daemon believes that the line is free, and its dial command for the callback goes to " +
				"the thief, whatever number AAA has.",
			lines: 1,
			play:  func(ctx context.Context, s *siege) error { return s.hold(ctx, "\r\nNO CARRIER\r\n") },
		},
		{
			Name: "early-ok",
			About: "A thief with a stolen password is promised a callback, and answers OK to the escape sequence " +
				"before its guard time is over: a driver that believes it sends ATH and the dial command to the " +
				"thief.",
			lines: 1,
			play:  func(ctx context.Context, s *siege) error { return s.hold(ctx, "") },
		},
		{
			Name: "caller-holds",
			About: "A thief with the stolen password of a user without a second login never hangs up: the exchange " +
				"keeps the call, and the daemon gets a false dial tone when it calls back on the same line, because " +
				"the other one is out of service (2600, Phrack 17).",
			lines: 2,
			modem: func(name string, c *exchange.ModemConfig) { c.HoldsLine = name == "austin-02" },
			play: func(ctx context.Context, s *siege) error {
				s.lines[1].SetFault(exchange.Fault{Vanished: true})
				if err := s.until(ctx, 20*time.Second,
					func() bool { return s.state(ctx, firstTTY+1) == "down" }); err != nil {
					return err
				}
				thief, err := s.sit(ctx, "austin-02")
				if err != nil {
					return err
				}
				defer thief.leave()
				if err := thief.promised(ctx, "austin-01", "maui-1993"); err != nil {
					return err
				}
				thief.lie(&impostor{silent: true})
				return s.callbackEnds(ctx, "austin-01", 20*time.Second)
			},
		},
	}
}

// hold plays a thief who logs in with a stolen password and keeps the line with forged answers.
func (s *siege) hold(ctx context.Context, behindPassword string) error {
	thief, err := s.sit(ctx, "austin-02")
	if err != nil {
		return err
	}
	defer thief.leave()
	if err := thief.calls(ctx); err != nil {
		return err
	}
	const user, password = "kihei-03", "wailea-03"
	if err := thief.enters(ctx, user, "Password: "); err != nil {
		return err
	}
	thief.lie(&impostor{user: user, password: password})
	if err := thief.types(password + "\r" + behindPassword); err != nil {
		return err
	}
	if err := s.until(ctx, believed, thief.thrownOff); err != nil {
		return err
	}
	if err := s.callbackEnds(ctx, user, 20*time.Second); err != nil || s.broken() {
		return err
	}
	if thief.thrownOff() {
		s.notice("the thief's call was ended")
	}
	return nil
}
