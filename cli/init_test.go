package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/packaging"
)

// initWith runs init without a terminal.
func initWith(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := newRoot("")
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetIn(strings.NewReader(""))
	root.SetArgs(append([]string{"init"}, args...))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// TestInit: what init writes is valid, and is the answers.
func TestInit(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("RINGBACK_STATE_DIR", filepath.Join(dir, "state"))
	secret := write(t, "secret", "a secret of 24 octets, or more\n")
	for name, tt := range map[string]struct {
		args  []string
		check func(*config.Config) bool
	}{
		"radius": {[]string{"--aaa", "radius", "--server", "192.0.2.1", "--secret-file", secret, "--country", "fr"},
			func(c *config.Config) bool { return len(c.RADIUS.Servers) == 1 }},
		"tacacs": {[]string{"--aaa", "tacacs", "--server", "192.0.2.1:4949", "--secret-file", secret},
			func(c *config.Config) bool { return len(c.TACACS.Servers) == 1 }},
		"local": {[]string{"--aaa", "local", "--user", `o'kim "x"`, "--password-file", secret, "--number", "84001"},
			func(c *config.Config) bool { return len(c.Users) == 1 && c.Users[0].Name == `o'kim "x"` }},
	} {
		file := filepath.Join(dir, name+".yaml")
		args := append(tt.args, "-c", file, "--port", "tcp://127.0.0.1:1", "--hostname", "maui")
		out, err := initWith(t, args...)
		if err != nil || !strings.Contains(out, file+": written and checked\n\nnext:\n  ringback aaa test ") ||
			!strings.Contains(out, "ringback serve -c "+file) {
			t.Errorf("%s: %v\n%s", name, err, out)
			continue
		}
		cfg, problems := config.Load(file, nil)
		if cfg == nil || len(cfg.Unsafe) > 0 || !tt.check(cfg) || cfg.Hostname != "maui" || len(cfg.Lines) != 1 {
			t.Errorf("%s: %v", name, problems)
		}
		before := readFile(t, file)
		if out, err := initWith(t, args...); err == nil || !strings.Contains(err.Error(), "init overwrites nothing") {
			t.Errorf("%s, a second time: %v\n%s", name, err, out)
		}
		if after := readFile(t, file); after != before {
			t.Errorf("%s was overwritten", name)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestInitNoDirectory: the directory is missed before anything is asked or probed.
func TestInitNoDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	_, err := initWith(t, "--aaa", "radius", "-c", filepath.Join(dir, "ringback.yaml"))
	if err == nil || !strings.Contains(err.Error(), dir+": no such file or directory (make the directory") {
		t.Error(err)
	}
}

// TestInitReplacesTheSample: the sample of the packages is no configuration of anybody, but a changed one is.
func TestInitReplacesTheSample(t *testing.T) {
	t.Setenv("RINGBACK_STATE_DIR", filepath.Join(t.TempDir(), "state"))
	args := []string{"--aaa", "local", "--user", "kim", "--password-file", write(t, "pw", "pw1"), "--number", "84001",
		"--port", "tcp://127.0.0.1:1"}
	file := write(t, "ringback.yaml", string(packaging.Sample))
	if out, err := initWith(t, append(args, "-c", file)...); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(readFile(t, file), "kim") {
		t.Error("the sample is still there")
	}
	changed := write(t, "ringback.yaml", string(packaging.Sample)+"# mine\n")
	if _, err := initWith(t, append(args, "-c", changed)...); err == nil {
		t.Error("a changed sample was overwritten")
	}
}

func TestInitMistakes(t *testing.T) {
	t.Setenv("RINGBACK_STATE_DIR", filepath.Join(t.TempDir(), "state"))
	pw := write(t, "pw", "pw1")
	local := []string{"--aaa", "local", "--user", "kim", "--password-file", pw, "--number", "84001"}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "--aaa is required: standard input is not a terminal"},
		{[]string{"--aaa", "ldap"}, "--server is required"},
		{[]string{"--aaa", "radius", "--server", "192.0.2.1"}, "--secret-file is required"},
		{[]string{"--aaa", "local"}, "--user is required"},
		{local, "--port is required"},
		{append(local, "--port", "COM1"), "--port: "},
		{append(local, "--port", "tcp://127.0.0.1:1", "--country", "ZZ"), "--country ZZ: known are CH, DE"},
		{[]string{"--aaa", "radius", "--server", "not an address", "--secret-file", "none", "--port",
			"tcp://127.0.0.1:1"}, "2 errors, so"},
		{append(local, "--port", "tcp://127.0.0.1:1", "--probe"), "without --probe"},
	} {
		file := filepath.Join(t.TempDir(), "ringback.yaml")
		out, err := initWith(t, append(tt.args, "-c", file)...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q\n%s", tt.args, err, tt.want, out)
		}
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%q: a file was written", tt.args)
		}
	}
}
