package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lines"
)

// TestHealthz: it answers in bounded time, also while the loop hangs, and says why.
func TestHealthz(t *testing.T) {
	for name, tt := range map[string]struct {
		live   func(context.Context) error
		status int
		body   string
	}{
		"progress": {func(context.Context) error { return nil }, 200, `{"live":true}`},
		"hangs": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 503,
			`{"live":false,"error":"the loop has made no progress for 5s"}`},
		"ended": {func(context.Context) error { return errors.New("ringback is shutting down") }, 503,
			`{"live":false,"error":"ringback is shutting down"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, began, w := Server{Live: tt.live}, time.Now(), httptest.NewRecorder()
				s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
				if w.Code != tt.status || strings.TrimSpace(w.Body.String()) != tt.body ||
					time.Since(began) > livePatience {
					t.Errorf("%d %s after %v", w.Code, w.Body, time.Since(began))
				}
			})
		})
	}
}

// TestReadyz: status 503 exactly if the daemon is not ready; warnings alone do not make it so. What a warning quotes
// stays inside its string.
func TestReadyz(t *testing.T) {
	t.Parallel()
	for _, ready := range []bool{true, false} {
		s := Server{Health: func(context.Context) client.Health {
			return client.Health{Ready: ready, Warnings: []client.Warning{{Code: "reload_failed", What: "<\"\n\x1b[2J",
				Fix: "y"}}}
		}}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		want := fmt.Sprintf(`{"ready":%t,"warnings":[{"code":"reload_failed","what":"\u003c\"\n\u001b[2J","fix":"y"}]}`,
			ready)
		if got := strings.TrimSpace(w.Body.String()); got != want || (w.Code == 200) != ready ||
			w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%d %s", w.Code, got)
		}
	}
}

// TestMissingParts: a part that could not be read is missing and named, and the rest is exported.
func TestMissingParts(t *testing.T) {
	t.Parallel()
	m := New(func(context.Context) Snapshot { return Snapshot{Lines: &lines.Tally{}} })
	var b bytes.Buffer
	if err := m.WriteText(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"\nringback_scrape_part_up{part=\"lines\"} 1\n":   true,
		"\nringback_scrape_part_up{part=\"journal\"} 0\n": true,
		"\nringback_lines{state=\"idle\"} 0\n":            true,
		"\nringback_journal_size_bytes":                   false,
		"\nringback_callbacks{":                           false,
		"\nringback_callbacks_promised_total 0\n":         true,
		"\ngo_goroutines ":                                true,
		"\nprocess_resident_memory_bytes ":                true,
	} {
		if strings.Contains(b.String(), text) != want {
			t.Errorf("%q: want %t", text, want)
		}
	}
}

// noDriver is a pool of n lines that are not opened.
func noDriver(n int) *lines.Pool {
	p := lines.NewPool(lines.PoolOptions{})
	all := make([]lines.Planned, n)
	for i := range all {
		all[i] = lines.Planned{Config: &lines.Config{TTY: i + 1, Port: fmt.Sprintf("tcp://127.0.0.1:%d", i+1)},
			Driver: func() lines.Driver { return nil }}
	}
	p.Reconfigure(all)
	return p
}

// TestScrapeCost: a scrape allocates for the states of lines, not for each line.
func TestScrapeCost(t *testing.T) {
	allocations := func(n int) float64 {
		pool := noDriver(n)
		m := New(func(context.Context) Snapshot { y := pool.Tally(); return Snapshot{Lines: &y} })
		return testing.AllocsPerRun(20, func() {
			if err := m.WriteText(t.Context(), io.Discard); err != nil {
				t.Error(err)
			}
		})
	}
	few, many := allocations(10), allocations(2000)
	if t.Logf("%.0f allocations for 10 lines, %.0f for 2,000", few, many); many > few+200 {
		t.Errorf("%.0f allocations for 10 lines, %.0f for 2,000", few, many)
	}
}

// TestLimited: for one connection too many, the one that has waited longest for a request is closed. While all have a
// request it waits, until one of them ends or waits for another request, and Close ends the wait.
func TestLimited(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newLimited(inner, 2)
	accepted := make(chan net.Conn)
	var accepting sync.WaitGroup
	accepting.Go(func() {
		defer close(accepted)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	})
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	ended := func(c net.Conn) {
		t.Helper()
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a connection is open")
		}
	}
	held := dial()
	first := <-accepted
	dial()
	second := <-accepted
	l.state(second, http.StateActive)
	dial()
	third := <-accepted
	ended(held) // the first, as the second has a request
	first.Close()
	l.state(third, http.StateActive)
	dial()
	select {
	case <-accepted:
		t.Error("a third request at once")
	default:
	}
	l.state(second, http.StateIdle)
	fourth := <-accepted
	l.state(fourth, http.StateActive)
	dial()
	third.Close()
	third.Close() // makes room once
	l.state(<-accepted, http.StateActive)
	dial()
	l.Close()
	accepting.Wait()
	if l.open != 2 {
		t.Errorf("%d connections are open", l.open)
	}
}

// TestHeldConnections: clients who open connections and send nothing, a part of a request, or a request and then
// nothing more, keep no probe out.
func TestHeldConnections(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"nothing": "", "half a request": "GET /heal",
		"a request": "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s := Server{Live: func(context.Context) error { return nil }}
			ended := make(chan error, 1)
			ctx, stop := context.WithCancel(t.Context())
			go func() { ended <- s.Serve(ctx, l) }()
			for range 3 * maxReaders {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if _, err := io.WriteString(c, text); err != nil {
					continue // it was closed for a later one
				}
			}
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: idleTime / 2}
			resp, err := client.Get("http://" + l.Addr().String() + "/healthz")
			if err != nil {
				t.Fatal(err)
			}
			if resp.Body.Close(); resp.StatusCode != http.StatusOK {
				t.Error(resp.Status)
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestServeEnds: the end of the context ends the server, also while a reader is slow.
func TestServeEnds(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	begun, release := make(chan struct{}), make(chan struct{})
	s := Server{Live: func(context.Context) error { close(begun); <-release; return nil }}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	got := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String() + "/healthz")
		if err == nil {
			resp.Body.Close()
		}
		got <- err
	}()
	<-begun
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	close(release)
	if err := <-got; err == nil {
		t.Error("a reader that was cut off got an answer")
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}
