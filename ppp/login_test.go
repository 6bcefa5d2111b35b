package ppp

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
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
			return aaa.Result{Kind: aaa.Refused, Reason: "wrong", Success: "E=691 R=1 R=1 V=3"} // a server that errs
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

// TestAcceptedRefusal: a session cannot accept what AAA refused.
func TestAcceptedRefusal(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.auto = false
	d.aaa = func(Effect) aaa.Result { return aaa.Result{Kind: aaa.Refused, Reason: "no"} }
	d.begin()
	d.answer(1)
	delete(d.asked, 2)
	d.carry(d.engine.Settled(2, Settlement{Accepted: true, Decision: Decision{Kind: Admitted}}))
	d.exchange()
	if got := d.order(); got != "c023:3 c021:5" || d.engine.begun {
		t.Error(got)
	}
}
