package tacplus

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/importtest"
	"github.com/ringback/ringback/lab/servers"
)

// today is before the dates in the samples that are in the future.
var today = time.Date(2026, 11, 30, 12, 0, 0, 0, time.Local)

func read(data []byte) (*importer.Site, *importer.Report, error) {
	return Read(data, Options{Now: today})
}

func sample(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "tac_plus.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// secrets are the passwords and keys of the sample.
var secrets = []string{"fookey", "LLLL", "CCCC", "PPPP", "AAAA", "OOOO", "tremens-pw", "call-secret", "staff-pw",
	"XQj4892fjk", "enable-pw", "bo pw"}

// What the local users are granted is what the client of TACACS+ makes of the replies of a server that has the same
// configuration. That server is the lab's, which reads it with a parser of its own.
func TestSameAsTheServer(t *testing.T) {
	site, _ := importtest.Accounted(t, read, sample(t), secrets...)
	cfg := importtest.Load(t, site)
	server := serve(t, sample(t))
	granted := 0
	for _, user := range []string{"foobar", "tremens", "kim", "bo", "nobody", "manager", "expired", "limited", "typed",
		"several"} {
		for _, s := range []aaa.Service{aaa.EXEC, aaa.PPP} {
			real := server.Authorize(t.Context(), aaa.Question{Request: aaa.Request{Service: s, User: user, Leg: 1},
				Identity: aaa.Identity{Entry: "tacacs", User: user}})
			got := importtest.Login(t, cfg, s, user, passwords[user][s])
			switch why := left[user][s]; {
			case real.Kind == aaa.Silent:
				t.Fatalf("%s, %s: %+v", user, s, real)
			case got.Kind == aaa.Granted && real.Kind != aaa.Granted:
				t.Errorf("%s, %s: a local user, but the server refuses: %s", user, s, real.Reason)
			case got.Kind == aaa.Granted:
				granted++
				if a, b := importtest.CallbackOf(got.Auth), importtest.CallbackOf(real.Auth); a != b {
					t.Errorf("%s, %s:\ngot  %+v\nwant %+v", user, s, a, b)
				}
			case real.Kind == aaa.Granted && why == "":
				t.Errorf("%s, %s: the server grants it, and there is no local user: %s", user, s, got.Reason)
			}
		}
	}
	if granted < 9 {
		t.Errorf("only %d logins were granted", granted)
	}
}

var passwords = map[string]map[aaa.Service]string{
	"foobar":  {aaa.EXEC: "LLLL", aaa.PPP: "CCCC"},
	"tremens": {aaa.EXEC: "tremens-pw", aaa.PPP: "tremens-pw"},
	"kim":     {aaa.EXEC: "staff-pw"},
	"bo":      {aaa.EXEC: "bo pw", aaa.PPP: "bo pw"},
	"manager": {aaa.EXEC: "bo pw"},
	"typed":   {aaa.EXEC: "typed-pw", aaa.PPP: "typed-pw"},
	"several": {aaa.EXEC: "several-pw"},
}

// left are the grants of the server that no local user can have, with the reason.
var left = map[string]map[aaa.Service]string{
	"expired": {aaa.EXEC: "the account has expired; the lab's server does not know that"},
	"limited": {aaa.EXEC: "a program decides; the lab's server has none"},
}

// serve starts a server with the configuration, without the statements that it does not know, and returns its client.
func serve(t *testing.T, text string) *tacplus.Client {
	t.Helper()
	const key = "a secret of 24 octets..."
	var known []string
	for _, line := range strings.Split(text, "\n") {
		if f := strings.Fields(line); len(f) > 0 && (f[0] == "expires" || f[0] == "before" || f[0] == "maxsess" ||
			strings.Contains(line, "= des") || strings.Contains(line, "= file")) {
			continue
		}
		known = append(known, line)
	}
	p, err := servers.ParseTACACS(strings.NewReader(strings.Join(known, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	s, err := servers.NewTACACS(servers.TACACSConfig{Key: key, Profiles: p})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(":0"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	one := tacplus.ServerConfig{Name: "one", Address: s.Addr(), Secret: key}
	c, err := tacplus.New(tacplus.Config{Servers: []tacplus.ServerConfig{one}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); cancel(); wg.Wait() })
	return c
}

// The report says what becomes of each kind of line.
func TestReport(t *testing.T) {
	site, report := importtest.Accounted(t, read, sample(t), secrets...)
	importtest.Rows(t, report, []importtest.Want{
		{Text: "key =", Kind: importer.Harmless, Note: "local users need no server"},
		{Text: "accounting file", Kind: importer.Harmless, Note: "cdr: {file}"},
		{Text: "user = foobar {", Kind: importer.Imported, Note: "local user foobar (exec, ppp), policies: no-verify"},
		{Text: "   arap = cleartext", Kind: importer.Unsupported, Note: "there is no ARAP"},
		{Text: "   pap = cleartext", Kind: importer.Unsupported, Note: "one for each of the EXEC and PPP"},
		{Text: "   opap =", Kind: importer.Unsupported, Note: "authenticates itself"},
		{Text: "callback-line=7", Kind: importer.Imported, Note: "callback-line of foobar"},
		{Text: "nocallback-verify=1", Kind: importer.Imported, Note: "nocallback-verify of foobar"},
		{Text: "callback-dialstring=2345678", Kind: importer.Unsupported, Note: "ringback offers no service arap"},
		{Text: "send-secret", Kind: importer.Unsupported, Note: "no secret with which ringback authenticates itself"},
		{Text: "  service = exec { priv-lvl = 15 idletime", Kind: importer.Imported, Note: "exec of kim"},
		{Text: "  cmd = show", Kind: importer.Unsupported, Note: "exec: {commands}"},
		{Text: "user = nobody", Kind: importer.Unsupported, Note: "no exec: tac_plus authorizes none"},
		{Text: "  expires = \"Jan 23 2099\"", Kind: importer.Unsupported, Note: "a local user does not expire"},
		{Text: "user = expired", Kind: importer.Unsupported, Note: "the account expired on Jan 23 1999"},
		{Text: "user = limited", Kind: importer.Unsupported, Note: "a program decides what the user may have"},
		{Text: "user = DEFAULT", Kind: importer.Unsupported, Note: "local users have names"},
		{Text: "user = $enab15$", Kind: importer.Imported, Note: "the password of enable"},
		{Text: "group = unused", Kind: importer.Harmless, Note: "no user is a member"},
		{Text: "optional acl", Kind: importer.Harmless, Note: "only if it is asked for it"},
	})
	cfg := importtest.Load(t, site)
	if cfg.Enable == nil {
		t.Error("no password of enable")
	}
	if d := importtest.Login(t, cfg, aaa.EXEC, "manager", "bo pw"); d.Kind != aaa.Granted ||
		d.Auth.Groups[0] != "staff-session-60m-idle-10m" {
		t.Errorf("%+v", d)
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", "there are no users; expected user = NAME"},
		{"user = bob {\n login = cleartext secret1\n", "line 2: the end of the file in the user that begins in line 1"},
		{"user = bob { login = cleartext secret1 secret2 }", "line 1: another text is not a statement of a user"},
		{"user = bob { logn = cleartext secret1 }", `line 1: "logn" is not a statement of a user`},
		{"user = bob { login = clear secret1 }", "unknown kind of password; expected cleartext, des, file"},
		{"user bob { }", `line 1: "bob" after user; expected =`},
		{"user = bob { }\nuser = bob { }", `line 2: user = "bob" is in line 1 too`},
		{"user = bob {\n member = a\n member = a }\ngroup = a { }", "line 3: member is in line 2 too"},
		{"user = bob { login = cleartext secret1 login = nopassword }", "line 1: login is in line 1 too"},
		{"user = bob { member = staff }", `line 1: there is no group "staff"`},
		{"id = spawnd { listen = { port = 49 } }", "tac_plus-ng"},
		{"user = bob { login = \"secret1\n\" }", "quoted string without end in its line"},
		{"set system host-name maui", `"set" is not a statement`},
		{"user = bob { service = exec { a } }", `line 1: "}" after an attribute; expected =`},
		{"user = bob { cmd = show { allow .* } }", `"allow" in cmd = NAME; expected permit, deny or }`},
		{"user = bob { default service = maybe }", "expected permit or deny"},
	} {
		_, _, err := read([]byte(tt.in))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", tt.in, err, tt.want)
		}
	}
}

// With new passwords, users without one that can be imported are there too.
func TestNewPasswords(t *testing.T) {
	const text = "user = des { login = des XQj4892fjk service = exec { callback-dialstring = 84001 } }\n" +
		"user = pam { login = PAM\n pap = cleartext pap-pw default service = permit }\n" +
		"user = ppp {\n service = ppp protocol = lcp { callback-dialstring = 84002 } }\n"
	n := 0
	read := func(data []byte) (*importer.Site, *importer.Report, error) {
		return Read(data, Options{Now: today, NewPassword: func() string { n++; return "new-password" }})
	}
	site, report := importtest.Accounted(t, read, text, "new-password", "XQj4892fjk", "pap-pw")
	cfg := importtest.Load(t, site)
	for _, tt := range []struct {
		user, password string
		service        aaa.Service
		number         string
	}{{"des", "new-password", aaa.EXEC, "84001"}, {"pam", "new-password", aaa.EXEC, ""}, {"pam", "pap-pw", aaa.PPP, ""},
		{"ppp", "new-password", aaa.PPP, "84002"}} {
		res := importtest.Login(t, cfg, tt.service, tt.user, tt.password)
		if res.Kind != aaa.Granted || res.Auth.Dialstring.Value() != tt.number {
			t.Errorf("%s, %s: %+v", tt.user, tt.service, res)
		}
	}
	if n != 3 || !strings.Contains(report.Rows[0].Warn, "a new password was made for des") {
		t.Errorf("%d %+v", n, report.Rows)
	}
}

func TestHostile(t *testing.T) { importtest.Hostile(t, read, sample(t), secrets...) }

func FuzzRead(f *testing.F) {
	f.Add(sample(f))
	f.Add("user={service=exec{optional a=\"\\\"}cmd=x{permit .*}")
	f.Add("user = a { member = b login = cleartext \"\" } group = b { member = b default service = permit }")
	f.Fuzz(func(t *testing.T, text string) {
		if site, _ := importtest.Accounted(t, read, text); site != nil && len(site.Users) > 0 {
			importtest.Load(t, site)
		}
	})
}

// TestTypedNumber: a callback without a number is one at any number that is typed, and the report says so.
func TestTypedNumber(t *testing.T) {
	for text, want := range map[string]bool{
		"callback-rotary = 7": true, "callback-line = 7": true,
		"callback-rotary = 7 optional callback-dialstring = 5551212": true, "callback-dialstring = \"\"": true,
		"callback-rotary = 7 callback-dialstring = 5551212": false,
	} {
		site, report := importtest.Accounted(t, read, "user = u { login = cleartext secret1 service = exec { "+text+
			" } }\n")
		if got := strings.Contains(report.Rows[0].Warn, "the caller types the number"); got != want || site == nil {
			t.Errorf("%s: %+v", text, report.Rows)
		}
	}
}
