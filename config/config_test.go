package config

import (
	"flag"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/session/exec"
	"github.com/ringback/ringback/syslog"
	"github.com/ringback/ringback/texts"
)

var update = flag.Bool("update", false, "write docs/reference/configuration.md")

// samples copies testdata/config to a directory and sets file modes, which git does not keep.
func samples(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../testdata/config")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFullSample(t *testing.T) {
	dir := samples(t)
	c, problems := Load(filepath.Join(dir, "full.yaml"), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	text, err := os.ReadFile(filepath.Join(dir, "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	v, _ := schema.Parse("full.yaml", text, Keys())
	for _, path := range allPaths("", Keys()) {
		if !used(v, strings.Split(path, ".")) && path != "enable.password_hash" &&
			path != "listen[].raw" { // there is always a warning of raw_access
			t.Errorf("the full sample does not have %s", path)
		}
	}

	if c.Hostname != "maui-nas-04" || c.StateDir != "/var/lib/ringback" ||
		c.API.Socket != "/run/ringback/ringback.sock" ||
		c.Log.Syslog == nil || *c.Log.MaskNumbers != 3 ||
		c.Log != (Log{"info", "json", "/var/log/ringback.log", c.Log.Syslog, c.Log.MaskNumbers}) ||
		c.PoliciesDir != filepath.Join(dir, "policies.d") ||
		!c.callsBack("84001") || c.Callback.Lifetime != time.Hour || len(c.Digest) != 64 {
		t.Errorf("%+v", c)
	}
	if y := c.Log.Syslog; *y != (Syslog{
		Server: syslog.Server{Network: syslog.TLS, Address: "syslog.example.net:6514", TLS: certs.Files{
			CAFile: filepath.Join(dir, "ca.pem"), CertFile: filepath.Join(dir, "ringback.pem"),
			KeyFile: filepath.Join(dir, "ringback.key"), ServerName: "syslog.example.net",
		}}, Level: "info", Facility: 23, Hostname: "maui-nas-04.example.net", Enterprise: 32473,
	}) {
		t.Errorf("%+v", y)
	}
	if c.Tariff.Currency() != "EUR" {
		t.Errorf("tariff in %q", c.Tariff.Currency())
	}
	if want := (session.Config{Tries: 3, FailureDelay: 2 * time.Second,
		LoginTimeout: time.Minute}); !reflect.DeepEqual(c.Session, want) {
		t.Errorf("%+v", c.Session)
	}
	zh := texts.Printer{Dictionary: c.Exec.Texts, Language: texts.TraditionalChinese}
	if got := zh.Text(texts.LoginLocked); got != "% 失敗次數過多，請洽資訊室（分機 1234）" {
		t.Errorf("the site's own text: %q", got)
	}
	c.Exec.Texts = nil
	if want := (exec.Config{
		Hostname: "maui-nas-04", Prompts: exec.Prompts{Username: "Username: ", Password: "Password: ",
			Dialstring: "Callback Dialstring: "},
		Banner: "Authorized users only. All calls are recorded.\n", Notice: new("This session is recorded."),
		IdleTimeout: 10 * time.Minute,
		Hosts: exec.Hosts{Default: "192.0.2.80", Ask: true, Timeout: 15 * time.Second, Terminal: "vt100",
			Allow: []exec.HostRule{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Port: 23},
				{Prefix: netip.MustParsePrefix("198.51.100.7/32")}}},
	}); !reflect.DeepEqual(c.Exec, want) {
		t.Errorf("%+v", c.Exec)
	}
	if want := []radius.ServerConfig{
		{Name: "primary", Address: "192.0.2.1:1812", Accounting: "192.0.2.1:1813",
			Secret: "not-a-secret-but-long-enough-for-a-test", Timeout: 2 * time.Second, Retries: 3,
			MessageAuthenticator: "require", Source: "192.0.2.9",
			StatusServer: "on", Dialects: []string{"ascend", "cisco"}},
		{Name: "secondary", Address: "[2001:db8::1]:1812", Secret: "not-a-secret-but-long-enough-for-a-test",
			Timeout: 2 * time.Second, Retries: 3, MessageAuthenticator: "require", StatusServer: "auto"},
		{Name: "radsec", Address: "radius.example.net:2083", Accounting: "radius.example.net:2083",
			Timeout: 2 * time.Second, Retries: 3, MessageAuthenticator: "require", StatusServer: "auto",
			Transport: "tls", TLS: &radius.TLSConfig{Files: certs.Files{CAFile: filepath.Join(dir,
				"ca.pem"), CertFile: filepath.Join(dir, "ringback.pem"), KeyFile: filepath.Join(dir, "ringback.key"),
				ServerName: "radius.example.net"}, RADIUS11: "allow"}},
	}; !reflect.DeepEqual(c.RADIUS.Servers, want) || c.RADIUS.Name != "radius" ||
		c.RADIUS.NASIdentifier != "maui-nas-04" {
		t.Errorf("%+v", c.RADIUS)
	}
	if want := []MethodList{{Name: "default", Methods: []string{"radius", "local"}},
		{Name: "console", Methods: []string{"local"}},
		{Name: "staff", Methods: []string{"tacacs", "local"}}}; !reflect.DeepEqual(c.Lists["login"], want) {
		t.Errorf("%+v", c.Lists["login"])
	}
	if want := (tacplus.Config{Name: "tacacs", Authentication: "ascii", SystemUser: "maui-nas-04",
		DeadTime: 30 * time.Second, Servers: []tacplus.ServerConfig{
			{Name: "tac1", Address: "192.0.2.2:49", Secret: "not-a-secret-but-long-enough-for-a-test",
				Timeout: 5 * time.Second, SingleConnection: true},
			{Name: "tac2", Address: "tac.example.net:300", Timeout: 5 * time.Second,
				TLS: &certs.Files{CAFile: filepath.Join(dir, "ca.pem"),
					CertFile: filepath.Join(dir, "ringback.pem"),
					KeyFile:  filepath.Join(dir, "ringback.key"), ServerName: "tac.example.net"}},
		}}); !reflect.DeepEqual(c.TACACS, want) {
		t.Errorf("%+v", c.TACACS)
	}
	if want := []Group{{"isp", "radius", []string{"primary", "secondary"}, true}}; !reflect.DeepEqual(c.Groups, want) ||
		c.CallCheck != (CallCheck{"isp", "maui-1993"}) || c.Enable == nil {
		t.Errorf("%+v %q %v", c.Groups, c.CallCheck, c.Enable)
	}
	if want := (&DynamicAuthor{Listen: "192.0.2.9:3799", Window: 5 * time.Minute,
		Clients: []DynamicClient{{netip.MustParsePrefix("192.0.2.1/32"),
			"not-a-secret-but-long-enough-for-a-test"}}}); !reflect.DeepEqual(c.DynamicAuthor, want) {
		t.Errorf("%+v", c.DynamicAuthor)
	}
	if want := []MethodList{{"default", []string{"radius"}, Recording{"start-stop", 10 * time.Minute, false}},
		{"staff", []string{"tacacs"}, Recording{"stop-only", 0, true}}}; !reflect.DeepEqual(c.Lists["accounting"],
		want) {
		t.Errorf("%+v", c.Lists["accounting"])
	}
	two := 2
	if len(c.Users) != 7 || c.Users[6].Password != "pineapple 6" || c.Users[0].Password != "maui-1993" ||
		!c.Users[0].Callback.NoVerify ||
		c.Users[0].Callback.Dialstring.Value() != "84001" ||
		!c.Users[1].Callback.Dialstring.IsNull() || !reflect.DeepEqual(c.Users[2].Callback,
		&aaa.UserCallback{Dialstring: aaa.DialstringOf("84003"), Lines: []int{66, 67}, Rotary: &two}) ||
		!reflect.DeepEqual(c.Users[3].Callback, &aaa.UserCallback{Dialstring: aaa.DialstringOf("84003"),
			Further: []string{"84001"}}) || !reflect.DeepEqual(c.Users[4], aaa.User{Name: "lahaina-05", PrivLevel: 1,
		Password: "maui-1993", Services: []aaa.Service{aaa.PPP}, Callback: &aaa.UserCallback{Place: "paris"}}) {
		t.Errorf("%+v", c.Users)
	}
	for place, want := range map[string]string{"paris": "84022", "head-office": "14085551212", "nowhere": ""} {
		if d := c.decide(aaa.Authorization{Callback: true, CallbackID: place}); d.Number.String() != want {
			t.Errorf("place %s: %+v", place, d)
		}
	}
	for number, want := range map[string]bool{"9,5551234": true, "0,5551234": false, "+33 1 40 20 50 51": true,
		strings.Repeat("5", 16): false, "9,112": false, "17": false, "408 555 0100": false} {
		if c.callsBack(number) != want {
			t.Errorf("%s is called back: %v", number, !want)
		}
	}
	var names []string
	for _, s := range c.Scripts {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "offhook setup greet acme-login rtp exec-callback ppp-callback "+
		"site:harbor" {
		t.Error(got)
	}
	if got := c.Policies.Groups(); !reflect.DeepEqual(got, []string{"default", "field", "staff"}) {
		t.Error(got)
	}
	if len(c.Lines) != 12 || len(c.LineConfigs()) != 12 {
		t.Fatalf("%d lines", len(c.Lines))
	}
	if want := (lines.Config{TTY: 65, Port: "serial:///dev/ttyS0?speed=115200", Device: "serial:///dev/ttyS0",
		Speed: 115200, Modem: lines.InOut,
		FlowControl: "hardware", Rotary: 1, CallCheck: true, CallerID: true, Init: "AT&F1E0M0",
		Profile: lines.Profile{Name: "our-modems", Answer: "ATA", CallerID: lines.CallerID{Command: "AT#CID=1",
			Order: lines.AfterSecondRing}, Verify: []lines.Register{{Number: 10, Value: 14}}},
		ProofRegisters: []int{18, 25, 26},
		ResultCodes:    map[string]lines.ResultCode{"LINE BLOCKED*": lines.Blacklisted, "RRING": lines.NoResult},
		Timing:         lines.Timing{}.WithDefaults()}); !reflect.DeepEqual(c.Lines[0].Config, want) {
		t.Errorf("%+v", c.Lines[0].Config)
	}
	if want := (broker.Line{Accounting: "default", StartupScript: "^setup$", ResetScript: "^setup$",
		ActivationScript: "^greet$", DialerScript: "rtp", SystemScript: "^acme-login$",
		OffHookScript: "offhook", CallbackScript: "rtp",
		ForcedWait: 5 * time.Second,
		Locale:     texts.Locale{Language: "zh-Hant", Charset: "big5"}}); c.Lines[0].Line != want {
		t.Errorf("%+v", c.Lines[0].Line)
	}
	for _, k := range ListKinds {
		if name := c.Lines[0].Lists.Of(k.Name); name != "default" {
			t.Errorf("%s list %q", k.Name, name)
		}
	}
	if l := c.Lines[6]; l.TTY != 71 || l.Port != "rfc2217://console1.example.net:2006?speed=115200" ||
		l.Address.Host != "console1.example.net:2006" || l.Rotary != 1 {
		t.Errorf("%+v", l)
	}
	if l := c.Lines[7]; l.Modem != lines.CallOut || l.CallbackScript != "" || l.OffHookScript != "" {
		t.Errorf("%+v", l)
	}
	if !reflect.DeepEqual(c.Hunts, map[int]lines.Hunt{1: lines.RoundRobin}) {
		t.Errorf("%+v", c.Hunts)
	}
	if l, want := c.Lines[10], (certs.Files{CAFile: filepath.Join(dir, "ca.pem"),
		CertFile: filepath.Join(dir, "ringback.pem"), KeyFile: filepath.Join(dir, "ringback.key"),
		ServerName: "console2.example.net", MinTLS12: true}); l.TLS != want || l.InBand ||
		l.Address.Name() != "rfc2217s://console2.example.net:2218" {
		t.Errorf("%+v", l)
	}
	if l := c.Lines[8]; l.Modem != lines.CallIn || l.CallbackScript != "" ||
		l.Lists.Of("login") != "staff" || l.Lists.Of("exec") != "staff" ||
		l.Lists.Of("enable") != "default" {
		t.Errorf("%+v", l)
	}
	if _, ok := c.Lists.Find("login", "none"); ok {
		t.Error("a list that does not exist is found")
	}
}

func allPaths(prefix string, keys []schema.Key) (out []string) {
	for _, k := range keys {
		p := prefix + k.Name
		switch {
		case k.Type == schema.Object:
			out = append(out, allPaths(p+".", k.Keys)...)
		case k.Type == schema.List && k.Elem.Type == schema.Object:
			out = append(out, allPaths(p+"[].", k.Elem.Keys)...)
		default:
			out = append(out, p)
		}
	}
	return out
}

func used(v *schema.Value, path []string) bool {
	if len(path) == 0 {
		return v.IsSet()
	}
	name, list := strings.CutSuffix(path[0], "[]")
	f := v.Get(name)
	if !list {
		return used(f, path[1:])
	}
	for _, i := range f.Items() {
		if used(i, path[1:]) {
			return true
		}
	}
	return false
}

func TestMinimalSample(t *testing.T) {
	dir := samples(t)
	if err := os.RemoveAll(filepath.Join(dir, "policies.d")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_STATE_HOME", "/home/kim/state")
	c, problems := Load(filepath.Join(dir, "minimal.yaml"), nil)
	if c == nil || len(problems) != 2 {
		t.Fatal(problems)
	}
	for i, want := range []string{"warning: policies_dir: no policy files: the built-in policy",
		"warning: lines[0].tty: callers on tty 65 are called back by the same line"} {
		if !strings.Contains(problems[i].String(), want) {
			t.Errorf("%s, want %s", problems[i], want)
		}
	}
	if c.Hostname != "ringback" || c.Exec.Prompts != (exec.Prompts{}) || !c.callsBack("84001") ||
		c.Lines[0].Rotary != lines.NoRotary || c.Log != (Log{Level: "info", Format: "console"}) {
		t.Errorf("%+v", c)
	}
	if c.API.Socket != DefaultSocket() || c.StateDir != DefaultStateDir() {
		t.Errorf("%q %q", c.API.Socket, c.StateDir)
	}
}

// decide returns the decision about a caller of the EXEC that no group claims.
func (c *Config) decide(a aaa.Authorization) policies.Decision {
	d, _ := c.Policies.Evaluate(policies.Ask(aaa.Request{Service: aaa.EXEC}, aaa.Result{Auth: a},
		policies.Line{Trusted: true}, time.Now(), policies.Used{}))
	return d
}

func (c *Config) callsBack(number string) bool {
	return c.decide(aaa.Authorization{Callback: true,
		Dialstring: aaa.DialstringOf(number)}).Outcome == policies.CallBack
}

// Each service has its own switch.
func TestServicesThatCallBack(t *testing.T) {
	for text, want := range map[string]map[aaa.Service]bool{
		"":                          {aaa.EXEC: true, aaa.PPP: true},
		"exec: {callback: false}\n": {aaa.EXEC: false, aaa.PPP: true},
		"ppp: {callback: false}\n":  {aaa.EXEC: true, aaa.PPP: false},
	} {
		c, errs, _ := loadText(t, base+text, nil)
		if c == nil {
			t.Fatal(errs)
		}
		for service, want := range want {
			d, _ := c.Policies.Evaluate(policies.Request{Service: service,
				Auth: aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("84001")}})
			if (d.Outcome == policies.CallBack) != want {
				t.Errorf("%q: %s: %s: %s", text, service, d.Outcome, d.Reason)
			}
		}
	}
}

func TestDefaultDirectories(t *testing.T) {
	env := func(kv ...string) func(string) string {
		return func(k string) string {
			for i := 0; i < len(kv); i += 2 {
				if kv[i] == k {
					return kv[i+1]
				}
			}
			return ""
		}
	}
	for _, tt := range []struct {
		root bool
		env  func(string) string
		want string
	}{
		{true, env("HOME", "/root"), "/var/lib/ringback"},
		{false, env("HOME", "/home/kim"), "/home/kim/.local/state/ringback"},
		{false, env("HOME", "/home/kim", "XDG_STATE_HOME", "/s"), "/s/ringback"},
		{false, env("HOME", "/home/kim", "XDG_STATE_HOME", "s"), "/home/kim/.local/state/ringback"},
		{false, env(), ""},
	} {
		if got := stateDir(tt.root, tt.env); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	if socketIn(true, "/x") != "/run/ringback/ringback.sock" || socketIn(false, "/x") != "/x/ringback.sock" {
		t.Error("socket")
	}
}

// base is a valid configuration to which tests add text; %s is at the end of each section.
const base = `aaa:
  radius: [{name: primary, address: "127.0.0.1:1812", secret_file: radius.secret}]
  lists: {login: {default: [radius, local]}}
users: [{name: kim, password_file: kim.password}]
chat_scripts: [{name: rtp, script: '"" "ATDT \T" CONNECT'}, {name: nodial, script: '"" "AT" OK'}]
lines: [{tty: 1, port: "tcp://127.0.0.1:7001", rotary: 1}, {tty: 2, port: "tcp://127.0.0.1:7002", rotary: 1}]
`

// loadText loads a text together with the secret files that base needs.
func loadText(t *testing.T, text string, o Overrides) (*Config, string, string) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string]string{
		"ringback.yaml": text, "radius.secret": "0123456789abcdef01234567\n", "kim.password": "pw\n",
		"policies.d/default.yaml":    "group: default\n",
		"allow.d/default.yaml":       "group: default\nno_verify: allow\n",
		"operators.d/operators.yaml": "group: operators\nnumbers: {allow: [\"84*\"]}\n",
		"operators.d/staff.yaml":     "group: staff\n",
		"raw.d/ops.yaml":             "group: ops\nraw_access: true\n",
		"short.secret":               "testing123\n", "empty.secret": "\n", "two.secret": "a\nb\n",
		"sixteen.secret": "0123456789abcdef\r\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "loose.secret"), []byte("0123456789abcdef01234567"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "loose.secret"), 0o644); err != nil { // whatever the umask
		t.Fatal(err)
	}
	c, problems := Load(filepath.Join(dir, "ringback.yaml"), o)
	return c, strings.ReplaceAll(problems.String(), dir+string(filepath.Separator), ""), dir
}

func TestBase(t *testing.T) {
	if c, problems, _ := loadText(t, base, nil); c == nil || problems != "" {
		t.Error(problems)
	}
}

func TestLoginLimits(t *testing.T) {
	m := time.Minute
	for _, tt := range []struct {
		text string
		want broker.LoginLimits
	}{
		{"", broker.LoginLimits{Window: 15 * m, DelayAfter: 5, DelayMax: 20 * time.Second, LockUserAfter: 10,
			LockNumberAfter: 30, LockTime: 15 * m}},
		{"login: {window: 1h, delay_after: 2, delay_max: 4s, lock_user_after: 3, lock_number_after: 4, " +
			"lock_time: 5m}\n",
			broker.LoginLimits{Window: 60 * m, DelayAfter: 2, DelayMax: 4 * time.Second, LockUserAfter: 3,
				LockNumberAfter: 4, LockTime: 5 * m}},
		{"login: {window: 0s, delay_after: 0, lock_user_after: 0, lock_number_after: 0}\n",
			broker.LoginLimits{DelayMax: 20 * time.Second, LockTime: 15 * m}},
		{"login: {timeout: 45s}\n", broker.LoginLimits{Window: 15 * m, DelayAfter: 5, DelayMax: 15 * time.Second,
			LockUserAfter: 10, LockNumberAfter: 30, LockTime: 15 * m}},
	} {
		c, problems, _ := loadText(t, base+tt.text, nil)
		if c == nil {
			t.Fatal(problems)
		}
		if c.Logins != tt.want {
			t.Errorf("%q: %+v, must be %+v", tt.text, c.Logins, tt.want)
		}
	}
}

func TestDigest(t *testing.T) {
	a, _, _ := loadText(t, base, nil)
	b, _, _ := loadText(t, base, nil)
	other, _, dir := loadText(t, base+"# a comment\n", nil)
	if a.Digest != b.Digest || a.Digest == other.Digest {
		t.Error("digests")
	}
	if err := os.WriteFile(filepath.Join(dir, "policies.d", "default.yaml"), []byte("group: default\ncallback: off\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	if again, _ := Load(filepath.Join(dir, "ringback.yaml"), nil); again.Digest == other.Digest {
		t.Error("a changed policy does not change the digest")
	}
}

func FuzzLoad(f *testing.F) {
	full, err := os.ReadFile("../testdata/config/full.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full)
	f.Add([]byte(base))
	f.Add([]byte("lines: [{tty: 1-9, port: \"tcp://h:{1+n}\", rotary: 1}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l := &loader{file: "ringback.yaml", dir: "/d", tun: func() error { return nil },
			read: func(string, int64) ([]byte, access, error) {
				return []byte("0123456789abcdef01234567\n"), access{mode: 0o600}, nil
			},
			policies: func(string, policies.Site) (*policies.Set, Problems) { return &policies.Set{}, nil },
		}
		c, problems := l.load(data, nil)
		if (c == nil) != problems.HasErrors() {
			t.Fatalf("Config %v with %v", c != nil, problems)
		}
		for _, p := range problems {
			if strings.ContainsAny(p.String(), "\x00\x1b\r\n") {
				t.Fatalf("%q could break a terminal", p)
			}
		}
		if c == nil {
			return
		}
		seen := map[int]bool{}
		for _, line := range c.Lines {
			if _, ok := c.Lists.Find("login", line.Lists.Of("login")); !ok || seen[line.TTY] || line.TTY < 1 {
				t.Fatalf("%+v", line)
			}
			seen[line.TTY] = true
		}
	})
}

// A policy with reauthorize: before_dial needs a server that answers without a password.
func TestReauthorize(t *testing.T) {
	for _, tt := range []struct {
		name, aaa string
		refused   bool
	}{
		{"RADIUS alone", "lists: {login: {default: [radius, local]}}", true},
		{"RADIUS with a Call-Check", "call_check: {method: radius}\n  lists: {login: {default: [radius, local]}}",
			false},
		{"TACACS+", "tacacs: [{name: t, address: t, secret_file: radius.secret}]\n  lists: {login: {default: " +
			"[tacacs, local]}}", false},
		{"RADIUS authenticates, TACACS+ authorizes",
			"tacacs: [{name: t, address: t, secret_file: radius.secret}]\n  lists: {login: {default: [radius]}, " +
				"exec: {default: [tacacs]}}", false},
		{"TACACS+ authenticates, RADIUS may authorize",
			"tacacs: [{name: t, address: t, secret_file: radius.secret}]\n  lists: {login: {default: [tacacs]}, " +
				"exec: {default: [tacacs, radius]}}", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			text := strings.Replace(base, "lists: {login: {default: [radius, local]}}", tt.aaa, 1)
			for name, data := range map[string]string{"ringback.yaml": text,
				"radius.secret": "0123456789abcdef01234567\n", "kim.password": "pw\n",
				"policies.d/default.yaml": "group: default\nreauthorize: before_dial\n"} {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, problems := Load(filepath.Join(dir, "ringback.yaml"), nil)
			got := problems.String()
			if refused := strings.Contains(got,
				"default.yaml: reauthorize: before_dial: list default of "); refused != tt.refused || !refused &&
				problems.HasErrors() {
				t.Errorf("%s", got)
			}
		})
	}
}

// TestCutFile: what is left of a file that was cut off is never a valid configuration without lines, and an error of
// its YAML is the only one that is reported, also if policies need what is no longer there.
func TestCutFile(t *testing.T) {
	t.Parallel()
	const empty = "ringback.yaml: the file has no keys: it is empty, or was cut off (write it again, or restore it " +
		"from a backup; ringback init writes a first one)"
	for _, tt := range []struct{ text, want string }{
		{"", empty}, {"# a comment\n", empty}, {"---\n...\n", empty}, {"\ufeff", empty},
		{"numbers: {country: \"1\"}\naaa: [\n", "ringback.yaml:2:1: invalid YAML: did not find expected node content " +
			"(check indentation, colons and quotes on this line and the one before it; tabs are not allowed)"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "ringback.yaml")
		writeAt(t, path, tt.text)
		if err := os.Mkdir(filepath.Join(dir, "policies.d"), 0o700); err != nil {
			t.Fatal(err)
		}
		writeAt(t, filepath.Join(dir, "policies.d", "home.yaml"), "group: home\nnumbers: {deny_classes: [premium]}\n")
		c, problems := Load(path, nil)
		if got := strings.ReplaceAll(problems.Err().Error(), dir+"/", ""); c != nil || got != tt.want {
			t.Errorf("%q:\n%s\nwant\n%s", tt.text, got, tt.want)
		}
	}
}
