package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/lines/port"
)

// TestImpostorOnRealPorts: a caller types NO CARRIER and, at 20 moments after it, what a modem would answer. On each
// kind of real port the line is lent only when the modem is on hook, and the caller receives no dial command.
// lines/modem has the same test in 10 ms steps of simulated time.
func TestImpostorOnRealPorts(t *testing.T) {
	for _, kind := range []string{"tcp", "pty", "rfc2217", "rfc2217 without COM-PORT"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			e := newImpostorTown(t, kind)
			for i := range 20 {
				e.attack(t, time.Duration(i)*15*time.Millisecond)
			}
		})
	}
}

type impostorTown struct {
	x        *exchange.Exchange
	line     *exchange.Modem
	stranger *exchange.Modem
	pool     *lines.Pool
	calls    chan *lines.Call
}

func newImpostorTown(t *testing.T, kind string) *impostorTown {
	e := &impostorTown{x: exchange.New(exchange.Config{Pace: 50}), calls: make(chan *lines.Call, 100)}
	e.line = e.x.AddModem(exchange.ModemConfig{Name: "tty1", Number: "55555", Profile: "S7=255"})
	e.stranger = e.x.AddModem(exchange.ModemConfig{Name: "stranger", Number: "66666", Profile: "E0S7=255"})
	url := e.serve(t, kind)
	a, err := port.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &lines.Config{TTY: 1, Port: url, Rotary: lines.NoRotary, InBand: a.Scheme == port.TCP ||
		a.Scheme == port.PTY, InsecureSignals: strings.Contains(kind, "without"),
		Timing: lines.Timing{Guard: 22 * time.Millisecond, CommandGap: time.Millisecond, Settle: time.Millisecond,
			Command: 2 * time.Second, DTRLow: 10 * time.Millisecond,
			Silence: 100 * time.Millisecond, Reopen: 10 * time.Millisecond, OnHook: time.Minute}}
	proofs, err := modem.OpenProofs(filepath.Join(t.TempDir(), "lines"))
	if err != nil {
		t.Fatal(err)
	}
	e.pool = lines.NewPool(lines.PoolOptions{})
	d := modem.New(modem.Options{Config: cfg, Proofs: proofs, Open: func(ctx context.Context) (lines.Port, error) {
		return a.Open(ctx, port.Options{Timeout: 300 * time.Millisecond})
	}})
	if err := e.pool.Add(cfg, d); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		_ = e.pool.Run(ctx, func(ctx context.Context, c *lines.Call) {
			e.calls <- c
			select {
			case <-c.Done():
			case <-ctx.Done():
			}
		})
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
		e.x.Close()
	})
	return e
}

// serve gives the line's modem a port and returns its URL.
func (e *impostorTown) serve(t *testing.T, kind string) string {
	if kind == "pty" {
		link := filepath.Join(t.TempDir(), "modem")
		if _, err := e.line.ServePTY(link); err != nil {
			t.Fatal(err)
		}
		return "pty://" + link
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	scheme, serve := "tcp", e.line.ServeTCP
	if strings.HasPrefix(kind, "rfc2217") {
		scheme = "rfc2217"
		if kind == "rfc2217" {
			serve = e.line.ServeRFC2217
		}
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = serve(l)
	}()
	t.Cleanup(func() {
		l.Close()
		<-served
	})
	return fmt.Sprintf("%s://%s", scheme, l.Addr())
}

// attack plays one call.
func (e *impostorTown) attack(t *testing.T, at time.Duration) {
	t.Helper()
	limit, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	free, err := e.pool.Acquire(limit, lines.Want{Owner: "test", TTYs: []int{1}, Rotary: lines.NoRotary})
	if err != nil {
		t.Fatalf("the line is not in service: %v %+v", err, e.pool.Lines())
	}
	free.Release()
	thief := e.stranger.DTE()
	defer thief.Close()
	read, connected := make(chan string, 1), make(chan struct{})
	go func() {
		var all bytes.Buffer
		buf := make([]byte, 256)
		for seen := false; ; {
			n, err := thief.Read(buf)
			all.Write(buf[:n])
			if !seen && strings.Contains(all.String(), "CONNECT") {
				seen = true
				close(connected)
			}
			if err != nil {
				read <- all.String()
				return
			}
		}
	}()
	var call *lines.Call
	for call == nil {
		_, _ = io.WriteString(thief, "ATDT55555\r")
		select {
		case call = <-e.calls:
		case <-time.After(10 * time.Second): // the line was not ready for a ring yet
		case <-limit.Done():
			t.Fatalf("%v: no answer", at)
		}
	}
	select {
	case <-connected:
	case <-limit.Done():
		t.Fatalf("%v: no CONNECT for the caller", at)
	}
	_, _ = io.WriteString(thief, "\r\nNO CARRIER\r\n")
	time.AfterFunc(at, func() {
		_, _ = io.WriteString(thief, "\r\n000\r\n\r\n000\r\n\r\n000\r\n\r\nOK\r\n\r\nNO "+
			"CARRIER\r\n\r\nRING\r\n\r\nCONNECT\r\n")
	})
	// in case the text was data, as on a port with modem signals
	hungUp := time.AfterFunc(200*time.Millisecond, func() { _ = call.Hangup(limit) })
	defer hungUp.Stop()
	lease, err := e.pool.Acquire(limit, lines.Want{Owner: "test", TTYs: []int{1}, Rotary: lines.NoRotary})
	if err != nil {
		t.Fatalf("%v: the line does not come back: %v %+v", at, err, e.pool.Lines())
	}
	if state := e.line.State(); state != exchange.OnHook {
		t.Errorf("%v: lent while the modem is %v", at, state)
	}
	lease.Release()
	_ = call.Hangup(limit)
	e.stranger.HangUp()
	thief.Close()
	if screen := <-read; strings.Contains(screen, "ATD") {
		t.Errorf("%v: the thief read %q", at, screen)
	}
}
