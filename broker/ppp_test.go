package broker_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/session"
	pppfront "github.com/ringback/ringback/session/ppp"
)

// noticed is the time in which a modem notices that the other one has hung up (S10).
const noticed = 1400 * time.Millisecond

// withPPP has the EXEC begin and PPP take over during the login.
func withPPP(text session.FrontEnd) session.Chooser {
	profile := pppfront.Profile{Authentication: []lcp.Auth{lcp.PAP}, CBCP: true, RFC1570: true, IPv4: true}
	network := ppp.Null{Local: netip.MustParseAddr("10.8.0.1"), Peer: netip.MustParseAddr("10.8.0.10")}
	return pppfront.Chooser{
		Text: text,
		Mode: func(int) pppfront.Mode { return pppfront.DuringLogin },
		PPP: pppfront.New(pppfront.Config{Network: network,
			Profile: func(int) (pppfront.Profile, bool) { return profile, true }}),
	}
}

// frames lets a PPP client talk until a condition holds, and reports whether it did in time.
func (p *pc) frames(c *ppptest.Client, within time.Duration, until func() bool, first ...ppptest.Frame) bool {
	p.t.Helper()
	p.dte.SetReadDeadline(time.Now().Add(within))
	for _, f := range first {
		p.dte.Write(f.Encode())
	}
	var d ppptest.Decoder
	buf := make([]byte, 256)
	for !until() {
		n, err := p.dte.Read(buf)
		for _, f := range d.Feed(buf[:n]) {
			for _, a := range c.Take(f) {
				p.dte.Write(a.Encode())
			}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
	}
	return true
}

// TestPPPCallback: a PPP client is called back by CBCP, on ports with and without modem signals: laws 1, 5, 6 and 8.
// On leg two it renegotiates and logs in again.
func TestPPPCallback(t *testing.T) {
	for _, noSignals := range []bool{false, true} {
		srv := &books{}
		inTown(t, townOptions{accountant: srv, frontEnds: withPPP, noSignals: noSignals}, func(w *town) {
			p := w.pc(w.home)
			p.typ("ats0=1")
			p.typ("atdt55555")
			p.see("CONNECT", time.Minute)
			one := &ppptest.Client{User: "kihei-03", Password: password, Callback: []byte{6},
				Response: func([]byte) []byte { return []byte{3, 3, 40} }}
			w.pass(2 * time.Second)
			if !p.frames(one, time.Minute, func() bool { return one.EndAck }, one.Start()...) {
				t.Fatalf("leg one: %+v", one)
			}
			if all := w.promised(); all != 1 || one.CBCPAck == nil || one.IPUp {
				t.Errorf("%d callbacks, %+v", all, one)
			}
			p.see("NO CARRIER", time.Minute)
			hung := time.Now()
			two := &ppptest.Client{User: "kihei-03", Password: password, Callback: []byte{6}}
			p.see("CONNECT", 2*time.Minute)
			if waited := w.dialed()[0].Time.Sub(hung); waited < 40*time.Second-noticed {
				t.Errorf("dialed %v after the caller's modem reported the hang-up", waited)
			}
			w.pass(2 * time.Second)
			if !p.frames(two, time.Minute, func() bool { return two.IPUp }, two.Start()...) {
				t.Fatalf("leg two: %+v", two)
			}
			if !p.frames(two, time.Minute, func() bool { return two.IPUp }, two.Start()...) || two.Asked != 2 {
				t.Fatalf("after a renegotiation: %+v", two)
			}
			p.dte.SetDTR(false)
			w.idle(time.Minute)
			if v := w.last(); v.Phase != "completed" || v.Service != string(aaa.PPP) {
				t.Errorf("phase %s %s, service %s", v.Phase, v.Cause, v.Service)
			}
			if all := w.promised(); all != 1 || len(w.dialed()) != 1 {
				t.Errorf("%d callbacks, %d dials", all, len(w.dialed()))
			}
		})
		var got []string
		for _, r := range srv.all() {
			if r.Service == aaa.PPP {
				got = append(got, fmt.Sprintf("%s %v %d", r.Type, r.FramedAddress, r.Cause))
			}
		}
		// Leg one has no addresses; leg two has two sessions.
		leg2 := []string{"start invalid IP 0", "interim 10.8.0.10 0", "stop 10.8.0.10 1", "start invalid IP 0",
			"interim 10.8.0.10 0", "stop 10.8.0.10 2"}
		if want := append([]string{"start invalid IP 0", "stop invalid IP 16"}, leg2...); !slices.Equal(got, want) {
			t.Errorf("records %q, want %q", got, want)
		}
	}
}
