package policies

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/texts"
)

// The terms of a file are in the decision of each leg, and their canonical text is what the file says; a child has
// those of its parent that it does not change; the defaults change no digest.
func TestPPPTerms(t *testing.T) {
	const parent = "group: parent\nppp: {pool: guests, filter: web}\n"
	for text, want := range map[string]string{
		"":                                  "pool: " + anyPool + ", filter: " + anyFilter,
		"ppp: {}\n":                         "pool: " + anyPool + ", filter: " + anyFilter,
		"ppp: {pool: vendors}\n":            "pool: vendors, filter: " + anyFilter,
		"ppp: {filter: mail}\n":             "pool: " + anyPool + ", filter: mail",
		"ppp: {pool: vendors, filter: m}\n": "pool: vendors, filter: m",
		"extends: parent\n":                 "pool: guests, filter: web",
		"extends: parent\nppp: {pool: v}\n": "pool: v, filter: web",
	} {
		s, problems := loadText(map[string]string{"g.yaml": "group: g\n" + text, "parent.yaml": parent})
		if s == nil {
			t.Fatal(problems)
		}
		for leg := 1; leg <= 2; leg++ {
			d, _ := s.Evaluate(Request{Auth: aaa.Authorization{Groups: []string{"g"}}, Service: aaa.PPP, Leg: leg})
			if d.Outcome != Admit || d.PPP.String() != want {
				t.Errorf("%q, leg %d: %s %s, want %s", text, leg, d.Outcome, d.PPP, want)
			}
			b, err := json.Marshal(d)
			var back Decision
			if err != nil || json.Unmarshal(b, &back) != nil || back.PPP.String() != want {
				t.Errorf("%s: %+v %v", b, back, err)
			}
		}
		p, _ := s.Group("g")
		if plain := (Policy{Group: "g"}).Digest(); (p.Digest() == plain) != (text == "" || text == "ppp: {}\n") {
			t.Errorf("%q: digest of\n%s", text, p.Canonical())
		}
	}
}

func TestPPPTermsInvalid(t *testing.T) {
	known := Site{Pools: []string{"vendors", "guests"}, Filters: []string{"web"}}
	for _, tt := range []struct {
		text string
		site Site
		want string
	}{
		{"{pool: vendors, filter: web}", known, ""},
		{"{pool: anything, filter: anything}", Site{}, ""}, // policy check without a configuration
		{"{pool: vendor}", known, `g.yaml:2:13: ppp.pool: no pool is called "vendor"; ppp.pools of ringback.yaml has ` +
			"vendors, guests"},
		{"{filter: mail}", known, `g.yaml:2:15: ppp.filter: no filter is called "mail"; ppp.filters of ringback.yaml ` +
			"has web"},
		{"{pool: vendors}", Site{Pools: []string{}}, "ppp.pools of ringback.yaml has none"},
		{"{pool: ''}", Site{}, "is not the name of a pool or filter"},
		{"{filter: 'a b'}", Site{}, "is not the name of a pool or filter"},
		{"{pool: [a]}", Site{}, "ppp.pool"},
		{"{auth: [pap, ms-chap-v2, ms-chap, chap, eap]}", Site{}, ""},
		{"{auth: []}", Site{}, ""},
		{"{auth: [mschap]}", Site{}, `ppp.auth[0]`},
		{"{auth: pap}", Site{}, "ppp.auth"},
	} {
		l := loader{files: map[string]*policyFile{}}
		l.parse("g.yaml", "g.yaml", []byte("group: g\nppp: "+tt.text+"\n"))
		s, problems := l.set(tt.site)
		if (s != nil) != (tt.want == "") || !strings.Contains(problems.String(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.text, problems, tt.want)
		}
	}
}

// What a group accepts, by the text of its file and of the file that it extends. The rule comes before the leg's and
// before the access window's, and decides about PPP alone.
func TestPPPAuth(t *testing.T) {
	for _, tt := range []struct {
		text    string
		service aaa.Service
		by      string
		want    string // the rule's result; "": it is not evaluated
		input   string
	}{
		{"ppp: {pool: vendors}\n", aaa.PPP, "pap", "", ""},
		{"ppp: {auth: [ms-chap-v2, eap]}\n", aaa.EXEC, "", "", ""},
		{"ppp: {auth: [ms-chap-v2, eap]}\n", aaa.PPP, "eap", "accepted", "eap, ppp.auth: [eap, ms-chap-v2]"},
		{"ppp: {auth: [ms-chap-v2, eap]}\n", aaa.PPP, "ms-chap-v2", "accepted",
			"ms-chap-v2, ppp.auth: [eap, ms-chap-v2]"},
		{"ppp: {auth: [ms-chap-v2, eap]}\n", aaa.PPP, "ms-chap", "refuse: the caller authenticated by ms-chap, and " +
			"group g has ppp.auth: [eap, ms-chap-v2]", "ms-chap, ppp.auth: [eap, ms-chap-v2]"},
		{"ppp: {auth: [ms-chap-v2, eap]}\n", aaa.PPP, "", "refuse: the caller authenticated by no method, and " +
			"group g has ppp.auth: [eap, ms-chap-v2]", "no method, ppp.auth: [eap, ms-chap-v2]"},
		{"ppp: {auth: [chap]}\n", aaa.PPP, AnyPPPAuth, "depends on the method of the caller, which is not known here",
			"ppp.auth: [chap]"},
		{"ppp: {auth: []}\n", aaa.PPP, "eap",
			"refuse: the caller authenticated by eap, and group g has ppp.auth: []", "eap, ppp.auth: []"},
		{"extends: parent\n", aaa.PPP, "pap", "refuse: the caller authenticated by pap, and group g has " +
			"ppp.auth: [chap]", "pap, ppp.auth: [chap]"},
		{"extends: parent\nppp: {auth+: [pap]}\n", aaa.PPP, "pap", "accepted", "pap, ppp.auth: [chap, pap]"},
		{"extends: parent\nppp: {auth: [pap]}\n", aaa.PPP, "pap", "accepted", "pap, ppp.auth: [pap]"},
		{"extends: parent\nppp: {auth: [pap]}\naccess: {window: required, max: 1h}\n", aaa.PPP, "chap",
			"refuse: the caller authenticated by chap, and group g has ppp.auth: [pap]", "chap, ppp.auth: [pap]"},
	} {
		s, problems := loadText(map[string]string{"g.yaml": "group: g\n" + tt.text,
			"parent.yaml": "group: parent\nppp: {auth: [chap]}\n"})
		if s == nil {
			t.Fatal(problems)
		}
		for leg := 1; leg <= 2; leg++ {
			d, trace := s.Evaluate(Request{Auth: aaa.Authorization{Groups: []string{"g"}}, Service: tt.service,
				Leg: leg, PPPAuth: tt.by})
			var step Step
			if len(trace) > 2 && trace[2].Rule == "PPP authentication" {
				step = trace[2]
			}
			if step.Result != tt.want || step.Input != tt.input {
				t.Errorf("%q by %q, leg %d:\n%s", tt.text, tt.by, leg, trace)
			}
			if refused := strings.HasPrefix(tt.want, "refuse"); (d.Outcome == Refuse) != refused ||
				refused && d.Text != texts.RefusedAccess {
				t.Errorf("%q by %q, leg %d: %s %q", tt.text, tt.by, leg, d.Outcome, d.Text)
			}
		}
	}
}

// With callback: secure the caller reads the same as every other, and a callback that is pending is not dialed if the
// method is not accepted any more.
func TestPPPAuthOfCallbacks(t *testing.T) {
	p := open
	then, _ := mustNew(t, p).Evaluate(Request{Auth: fixed, Service: aaa.PPP, PPPAuth: "pap"})
	if then.Outcome != CallBack {
		t.Fatalf("%+v", then)
	}
	p.PPPAuth = []string{"chap"}
	again := Request{Auth: fixed, Service: aaa.PPP, PPPAuth: "pap", Promised: &then}
	if d, trace := mustNew(t, p).Evaluate(again); d.Outcome != Refuse || d.Text != texts.RefusedCallback {
		t.Errorf("%+v\n%s", d, trace)
	}
	again.PPPAuth = AnyPPPAuth // of an older journal
	if d, trace := mustNew(t, p).Evaluate(again); d.Outcome != CallBack {
		t.Errorf("%+v\n%s", d, trace)
	}
	p.Callback = Secure
	d, trace := mustNew(t, p).Evaluate(Request{Auth: fixed, Service: aaa.PPP, PPPAuth: "pap"})
	if d.Outcome != Refuse || d.Text != texts.CallbackSecure || !d.Secure {
		t.Errorf("%+v\n%s", d, trace)
	}
}

// The default changes no digest, and the order of a list neither.
func TestPPPAuthDigest(t *testing.T) {
	digest := func(methods ...string) string { return Policy{Group: "g", PPPAuth: methods}.Digest() }
	if digest("pap", "chap") != digest("chap", "pap") || digest("pap") == digest("chap") ||
		(Policy{Group: "g", PPPAuth: []string{}}).Digest() == (Policy{Group: "g"}).Digest() {
		t.Error("digests of ppp.auth")
	}
}

// A grant that does not fit the terms is rejected before a callback is promised, and again before its dial. It is asked
// about only where it matters: PPP, a group with terms, a site whose pools and filters are known.
func TestPPPTermsUnfit(t *testing.T) {
	outside := fixed
	outside.Framed = &aaa.Framed{Address: "192.0.2.9"}
	p := open
	p.PPP = PPP{Pool: "vendors"}
	known := site
	known.PPPUnfit = func(granted aaa.Authorization, terms PPP, isGroup func(string) bool) string {
		if terms.Pool != "vendors" || !isGroup("default") || isGroup("vendors") {
			t.Errorf("asked about %s", terms)
		}
		if granted.Framed != nil {
			return "AAA grants 192.0.2.9\x1b"
		}
		return ""
	}
	then, _ := mustServe(t, known, p).Evaluate(Request{Auth: fixed, Service: aaa.PPP})
	for _, tt := range []struct {
		name     string
		site     Site
		request  Request
		outcome  Outcome
		text     texts.Key
		reported bool
	}{
		{"fits", known, Request{Auth: fixed, Service: aaa.PPP}, CallBack, "", true},
		{"does not fit", known, Request{Auth: outside, Service: aaa.PPP}, Refuse, texts.RefusedAccess, true},
		{"leg two", known, Request{Auth: outside, Service: aaa.PPP, Leg: 2}, Refuse, texts.RefusedAccess, true},
		{"before the dial", known, Request{Auth: outside, Service: aaa.PPP, Promised: &then}, Refuse,
			texts.RefusedCallback, true},
		{"the EXEC", known, Request{Auth: outside, Service: aaa.EXEC}, CallBack, "", false},
		{"an unknown site", site, Request{Auth: outside, Service: aaa.PPP}, CallBack, "", false},
	} {
		d, trace := mustServe(t, tt.site, p).Evaluate(tt.request)
		if d.Outcome != tt.outcome || d.Text != tt.text || d.Outcome == Refuse && d.Reason != "AAA grants 192.0.2.9?" ||
			strings.Contains(trace.String(), "PPP terms") != tt.reported {
			t.Errorf("%s: %+v\n%s", tt.name, d, trace)
		}
	}
}
