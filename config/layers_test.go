package config

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
)

// Flags take precedence over the environment, the environment over the file, the file over defaults.
func TestLayers(t *testing.T) {
	text := base + "hostname: of-file\nexec: {callback: false}\nlogin: {tries: 5}\nlog: {file: log, level: warn}\n"
	t.Setenv("RINGBACK_HOSTNAME", "of-env")
	t.Setenv("RINGBACK_EXEC_CALLBACK", "true")
	t.Setenv("RINGBACK_LOG_LEVEL", "debug")
	t.Setenv("RINGBACK_LOGIN_TRIES", "")
	t.Setenv("RINGBACK_STATE_DIR", "state")
	c, problems, dir := loadText(t, text, Overrides{"hostname": "of-flag", "callback.lifetime": "2h"})
	if c == nil || problems != "" {
		t.Fatal(problems)
	}
	if c.Hostname != "of-flag" || !c.callsBack("84001") || c.Log.Level != "debug" || c.Session.Tries != 5 ||
		c.Callback.Lifetime != 2*time.Hour || c.Log.Format != "console" {
		t.Errorf("%+v", c)
	}
	if c.StateDir != "state" || c.Log.File != filepath.Join(dir, "log") {
		t.Errorf("paths %q %q", c.StateDir, c.Log.File)
	}
	plain, _, _ := loadText(t, text, nil)
	if plain.Digest == c.Digest || plain.Hostname != "of-env" {
		t.Error("overrides of the file are not in the digest")
	}

	t.Setenv("RINGBACK_EXEC_CALLBACK", "maybe")
	t.Setenv("RINGBACK_HOSTNAEM", "x")
	t.Setenv("RINGBACK_TTY", "/dev/ttyS0")
	t.Setenv("RINGBACK_PORT_49_TCP", "tcp://192.0.2.2:49")
	t.Setenv("RINGBACK_LOGLEVEL", "") // an empty variable is ignored
	c, problems, _ = loadText(t, text, Overrides{"log.levle": "debug", "lines": "x"})
	const want = `command line: lines: not a key with a single value
command line: log.levle: not a key with a single value (did you mean "log.level"?)
environment: RINGBACK_EXEC_CALLBACK: "maybe" is neither true nor false
environment: RINGBACK_HOSTNAEM: names no key (did you mean "RINGBACK_HOSTNAME"?)
environment: RINGBACK_PORT_49_TCP: names no key (unset it; only keys with a single value have a variable, for example log.level RINGBACK_LOG_LEVEL)
environment: RINGBACK_TTY: names no key (unset it; only keys with a single value have a variable, for example log.level RINGBACK_LOG_LEVEL)`
	if c != nil || problems != want {
		t.Errorf("got\n%s\nwant\n%s", problems, want)
	}
}

// Variables of ringback that are not keys do not affect the configuration.
func TestOtherVariables(t *testing.T) {
	for _, name := range []string{"RINGBACK_SOCKET", "RINGBACK_REQUIRE_PEERS", "RINGBACK_LONG", "RINGBACK_SEED",
		"RINGBACK_SEEDS", "RINGBACK_FUZZTIME", "RINGBACK_UPDATE", "RINGBACK_RACE"} {
		t.Setenv(name, "1")
	}
	if c, problems, _ := loadText(t, base, nil); c == nil || strings.Contains(problems, "environment") {
		t.Error(problems)
	}
}

// Viper folds the letter case of keys and splits them at dots; names chosen by the user must stay unchanged.
func TestNamesStay(t *testing.T) {
	c, problems, _ := loadText(t, strings.NewReplacer("{default:", `{"Ops.Night": [local], default:`, "tty: 1,",
		"tty: 1, login: Ops.Night,").Replace(base)+
		"places: [{name: Head.Office, number: \"84001\"}]\n", nil)
	if c == nil {
		t.Fatal(problems)
	}
	home := c.decide(aaa.Authorization{Callback: true, CallbackID: "Head.Office"})
	if c.Lists["login"][0].Name != "Ops.Night" || c.Lines[0].Lists["login"] != "Ops.Night" ||
		home.Number.String() != "84001" {
		t.Errorf("%+v %+v", c.Lists["login"], home)
	}
}

// Zero in the file means no limit, not the package's default.
func TestZeros(t *testing.T) {
	c, problems, _ := loadText(t, strings.Replace(base, "radius.secret}", "radius.secret, retries: 0}", 1)+
		"login: {failure_delay: 0s}\nexec: {idle_timeout: 0s}\n", nil)
	if c == nil {
		t.Fatal(problems)
	}
	if c.Session.FailureDelay >= 0 || c.Exec.IdleTimeout >= 0 || c.RADIUS.Servers[0].Retries >= 0 {
		t.Errorf("%+v %+v %+v", c.Session, c.Exec, c.RADIUS)
	}
}

func TestExpand(t *testing.T) {
	for _, tt := range []struct{ template, want string }{
		{"tcp://h:{7000+n}", "tcp://h:7003"},
		{"tcp://h:{7000+tty}", "tcp://h:7068"},
		{"pty:///run/modem{tty}-{n}", "pty:///run/modem68-3"},
		{"serial:///dev/ttyS0", "serial:///dev/ttyS0"},
		{"tcp://h:{}", ""}, {"tcp://h:{7000}", ""}, {"tcp://h:{n+7000}", ""}, {"tcp://h:{n", ""},
		{"tcp://h:{tty:03}", ""}, {"{9999999999+n}", ""},
	} {
		got, err := expand(tt.template, 68, 3)
		if (err != nil) != (tt.want == "") || err == nil && got != tt.want {
			t.Errorf("%q: %q, %v", tt.template, got, err)
		}
	}
}

// The number plan, too, can be set in the environment and on the command line, and its file is read as others are.
func TestNumbersOfTheEnvironment(t *testing.T) {
	dir := samples(t)
	full := filepath.Join(dir, "full.yaml")
	t.Setenv("RINGBACK_NUMBERS_REGION", "CA")
	c, problems := Load(full, Overrides{"numbers.area": "415"})
	if c == nil || c.Numbers.Country.Region != "CA" || c.Numbers.Country.Area != "415" ||
		c.Numbers.Country.Code != "1" {
		t.Errorf("%v", problems)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "none: no such file or directory",
		fifo:                       "fifo: ", // it does not wait for a writer
	} {
		if c, problems := Load(full, Overrides{"numbers.fraud_file": path}); c != nil ||
			!strings.Contains(problems.String(), want) {
			t.Errorf("%s: %v", path, problems)
		}
	}
}
