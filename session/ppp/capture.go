package pppfront

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/trace"
)

// captureDepth is how many frames wait for the reader of a capture: some seconds of a modem line.
const captureDepth = 256

// Captured is a frame of a capture.
type Captured struct {
	Time     time.Time
	Out      bool // we have sent it
	Protocol uint16
	Info     []byte // masked (trace.Mask)
}

// Capture copies the frames of the PPP sessions on one line, of this call and of those after it. A call never waits for
// the reader: frames that it does not take in time are lost and counted.
type Capture struct {
	// Frames has the frames. The reader takes them until it calls Close; it is never closed.
	Frames <-chan Captured

	sessions *Sessions
	tty      int
	payload  bool
	frames   chan Captured
	lost     atomic.Uint64
	closing  sync.Once
}

// Capture begins a capture of a line. payload says that the packets of users are captured too. The caller closes it.
func (s *Sessions) Capture(tty int, payload bool) *Capture {
	frames := make(chan Captured, captureDepth)
	c := &Capture{Frames: frames, frames: frames, sessions: s, tty: tty, payload: payload}
	s.change(tty, func(all []*Capture) []*Capture { return append(all, c) })
	return c
}

// Lost returns how many frames the reader did not take in time.
func (c *Capture) Lost() uint64 { return c.lost.Load() }

// Close ends the capture. Further calls have no effect.
func (c *Capture) Close() {
	c.closing.Do(func() {
		c.sessions.change(c.tty, func(all []*Capture) []*Capture {
			return slices.DeleteFunc(all, func(other *Capture) bool { return other == c })
		})
	})
}

// change replaces the captures of a line.
func (s *Sessions) change(tty int, f func([]*Capture) []*Capture) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := f(slices.Clone(s.captures[tty]))
	if s.captures == nil {
		s.captures = map[int][]*Capture{}
	}
	s.captures[tty] = all
	if len(all) == 0 {
		delete(s.captures, tty)
	}
	if l := s.links[tty]; l != nil {
		l.watch(all)
	}
}

// take copies a frame, if it is one for this capture.
func (c *Capture) take(f ppp.Frame, at time.Time) {
	if trace.User(f.Protocol) && !c.payload {
		return
	}
	select {
	case c.frames <- Captured{at, f.Out, f.Protocol, trace.Mask(f.Protocol, f.Info, c.payload)}:
	default:
		c.lost.Add(1)
	}
}
