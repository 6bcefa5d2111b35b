package ios

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/importer"
)

// TestJoined: a command that begins behind the words of another one is an error.
func TestJoined(t *testing.T) {
	for _, line := range []string{
		"version 12.0 service exec-callback", "service timestamps log datetime msec service exec-callback",
		"ip classless username t password 0 x", "no service password-encryption username t password 0 x",
		"line 1\n modem InOut\n transport input all callback forced-wait 5",
		"interface Async1\n no ip address encapsulation ppp",
		"interface Async1\n peer default ip address pool P ppp callback accept",
		"line 1\n modem InOut\n flowcontrol hardware speed 115200",
		"ip local pool A 10.0.0.1 10.0.0.5 ip local pool B 10.0.0.6 10.0.0.9",
		`chat-script a "" "ATZ" OK line 65 70`, `isdn voice-call-failure 0 chat-script a "" "ATH1" OK`,
		"aaa accounting update periodic 10 enable secret 5 $1$mERr$XI/LndAZzYvhN745bYcc10",
		"aaa group server radius R\n server 10.0.0.1 auth-port 1645 server 10.0.0.2",
		"no-such-command a b interface Async7", "no such thing no service exec-callback",
		"no-such-block\n   a line username t password 0 x", "line 1\n no exec modem InOut",
		"ip classless hostname h", "service pad interface Ethernet0",
	} {
		_, r, err := Import([]byte(line+"\nend\n"), Options{})
		if err == nil {
			t.Errorf("%q is accepted: %+v", line, r.Rows)
		} else if !strings.Contains(err.Error(), "are two lines joined") || strings.Contains(err.Error(), "mERr") {
			t.Errorf("%q: %v", line, err)
		}
	}
	for _, line := range []string{ // and these have the words of other commands
		"description line 1 has hostname h and service exec-callback", "interface Async1\n ppp chap hostname h",
		"ip nat inside source list 1 interface Ethernet0 overload", "access-list 10 remark no login local line 1",
		"snmp-server location line 65 modem InOut", "ip dhcp client hostname h", "privilege exec level 5 line 1",
		"track 4 ip route 0.0.0.0 0.0.0.0 reachability", "alias exec s show line 1",
		"interface Async1\n member 1 peer default ip address 10.0.0.1", "match ip address 101",
		"service timestamps log datetime msec localtime show-timezone", "x25 route 1 interface Serial0",
		"aaa authentication login line local", "line 1\n modem InOut\n transport input telnet rlogin",
		"crypto isakmp key k hostname h", "ip http authentication local", "no service timestamps log datetime msec",
		"interface Async1\n dialer map ip 10.0.0.1 name x speed 56 broadcast 5551000",
		`chat-script a ABORT ERROR ABORT BUSY "" "ATZ" OK "ATDT \T" TIMEOUT 45 CONNECT \c`,
	} {
		if _, _, err := Import([]byte(line+"\nend\n"), Options{}); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestJoinedPairs joins each two neighbors of the samples: no command that is imported is lost, except behind a text
// that may have any words.
func TestJoinedPairs(t *testing.T) {
	for name, text := range samples(t) {
		_, whole, err := Import([]byte(text), Options{})
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(text, "\n")
		for i := 0; i+2 < len(lines); i++ {
			a, b := strings.TrimRight(lines[i], "\n"), strings.TrimSpace(lines[i+1])
			free := strings.TrimSpace(a) == "" || strings.ContainsAny(a[:min(len(a), 2)], "!^") ||
				strings.Contains(a, "#") || oneOf(split(a)[0].text, freeTail) ||
				strings.HasPrefix(a, "banner") || strings.Contains(b, "^C")
			if free || b == "" || b[0] == '!' {
				continue
			}
			joined := strings.Join(lines[:i], "") + a + " " + b + "\n" + strings.Join(lines[i+2:], "")
			_, _, err := Import([]byte(joined), Options{})
			if lost := whole.Rows[i+1].Kind == importer.Imported; err == nil && lost {
				t.Errorf("%s: %q is accepted", name, a+" "+b)
			}
		}
	}
}
