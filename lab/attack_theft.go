package lab

import (
	"context"
	"errors"
	"time"
)

func thefts() []Attack {
	return []Attack{{
		Name: "session-theft",
		About: "A thief without a password calls, types NO CARRIER at Username: and answers OK to every command. A " +
			"user without a second login calls and is promised a callback: the thief hopes to receive the dial " +
			"command, to answer CONNECT, and to get the user's session.",
		lines: 2,
		play: func(ctx context.Context, s *siege) error {
			factory := map[int]int{0: 0, 2: 43, 3: 13, 4: 10, 5: 8, 6: 2, 7: 50, 8: 2, 9: 6, 10: 14, 11: 95, 12: 50}
			for _, guess := range []func(int) int{
				func(int) int { return 0 },
				func(n int) int { return factory[n] },
				func(n int) int { return n }, // echoes the register number of a query
			} {
				err := s.steal(ctx, &impostor{guess: guess})
				if s.isFooled() || errors.Is(err, errNoLine) {
					return nil
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}}
}

// believed is how long a driver may take to accept a typed NO CARRIER and to hang up: 0.3 s of silence, the guard times
// of the escape sequence and a few commands.
const believed = 4 * time.Second

// steal lets an impostor forge answers on one line while the victim is called back.
func (s *siege) steal(ctx context.Context, lies *impostor) error {
	thief, err := s.sit(ctx, "kihei-03")
	if err != nil {
		return err
	}
	defer thief.leave()
	if err := thief.calls(ctx); err != nil {
		return err
	}
	thief.lie(lies)
	if err := thief.types("\r\nNO CARRIER\r\n"); err != nil {
		return err
	}
	if err := s.until(ctx, believed, thief.thrownOff); err != nil {
		return err
	}
	return s.callVictim(ctx, thief)
}

// verifies logs in again if leg two requires it, as it does on a port without modem signals. The returned function ends
// that.
func (c *caller) verifies(ctx context.Context, user, password string) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := c.sees(ctx, "Username: "); err == nil {
			_ = c.logsIn(ctx, user, password, "") // the prompt shows the result
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// callVictim gets a callback promised to a user without a second login while the thief waits for it.
func (s *siege) callVictim(ctx context.Context, thief *caller) error {
	victim, err := s.sit(ctx, "austin-01")
	if err != nil {
		return err
	}
	defer victim.leave()
	if err := victim.promised(ctx, "austin-01", "maui-1993"); err != nil {
		return err
	}
	defer victim.verifies(ctx, "austin-01", "maui-1993")()
	if err := s.callbackEnds(ctx, "austin-01", 8*time.Second); err != nil || s.isFooled() {
		return err
	}
	if thief.thrownOff() {
		s.notice("the thief's call was ended")
	} else {
		s.notice("the thief's text was treated as data")
	}
	if err := thief.hangsUp(ctx); err != nil { // the callback may have waited for this line
		return err
	}
	if err := s.callbackEnds(ctx, "austin-01", stepTime); err != nil {
		return err
	}
	if prompt.MatchString(victim.text()) {
		s.notice("the user was called back")
	}
	return victim.hangsUp(ctx)
}
