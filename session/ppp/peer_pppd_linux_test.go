package pppfront

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/lab/pppdtest"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/session"
)

// ptyData is the data of a line over a PTY whose other end pppd has.
type ptyData struct {
	*os.File
	done chan struct{}
	once sync.Once
}

func (d *ptyData) Drain(context.Context) error  { return nil }
func (d *ptyData) Done() <-chan struct{}        { return d.done }
func (d *ptyData) Hangup(context.Context) error { d.lose(); return nil }

func (d *ptyData) lose() { d.once.Do(func() { close(d.done); d.Close() }) }

// openPTY returns a PTY and the name of its other end.
func openPTY(t testing.TB) (*ptyData, string) {
	t.Helper()
	line, tty, err := pppdtest.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	return &ptyData{File: line, done: make(chan struct{})}, tty
}

// pppd is a running pppd. Its log is complete when it has ended.
type pppd struct {
	*exec.Cmd
	log pppdtest.Log
}

// startPPPD starts pppd on a line, in namespaces of its own.
func startPPPD(t *testing.T, lib, tty string, options ...string) *pppd {
	t.Helper()
	const script = `mount -t tmpfs t /run && mkdir -p /run/lock && lib=$1 && shift && LD_PRELOAD=$lib exec /usr/sbin/pppd "$@"`
	args := append([]string{"-n", "-m", "sh", "-c", script, "sh", lib, tty, "115200", "local", "nocrtscts", "nodetach",
		"noauth", "nolock", "debug", "logfd", "2", "user", "kim", "password", "sesame", "noipdefault",
		"nodefaultroute"},
		options...)
	p := &pppd{Cmd: exec.Command("unshare", args...)}
	p.Stdout, p.Stderr, p.WaitDelay = &p.log, &p.log, time.Second
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// pppdCall is a call by pppd.
type pppdCall struct {
	auth    []lcp.Auth
	login   session.Login
	broker  *fakeBroker
	leg     session.Leg
	until   string // in pppd's log: it is then told to end; "": it ends by itself
	options []string
}

// hasAddress is in pppd's log when IP is open.
const hasAddress = "local  IP address 10.8.0.10"

// callPPPD has a pppd call, and returns the outcome and the pppd, which has ended.
func callPPPD(t *testing.T, lib string, c pppdCall) (session.Outcome, *pppd) {
	t.Helper()
	data, tty := openPTY(t)
	defer data.lose()
	profile := Profile{Authentication: c.auth, CBCP: true, IPv4: true, IPv6: true, Echo: lcp.Echo{Every: time.Second}}
	network := ppp.Null{Local: netip.MustParseAddr("10.8.0.1"), Peer: netip.MustParseAddr("10.8.0.10")}
	front := New(Config{Network: network, Profile: func(int) (Profile, bool) { return profile, true }})
	call := &lines.Call{Data: data, ID: "c1", TTY: 65, Start: time.Now()}
	p := startPPPD(t, lib, tty, c.options...)
	p.log.Await(t, "Connect: ppp0") // the PTY echoes until then
	ended := make(chan session.Outcome, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	go func() {
		ended <- session.Run(ctx, call, session.Config{FrontEnds: session.Only{FrontEnd: front}, FailureDelay: -1},
			c.login, c.broker, c.leg)
	}()
	if c.until != "" {
		p.log.Await(t, c.until)
		_ = p.Process.Signal(unix.SIGTERM)
	}
	out := <-ended
	data.lose()
	_ = p.Wait()
	return out, p
}

// TestPeerPPPD: a real pppd logs in, is promised a callback, and has IP.
func TestPeerPPPD(t *testing.T) {
	lib := pppdtest.Shim(t)
	for _, tt := range []struct {
		name    string
		auth    []lcp.Auth
		broker  *fakeBroker
		options []string
		until   string // in pppd's log: it is then told to end
		exit    int
		kind    session.OutcomeKind
		choice  session.Choice
	}{
		{name: "pap", auth: []lcp.Auth{lcp.PAP}, until: hasAddress, exit: 5,
			kind: session.SessionEnded},
		{name: "chap", auth: []lcp.Auth{lcp.CHAP}, until: hasAddress, exit: 5,
			kind: session.SessionEnded},
		{name: "eap", auth: []lcp.Auth{lcp.EAP}, until: hasAddress, exit: 5,
			kind: session.SessionEnded},
		{name: "callback at the caller's number", auth: []lcp.Auth{lcp.PAP}, broker: &fakeBroker{decide: offers("")},
			options: []string{"callback", "5551234"}, exit: 14, kind: session.CallbackPromised,
			choice: session.Choice{Offer: "o1", Number: "5551234", Delay: 5 * time.Second}},
		{name: "callback at the fixed number", auth: []lcp.Auth{lcp.CHAP}, broker: &fakeBroker{decide: offers("84001")},
			options: []string{"callback", "5551234"}, exit: 14, kind: session.CallbackPromised,
			choice: session.Choice{Offer: "o1", Delay: 5 * time.Second}},
		{name: "no callback", auth: []lcp.Auth{lcp.PAP}, options: []string{"callback", "5551234"},
			until: hasAddress, exit: 5, kind: session.SessionEnded},
		{name: "wrong password", auth: []lcp.Auth{lcp.PAP}, options: []string{"password", "wrong"}, exit: 19},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.broker
			if b == nil {
				b = &fakeBroker{}
			}
			out, p := callPPPD(t, lib, pppdCall{auth: tt.auth, login: &fakeAAA{}, broker: b, until: tt.until,
				options: tt.options})
			if got := p.ProcessState.ExitCode(); got != tt.exit || out.Kind != tt.kind {
				t.Errorf("pppd exits %d, want %d; %+v\n%s", got, tt.exit, out, p.log.String())
			}
			var asked session.Choice
			if len(b.chosen) > 0 {
				asked = b.chosen[0]
				asked.Call = nil
			}
			if asked != tt.choice {
				t.Errorf("choice %+v", asked)
			}
		})
	}
}
