package explain

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/config/configtest"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// reportOf returns the report on a login with this grant; tty 0 is no line in particular.
func reportOf(cfg *config.Config, s aaa.Service, tty int, auth aaa.Authorization) Report {
	line := config.Line{Config: lines.Config{Rotary: lines.NoRotary}}
	for _, l := range cfg.Lines {
		if l.TTY == tty {
			line = l
		}
	}
	r := Report{Service: s}
	r.fill(cfg, line, aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "local", User: "kim"}, Auth: auth},
		nil)
	return r
}

// A grant that a session would reject is not reported as admitted.
func TestReportOfWhatCannotBeHonored(t *testing.T) {
	t.Parallel()
	cfg := configtest.Load(t, "hostname: h\nusers: [{name: kim, password_file: password}]\naaa: {lists: {login: "+
		"{default: [local]}}}\nlines: [{tty: 1, port: \"tcp://127.0.0.1:1\"}]\n")
	for _, tt := range []struct {
		service aaa.Service
		auth    aaa.Authorization
		want    string
	}{
		{aaa.EXEC, aaa.Authorization{Autocmd: "show users"}, `admitted without a callback: command "show users"`},
		{aaa.EXEC, aaa.Authorization{Autocmd: "format flash"},
			`rejected: unsupported authorization: autocmd "format flash"`},
		{aaa.EXEC, aaa.Authorization{Autocmd: "format flash", Callback: true, Dialstring: aaa.DialstringOf("84001")},
			"rejected: unsupported"},
		{aaa.EXEC, aaa.Authorization{Host: &aaa.Host{Address: "127.0.0.1", Service: aaa.Telnet, Port: 23}},
			"rejected: unsupported authorization: host 127.0.0.1:23"},
		{aaa.PPP, aaa.Authorization{Autocmd: "format flash"}, "rejected: no line serves PPP (ppp_profile)"},
	} {
		r := reportOf(cfg, tt.service, 0, tt.auth)
		if !strings.HasPrefix(r.Outcome, tt.want) {
			t.Errorf("%s %+v: %q", tt.service, tt.auth, r.Outcome)
		}
	}
}

// A login over PPP needs a line that serves it, and filters and pools that exist.
func TestReportOfPPP(t *testing.T) {
	t.Parallel()
	cfg := configtest.Load(t, `
users: [{name: kim, password_file: password}]
aaa: {lists: {login: {default: [local]}, ppp: {default: [local]}}}
lines:
- {tty: 1, port: "tcp://127.0.0.1:1", rotary: 1}
- {tty: 2, port: "tcp://127.0.0.1:2", rotary: 1, ppp_profile: default}
ppp: {netdev: userspace, profiles: [{name: default, ipv6: true}]}
`)
	for _, tt := range []struct {
		tty  int
		auth aaa.Authorization
		want string
	}{
		{1, aaa.Authorization{}, "rejected: tty 1 does not serve PPP (ppp_profile)"},
		{2, aaa.Authorization{}, "admitted without a callback: PPP"},
		{0, aaa.Authorization{}, "admitted without a callback: PPP"},
		{2, aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("84001")}, // not from tty 1
			"called back at 84001 from tty 2 (first idle line), 0s after hang-up or later, then the user must log in " +
				"again: PPP"},
		{2, aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("84001"), Lines: []int{1}},
			"rejected: no line can call back: tty 1: only tty 1, which cannot serve PPP (set ppp_profile)"},
		{2, aaa.Authorization{Autocmd: "show users"},
			"rejected: unsupported authorization: an autocmd, which PPP does not run"},
		{2, aaa.Authorization{Framed: &aaa.Framed{InACL: []string{"101"}}},
			`rejected: unsupported authorization: inacl "101": no filter has this name; none is configured`},
		{2, aaa.Authorization{Framed: &aaa.Framed{Pool: "dialin"}},
			`rejected: unsupported authorization: no pool is called "dialin"; pools: none is configured`},
	} {
		r := reportOf(cfg, aaa.PPP, tt.tty, tt.auth)
		if r.Outcome != tt.want {
			t.Errorf("tty %d %+v: %q", tt.tty, tt.auth, r.Outcome)
		}
	}
}

// TestReportOfHunt: the line that calls back depends on the hunt of the rotary, unless lines are listed.
func TestReportOfHunt(t *testing.T) {
	t.Parallel()
	for hunt, want := range map[string]string{"linear": "first idle line", "round_robin": "an idle line, in turn",
		"least_used": "the idle line that is least used"} {
		cfg := configtest.Load(t, `
users: [{name: kim, password_file: password}]
aaa: {lists: {login: {default: [local]}}}
rotaries: {1: {hunt: `+hunt+`}}
lines:
- {tty: 1-3, port: "tcp://127.0.0.1:{1+n}", rotary: 1}
- {tty: 4, port: "tcp://127.0.0.1:4", rotary: 1, modem: callout}
`)
		auth := aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("84001")}
		r := reportOf(cfg, aaa.EXEC, 1, auth)
		if !strings.Contains(r.Outcome, "from tty 4, 2, 3 ("+want+")") {
			t.Errorf("%s: %q", hunt, r.Outcome)
		}
		auth.Lines = []int{3, 2}
		r = reportOf(cfg, aaa.EXEC, 1, auth)
		if !strings.Contains(r.Outcome, "from tty 3, 2 (first idle line)") {
			t.Errorf("%s, with lines: %q", hunt, r.Outcome)
		}
		cfg.Policies = mustPolicies(t, cfg, policies.LineChoice{First: 3, Last: 3},
			policies.LineChoice{Rotary: &cfg.Lines[0].Rotary})
		auth.Lines = nil
		if r = reportOf(cfg, aaa.EXEC, 1, auth); !strings.Contains(r.Outcome,
			"from tty 3, 4, 2, 1 (first idle line; those of a rotary hunt)") {
			t.Errorf("%s, with callback_lines: %q", hunt, r.Outcome)
		}
	}
}

// What a caller of PPP gets depends on how it asks for a callback, where the profile allows it to.
func TestReportOfWays(t *testing.T) {
	t.Parallel()
	cfg := configtest.Load(t, `
users: [{name: kim, password_file: password}]
aaa: {lists: {login: {default: [local]}, ppp: {default: [local]}}}
lines:
- {tty: 1, port: "tcp://127.0.0.1:1", rotary: 1, ppp_profile: all}
- {tty: 2, port: "tcp://127.0.0.1:2", rotary: 1, ppp_profile: some}
ppp:
  netdev: userspace
  profiles:
  - {name: all, ipv6: true}
  - {name: some, ipv6: true, callback: [cbcp, initiate]}
`)
	set, err := policies.New(policies.Site{Callback: map[aaa.Service]bool{aaa.PPP: true}},
		policies.Policy{Group: "default",
			Numbers: policies.Numbers{From: policies.AnySource(), Allow: []string{"84*"}}},
		policies.Policy{Group: "guarded", Callback: policies.Secure},
		policies.Policy{Group: "travel", OnRequest: true,
			Numbers: policies.Numbers{From: policies.AnySource(), Allow: []string{"84*"}}})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Policies = set
	fixed := aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("84001")}
	for _, tt := range []struct {
		tty  int
		auth aaa.Authorization
		want string
	}{
		{1, fixed, "CBCP: offered a callback at 84001; operation 0: called back at 84001; operations 1 and 3: called " +
			"back at 84001; operation 2: called back at 84001; none: rejected"},
		{2, fixed, "CBCP: offered a callback at 84001; none: called back at 84001"},
		{1, aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("")},
			"CBCP: offered a callback at a number of the caller; operation 0: rejected; operations 1 and 3: called " +
				"back at the number, if the policy allows it; operation 2: called back at the place, if it is in " +
				"places and the policy allows its number; none: rejected"},
		{0, aaa.Authorization{Groups: []string{"travel"}},
			"CBCP: offered no callback, a callback at a number of the caller; operation 0: rejected; operations 1 " +
				"and 3: called back at the number, if the policy allows it; operation 2: called back at the place, " +
				"if it is in places and the policy allows its number; none: admitted"},
		{1, aaa.Authorization{}, "CBCP: offered no callback; operation 0: rejected; operations 1 and 3: rejected; " +
			"operation 2: rejected; none: admitted"},
		{1, aaa.Authorization{Callback: true}, ""},
		{2, aaa.Authorization{Dialstring: aaa.DialstringOf("84001"), Groups: []string{"guarded"}},
			"CBCP: disconnected, then called back at 84001; none: disconnected, then called back at 84001"},
	} {
		r := reportOf(cfg, aaa.PPP, tt.tty, tt.auth)
		var got []string
		for _, w := range r.Ways {
			name, _, _ := strings.Cut(strings.TrimPrefix(w.Request, "RFC 1570, "), " (")
			got = append(got, name+": "+w.Outcome)
		}
		if s := strings.Join(got, "; "); s != tt.want {
			t.Errorf("tty %d %+v (%s):\n%s\nwant %s", tt.tty, tt.auth, r.Outcome, s, tt.want)
		}
	}
}

// The report has the wait that would apply, with and without a called line: the longest of the forced waits of the
// called and of the dialing line, and the delay requested by AAA.
func TestReportOfWait(t *testing.T) {
	t.Parallel()
	const head = "hostname: h\nusers: [{name: kim, password_file: password}]\naaa: {lists: {login: {default: " +
		"[local]}}}\n" +
		"chat_scripts: [{name: rtp, script: '\"\" \"ATDT \\T\" CONNECT'}]\nlines:\n"
	line := func(tty, rotary int, wait string) string {
		return fmt.Sprintf("  - {tty: %d, port: \"tcp://127.0.0.1:%d\", rotary: %d, scripts: {callback: rtp}, "+
			"callback: {forced_wait: %s}}\n", tty, 7000+tty, rotary, wait)
	}
	for _, tt := range []struct {
		name, lines string
		called      int
		delay       time.Duration
		want        string
		parts       []LineWait // of the wait; nil: not checked
	}{
		{"all alike", line(1, 1, "5s") + line(2, 1, "5s"), 0, 0, "5s after hang-up", []LineWait{{1, "5s"}, {2, "5s"}}},
		{"none in particular", line(1, 1, "0s") + line(2, 1, "0s"), 0, 0, "0s after hang-up", nil},
		{"the called line's is longest", line(1, 1, "20s") + line(2, 1, "5s"), 1, 0, "20s after hang-up",
			[]LineWait{{1, "20s"}, {2, "5s"}}},
		{"the dialing line's is longest", line(1, 1, "5s") + line(2, 1, "20s"), 1, 0, "20s after hang-up", nil},
		{"AAA's is longest", line(1, 1, "5s") + line(2, 1, "20s"), 1, time.Minute, "1m0s after hang-up",
			[]LineWait{{1, "5s"}, {2, "20s"}}},
		{"one of two dials", line(1, 1, "5s") + line(2, 1, "7s") + line(3, 1, "30s"), 1, 0, "7s to 30s after hang-up",
			nil},
		{"no line is named", line(1, 1, "5s") + line(2, 1, "5s") + line(3, 2, "8s") + line(4, 2, "8s"), 0, 0,
			"5s to 8s after hang-up", nil},
	} {
		cfg := configtest.Load(t, head+tt.lines)
		r := reportOf(cfg, aaa.EXEC, tt.called,
			aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("84001"), CallbackDelay: tt.delay})
		if !strings.Contains(r.Outcome, tt.want) || tt.parts != nil && !slices.Equal(r.Wait.Lines, tt.parts) {
			t.Errorf("%s: %q with %+v, want %q with %+v", tt.name, r.Outcome, r.Wait, tt.want, tt.parts)
		}
		if asked := map[bool]string{true: tt.delay.String()}[tt.delay > 0]; r.Wait.AAA != asked {
			t.Errorf("%s: AAA delay %q, want %q", tt.name, r.Wait.AAA, asked)
		}
	}
}

// mustPolicies returns the built-in policy with lines.
func mustPolicies(t *testing.T, cfg *config.Config, from ...policies.LineChoice) *policies.Set {
	t.Helper()
	s, err := policies.New(cfg.Policies.Site(), policies.Policy{CallbackLines: from})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
