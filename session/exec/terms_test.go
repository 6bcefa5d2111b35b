package exec

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
)

// TestTerms: what the Broker's terms take from a session that AAA grants, on both legs: levels above theirs, also by
// `enable`, which asks for no password then; commands, also as autocmd; hosts, also those that the caller names.
func TestTerms(t *testing.T) {
	one, none := 1, []string{}
	within := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	root := aaa.Authorization{PrivLevel: 15}
	for _, tt := range []struct {
		name   string
		terms  session.Terms
		auth   aaa.Authorization
		typed  string
		screen string // after the password
	}{
		{"none", session.Terms{}, root, "show privilege", "show privilege\nCurrent privilege level is 15\n"},
		{"a level", session.Terms{Privilege: &one}, root, "show privilege",
			"show privilege\nCurrent privilege level is 1\n"},
		{"a level above AAA's", session.Terms{Privilege: &one}, aaa.Authorization{}, "show privilege",
			"show privilege\nCurrent privilege level is 0\n"},
		{"enable", session.Terms{Privilege: &one}, root, "enable", "enable\n% Access denied\nmaui-nas-04>"},
		{"enable 2", session.Terms{Privilege: &one}, root, "enable 2", "enable 2\n% Access denied\nmaui-nas-04>"},
		{"enable 1", session.Terms{Privilege: &one}, root, "enable 1", "enable 1\nmaui-nas-04>"},
		{"no commands", session.Terms{Commands: none}, root, "sh priv", "Command authorization failed.\n"},
		{"another command", session.Terms{Commands: []string{"help"}}, root, "show privilege",
			"Command authorization failed.\n"},
		{"the command", session.Terms{Commands: []string{"show"}}, root, "show privilege", "level is 15\n"},
		{"disable", session.Terms{Commands: none}, root, "disable", "disable\nmaui-nas-04>"},
		{"an autocmd", session.Terms{Commands: none}, aaa.Authorization{Autocmd: "show privilege"}, "",
			"Command authorization failed.\n"},
		{"a host", session.Terms{Hosts: within}, root, "telnet 10.0.0.7", "Trying 10.0.0.7 ... Open\n"},
		{"another host", session.Terms{Hosts: within}, root, "telnet 192.0.2.5", "% Connection not allowed\n"},
		{"no hosts", session.Terms{Hosts: []netip.Prefix{}}, root, "telnet 10.0.0.7", "% Connection not allowed\n"},
		{"a host of AAA", session.Terms{Hosts: within}, aaa.Authorization{Host: byTelnet}, "", ""},
		{"an autocmd to another host", session.Terms{Hosts: within}, aaa.Authorization{Autocmd: "telnet 192.0.2.5"}, "",
			"% Connection not allowed\n"},
	} {
		for _, leg := range []session.Leg{{}, {Number: 2, Identity: aaa.Identity{Entry: "radius", User: "kim"}}} {
			t.Run(tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					dialed := ""
					hosts := Hosts{Allow: rules(t, "0.0.0.0/0"), Dial: func(_ context.Context, _, address string) (
						net.Conn, error) {
						dialed = address
						near, far := net.Pipe()
						context.AfterFunc(t.Context(), func() { far.Close() })
						return near, nil
					}}
					p := dialIn(t, scene{login: fakeLogin{"kim": {password: "xxxxx", auth: tt.auth}}, leg: leg,
						cfg:    settings{exec: Config{Hosts: hosts}},
						broker: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit, Terms: tt.terms}}}})
					p.types("kim\r")
					p.types("xxxxx\r")
					p.waits(100 * time.Millisecond)
					if tt.typed != "" {
						p.sees()
						p.types(tt.typed + "\r")
						p.waits(time.Second)
					}
					if s := p.sees(); !strings.Contains(s, tt.screen) {
						t.Errorf("the caller saw %q, want %q", s, tt.screen)
					}
					if want := strings.Contains(tt.screen, "Open"); (dialed != "") != want {
						t.Errorf("dialed %q", dialed)
					}
					p.hangsUp()
				})
			})
		}
	}
}
