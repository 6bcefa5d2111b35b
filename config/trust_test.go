package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDistrust(t *testing.T) {
	for _, tt := range []struct {
		mode      fs.FileMode
		uid, euid int
		forbidden fs.FileMode
		why, mend string // the beginning of the reason, and the complete command
	}{
		{0o600, 0, 0, noRead, "", ""},
		{0o600, 990, 990, noRead, "", ""},
		{0o640, 0, 990, noRead, "", ""},
		{0o644, 0, 0, noRead, "users other than the owner have access to the file (mode 0644)", "chmod 600 f"},
		{0o620, 0, 0, noRead, "users other than the owner have access to the file (mode 0620)", "chmod 600 f"},
		{0o602, 0, 0, noRead, "users other than the owner have access to the file (mode 0602)", "chmod 600 f"},
		{0o755, 0, 0, noWrite, "", ""},
		{fs.ModeDir | 0o775, 0, 0, noWrite, "users other than the owner can write it (mode 0775)", "chmod go-w f"},
		{0o646, 0, 0, noWrite, "users other than the owner can write it (mode 0646)", "chmod go-w f"},
		{0o600, 1000, 0, noWrite, "it belongs to user 1000, which is neither root nor the user running ringback (0)",
			"chown root f"},
		{0o600, 1000, 990, noRead, "it belongs to user 1000, which is neither root nor the user running ringback (990)",
			"chown 990 f"},
		{0o644, 1000, 990, noRead, "it belongs to user 1000, ", "chown 990 f; chmod 600 f"},
	} {
		why, mend := access{tt.mode, tt.uid}.distrust("f", tt.forbidden, tt.euid)
		if !strings.HasPrefix(why, tt.why) || (why == "") != (tt.why == "") || mend != tt.mend {
			t.Errorf("%v of %d for %d: %q, %q; must be %q, %q", tt.mode, tt.uid, tt.euid, why, mend, tt.why, tt.mend)
		}
	}
}

// Each file that the daemon uses is checked, and the command in the message fixes it.
func TestUnsafeFiles(t *testing.T) {
	for _, tt := range []struct {
		file string
		mode fs.FileMode
		safe fs.FileMode
	}{
		{"full.yaml", 0o664, 0o644},
		{"policies.d", 0o777, 0o755},
		{"policies.d/staff.yaml", 0o666, 0o644},
		{"fraud.yaml", 0o666, 0o644},
		{"tariff.csv", 0o662, 0o644},
		{"state", 0o770, 0o755},
		{"radius.secret", 0o644, 0o640},
		{"tacacs.secret", 0o660, 0o600},
		{"coa.secret", 0o604, 0o600},
		{"enable.password", 0o644, 0o600},
		{"austin-01.password", 0o644, 0o600},
		{"ringback.key", 0o644, 0o600},
		{"ringback.pem", 0o666, 0o644},
		{"ca.pem", 0o664, 0o644},
	} {
		t.Run(tt.file, func(t *testing.T) {
			dir := samples(t)
			if err := os.Mkdir(filepath.Join(dir, "state"), 0o700); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, tt.file)
			load := func(mode fs.FileMode) *Config {
				t.Helper()
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
				c, problems := Load(filepath.Join(dir, "full.yaml"),
					Overrides{"state_dir": filepath.Join(dir, "state")})
				if c == nil {
					t.Fatal(problems)
				}
				if len(problems) != len(c.Unsafe) {
					t.Errorf("mode %v: %v", mode, problems)
				}
				return c
			}
			if c := load(tt.safe); len(c.Unsafe) != 0 {
				t.Errorf("mode %v: %v", tt.safe, c.Unsafe)
			}
			c := load(tt.mode)
			if len(c.Unsafe) == 0 || !c.Unsafe.HasErrors() || !strings.Contains(c.Unsafe[0].String(), path) ||
				!strings.HasPrefix(c.Unsafe[0].Hint, "chmod ") {
				t.Errorf("mode %v: %v", tt.mode, c.Unsafe)
			}
		})
	}
}

// A secret that belongs to another user can be read and changed by that user.
func TestUnsafeOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can change the owner; TestDistrust tests the rule")
	}
	dir := samples(t)
	path := filepath.Join(dir, "radius.secret")
	if err := os.Chown(path, 1000, -1); err != nil {
		t.Fatal(err)
	}
	c, problems := Load(filepath.Join(dir, "full.yaml"), nil)
	if c == nil || len(c.Unsafe) == 0 || c.Unsafe[0].Hint != "chown root "+path {
		t.Errorf("%v", problems)
	}
}

// TestServiceOwner: root checks the files for the user of the service, the owner of the state directory. A daemon that
// root starts does not trust them.
func TestServiceOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can change the owner")
	}
	dir := t.TempDir()
	file, state := filepath.Join(dir, "ringback.yaml"), filepath.Join(dir, "state")
	secret := filepath.Join(dir, "secret")
	const text = "state_dir: state\napi: {socket: s}\nlines: [{tty: 1, port: \"tcp://127.0.0.1:1\"}]\n" +
		"aaa: {radius: [{name: r, address: 127.0.0.1, secret_file: secret}], lists: {login: {default: [radius]}}}\n"
	if err := errors.Join(os.Mkdir(state, 0o700), os.Chown(state, 990, -1), os.WriteFile(file, []byte(text), 0o600),
		os.WriteFile(secret, []byte("a secret of 24 octets, or more\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for owner, warned := range map[int]bool{990: false, 1000: true} {
		if err := os.Chown(secret, owner, -1); err != nil {
			t.Fatal(err)
		}
		c, problems := Load(file, nil)
		if c == nil || strings.Contains(problems.String(), "chown") != warned || len(c.Unsafe) != 2 {
			t.Errorf("the secret of %d: %v", owner, problems)
		}
	}
}

// TestUnsafeLog: check-config reports a log file that the daemon would not write to.
func TestUnsafeLog(t *testing.T) {
	dir := samples(t)
	for name, path := range map[string]string{"missing": "log", "file": "radius.secret", "link": "link",
		"directory": "policies.d", "device": os.DevNull} {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if name == "link" {
			if err := os.Symlink("radius.secret", path); err != nil {
				t.Fatal(err)
			}
		}
		c, problems := Load(filepath.Join(dir, "full.yaml"), Overrides{"log.file": path})
		if c == nil {
			t.Fatal(problems)
		}
		unsafe := name != "missing" && name != "file"
		if (len(c.Unsafe) == 1) != unsafe || len(problems) != len(c.Unsafe) {
			t.Errorf("%s: %v, %v", name, problems, c.Unsafe)
		}
		if unsafe && !strings.Contains(c.Unsafe[0].String(), "log.file must be a regular file") {
			t.Errorf("%s: %v", name, c.Unsafe)
		}
	}
}
