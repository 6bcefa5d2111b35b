package mgetty

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/importtest"
	"github.com/ringback/ringback/lines"
)

func file(t testing.TB, name string) Input {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return Input{name, b}
}

func all(t testing.TB) Inputs {
	return Inputs{Login: file(t, "login.config"), Callback: file(t, "callback.config"),
		Dialin: file(t, "dialin.config"), Users: file(t, "users")}
}

// numbered makes the passwords new-1, new-2, …
func numbered() func() string {
	n := 0
	return func() string { n++; return fmt.Sprintf("new-password-%d", n) }
}

func TestRead(t *testing.T) {
	site, report, err := Read(all(t), numbered())
	if err != nil {
		t.Fatal(err)
	}
	cfg := importtest.Load(t, site)
	if len(cfg.Lines) != 2 || cfg.Lines[0].TTY != 1 || cfg.Lines[1].Rotary != 1 || cfg.Lines[0].Modem != lines.InOut ||
		cfg.Lines[0].ForcedWait != 3*time.Second || cfg.Lines[0].StartupScript != "^mgetty-init$" ||
		cfg.Lines[0].CallbackScript != "^mgetty-dial$" || cfg.Lines[0].PPP.Profile != "mgetty" ||
		!strings.Contains(site.Files()[len(site.Files())-1].Text, "serial:///dev/ttyS0?speed=57600") {
		t.Errorf("%+v", cfg.Lines)
	}
	if cfg.Callback.RandomWait != 5*time.Second || cfg.Callback.Lifetime != 308*time.Second ||
		cfg.Session.LoginTimeout != 2*time.Minute {
		t.Errorf("%+v %v", cfg.Callback, cfg.Session.LoginTimeout)
	}
	for _, group := range []string{"default", "typed"} {
		if p, ok := cfg.Policies.Group(group); !ok || p.Attempts.RetryWait != 20*time.Second || p.Attempts.Max != 10 {
			t.Errorf("%s: %+v", group, p.Attempts)
		}
	}
	for _, tt := range []struct {
		user, password string
		service        aaa.Service
		granted        bool
		numbers        string
	}{
		{"cb", "new-password-1", aaa.EXEC, true, "5551001"},
		{"both", "new-password-2", aaa.EXEC, true, "84001 84002"},
		{"typed", "new-password-3", aaa.EXEC, true, ""},
		{"typed", "new-password-3", aaa.PPP, false, ""},
		{"kim", "cisco", aaa.EXEC, true, ""},
		{"kim", "cisco", aaa.PPP, true, ""},
		{"guest", "cisco", aaa.EXEC, false, ""},
		{"lee", "any", aaa.EXEC, false, ""},
		{"named1", "any", aaa.EXEC, false, ""},
	} {
		res := importtest.Login(t, cfg, tt.service, tt.user, tt.password)
		if (res.Kind == aaa.Granted) != tt.granted || strings.Join(res.Auth.Numbers(), " ") != tt.numbers {
			t.Errorf("%s: %+v", tt.user, res)
		}
		if tt.granted && res.Auth.Callback != (tt.user != "kim") {
			t.Errorf("%s: callback %v", tt.user, res.Auth.Callback)
		}
	}
	shown := &strings.Builder{}
	report.Print(shown, true)
	for _, secret := range []string{"new-password", "$1$abcd", "$y$"} {
		if strings.Contains(shown.String(), secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	importtest.Rows(t, report, []importtest.Want{
		{File: "login.config", Text: "cb\t", Kind: importer.Imported, Note: "local user cb"},
		{File: "login.config", Text: "named*", Kind: importer.Unsupported,
			Note: "a pattern of names that are called back"},
		{File: "login.config", Text: "U*", Kind: importer.Unsupported, Note: `starts no program "/usr/lib/uucp/uucico"`},
		{File: "login.config", Text: "/FIDO/", Kind: importer.Unsupported, Note: "no calls of this kind"},
		{File: "login.config", Text: "/AutoPPP/", Kind: importer.Imported, Note: "PPP profile mgetty"},
		{File: "login.config", Text: "guest\t", Kind: importer.Unsupported, Note: "no row admits the user"},
		{File: "login.config", Text: "*\t-\t-\t/bin/login", Kind: importer.Imported, Note: "local user kim"},
		{File: "callback.config", Text: "max-time", Kind: importer.Imported, Note: "callback.lifetime"},
		{File: "callback.config", Text: "modem-init", Kind: importer.Imported, Note: "mgetty-init"},
		{File: "dialin.config", Text: "!416", Kind: importer.Unsupported, Note: "aaa.call_check"},
		{File: "dialin.config", Text: "all", Kind: importer.Harmless, Note: "answered"},
		{File: "users", Text: "kim:[secret]:", Kind: importer.Imported, Note: "local user kim"},
		{File: "users", Text: "lee:[secret]:", Kind: importer.Unsupported, Note: "unknown kind"},
	})
}

// In version 2 a row may be for callbacks only: the name that requests them is no user, and the real users are called
// back. This is the sample of doc/loginv2.txt.
func TestVersion2(t *testing.T) {
	const login = "!version 2\ncallback\tN\t-\t-\t/usr/sbin/callback 84001\n" +
		"*\tY\t-\t-\t/bin/login @\n*\t-\t-\t-\t/bin/false\n"
	site, report, err := Read(Inputs{Login: Input{"login.config", []byte(login)}, Users: file(t, "users")}, numbered())
	if err != nil {
		t.Fatal(err)
	}
	cfg := importtest.Load(t, site)
	res := importtest.Login(t, cfg, aaa.EXEC, "kim", "cisco")
	if res.Kind != aaa.Granted || !res.Auth.Callback || res.Auth.Dialstring.Value() != "84001" {
		t.Errorf("kim: %+v", res)
	}
	if len(cfg.Users) != 2 { // kim and guest; callback is nobody
		t.Errorf("%+v", cfg.Users)
	}
	for _, row := range report.Rows {
		if row.File == "login.config" && row.Kind == importer.Unsupported {
			t.Errorf("%+v", row)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct{ login, callback, users, want string }{
		{"cb - - callback 1\n", "", "", "login.config: line 1: it has too few columns, or no program"},
		{"cb\n", "", "", "login.config: line 1: it has too few columns"},
		{"!version 3\n", "", "", "line 1: the version of login.config is not known; expected !version 2"},
		{"* - - /bin/login @\n!version 2\n", "", "", "line 2: !version comes after rows"},
		{"!version 2\ncb X - - /bin/login\n", "", "", "line 2: the second column is neither Y, N nor -"},
		{"a*b - - /bin/login\n", "", "", "line 1: a * is inside of the name"},
		{"", "delay soon\n", "", "callback.config: line 1: delay is not a number up to 3600"},
		{"", "delay 3\ndelay 4\n", "", "callback.config: line 2: delay is in line 1 too"},
		{"", "dialout-devices ../etc\n", "", "line 1: a device has a name that is none"},
		{"", "dialout-devices //\n", "", "line 1: a device has a name that is none"},
		{"", "", "kim\n", "users: line 1: it is not a line of /etc/shadow"},
		{"", "", "kim:a\nkim:b\n", `users: line 2: "kim" is there twice`},
		{"\xff\xfe\x00", "", "", "login.config: "},
	} {
		in := Inputs{Login: Input{"login.config", []byte(tt.login)}, Users: Input{"users", []byte(tt.users)},
			Callback: Input{"callback.config", []byte(tt.callback)}}
		if _, _, err := Read(in, numbered()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt, err, tt.want)
		}
	}
}

// one reads one of the files, with the others as they are, as an importer of one file.
func one(t testing.TB, set func(*Inputs, []byte)) importtest.Read {
	in := all(t)
	return func(data []byte) (*importer.Site, *importer.Report, error) {
		now := in
		set(&now, data)
		site, report, err := Read(now, numbered())
		if err != nil {
			return nil, nil, err
		}
		var rows []importer.Row
		for _, row := range report.Rows {
			if row.File == "one" {
				rows = append(rows, row)
			}
		}
		report.Rows = rows
		return site, report, nil
	}
}

var setters = map[string]func(*Inputs, []byte){
	"login.config":    func(in *Inputs, b []byte) { in.Login = Input{"one", b} },
	"callback.config": func(in *Inputs, b []byte) { in.Callback = Input{"one", b} },
	"dialin.config":   func(in *Inputs, b []byte) { in.Dialin = Input{"one", b} },
	"users":           func(in *Inputs, b []byte) { in.Users = Input{"one", b} },
}

func TestHostile(t *testing.T) {
	for name, set := range setters {
		t.Run(name, func(t *testing.T) {
			importtest.Hostile(t, one(t, set), string(file(t, name).Data), "$1$abcd", "$y$j9T")
		})
	}
}

func FuzzRead(f *testing.F) {
	for name := range setters {
		f.Add(name, string(file(f, name).Data))
	}
	f.Add("login.config", "!version 2\n/AutoPPP/ - - - /pppd login 1.2.3.4:5.6.7.8\na Y - - /callback -lx -l y -\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		set := setters[name]
		if set == nil {
			return
		}
		if site, _ := importtest.Accounted(t, one(t, set), text); site != nil {
			importtest.Load(t, site)
		}
	})
}

// TestHiddenChats: scripts of keys that are not imported may have a password.
func TestHiddenChats(t *testing.T) {
	_, report, err := Read(Inputs{Callback: Input{"callback.config",
		[]byte("init-chat \"\" ATZ OK S3CRET\nport ttyS1\ninit-chat ogin: S3CRET\n")}}, numbered())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range report.Rows {
		if strings.Contains(row.Text, "S3CRET") {
			t.Errorf("%+v", row)
		}
	}
}
