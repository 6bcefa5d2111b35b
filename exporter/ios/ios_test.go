package ios_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/exporter/ios"
	"github.com/ringback/ringback/importer/importtest"
	importios "github.com/ringback/ringback/importer/ios"
	"github.com/ringback/ringback/schema"
)

// load reads a configuration from a directory of testdata, as files that only this user can read.
func load(t *testing.T, from, name string) (*schema.Value, *config.Config) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "config")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name)
	cfg, problems := config.Load(file, nil)
	if cfg == nil {
		t.Fatal(problems)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := schema.Parse(file, data, config.Keys())
	return v, cfg
}

// common is what ringback and IOS both can say, as text.
func common(cfg *config.Config) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	add("hostname %s, banner %q, tries %d", cfg.Hostname, strings.TrimSpace(cfg.Exec.Banner), cfg.Session.Tries)
	add("prompts %q %q", cfg.Exec.Prompts.Username, cfg.Exec.Prompts.Password)
	for _, u := range cfg.Users {
		text := fmt.Sprintf("user %s %q %q level %d", u.Name, string(u.Password), u.PasswordHash, u.PrivLevel)
		if c := u.Callback; c != nil {
			rotary := "none"
			if c.Rotary != nil {
				rotary = fmt.Sprint(*c.Rotary)
			}
			text += fmt.Sprintf(" callback %s %v lines %v rotary %s", c.Dialstring, c.NoVerify, c.Lines, rotary)
		}
		add("%s", text)
	}
	for _, s := range cfg.RADIUS.Servers {
		add("radius %s %s %s %q %v %d", s.Name, s.Address, s.Accounting, string(s.Secret), s.Timeout, s.Retries)
	}
	for _, s := range cfg.TACACS.Servers {
		add("tacacs %s %s %q %v %v", s.Name, s.Address, string(s.Secret), s.Timeout, s.SingleConnection)
	}
	for _, g := range cfg.Groups {
		add("group %+v", g)
	}
	for _, kind := range slices.Sorted(maps.Keys(cfg.Lists)) {
		for _, l := range cfg.Lists[kind] {
			add("list %s %+v", kind, l)
		}
	}
	for _, l := range cfg.Lines {
		var network string
		if p, ok := cfg.PPP.Profile(l.PPP.Profile); ok {
			network = fmt.Sprintf("%v %v %v %v", p.Front.Authentication, p.Front.CBCP, p.Front.Initiate,
				p.Network.Address)
		}
		add("line %d %s rotary %d wait %v scripts %q %q %q %q %q %q ppp %v %s lists %s speed %d", l.TTY, l.Modem,
			l.Rotary, l.ForcedWait, l.StartupScript, l.ResetScript, l.ActivationScript, l.OffHookScript,
			l.CallbackScript,
			l.DialerScript, l.PPP.Mode, network, l.Lists, l.Address.Speed)
	}
	for _, s := range cfg.Scripts {
		add("script %s", s.Name)
	}
	return all
}

// What both can say is the same after an export and an import.
func TestRoundTrip(t *testing.T) {
	v, cfg := load(t, "testdata", "ringback.yaml")
	text := ios.Export(v, cfg, ios.Options{Secrets: true})
	site, report, err := importios.Import([]byte(text), importios.Options{Ports: []importios.Port{{First: 1, Last: 9999,
		URL: "rfc2217://console:{2000+tty}"}}})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	again := importtest.Load(t, site)
	want, got := common(cfg), common(again)
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("lost: %s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("new:  %s", line)
		}
	}
	for _, row := range report.Rows {
		if row.Kind == "unsupported" {
			t.Errorf("%+v", row)
		}
	}
	for _, u := range []string{"austin-01", "austin-02"} {
		a := importtest.Login(t, cfg, aaa.EXEC, u, "maui-1993").Auth
		b := importtest.Login(t, again, aaa.EXEC, u, "maui-1993").Auth
		if importtest.CallbackOf(a) != importtest.CallbackOf(b) {
			t.Errorf("%s: %+v, after the import %+v", u, importtest.CallbackOf(a), importtest.CallbackOf(b))
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// Every key of the full sample is a command or a comment, and no secret is printed without the option.
func TestFullSample(t *testing.T) {
	v, cfg := load(t, "../../testdata/config", "full.yaml")
	text := ios.Export(v, cfg, ios.Options{})
	for _, secret := range []string{"maui-1993", "not-a-secret", "$1$mERr", "pa55", "$2b$"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is printed", secret)
		}
	}
	for _, want := range []string{"!   hooks[0].url: IOS tells no programs of events\n",
		"!   users[3].callback.numbers: IOS has one number of a user: the first\n",
		"!   chat_scripts[3].name: the chat script may have a password or a PIN, and is not shown\n",
		"!   policy file of group staff: IOS has no policies", "!   aaa.radius[2].name: IOS has no servers over TLS\n",
		"!   users[5].name: IOS has one user of a name", "\n rotary 1 round-robin\n", "\nend\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	for i, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "%!") || strings.HasSuffix(line, " ") && !strings.HasPrefix(line, "aaa") {
			t.Errorf("line %d: %q", i+1, line)
		}
	}
	secret := ios.Export(v, cfg, ios.Options{Secrets: true})
	for _, want := range []string{"\nusername austin-01 callback-dialstring \"84001\" nocallback-verify password 0 " +
		"maui-1993\n", "secret 5 $1$mERr", "chat-script acme-login TIMEOUT 20 ogin: ringback ssword: pa55\n",
		"\n key 0 not-a-secret"} {
		if !strings.Contains(secret, want) {
			t.Errorf("with secrets: no %q", want)
		}
	}
	// the import of a text without secrets imports no user, and fails on nothing
	if _, report, err := importios.Import([]byte(text), importios.Options{}); err != nil || len(report.Rows) == 0 {
		t.Errorf("%v", err)
	}
}

// Text of the file cannot become a command.
func TestHostileText(t *testing.T) {
	dir := t.TempDir()
	const yaml = `hostname: maui
banner: "one^C\nusername evil password 0 x\n"
aaa: {lists: {login: {default: [local]}}}
users:
  - {name: "a b", password_hash: "$1$mERr$XI/LndAZzYvhN745bYcc10"}
  - {name: "q\"x", password_hash: "$1$mERr$XI/LndAZzYvhN745bYcc10"}
`
	file := filepath.Join(dir, "ringback.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(file, nil)
	if cfg == nil {
		t.Fatal(problems)
	}
	v, _ := schema.Parse(file, []byte(yaml), config.Keys())
	text := ios.Export(v, cfg, ios.Options{Secrets: true})
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "username") || strings.HasPrefix(line, "banner") {
			t.Errorf("%q", line)
		}
	}
}

// TestNoBareUser: a user whose password is not printed is a comment: without one, anyone could log in on a router.
func TestNoBareUser(t *testing.T) {
	v, cfg := load(t, "testdata", "ringback.yaml")
	text := ios.Export(v, cfg, ios.Options{})
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "username ") && !strings.Contains(line, " password ") &&
			!strings.Contains(line, " secret ") {
			t.Errorf("%q", line)
		}
	}
	if !strings.Contains(text, "! username austin-01") {
		t.Errorf("no comment about austin-01:\n%s", text)
	}
	if _, _, err := importios.Import([]byte(text), importios.Options{}); err != nil {
		t.Errorf("the import of an export without secrets: %v", err)
	}
}
