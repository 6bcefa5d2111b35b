package pppfront

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/session"
)

// TestLogin goes from the first flag to packets, and to the reports of accounting.
func TestLogin(t *testing.T) {
	for _, m := range []struct {
		name   string
		auth   lcp.Auth
		client []byte
	}{{"pap", lcp.PAP, ppptest.MethodPAP}, {"chap", lcp.CHAP, ppptest.MethodCHAP},
		{"ms-chap-v2", lcp.MSCHAPv2, ppptest.MethodMSCHAPv2}, {"eap", lcp.EAP, ppptest.MethodEAP}} {
		t.Run(m.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := dial(t, scene{profile: Profile{Authentication: []lcp.Auth{m.auth}},
					aaa: &fakeAAA{takes: time.Second}},
					&ppptest.Client{User: "kim", Password: "sesame", Methods: [][]byte{m.client}})
				if !c.data.frames {
					t.Error("the line waits as for text")
				}
				if got := c.when(ppptest.LCP, 1); got < 0 || got > 100*time.Millisecond {
					t.Errorf("first request after %v", got)
				}
				c.waits(2 * time.Second)
				if !c.up() {
					t.Fatal(c.story())
				}
				c.sends(ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, []byte("ping!"))})
				if got := c.client.Data; len(got) != 1 || string(got[0][20:]) != "ping!" {
					t.Errorf("received %q", got)
				}
				if r := c.scene.aaa.requests; len(r) != 1 || r[0].User != "kim" || r[0].Service != aaa.PPP ||
					r[0].TTY != 65 {
					t.Errorf("requests %+v", r)
				}
				c.sends(c.client.Terminate())
				out := c.ends()
				if out.Kind != session.SessionEnded || out.Cause != aaa.CauseUserRequest {
					t.Errorf("%+v", out)
				}
				if c.took < 4*time.Second || c.took > 6*time.Second {
					t.Errorf("the carrier was dropped after %v, and 3 s after the Terminate-Ack is right", c.took)
				}
				want := "began 1 kim; 1 kim has 10.8.0.10; ended 1 kim, cause 1, admitted true"
				if got := c.scene.broker.told(); got != want {
					t.Error(got)
				}
				r := c.scene.broker.reports[2]
				if r.PacketsIn != 1 || r.PacketsOut != 1 || r.OctetsIn != 25 || r.OctetsOut != 25 ||
					r.Framed.Address.String() != "10.8.0.10" {
					t.Errorf("%+v", r)
				}
				if got := strings.Join(c.scene.network.log, "; "); got != "open IPv4 10.8.0.10 mtu 1500; close IPv4" {
					t.Error(got)
				}
				if strings.Contains(c.story(), "sesame") {
					t.Error("the password is in the debug output")
				}
			})
		})
	}
}

// choose returns the answer of a CBCP client.
func choose(option ...byte) func([]byte) []byte { return func([]byte) []byte { return option } }

// TestCallback has the callback of each way: what the broker is asked, and how the call ends.
func TestCallback(t *testing.T) {
	number := append([]byte{2, 11, 12, 1}, "555123\x00"...)
	for _, tt := range []struct {
		name     string
		broker   *fakeBroker
		option   []byte
		response func([]byte) []byte
		initiate bool
		choice   session.Choice // what the broker was asked; its zero value: nothing
		order    string
		kind     session.OutcomeKind
		text     string
	}{
		{name: "CBCP at the fixed number", broker: &fakeBroker{decide: offers("84001")}, option: []byte{6},
			response: choose(3, 3, 5), choice: session.Choice{Offer: "o1", Delay: 5 * time.Second},
			order: "c023:2 c029:1 c029:3 c021:6", kind: session.CallbackPromised},
		{name: "CBCP at the caller's number", broker: &fakeBroker{decide: offers("")}, option: []byte{6},
			response: choose(number...),
			choice:   session.Choice{Offer: "o1", Number: "555123", Delay: 12 * time.Second},
			order:    "c023:2 c029:1 c029:3 c021:6", kind: session.CallbackPromised},
		{name: "CBCP, not recorded", broker: &fakeBroker{decide: offers("84001"),
			promise: func(context.Context,
				session.Choice) session.Verdict {
				return session.Verdict{Reason: "disk full"}
			}},
			option: []byte{6}, response: choose(3, 3, 0), choice: session.Choice{Offer: "o1"},
			order: "c023:2 c029:1 c021:5", text: "Callback not available"},
		{name: "operation 0", broker: &fakeBroker{decide: offers("84001")}, option: []byte{0},
			choice: session.Choice{Offer: "o1"}, order: "c023:2 c021:5", kind: session.CallbackPromised,
			text: "Callback initiated"},
		{name: "operation 2", broker: &fakeBroker{decide: offers("")}, option: []byte("\x02home"),
			choice: session.Choice{Offer: "o1", Place: "home"}, order: "c023:2 c021:5", kind: session.CallbackPromised,
			text: "Callback initiated"},
		{name: "operation 3", broker: &fakeBroker{decide: offers("")}, option: []byte("\x03555123"),
			choice: session.Choice{Offer: "o1", Number: "555123"}, order: "c023:2 c021:5",
			kind: session.CallbackPromised, text: "Callback initiated"},
		{name: "required, and not asked for", broker: &fakeBroker{decide: offers("84001")}, order: "c023:2 c021:5",
			text: "Callback not available"},
		{name: "initiated by the profile", broker: &fakeBroker{decide: offers("84001")}, initiate: true,
			choice: session.Choice{Offer: "o1"}, order: "c023:2 c021:5", kind: session.CallbackPromised,
			text: "Callback initiated"},
		{name: "refused", broker: &fakeBroker{decide: func(session.Asked) session.Verdict {
			return session.Verdict{Text: "Callback already pending"}
		}}, option: []byte{6}, order: "c023:2 c021:5", text: "Callback already pending"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := dial(t, scene{broker: tt.broker, profile: Profile{Initiate: tt.initiate}},
					&ppptest.Client{User: "kim", Callback: tt.option, Response: tt.response})
				out := c.ends()
				if out.Kind != tt.kind || out.Kind == session.CallbackPromised && out.Cause != aaa.CauseCallback {
					t.Errorf("%+v\n%s", out, c.story())
				}
				if got := c.order(); got != tt.order {
					t.Errorf("frames %s, want %s", got, tt.order)
				}
				var asked session.Choice
				if len(tt.broker.chosen) > 0 {
					asked = tt.broker.chosen[0]
					asked.Call = nil
				}
				if asked != tt.choice || len(tt.broker.chosen) > 1 {
					t.Errorf("choices %+v", tt.broker.chosen)
				}
				if c.client.EndText != tt.text || c.scene.network.assigned > 0 {
					t.Errorf("text %q, %d leases", c.client.EndText, c.scene.network.assigned)
				}
			})
		})
	}
}

// TestNumberTries: the third number that the broker does not accept is the last one, as at the prompt of the EXEC.
func TestNumberTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{decide: offers(""), promise: func(context.Context, session.Choice) session.Verdict {
			return session.Verdict{Kind: session.BadChoice, Reason: "not allowed"}
		}}
		c := dial(t, scene{broker: b}, &ppptest.Client{User: "kim", Callback: []byte{6},
			Response: choose(append([]byte{2, 11, 12, 1}, "555123\x00"...)...)})
		out := c.ends()
		if got := c.order(); len(b.chosen) != 3 || got != "c023:2 c029:1 c029:1 c029:1 c021:5" {
			t.Errorf("%d numbers, frames %s, %+v", len(b.chosen), got, out)
		}
	})
}

// TestPromiseBeforeAck: the disk takes 5 s, and the caller hears nothing before.
func TestPromiseBeforeAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{decide: offers("84001"), promise: func(context.Context, session.Choice) session.Verdict {
			<-time.After(5 * time.Second)
			return session.Verdict{Kind: session.Promised, CallbackID: "cb1"}
		}}
		c := dial(t, scene{broker: b, silent: true}, &ppptest.Client{})
		c.client = &ppptest.Client{User: "kim", Callback: []byte{6}, Response: choose(3, 3, 5)}
		c.sends(c.client.Start()...)
		for answered := 0; c.client.CBCPAck == nil; c.waits(100 * time.Millisecond) {
			c.mu.Lock()
			frames := c.frames[answered:]
			c.mu.Unlock()
			answered += len(frames)
			for _, f := range frames {
				for _, a := range c.client.Take(f) {
					if a.Protocol != ppptest.LCP || a.Info[0] != 5 { // it does not end the link
						c.sends(a)
					}
				}
			}
			if c.client.CBCPAck != nil && len(b.chosen) != 1 {
				t.Fatal("no promise")
			}
		}
		ack := c.when(ppptest.CBCP, 3)
		if ack < 5*time.Second {
			t.Errorf("acknowledged after %v", ack)
		}
		out := c.ends()
		if wait := c.when(ppptest.LCP, 5) - ack; wait != 10*time.Second {
			t.Errorf("Terminate-Request %v after the Ack", wait)
		}
		if c.took-ack != 16*time.Second || out.Kind != session.CallbackPromised || out.CallbackID != "cb1" {
			t.Errorf("ended %v after the Ack: %+v", c.took-ack, out)
		}
	})
}

// TestSlowAAA: AAA takes 20 s; echoes are answered, and a repeated request is not asked again.
func TestSlowAAA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, scene{aaa: &fakeAAA{takes: 20 * time.Second}}, &ppptest.Client{User: "kim"})
		for range 15 {
			c.sends(c.client.Login(), c.client.Echo())
			c.waits(time.Second)
		}
		if c.client.Replies != 15 || c.up() {
			t.Errorf("%d echoes answered", c.client.Replies)
		}
		c.waits(6 * time.Second)
		c.sends(c.client.Login())
		if !c.up() || len(c.scene.aaa.requests) != 1 {
			t.Errorf("up %v, %d questions", c.up(), len(c.scene.aaa.requests))
		}
		c.hangsUp()
	})
}

// TestFailure: a failed login has its pause, and its failure crosses the line before the Terminate-Request.
func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, scene{}, &ppptest.Client{User: "kim", Password: "wrong"})
		out := c.ends()
		if got := c.order(); got != "c023:3 c021:5" {
			t.Error(got)
		}
		if out.Kind != session.NotAdmitted || out.Tries != 1 || out.LastFail != "[secret] password" ||
			c.took < 2*time.Second {
			t.Errorf("%+v after %v", out, c.took)
		}
		if len(c.scene.broker.asked) != 0 || c.scene.network.assigned != 0 {
			t.Error("the broker or the network was asked")
		}
	})
}

// TestTries: an MS-CHAP caller tries again until the session's tries are used.
func TestTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &ppptest.Client{User: "kim", Password: "wrong", Methods: [][]byte{ppptest.MethodMSCHAPv2}}
		c := dial(t, scene{profile: Profile{Authentication: []lcp.Auth{lcp.MSCHAPv2}},
			config: session.Config{Tries: 2}},
			client)
		c.waits(3 * time.Second)
		if got := string(client.Refusal); !strings.HasPrefix(got, "E=691 R=1") {
			t.Fatal(got)
		}
		last := c.frames[len(c.frames)-1]
		response := ppptest.Packet(2, last.Info[1]+1,
			append(append([]byte{49}, append(make([]byte, 24), "wrong"...)...),
				append(make([]byte, 20), "kim"...)...)...)
		c.sends(ppptest.Frame{Protocol: ppptest.CHAP, Info: response})
		out := c.ends()
		if got := string(client.Refusal); !strings.HasPrefix(got, "E=691 R=0") || out.Tries != 2 {
			t.Errorf("%q, %+v\n%s", got, out, c.story())
		}
	})
}

// lockedGuard denies every guess.
type lockedGuard struct{ results []session.GuessResult }

func (g *lockedGuard) Before(session.Guess) (time.Duration, string) { return 0, "locked for 5 min" }
func (g *lockedGuard) After(_ session.Guess, r session.GuessResult, _ string) {
	g.results = append(g.results, r)
}
func (g *lockedGuard) Known(string) bool { return true }

func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &lockedGuard{}
		c := dial(t, scene{config: session.Config{Guard: g}}, &ppptest.Client{User: "kim"})
		out := c.ends()
		if len(c.scene.aaa.requests) != 0 ||
			fmt.Sprint(g.results) != fmt.Sprint([]session.GuessResult{session.GuessLocked}) ||
			out.Tries != 1 {
			t.Errorf("%d questions, %v, %+v", len(c.scene.aaa.requests), g.results, out)
		}
	})
}

// TestLegTwo: the same user by the same entry, and nobody else.
func TestLegTwo(t *testing.T) {
	for user, want := range map[string]session.OutcomeKind{"kim": session.SessionEnded, "sam": session.NotAdmitted} {
		synctest.Test(t, func(t *testing.T) {
			leg := session.Leg{Number: 2, CallbackID: "cb1", Identity: aaa.Identity{Entry: "radius", User: "kim"}}
			c := dial(t, scene{leg: leg}, &ppptest.Client{User: user, Callback: []byte{6}})
			c.waits(4 * time.Second)
			if c.up() != (user == "kim") || c.scene.aaa.requests[0].Entry != "radius" {
				t.Errorf("%s: IP %v, %+v", user, c.up(), c.scene.aaa.requests)
			}
			if user == "kim" {
				c.data.lose()
			}
			if out := c.ends(); out.Kind != want {
				t.Errorf("%s: %+v", user, out)
			}
		})
	}
}

// TestRenegotiation: the session ends, the call goes on, and the next login has its own time.
func TestRenegotiation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, scene{}, &ppptest.Client{User: "kim"})
		c.waits(2 * time.Minute) // longer than the time for a login
		if !c.up() {
			t.Fatal(c.story())
		}
		c.client.User = "sam"
		c.sends(c.client.Start()...)
		c.waits(time.Second)
		if !c.up() || c.scene.network.assigned != 2 || c.scene.network.released != 1 {
			t.Fatalf("IP %v, %d leases, %d given back", c.up(), c.scene.network.assigned, c.scene.network.released)
		}
		c.client.Methods = [][]byte{{0, 0}} // no login follows
		c.scene.silent = true
		c.sends(c.client.Start()...)
		out := c.ends()
		want := "began 1 kim; 1 kim has 10.8.0.10; ended 1 kim, cause 1, admitted true; " +
			"began 2 sam; 2 sam has 10.8.0.10; ended 2 sam, cause 1, admitted true"
		if got := c.scene.broker.told(); got != want || out.Kind != session.SessionEnded {
			t.Errorf("%s; %+v", got, out)
		}
	})
}

// TestRenegotiationDuringAAA: the question is canceled, its answer does not count, and the login counts as a guess.
func TestRenegotiationDuringAAA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, scene{aaa: &fakeAAA{takes: 10 * time.Second}}, &ppptest.Client{User: "kim"})
		c.waits(time.Second)
		c.sends(c.client.Start()...)
		c.waits(9500 * time.Millisecond)
		if c.up() || c.scene.aaa.canceled != 1 {
			t.Errorf("IP %v, %d canceled", c.up(), c.scene.aaa.canceled)
		}
		c.waits(2 * time.Second)
		if !c.up() || len(c.scene.aaa.requests) != 2 {
			t.Error(c.story())
		}
		if out := c.hangsUp(); out.Tries != 1 || out.Kind != session.SessionEnded {
			t.Errorf("%+v", out)
		}
	})
}

// TestNoCommandOnTheLine: a ping with a modem's escape and command crosses the line without them.
func TestNoCommandOnTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, scene{escapes: []byte{'+', 0x16}}, &ppptest.Client{User: "kim"})
		payload := []byte("+++ATH0\r\x16\x16\x16AT&F\rA/")
		c.sends(ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, payload)})
		if got := c.client.Data; len(got) != 1 || !bytes.Equal(got[0][20:], payload) {
			t.Fatalf("received %q", got)
		}
		for _, never := range []string{"+++", "\x16\x16\x16", "AT", "A/", "\r"} {
			if strings.Contains(string(c.wire), never) {
				t.Errorf("%q is on the line", never)
			}
		}
		c.hangsUp()
	})
}

// TestNoSessions: a daemon that keeps no sessions lists none.
func TestNoSessions(t *testing.T) {
	if list := (*Sessions)(nil).List(); len(list) != 0 {
		t.Error(list)
	}
}

// TestNoProfile: a line without a profile serves no PPP.
func TestNoProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, front := range []*FrontEnd{New(Config{}),
			New(Config{Profile: func(int) (Profile, bool) { return Profile{}, false }})} {
			c := dial(t, scene{silent: true, chooser: session.Only{FrontEnd: front}}, &ppptest.Client{})
			if out := c.ends(); out.Reason != "tty 65 has no PPP profile" {
				t.Errorf("%+v", out)
			}
		}
	})
}

func TestUnservable(t *testing.T) {
	for want, a := range map[string]aaa.Authorization{
		"":                                      {Framed: &aaa.Framed{Protocol: "PPP"}},
		"framed protocol SLIP":                  {Framed: &aaa.Framed{Protocol: "SLIP"}},
		"a host, which PPP does not connect to": {Host: &aaa.Host{}},
		"an autocmd, which PPP does not run":    {Autocmd: "show users"},
		"filters, of which none is configured":  {Framed: &aaa.Framed{OutACL: []string{"mail"}}},
		"no such type":                          {Refuse: "no such type"},
	} {
		if got := New(Config{}).Unservable(a); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, autocmd := range []string{"ppp", " ppp default"} { // what the EXEC does with it has happened
		if got := New(Config{}).Unservable(aaa.Authorization{Autocmd: autocmd}); got != "" {
			t.Errorf("autocmd %q: %s", autocmd, got)
		}
	}
	no := New(Config{Unservable: func(a aaa.Authorization) string { return "no filter " + a.FilterIDs[0] }})
	if got := no.Unservable(aaa.Authorization{FilterIDs: []string{"mail"}}); got != "no filter mail" {
		t.Error(got)
	}
}
