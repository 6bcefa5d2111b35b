package freeradius

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/importtest"
)

func read(data []byte) (*importer.Site, *importer.Report, error) {
	return Read(data, Options{Places: map[string]string{"home-office": "9,84022", "unused": "1"}})
}

func sample(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "users"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// secrets are the passwords and keys of the sample.
var secrets = []string{"commented-pw", "cblogin-pw", "cbframed-pw", "remote-pw", "$1$abcd", "XQj4892fjkabc",
	"0cc175b9c0f1b6a831c399e269772661", "both-pw", "both-exec-pw", "falls-pw", "filtered-pw", "bynumber-pw",
	"limited-pw", "plain-pw"}

// left are the users that FreeRADIUS accepts and that no local user can be.
var left = map[string]string{
	"noplace": "there is no place", "crypt-des": "DES", "md5": "another hash", "filtered": "a filter",
	"open": "no password",
}

// What the local users are granted is what the client of RADIUS makes of the answers of FreeRADIUS with this file.
func TestPeerFreeRADIUSImport(t *testing.T) {
	site, _ := importtest.Accounted(t, read, sample(t), secrets...)
	cfg := importtest.Load(t, site)
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Users: sample(t)})
	c, err := radius.New(radius.Config{NASIdentifier: "maui-nas-04", Servers: []radius.ServerConfig{{Name: "freeradius",
		Address: f.Auth, Secret: f.Secret, Timeout: 5 * time.Second, Retries: 5}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	users := map[string]string{"crypt": "cisco", "both": "both-exec-pw"}
	for _, line := range strings.Split(sample(t), "\n") {
		name, rest, ok := strings.Cut(line, "\tCleartext-Password := \"")
		if ok && users[name] == "" && name[0] != '#' {
			users[name], _, _ = strings.Cut(rest, `"`)
		}
	}
	users["open"], users["md5"], users["crypt-des"], users["rejected"] = "any", "a", "any", "any"
	granted := 0
	for user, password := range users {
		for _, s := range []aaa.Service{aaa.EXEC, aaa.PPP} {
			if user == "both" && s == aaa.PPP {
				password = "both-pw"
			}
			_, real := c.Start(t.Context(), aaa.Request{Service: s, User: user, Password: aaa.Secret(password),
				TTY: 65})
			got := importtest.Login(t, cfg, s, user, password)
			switch {
			case real.Kind == aaa.Silent:
				t.Fatalf("%s, %s: %+v", user, s, real)
			case got.Kind == aaa.Granted && real.Kind != aaa.Granted:
				t.Errorf("%s, %s: a local user, but FreeRADIUS rejects: %s", user, s, real.Reason)
			case got.Kind == aaa.Granted:
				granted++
				a, b := importtest.CallbackOf(got.Auth), importtest.CallbackOf(real.Auth)
				if a != b {
					t.Errorf("%s, %s:\ngot  %+v\nwant %+v", user, s, a, b)
				}
			case real.Kind == aaa.Granted && left[user] == "":
				t.Errorf("%s, %s: FreeRADIUS accepts, and there is no local user: %s", user, s, got.Reason)
			}
		}
	}
	if granted < 16 {
		t.Errorf("only %d logins were granted", granted)
	}
}

// The file of Debian's package has no users: only comments and entries for everybody.
func TestPeerFreeRADIUSStockFile(t *testing.T) {
	const path = "/etc/freeradius/3.0/mods-config/files/authorize"
	text, err := os.ReadFile(path)
	if err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatalf("%v: apt-get install freeradius, and run as root", err)
		}
		t.Skipf("%v: apt-get install freeradius, and run as root", err)
	}
	site, report := importtest.Accounted(t, read, string(text))
	if site == nil || len(site.Users) > 0 || report.Count(importer.Unsupported) == 0 || len(report.Warnings) == 0 {
		t.Fatalf("%+v", report)
	}
	for _, row := range report.Rows {
		if strings.HasPrefix(row.Text, "DEFAULT") && (row.Kind != importer.Unsupported ||
			!strings.Contains(row.Note, "local users have names")) {
			t.Errorf("%+v", row)
		}
	}
	importtest.Load(t, site)
	// the users in its comments
	var users []string
	more := false // reply items follow
	for _, line := range strings.Split(string(text), "\n") {
		rest, commented := strings.CutPrefix(line, "#")
		entry := commented && strings.Contains(rest, "Cleartext-Password :=")
		if entry || commented && more && strings.HasPrefix(rest, "\t") {
			users = append(users, rest)
			more = entry || strings.HasSuffix(rest, ",")
		}
	}
	site, _ = importtest.Accounted(t, read, strings.Join(users, "\n")+"\n", "hello", "testing")
	if site == nil || len(site.Users) < 2 || site.Users[0].Name != "bob" || site.Users[1].Name != "John Doe" {
		t.Fatalf("%+v of\n%s", site, strings.Join(users, "\n"))
	}
	importtest.Load(t, site)
}

func TestReport(t *testing.T) {
	_, report := importtest.Accounted(t, read, sample(t), secrets...)
	importtest.Rows(t, report, []importtest.Want{
		{Text: "# was: fritz", Kind: importer.Harmless, Note: "comment"},
		{Text: "cblogin\t", Kind: importer.Imported,
			Note: "local user cblogin (exec), policies: session-60m-idle-5m; no ppp: "},
		{Text: "Callback-Number = \"5551001\"", Kind: importer.Imported, Note: "Callback-Number of cblogin"},
		{Text: "Reply-Message = \"You", Kind: importer.Unsupported, Note: "no text that is shown after the login"},
		{Text: "Framed-MTU", Kind: importer.Unsupported, Note: "PPP negotiates them"},
		{Text: "noplace\t", Kind: importer.Unsupported, Note: "--place NAME=NUMBER"},
		{Text: "Cisco-AVPair += [secret]", Kind: importer.Unsupported, Note: "authenticates itself"},
		{Text: "shell:nocallback-verify", Kind: importer.Imported, Note: "Cisco-AVPair of cbcisco"},
		{Text: "crypt-des", Kind: importer.Unsupported, Note: "begin with $1$"},
		{Text: "md5\t", Kind: importer.Unsupported, Note: "a local user cannot have a MD5-Password"},
		{Text: "filtered\t", Kind: importer.Unsupported, Note: "has no filters, and would reach more"},
		{Text: "by-number\t", Kind: importer.Unsupported, Note: "depends on Calling-Station-Id"},
		{Text: "rejected\t", Kind: importer.Harmless, Note: "is rejected: it is not a local user"},
		{Text: "open\t", Kind: importer.Unsupported, Note: "asks for no password"},
		{Text: "limited\t", Kind: importer.Unsupported, Note: "no limit of simultaneous sessions"},
		{Text: "DEFAULT\tService-Type == Framed-User", Kind: importer.Imported,
			Note: "for falls, whose entries fall through"},
		{Text: "\tCallback-Number = \"5551013\"", Kind: importer.Imported, Note: "Callback-Number of falls"},
	})
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", "there are no users; expected NAME Cleartext-Password"},
		{"$INCLUDE other\n", "line 1: $INCLUDE names another file"},
		{"bob Cleartext-Password := \"secret1", "line 1: it is not a list of items, or a quote is open"},
		{"bob Cleartext-Password := secret1 secret2", "line 1: it is not a list of items"},
		{"bob Cleartext-Password := \"secret1\",\n", "line 1: the check items end with a comma"},
		{"\tService-Type = Framed-User\n", "line 1: reply items before the first user"},
		{"bob Cleartext-Password := \"secret1\"\n\tIdle-Timeout = 5,\n",
			"line 2: the last reply item ends with a comma"},
		{"bob Cleartext-Password := \"secret1\"\n\tIdle-Timeout = 5\n\tIdle-Timeout = 6\n",
			"line 3: the reply items before it do not end with a comma"},
		{"bob Cleartext-Password := \"secret1\"\n\tIdle-Timeout = 5,\nkim\n",
			"line 3: the reply items before it end with"},
		{"Users are listed in this chapter, with their passwords.", "line 1: it is not a list of items"},
	} {
		_, _, err := read([]byte(tt.in))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", tt.in, err, tt.want)
		}
	}
}

// With new passwords, users without one that can be imported are there too.
func TestNewPasswords(t *testing.T) {
	n := 0
	site, report := importtest.Accounted(t, func(data []byte) (*importer.Site, *importer.Report, error) {
		return Read(data, Options{NewPassword: func() string { n++; return "new-password" }})
	}, sample(t), append(secrets, "new-password")...)
	cfg := importtest.Load(t, site)
	for _, user := range []string{"md5", "crypt-des"} {
		if res := importtest.Login(t, cfg, aaa.EXEC, user, "new-password"); res.Kind != aaa.Granted {
			t.Errorf("%s: %+v", user, res)
		}
	}
	for _, user := range []string{"rejected", "open", "filtered"} { // for other reasons than the password
		if res := importtest.Login(t, cfg, aaa.EXEC, user, "new-password"); res.Kind == aaa.Granted {
			t.Errorf("%s: %+v", user, res)
		}
	}
	warned := 0
	for _, row := range report.Rows {
		if strings.Contains(row.Warn, "a new password was made") {
			warned++
		}
	}
	if n != 2 || warned != 2 {
		t.Errorf("%d passwords, %d warnings", n, warned)
	}
}

func TestHostile(t *testing.T) { importtest.Hostile(t, read, sample(t), secrets...) }

func FuzzRead(f *testing.F) {
	f.Add(sample(f))
	f.Add("a Password = x\\\n\n\tb=c, \\\n\tFall-Through = 1\nDEFAULT User-Name =~ \"(\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		if site, _ := importtest.Accounted(t, read, text); site != nil && len(site.Users) > 0 {
			importtest.Load(t, site)
		}
	})
}

// TestExpanded: what the server makes of the request is no password, and decides nothing here.
func TestExpanded(t *testing.T) {
	site, report := importtest.Accounted(t, read, "e Cleartext-Password := \"%{sql:select x}\"\n"+
		"f Cleartext-Password := \"f pw\", NAS-Identifier == \"%{Huntgroup-Name}\"\n"+
		"g Cleartext-Password := \"g pw\"\n", "sql:select")
	if len(site.Users) != 1 || site.Users[0].Name != "g" {
		t.Errorf("users: %+v", site.Users)
	}
	importtest.Rows(t, report, []importtest.Want{
		{Text: "e Cleartext", Kind: importer.Unsupported, Note: "the password depends on the request"},
		{Text: "f Cleartext", Kind: importer.Unsupported, Note: "depends on the request"}})
}
