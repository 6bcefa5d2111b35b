package config

import (
	"strings"
	"testing"
)

// N dials a stored number with the profile multitech, and is a setting with the others.
func TestStoredNumber(t *testing.T) {
	const line = `
aaa: {lists: {login: {default: [local]}}}
users: [{name: kim, password_file: kim.password}]
chat_scripts:
  - {name: stored, script: '"" ATN3 OK'}
  - {name: other, script: '"" "AT\N3" OK'}
lines: [{tty: 65, port: "serial:///dev/ttyS0", LINE}]
`
	for keys, want := range map[string]string{
		"profile: multitech, scripts: {startup: ^stored$}":                   "script stored: ATN3 dials",
		"profile: multitech, init: ATE0N0":                                   "init: ATE0N0 dials",
		"profile: multitech, scripts: {startup: ^other$}":                    "",
		"profile: multitech-zba, scripts: {startup: ^stored$}, init: ATE0N0": "",
		"scripts: {startup: ^stored$}":                                       "",
	} {
		c, problems, _ := loadText(t, strings.Replace(line, "LINE", keys, 1), nil)
		if (c == nil) != (want != "") || !strings.Contains(problems, want) {
			t.Errorf("%s: %v\nmust say %q", keys, problems, want)
		}
	}
}
