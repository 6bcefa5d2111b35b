package ppp

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/ppp/ppptest"
)

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
			ended: "10 the offered callback () does not fit the peer's request (by user)"},
		{name: "operation 3", settle: offer(false), option: []byte("\x03555123"), want: "c023:2 c021:5",
			ended: "16 callback promised"},
		{name: "operation 3, none required", settle: admit, option: []byte("\x03555123"), want: "c023:2 c021:5",
			ended: "10 the peer requests a callback (by number), and none is required or allowed"},
		{name: "required, not asked for", settle: offer(true), want: "c023:2 c021:5",
			ended: "10 the offered callback () does not fit the peer's request (not asked)"},
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
	if got := two.ended(); !strings.HasPrefix(got, "10 the offered callback") || two.client.EndText != "Access denied" {
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

// TestRenegotiationAfterPromise: a callback that is promised stands, and the link ends.
func TestRenegotiationAfterPromise(t *testing.T) {
	client := &ppptest.Client{User: "kim", Callback: []byte{6}, Response: choose(3, 3, 5)}
	d := newDriver(t, settings(), client)
	d.settle = offer(true)
	d.carry(d.engine.Start())
	d.write(client.Start()...)
	for range 20 {
		for _, f := range d.flush() {
			if f.Protocol != ppptest.CBCP || f.Info[0] != 3 { // it does not end the link at the Ack
				d.write(client.Take(f)...)
			}
		}
	}
	d.write(client.Start()...)
	d.exchange()
	if got := d.ended(); got != "16 renegotiated after the callback was chosen" ||
		client.EndText != "Callback initiated" {
		t.Errorf("%s, text %q", got, client.EndText)
	}
	if d.count(ppptest.PAP, 2) != 1 || strings.Contains(d.story(), "leave the session") {
		t.Error(d.story())
	}
}

// TestRenegotiationInCallback: while a question is open it is canceled; a promise that is under way ends the link.
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

// TestNumberOfAAA: where AAA has the number, that of the client is only noted.
func TestNumberOfAAA(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim", Callback: []byte("\x03555123")})
	d.settle = offer(true)
	d.broker = func(w cbcp.Wish) cbcp.Verdict {
		if w.Number != "" {
			t.Errorf("wish %+v", w)
		}
		return promise(w)
	}
	d.begin()
	if got := d.story(); !strings.Contains(got, "what the peer asked for is not used: 555123") {
		t.Error(got)
	}
}
