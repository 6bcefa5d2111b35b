package atprompt

import (
	"bytes"
	"time"
)

// escape finds the escape to command state in the user's data: three characters S2, with the silence of S12 before and
// behind them, each within that time of the one before it. They go to the call like all data: what follows may be data.
type escape struct {
	last time.Time // of the last octet of the user
	n    int       // how many S2 have come
}

func guardTime(s settings) time.Duration { return time.Duration(s.s[12]) * 20 * time.Millisecond }

// sent takes data of the user.
func (e *escape) sent(now time.Time, b []byte, s settings) {
	c, guard := s.s[2], guardTime(s)
	quiet := now.Sub(e.last) >= guard
	e.last = now
	if c > 127 || len(b) > 3 || bytes.Count(b, []byte{c}) != len(b) { // silence surrounds three, and nothing else
		e.n = 0
		return
	}
	for range b {
		switch {
		case quiet:
			e.n = 1
		case e.n > 0 && e.n < 3:
			e.n++
		default:
			e.n = 0
		}
		quiet = false
	}
}

// deadline returns when the escape is complete; zero: none has begun.
func (e *escape) deadline(s settings) time.Time {
	if e.n != 3 {
		return time.Time{}
	}
	return e.last.Add(guardTime(s))
}
