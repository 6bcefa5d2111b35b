package methods

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/config/configtest"
	"github.com/ringback/ringback/lab/servers"
)

// methodsOf returns the methods of a configuration, which are closed when the test ends.
func methodsOf(t *testing.T, cfg *config.Config) *Set {
	t.Helper()
	m, err := New(cfg, Options{Trace: func(Packet) {}, Silent: func(string, string, string) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// Lines that share a login list keep their own other lists.
func TestLoginsOfLines(t *testing.T) {
	t.Parallel()
	cfg := configtest.Load(t, `hostname: h
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
	running, err := methodsOf(t, cfg).Lines(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, level := range []int{1, 15, 1} {
		_, res := running[cfg.Lines[i].TTY].Login.Start(t.Context(),
			aaa.Request{Service: aaa.EXEC, User: "kim", Password: "pw1"})
		if res.Kind != aaa.Granted || res.Auth.PrivLevel != level {
			t.Errorf("tty %d: %+v, want level %d", cfg.Lines[i].TTY, res, level)
		}
	}
}

// A line that a reload removed keeps the lists that it names for its calls and callbacks. A reload that removes one of
// these lists too is refused while there are any, so that the line does not use another list or none.
func TestRemovedLineWithoutItsList(t *testing.T) {
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
- {tty: TTY, port: "tcp://127.0.0.1:1"LISTS}
`
	running := configtest.Load(t, strings.NewReplacer("TTY", "1", "LISTS",
		", login: console, enable: console, ppp: console, "+
			"exec: console, network: console, commands: console, accounting: console").Replace(text))
	used := map[int]bool{1: true}
	if _, err := methodsOf(t, running).Lines(nil, nil); err != nil {
		t.Fatal(err)
	}
	removed := strings.NewReplacer("TTY", "2", "LISTS", "").Replace(text)
	if _, err := methodsOf(t, configtest.Load(t, removed)).Lines(running.Lines, used); err != nil {
		t.Errorf("the line is removed, its lists are there: %v", err)
	}
	for _, kind := range []string{"login", "enable", "ppp", "exec", "network", "commands", "accounting"} {
		from := strings.Index(removed, "    "+kind+":")
		line := removed[from : from+strings.Index(removed[from:], "\n")+1]
		without := strings.Replace(removed, line, strings.Replace(line, "console", "other", 1), 1)
		all, err := methodsOf(t, configtest.Load(t, without)).Lines(running.Lines, nil)
		if err != nil || len(all) != 1 {
			t.Errorf("%s, and nothing uses the line: %v, %v", kind, all, err)
		}
		_, err = methodsOf(t, configtest.Load(t, without)).Lines(running.Lines, used)
		if err == nil || !strings.Contains(err.Error(), `tty 1: there is no `+kind+` list "console", which the line uses`) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// Each kind of list that a line names is used for its service, and a reload changes the line's lists.
func TestListsOfLine(t *testing.T) {
	t.Parallel()
	const text = `hostname: h
users: [{name: kim, password_file: password, priv_lvl: 15}]
enable: {password_file: password}
aaa:
  lists:
    login: {default: [local], open: [none]}
    enable: {default: [enable], open: [none]}
    ppp: {default: [local], open: [none]}
    exec: {default: [local], open: [if-authenticated]}
    network: {default: [local], open: [if-authenticated]}
    commands: {default: [local], open: [none]}
    accounting: {open: {record: none}}
lines: [{tty: 1, port: "tcp://127.0.0.1:1"NAMED}]
`
	kim := aaa.Identity{Entry: "local", User: "kim"}
	starts := func(r aaa.Request) func(broker.Line) aaa.Result {
		return func(l broker.Line) aaa.Result {
			_, res := l.Login.Start(t.Context(), r)
			return res
		}
	}
	level := func(s aaa.Service) func(broker.Line) int { // for authorization, not authentication
		return func(l broker.Line) int {
			return l.Login.Reauthorize(t.Context(), aaa.Request{Service: s, User: "kim"}, kim,
				aaa.Authorization{}).Auth.PrivLevel
		}
	}
	granted := func(f func(broker.Line) aaa.Result) func(broker.Line) bool {
		return func(l broker.Line) bool { return f(l).Kind == aaa.Granted }
	}
	for kind, open := range map[string]func(broker.Line) bool{
		"login":   granted(starts(aaa.Request{Service: aaa.EXEC, User: "kim"})),
		"ppp":     granted(starts(aaa.Request{Service: aaa.PPP, User: "kim"})),
		"enable":  granted(starts(aaa.Request{Service: aaa.EXEC, User: "kim", Enable: 15})),
		"exec":    func(l broker.Line) bool { return level(aaa.EXEC)(l) == 1 },
		"network": func(l broker.Line) bool { return level(aaa.PPP)(l) == 1 },
		"commands": granted(func(l broker.Line) aaa.Result {
			return l.Login.Command(t.Context(), aaa.Question{Identity: aaa.Identity{User: "stranger"},
				Command: []string{"show"}})
		}),
		"accounting": func(l broker.Line) bool { return l.Accounting == "open" },
	} {
		for named, want := range map[string]bool{"": false, ", " + kind + ": open": true} {
			now := configtest.Load(t, strings.Replace(text, "NAMED", named, 1))
			running, err := methodsOf(t, now).Lines(nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if open(running[1]) != want {
				t.Errorf("line with %q: by list open: %v", named, !want)
			}
		}
	}
}

// tacacsServer runs a server on loopback that knows the user good, until the test ends.
func tacacsServer(t *testing.T) *servers.TACACS {
	t.Helper()
	users := []servers.Profile{{Name: "good", Login: "pw1"}}
	s, err := servers.NewTACACS(servers.TACACSConfig{Key: configtest.Secret, Profiles: servers.Profiles{Users: users}})
	if err == nil {
		err = s.Listen(":0")
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

// A record outlives its list: it goes to the methods of the list `default`, is never dropped, and is never
// reported as delivered if no server accepted it.
func TestRecordsOutliveTheirList(t *testing.T) {
	t.Parallel()
	tac := tacacsServer(t)
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
		{"default: {record: start-stop, methods: [radius]}", command, "radius cannot account commands"},
	} {
		cfg := configtest.Load(t, strings.NewReplacer("ADDRESS", tac.Addr(), "LISTS", tt.lists).Replace(head))
		err := methodsOf(t, cfg).Send(t.Context(), tt.r)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.lists, err, tt.want)
		}
	}
}

// TestObserved: each exchange with a server is observed once, with what it was for and what came of it; what no server
// was asked is not.
func TestObserved(t *testing.T) {
	t.Parallel()
	tac := tacacsServer(t)
	cfg := configtest.Load(t, strings.ReplaceAll(`hostname: h
users: [{name: kim, password_file: password}]
aaa:
  radius: [{name: r1, address: "127.0.0.1:1", accounting: "127.0.0.1:1", timeout: 100ms, retries: 0, secret_file: secret}]
  tacacs: [{name: t1, address: "ADDRESS", secret_file: secret}]
  lists:
    login: {default: [local]}
    accounting: {default: {record: start-stop, methods: [tacacs]}, other: {record: start-stop, methods: [radius]}}
lines: [{tty: 1, port: "tcp://127.0.0.1:1"}]
`, "ADDRESS", tac.Addr()))
	var seen []string
	m, err := New(cfg, Options{Trace: func(Packet) {}, Observe: func(protocol string, e aaa.Exchange) {
		if e.Took <= 0 || e.Took > time.Minute {
			t.Errorf("%+v", e)
		}
		seen = append(seen, fmt.Sprintf("%s %s %s %s", protocol, e.Server, e.Purpose, e.Result))
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	method := func(name string) aaa.Method {
		method, err := m.Method(name)
		if err != nil {
			t.Fatal(err)
		}
		return method
	}
	ctx := t.Context()
	for _, password := range []aaa.Secret{"pw1", "wrong"} {
		method("tacacs").Start(ctx, aaa.Request{Service: aaa.EXEC, User: "good", Password: password})
	}
	if c, res := method("tacacs").Start(ctx, aaa.Request{Service: aaa.EXEC, User: "good"}); res.Kind == aaa.Prompt {
		c.Answer(ctx, "pw1")
	}
	method("radius").Start(ctx, aaa.Request{Service: aaa.EXEC, User: "good", Password: "pw1"})
	method("local").Start(ctx, aaa.Request{Service: aaa.EXEC, User: "kim", Password: "pw1"})
	a, err := m.authorizer("tacacs")
	if err != nil {
		t.Fatal(err)
	}
	a.Authorize(ctx, aaa.Question{Request: aaa.Request{Service: aaa.EXEC, User: "good"}})
	record := aaa.Record{ID: "a-start", Type: aaa.Start, SessionID: "a", User: "good"}
	_ = m.Send(ctx, record)
	record.List = "other"
	_ = m.Send(ctx, record)
	want := []string{"tacacs t1 authentication granted", "tacacs t1 authentication refused",
		"tacacs t1 authentication prompt", "tacacs t1 authentication granted", "radius r1 authentication silent",
		"tacacs t1 authorization refused", "tacacs t1 accounting granted", "radius r1 accounting silent"}
	if d := cmp.Diff(want, seen); d != "" {
		t.Error(d)
	}
}
