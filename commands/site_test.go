package commands

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// siteDaemon is a daemon that dials sites: play has the connection after the upgrade.
type siteDaemon struct {
	asked chan string // the order
	play  func(conn net.Conn, in *bufio.Reader)
}

func (d siteDaemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.asked <- r.Method + " " + r.URL.String()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+
		client.SiteProtocol+"\r\n\r\n")
	d.play(conn, buffered.Reader)
}

func status(t *testing.T, conn net.Conn, s client.SiteStatus) {
	data, err := json.Marshal(s)
	if err == nil {
		err = client.WriteFrame(conn, client.FrameStatus, data)
	}
	if err != nil {
		t.Error(err)
	}
}

// next returns the next frame of the user as text: what was typed, or "hang up".
func next(in *bufio.Reader) string {
	kind, data, err := client.ReadFrame(in)
	switch {
	case err != nil:
		return err.Error()
	case kind == client.FrameHangup:
		return "hang up"
	}
	return string(data)
}

// person is a user at a terminal.
type person struct {
	net.Conn
	t     *testing.T
	shown chan byte
	seen  strings.Builder
}

// watch reads what is shown, so that the terminal never waits for the person, until it is closed.
func (p *person) watch() {
	defer close(p.shown)
	b := make([]byte, 1024)
	for {
		n, err := p.Read(b)
		for _, c := range b[:n] {
			p.shown <- c
		}
		if err != nil {
			return
		}
	}
}

// await waits until what is shown ends with a text, and returns all that was shown.
func (p *person) await(text string) string {
	p.t.Helper()
	limit := time.After(time.Minute)
	for !strings.HasSuffix(p.seen.String(), text) {
		select {
		case c, more := <-p.shown:
			if !more {
				p.t.Fatalf("no %q in %q", text, p.seen.String())
			}
			p.seen.WriteByte(c)
		case <-limit:
			p.t.Fatalf("no %q in time in %q", text, p.seen.String())
		}
	}
	return p.seen.String()
}

func (p *person) types(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		p.t.Fatal(err)
	}
}

// atTerminal runs the command line of a privileged user until the end of the test.
func atTerminal(t *testing.T, ctx context.Context, d siteDaemon, idle time.Duration) (*person, <-chan error) {
	near, far := net.Pipe()
	term := console.NewTerminal(near)
	term.Idle = idle
	tree := &console.Tree{Commands: User{Client: clientOf(t, d), Level: Privileged, Terminal: term}.Nodes()}
	over := make(chan error, 1)
	go func() {
		err := tree.Run(ctx, term, "maui#")
		near.Close()
		over <- err
	}()
	t.Cleanup(func() { far.Close() })
	p := &person{Conn: far, t: t, shown: make(chan byte, 1<<16)}
	go p.watch()
	p.await("maui#")
	return p, over
}

// TestCallSite: a user joins the call to a site, all keys but the escape are the site's, and the command line is there
// again afterwards, with what was typed behind the escape.
func TestCallSite(t *testing.T) {
	got := make(chan string, 10)
	d := siteDaemon{asked: make(chan string, 1), play: func(conn net.Conn, in *bufio.Reader) {
		status(t, conn, client.SiteStatus{State: client.SiteDialing})
		status(t, conn, client.SiteStatus{State: client.SiteConnected, Line: 66, Number: "84020", Connect: "CONNECT"})
		_ = client.WriteFrame(conn, client.FrameCredit, client.Credit(1000))
		_ = client.WriteFrame(conn, client.FrameData, []byte("harbor> "))
		for range 2 {
			got <- next(in)
		}
		status(t, conn, client.SiteStatus{State: client.SiteEnded, Number: "84020", Reason: "hung up by the person"})
	}}
	p, _ := atTerminal(t, t.Context(), d, 0)
	p.types("call harbor 84020\r")
	p.await("harbor> ")
	p.types("\x03ls\r~.sh")
	shown := p.await("maui#sh")
	if order := <-d.asked; order != "POST /v1/sites/harbor/call?number=84020" {
		t.Error(order)
	}
	if typed, then := <-got, <-got; typed != "\x03ls\r" || then != "hang up" {
		t.Errorf("the site got %q, then %q", typed, then)
	}
	_, mark, _ := strings.Cut(shown, "lines of ringback begin with [")
	mark, _, _ = strings.Cut(mark, "]")
	for _, line := range []string{"dialing harbor; ", "connected to 84020 on tty 66: CONNECT; ",
		"the call to 84020 is over: hung up by the person\r\n"} {
		if !strings.Contains(shown, "["+mark+"] "+line) || mark == "" {
			t.Errorf("no %q behind the mark in %q", line, shown)
		}
	}
}

// TestCallSiteFails: a dial without a call, one that is given up with Ctrl-C, and a daemon that goes away: the command
// line is there again.
func TestCallSiteFails(t *testing.T) {
	for name, tt := range map[string]struct {
		types string
		play  func(conn net.Conn, in *bufio.Reader)
		want  string
	}{
		"busy": {"", func(conn net.Conn, _ *bufio.Reader) {
			status(t, conn, client.SiteStatus{State: client.SiteEnded, Result: "BUSY", Reason: "the number is busy"})
		}, "% call harbor: BUSY: the number is busy\r\nmaui#"},
		"given up": {"x\x03", func(conn net.Conn, in *bufio.Reader) {
			if got := next(in); got != "hang up" {
				t.Errorf("Ctrl-C sends %q", got)
			}
			status(t, conn, client.SiteStatus{State: client.SiteEnded, Result: "ERROR", Reason: "given up"})
		}, "% call harbor: ERROR: given up\r\nmaui#"},
		"daemon gone": {"", func(net.Conn, *bufio.Reader) {},
			"% the connection to the daemon is lost, and with it the call to harbor: EOF\r\nmaui#"},
	} {
		t.Run(name, func(t *testing.T) {
			d := siteDaemon{asked: make(chan string, 1), play: func(conn net.Conn, in *bufio.Reader) {
				status(t, conn, client.SiteStatus{State: client.SiteDialing})
				tt.play(conn, in)
			}}
			p, _ := atTerminal(t, t.Context(), d, 0)
			p.types("call harbor\r")
			p.await("]\r\n")
			p.types(tt.types)
			p.await(tt.want)
		})
	}
}

// TestCallSiteEnds: a session that ends, a terminal that goes away and one that is idle hang up.
func TestCallSiteEnds(t *testing.T) {
	errReset := errors.New("cleared")
	for name, tt := range map[string]struct {
		idle time.Duration
		end  func(p *person, cancel context.CancelCauseFunc)
		want error
	}{
		"session": {0, func(_ *person, cancel context.CancelCauseFunc) { cancel(errReset) }, errReset},
		"gone":    {0, func(p *person, _ context.CancelCauseFunc) { p.Close() }, io.EOF},
		"idle":    {2 * time.Second, func(*person, context.CancelCauseFunc) {}, console.ErrIdle},
	} {
		t.Run(name, func(t *testing.T) {
			gone := make(chan struct{})
			d := siteDaemon{asked: make(chan string, 1), play: func(conn net.Conn, in *bufio.Reader) {
				status(t, conn, client.SiteStatus{State: client.SiteDialing})
				status(t, conn, client.SiteStatus{State: client.SiteConnected, Number: "84020"})
				if _, _, err := client.ReadFrame(in); err != nil {
					close(gone)
				}
			}}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			p, over := atTerminal(t, ctx, d, tt.idle)
			p.types("call harbor\r")
			p.await("hangs up\r\n")
			tt.end(p, cancel)
			if err := <-over; !errors.Is(err, tt.want) {
				t.Errorf("the command line ended with %v, want %v", err, tt.want)
			}
			<-gone
		})
	}
}

// TestCallSiteNeedsPrivilege: no other user has the command.
func TestCallSiteNeedsPrivilege(t *testing.T) {
	for _, u := range []User{{Level: Privileged - 1, Terminal: &console.Terminal{}}, {Level: Privileged}} {
		if got := typed(t, u, "call harbor"); !strings.Contains(got, "Invalid input") {
			t.Errorf("level %d: %q", u.Level, got)
		}
	}
}
