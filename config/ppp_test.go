package config

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/netdev"
	"github.com/ringback/ringback/ppp/network"
	"github.com/ringback/ringback/schema"
	pppfront "github.com/ringback/ringback/session/ppp"
)

// pppBase is base with PPP on both lines; tests change it by replacements.
const pppBase = `aaa: {lists: {login: {default: [local]}, ppp: {default: [local]}}}
users: [{name: kim, password_file: kim.password}]
lines:
- {tty: 1, port: "tcp://127.0.0.1:7001", rotary: 1, autoselect: [ppp], ppp_profile: default}
- {tty: 2, port: "tcp://127.0.0.1:7002", rotary: 1, ppp_profile: default}
ppp:
  netdev: userspace
  profiles: [{name: default, address: 10.8.0.1, pool: dialin}]
  pools: [{name: dialin, addresses: [10.8.0.10-10.8.0.20], backup: spare}, {name: spare, addresses: [10.9.0.0/24]}]
  filters: [{name: mail, in: ["allow tcp 192.0.2.25:25"]}]
`

// TestPPPProblems: each row changes pppBase by one replacement and lists all resulting problems.
func TestPPPProblems(t *testing.T) {
	for _, tt := range []struct{ old, new, want string }{
		{"", "", ""},
		// ports that do not carry all octets
		{"tcp://127.0.0.1:7002", "serial:///dev/ttyS0?format=7e1",
			`ringback.yaml:5:18: lines[1].port: PPP needs all octets, and serial:///dev/ttyS0?format=7e1 has 7 data bits or software flow control (use 8 data bits and hardware flow control, or remove ppp_profile)`},
		{`"tcp://127.0.0.1:7002"`, `"serial:///dev/ttyS0", speed: auto`,
			`ringback.yaml:5:48: lines[1].speed: a caller of PPP does not press RETURN, so auto is for logins only (remove it, or ppp_profile)`},
		{`"tcp://127.0.0.1:7002"`, `"serial:///dev/ttyS0", flow_control: software`,
			`ringback.yaml:5:18: lines[1].port: PPP needs all octets, and serial:///dev/ttyS0 has 7 data bits or software flow control (use 8 data bits and hardware flow control, or remove ppp_profile)`},
		// names
		{"ppp_profile: default}\nppp", "ppp_profile: defalt}\nppp",
			`ringback.yaml:5:66: lines[1].ppp_profile: there is no profile "defalt" (did you mean "default"?)`},
		{"ppp_profile: default}\nppp", "ppp_profile: office}\nppp",
			`ringback.yaml:5:66: lines[1].ppp_profile: there is no profile "office" (write it into ppp.profiles)`},
		{"pool: dialin", "pool: dailin",
			`ringback.yaml:8:55: ppp.profiles[0].pool: there is no pool "dailin" (did you mean "dialin"?)`},
		{"backup: spare", "backup: spar",
			`ringback.yaml:9:68: ppp.pools[0].backup: no pool is called "spar"; pools: dialin, spare (did you mean "spare"?)`},
		{"name: spare, addresses: [10.9.0.0/24]", "name: dialin, addresses: [10.9.0.0/24]",
			`ringback.yaml:9:76: ppp.pools[1]: no pool is called "spare"; pools: dialin, dialin` + "\n" +
				`ringback.yaml:9:83: ppp.pools[1].name: the name is used twice`},
		{"pool: dialin}]", "pool: dialin}, {name: default, ipv6: true}]",
			`ringback.yaml:8:71: ppp.profiles[1].name: there are two profiles "default" (give it another name)`},
		{`25:25"]}]`, `25:25"]}, {name: mail}]`,
			`ringback.yaml:10:67: ppp.filters[1].name: the name is used twice`},
		// pools
		{"10.9.0.0/24", "10.8.0.0/24",
			`ringback.yaml:9:38: ppp.pools[0].addresses[0]: overlaps "10.8.0.0/24" of pool spare` + "\n" +
				`ringback.yaml:9:102: ppp.pools[1].addresses[0]: the entry contains 10.8.0.1, the address of profile "default" (leave it out: write a range that begins after it, or two)`},
		{"10.9.0.0/24", "10.8.0.20-10.8.0.30",
			`ringback.yaml:9:102: ppp.pools[1].addresses[0]: overlaps "10.8.0.10-10.8.0.20" of pool dialin`},
		{"10.8.0.10-10.8.0.20", "10.8.0.1-10.8.0.20",
			`ringback.yaml:9:38: ppp.pools[0].addresses[0]: the entry contains 10.8.0.1, the address of profile "default" (leave it out: write a range that begins after it, or two)`},
		{"10.8.0.10-10.8.0.20", "10.8.0.1",
			`ringback.yaml:9:38: ppp.pools[0].addresses[0]: the entry contains 10.8.0.1, the address of profile "default" (leave it out: write a range that begins after it, or two)`},
		{"10.8.0.10-10.8.0.20", "2001:db8::",
			`ringback.yaml:9:38: ppp.pools[0].addresses[0]: 2001:db8:: is not an IPv4 address; IPv6 prefixes stand under prefixes`},
		{", addresses: [10.9.0.0/24]", "",
			`ringback.yaml:9:76: ppp.pools[1]: the pool is empty; give addresses, prefixes, or both`},
		// filters
		{"allow tcp", "pass tcp", `ringback.yaml:10:31: ppp.filters[0].in[0]: unknown action "pass"; use allow or deny`},
		{`["allow tcp 192.0.2.25:25"]`, "[]",
			`ringback.yaml:10:30: ppp.filters[0].in: the list is empty; without rules, leave it out`},
		{`25:25"`, `25:25", "allow tcp 192.0.2.25:25"`,
			`ringback.yaml:10:13: warning: ppp.filters[0]: filter mail: in: rule 2 "allow tcp 192.0.2.25:25" never decides: rule 1 "allow tcp 192.0.2.25:25" matches all its packets (remove it, or move it up)`},
		// profiles
		{"address: 10.8.0.1, ", "",
			`ringback.yaml:8:14: ppp.profiles[0]: profile "default" has neither IPv4 nor IPv6 (write address: 10.8.0.1, ipv6: true, or both)`},
		{"address: 10.8.0.1", "address: 10.8.0.256", `ringback.yaml:8:39: ppp.profiles[0].address: not an IPv4 address`},
		{"address: 10.8.0.1", "address: 127.0.0.1",
			`ringback.yaml:8:39: ppp.profiles[0].address: not an address for an end of a link`},
		{"pool: dialin}", "authentication: [chap, pap, chap]}",
			`ringback.yaml:8:77: ppp.profiles[0].authentication[2]: chap is listed twice (remove one of the two)`},
		{"pool: dialin}", "authentication: []}",
			`ringback.yaml:8:65: ppp.profiles[0].authentication: the list is empty (remove the key, or write an element)`},
		{"pool: dialin}", "authentication: [mschapv2]}",
			`ringback.yaml:8:66: ppp.profiles[0].authentication[0]: "mschapv2" is not "ms-chap-v2", "ms-chap", "chap", "pap" or "eap" (did you mean "ms-chap-v2"?)`},
		{"pool: dialin}", "dns: [ns1]}", `ringback.yaml:8:55: ppp.profiles[0].dns[0]: not an address of a host`},
		{"pool: dialin}", "wins: [\"2001:db8::1\"]}",
			`ringback.yaml:8:56: ppp.profiles[0].wins[0]: not an IPv4 address of a host`},
		// what is not supported
		{"pool: dialin}", "multilink: true}",
			`ringback.yaml:8:49: ppp.profiles[0].multilink: Multilink is not supported: a caller has one link (remove it)`},
		{"  netdev", "  slip: true\n  netdev",
			`ringback.yaml:7:3: ppp.slip: SLIP is not supported: it has no login of its own and no callback (remove it)`},
		{"pool: dialin}", "mppe: required, vj: true}",
			`ringback.yaml:8:49: ppp.profiles[0].mppe: MPPE is not supported: a user whose authorization requires encryption is rejected (remove it)` + "\n" +
				`ringback.yaml:8:65: ppp.profiles[0].vj: header compression of Van Jacobson is not supported (remove it)`},
		// the device
		{"  netdev: userspace\n", "",
			`ringback.yaml:7:3: ppp: profiles need a network device (write netdev: userspace, which needs no privilege, or netdev: tun)`},
		{"userspace\n", "bridge\n", `ringback.yaml:7:11: ppp.netdev: "bridge" is not "userspace" or "tun"`},
		{"netdev: userspace", "netdev: tun\n  userspace: {allow: [127.0.0.1]}",
			`ringback.yaml:8:14: ppp.userspace: netdev tun has no such settings (remove it; the kernel's routes and firewall decide what callers reach)`},
		{"  profiles", "  userspace: {allow: [\"10.0.0.1/8\"], deny: [\"10.0.0.1/8\"], services: [{address: " +
			"10.8.0.1, to: 127.0.0.1:80}]}\n  profiles",
			`ringback.yaml:8:23: ppp.userspace.allow[0]: target "10.0.0.1/8": the network is 10.0.0.0/8` + "\n" +
				`ringback.yaml:8:45: ppp.userspace.deny[0]: bits after the length; write 10.0.0.0/8` + "\n" +
				`ringback.yaml:8:81: ppp.userspace.services[0].address: not an address and a port (write 192.0.2.1:53 or [2001:db8::1]:53)`},
		{"  profiles", "  userspace: {services: [{address: 10.8.0.1:80, to: 127.0.0.1:80}, {address: 10.8.0.1:80, " +
			"to: 127.0.0.1:81}]}\n  profiles",
			`ringback.yaml:8:78: ppp.userspace.services[1].address: service 10.8.0.1:80 is listed twice (remove one of the two)`},
		{"  profiles", "  userspace: {services: [{address: 224.0.0.1:53, to: 127.0.0.1:53}]}\n  profiles",
			`ringback.yaml:8:14: ppp.userspace: service 224.0.0.1:53 to 127.0.0.1:53: both need a unicast address and a port`},
		// lines
		{", ppp_profile: default}\n- {tty: 2", "}\n- {tty: 2",
			`ringback.yaml:4:65: lines[0].autoselect: autoselect needs a ppp_profile (write ppp_profile: NAME, one of ppp.profiles)`},
		{"[ppp]", "[slip]",
			`ringback.yaml:4:66: lines[0].autoselect[0]: "slip" is not "ppp", "during_login" or "dedicated"`},
		{"[ppp]", "[during_login]",
			`ringback.yaml:4:65: lines[0].autoselect: during_login says when, but not what (write [ppp, during_login])`},
		{"[ppp]", "[dedicated, ppp]",
			`ringback.yaml:4:65: lines[0].autoselect: a dedicated line has no login to select PPP from (write [dedicated], or [ppp, during_login])`},
		{", ppp: {default: [local]}", "",
			`ringback.yaml:4:85: lines[0].ppp_profile: there is no ppp method list "default": nobody could log in (write aaa: {lists: {ppp: {default: [local]}}})` + "\n" +
				`ringback.yaml:5:66: lines[1].ppp_profile: there is no ppp method list "default": nobody could log in (write aaa: {lists: {ppp: {default: [local]}}})`},
		// methods that the AAA server cannot check
		{"aaa: {lists: {login: {default: [local]}, ppp: {default: [local]}}}", "aaa: {tacacs: [{name: t, " +
			"address: \"127.0.0.1:49\", secret_file: radius.secret}], lists: {login: {default: [local]}, ppp: " +
			"{default: [tacacs]}}}",
			"ringback.yaml:4:85: " + `warning: lines[0].ppp_profile: profile "default" offers ms-chap-v2, which TACACS+ alone, the ppp list "default", cannot authenticate (write authentication: [chap, pap] in its profile)` + "\n" +
				"ringback.yaml:5:66: " + `warning: lines[1].ppp_profile: profile "default" offers ms-chap-v2, which TACACS+ alone, the ppp list "default", cannot authenticate (write authentication: [chap, pap] in its profile)`},
		{"aaa: {lists: {login: {default: [local]}, ppp: {default: [local]}}}", "aaa: {tacacs: [{name: t, " +
			"address: \"127.0.0.1:49\", secret_file: radius.secret}], lists: {login: {default: [local]}, ppp: " +
			"{default: [tacacs, local]}}}", ""},
		// lines that call back
		{"rotary: 1, autoselect: [ppp], ppp_profile: default}\n- {tty: 2, port: \"tcp://127.0.0.1:7002\", rotary: " +
			"1, ppp_profile: default}",
			"rotary: 1, modem: callin, ppp_profile: default}\n- {tty: 2, port: \"tcp://127.0.0.1:7002\", rotary: 1}",
			`ringback.yaml:4:9: lines[0].tty: callers of PPP on tty 1 could only be called back by lines without ppp_profile: rotary 1, tty 2 (give one of them a ppp_profile, or write ppp: {callback: false})` + "\n" +
				`ringback.yaml:5:9: warning: lines[1].tty: callers on tty 2 are called back by the same line: a caller that never hangs up can wait for the dial (give it a rotary with another line that dials)`},
		{"rotary: 1, ppp_profile: default}\nppp:", "rotary: 1}\nppp:", ""}, // tty 1 dials itself
		{"rotary: 1, autoselect: [ppp], ppp_profile: default}\n- {tty: 2, port: \"tcp://127.0.0.1:7002\", rotary: " +
			"1, ppp_profile: default}\nppp:",
			"rotary: 1, modem: callin, ppp_profile: default}\n- {tty: 2, port: \"tcp://127.0.0.1:7002\", rotary: " +
				"1}\nppp:\n  callback: false",
			`ringback.yaml:5:9: warning: lines[1].tty: callers on tty 2 are called back by the same line: a caller that never hangs up can wait for the dial (give it a rotary with another line that dials)`},
	} {
		text := strings.Replace(pppBase, tt.old, tt.new, 1)
		if tt.old != "" && text == pppBase {
			t.Fatalf("%q is not in the file", tt.old)
		}
		if _, got, _ := loadText(t, text, nil); got != tt.want {
			t.Errorf("%s → %s:\n%s\nwant\n%s", tt.old, tt.new, got, tt.want)
		}
	}
}

// TestTUN: the device is refused where the machine has none.
func TestTUN(t *testing.T) {
	text := strings.Replace(pppBase, "userspace", "tun", 1)
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("netdev tun: stat /dev/net/tun: no such file or directory (load the kernel module: modprobe tun)"),
			"ringback.yaml:7:11: ppp.netdev: netdev tun: stat /dev/net/tun: no such file or directory (load the " +
				"kernel module: modprobe tun) (or write netdev: userspace)"},
	} {
		l := &loader{file: "ringback.yaml", dir: "/d", tun: func() error { return tt.err },
			read: func(string, int64) ([]byte, access, error) {
				return []byte("secret\n"), access{mode: 0o600}, nil
			},
			policies: func(string, policies.Site) (*policies.Set, Problems) { return &policies.Set{}, nil }}
		c, problems := l.load([]byte(text), nil)
		if got := problems.Only(schema.Error).String(); got != tt.want || c != nil && c.PPP.Netdev != NetdevTUN {
			t.Errorf("%s\nwant %s", got, tt.want)
		}
	}
}

// TestNamesForPolicies: policy files are checked against the pools and filters, but not if those have errors.
func TestNamesForPolicies(t *testing.T) {
	const pools = "  pools: [{name: dialin, addresses: [10.8.0.10]}, {name: spare, addresses: [10.9.0.0/24]}]\n"
	const filters = "  filters: [{name: web, in: [\"allow tcp :80\"]}]\n"
	for _, tt := range []struct {
		text           string
		pools, filters []string
	}{
		{base, []string{}, []string{}},
		{base + "ppp:\n" + pools + filters, []string{"dialin", "spare"}, []string{"web"}},
		{base + "ppp:\n" + strings.Replace(pools, "10.8.0.10", "10.8.0.300", 1) + filters, nil, []string{"web"}},
		{base + "ppp:\n" + pools + strings.Replace(filters, "allow", "pass", 1), []string{"dialin", "spare"}, nil},
	} {
		var site policies.Site
		l := &loader{file: "ringback.yaml", dir: "/d",
			read: func(string, int64) ([]byte, access, error) {
				return []byte("secret\n"), access{mode: 0o600}, nil
			},
			policies: func(_ string, s policies.Site) (*policies.Set, Problems) {
				site = s
				return &policies.Set{}, nil
			}}
		l.load([]byte(tt.text), nil)
		if !reflect.DeepEqual(site.Pools, tt.pools) || !reflect.DeepEqual(site.Filters, tt.filters) {
			t.Errorf("%s\n%q %q", tt.text, site.Pools, site.Filters)
		}
	}
}

// TestPPPOnly: a configuration that calls back users of PPP alone is checked like one that calls back those of the
// EXEC.
func TestPPPOnly(t *testing.T) {
	const alone = "{tty: 2, port: \"tcp://127.0.0.1:7002\", rotary: 1, ppp_profile: default}"
	user := "users: [{name: kim, password_file: kim.password, callback: {dialstring: \"84001\"}}]"
	text := strings.NewReplacer("\n- "+alone, "", "\nppp:", "\nexec: {callback: false}\nppp:",
		"users: [{name: kim, password_file: kim.password}]", user).Replace(pppBase)
	_, warnings, _ := loadText(t, text, nil)
	if want := "lines[0].tty: callers on tty 1 are called back by the same line"; !strings.Contains(warnings, want) ||
		strings.Contains(warnings, "will be rejected") {
		t.Errorf("warnings %s", warnings)
	}
	_, warnings, _ = loadText(t, strings.Replace(text, "\nppp:", "\nppp:\n  callback: false", 1), nil)
	if !strings.Contains(warnings, `user "kim" will be rejected`) || strings.Contains(warnings, "same line") {
		t.Errorf("no callbacks: warnings %s", warnings)
	}
}

// TestPPP: what a file means, and what it means without its optional keys.
func TestPPP(t *testing.T) {
	c, problems, _ := loadText(t, strings.NewReplacer(
		"autoselect: [ppp]", "autoselect: [dedicated]",
		"pool: dialin}]", `pool: dialin}, {name: office, authentication: [eap, ms-chap], callback: [cbcp, initiate], `+
			`ipv6: true, dns: ["2001:db8::53"], idle_timeout: 15m, echo: {every: 0s, misses: 7}}]`,
		"  profiles", `  userspace: {allow: ["127.0.0.1:80", "192.0.2.0/24"], deny: ["::/0"], services: [{address: `+
			`10.8.0.1:53, to: 127.0.0.53:53}]}`+"\n  profiles",
	).Replace(pppBase), nil)
	if c == nil {
		t.Fatal(problems)
	}
	addr := netip.MustParseAddr
	want := []PPPProfile{
		{pppfront.Profile{Name: "ringback", Authentication: []lcp.Auth{lcp.MSCHAPv2, lcp.CHAP, lcp.PAP}, CBCP: true,
			RFC1570: true, IPv4: true, Echo: lcp.Echo{Every: 30 * time.Second, Misses: 4}},
			network.Profile{Name: "default", Address: addr("10.8.0.1"), Pool: "dialin"}},
		{pppfront.Profile{Name: "ringback", Authentication: []lcp.Auth{lcp.EAP, lcp.MSCHAPv1}, CBCP: true,
			Initiate: true, IPv6: true, IdleTimeout: 15 * time.Minute, Echo: lcp.Echo{Misses: 7}},
			network.Profile{Name: "office", IPv6: true, DNS: []netip.Addr{addr("2001:db8::53")}}},
	}
	if !reflect.DeepEqual(c.PPP.Profiles, want) {
		t.Errorf("%+v", c.PPP.Profiles)
	}
	if want := (netdev.Reach{
		Allow: []netdev.Target{{Net: netip.MustParsePrefix("127.0.0.1/32"), Port: 80},
			{Net: netip.MustParsePrefix("192.0.2.0/24")}},
		Deny: []netip.Prefix{netip.MustParsePrefix("::/0")},
		Services: map[netip.AddrPort]netip.AddrPort{
			netip.MustParseAddrPort("10.8.0.1:53"): netip.MustParseAddrPort("127.0.0.53:53")},
	}); !reflect.DeepEqual(c.PPP.Reach, want) {
		t.Errorf("%+v", c.PPP.Reach)
	}
	if got := fmt.Sprint(c.Lines[0].PPP, c.Lines[1].PPP); got != "{3 default} {0 default}" {
		t.Error(got)
	}
	if v4, _, _ := c.PPP.Pools.Sizes("spare"); v4 != 254 || c.PPP.Filters.Lookup("mail") == nil {
		t.Errorf("%d addresses, filters %v", v4, c.PPP.Filters.Names())
	}
	c, _, _ = loadText(t, strings.Replace(pppBase, "\nppp:", "\nppp:\n  callback: false", 1), nil)
	if c == nil || c.PPP.Profiles[0].Front.CBCP || c.PPP.Profiles[0].Front.RFC1570 {
		t.Error("callbacks are off, and callers may ask for one")
	}
	for text, want := range map[string]pppfront.Mode{"[ppp]": pppfront.Autoselect,
		"[during_login, ppp]": pppfront.DuringLogin, "[]": pppfront.TextOnly} {
		c, problems, _ := loadText(t, strings.Replace(pppBase, "[ppp]", text, 1), nil)
		if c == nil || c.Lines[0].PPP.Mode != want {
			t.Errorf("%s: %s", text, problems)
		}
	}
}

// The methods of a policy are those of profiles. A policy that accepts none that a line offers is reported where it is
// written, unless the list is empty.
func TestPolicyPPPAuth(t *testing.T) {
	var all []string
	for _, m := range authMethods {
		all = append(all, m.text)
	}
	if !slices.Equal(policies.PPPMethods(), all) {
		t.Errorf("methods of policies %q, of profiles %q", policies.PPPMethods(), all)
	}
	dir := samples(t)
	for text, want := range map[string]string{
		"ppp: {auth: [eap, pap]}": "",
		"ppp: {auth: []}":         "",
		"ppp: {auth: [eap, ms-chap]}": "policies.d/own.yaml:2:14: warning: ppp.auth: no line offers a method of this " +
			"list, so PPP rejects the users of group own; lines offer chap, ms-chap-v2, pap (change this list, or " +
			"authentication of the profiles in full.yaml)",
		"ppp: {auth: [mschap]}": "policies.d/own.yaml:2:14: ppp.auth[0]: ",
	} {
		if err := os.WriteFile(filepath.Join(dir, "policies.d", "own.yaml"), []byte("group: own\n"+text+"\n"),
			0o600); err != nil {
			t.Fatal(err)
		}
		_, problems := Load(filepath.Join(dir, "full.yaml"), nil)
		got := ""
		for line := range strings.Lines(strings.ReplaceAll(problems.String(), dir+"/", "")) {
			if strings.Contains(line, "own.yaml") {
				got += line
			}
		}
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// TestPolicyPPPTerms: a policy names pools and filters of the configuration. A grant that is not in the group's pool is
// rejected before its callback is promised.
func TestPolicyPPPTerms(t *testing.T) {
	dir := samples(t)
	load := func(text string) (*Config, string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "policies.d", "own.yaml"), []byte("group: own\n"+text+"\n"),
			0o600); err != nil {
			t.Fatal(err)
		}
		c, problems := Load(filepath.Join(dir, "full.yaml"), nil)
		return c, strings.ReplaceAll(problems.Only(schema.Error).String(), dir+"/", "")
	}
	for text, want := range map[string]string{
		"ppp: {pool: nobody}": `policies.d/own.yaml:2:13: ppp.pool: no pool is called "nobody"; ppp.pools of ` +
			"ringback.yaml has ",
		"ppp: {filter: nobody}": `policies.d/own.yaml:2:15: ppp.filter: no filter is called "nobody"; ppp.filters ` +
			"of ringback.yaml has ",
	} {
		if _, got := load(text); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	c, problems := load("ppp: {pool: dialin}")
	if problems != "" {
		t.Fatal(problems)
	}
	for address, want := range map[string]string{"10.8.0.20": "", "192.0.2.9": "AAA grants 192.0.2.9/32, which is " +
		"not in pool dialin, the ppp.pool of the group's policy"} {
		granted := aaa.Result{Identity: aaa.Identity{User: "kim"}, Auth: aaa.Authorization{Callback: true,
			Dialstring: aaa.DialstringOf("84001"), Groups: []string{"own"}, FilterIDs: []string{"own"},
			Framed: &aaa.Framed{Address: address}}}
		asked := policies.Ask(aaa.Request{Service: aaa.PPP}, granted, policies.Line{}, time.Now(), policies.Used{})
		d, trace := c.Policies.Evaluate(asked)
		if (d.Outcome == policies.CallBack) != (want == "") || want != "" && d.Reason != want {
			t.Errorf("%s: %+v\n%s", address, d, trace)
		}
	}
}
