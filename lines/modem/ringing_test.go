package modem

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// redial lets the stranger call again and again, with a pause between two calls, until the returned function is called.
func (e *edge) redial(pause time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		for wait := time.Duration(0); ; {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
			wait = time.Second
			if e.stranger.State() == exchange.OnHook && e.x.Ring(e.stranger, e.line) {
				wait = pause
			}
		}
	})
	return func() { cancel(); ended.Wait() }
}

// TestRingsOnWhileResetting: somebody rings on, and calls again, while a modem that answers by itself is reset. After
// some resets in vain the call is answered and hung up, and the line comes into service; where it must not answer, it
// names the reason, and comes into service when the ringing is over. The caller sees no dial command.
func TestRingsOnWhileResetting(t *testing.T) {
	for name, set := range map[string]func(*lines.Config){
		"answers by itself": func(*lines.Config) {}, // the modem, with its stored profile
		"answers":           func(*lines.Config) {},
		"call check":        func(c *lines.Config) { c.CallCheck = true },
		"callout":           func(c *lines.Config) { c.Modem = lines.CallOut },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var m exchange.ModemConfig
				if name == "answers by itself" {
					m.Profile = "S0=1"
				}
				e := newEdge(t, m)
				thief := e.at(e.stranger, impostors["echo"])
				stop := e.redial(20 * time.Second)
				e.run(func(o *Options) { set(o.Config) })
				if strings.HasPrefix(name, "answers") {
					s := e.until(lines.Idle)
					stop()
					if name == "answers" && s.Counts[lines.CallsMissed] == 0 {
						t.Errorf("no call was refused: %+v", s.Counts)
					}
				} else {
					<-time.After(20 * time.Minute)
					s, _ := e.pool.Line(1)
					if s.State != lines.Down || !strings.Contains(s.Reason, "while the modem was being reset, ") ||
						!strings.Contains(s.Reason, "times in a row") || s.Failure == nil ||
						s.Failure.Kind != lines.FailRinging || s.Counts[lines.CallsMissed] != 0 {
						t.Errorf("the line is %s (%s), %+v, %+v", s.State, s.Reason, s.Failure, s.Counts)
					}
					if state := e.line.State(); state == exchange.Connected {
						t.Error("the call was answered")
					}
					stop()
					e.until(lines.Idle)
				}
				<-time.After(5 * time.Minute)
				if name != "call check" {
					if c, _, err := e.dialHome(time.Minute); c == nil || err != nil {
						t.Errorf("the dial: %v", err)
					}
				}
				if strings.Contains(thief.screen(), "ATD") {
					t.Errorf("the stranger read %q", thief.screen())
				}
				thief.leave()
				e.close()
			})
		})
	}
}
