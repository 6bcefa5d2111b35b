package main

import (
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
)

// loaded is the configuration of a text, with the files beside it; no secret is there but "secret".
func loaded(t *testing.T, text string) *config.Config {
	t.Helper()
	dir := howToDir(t, map[string]string{"secret": loadSecret, "password": "pw1", "ringback.yaml": text})
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
		_, res := logins[loginName(cfg.Lines[i].TTY)].Start(t.Context(), aaa.Request{Service: aaa.EXEC, User: "kim", Password: "pw1"})
		if res.Kind != aaa.Granted || res.Auth.PrivLevel != level {
			t.Errorf("tty %d: %+v, level %d was due", cfg.Lines[i].TTY, res, level)
		}
	}
}
