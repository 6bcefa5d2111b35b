package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGroupScripts: check-config names the groups whose modem_script or system_script selects no script that fits,
// alone or together with those of the lines.
func TestGroupScripts(t *testing.T) {
	const file = `users: [{name: kim, password_file: kim.password}]
aaa: {lists: {login: {default: [local]}}}
chat_scripts:
- {name: usr-v32, script: '"" "ATDT \T" CONNECT \c'}
- {name: usr-v34, script: '"" "ATDT \T" CONNECT \c'}
- {name: zyxel-v34, script: '"" "ATDT \T" CONNECT \c'}
- {name: init-v90, script: '"" ATZ OK \c'}
- {name: acme-login, script: 'ogin: kim'}
- {name: beta-login, script: 'ogin: kim'}
- {name: bad-login, script: '"" ATDT911'}
lines:
- {tty: 65, port: "tcp://127.0.0.1:7000", rotary: 1, scripts: {callback: usr, system: login}}
- {tty: 66, port: "tcp://127.0.0.1:7001", rotary: 1, scripts: {dialer: zyxel, system: acme}}
- {tty: 67, port: "tcp://127.0.0.1:7002", rotary: 1, modem: callin}
`
	const none = "(defined: usr-v32, usr-v34, zyxel-v34, init-v90, acme-login, beta-login, bad-login, exec-callback, " +
		"ppp-callback, offhook)"
	for _, tt := range []struct{ policy, want string }{
		{"modem_script: v34\nsystem_script: acme\n", ""},
		{"modem_script: v32\n", `staff.yaml:2:15: warning: modem_script: group staff: no callbacks on tty 66: no ` +
			`matching chat script found for "zyxel" and "v32" ` + none},
		{"modem_script: v32\ncallback_lines: [{line: 65}]\n", ""},
		{"modem_script: v90\ncallback_lines: [{line: 66}]\n", `staff.yaml:2:15: warning: modem_script: group staff: no ` +
			`callbacks on tty 66: no matching chat script found for "zyxel" and "v90" ` + none + "\n" +
			`staff.yaml:2:15: modem_script: group staff: no line can dial its callbacks: no matching chat script found ` +
			`for "zyxel" and "v90" ` + none},
		{"script: usr-v32\nmodem_script: v32$\n", ""},
		{"script: usr-v32\nmodem_script: v34$\n", `staff.yaml:3:15: modem_script: group staff: no line can dial its ` +
			`callbacks: no matching chat script found for "^usr-v32$" and "v34$" ` + none},
		{"system_script: nosuch\n", `staff.yaml:2:16: system_script: group staff: no matching chat script found for ` +
			`"nosuch" ` + none},
		{"system_script: beta\n", `staff.yaml:2:16: warning: system_script: group staff: no callbacks on tty 66: no ` +
			`matching chat script found for "beta" and "acme" ` + none},
		{"system_script: bad\ncallback_lines: [{line: 65}]\n", `staff.yaml:2:16: system_script: group staff: chat ` +
			`script bad-login dials with "ATDT911", but a system script must not (only callback scripts may dial: each ` +
			`dial is counted)`},
		{"modem_script: '('\n", "staff.yaml:2:15: modem_script: not a regular expression: error parsing regexp: " +
			"missing closing ): `(`"},
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
		_, problems := Load(filepath.Join(dir, "ringback.yaml"), nil)
		var got []string
		for _, p := range problems {
			if strings.Contains(p.File, "staff.yaml") {
				got = append(got, strings.TrimPrefix(p.String(), dir+"/policies.d/"))
			}
		}
		if strings.Join(got, "\n") != tt.want {
			t.Errorf("%s: problems\n%s\nwant\n%s\nall: %v", tt.policy, strings.Join(got, "\n"), tt.want, problems)
		}
	}
}
