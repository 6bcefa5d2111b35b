package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/listener"
)

const listening = `
aaa: {lists: {login: {default: [local], open: [none]}}}
users: [{name: kim, password_file: kim.password}]
lines:
  - {tty: 65, port: "serial:///dev/ttyS0", rotary: 1}
  - {tty: 66, port: "serial:///dev/ttyS1", modem: callin, rotary: 2}
`

func TestListen(t *testing.T) {
	c, problems, _ := loadText(t, listening+`
listen:
  - {address: "127.0.0.1:2023", protocol: telnet, to: vty}
  - {address: "[::1]:2065", protocol: rfc2217, line: 65, sessions: 1, login: open}
  - {address: "localhost:2001", protocol: raw, rotary: 1}
  - {address: ":2022", protocol: ssh, to: vty}
  - {address: "127.0.0.1:0", protocol: telnet, to: vty} # ports that the system chooses
  - {address: "127.0.0.1:0", protocol: telnet, rotary: 1}
`, nil)
	if c == nil || strings.Contains(problems, "listen") {
		t.Fatal(problems)
	}
	if len(c.Listen) != 6 {
		t.Fatalf("%d listeners", len(c.Listen))
	}
	if l := c.Listen[0]; !l.Target.VTY() || l.Protocol != listener.Telnet || l.Sessions != 16 ||
		l.Lists.Of("login") != "default" {
		t.Errorf("%+v", l)
	}
	if l := c.Listen[1]; l.Target.Line != 65 || l.Target.VTY() || l.Sessions != 1 || l.Lists.Of("login") != "open" {
		t.Errorf("%+v", l)
	}
	if l := c.Listen[2]; l.Target.Rotary == nil || *l.Target.Rotary != 1 || l.Target.VTY() {
		t.Errorf("%+v", l)
	}
}

func TestListenProblems(t *testing.T) {
	for entry, want := range map[string]string{
		`{protocol: telnet, to: vty}`:                                         "listen[0].address: is required",
		`{address: "127.0.0.1:2023", to: vty}`:                                "listen[0].protocol: is required",
		`{address: "2023", protocol: telnet, to: vty}`:                        "must be HOST:PORT",
		`{address: "127.0.0.1:99999", protocol: telnet, to: vty}`:             "from 0 to 65535",
		`{address: "127.0.0.1:2023", protocol: rlogin, to: vty}`:              "protocol",
		`{address: "127.0.0.1:2023", protocol: telnet}`:                       "write to: vty for the EXEC",
		`{address: "127.0.0.1:2023", protocol: telnet, to: vty, line: 65}`:    "to and line exclude each other",
		`{address: "127.0.0.1:2023", protocol: telnet, line: 99}`:             "there is no line 99",
		`{address: "127.0.0.1:2023", protocol: telnet, line: 66}`:             "line 66 does not dial",
		`{address: "127.0.0.1:2023", protocol: telnet, rotary: 2}`:            "no line of rotary 2 dials",
		`{address: "127.0.0.1:2023", protocol: rfc2217, to: vty}`:             "a vty has none",
		`{address: "127.0.0.1:2023", protocol: telnet, to: vty, queue: true}`: "a vty has no line",
		`{address: "127.0.0.1:2023", protocol: telnet, to: vty, raw: [ops]}`:  "a vty has no line",
		`{address: "127.0.0.1:2023", protocol: telnet, line: 65, raw: [ops]}`: "no policy file for the group ops",
		`{address: "127.0.0.1:2023", protocol: telnet, to: vty, login: x}`:    `no login method list "x"`,
		`{address: "127.0.0.1:2023", protocol: ssh, to: vty, tls: {cert_file: ringback.pem, key_file: ringback.key}}`:
		// the files are not there, which is said first
		"no such file",
		`{address: "192.0.2.1:2023", protocol: telnet, to: vty}`:                                                "use protocol: ssh, add tls:",
		`{address: ":2023", protocol: raw, to: vty}`:                                                            "all addresses of this machine, port 2023",
		`{address: "192.0.2.1:2023", protocol: telnet, to: vty, insecure: true}`:                                "warning: listen[0].address",
		`{address: "127.0.0.1:2023", protocol: telnet, to: vty, sessions: 0}`:                                   "sessions",
		`{address: "127.0.0.1:1", protocol: telnet, to: vty}, {address: "127.0.0.1:1", protocol: raw, to: vty}`: "127.0.0.1:1 is also that of line",
		`{address: "127.0.0.1:0", protocol: raw, to: vty}, {address: "127.0.0.1:0", protocol: raw, to: vty}`:    "127.0.0.1:0 is also that of line",
	} {
		_, problems, _ := loadText(t, listening+"listen: ["+entry+"]\n", nil)
		if !strings.Contains(problems, want) {
			t.Errorf("%s: %s\nmust say %s", entry, problems, want)
		}
	}
	raw := listening + `listen: [{address: "127.0.0.1:2023", protocol: telnet, line: 65, queue: true, raw: [%s]}]` + "\n"
	if _, problems, _ := loadText(t, strings.Replace(raw, "%s", "default", 1), nil); !strings.Contains(problems,
		"does not permit raw access") {
		t.Errorf("raw access without permission: %s", problems)
	}
	c, problems, _ := loadText(t, "policies_dir: raw.d\n"+strings.Replace(raw, "%s", "ops", 1), nil)
	if c == nil || !strings.Contains(problems, "group ops has raw_access") || !c.Listen[0].Queue ||
		!slices.Equal(c.Listen[0].Raw, []string{"ops"}) {
		t.Errorf("raw access: %+v, %s", c, problems)
	}
	// a list that admits everyone must be named
	open := strings.Replace(listening, "default: [local]", "default: [local, none]", 1)
	entry := `listen: [{address: "127.0.0.1:2023", protocol: telnet, to: vty%s}]` + "\n"
	if _, problems, _ := loadText(t, open+strings.Replace(entry, "%s", "", 1), nil); !strings.Contains(problems,
		"accept it with login: default") {
		t.Errorf("a default list with none: %s", problems)
	}
	if c, problems, _ := loadText(t, open+strings.Replace(entry, "%s", ", login: default", 1), nil); c == nil {
		t.Errorf("a named list with none: %s", problems)
	}
}
