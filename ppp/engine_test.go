package ppp

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
)

const success = "S=407A5589115FD0D6209F510FE9C04566932CDA56" // RFC 2759 §9.2

var (
	own  = [4]byte{10, 8, 0, 10}
	host = [4]byte{192, 0, 2, 7}
)

// TestLogin goes from the first frame to IP by each method.
func TestLogin(t *testing.T) {
	for _, c := range []struct {
		name    string
		offered []lcp.Auth
		client  [][]byte
		check   func(Ask) bool
	}{
		{"pap", []lcp.Auth{lcp.PAP}, nil, func(a Ask) bool { return a.Credentials.Password == "sesame" }},
		{"chap", []lcp.Auth{lcp.CHAP}, [][]byte{ppptest.MethodCHAP},
			func(a Ask) bool { return a.Credentials.CHAP != nil }},
		{"ms-chap", []lcp.Auth{lcp.MSCHAPv1}, [][]byte{ppptest.MethodMSCHAP},
			func(a Ask) bool { return a.Credentials.MSCHAP.Version == 1 }},
		{"ms-chap-v2", []lcp.Auth{lcp.MSCHAPv2}, [][]byte{ppptest.MethodMSCHAPv2},
			func(a Ask) bool { return a.Credentials.MSCHAP.Version == 2 }},
		{"the second of the list", []lcp.Auth{lcp.MSCHAPv2, lcp.CHAP, lcp.PAP}, [][]byte{ppptest.MethodPAP},
			func(a Ask) bool { return a.Credentials.Password == "sesame" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := settings()
			cfg.Auth = c.offered
			d := newDriver(t, cfg, &ppptest.Client{User: "kim", Password: "sesame", Methods: c.client})
			d.aaa = func(q Effect) aaa.Result {
				if a := q.(Ask); a.Credentials.User != "kim" || !c.check(a) {
					t.Errorf("credentials %+v", a.Credentials)
				}
				res := grant(q)
				res.Success = success
				return res
			}
			d.begin()
			if !d.client.IPUp || d.client.IP != own || !d.open[IPv4] {
				t.Fatalf("no IP: %+v\n%s", d.client, d.story())
			}
			d.write(ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, []byte("ping"))})
			if len(d.delivered) != 1 || !d.engine.SendIP(ppptest.IPv4Packet(host, own, []byte("pong"))) {
				t.Fatal("no packets")
			}
			d.exchange()
			if len(d.client.Data) != 1 || string(d.client.Data[0][20:]) != "pong" {
				t.Fatalf("received %q", d.client.Data)
			}
			d.write(d.client.Terminate())
			d.exchange()
			d.pass(2 * time.Second)
			if !d.client.EndAck || d.end != nil {
				t.Fatalf("ended before the restart time: %s", d.ended())
			}
			d.pass(2 * time.Second)
			if got := d.ended(); got != `1 ended by the peer: "Call me back, please"` {
				t.Error(got)
			}
		})
	}
}

// TestRefusedLogin: the failure crosses the line before the Terminate-Request.
func TestRefusedLogin(t *testing.T) {
	refused := func(Effect) aaa.Result { return aaa.Result{Kind: aaa.Refused, Reason: "wrong password"} }
	for _, c := range []struct {
		name   string
		method lcp.Auth
		client [][]byte
		aaa    func(Effect) aaa.Result
		settle func(aaa.Result) Settlement
		order  string
		ended  string
	}{
		{"pap", lcp.PAP, nil, refused, admit, "c023:3 c021:5", "10 authentication: refused: \"wrong password\""},
		{"chap", lcp.CHAP, [][]byte{ppptest.MethodCHAP}, refused, admit, "c223:1 c223:4 c021:5",
			"10 authentication: refused: \"wrong password\""},
		{"the session refuses AAA's grant", lcp.PAP, nil, grant,
			func(aaa.Result) Settlement { return Settlement{Reason: "another user"} }, "c023:3 c021:5",
			"10 authentication: refused: \"another user\""},
		{"the broker refuses", lcp.PAP, nil, grant, func(aaa.Result) Settlement {
			return Settlement{Accepted: true, Decision: Decision{Reason: "closed", Text: "Access\r\ndenied"}}
		}, "c023:2 c021:5", "10 closed"},
		{"no answer of AAA", lcp.PAP, nil, func(Effect) aaa.Result { return aaa.Result{Reason: "timeout"} }, admit,
			"c023:3 c021:5", "10 authentication: AAA gives no answer: \"timeout\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := settings()
			cfg.Auth = []lcp.Auth{c.method}
			d := newDriver(t, cfg, &ppptest.Client{User: "kim", Password: "sesame", Methods: c.client})
			d.aaa, d.settle = c.aaa, c.settle
			d.begin()
			if got := d.order(); got != c.order {
				t.Errorf("order %s, want %s", got, c.order)
			}
			if got := d.ended(); got != c.ended {
				t.Errorf("ended %s, want %s", got, c.ended)
			}
			if d.client.IPUp || strings.ContainsAny(d.client.EndText, "\r\n") {
				t.Errorf("client %+v", d.client)
			}
		})
	}
}

// TestRetry: MS-CHAP may try again as long as the session has tries.
func TestRetry(t *testing.T) {
	for _, tries := range []int{1, 2} {
		cfg := settings()
		cfg.Auth = []lcp.Auth{lcp.MSCHAPv2}
		d := newDriver(t, cfg, &ppptest.Client{User: "kim", Password: "x", Methods: [][]byte{ppptest.MethodMSCHAPv2}})
		d.aaa = func(Effect) aaa.Result {
			return aaa.Result{Kind: aaa.Refused, Reason: "wrong", Success: "E=691 R=1"}
		}
		left := tries
		d.settle = func(aaa.Result) Settlement { left--; return Settlement{Retry: left > 0, Reason: "wrong"} }
		d.begin()
		if tries == 1 {
			if !strings.HasPrefix(string(d.client.Refusal), "E=691 R=0") || d.end == nil {
				t.Errorf("refusal %q, %s", d.client.Refusal, d.ended())
			}
			continue
		}
		if !strings.HasPrefix(string(d.client.Refusal), "E=691 R=1") || d.end != nil {
			t.Errorf("refusal %q, %s", d.client.Refusal, d.ended())
		}
	}
}

// TestSlowAAA: echoes are answered while AAA works, and nothing is asked twice.
func TestSlowAAA(t *testing.T) {
	cfg := settings()
	cfg.Auth = []lcp.Auth{lcp.CHAP}
	cfg.Echo = lcp.Echo{Every: 4 * time.Second}
	d := newDriver(t, cfg, &ppptest.Client{User: "kim", Password: "sesame", Methods: [][]byte{ppptest.MethodCHAP}})
	d.auto = false
	d.begin()
	last := d.sent[len(d.sent)-1]
	for range 20 {
		d.pass(time.Second)
		d.write(d.client.Echo())
		d.write(d.client.Take(ppptest.Frame{Protocol: ppptest.CHAP, Info: last.Info})...) // a repeated response
		d.exchange()
	}
	if d.client.Replies != 20 || d.count(ppptest.CHAP, 1) != 1 || len(d.asked) != 1 {
		t.Fatalf("replies %d, challenges %d, questions %v", d.client.Replies, d.count(ppptest.CHAP, 1), d.asked)
	}
	d.auto = true
	d.answer(1)
	d.exchange()
	if !d.client.IPUp {
		t.Fatal(d.story())
	}
	answers := d.count(ppptest.CHAP, 3)
	d.write(d.client.Take(ppptest.Frame{Protocol: ppptest.CHAP, Info: last.Info})...)
	d.exchange()
	if d.count(ppptest.CHAP, 3) != answers+1 || len(d.logins) != 1 {
		t.Fatalf("a response that is repeated in the network phase: %d answers, %d logins", answers, len(d.logins))
	}
}

// choose returns the answer of a CBCP client.
func choose(option ...byte) func([]byte) []byte { return func([]byte) []byte { return option } }

// TestCallback has the ways to a callback and around it.
func TestCallback(t *testing.T) {
	number := append([]byte{2, 11, 12, 1}, "555123\x00"...)
	bad := 0
	for _, c := range []struct {
		name     string
		settle   func(aaa.Result) Settlement
		broker   func(cbcp.Wish) cbcp.Verdict
		option   []byte
		response func([]byte) []byte
		initiate bool
		wait     time.Duration
		want     string // order of frames
		ended    string
		ip       bool
	}{
		{name: "CBCP at a fixed number", settle: offer(true), option: []byte{6}, response: choose(3, 3, 5),
			want: "c023:2 c029:1 c029:3 c021:6", wait: 4 * time.Second,
			ended: `16 ended by the peer: "Call me back, please"`},
		{name: "CBCP at the caller's number", settle: offer(false), option: []byte{6}, response: choose(number...),
			want: "c023:2 c029:1 c029:3 c021:6", wait: 4 * time.Second,
			ended: `16 ended by the peer: "Call me back, please"`},
		{name: "CBCP, not recorded", settle: offer(true), option: []byte{6}, response: choose(3, 3, 5),
			broker: func(cbcp.Wish) cbcp.Verdict { return cbcp.Verdict{Reason: "the disk is full"} },
			want:   "c023:2 c029:1 c021:5", ended: "10 callback refused: \"the disk is full\""},
		{name: "CBCP, a number that is asked again", settle: offer(false), option: []byte{6},
			response: choose(number...),
			broker: func(cbcp.Wish) cbcp.Verdict {
				if bad++; bad < 3 {
					return cbcp.Verdict{Kind: cbcp.VerdictBadChoice, Reason: "not allowed"}
				}
				return cbcp.Verdict{Kind: cbcp.VerdictPromised}
			},
			want: "c023:2 c029:1 c029:1 c029:1 c029:3 c021:6", wait: 4 * time.Second,
			ended: `16 ended by the peer: "Call me back, please"`},
		{name: "CBCP without an answer", settle: offer(true), option: []byte{6}, wait: 27 * time.Second,
			want:  "c023:2" + strings.Repeat(" c029:1", 10) + " c021:5",
			ended: "10 the peer does not answer CBCP: \"10 Requests\""},
		{name: "CBCP, no callback required", settle: admit, option: []byte{6}, response: choose(1, 2),
			want: "c023:2 c029:1 c029:3", ended: "still network", ip: true},
		{name: "operation 0", settle: offer(true), option: []byte{0}, want: "c023:2 c021:5",
			ended: "16 callback promised"},
		{name: "operation 0, refused by the disk", settle: offer(true), option: []byte{0},
			broker: func(cbcp.Wish) cbcp.Verdict { return cbcp.Verdict{Text: "Service not available"} },
			want:   "c023:2 c021:5", ended: "10 refused: Service not available"},
		{name: "operation 0, no number", settle: offer(false), option: []byte{0}, want: "c023:2 c021:5",
			ended: "10 refused: Callback not available"},
		{name: "operation 3", settle: offer(false), option: []byte("\x03555123"), want: "c023:2 c021:5",
			ended: "16 callback promised"},
		{name: "operation 3, none required", settle: admit, option: []byte("\x03555123"), want: "c023:2 c021:5",
			ended: "10 refused: Callback not available"},
		{name: "required, not asked for", settle: offer(true), want: "c023:2 c021:5",
			ended: "10 refused: Callback not available"},
		{name: "initiated by us", settle: offer(true), initiate: true, want: "c023:2 c021:5",
			ended: "16 callback promised"},
		{name: "not asked for, none required", settle: admit, want: "c023:2", ended: "still network", ip: true},
		{name: "declined at the broker", settle: func(aaa.Result) Settlement {
			return Settlement{Accepted: true, Decision: Decision{Kind: Offered, MayDecline: true}}
		}, broker: func(w cbcp.Wish) cbcp.Verdict {
			if !w.Decline {
				return cbcp.Verdict{Kind: cbcp.VerdictPromised}
			}
			return cbcp.Verdict{Kind: cbcp.VerdictAdmit}
		}, want: "c023:2", ended: "still network", ip: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := settings()
			cfg.Initiate = c.initiate
			d := newDriver(t, cfg, &ppptest.Client{User: "kim", Callback: c.option, Response: c.response})
			d.settle = c.settle
			if c.broker != nil {
				d.broker = c.broker
			}
			d.begin()
			d.pass(c.wait)
			if got := d.order(); got != c.want {
				t.Errorf("frames %s, want %s", got, c.want)
			}
			if got := d.ended(); got != c.ended {
				t.Errorf("ended %s, want %s\n%s", got, c.ended, d.story())
			}
			if d.open[IPv4] != c.ip {
				t.Errorf("IP open: %v", d.open[IPv4])
			}
		})
	}
}

// TestAckAfterPromise: nothing crosses the line while the callback is not on disk, and the caller has 10 s to end the
// link after the Ack.
func TestAckAfterPromise(t *testing.T) {
	client := &ppptest.Client{User: "kim", Callback: []byte{6}, Response: choose(3, 3, 5)}
	d := newDriver(t, settings(), client)
	d.settle = offer(true)
	d.auto = false
	d.begin()
	d.answer(1) // AAA
	d.answer(2) // settle
	d.exchange()
	d.pass(20 * time.Second)
	if d.count(ppptest.CBCP, 3) != 0 || client.CBCPAck != nil || len(d.asked) != 1 {
		t.Fatalf("acknowledged before the promise: %v", d.asked)
	}
	d.client = nil // the caller does not end the link
	d.answer(3)
	d.flush()
	d.pass(9 * time.Second)
	if d.count(ppptest.CBCP, 3) != 1 || d.count(ppptest.LCP, 5) != 0 {
		t.Fatal(d.order())
	}
	d.pass(2 * time.Second)
	if d.count(ppptest.LCP, 5) != 1 {
		t.Fatal(d.order())
	}
	d.pass(6 * time.Second)
	if got := d.ended(); got != "16 callback promised" {
		t.Error(got)
	}
}

// TestLegTwo: option 13 is rejected, LCP comes from us at once, and the user authenticates.
func TestLegTwo(t *testing.T) {
	cfg := settings()
	cfg.Leg = 2
	cfg.Initiate = true
	d := newDriver(t, cfg, &ppptest.Client{User: "kim", Callback: []byte{6}})
	d.carry(d.engine.Start())
	if frames := d.flush(); len(frames) != 1 || frames[0].Protocol != ppptest.LCP || frames[0].Info[0] != 1 {
		t.Fatalf("first frames %v", frames)
	}
	d.write(d.client.Start()...)
	d.exchange()
	d.pass(3 * time.Second) // our first request was lost on purpose
	if d.count(ppptest.LCP, 4) != 1 || !d.client.IPUp {
		t.Fatalf("rejects %d, %+v\n%s", d.count(ppptest.LCP, 4), d.client, d.story())
	}
	two := newDriver(t, cfg, &ppptest.Client{User: "kim"})
	two.settle = offer(true)
	two.begin()
	if got := two.ended(); got != "10 refused: Access denied" {
		t.Error("a callback on leg two:", got)
	}
	none := settings()
	none.Auth = nil
	open := newDriver(t, none, &ppptest.Client{User: "kim"})
	open.begin()
	if got := open.ended(); got != "10 the peer does not authenticate" {
		t.Error("without authentication:", got)
	}
}

// TestRenegotiation takes everything down, and has a limit.
func TestRenegotiation(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.begin()
	for i := range maxRenegotiations {
		if !d.open[IPv4] {
			t.Fatalf("renegotiation %d: no IP", i)
		}
		d.write(d.client.Start()...)
		if d.open[IPv4] || d.assigned || d.admitted {
			t.Fatal("the network outlived the link")
		}
		d.write(ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, nil)})
		d.exchange()
	}
	if len(d.delivered) != 0 || d.client.Asked != maxRenegotiations+1 {
		t.Fatalf("delivered %d, logins %d", len(d.delivered), d.client.Asked)
	}
	d.write(d.client.Start()...)
	d.exchange()
	d.pass(time.Second)
	if got := d.ended(); got != "10 renegotiated 6 times" {
		t.Error(got)
	}
}

// TestRenegotiationInCallback: while a question is open it is canceled; a promised callback ends the link.
func TestRenegotiationInCallback(t *testing.T) {
	client := &ppptest.Client{User: "kim", Callback: []byte{6}, Response: choose(3, 3, 5)}
	d := newDriver(t, settings(), client)
	d.settle = offer(true)
	d.auto = false
	d.begin()
	d.write(client.Start()...) // during AAA
	d.exchange()
	if d.engine.Phase() != PhaseAuthenticate || len(d.asked) != 1 || d.asked[2] == nil {
		t.Fatalf("%v, %v", d.engine.Phase(), d.asked)
	}
	if d.engine.Answered(1, grant(nil)) != nil {
		t.Fatal("the answer for the first login counts")
	}
	d.answer(2)
	d.answer(3)
	d.exchange()
	if d.asked[4] == nil {
		t.Fatal("no question to the broker", d.asked)
	}
	d.write(client.Start()...) // during the promise
	d.exchange()
	if got := d.ended(); got != "10 renegotiated after the callback was chosen" {
		t.Error(got)
	}
}

// TestSilence: frames before their phase have no answer.
func TestSilence(t *testing.T) {
	frames := []ppptest.Frame{
		{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, nil)},
		{Protocol: ppptest.IPCP, Info: ppptest.Packet(1, 1, ppptest.Option(3, 0, 0, 0, 0)...)},
		{Protocol: ppptest.CBCP, Info: ppptest.Packet(2, 1, 1, 2)},
		{Protocol: ppptest.EAP, Info: ppptest.Packet(2, 1, 1, 'k')},
		{Protocol: 0x80fd, Info: ppptest.Packet(1, 1)},
	}
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.carry(d.engine.Start())
	d.flush()
	quiet := func(when string) {
		t.Helper()
		before := len(d.log)
		d.write(frames...)
		if got := d.flush(); len(got) != 0 || len(d.log) != before {
			t.Errorf("%s: %v, %v", when, got, d.log[before:])
		}
	}
	quiet("before LCP")
	d.auto = false
	d.write(d.client.Start()...)
	for _, f := range d.sent {
		d.write(d.client.Take(f)...)
	}
	d.exchange()
	if d.engine.Phase() != PhaseAuthenticate {
		t.Fatal(d.engine.Phase())
	}
	quiet("during the authentication")
	d.engine.Order(Ending{aaa.CauseAdminReset, "cleared"}, "")
	d.flush()
	quiet("at the end")
}

// TestProtocolReject: protocols that we do not have are rejected in the network phase.
func TestProtocolReject(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.begin()
	unknown := []uint16{0x80fd, 0x00fd, 0x002d, 0x002f, 0x003d, ppptest.IPV6CP, ppptest.IPv6, 0x8053}
	for _, p := range unknown {
		d.write(ppptest.Frame{Protocol: p, Info: ppptest.Packet(1, 1)})
		d.exchange()
	}
	if got := fmt.Sprintf("%04x", d.client.Rejected); got != fmt.Sprintf("%04x", unknown) {
		t.Error(got)
	}
	if d.ended() != "still network" {
		t.Error(d.ended())
	}
}

// TestOneNetworkProtocol: a peer that ends one keeps the other.
func TestOneNetworkProtocol(t *testing.T) {
	cfg := settings()
	cfg.IPv6 = true
	d := newDriver(t, cfg, &ppptest.Client{User: "kim", IPv6: true})
	d.begin()
	if !d.open[IPv4] || !d.open[IPv6] {
		t.Fatal(d.story())
	}
	d.write(ppptest.Frame{Protocol: ppptest.IPV6CP, Info: ppptest.Packet(5, 9)})
	d.exchange()
	d.pass(10 * time.Second)
	if d.open[IPv6] || !d.open[IPv4] || d.ended() != "still network" {
		t.Fatal(d.open, d.ended())
	}
	d.write(ppptest.Frame{Protocol: ppptest.IPCP, Info: ppptest.Packet(5, 9)})
	d.exchange()
	d.pass(4 * time.Second)
	if got := d.ended(); got != "1 no network protocol is left" {
		t.Error(got)
	}
}

// TestPeerWithoutNetwork: nothing is left if the peer opens no network protocol.
func TestPeerWithoutNetwork(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim", NoIP: true})
	d.begin()
	d.client = nil
	d.pass(40 * time.Second)
	if got := d.ended(); got != "1 no network protocol is left" {
		t.Error(got)
	}
	d = newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.assign = func() Assignment { return Assignment{Reason: "pool dialin: all 3 addresses are in use"} }
	d.begin()
	if got := d.ended(); got != "15 addresses: pool dialin: all 3 addresses are in use" {
		t.Error(got)
	}
}

// TestEarlyRequest: a peer that begins IPCP before its address is known has its answer without a second request.
func TestEarlyRequest(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.auto = false
	d.begin()
	d.answer(1)
	d.answer(2)
	d.exchange() // its request arrives now
	if d.count(ppptest.IPCP, 3) != 0 || len(d.asked) != 1 {
		t.Fatal(d.order(), d.asked)
	}
	d.answer(3)
	d.exchange()
	if !d.client.IPUp {
		t.Fatal(d.story())
	}
}

// TestSource: a caller sends only from its address and the networks behind it.
func TestSource(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.assign = func() Assignment {
		a := place()
		a.Routes = []netip.Prefix{netip.MustParsePrefix("10.9.0.0/24")}
		return a
	}
	d.begin()
	from := func(a, b, c, e byte) []byte { return ppptest.IPv4Packet([4]byte{a, b, c, e}, host, []byte("x")) }
	short := from(10, 8, 0, 10)
	short[3] = 200
	for _, c := range []struct {
		packet []byte
		passes bool
	}{
		{from(10, 8, 0, 10), true}, {append(from(10, 8, 0, 10), 0, 0, 0), true}, {from(10, 9, 0, 3), true},
		{from(10, 8, 0, 11), false}, {from(10, 8, 0, 1), false}, {from(127, 0, 0, 1), false}, {short, false},
		{[]byte{0x45}, false}, {nil, false}, {append([]byte{0x60}, make([]byte, 60)...), false},
	} {
		before := len(d.delivered)
		d.write(ppptest.Frame{Protocol: ppptest.IPv4, Info: c.packet})
		if got := len(d.delivered) > before; got != c.passes {
			t.Errorf("% x: passes %v", c.packet, got)
		}
	}
	if last := d.delivered[1]; len(last) != 21 {
		t.Errorf("with padding: % x", last)
	}
	if got := d.engine.Traffic(); got.PacketsIn != 3 || got.OctetsIn != 63 || got.Dropped != 7 {
		t.Errorf("%+v", got)
	}
}

// TestOwnAddress: the peer chooses where it is permitted.
func TestOwnAddress(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim", Address: [4]byte{10, 7, 7, 7}})
	d.assign = func() Assignment {
		a := place()
		a.Peer = netip.Addr{}
		a.Permit = func(a netip.Addr) error {
			if a != netip.MustParseAddr("10.7.7.7") {
				return errors.New("in use by sam")
			}
			return nil
		}
		return a
	}
	d.begin()
	if !d.client.IPUp || d.client.IP != [4]byte{10, 7, 7, 7} {
		t.Fatal(d.story())
	}
}

// TestLimits: the peer hears of its session's end before it, and an idle link ends.
func TestLimits(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.aaa = func(q Effect) aaa.Result {
		res := grant(q)
		res.Auth.SessionTimeout = 20 * time.Minute
		return res
	}
	d.begin()
	d.pass(20*time.Minute - time.Second)
	if got := fmt.Sprint(d.client.Remains); got != "[1200 300 60]" || d.end != nil {
		t.Fatal(got, d.ended())
	}
	d.pass(time.Second)
	if got := d.ended(); got != "5 session timeout" || d.client.EndText != "Session timeout" {
		t.Error(got, d.client.EndText)
	}

	cfg := settings()
	cfg.IdleTimeout = 10 * time.Minute
	d = newDriver(t, cfg, &ppptest.Client{User: "kim"})
	d.begin()
	for range 3 {
		d.pass(9 * time.Minute)
		d.engine.SendIP(ppptest.IPv4Packet(host, own, nil))
		d.exchange()
	}
	d.pass(10*time.Minute - time.Second)
	if d.end != nil {
		t.Fatal(d.ended())
	}
	d.pass(time.Minute + 2*time.Second)
	if got := d.ended(); got != "4 idle timeout" {
		t.Error(got)
	}
}

// TestDeadPeer: echoes without an answer end the link, and other frames count as a sign of life.
func TestDeadPeer(t *testing.T) {
	cfg := settings()
	cfg.Echo = lcp.Echo{Every: 30 * time.Second, Misses: 4}
	d := newDriver(t, cfg, &ppptest.Client{User: "kim"})
	d.begin()
	d.client = nil
	for range 10 {
		d.pass(29 * time.Second)
		d.write(ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, nil)})
	}
	if d.end != nil {
		t.Fatal(d.ended())
	}
	d.pass(3 * time.Minute)
	if got := d.ended(); !strings.HasPrefix(got, "2 no answer to Echo-Requests") {
		t.Error(got)
	}
}

// TestOrder ends the link from outside, with a text for the peer.
func TestOrder(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.begin()
	d.carry(d.engine.Order(Ending{aaa.CauseAdminReset, "line cleared"}, "Maintenance\x07"))
	d.exchange()
	if got := d.ended(); got != "6 line cleared" || d.client.EndText != "Maintenance" {
		t.Error(got, d.client.EndText)
	}
	d = newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.begin()
	d.carry(d.engine.CarrierLost())
	if got := d.ended(); got != "2 carrier lost" {
		t.Error(got)
	}
}

// TestEchoedLine: our own frames come back, from a shell or a modem in command mode.
func TestEchoedLine(t *testing.T) {
	d := newDriver(t, settings(), nil)
	d.carry(d.engine.Start())
	for i := 0; d.end == nil && i < 100; i++ {
		frames := d.flush()
		for _, f := range frames {
			d.write(f)
		}
		if len(frames) == 0 {
			d.pass(3 * time.Second)
		}
	}
	if got := d.ended(); got != "10 the line is looped back" {
		t.Error(got)
	}
}

// TestFloods: what waits is bounded, and the queue has room for what matters.
func TestFloods(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.begin()
	for range 5000 { // the peer reads nothing
		d.write(d.client.Echo(), ppptest.Frame{Protocol: 0x80fd, Info: ppptest.Packet(1, 1)},
			ppptest.Frame{Protocol: ppptest.LCP, Info: ppptest.Packet(77, 1)},
			ppptest.Frame{Protocol: ppptest.IPCP, Info: ppptest.Packet(88, 1)}, d.client.Login())
	}
	if n := len(d.engine.output.control); n > maxControl {
		t.Fatalf("%d wait", n)
	}
	sent := 0
	for range 100 {
		if d.engine.SendIP(ppptest.IPv4Packet(host, own, make([]byte, 100))) {
			sent++
		}
	}
	if sent != maxData || d.engine.Traffic().Overflow != 97 {
		t.Errorf("%d packets wait, %+v", sent, d.engine.Traffic())
	}
	before := len(d.sent)
	d.write(d.client.Echo())
	d.flush()
	if last := d.sent[len(d.sent)-1]; last.Protocol != ppptest.IPv4 || len(d.sent)-before != maxControl+maxData {
		t.Errorf("last frame %v, %d frames", last, len(d.sent)-before)
	}
	for _, junk := range [][]byte{bytes.Repeat([]byte{0x7e}, 1<<16), bytes.Repeat([]byte{0x7d}, 1<<16),
		bytes.Repeat([]byte{'A'}, 1<<16), bytes.Repeat([]byte{0x7d, 0x7e}, 1<<15)} {
		d.input(junk)
	}
	d.write(d.client.Echo())
	if replies := d.client.Replies; d.end != nil {
		t.Error(d.ended(), replies)
	}
}

// TestNoCommandOnTheLine: a ping with a modem's escape and command has neither on the line.
func TestNoCommandOnTheLine(t *testing.T) {
	cfg := settings()
	cfg.Escapes = []byte{'+'}
	cfg.AfterText = true
	d := newDriver(t, cfg, &ppptest.Client{User: "kim"})
	d.begin()
	if !bytes.HasPrefix(d.wire, []byte("\r\n\x7e")) {
		t.Errorf("begins % x", d.wire[:4])
	}
	d.wire = nil
	payload := []byte("+++ATH0\rAT/atdt911\r")
	d.engine.SendIP(ppptest.IPv4Packet(host, own, payload))
	d.exchange()
	if got := d.client.Data[0][20:]; !bytes.Equal(got, payload) {
		t.Errorf("received %q", got)
	}
	for _, never := range []string{"+++", "AT", "at", "A/", "\r"} {
		if strings.Contains(string(d.wire), never) {
			t.Errorf("%q is on the line: %q", never, d.wire)
		}
	}
}

// TestDataAllocates nothing.
func TestDataAllocates(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.begin()
	in := ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, make([]byte, 1000))}.Encode()
	out := ppptest.IPv4Packet(host, own, make([]byte, 1000))
	buf := make([]byte, 0, MaxOutput)
	if n := testing.AllocsPerRun(100, func() {
		for rest := in; len(rest) > 0; {
			n, _ := d.engine.Receive(rest)
			rest = rest[n:]
		}
		d.engine.SendIP(out)
		d.engine.Output(buf, false)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
