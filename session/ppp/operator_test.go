package pppfront

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lab/pppdtest"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/auth"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/ppp/trace"
)

// TestStatus: the operator sees a session from its first frame to its end.
func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := &Sessions{}
		began := time.Now()
		c := dial(t, scene{sessions: sessions, network: &fakeNetwork{six: true},
			profile: Profile{IPv6: true, Echo: lcp.Echo{Every: 30 * time.Second, Misses: 3}},
			aaa: &fakeAAA{takes: time.Second, auth: aaa.Authorization{SessionTimeout: time.Hour,
				IdleTimeout: 10 * time.Minute}}},
			&ppptest.Client{User: "kim", IPv6: true})
		list := sessions.List()
		if len(list) != 1 {
			t.Fatal("the session is not in the list")
		}
		s := list[0]
		if s.TTY != 65 || s.Call != "c1" || s.Leg != 1 || !s.Since.Equal(began) || s.Phase != ppp.PhaseAuthenticate ||
			s.LCP != fsm.Opened || s.IPCP != fsm.Initial || s.Auth != auth.Asking || s.Link.Auth != lcp.PAP ||
			s.Identity.User != "" || !s.Used.IsZero() || !s.Until.IsZero() {
			t.Errorf("during the login: %+v", s)
		}
		c.waits(2 * time.Second)
		c.sends(ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, []byte("ping!"))})
		s = sessions.List()[0]
		if s.Phase != ppp.PhaseNetwork || s.IPCP != fsm.Opened || s.IPV6CP != fsm.Opened || s.Auth != auth.Passed ||
			s.Identity.User != "kim" || s.Open != [2]bool{true, true} ||
			s.Opening[ppp.IPv4].Peer.String() != "10.8.0.10" || s.Opening[ppp.IPv6].PeerID.String() !=
			"0000:0000:0000:0009" || len(s.Assignment.Prefixes) != 1 || s.Traffic.PacketsIn != 1 ||
			s.Traffic.OctetsOut != 25 || s.Frames.Frames < 5 || s.Frames.BadFCS != 0 {
			t.Errorf("in the network phase: %+v", s)
		}
		if s.Echo != (lcp.Echo{Every: 30 * time.Second, Misses: 3}) || s.IdleTimeout != 10*time.Minute ||
			!s.Used.Equal(began.Add(2*time.Second)) || !s.Until.Equal(began.Add(time.Hour+time.Second)) {
			t.Errorf("limits: %+v", s)
		}
		if !s.Link.Peer.PFC || s.Link.Peer.MRU != 1500 || s.Link.Peer.ACCM != 0 {
			t.Errorf("link: %+v", s.Link)
		}
		c.hangsUp()
		if list := sessions.List(); len(list) != 0 {
			t.Errorf("after its end: %+v", list)
		}
	})
}

// TestStatusOfACallback: what was asked for, offered and chosen.
func TestStatusOfACallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := &Sessions{}
		c := dial(t, scene{sessions: sessions, broker: &fakeBroker{decide: offers("84001")}},
			&ppptest.Client{User: "kim", Callback: []byte{6}})
		c.waits(time.Second)
		s := sessions.List()[0]
		if s.Phase != ppp.PhaseCallback || s.Callback.Wish.Way != cbcp.ByCBCP || s.Callback.Offer.String() != "admin" ||
			s.Callback.State != cbcp.Waiting || s.Callback.Asked || s.Callback.Promised || s.Identity.User != "kim" {
			t.Errorf("offered: %+v", s.Callback)
		}
		c.mu.Lock()
		c.client.Response = choose(3, 3, 5)
		c.mu.Unlock()
		c.waits(2 * time.Second) // the next Request
		c.waits(time.Second)
		if s = sessions.List()[0]; !s.Callback.Promised {
			t.Errorf("promised: %+v", s.Callback)
		}
		c.ends()
	})
}

// TestStatusOfARejectedCallback: a callback that LCP rejects was asked for.
func TestStatusOfARejectedCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := &Sessions{}
		c := dial(t, scene{sessions: sessions}, &ppptest.Client{User: "kim", Callback: []byte{4}})
		if s := sessions.List()[0]; !s.Callback.Rejected || s.Callback.Wish.Way != cbcp.NotAsked {
			t.Errorf("%+v", s.Callback)
		}
		c.hangsUp()
	})
}

// text returns the frames of a capture that wait, sorted: the two directions have no order. ">c021:1" was sent.
func (c *Capture) text() string {
	var out []string
	for {
		select {
		case f := <-c.Frames:
			direction := "<"
			if f.Out {
				direction = ">"
			}
			out = append(out, fmt.Sprintf("%s%04x:%d", direction, f.Protocol, f.Info[0]))
		default:
			slices.Sort(out)
			return strings.Join(out, " ")
		}
	}
}

// TestCapture: a capture has the frames of the calls on its line, from the first flag to the end.
func TestCapture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := &Sessions{}
		plain, payload := sessions.Capture(65, false), sessions.Capture(65, true)
		other := sessions.Capture(66, true)
		ping := ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, []byte("ping!"))}
		c := dial(t, scene{sessions: sessions}, &ppptest.Client{User: "kim"})
		c.waits(time.Second)
		const login = "<8021:1 <8021:1 <8021:2 <c021:1 <c021:2 <c023:1 >8021:1 >8021:2 >8021:3 >c021:1 >c021:2 >c023:2"
		if a, b := plain.text(), payload.text(); a != login || b != login {
			t.Errorf("login: %s, with payload %s, want %s", a, b, login)
		}
		c.sends(ping)
		if a, b := plain.text(), payload.text(); a != "" || b != "<0021:69 >0021:69" {
			t.Errorf("a packet and its answer: %q, with payload %q", a, b)
		}
		late := sessions.Capture(65, true)
		payload.Close()
		payload.Close()
		c.sends(ping)
		if a, b := late.text(), payload.text(); a != "<0021:69 >0021:69" || b != "" {
			t.Errorf("begun late %q, ended %q", a, b)
		}
		c.sends(c.client.Terminate())
		c.ends()
		if got := plain.text(); got != "<c021:5 >c021:6" {
			t.Errorf("end: %s", got)
		}
		again := dial(t, scene{sessions: sessions}, &ppptest.Client{User: "kim"})
		again.waits(time.Second)
		again.hangsUp()
		if got := plain.text(); got != login {
			t.Errorf("the next call: %s, want %s", got, login)
		}
		for _, c := range []*Capture{plain, late, other} {
			c.Close()
			if c.Lost() != 0 {
				t.Error("frames were lost")
			}
		}
		if got := other.text(); got != "" || len(sessions.captures) != 0 {
			t.Errorf("another line: %q, left %v", got, sessions.captures)
		}
	})
}

// TestCaptureWithoutReader: the call does not wait for a reader that takes nothing. What is lost is counted.
func TestCaptureWithoutReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := &Sessions{}
		c := dial(t, scene{sessions: sessions}, &ppptest.Client{User: "kim"})
		capture := sessions.Capture(65, true)
		defer capture.Close()
		const pings = captureDepth
		for range pings {
			c.sends(ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, nil)})
		}
		if got := c.client.Data; len(got) != pings || len(capture.Frames) != captureDepth {
			t.Errorf("%d answers, %d frames wait", len(got), len(capture.Frames))
		}
		if got := capture.Lost(); got != pings { // of a packet and its answer each
			t.Errorf("%d frames lost, want %d", got, pings)
		}
		c.hangsUp()
	})
}

// TestNoListeners: nothing is published, and so nothing is made, while nobody listens.
func TestNoListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, scene{deaf: true}, &ppptest.Client{User: "kim"})
		c.waits(time.Second)
		c.sends(c.client.Terminate())
		c.ends()
		if strings.Contains(c.story(), "ppp") {
			t.Error(c.story())
		}
	})
}

// TestDebug has the lines of a callback, by topic.
func TestDebug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, scene{broker: &fakeBroker{decide: offers("84001")}},
			&ppptest.Client{User: "kim", Password: "sesame", Callback: []byte{6}, Response: choose(3, 3, 5)})
		c.ends()
		got := c.story() + "\n"
		for _, want := range []string{
			"ppp negotiation: PPP: Phase is ESTABLISHING",
			"] id 1 len 23",
			"ppp negotiation: LCP:    Callback 6 (0x0D0306)",
			"ppp packet: PPP: O pkt type 0xC021, datagramsize 24",
			"ppp negotiation: LCP:    AuthProto PAP (0x0304C023)",
			"ppp negotiation: PPP: Phase is AUTHENTICATING, by this end",
			`ppp authentication: PAP: I AUTH-REQ id 7 len 15 from "kim"`,
			`ppp authentication: PPP: ask AAA (1): user "kim"`,
			"ppp negotiation: PPP: Phase is CALLBACK",
			"ppp authentication: PAP: O AUTH-ACK id 7 len 5",
			"ppp cbcp: MCB: O Request id 1 len 7",
			"ppp cbcp: MCB:    type 3 (admin) delay 5 (0x030305)",
			"ppp cbcp: PPP: promise (3): the number of AAA, delay 5s",
			"ppp cbcp: MCB: O Ack id 1 len 7",
			`ppp negotiation: LCP: I TERMREQ [Open] id 99 len 24 ("Call me back, please")`,
			"ppp negotiation: PPP: TIMEout: link timer",
			"ppp negotiation: PPP: Phase is DOWN",
		} {
			if !strings.Contains(got, want+"\n") {
				t.Errorf("%q is not in\n%s", want, got)
			}
		}
	})
}

// TestSecretsAreNotShown: passwords and what is made from them are neither in the debug output nor in captures.
func TestSecretsAreNotShown(t *testing.T) {
	const secret = "sesame-opens-it"
	for _, m := range []struct {
		auth   lcp.Auth
		client []byte
	}{{lcp.PAP, ppptest.MethodPAP}, {lcp.CHAP, ppptest.MethodCHAP}, {lcp.MSCHAPv1, ppptest.MethodMSCHAP},
		{lcp.MSCHAPv2, ppptest.MethodMSCHAPv2}, {lcp.EAP, ppptest.MethodEAP}} {
		t.Run(m.auth.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sessions, a := &Sessions{}, &fakeAAA{}
				capture := sessions.Capture(65, true)
				defer capture.Close()
				c := dial(t, scene{sessions: sessions, aaa: a, profile: Profile{Authentication: []lcp.Auth{m.auth}}},
					&ppptest.Client{User: "kim", Password: secret, Methods: [][]byte{m.client}})
				c.waits(time.Second)
				c.hangsUp()
				shown := []byte(c.story())
				for len(capture.Frames) > 0 {
					shown = append(shown, (<-capture.Frames).Info...)
				}
				secrets := [][]byte{[]byte(secret), []byte(success[2:])}
				if r := a.requests[0]; r.CHAP != nil {
					secrets = append(secrets, r.CHAP.Response)
				}
				for _, s := range secrets {
					for _, form := range [][]byte{s, []byte(hex.EncodeToString(s)), []byte(fmt.Sprintf("%X", s))} {
						if bytes.Contains(shown, form) {
							t.Errorf("%q is in %q", form, shown)
						}
					}
				}
			})
		})
	}
}

// TestPeerTshark: tshark names the LCP, the login, the CBCP and the packets of a capture.
func TestPeerTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		pppdtest.Without(t, "tshark: apt-get install tshark")
	}
	file := trace.Header()
	synctest.Test(t, func(t *testing.T) {
		sessions := &Sessions{}
		capture := sessions.Capture(65, true)
		defer capture.Close()
		number := append([]byte{2, 11, 12, 1}, "555123\x00"...)
		c := dial(t, scene{sessions: sessions, broker: &fakeBroker{decide: offers("")}},
			&ppptest.Client{User: "kim", Password: "sesame", Callback: []byte{6}, Response: choose(number...)})
		c.ends()
		c = dial(t, scene{sessions: sessions}, &ppptest.Client{User: "kim", Password: "sesame"})
		c.waits(time.Second)
		ping := ppptest.IPv4Packet(own, host, []byte{8, 0, 0, 0, 0, 1, 0, 1})
		c.sends(ppptest.Frame{Protocol: ppptest.IPv4, Info: ping})
		c.hangsUp()
		for len(capture.Frames) > 0 {
			f := <-capture.Frames
			file = trace.AppendRecord(file, f.Time, f.Out, f.Protocol, f.Info)
		}
	})
	path := filepath.Join(t.TempDir(), "ppp.pcap")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, tshark, "-r", path, "-O", "ppp,lcp,pap,cbcp,ipcp").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"[Direction: DCE->DTE", "[Direction: DTE->DCE", "PPP Link Control Protocol",
		"Callback: ",
		"PPP Password Authentication Protocol", "Peer-ID: kim", "Password: ******",
		"PPP Callback Control Protocol", "Callback to a user-specified number", "555123",
		"PPP IP Control Protocol", "IP Address: 10.8.0.10", "Internet Protocol Version 4"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("tshark does not read %q", want)
		}
	}
	if strings.Contains(string(out), "sesame") || strings.Contains(string(out), "Malformed") || t.Failed() {
		t.Errorf("tshark read:\n%s", out)
	}
}
