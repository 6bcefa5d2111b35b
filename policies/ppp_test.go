package policies

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
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
		{"{auth: [pap]}", Site{}, "auth"},
	} {
		l := loader{files: map[string]*policyFile{}}
		l.parse("g.yaml", "g.yaml", []byte("group: g\nppp: "+tt.text+"\n"))
		s, problems := l.set(tt.site)
		if (s != nil) != (tt.want == "") || !strings.Contains(problems.String(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.text, problems, tt.want)
		}
	}
}
