package attach

import (
	"io"
	"sync"
)

const (
	// maxShown is how much output of a call waits for the user; then the call has to wait.
	maxShown = 16 << 10
	// maxTyped is how much output may wait before the user's input does.
	maxTyped = 64 << 10
)

// screen is what the user sees: the texts of the emulated modem, and, while the call is online, its data. One goroutine
// writes it to the user, so that nothing else waits for a user who reads slowly.
type screen struct {
	mu      sync.Mutex
	changed *sync.Cond
	unsent  []byte
	online  bool // data of the call is shown; otherwise it waits
	call    int  // the number of the call whose data is shown
	over    bool // nothing more is written
	err     error
	moved   chan struct{} // capacity 1: something was written
	done    chan struct{} // closed when the writer has ended
}

// newScreen begins to write to w, until close. shown, if not nil, gets a copy of all that is written.
func newScreen(w io.Writer, shown func([]byte)) *screen {
	s := &screen{moved: make(chan struct{}, 1), done: make(chan struct{})}
	s.changed = sync.NewCond(&s.mu)
	go s.write(w, shown)
	return s
}

func (s *screen) write(w io.Writer, shown func([]byte)) {
	defer close(s.done)
	var spare []byte
	for {
		s.mu.Lock()
		for len(s.unsent) == 0 && !s.over {
			s.changed.Wait()
		}
		p := s.unsent
		s.unsent = spare[:0]
		s.mu.Unlock()
		if len(p) == 0 {
			return
		}
		if shown != nil {
			shown(p)
		}
		_, err := w.Write(p)
		s.mu.Lock()
		if err != nil {
			s.err, s.over, s.unsent = err, true, nil
		}
		s.changed.Broadcast()
		s.mu.Unlock()
		select {
		case s.moved <- struct{}{}:
		default:
		}
		spare = p
	}
}

// say shows a text of the emulated modem. It does not block.
func (s *screen) say(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.unsent = append(s.unsent, p...)
		s.changed.Broadcast()
	}
}

// data shows data of a call. It blocks while the call is not online, or the user reads slowly; false: nothing more of
// it is shown.
func (s *screen) data(call int, p []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.over && s.call == call && (!s.online || len(s.unsent) >= maxShown) {
		s.changed.Wait()
	}
	if s.over || s.call != call {
		return false
	}
	s.unsent = append(s.unsent, p...)
	s.changed.Broadcast()
	return true
}

// setOnline says whether data of the call is shown.
func (s *screen) setOnline(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.online = is
	s.changed.Broadcast()
}

// next ends the data of the call, and returns the number of the next one.
func (s *screen) next() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call++
	s.changed.Broadcast()
	return s.call
}

// full reports whether so much output waits that no more input is taken.
func (s *screen) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.unsent) >= maxTyped
}

// close ends the writer after what is unsent; the deadline of w bounds that. It may be called twice.
func (s *screen) close() {
	s.mu.Lock()
	s.over = true
	s.changed.Broadcast()
	s.mu.Unlock()
	<-s.done
}
