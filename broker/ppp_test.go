package broker_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/session"
	pppfront "github.com/ringback/ringback/session/ppp"
)

// noticed is the time in which a modem notices that the other one has hung up (S10).
const noticed = 1400 * time.Millisecond

// pap is a profile that allows every way to ask for a callback.
var pap = pppfront.Profile{Authentication: []lcp.Auth{lcp.PAP}, CBCP: true, RFC1570: true, IPv4: true}

// withPPP has the EXEC begin and PPP take over during the login.
func withPPP(text session.FrontEnd) session.Chooser { return withProfile(pap)(text) }

// withProfile is withPPP for a profile.
func withProfile(profile pppfront.Profile) func(session.FrontEnd) session.Chooser {
	return func(text session.FrontEnd) session.Chooser { return chooserOf(text, profile) }
}

// nowhere gives every caller the same address and drops all packets.
var nowhere = ppp.Null{Local: netip.MustParseAddr("10.8.0.1"), Peer: netip.MustParseAddr("10.8.0.10")}

func chooserOf(text session.FrontEnd, profile pppfront.Profile) session.Chooser {
	return chooserOn(text, profile, nowhere)
}

func chooserOn(text session.FrontEnd, profile pppfront.Profile, network ppp.Network) session.Chooser {
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
		var stopped time.Time
		srv := &books{silent: func(r aaa.Record) bool {
			if r.Type == aaa.Stop && r.Cause == aaa.CauseCallback {
				stopped = time.Now()
			}
			return false
		}}
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
			if stopped.IsZero() || stopped.After(w.dialed()[0].Time) {
				t.Errorf("leg one's Stop came at %v, the dial at %v", stopped, w.dialed()[0].Time)
			}
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

// linksUp lets a PPP client talk until IP is up or the link ends.
func (p *pc) linksUp(c *ppptest.Client) {
	p.t.Helper()
	done := func() bool { return c.IPUp || c.EndAck || c.Ended }
	if !p.frames(c, time.Minute, done, c.Start()...) {
		p.t.Fatalf("no end: %+v", c)
	}
}

// toPPP logs a user in to the EXEC and changes to PPP.
func (p *pc) toPPP(user string) {
	p.t.Helper()
	p.see("Username: ", time.Minute)
	p.typ(user)
	p.see("Password: ", time.Minute)
	p.typ(password)
	p.see("maui-nas-04>", time.Minute)
	p.typ("ppp")
	p.see("Entering PPP mode.\r\n", time.Minute)
}

// TestPPPFromTheEXEC: no service is a way around a callback. A user who is admitted to the EXEC and changes to PPP is
// called back first if PPP requires it; the session of the EXEC has ended before that of PPP begins.
func TestPPPFromTheEXEC(t *testing.T) {
	srv := &books{}
	o := townOptions{accountant: srv, frontEnds: withPPP, grant: func(r aaa.Request, a *aaa.Authorization) {
		if r.Service == aaa.PPP {
			a.Callback, a.Dialstring = true, aaa.DialstringOf("84001")
		}
	}}
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.typ("atdt55555")
		p.see("CONNECT", time.Minute)
		p.toPPP("paia-04")
		one := &ppptest.Client{User: "paia-04", Password: password, Callback: []byte{6},
			Response: func([]byte) []byte { return []byte{3, 3, 0} }}
		p.linksUp(one)
		if w.promised() != 1 || one.IPUp || one.CBCPAck == nil {
			t.Fatalf("%d callbacks, %+v", w.promised(), one)
		}
		p.see("CONNECT", 2*time.Minute)
		two := &ppptest.Client{User: "paia-04", Password: password}
		p.linksUp(two)
		if !two.IPUp {
			t.Fatalf("leg two: %+v", two)
		}
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		if v := w.last(); v.Phase != "completed" || v.Service != string(aaa.PPP) {
			t.Errorf("phase %s %s, service %s", v.Phase, v.Cause, v.Service)
		}
		w.pass(time.Minute)
	})
	var got []string
	calls := map[string]bool{}
	for _, r := range srv.all() {
		if r.SessionID == "" || r.Command != "" {
			continue
		}
		got = append(got, fmt.Sprintf("%s %s %d", r.Service, r.Type, r.Cause))
		calls[r.MultiSessionID] = true
	}
	want := "exec start 0, exec stop 1, ppp start 0, ppp stop 16, ppp start 0, ppp interim 0, ppp stop 2"
	if strings.Join(got, ", ") != want || len(calls) != 1 {
		t.Errorf("accounting: %q of %d callbacks, want %q", got, len(calls), want)
	}
}

// TestPPPFromTheEXECOnLegTwo: PPP on the call of a callback that was promised for the EXEC. Law 5: only the same user
// gets it. Laws 4 and 6: the callback that PPP requires is the one that was made, or the user is rejected.
func TestPPPFromTheEXECOnLegTwo(t *testing.T) {
	for name, tt := range map[string]struct {
		number, user string
		ip           bool
		failed       bool // the login, not the decision
	}{
		"the same number": {"84001", "kihei-03", true, false},
		"another number":  {"84007", "kihei-03", false, false},
		"the caller's":    {"", "kihei-03", true, false},
		"another user":    {"84001", "paia-04", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := townOptions{frontEnds: withPPP, grant: func(r aaa.Request, a *aaa.Authorization) {
				if r.Service == aaa.PPP {
					a.Callback, a.Dialstring = true, aaa.DialstringOf(tt.number)
				}
			}}
			inTown(t, o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("kihei-03")
				p.see("NO CARRIER", time.Minute)
				p.see("CONNECT", 2*time.Minute)
				p.toPPP("kihei-03")
				c := &ppptest.Client{User: tt.user, Password: password}
				p.linksUp(c)
				if c.IPUp != tt.ip || tt.ip == c.Ended || c.Failed != tt.failed {
					t.Errorf("%+v", c)
				}
				p.dte.SetDTR(false)
				w.idle(time.Minute)
				if v := w.last(); v.Phase != "completed" || v.Service != string(aaa.EXEC) || w.promised() != 1 ||
					len(w.dialed()) != 1 || w.broker.Refused() != 0 {
					t.Errorf("phase %s %s, service %s, %d callbacks, %d dials, %d events refused", v.Phase, v.Cause,
						v.Service, w.promised(), len(w.dialed()), w.broker.Refused())
				}
			})
		})
	}
}

// TestScriptOfTheService: a line that names no script dials with that of the callback's service.
func TestScriptOfTheService(t *testing.T) {
	for service, want := range map[aaa.Service]string{aaa.EXEC: "^exec-callback$", aaa.PPP: "^ppp-callback$"} {
		inTown(t, townOptions{frontEnds: withPPP, ownScripts: true}, func(w *town) {
			p := w.pc(w.home)
			p.typ("ats0=1")
			if service == aaa.EXEC {
				p.login("kihei-03")
			} else {
				p.typ("atdt55555")
				p.see("CONNECT", time.Minute)
				w.pass(2 * time.Second)
				p.linksUp(&ppptest.Client{User: "kihei-03", Password: password, Callback: []byte{0}})
			}
			p.see("CONNECT", 2*time.Minute)
			if v := w.last(); len(v.Attempt) != 1 || v.Attempt[0].Script != want {
				t.Errorf("%s: %+v", service, v.Attempt)
			}
		})
	}
}

// TestPPPNotRecorded: law 1. A disk that is full when the client has chosen: there is no CBCP Ack and no dial, and the
// link ends.
func TestPPPNotRecorded(t *testing.T) {
	full := new(atomic.Bool)
	o := townOptions{frontEnds: withPPP,
		store: func(s journal.Store) journal.Store { return fullDisk{Store: s, full: full} }}
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.typ("atdt55555")
		p.see("CONNECT", time.Minute)
		w.pass(2 * time.Second)
		c := &ppptest.Client{User: "kihei-03", Password: password, Callback: []byte{6},
			Response: func([]byte) []byte { full.Store(true); return []byte{3, 3, 0} }}
		p.linksUp(c)
		if c.CBCPAck != nil || c.IPUp || c.EndText != "Callback not available" {
			t.Errorf("%+v", c)
		}
		p.see("NO CARRIER", time.Minute)
		full.Store(false)
		w.pass(2 * time.Minute)
		if w.promised() != 0 || len(w.dialed()) != 0 {
			t.Errorf("%d callbacks, %d dials", w.promised(), len(w.dialed()))
		}
	})
}
