package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What an initialization may do depends on the port: &C0 and &D0 take its signals from the driver.
func TestInitSignals(t *testing.T) {
	const text = `
state_dir: state
modems_dir: modems.d
aaa: {lists: {login: {default: [none]}}}
chat_scripts:
  - {name: hides, script: '"" ATS5=38 OK'}
lines: [{tty: 65, KEYS, port: "PORT"}]
`
	const serial, tcp = "serial:///dev/ttyS0", "tcp://127.0.0.1:7001"
	for _, tt := range []struct{ port, keys, want string }{
		{serial, "profile: broken, init: ATE0S0=2, result_codes: {VOICE: CONNECT}", "S0=2 makes the modem answer by"},
		{serial, "profile: broken, init: ATE0S0=2, result_codes: {VOICE: CONNECT}", "VOICE is the end of a call"},
		{serial, "init: AT&C1&D0S0=0", "7:25: lines[0].init: &D0 makes the modem ignore DTR"},
		{"rfc2217://127.0.0.1:7001", "init: ATE0&C", "lines[0].init: &C keeps DCD on, so that no hang-up"},
		{serial, "init: AT&C0&D0", "&C0 keeps DCD on, so that no hang-up can be seen: write &C1; &D0 makes"},
		{serial, "init: AT&F1&D2&C1&D1", "lines[0].init: &D1 makes"},
		{serial, "init: AT&D2&C1&D3", ""},
		{tcp, "init: AT&C0&D0", ""},
		{serial, "profile: wires", "lines[0].profile: init of the profile wires: &D0 makes the modem ignore DTR"},
		{tcp, "profile: wires", ""},
		{serial, "profile: wires, init: AT&F1", ""},
		{tcp, "init: ATE0S0=3", "warning: lines[0].init: S0=3 makes the modem answer by itself"},
		{serial, "scripts: {startup: ^hides$}", "chat script hides: S3, S4 and S5 must stay as they are"},
	} {
		files := map[string]string{"wires.yaml": "about: x\ninit: AT&D0\n"}
		if strings.Contains(tt.keys, "broken") {
			files["broken.yaml"] = "extends: nosuch\n"
		}
		path := withModems(t, "", files)
		text := strings.NewReplacer("PORT", tt.port, "KEYS", tt.keys).Replace(text)
		if err := os.WriteFile(filepath.Clean(path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, problems := Load(path, nil)
		fails := tt.want != "" && !strings.HasPrefix(tt.want, "warning")
		if (c == nil) != fails || !strings.Contains(problems.String(), tt.want) {
			t.Errorf("%s %s: %v\nmust say %q", tt.port, tt.keys, problems, tt.want)
		}
	}
}
