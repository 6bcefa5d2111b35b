package console

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// watched is the other side of a terminal: what it has shown so far.
type watched struct {
	net.Conn
	mu   sync.Mutex
	seen strings.Builder
}

func newWatched(t *testing.T) (*Terminal, *watched) {
	a, b := net.Pipe()
	w := &watched{Conn: b}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 512)
		for {
			n, err := b.Read(buf)
			w.mu.Lock()
			w.seen.Write(buf[:n])
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { a.Close(); b.Close(); <-done })
	return NewTerminal(a), w
}

// since returns what was shown since the last call.
func (w *watched) since() string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.seen.Reset()
	return w.seen.String()
}

// A notice appears above the line that is being typed, which is then shown again and can be finished.
func TestNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		term, user := newWatched(t)
		term.Notify("before the prompt")
		lines := make(chan string, 1)
		go func() {
			line, err := term.ReadLine(t.Context(), "# ")
			if err != nil {
				t.Error(err)
			}
			lines <- line
		}()
		if got := user.since(); got != "before the prompt\r\n# " {
			t.Errorf("%q", got)
		}
		io.WriteString(user, "show li\x02")
		user.since()
		term.Notify("one")
		if got := user.since(); got != "\r         \rone\r\n# show li\b" {
			t.Errorf("%q", got)
		}
		term.Notify("two\nrows\n")
		if got := user.since(); got != "\r         \rtwo\r\nrows\r\n# show li\b" {
			t.Errorf("%q", got)
		}
		io.WriteString(user, "\x06ne\r")
		if got := <-lines; got != "show line" {
			t.Errorf("%q", got)
		}
	})
}

// Notices neither keep an idle terminal alive nor end it early, and do not disturb a password.
func TestNoticeAndIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		term, user := newWatched(t)
		term.Idle = 10 * time.Second
		go func() {
			for range 8 {
				<-time.After(3 * time.Second)
				term.Notify("tick")
			}
		}()
		start := time.Now()
		_, err := term.ReadLine(t.Context(), "# ")
		if d := time.Since(start); !errors.Is(err, ErrIdle) || d != 10*time.Second {
			t.Errorf("ended after %v with %v", d, err)
		}
		user.since()
		start = time.Now()
		_, err = term.ReadPassword(t.Context(), "Password: ")
		if d := time.Since(start); !errors.Is(err, ErrIdle) || d != 10*time.Second {
			t.Errorf("ended after %v with %v", d, err)
		}
		if got := user.since(); got != "Password: " && got != "tick\r\nPassword: " {
			t.Errorf("%q", got)
		}
		<-time.After(time.Minute)
	})
}

// The end of ctx ends a read that notices interrupt all the time.
func TestNoticesAndContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		term, _ := newWatched(t)
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errors.New("line cleared"))
		defer cancel()
		stop := make(chan struct{})
		var ticking sync.WaitGroup
		ticking.Go(func() {
			for {
				select {
				case <-time.After(time.Millisecond):
					term.Notify("tick")
				case <-stop:
					return
				}
			}
		})
		_, err := term.ReadLine(ctx, "# ")
		if err == nil || err.Error() != "line cleared" {
			t.Errorf("%v", err)
		}
		close(stop)
		ticking.Wait()
	})
}

// A terminal that is not read loses notices, and says how many; the sender is never kept.
func TestNoticesLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		term, user := newWatched(t)
		for range maxNotices + 7 {
			term.Notify("x")
		}
		io.WriteString(term, term.takeNotices())
		got := user.since()
		if strings.Count(got, "x\r\n") != maxNotices || !strings.HasSuffix(got, "% 7 messages were lost: this "+
			"terminal is too slow\r\n") {
			t.Errorf("%d rows, the end is %q", strings.Count(got, "\n"), got[max(0, len(got)-80):])
		}
	})
}
