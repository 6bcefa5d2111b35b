package policies

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/tariff"
)

// cheaperSite is the site with a tariff: calls to 840 cost 0.02 a minute, and their callers 0.19. 841 is dearer, 842
// the same, and of 843 the callers' price is unknown.
func cheaperSite(t testing.TB) Site {
	t.Helper()
	table, problems := tariff.Parse("t.csv", []byte("prefix,zone,per_minute,per_call,granularity,caller_per_minute\n"+
		"840,home,0.02,0.05,60/60,0.19\n841,,0.20,0,1/1,0.19\n842,,0.19,0,1/1,0.19\n843,,0.02,0,1/1,\n"), "EUR")
	if table == nil {
		t.Fatal(problems)
	}
	s := site
	s.Tariff = table
	return s
}

// cheaper is a policy with callback: when_cheaper.
func cheaper() Policy {
	p := open
	p.Callback, p.Numbers.From = WhenCheaper, []Source{FromAAA, FromCallerID}
	return p
}

// A user whose callback AAA does not require is called back at the calling number if that is cheaper, and otherwise
// admitted, whatever keeps the callback from being made.
func TestCheaper(t *testing.T) {
	priced := cheaperSite(t)
	unpriced, off := priced, priced
	unpriced.Tariff, off.Callback = nil, nil
	noSource, noService, denied := cheaper(), cheaper(), cheaper()
	noSource.Numbers.From, noService.Services.NoPPP, denied.Numbers.Deny = nil, true, []string{"84001"}
	trusted := Line{Trusted: true}
	at := func(caller string) Request { return Request{Auth: plain, Caller: caller, Line: trusted} }
	for _, tt := range []struct {
		name   string
		site   Site
		policy Policy
		r      Request
		want   Outcome
		reason string
	}{
		{"cheaper", priced, cheaper(), at("84001"), CallBack, "at 84001"},
		{"dearer", priced, cheaper(), at("84101"), Admit, "10m0s cost 2.00 EUR here, and 1.90 for the caller"},
		{"the same", priced, cheaper(), at("84201"), Admit, "1.90 EUR here, and 1.90"},
		{"unknown to the caller", priced, cheaper(), at("84301"), Admit, "what calls from prefix 843 cost"},
		{"without a rate", priced, cheaper(), at("84401"), Admit, "no rate for the calling number"},
		{"without a tariff", unpriced, cheaper(), at("84001"), Admit, "no tariff is known"},
		{"without a number", priced, cheaper(), at(""), Admit, "the calling number is unknown"},
		{"a number that is none", priced, cheaper(), at("84001;ATH"), Admit, "';' at position 6"},
		{"a line without signals", priced, cheaper(), Request{Auth: plain, Caller: "84001"}, Admit, "no modem signals"},
		{"a denied number", priced, denied, at("84001"), Admit, `deny "84001"`},
		{"a number that no pattern allows", priced, cheaper(), at("555"), Admit, "must match an allow pattern"},
		{"an emergency number", priced, cheaper(), at("112"), Admit, "is never dialed"},
		{"without the source", priced, noSource, at("84001"), Admit, "has no caller_id"},
		{"services: {ppp: deny}", priced, noService, at("84001"), Admit, "AAA requires no callback"},
		{"no callbacks", off, cheaper(), at("84001"), Admit, "AAA requires no callback"},
		{"Port-Limit", priced, cheaper(), Request{Auth: aaa.Authorization{PortLimit: 1}, Caller: "84001", Line: trusted,
			Used: Used{Sessions: 1}}, Admit, "Port-Limit"},
		{"leg two", priced, cheaper(), Request{Auth: plain, Leg: 2}, Admit, "the call that the callback made"},

		// What AAA requires is required, whatever it costs.
		{"required", priced, cheaper(), Request{Auth: fixed, Caller: "84101", Line: trusted}, CallBack, "at 84001"},
		{"required, no price", unpriced, cheaper(), Request{Auth: fixed}, CallBack, "at 84001"},
		{"required, denied", priced, denied, Request{Auth: fixed, Caller: "84002", Line: trusted}, Refuse, "deny"},
		{"NULL", priced, cheaper(), Request{Auth: null, Caller: "84001", Line: trusted}, Refuse, "let"},
	} {
		tt.r.Service = aaa.PPP
		d, trace := mustServe(t, tt.site, tt.policy).Evaluate(tt.r)
		if d.Outcome != tt.want || !strings.Contains(d.Reason, tt.reason) {
			t.Errorf("%s: %s: %s\n%s", tt.name, d.Outcome, d.Reason, trace)
		}
		free := d.Outcome == CallBack && tt.r.Auth.Dialstring == (aaa.Dialstring{})
		if d.Cheaper != free || d.MayDecline != free || free && (d.Origin != numbers.OriginCallerID || d.NoVerify) ||
			d.Outcome == Admit && d.Text != "" {
			t.Errorf("%s: %+v", tt.name, d)
		}
	}
}

// A pending callback that was made because it is cheaper keeps its decision: the tariff is not asked again, but the
// lists and the mode are.
func TestRecheckCheaper(t *testing.T) {
	priced := cheaperSite(t)
	unpriced := priced
	unpriced.Tariff = nil
	r := Request{Auth: plain, Service: aaa.PPP, Caller: "84001", Line: Line{Trusted: true}}
	then, _ := mustServe(t, priced, cheaper()).Evaluate(r)
	denied, optional := cheaper(), cheaper()
	denied.Numbers.Deny, optional.Callback = []string{"84001"}, Optional
	for _, tt := range []struct {
		name    string
		site    Site
		policy  Policy
		auth    aaa.Authorization
		renewed bool
		want    Outcome
	}{
		{"the same", priced, cheaper(), plain, false, CallBack},
		{"the same, renewed", priced, cheaper(), plain, true, CallBack},
		{"another tariff", unpriced, cheaper(), plain, false, CallBack},
		{"denied", priced, denied, plain, false, Refuse},
		{"another mode", priced, optional, plain, false, Refuse},
		{"AAA requires another number", priced, cheaper(), with(fixed, func(a *aaa.Authorization) {
			a.Dialstring = aaa.DialstringOf("84002")
		}), true, Refuse},
		{"AAA refuses", priced, cheaper(), aaa.Authorization{Refuse: "x"}, true, Refuse},
	} {
		now := r
		now.Auth, now.Promised, now.Renewed = tt.auth, &then, tt.renewed
		if d, trace := mustServe(t, tt.site, tt.policy).Evaluate(now); d.Outcome != tt.want {
			t.Errorf("%s: %+v\n%s", tt.name, d, trace)
		}
	}
}

// What a caller of PPP gets: a callback at the calling number for a client that asks for one, and a session for others.
func TestCheaperInPPP(t *testing.T) {
	s := mustServe(t, cheaperSite(t), cheaper())
	r := Request{Auth: plain, Service: aaa.PPP, Leg: 1, Caller: "84001", Line: Line{Trusted: true}}
	want := [...]string{"offer none, admin", "promise 84001", "promise 84001", "promise 84001", "promise 84001",
		"promise 84001", "IP", "promise 84001"}
	for i, way := range ways {
		if got := outcomeOfPPP(s, r, way.wish, way.initiate); got != want[i] {
			t.Errorf("%s: %s, want %s", way.name, got, want[i])
		}
	}
	r.Caller = "84101"
	for i, way := range ways {
		if got := outcomeOfPPP(s, r, way.wish, way.initiate); got != rowNone[i] {
			t.Errorf("dearer, %s: %s, want %s", way.name, got, rowNone[i])
		}
	}
	r.Leg = 2
	if got := outcomeOfPPP(s, r, cbcp.Wish{}, false); got != "IP" {
		t.Errorf("leg two: %s", got)
	}
}

func TestCheaperFile(t *testing.T) {
	const head = "group: g\ncallback: when_cheaper\n"
	for text, want := range map[string]string{
		"numbers: {from: [aaa, caller_id], allow: ['84*']}\n": "",
		"numbers: {from_caller: allow, allow: ['84*']}\n":     "",
		"": "g.yaml:2:11: callback: when_cheaper calls the calling number, and numbers.from has no caller_id (write " +
			"numbers: {from: [aaa, caller_id], allow: [\"84*\"]})",
		"numbers: {from_caller: allow, allow: ['84*']}\ncallback_on_request: allow\n": "g.yaml:4:22: " +
			"callback_on_request: callback: when_cheaper lets nobody request a callback (remove it, or write " +
			"callback: optional)",
	} {
		_, problems := loadText(map[string]string{"g.yaml": head + text})
		var got string
		if len(problems) > 0 {
			got = problems[0].String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
