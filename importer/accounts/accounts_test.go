package accounts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/accounts"
	"github.com/ringback/ringback/importer/importtest"
)

func grant(s aaa.Service, number string) accounts.Grant {
	return accounts.Grant{Service: s, Password: "pw", Auth: aaa.Authorization{PrivLevel: 1, Callback: true,
		Dialstring: aaa.DialstringOf(number)}}
}

// A prefix that all numbers have is dialed by the trunk; otherwise the operator must decide.
func TestTrunkPrefix(t *testing.T) {
	for _, tt := range []struct {
		numbers []string
		prefix  string
		trunk   bool
	}{
		{[]string{"84001"}, "", false},
		{[]string{"9,84001", "9,84002"}, "9,", true},
		{[]string{"9,84001", "84002"}, "9,", false},
		{[]string{"9,84001", "0,84002"}, "0,", false},
		{[]string{""}, "", false},
	} {
		var a accounts.Accounts
		for i, n := range tt.numbers {
			g := grant(aaa.EXEC, n)
			if err := g.Check(); err != nil {
				t.Fatal(err)
			}
			a.Add(string(rune('a'+i)), "", []accounts.Grant{g})
		}
		site := &importer.Site{}
		a.Fill(site)
		cfg := importtest.Load(t, site)
		prefixes := strings.Join(cfg.Numbers.TrunkPrefixes, " ")
		if (prefixes != "") != (tt.prefix != "") || !strings.Contains(prefixes, tt.prefix) {
			t.Errorf("%q: prefixes %q", tt.numbers, prefixes)
		}
		if trunk := strings.Contains(importtest.Text(site), "template: \"9,{number}\""); trunk != tt.trunk {
			t.Errorf("%q: trunk %v", tt.numbers, trunk)
		}
	}
}

// What a local user cannot have and what would let them do more is refused.
func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		change func(*accounts.Grant)
		want   string
	}{
		{func(*accounts.Grant) {}, ""},
		{func(g *accounts.Grant) { g.Auth.Refuse = "why" }, "why"},
		{func(g *accounts.Grant) { g.Auth.CallerID = true }, "calling number"},
		{func(g *accounts.Grant) { g.Auth.Autocmd = "telnet x" }, "no autocmd"},
		{func(g *accounts.Grant) { g.Auth.Host = &aaa.Host{Address: "192.0.2.1"} }, "connected to a host"},
		{func(g *accounts.Grant) { g.Auth.Framed = &aaa.Framed{InACL: []string{"mail"}} }, "no filters"},
		{func(g *accounts.Grant) { g.Service, g.Auth.FilterIDs = aaa.PPP, []string{"mail"} }, "no filters"},
		{func(g *accounts.Grant) { g.Auth.SessionTimeout = 8 * 24 * time.Hour }, "cannot be kept"},
		{func(g *accounts.Grant) { g.Auth.Dialstring = aaa.DialstringOf("911") }, "emergency number"},
		{func(g *accounts.Grant) { g.Auth.Dialstring = aaa.DialstringOf("84001;ATH") }, "the number to call"},
		{func(g *accounts.Grant) { g.Password = "" }, "no password"},
		{func(g *accounts.Grant) { g.Password = "a\nb" }, "control characters"},
		{func(g *accounts.Grant) { g.Password, g.Hash = "", "$6$x$y" }, "unknown kind"},
	} {
		g := grant(aaa.EXEC, "84001")
		tt.change(&g)
		if err := g.Check(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %q", err, tt.want)
		}
	}
}

// Two services with the same grant and password are one user; groups of different names have different policies.
func TestAdd(t *testing.T) {
	var a accounts.Accounts
	a.Add("one", "staff", []accounts.Grant{grant(aaa.EXEC, "84001"), grant(aaa.PPP, "84001")})
	a.Add("two", "staff", []accounts.Grant{grant(aaa.EXEC, "84001"), grant(aaa.PPP, "84002")})
	a.Add("three", "Staff/", []accounts.Grant{grant(aaa.EXEC, "84001")})
	a.Add("four", "Staff_", []accounts.Grant{grant(aaa.EXEC, "84001")})
	a.Add("five", "default", []accounts.Grant{grant(aaa.EXEC, "84001")})
	site := &importer.Site{}
	a.Fill(site)
	cfg := importtest.Load(t, site)
	if len(cfg.Users) != 6 || len(cfg.Users[0].Services) != 0 || len(cfg.Users[1].Services) != 1 {
		t.Errorf("%+v", cfg.Users)
	}
	if groups := strings.Join(cfg.Policies.Groups(), " "); groups != "Staff_ Staff_-2 default-imported staff" {
		t.Errorf("%s", groups)
	}
}
