package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
)

// siteTable has the rows of this file.
var siteTable = []Route{
	{"call-site", http.MethodPost, "/v1/sites/{site}/call", Operate,
		[]events.Kind{"dialout.began", "dialout.ended", "dialout.rejected"},
		"Dial a site, and join the call: a connection that is upgraded to " + client.SiteProtocol},
}

type siteCall struct {
	Site    string `path:"site" maxLength:"64"`
	Number  string `query:"number" maxLength:"100" doc:"the number to dial; absent: that of the site's profile"`
	Line    int    `query:"line" minimum:"1" maximum:"99999" doc:"the line that dials; absent: any"`
	Rotary  int    `query:"rotary" minimum:"-1" maximum:"100" default:"-1" doc:"the rotary of the line; -1: any"`
	Upgrade string `header:"Upgrade" required:"true" doc:"ringback-call/1"`
}

// Resolve rejects a request that is not upgraded.
func (in *siteCall) Resolve(huma.Context) []error {
	var errs []error
	if !strings.EqualFold(in.Upgrade, client.SiteProtocol) {
		errs = append(errs, &huma.ErrorDetail{Location: "header.Upgrade", Message: "must be " + client.SiteProtocol,
			Value: in.Upgrade})
	}
	if err := broker.CheckSite(in.Site); err != nil {
		errs = append(errs, &huma.ErrorDetail{Location: "path.site", Message: err.Error()})
	}
	return errs
}

// siteRoutes registers the routes of sites.
func (s *Server) siteRoutes(r *registry) {
	op := r.operation("call-site")
	op.Responses = map[string]*huma.Response{"101": {Description: "Switching Protocols: what follows are frames of " +
		client.SiteProtocol}}
	huma.Register(r.api, op, func(_ context.Context, in *siteCall) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			_, w := humago.Unwrap(hc)
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				http.Error(w, err.Error(), http.StatusHTTPVersionNotSupported)
				return
			}
			defer conn.Close()
			ctx, cancel := context.WithCancelCause(context.WithoutCancel(hc.Context()))
			defer cancel(nil)
			t := &siteTerminal{conn: conn, in: buffered.Reader, cancel: cancel, hangup: make(chan struct{}),
				out:   make(chan struct{}, 1),
				typed: make(chan []byte, client.SiteWindow)}
			t.serve(ctx, s.Daemon, in)
		}}, nil
	})
}

// terminalTime is how long the terminal of an operator may take no octets before the call is given up; allowedTime how
// often it is checked that the operator still has the role.
const (
	terminalTime = 2 * time.Minute
	allowedTime  = heartbeat
	lastTime     = 5 * time.Second // for what is left when the call is over
)

// siteTerminal is the operator's end of a call to a site.
type siteTerminal struct {
	conn   net.Conn
	in     *bufio.Reader
	cancel context.CancelCauseFunc

	out    chan struct{} // capacity 1: one frame at a time
	once   sync.Once
	hangup chan struct{} // closed when the operator hangs up
	typed  chan []byte   // never full: the client has credit for so many octets
	ahead  atomic.Int64  // octets in typed, or being written
}

var (
	errTerminalGone = errors.New("the operator's connection was lost")
	errTerminalSlow = fmt.Errorf("the operator's terminal has taken nothing for %v", terminalTime)
	errNotAllowed   = errors.New("the operator has lost the role")
)

// serve dials and carries octets between the call and the client until the call is over.
func (t *siteTerminal) serve(ctx context.Context, d Daemon, in *siteCall) {
	_ = t.conn.SetDeadline(time.Time{})
	const answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + client.SiteProtocol +
		"\r\n\r\n"
	if _, err := io.WriteString(t.conn, answer); err != nil {
		return
	}
	var parts sync.WaitGroup
	defer parts.Wait()
	defer t.conn.Close() // first: it ends the reader
	parts.Go(t.read)
	parts.Go(func() { t.watch(ctx) })
	t.tell(client.SiteStatus{State: client.SiteDialing})
	dialed := make(chan struct{})
	parts.Go(func() {
		select {
		case <-t.hangup:
			t.cancel(errors.New("the operator has hung up"))
		case <-dialed:
		case <-ctx.Done():
		}
	})
	c, err := d.CallSite(ctx, broker.SiteCall{Site: in.Site, Number: in.Number, TTY: in.Line, Rotary: in.Rotary,
		By: By(ctx)})
	close(dialed)
	if err != nil {
		t.cancel(nil)
		t.tell(failedCall(err))
		return
	}
	t.tell(client.SiteStatus{State: client.SiteConnected, Call: c.ID, Line: c.TTY, Number: c.Number, Connect: c.Connect,
		Script: c.Script, Transcript: splitLines(c.Transcript)})
	t.join(ctx, c)
	t.cancel(nil)
	t.tell(client.SiteStatus{State: client.SiteEnded, Call: c.ID, Line: c.TTY, Number: c.Number, Reason: c.Why().Text})
}

// failedCall is the status of a call that there is not.
func failedCall(err error) client.SiteStatus {
	s := client.SiteStatus{State: client.SiteEnded, Result: string(lines.Error), Reason: err.Error()}
	var failed *broker.DialOutError
	if errors.As(err, &failed) {
		s.Result, s.Transcript = string(failed.Code()), splitLines(failed.Transcript)
	}
	return s
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// join carries octets until the call is over, or its operator has gone.
func (t *siteTerminal) join(ctx context.Context, c *broker.OutCall) {
	var pumps sync.WaitGroup
	over := make(chan struct{})
	pumps.Go(func() {
		defer close(over)
		b := make([]byte, 4096)
		for {
			n, err := c.Read(b)
			if n > 0 && t.frame(client.FrameData, b[:n]) != nil {
				t.cancel(errTerminalSlow)
				return
			}
			if err != nil {
				return
			}
		}
	})
	pumps.Go(func() {
		if t.frame(client.FrameCredit, client.Credit(client.SiteWindow)) != nil {
			return
		}
		for {
			select {
			case data := <-t.typed:
				_, err := c.Write(data)
				t.ahead.Add(int64(-len(data)))
				if err != nil || t.frame(client.FrameCredit, client.Credit(len(data))) != nil {
					return
				}
			case <-over:
				return
			case <-c.Ended():
				return
			}
		}
	})
	select {
	case <-t.hangup:
		_ = c.Hangup(ctx) // the pumps end with the call
	case <-c.Ended():
	}
	<-c.Ended()
	// For what is on its way; a terminal that has stopped gets no more.
	_ = t.conn.SetWriteDeadline(time.Now().Add(lastTime))
	pumps.Wait()
}

// read takes the client's frames until its connection ends. It never waits for the modem: what the client may send
// ahead has room in typed.
func (t *siteTerminal) read() {
	for {
		kind, data, err := client.ReadFrame(t.in)
		switch {
		case err != nil:
			t.cancel(errTerminalGone)
			return
		case kind == client.FrameHangup:
			t.once.Do(func() { close(t.hangup) })
		case kind == client.FrameData && len(data) > 0:
			if t.ahead.Add(int64(len(data))) > client.SiteWindow {
				t.cancel(errors.New("the client sends more than it may"))
				return
			}
			t.typed <- data
		}
	}
}

// watch ends the call of an operator who loses the role.
func (t *siteTerminal) watch(ctx context.Context) {
	tick := time.NewTicker(allowedTime)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if !stillAllowed(ctx) {
				t.cancel(errNotAllowed)
			}
		case <-ctx.Done():
			return
		}
	}
}

// tell sends a status. A client that has gone learns it otherwise.
func (t *siteTerminal) tell(s client.SiteStatus) {
	data, err := json.Marshal(s)
	if err == nil && len(data) > client.MaxFrame { // a transcript
		s.Transcript = []string{"(too long to be shown: ringback debug chat)"}
		data, err = json.Marshal(s)
	}
	if err == nil {
		_ = t.frame(client.FrameStatus, data)
	}
}

func (t *siteTerminal) frame(kind byte, data []byte) error {
	t.out <- struct{}{}
	defer func() { <-t.out }()
	if err := t.conn.SetWriteDeadline(time.Now().Add(terminalTime)); err != nil {
		return err
	}
	return client.WriteFrame(t.conn, kind, data)
}
