package attach

import (
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// sign is what a client is shown besides octets.
type sign struct {
	binary   bool // it is asked for octets that pass unchanged
	circuits lines.Signals
}

// signs shows a client the latest sign, in a goroutine of its own: a client may not take it.
type signs struct {
	next chan sign // capacity 1
	done chan struct{}
	last sign
}

func showSigns(c session.Client) *signs {
	s := &signs{next: make(chan sign, 1), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		binary := false
		for now := range s.next {
			if now.binary != binary {
				binary = now.binary
				_ = c.Raw(binary) // a client that has left shows at the next read
			}
			_ = c.Circuits(now.circuits)
		}
	}()
	return s
}

// set shows a sign, if it is another one. It is called by one goroutine and does not block.
func (s *signs) set(now sign) {
	if now == s.last {
		return
	}
	s.last = now
	select {
	case <-s.next: // it was not shown yet, and need not be
	default:
	}
	s.next <- now
}

// close waits until the last sign is shown.
func (s *signs) close() {
	close(s.next)
	<-s.done
}
