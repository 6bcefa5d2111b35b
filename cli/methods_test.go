package cli

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
)

// loaded is the configuration of a text, with the files beside it; no secret is there but "secret".
func loaded(t *testing.T, text string) *config.Config {
	t.Helper()
	dir := fileDir(t, map[string]string{"secret": loadSecret, "password": "pw1", "ringback.yaml": text})
	cfg, problems := config.Load(dir+"/ringback.yaml", nil)
	if cfg == nil {
		t.Fatal(problems)
	}
	return cfg
}

// methodsOf are the methods of a configuration until the test ends.
func methodsOf(t *testing.T, cfg *config.Config) *methods {
	t.Helper()
	m, err := newMethods(cfg, nil, func(packet) {}, func(string, string, string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	return m
}

// Lines that share a login list keep the other lists that each has of its own.
func TestLoginsOfLines(t *testing.T) {
	t.Parallel()
	cfg := loaded(t, `hostname: h
users: [{name: kim, password_file: password, priv_lvl: 15}]
aaa:
  lists:
    login: {default: [local]}
    exec: {plain: [if-authenticated], strict: [local]}
lines:
- {tty: 1, port: "tcp://127.0.0.1:1", exec: plain}
- {tty: 2, port: "tcp://127.0.0.1:2", exec: strict}
- {tty: 3, port: "tcp://127.0.0.1:3", exec: plain}
`)
	logins, err := methodsOf(t, cfg).logins(cfg.Lines)
	if err != nil {
		t.Fatal(err)
	}
	for i, level := range []int{1, 15, 1} {
		_, res := logins[cfg.Lines[i].TTY].Start(t.Context(), aaa.Request{Service: aaa.EXEC, User: "kim", Password: "pw1"})
		if res.Kind != aaa.Granted || res.Auth.PrivLevel != level {
			t.Errorf("tty %d: %+v, level %d was due", cfg.Lines[i].TTY, res, level)
		}
	}
}

// A line that runs keeps the names of its lists until the restart. One that a reload would take from under it is no reason to go by another, or by
// none: the reload is refused.
func TestLoginsWithoutTheirList(t *testing.T) {
	t.Parallel()
	const text = `hostname: h
users: [{name: kim, password_file: password}]
enable: {password_file: password}
aaa:
  radius: [{name: r1, address: "127.0.0.1:1", accounting: "127.0.0.1:1", secret_file: secret}]
  lists:
    login: {default: [local], console: [local]}
    enable: {console: [enable]}
    ppp: {console: [local]}
    exec: {console: [local]}
    network: {console: [local]}
    commands: {console: [local]}
    accounting: {console: {record: none}}
lines:
- {tty: 1, port: "tcp://127.0.0.1:1"LISTS}
`
	running := loaded(t, strings.Replace(text, "LISTS", ", login: console, enable: console, ppp: console, exec: console, network: console, commands: console, accounting: console", 1))
	if _, err := methodsOf(t, running).logins(running.Lines); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"login", "enable", "ppp", "exec", "network", "commands", "accounting"} {
		without := strings.Replace(text, "LISTS", "", 1)
		from := strings.Index(without, "    "+kind+":")
		line := without[from : from+strings.Index(without[from:], "\n")+1]
		without = strings.Replace(without, line, strings.Replace(line, "console", "other", 1), 1)
		_, err := methodsOf(t, loaded(t, without)).logins(running.Lines)
		if err == nil || !strings.Contains(err.Error(), `tty 1: there is no `+kind+` list "console" any more`) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// A record outlives its list: it goes to those of the list `default`, is never dropped, and never said to be delivered where nobody took it.
func TestRecordsOutliveTheirList(t *testing.T) {
	t.Parallel()
	tac := loadTACACS(t)
	start := aaa.Record{ID: "a-start", Type: aaa.Start, SessionID: "a", User: "good", List: "gone"}
	command := aaa.Record{ID: "a-command-1", Type: aaa.Stop, SessionID: "a", User: "good", Command: "show users"}
	const head = `hostname: h
users: [{name: kim, password_file: password}]
aaa:
  radius: [{name: r1, address: "127.0.0.1:1", accounting: "127.0.0.1:1", timeout: 100ms, retries: 0, secret_file: secret}]
  tacacs: [{name: t1, address: "ADDRESS", secret_file: secret}]
  lists:
    login: {default: [local]}
    accounting: {LISTS}
lines: [{tty: 1, port: "tcp://127.0.0.1:1"}]
`
	for _, tt := range []struct {
		lists string
		r     aaa.Record
		want  string // "": delivered
	}{
		{"default: {record: start-stop, methods: [tacacs]}", start, ""},
		{"default: {record: start-stop, methods: [tacacs]}, gone: {record: none}", start, ""},
		{"other: {record: start-stop, methods: [tacacs]}", start, `no list "gone"`},
		{"default: {record: start-stop, methods: [radius, tacacs]}", command, ""},
		{"default: {record: start-stop, methods: [radius]}", command, "radius takes no commands"},
	} {
		cfg := loaded(t, strings.NewReplacer("ADDRESS", tac.Addr(), "LISTS", tt.lists).Replace(head))
		err := methodsOf(t, cfg).Send(t.Context(), tt.r)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.lists, err, tt.want)
		}
	}
}
