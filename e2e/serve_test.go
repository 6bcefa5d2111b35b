package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A daemon accepts no secret that all may read and no policy that others may write; check-config only warns.
func TestServeRefusesUnsafeFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ringback.yaml")
	for name, text := range map[string]string{
		"ringback.yaml": "state_dir: state\naaa: {lists: {login: {default: [local]}}}\nusers: [{name: kim, " +
			"password_file: kim.password}]\n" +
			"lines: [{tty: 1, port: \"tcp://127.0.0.1:1\", rotary: 1}, {tty: 2, port: \"tcp://127.0.0.1:2\", " +
			"rotary: 1}]\n",
		"kim.password": "pw\n", "policies.d/default.yaml": "group: default\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for file, hint := range map[string]string{"kim.password": "chmod 600 ", "policies.d/default.yaml": "chmod go-w "} {
		at := filepath.Join(dir, file)
		if err := os.Chmod(at, 0o666); err != nil {
			t.Fatal(err)
		}
		if out, status := ringback(t, "", "serve", "-c", path); status != 1 || !strings.Contains(out, hint+at) ||
			strings.Contains(out, "warning") {
			t.Errorf("%s: serve: status %d\n%s", file, status, out)
		}
		if _, err := os.Stat(filepath.Join(dir, "state")); !os.IsNotExist(err) {
			t.Errorf("%s: the daemon began: %v", file, err)
		}
		if out, status := ringback(t, "", "check-config", "-c", path); status != 0 ||
			!strings.Contains(out, "warning: ") || !strings.Contains(out, hint+at) {
			t.Errorf("%s: check-config: status %d\n%s", file, status, out)
		}
		if err := os.Chmod(at, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
