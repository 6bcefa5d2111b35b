package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/pool"
	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/session"
	pppfront "github.com/ringback/ringback/session/ppp"
)

// pipeData is the data of a line over a net.Pipe.
type pipeData struct {
	net.Conn
	done chan struct{}
	once sync.Once
}

func (d *pipeData) Drain(context.Context) error  { return nil }
func (d *pipeData) Done() <-chan struct{}        { return d.done }
func (d *pipeData) Hangup(context.Context) error { return d.Close() }
func (d *pipeData) Close() error {
	d.once.Do(func() { close(d.done) })
	return d.Conn.Close()
}

// granter grants every login and admits every caller.
type granter struct{}

func (granter) Start(_ context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	return nil, aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "radius", User: r.User},
		Auth: aaa.Authorization{SessionTimeout: time.Hour}}
}
func (granter) Command(context.Context, aaa.Question) aaa.Result            { return aaa.Result{} }
func (granter) Report(context.Context, session.Report)                      {}
func (granter) Promise(context.Context, session.Choice) (v session.Verdict) { return v }
func (granter) Secure(session.Asked) bool                                   { return false }
func (granter) Decide(context.Context, session.Asked) session.Verdict {
	return session.Verdict{Kind: session.Admit}
}

// call has a PPP client log in on tty 65, and returns its computer's frames: each that it sends is written to the line.
// The call ends with the test.
func call(t *testing.T, sessions *pppfront.Sessions) (send chan<- ppptest.Frame) {
	t.Helper()
	near, far := net.Pipe()
	data := &pipeData{Conn: near, done: make(chan struct{})}
	front := pppfront.New(pppfront.Config{Sessions: sessions,
		Network: ppp.Null{Local: netip.MustParseAddr("10.8.0.1"), Peer: netip.MustParseAddr("10.8.0.10")},
		Profile: func(int) (pppfront.Profile, bool) {
			return pppfront.Profile{IPv4: true, Authentication: []lcp.Auth{lcp.PAP}}, true
		}})
	frames := make(chan ppptest.Frame, 100)
	var parts sync.WaitGroup
	parts.Go(func() {
		session.Run(context.Background(), &lines.Call{Data: data, ID: "c1", TTY: 65}, session.Config{
			FrontEnds: session.Only{FrontEnd: front}}, granter{}, granter{}, session.Leg{})
	})
	parts.Go(func() {
		for f := range frames {
			far.Write(f.Encode())
		}
	})
	parts.Go(func() {
		defer close(frames)
		computer := &ppptest.Client{User: "kim", Password: "sesame"}
		for _, f := range computer.Start() {
			frames <- f
		}
		var d ppptest.Decoder
		buf := make([]byte, 256)
		for {
			n, err := far.Read(buf)
			for _, f := range d.Feed(buf[:n]) {
				for _, a := range computer.Take(f) {
					frames <- a
				}
			}
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() { data.Close(); far.Close(); parts.Wait() })
	return frames
}

// reported has the events that were reported.
type reported struct {
	mu  sync.Mutex
	all []events.Event
}

func (r *reported) happened(e events.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, e)
}

func (r *reported) list() []events.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]events.Event(nil), r.all...)
}

// within waits for a condition.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not in a minute: %s", what)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
}

// TestPPPSessions: the API shows a session and its addresses.
func TestPPPSessions(t *testing.T) {
	sessions := &pppfront.Sessions{}
	c, _ := serve(t, &Server{Daemon: fake{}, Feed: &Feed{}, PPP: PPP{Sessions: sessions}})
	if v, err := c.PPPSessions(t.Context()); err != nil || v == nil || len(v) != 0 {
		t.Fatalf("before a call: %v, %v", v, err)
	}
	call(t, sessions)
	var s client.PPPSession
	within(t, "IPCP is open", func() bool {
		v, err := c.PPPSessions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(v) == 1 {
			s = v[0]
		}
		return s.IPCP == "Opened"
	})
	if s.TTY != 65 || s.Call != "c1" || s.User != "kim" || s.Leg != 1 || s.Phase != "network" || s.LCP != "Opened" ||
		s.IPV6CP != "Initial" || s.Authentication != "pap" || s.AuthenticationState != "passed" ||
		s.Address != "10.8.0.10" || s.LocalAddress != "10.8.0.1" || s.Idle == nil || s.Remaining == nil ||
		*s.Remaining < 3000 || *s.Remaining > 3600 || s.Receive == nil || !s.Send.PFC || s.Send.ACCM != "00000000" ||
		s.Frames.Good == 0 {
		t.Errorf("%+v", s)
	}
}

// TestPPPPools: the API shows pools and holders.
func TestPPPPools(t *testing.T) {
	pools, err := pool.Parse([]pool.Config{{Name: "dialin", Addresses: []string{"10.8.0.10"}, Backup: "spare",
		Holdback: time.Minute}, {Name: "spare", Prefixes: []string{"2001:db8:8::/64"}}})
	if err != nil {
		t.Fatal(err)
	}
	a := pool.New(pools, func() time.Time { return created })
	if _, err := a.Assign("dialin", pool.Holder{User: "kim", TTY: 65}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Assign("dialin", pool.Holder{User: "paul", TTY: 66}); err == nil {
		t.Fatal("two callers have one address")
	}
	if _, err := a.Claim(netip.MustParsePrefix("192.0.2.0/24"), pool.Holder{User: "pia", TTY: 67}); err != nil {
		t.Fatal(err)
	}
	c, _ := serve(t, &Server{Daemon: fake{}, Feed: &Feed{}, PPP: PPP{Pools: a.Snapshot}})
	v, err := c.PPPPools(t.Context())
	if err != nil || len(v.Pools) != 2 || len(v.Outside) != 1 || v.Outside[0].Address != "192.0.2.0/24" ||
		v.Outside[0].User != "pia" {
		t.Fatalf("%+v, %v", v, err)
	}
	p := v.Pools[0]
	if p.Name != "dialin" || p.Backup != "spare" || p.Holdback != 60 || p.Addresses.Size != 1 ||
		p.Addresses.InUse != 1 || p.Addresses.Free != 0 || !p.Addresses.Exhausted.Equal(created) ||
		!p.Prefixes.Exhausted.IsZero() || len(p.Holders) != 1 || p.Holders[0].Address != "10.8.0.10" ||
		p.Holders[0].User != "kim" || p.Holders[0].TTY != 65 || !p.Holders[0].Since.Equal(created) {
		t.Errorf("%+v", p)
	}
	none, _ := serve(t, &Server{Daemon: fake{}, Feed: &Feed{}})
	if v, err := none.PPPPools(t.Context()); err != nil || v.Pools == nil || len(v.Pools)+len(v.Outside) != 0 {
		t.Errorf("without PPP: %+v, %v", v, err)
	}
}

// TestPPPCapture: a capture has the frames of a call, without its password, and is reported when it begins and ends.
func TestPPPCapture(t *testing.T) {
	sessions, log := &pppfront.Sessions{}, &reported{}
	c, _ := serve(t, &Server{Daemon: fake{}, Feed: &Feed{}, PPP: PPP{Sessions: sessions, Happened: log.happened}})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	frames, capturing, ended := make(chan client.PPPFrame, 1000), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- c.PPPCapture(ctx, 65, true, func() { close(capturing) }, func(f client.PPPFrame) { frames <- f })
	}()
	select {
	case <-capturing:
	case err := <-ended:
		t.Fatal(err)
	}
	if got := log.list(); len(got) != 1 {
		t.Errorf("reported before the first frame: %v", got)
	}
	send := call(t, sessions)
	own, host := [4]byte{10, 8, 0, 10}, [4]byte{192, 0, 2, 7}
	seen := map[uint16]int{}
	for seen[ppptest.IPv4] == 0 {
		f := <-frames
		if seen[f.Protocol]++; f.Protocol == ppptest.PAP && !f.Out && !strings.HasSuffix(string(f.Info), "******") {
			t.Errorf("a login: %q", f.Info)
		}
		if f.Protocol == ppptest.IPCP && f.Out && f.Info[0] == 2 {
			send <- ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, []byte("ping!"))}
		}
		if f.Lost != 0 || f.Time.IsZero() {
			t.Errorf("%+v", f)
		}
	}
	if seen[ppptest.LCP] < 4 || seen[ppptest.PAP] != 2 || seen[ppptest.IPCP] < 4 {
		t.Errorf("%v", seen)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	within(t, "the end is reported", func() bool { return len(log.list()) == 2 })
	began, _ := log.list()[0].(events.CaptureBegan)
	end, _ := log.list()[1].(events.CaptureEnded)
	if began.Line != 65 || !began.Payload || !strings.Contains(began.By, "api, pid ") || end.Line != 65 ||
		end.By != began.By || end.Frames < 10 || end.Lost != 0 {
		t.Errorf("%+v, %+v", began, end)
	}
}

// TestPPPCaptureRefused: a capture of no line is refused with a status, and not reported.
func TestPPPCaptureRefused(t *testing.T) {
	log := &reported{}
	c, _ := serve(t, &Server{Daemon: fake{}, Feed: &Feed{}, PPP: PPP{Sessions: &pppfront.Sessions{},
		Happened: log.happened}})
	none, _ := serve(t, &Server{Daemon: fake{}, Feed: &Feed{}})
	for _, tt := range []struct {
		c    *client.Client
		tty  int
		want string
	}{{c, 7, "there is no line 7: `ringback show line` lists them"}, {none, 65, "this daemon does not serve PPP"}} {
		err := tt.c.PPPCapture(t.Context(), tt.tty, false, nil, nil)
		var problem *client.Problem
		if !errors.As(err, &problem) || problem.Status != http.StatusNotFound || err.Error() != tt.want {
			t.Errorf("line %d: %v", tt.tty, err)
		}
	}
	if got := log.list(); len(got) != 0 {
		t.Errorf("reported: %v", got)
	}
}

// TestPPPCaptureAtShutdown: when the daemon stops, the end of a capture is reported before the API has ended.
func TestPPPCaptureAtShutdown(t *testing.T) {
	dir, err := os.MkdirTemp("", "rb") // not t.TempDir: the path of a socket is limited to 100 octets
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := Listen(filepath.Join(dir, "s"), nil)
	if err != nil {
		t.Fatal(err)
	}
	log := &reported{}
	s := &Server{Daemon: fake{}, Feed: &Feed{}, PPP: PPP{Sessions: &pppfront.Sessions{}, Happened: log.happened}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.ServeListener(ctx, l) }()
	err = client.New(filepath.Join(dir, "s")).PPPCapture(t.Context(), 65, false, stop, func(client.PPPFrame) {})
	if err == nil || !strings.HasSuffix(err.Error(), "has stopped") {
		t.Errorf("the client reads %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := log.list(); len(got) != 2 {
		t.Errorf("reported: %v", got)
	}
}
