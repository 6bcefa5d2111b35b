package ios

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/importer"
)

// TestTables: literal words of a command come before its arguments, each has a note, and none is hidden by another.
func TestTables(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range commands() {
		if c.note == "" || c.kind == "" || c.mode == "" {
			t.Errorf("%s: no note, kind or mode", c.syntax)
		}
		if key := string(c.mode) + " " + c.syntax; seen[key] {
			t.Errorf("%s is there twice", key)
		} else {
			seen[key] = true
		}
		argument := false
		for _, w := range strings.Fields(c.syntax) {
			literal := w != "…" && strings.ToUpper(w) != w
			if argument && literal {
				t.Errorf("%s: %q stands behind an argument", c.syntax, w)
			}
			argument = argument || !literal && strings.ContainsAny(w, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		}
		var line []word
		pt := compile(&c)
		for _, alternatives := range pt.literals {
			line = append(line, word{text: alternatives[0]})
		}
		for range pt.args {
			line = append(line, word{text: "1"})
		}
		if pt, ok := find(c.mode, line); !ok || pt.syntax != c.syntax {
			t.Errorf("%s: a line of it is taken for %q", c.syntax, pt.syntax)
		}
	}
}

// TestListed: each command that an access server with callback has is a row of the tables, in the mode in which IOS has
// it, with what it becomes.
func TestListed(t *testing.T) {
	const i, h, u = importer.Imported, importer.Harmless, importer.Unsupported
	for _, tt := range []struct {
		mode mode
		line string
		want importer.Kind
	}{
		{global, "service exec-callback", i}, {global, "service timestamps log datetime msec", h},
		{global, "username kim password 0 pw", i}, {global, "enable secret 5 x", i}, {global, "enable password x", i},
		{global, "chat-script rtp x", i}, {global, "line tty 1 4", i}, {global, "line 65 70", i},
		{global, "line aux 0", i}, {global, "line con 0", h}, {global, "line vty 0 4", h},
		{lineMode, "script callback rtp", i}, {lineMode, "script modem-off-hook x", i}, {lineMode, "script dialer x",
			i},
		{lineMode, "script startup x", i}, {lineMode, "script reset x", i}, {lineMode, "script activation x", i},
		{lineMode, "script connection x", u}, {lineMode, "script arap-callback x", u},
		{lineMode, "callback forced-wait 5", i}, {lineMode, "modem InOut", i}, {lineMode, "modem dialin", i},
		{lineMode, "modem callin", i}, {lineMode, "modem ri-is-cd", i}, {lineMode, "modem callout", i},
		{lineMode, "modem host", u}, {lineMode, "modem printer", u}, {lineMode, "modem cts-required", u},
		{lineMode, "modem dtr-active", u}, {lineMode, "modem answer-timeout 30", h},
		{lineMode, "modem autoconfigure type x", i}, {lineMode, "modem autoconfigure discovery", h},
		{lineMode, "rotary 7", i}, {lineMode, "rotary 7 queued by-role", i}, {lineMode, "speed 115200", i},
		{lineMode, "txspeed 115200", i}, {lineMode, "rxspeed 115200", i}, {lineMode, "databits 8", i},
		{lineMode, "parity none", i}, {lineMode, "stopbits 1", i}, {lineMode, "flowcontrol hardware", i},
		{lineMode, "login local", i}, {lineMode, "login authentication x", i}, {lineMode, "login tacacs", i},
		{lineMode, "login", u}, {lineMode, "no login", u}, {lineMode, "password x", u}, {lineMode, "autoselect ppp", i},
		{lineMode, "transport input all", h}, {lineMode, "exec-timeout 10 0", i}, {lineMode, "session-timeout 10", u},
		{lineMode, "privilege level 15", u}, {lineMode, "access-class 1 in", u}, {lineMode, "autohangup", h},
		{lineMode, "autocommand ppp", u}, {lineMode, "arap enable", u},
		{global, "interface Async7", i}, {global, "interface Group-Async1", i}, {global, "interface Dialer1", i},
		{global, "interface Virtual-Template1", i}, {interfaceMode, "group-range 1 8", i},
		{interfaceMode, "encapsulation ppp", i}, {interfaceMode, "peer default ip address pool x", i},
		{interfaceMode, "peer default ip address 10.0.0.1", i}, {interfaceMode, "async mode interactive", i},
		{interfaceMode, "async mode dedicated", i}, {interfaceMode, "ip unnumbered Ethernet0", i},
		{interfaceMode, "ppp callback accept", i}, {interfaceMode, "ppp callback initiate", i},
		{interfaceMode, "ppp callback secure", u}, {interfaceMode, "ppp callback request", u},
		{interfaceMode, "ppp authentication chap", i}, {interfaceMode, "ppp authorization x", i},
		{interfaceMode, "ppp accounting x", i}, {interfaceMode, "ppp multilink", u},
		{interfaceMode, "dialer in-band", h}, {interfaceMode, "dialer idle-timeout 60", i},
		{interfaceMode, "dialer map ip x", u}, {interfaceMode, "dialer string 5", u},
		{interfaceMode, "dialer rotary-group 1", u}, {interfaceMode, "dialer-group 1", u},
		{interfaceMode, "dialer callback-secure", u}, {interfaceMode, "isdn switch-type x", u},
		{global, "map-class dialer x", u}, {mapMode, "dialer callback-server username", u},
		{global, "ip local pool x 10.0.0.1 10.0.0.9", i}, {global, "arap callback", u}, {global, "arap network 1 x", u},
		{global, "aaa new-model", i}, {global, "aaa authentication login default local", i},
		{global, "aaa authentication ppp default local", i}, {global, "aaa authentication enable default enable", i},
		{global, "aaa authorization exec default local", i}, {global, "aaa authorization network default local", i},
		{global, "aaa authorization commands 15 default group tacacs+", i},
		{global, "aaa accounting exec default start-stop group radius", i},
		{global, "aaa accounting network default wait-start group radius", i},
		{global, "aaa accounting commands 15 default stop-only group tacacs+", i},
		{global, "aaa group server radius x", i}, {global, "aaa group server tacacs+ x", i}, {groupMode,
			"server 10.0.0.1", i},
		{groupMode, "server name x", i}, {global, "radius-server host 10.0.0.1", i}, {global, "radius-server key x", i},
		{global, "radius server x", i}, {radiusMode, "address ipv4 10.0.0.1", i}, {radiusMode, "key x", i},
		{global, "tacacs-server host 10.0.0.1", i}, {global, "tacacs-server key x", i}, {global, "tacacs server x", i},
		{tacacsMode, "address ipv4 10.0.0.1", i}, {tacacsMode, "key x", i},
		{global, "privilege exec level 5 show", u}, {global, "banner motd ^C", i}, {global, "banner exec ^C", u},
		{global, "isdn switch-type x", u}, {global, "ip route 0.0.0.0 0.0.0.0 10.0.0.1", h},
		{global, "access-list 1 permit any", u}, {global, "ntp server 10.0.0.1", h},
		{global, "snmp-server community x", u}, {global, "dialer-list 1 protocol ip permit", u},
	} {
		pt, ok := find(tt.mode, split(tt.line))
		if !ok || pt.kind != tt.want {
			t.Errorf("%s in %s: %q, %s; want %s", tt.line, tt.mode, pt.syntax, pt.kind, tt.want)
		}
	}
}
