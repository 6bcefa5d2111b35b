package ppp

import (
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/filter"
	"github.com/ringback/ringback/ppp/lcp"
)

// idleSteps is into how many intervals the idle time is divided: it ends after all of them have passed without a
// packet, so a link is idle for the idle time at least, and a tenth longer at most.
const idleSteps = 10

// idle measures the idle time.
type idle struct {
	every time.Duration
	used  bool // a packet was counted in this interval
	quiet int  // intervals without one
}

// reminders are the remaining times of which the peer is told (RFC 1570 §1.2), beside the whole time.
var reminders = []time.Duration{5 * time.Minute, time.Minute}

// limits starts the time limits of a session.
func (e *Engine) limits() {
	if timeout := e.idleTimeoutOf(); timeout > 0 {
		e.idle = idle{every: max(timeout/idleSteps, 1)}
		e.startTimer(IdleTimer, e.idle.every)
	}
	if d := e.result.Auth.SessionTimeout; d > 0 {
		e.remains(d)
	}
}

// idleTimeoutOf returns AAA's idle time, or that of the configuration; 0: none.
func (e *Engine) idleTimeoutOf() time.Duration {
	if e.result.Auth.IdleTimeout > 0 {
		return e.result.Auth.IdleTimeout
	}
	return e.config.IdleTimeout
}

// count notes that a packet passed.
func (e *Engine) count(packet []byte, d filter.Direction) {
	if e.with.Filter.Counts(packet, d).Pass {
		e.idle.used = true
		e.traffic.Counted++
	}
}

func (e *Engine) idleTimeout() {
	e.idle.quiet++
	if e.idle.used {
		e.idle.used, e.idle.quiet = false, 0
	}
	if e.idle.quiet >= idleSteps {
		e.close(Ending{aaa.CauseIdleTimeout, "idle timeout"}, "Idle timeout")
		return
	}
	e.startTimer(IdleTimer, e.idle.every)
}

// remains tells the peer how long its session may last, and waits for the next reminder or the end.
func (e *Engine) remains(d time.Duration) {
	seconds := min(int64(d/time.Second), lcp.Forever-1)
	e.link(e.lcp.TimeRemaining(uint32(seconds), ""))
	var next time.Duration
	for _, r := range reminders {
		if r < d {
			next = max(next, r)
		}
	}
	e.remaining = next
	e.startTimer(SessionTimer, d-next)
}

func (e *Engine) sessionTimeout() {
	if e.remaining == 0 {
		e.close(Ending{aaa.CauseSessionTimeout, "session timeout"}, "Session timeout")
		return
	}
	e.remains(e.remaining)
}
