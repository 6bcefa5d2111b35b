package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A policy that calls back ringing calls needs a line that asks about them, and a login list for leg two.
func TestOnRing(t *testing.T) {
	const lists, check = "lists: {login: {default: [radius, local]}}", "call_check: {method: radius}\n  "
	const asks = "tty: 1, call_check: true, insecure_signals: true,"
	for name, tt := range map[string]struct{ aaa, line, want string }{
		"complete":         {check + lists, asks, ""},
		"no line asks":     {check + lists, "tty: 1,", "no line has call_check"},
		"no list for it":   {check + "lists: {login: {default: [local]}}", asks, "no login list of tty 1 does"},
		"no method at all": {lists, asks, "call_check needs aaa.call_check.method"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			text := strings.Replace(strings.Replace(base, lists, tt.aaa, 1), "tty: 1,", tt.line, 1)
			for name, data := range map[string]string{"ringback.yaml": text,
				"radius.secret": "0123456789abcdef01234567\n", "kim.password": "pw\n",
				"policies.d/default.yaml": "group: default\ncallback_on_ring: allow\n" +
					"limits: {user: {hour: {calls: 2}}}\n"} {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, problems := Load(filepath.Join(dir, "ringback.yaml"), nil)
			if got := problems.String(); problems.HasErrors() != (tt.want != "") || !strings.Contains(got, tt.want) {
				t.Errorf("%s\nwant %q", got, tt.want)
			}
		})
	}
}
