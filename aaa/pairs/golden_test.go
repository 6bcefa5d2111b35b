package pairs_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
)

// golden lists pairs and their meaning, written by hand from the documents that table.go names. A | separates several
// pairs. grants is JSON of what differs from a plain grant (privilege level 1), including send_secret; for a refusal it
// is "refused: " and the reason.
var golden = []struct {
	at     place
	pairs  string
	grants string
	fields string // "field | note" of the last pair; "" for a refusal
}{
	// The number: draft-grant-tacacs-02. The sample of the tac_plus users' guide.
	{inEXEC, "callback-dialstring=3456789|callback-line=7|nocallback-verify=1",
		`{"callback":true,"dialstring":"3456789","callback_line":[7],"no_verify":true}`, "no_verify | "},
	{inLCP, "callback-dialstring=6083|send-secret=cisco",
		`{"callback":true,"dialstring":"6083","send_secret":"cisco"}`, "send_secret | "},
	{inEXEC, "callback-dialstring=", `{"callback":true,"dialstring":""}`, "callback, dialstring | "},
	{inEXEC, "callback-dialstring*", `{"callback":true,"dialstring":""}`, "callback, dialstring | "},
	{inEXEC, "callback-dialstring=408-555-1212",
		`{"callback":true,"dialstring":"408-555-1212"}`, "callback, dialstring | "},
	{inEXEC, "callback-line=4", `{"callback":true,"dialstring":"","callback_line":[4]}`, "callback, callback_line | "},
	{inEXEC, "callback-line=7 9", `{"callback":true,"dialstring":"","callback_line":[7,8,9]}`,
		"callback, callback_line | "},
	{inLCP, "callback-line=tty 7-8", `{"callback":true,"dialstring":"","callback_line":[7,8]}`,
		"callback, callback_line | "},
	{inEXEC, "callback-line=0",
		`refused: callback-line: "0" is not a line from 1 to 65535, or a range such as 65-70`, ""},
	{inEXEC, "callback-line*0", `{}`,
		` | "0" is not a line from 1 to 65535, or a range such as 65-70; optional, ignored`},
	{inLCP, "callback-rotary=34",
		`{"callback":true,"dialstring":"","callback_rotary":34}`, "callback, callback_rotary | "},
	{inLCP, "callback-rotary=101", `refused: callback-rotary: "101" is not a number from 0 to 100`, ""},
	{inLCP, "nocallback-verify=1", `refused: nocallback-verify: it cannot be honored in ppp lcp`, ""},
	{inIP, "callback-dialstring=84001", `refused: callback-dialstring: it cannot be honored in ppp ip`, ""},
	{inEXEC, "callback-dialstring=1|callback-dialstring=2",
		`{"callback":true,"dialstring":"1","further_dialstrings":["2"]}`, "callback, dialstring | "},
	{inEXEC, "callback-dialstring#2=1|callback-dialstring#1*2|callback-dialstring#3*2",
		`{"callback":true,"dialstring":"1","further_dialstrings":["2","2"]}`, "callback, dialstring | "},
	{inLCP, "callback-dialstring=1|callback-dialstring=2|callback-dialstring=1",
		`{"callback":true,"dialstring":"1","further_dialstrings":["2"]}`, ` | ignored: repeated with the same value`},
	{inEXEC, "callback-dialstring=1|callback-dialstring=", `refused: callback-dialstring: it lets the caller ` +
		`choose the number, but callback-dialstring gives a number`, ""},
	{inEXEC, "callback-dialstring=|callback-dialstring=1", `refused: callback-dialstring: it gives a number, but ` +
		`callback-dialstring lets the caller choose the number`, ""},
	{inEXEC, "callback-dialstring=1|callback-dialstring*", `{"callback":true,"dialstring":"1"}`,
		` | it lets the caller choose the number, but callback-dialstring gives a number; optional, ignored`},
	{inLCP, "dial-number=1|dial-number=2|dial-number=3",
		`{"callback":true,"dialstring":"1","further_dialstrings":["2","3"]}`, "callback, dialstring | "},
	{inEXEC, "dial-number=1|callback-dialstring=1|dial-number=2",
		`{"callback":true,"dialstring":"1","further_dialstrings":["2"]}`, "callback, dialstring | "},
	{inEXEC, "dial-number=1|dial-number=2|callback-dialstring=1|callback-dialstring=3",
		`refused: callback-dialstring: it gives a different number than dial-number`, ""},
	{inEXEC, "dial-number=1|callback-dialstring=", `refused: callback-dialstring: it lets the caller choose the ` +
		`number, but dial-number gives a number`, ""},
	{inEXEC, "dial-number=", `refused: dial-number: it is empty`, ""},
	{inIP, "dial-number=1", `refused: dial-number: it cannot be honored in ppp ip`, ""},
	{inEXEC, "dial-number=0|dial-number=1|dial-number=2|dial-number=3|dial-number=4|dial-number=5|dial-number=6|" +
		"dial-number=7|dial-number=8|dial-number=9|dial-number=10",
		`refused: dial-number: it is one number too many: the maximum is 10`, ""},
	{inEXEC, "callback-line*x|callback-line=4",
		`{"callback":true,"dialstring":"","callback_line":[4]}`, "callback, callback_line | "},

	// The EXEC: RFC 8907 §8.2.
	{inEXEC, "priv-lvl=15", `{"priv_lvl":15}`, "priv_lvl | "},
	{inEXEC, "priv-lvl=0", `{"priv_lvl":0}`, "priv_lvl | "},
	{inEXEC, "priv-lvl=16", `refused: priv-lvl: "16" is not a number from 0 to 15`, ""},
	{inEXEC, "priv-lvl=7|priv-lvl=7", `{"priv_lvl":7}`, ` | ignored: repeated with the same value`},
	{inEXEC, "autocmd=telnet example.com", `{"autocmd":"telnet example.com"}`, "autocmd | "},
	{inEXEC, "autocmd=", `refused: autocmd: it is empty`, ""},
	{inEXEC, "noescape=true|nohangup=true", `{"noescape":true,"nohangup":true}`, "nohangup | "},
	{inEXEC, "nohangup=yes", `refused: nohangup: "yes" is not true, 1, false or 0`, ""},
	{inEXEC, "acl=7", `{"acl":"7"}`, "acl | reported, not enforced"},
	{inEXEC, "timeout=60|idletime=5", `{"session_timeout":"1h0m0s","idle_timeout":"5m0s"}`, "idle_timeout | "},

	// PPP: "an absolute timer for the connection", for every service.
	{inLCP, "timeout=60", `{"session_timeout":"1h0m0s"}`, "session_timeout | "},
	{inIP, "idletime=5", `{"idle_timeout":"5m0s"}`, "idle_timeout | "},
	{inIPv6, "timeout=0", `{}`, "session_timeout | "},
	{inIP, "timeout=-1", `refused: timeout: "-1" is not a number from 0 to 16777216`, ""},

	// Addresses. RFC 2865 §5.8: the access server assigns, the peer chooses.
	{inIP, "addr=10.2.3.4", `{"framed":{"protocol":"PPP","address":"10.2.3.4"}}`, "framed.address | "},
	{inIP, "addr=255.255.255.254", `{"framed":{"protocol":"PPP","address":"assign"}}`, "framed.address | "},
	{inIP, "addr=255.255.255.255", `{"framed":{"protocol":"PPP","address":"negotiate"}}`, "framed.address | "},
	{inIP, "addr=0.0.0.0", `refused: addr: 0.0.0.0 is not an assignable address`, ""},
	{inIP, "addr*0.0.0.0", `{}`, ` | 0.0.0.0 is not an assignable address; optional, ignored`},
	{inIP, "addr=2001:db8::1", `refused: addr: "2001:db8::1" is not an IPv4 address`, ""},
	{inEXEC, "addr=10.2.3.4", `refused: addr: it cannot be honored in an EXEC`, ""},
	{inIP, "addr-pool=boo", `{"framed":{"protocol":"PPP","pool":"boo"}}`, "framed.pool | "},
	{inIPv6, "addr-pool=six", `{"framed":{"protocol":"PPP","ipv6_pool":"six"}}`, "framed.ipv6_pool | "},
	{inIPv6, "prefix#1=2001:db8:8::/56|prefix#2=2001:db8:9::1/64",
		`{"framed":{"protocol":"PPP","ipv6_prefix":["2001:db8:8::/56","2001:db8:9::/64"]}}`, "framed.ipv6_prefix | "},
	{inIP, "dns-servers=192.0.2.1 192.0.2.2",
		`{"framed":{"protocol":"PPP","dns":["192.0.2.1","192.0.2.2"]}}`, "framed.dns | "},
	{inIP, "dns-servers=192.0.2.1 none", `refused: dns-servers: "none" is not an IP address`, ""},
	{inIP, "wins-servers=192.0.2.3", `{"framed":{"protocol":"PPP","wins":["192.0.2.3"]}}`, "framed.wins | "},
	{inIP, "wins-servers*x", `{}`, ` | "x" is not an IP address; optional, ignored`},

	// "Values MUST be of the form <dst_address> <mask> [<routing_addr>]."
	{inIP, "route=10.0.0.0 255.0.0.0|route#1=10.0.0.0 255.0.0.0 10.1.1.1",
		`{"framed":{"protocol":"PPP","routes":["10.0.0.0 255.0.0.0","10.0.0.0 255.0.0.0 10.1.1.1"]}}`,
		"framed.routes | "},
	{inIP, "route=10.0.0.0/8", `refused: route: "10.0.0.0/8" is not a destination, a mask and an optional gateway`, ""},
	{inIP, "route=10.0.0.0 255.0.255.0", `refused: route: 255.0.255.0 is not a mask for 10.0.0.0`, ""},
	{inIPv6, "route=2001:db8:1::/48|route#1=2001:db8:2::/48 2001:db8::1",
		`{"framed":{"protocol":"PPP","routes":["2001:db8:1::/48","2001:db8:2::/48 2001:db8::1"]}}`,
		"framed.routes | "},
	{inIPv6, "route=10.0.0.0 255.0.0.0", `refused: route: "10.0.0.0" is not an IPv6 prefix`, ""},
	{inIPv6, "route=2001:db8:1::/48 10.0.0.1", `refused: route: "10.0.0.1" is not an IPv6 address`, ""},
	{inIPv6, "route=2001:db8:1::/48 2001:db8::1 2",
		`refused: route: "2001:db8:1::/48 2001:db8::1 2" is not an IPv6 prefix and an optional gateway`, ""},
	{inIP, "route=10.0.0.1 255.0.0.0", `refused: route: 255.0.0.0 is not a mask for 10.0.0.1`, ""},
	{inIP, "routing=false", `{}`, ` | ignored: routing protocols are not supported`},
	{inIP, "routing=true", `refused: routing: routing protocols are not supported`, ""},
	{inIP, "routing*true", `{}`, ` | routing protocols are not supported; optional, ignored`},
	{inIP, "inacl=101|inacl=101|inacl#1=permit ip any any",
		`{"framed":{"protocol":"PPP","inacl":["101","permit ip any any"]}}`, "framed.inacl | "},
	{inIP, "outacl#x=1", `refused: outacl#x: it is unknown and mandatory (* instead of = makes it optional)`, ""},

	// Understood but not supported.
	{inLCP, "send-name=maui", `refused: send-name: leg two uses the caller's name`, ""},
	{inLCP, "send-name*maui", `{}`, ` | leg two uses the caller's name; optional, ignored`},
	{inLCP, "send-auth=chap", `refused: send-auth: leg two authenticates as leg one did`, ""},
	{inLCP, "interface-config#1=ip mtu 1400",
		`refused: interface-config#1: there is no IOS interface to configure`, ""},
	{inLCP, "interface-config*ip mtu 1400", `{}`, ` | there is no IOS interface to configure; optional, ignored`},
	{inEXEC, "zonelist=5", `refused: zonelist: it is unknown and mandatory (* instead of = makes it optional)`, ""},
	{inEXEC, "zonelist*5", `{}`, ` | it is unknown; optional, ignored`},

	// A dial-out: Cisco, large-scale dial-out, and its scripts of 12.2(2)T.
	{inOut, "dial-number=5551234|dial-number=5551235", `{"dialstring":"5551234","further_dialstrings":["5551235"],` +
		`"dial_out":{}}`, "dialstring | "},
	{inOut, "modem-script=^out|system-script=unix$|send-name=maui|send-secret=cisco|send-auth=CHAP",
		`{"send_secret":"cisco","dial_out":{"modem_script":"^out","system_script":"unix$","send_name":"maui",` +
			`"send_auth":"chap"}}`, "dial_out.send_auth | "},
	{inOut, "idletime=5|timeout=60|data-service*7|force-56=1", `{"session_timeout":"1h0m0s","idle_timeout":"5m0s",` +
		`"dial_out":{}}`, " | the lines are analog modems, ignored"},
	{inOut, "modem-script=(", `refused: modem-script: "(" is not a regular expression`, ""},
	{inOut, "system-script*(", `{"dial_out":{}}`, ` | "(" is not a regular expression; optional, ignored`},
	{inOut, "send-auth=kerberos", `refused: send-auth: "kerberos" is not none, pap, chap or ms-chap`, ""},
	{inOut, "send-name=a|send-name=b", `refused: send-name: it is repeated with different values`, ""},
	{inOut, "callback-dialstring=84001", `refused: callback-dialstring: it cannot be honored in a dial-out`, ""},
	{inEXEC, "modem-script=x", `refused: modem-script: it cannot be honored in an EXEC`, ""},

	// ringback's own pairs.
	{inEXEC, "ringback:group=staff|ringback:group=staff|group=night", `{"groups":["staff","night"]}`, "groups | "},
	{inIP, "RINGBACK:Group=staff", `{"groups":["staff"]}`, "groups | "},
	{inEXEC, "ringback:group=a b",
		`refused: ringback:group: "a b" is not a plain name (letters, digits, _ and -, at least one letter)`, ""},
	{inEXEC, "ringback:priv-lvl=1",
		`refused: ringback:priv-lvl: it is unknown and mandatory (* instead of = makes it optional)`, ""},
}

func TestGolden(t *testing.T) {
	t.Parallel()
	b := newBoth(t)
	for _, g := range golden {
		got := b.alike(t, g.at, strings.Split(g.pairs, "|")...)
		if why, refuses := strings.CutPrefix(g.grants, "refused: "); refuses {
			if got.refused != why {
				t.Errorf("%s %s: refused %q, want %q", g.at.prefix, g.pairs, got.refused, why)
			}
			_, note, _ := strings.Cut(why, ": ")
			g.fields = " | refused: " + note
		} else if want := wanted(t, g.grants); !reflect.DeepEqual(got.granted, want) || got.refused != "" {
			t.Errorf("%s %s: %s\nwant %+v", g.at.prefix, g.pairs, show(got), want)
		}
		if last := got.fields[len(got.fields)-1]; last != g.fields {
			t.Errorf("%s %s: %q, want %q", g.at.prefix, g.pairs, last, g.fields)
		}
	}
}

func wanted(t *testing.T, text string) aaa.Authorization {
	t.Helper()
	a := aaa.Authorization{PrivLevel: 1}
	if strings.Contains(text, `"priv_lvl"`) {
		a.PrivLevel = 0
	}
	level := a.PrivLevel
	var secret struct {
		SendSecret string `json:"send_secret"`
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if err := json.Unmarshal([]byte(text), &secret); err != nil {
		t.Fatal(err)
	}
	a.PrivLevel, a.SendSecret = max(level, a.PrivLevel), aaa.Secret(secret.SendSecret)
	return a
}

// Every pair of the table has its golden value.
func TestGoldenIsWhole(t *testing.T) {
	said := map[string]bool{"v92-info": true} // RADIUS only; see TestV92
	for _, g := range golden {
		for p := range strings.SplitSeq(g.pairs, "|") {
			name := strings.TrimPrefix(p[:strings.IndexAny(p, "=*")], "ringback:")
			name, _, _ = strings.Cut(name, "#")
			said[name] = true
		}
	}
	for _, row := range pairsTable() {
		if !said[row] {
			t.Errorf("%s has no golden value", row)
		}
	}
}
