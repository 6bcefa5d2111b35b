package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGroupLines: check-config names the groups whose callback_lines could serve no callback.
func TestGroupLines(t *testing.T) {
	const file = `users: [{name: kim, password_file: kim.password}]
aaa: {lists: {login: {default: [local]}, ppp: {default: [local]}}}
ppp: {netdev: userspace, profiles: [{name: default, ipv6: true}]}
lines:
- {tty: 65-66, port: "tcp://127.0.0.1:{7000+n}", rotary: 1, ppp_profile: default}
- {tty: 67-68, port: "tcp://127.0.0.1:{7010+n}", rotary: 2}
`
	for _, tt := range []struct{ policy, want string }{
		{"callback_lines: [{line: 65}]\n", ""},
		{"callback_lines: [{line: 67}, {rotary: 1}]\n", ""},
		{"callback_lines: [{rotary: 2}]\nservices: {ppp: deny}\n", ""},
		{"callback_lines: [{rotary: 2}]\ncallback: off\n", ""},
		{"callback_lines: [{rotary: 2}]\n", "staff.yaml:2:27: warning: callback_lines: group staff: callers of PPP " +
			"cannot be called back: no line can call back: tty 67, 68: only tty 67, 68, which cannot serve PPP (set " +
			"ppp_profile) (name a line that serves it, or write services: {ppp: deny})"},
		{"callback_lines: [{line: 65}]\nsame_line: deny\n", "staff.yaml:3:12: warning: same_line: group " +
			"staff: callers on tty 65 cannot be called back: it is the only one of callback_lines (name another line " +
			"too)"},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"ringback.yaml": file, "kim.password": "pw\n",
			"policies.d/default.yaml": "group: default\n", "policies.d/staff.yaml": "group: staff\n" + tt.policy} {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, problems := Load(filepath.Join(dir, "ringback.yaml"), nil)
		if c == nil {
			t.Fatalf("%s: %v", tt.policy, problems)
		}
		var got []string
		for _, p := range problems {
			if strings.Contains(p.File, "staff.yaml") {
				got = append(got, strings.TrimPrefix(p.String(), dir+"/policies.d/"))
			}
		}
		if strings.Join(got, "\n") != tt.want {
			t.Errorf("%s: problems\n%q\nwant\n%q", tt.policy, got, tt.want)
		}
	}
}
