package ppp

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
)

const success = "S=407A5589115FD0D6209F510FE9C04566932CDA56" // RFC 2759 §9.2

var (
	own  = [4]byte{10, 8, 0, 10}
	host = [4]byte{192, 0, 2, 7}
)

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

// TestBothEnd: the peer ends the link at the same time, and has the time to read our answer.
func TestBothEnd(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.begin()
	d.carry(d.engine.Order(Ending{aaa.CauseAdminReset, "line cleared"}, ""))
	d.write(d.client.Terminate())
	d.exchange()
	if d.end != nil || !d.client.EndAck || !d.client.Ended {
		t.Fatal(d.ended(), d.client)
	}
	d.pass(2 * time.Second)
	d.write(d.client.Terminate(), ppptest.Frame{Protocol: ppptest.LCP, Info: ppptest.Packet(7, 1, 5, 1, 0, 4)})
	d.exchange()
	if d.end != nil {
		t.Fatal(d.ended())
	}
	d.pass(time.Second)
	if got := d.ended(); got != "6 line cleared" {
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
