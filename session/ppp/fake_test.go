package pppfront

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const success = "S=407A5589115FD0D6209F510FE9C04566932CDA56" // RFC 2759 §9.2

var (
	own  = [4]byte{10, 8, 0, 10}
	host = [4]byte{192, 0, 2, 7}
)

// fakeData is the data of a line over a net.Pipe; the caller has the other end.
type fakeData struct {
	net.Conn
	done   chan struct{}
	once   sync.Once
	frames bool // what is written is frames
}

func (d *fakeData) Frames() { d.frames = true }

func (d *fakeData) Drain(context.Context) error  { return nil }
func (d *fakeData) Done() <-chan struct{}        { return d.done }
func (d *fakeData) Hangup(context.Context) error { d.lose(); return nil }

func (d *fakeData) lose() { d.once.Do(func() { close(d.done); d.Conn.Close() }) }

// fakeAAA grants every user whose credentials do not have the word "wrong", after a time.
type fakeAAA struct {
	takes time.Duration
	auth  aaa.Authorization
	stuck bool // it answers only when ctx ends

	mu       sync.Mutex
	requests []aaa.Request
	canceled int
}

func (f *fakeAAA) Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	f.mu.Lock()
	f.requests = append(f.requests, r)
	f.mu.Unlock()
	if f.stuck {
		<-ctx.Done()
	} else {
		pause(ctx, f.takes)
	}
	if ctx.Err() != nil {
		f.mu.Lock()
		f.canceled++
		f.mu.Unlock()
		return nil, aaa.Result{Reason: "primary: canceled"}
	}
	if r.EAP != nil {
		return fakeEAP{f, r}, aaa.Result{Kind: aaa.Prompt, EAP: ppptest.Packet(1, 50, 4, 1, 7), Server: "primary"}
	}
	return nil, f.result(r, string(r.Password))
}

func (f *fakeAAA) result(r aaa.Request, proof string) aaa.Result {
	if r.MSCHAP != nil {
		proof = string(r.MSCHAP.Response)
	}
	if strings.Contains(proof, "wrong") {
		return aaa.Result{Kind: aaa.Refused, Server: "primary", Reason: "wrong password", Success: "E=691 R=1"}
	}
	return aaa.Result{Kind: aaa.Granted, Server: "primary", Identity: aaa.Identity{Entry: "radius", User: r.User},
		Auth: f.auth, Success: success}
}

func (f *fakeAAA) Command(context.Context, aaa.Question) aaa.Result { return aaa.Result{} }

type fakeEAP struct {
	f *fakeAAA
	r aaa.Request
}

func (c fakeEAP) Answer(_ context.Context, packet aaa.Secret) aaa.Result {
	res := c.f.result(c.r, "")
	res.EAP = ppptest.Packet(3, packet[1])
	return res
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// fakeBroker has its verdicts from two functions, and keeps the reports.
type fakeBroker struct {
	decide  func(session.Asked) session.Verdict
	promise func(context.Context, session.Choice) session.Verdict
	secure  bool

	mu      sync.Mutex
	asked   []session.Asked
	chosen  []session.Choice
	reports []session.Report
}

func (b *fakeBroker) Secure(session.Asked) bool { return b.secure }

func (b *fakeBroker) Decide(_ context.Context, a session.Asked) session.Verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, a)
	if b.decide == nil {
		return session.Verdict{Kind: session.Admit}
	}
	return b.decide(a)
}

func (b *fakeBroker) Promise(ctx context.Context, c session.Choice) session.Verdict {
	b.mu.Lock()
	b.chosen = append(b.chosen, c)
	b.mu.Unlock()
	if b.promise == nil {
		return session.Verdict{Kind: session.Promised, CallbackID: "cb1"}
	}
	return b.promise(ctx, c)
}

func (b *fakeBroker) Report(_ context.Context, r session.Report) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reports = append(b.reports, r)
}

// told returns the reports: "began 1 kim; 1 kim has 10.8.0.10; ended 1 kim, cause 2, admitted true".
func (b *fakeBroker) told() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, r := range b.reports {
		switch r.Kind {
		case session.Began:
			out = append(out, fmt.Sprintf("began %d %s", r.Session, r.Identity.User))
		case session.Interim:
			has := fmt.Sprintf("%d %s has", r.Session, r.Identity.User)
			if r.Framed.Address.IsValid() {
				has += " " + r.Framed.Address.String()
			}
			for _, p := range r.Framed.Prefixes {
				has += " " + p.String() + " " + r.Framed.InterfaceID
			}
			out = append(out, has)
		default:
			out = append(out, fmt.Sprintf("ended %d %s, cause %d, admitted %v", r.Session, r.Identity.User, r.Cause,
				r.Admitted))
		}
	}
	return strings.Join(out, "; ")
}

func offers(number string) func(session.Asked) session.Verdict {
	return func(session.Asked) session.Verdict {
		return session.Verdict{Kind: session.Offered, Offer: session.Offer{ID: "o1", Number: number}}
	}
}

// fakeNetwork answers each packet within Deliver.
type fakeNetwork struct {
	takes time.Duration
	fails bool // Open does
	six   bool // IPv6 too
	panic bool // Deliver does

	mu       sync.Mutex
	assigned int
	holder   ppp.Holder // of the last one
	released int
	got      [][]byte
	send     func([]byte) bool
	gone     func(error)
	log      []string
}

func (n *fakeNetwork) Assign(ctx context.Context, h ppp.Holder) (ppp.Lease, error) {
	<-time.After(n.takes) // a lease that comes too late, whatever ctx says
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.Identity.User == "" || h.TTY != 65 {
		return nil, errors.New("no holder")
	}
	n.assigned++
	n.holder = h
	return n, nil
}

func (n *fakeNetwork) Assignment() ppp.Assignment {
	a := ppp.Assignment{IPv4: true, Local: netip.MustParseAddr("10.8.0.1"), Peer: netip.MustParseAddr("10.8.0.10")}
	if n.six {
		a.IPv6, a.Prefixes = true, []netip.Prefix{netip.MustParsePrefix("2001:db8:8::/64")}
		a.Routes = []netip.Prefix{netip.MustParsePrefix("2001:db8:9::/48")}
	}
	return a
}

func (n *fakeNetwork) Open(o ppp.Opening, send func([]byte) bool, gone func(error)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log = append(n.log, fmt.Sprintf("open %v %v mtu %d", o.Family, o.Peer, o.MTU))
	if n.fails {
		return errors.New("no device")
	}
	n.send, n.gone = send, gone
	return nil
}

// fail tells the link that the network has failed.
func (n *fakeNetwork) fail(err error) {
	n.mu.Lock()
	gone := n.gone
	n.mu.Unlock()
	gone(err)
}

func (n *fakeNetwork) Deliver(packet []byte) {
	if n.panic {
		panic("the network")
	}
	n.mu.Lock()
	n.got = append(n.got, bytes.Clone(packet))
	send := n.send
	n.mu.Unlock()
	send(ppptest.IPv4Packet(host, own, packet[20:]))
}

func (n *fakeNetwork) Close(f ppp.Family) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log = append(n.log, "close "+f.String())
}

func (n *fakeNetwork) Release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.released++
}

// scene is what a call meets. Its zero value is leg one of a user who is admitted.
type scene struct {
	profile Profile
	aaa     *fakeAAA
	broker  *fakeBroker
	network *fakeNetwork
	leg     session.Leg
	config  session.Config
	chooser session.Chooser
	escapes []byte
	mute    bool // the caller reads nothing
	silent  bool // the caller's client does not answer by itself

	sessions *Sessions
	deaf     bool // nobody listens to `debug ppp`
}

// caller is a PPP client on a call. All of it happens in a synctest bubble.
type caller struct {
	t      *testing.T
	scene  scene
	far    net.Conn
	data   *fakeData
	client *ppptest.Client
	cancel context.CancelCauseFunc
	over   chan struct{}
	out    session.Outcome
	took   time.Duration
	began  time.Time
	reader sync.WaitGroup

	mu     sync.Mutex
	wire   []byte
	frames []ppptest.Frame
	times  []time.Duration
	debug  []string
}

// dial starts a call of a client, and waits until all is idle.
func dial(t *testing.T, sc scene, client *ppptest.Client) *caller {
	t.Helper()
	if sc.aaa == nil {
		sc.aaa = &fakeAAA{}
	}
	if sc.broker == nil {
		sc.broker = &fakeBroker{}
	}
	if sc.network == nil {
		sc.network = &fakeNetwork{}
	}
	if sc.profile.Authentication == nil {
		sc.profile.Authentication = []lcp.Auth{lcp.PAP}
	}
	sc.profile.IPv4, sc.profile.CBCP, sc.profile.RFC1570 = true, true, true
	near, far := net.Pipe()
	c := &caller{t: t, scene: sc, far: far, data: &fakeData{Conn: near, done: make(chan struct{})}, client: client,
		over: make(chan struct{}), began: time.Now()}
	front := New(Config{Network: sc.network, Sessions: sc.sessions, Debug: c,
		Profile: func(tty int) (Profile, bool) { return sc.profile, tty == 65 }})
	cfg := sc.config
	cfg.FrontEnds = session.Only{FrontEnd: front}
	if sc.chooser != nil {
		cfg.FrontEnds = sc.chooser
	}
	cfg.Debug = func(_ int, text string) { c.tells(text) }
	if sc.leg.Number == 2 {
		sc.leg.Service = aaa.PPP
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	c.cancel = cancel
	t.Cleanup(func() { c.data.lose(); c.far.Close() }) // if the test has failed
	call := &lines.Call{Data: c.data, ID: "c1", TTY: 65, Speed: 33600, Start: time.Now(), Escapes: sc.escapes}
	var first []ppptest.Frame
	if !sc.silent {
		first = client.Start() // before it takes anything
	}
	if !sc.mute {
		c.reader.Go(c.read)
	}
	go func() {
		defer close(c.over)
		c.out = session.Run(ctx, call, cfg, sc.aaa, sc.broker, sc.leg)
		c.took = time.Since(c.began)
	}()
	c.sends(first...)
	synctest.Wait()
	return c
}

// read keeps what the session writes and lets the client answer.
func (c *caller) read() {
	var d ppptest.Decoder
	var answers sync.WaitGroup
	queue := make(chan []byte, 1000)
	defer answers.Wait()
	defer close(queue)
	answers.Go(func() {
		for b := range queue {
			c.far.Write(b)
		}
	})
	buf := make([]byte, 256)
	for {
		n, err := c.far.Read(buf)
		c.mu.Lock()
		c.wire = append(c.wire, buf[:n]...)
		for _, f := range d.Feed(buf[:n]) {
			c.frames = append(c.frames, f)
			c.times = append(c.times, time.Since(c.began))
			if !c.scene.silent {
				for _, a := range c.client.Take(f) {
					queue <- a.Encode()
				}
			}
		}
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// sends writes frames and waits until all is idle.
func (c *caller) sends(frames ...ppptest.Frame) {
	c.t.Helper()
	for _, f := range frames {
		c.writes(f.Encode())
	}
}

func (c *caller) writes(b []byte) {
	c.t.Helper()
	c.far.SetWriteDeadline(time.Now().Add(time.Second))
	if _, err := c.far.Write(b); err != nil && !c.isOver() {
		c.t.Errorf("the session does not read: %v", err)
	}
	c.far.SetWriteDeadline(time.Time{})
	synctest.Wait()
}

func (c *caller) waits(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (c *caller) isOver() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

// ends waits for the end of the session and cleans up.
func (c *caller) ends() session.Outcome {
	c.t.Helper()
	<-c.over
	synctest.Wait()
	c.cancel(nil)
	c.data.lose()
	c.far.Close()
	c.reader.Wait()
	if n := c.scene.network; n.assigned != n.released {
		c.t.Errorf("%d leases, %d given back", n.assigned, n.released)
	}
	return c.out
}

func (c *caller) hangsUp() session.Outcome {
	c.data.lose()
	return c.ends()
}

// up reports whether IP is open.
func (c *caller) up() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.client.IPUp
}

// Heard implements Debug.
func (c *caller) Heard(string, int) bool { return !c.scene.deaf }

// Publish implements Debug.
func (c *caller) Publish(topic string, tty int, text string) {
	if tty != 65 || c.scene.deaf {
		c.t.Errorf("line %d, %s: %s", tty, topic, text)
	}
	c.tells(topic + ": " + text)
}

func (c *caller) tells(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.debug = append(c.debug, text)
}

// story returns the debug lines.
func (c *caller) story() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.debug, "\n")
}

// order returns protocol and code of the frames that were received, without LCP's negotiation, and IPCP.
func (c *caller) order() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, f := range c.frames {
		lcpOther := f.Protocol == ppptest.LCP && !slices.Contains([]byte{5, 6}, f.Info[0])
		if !lcpOther && f.Protocol != ppptest.IPCP {
			out = append(out, fmt.Sprintf("%04x:%d", f.Protocol, f.Info[0]))
		}
	}
	return strings.Join(out, " ")
}

// when returns the time of the first frame of a protocol with a code, -1 for none.
func (c *caller) when(protocol uint16, code byte) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range c.frames {
		if f.Protocol == protocol && f.Info[0] == code {
			return c.times[i]
		}
	}
	return -1
}
