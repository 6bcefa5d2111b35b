package filter

import (
	"slices"
	"strings"
	"testing"
)

// TestText has rules and their canonical text.
func TestText(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{"allow tcp 192.0.2.25:25", "allow tcp 192.0.2.25:25"},
		{"allow ip", "allow ip any"},
		{"  allow \t ip any ", "allow ip any"},
		{"allow tcp any:25", "allow tcp :25"},
		{"allow 6 :25", "allow tcp :25"},
		{"allow 17", "allow udp any"},
		{"allow 1 192.0.2.1", "allow icmp 192.0.2.1"},
		{"allow 58 [2001:db8::1]", "allow icmpv6 [2001:db8::1]"},
		{"allow 089", "allow 89 any"},
		{"allow udp 192.0.2.0/24:>1023", "allow udp 192.0.2.0/24:1024-65535"},
		{"allow udp 192.0.2.1/32:<1024", "allow udp 192.0.2.1:0-1023"},
		{"allow tcp :80,443,8000-8100", "allow tcp :80,443,8000-8100"},
		{"allow tcp :25-25", "allow tcp :25"},
		{"allow tcp [2001:DB8:0::1]:25", "allow tcp [2001:db8::1]:25"},
		{"allow ip 2001:db8::/32", "allow ip [2001:db8::/32]"},
		{"allow ip [2001:db8::1/128]", "allow ip [2001:db8::1]"},
		{"allow ip 0.0.0.0/0", "allow ip 0.0.0.0/0"},
		{"allow ip ::/0", "allow ip [::/0]"},
		{"allow tcp established", "allow tcp any established"},
		{"allow tcp :>1023 established", "allow tcp :1024-65535 established"},
	} {
		f, err := Parse(Config{Name: "f", In: []string{c.rule}})
		if err != nil {
			t.Error(err)
			continue
		}
		if got := f.Config().In; !slices.Equal(got, []string{c.want}) {
			t.Errorf("%q: %q, want %q", c.rule, got, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{"", `such as "allow udp 192.0.2.53:53"`},
		{"allow", "expected an action, a protocol and a remote host"},
		{"permit ip any", `unknown action "permit"; use allow or deny`},
		{"count ip any", `unknown action "count"; use allow or deny`},
		{"Allow ip any", `unknown action "Allow"`},
		{"allow tpc any", `unknown protocol "tpc"`},
		{"allow 256 any", `unknown protocol "256"`},
		{"allow -1 any", `unknown protocol "-1"`},
		{"allow +6 any", `unknown protocol "+6"`},
		{"allow 0 any", "protocol 0 is an IPv6 extension header"},
		{"allow 44 any", "protocol 44 is an IPv6 extension header"},
		{"allow ip any any", `unexpected "any" after the rule`},
		{"allow tcp any established yes", `unexpected "yes" after the rule`},
		{"allow ip mail.example.com", `"mail.example.com" is not an IP address`},
		{"allow ip 192.0.2", `"192.0.2" is not an IP address`},
		{"allow ip 192.0.2.025", `"192.0.2.025" is not an IP address`},
		{"allow ip 192.0.2.25/24", "192.0.2.25/24 has bits after its length; write 192.0.2.0/24 or 192.0.2.25"},
		{"allow ip 192.0.2.0/33", "is not a prefix"},
		{"allow ip 192.0.2.0/255.255.255.0", "is not a prefix"},
		{"allow ip 2001:db8::1", "an IPv6 host needs brackets"},
		{"allow tcp 2001:db8::1:25", "an IPv6 host needs brackets"},
		{"allow tcp 2001:db8::/32:25", "an IPv6 host needs brackets"},
		{"allow tcp [2001:db8::1", "has no closing bracket"},
		{"allow tcp [2001:db8::1]25", `unexpected "25" after the bracket`},
		{"allow tcp [192.0.2.25]:25", "in brackets is not an IPv6 address"},
		{"allow tcp []:25", "in brackets is not an IPv6 address"},
		{"allow ip [fe80::1%eth0]", "is not an IP address"},
		{"allow ip [::ffff:192.0.2.25]", "write the IPv4 address 192.0.2.25"},
		{"allow ip ::ffff:192.0.2.0/120", "write an IPv4 prefix"},
		{"allow tcp :", `"" is not a port`},
		{"allow tcp :65536", `"65536" is not a port`},
		{"allow tcp :smtp", `"smtp" is not a port`},
		{"allow tcp :2048-1024", `"2048-1024" is not a port`},
		{"allow tcp :1-2-3", `"1-2-3" is not a port`},
		{"allow tcp :1024-", `"1024-" is not a port`},
		{"allow tcp :>65535", `">65535" is not a port`},
		{"allow tcp :<0", `"<0" is not a port`},
		{"allow tcp :80,,443", `"80,,443" is not a port`},
		{"allow ip :25", "ports need the protocol tcp or udp, not ip"},
		{"allow 89 :25", "ports need the protocol tcp or udp, not 89"},
		{"allow udp any established", "established needs the protocol tcp, not udp"},
		{"allow icmp [2001:db8::1]", "for an IPv6 host use icmpv6"},
		{"allow icmpv6 192.0.2.1", "for an IPv4 host use icmp"},
	} {
		_, err := Parse(Config{Name: "f", In: []string{c.rule}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %q", c.rule, err, c.want)
		}
	}
}

// TestListErrors has lists that change nothing, and names.
func TestListErrors(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string // "": no error
	}{
		{Config{Name: "f"}, ""},
		{Config{Name: "f", In: []string{}}, "in: the list is empty"},
		{Config{Name: "f", In: []string{"deny tcp :25"}}, `in: no rule allows a packet`},
		{Config{Name: "f", Out: []string{"deny ip any", "deny tcp :25"}}, `out: no rule allows a packet`},
		{Config{Name: "f", In: []string{"deny tcp :25", "allow ip any"}}, ""},
		{Config{Name: "f", In: []string{"deny ip any"}}, ""},
		{Config{Name: "f", In: []string{"deny tcp :25", "deny ip"}}, ""},
		{Config{Name: "f", In: []string{"deny ip 0.0.0.0/0"}}, `in: no rule allows a packet`},
		{Config{Name: "f", Idle: []string{"count tcp :22"}}, `idle: no rule ignores a packet`},
		{Config{Name: "f", Idle: []string{"count tcp :22", "count ip any"}}, `idle: no rule ignores a packet`},
		{Config{Name: "f", Idle: []string{"ignore udp :123"}}, ""},
		{Config{Name: "f", Idle: []string{"allow udp :123"}}, `unknown action "allow"; use count or ignore`},
		{Config{}, "a name has printable characters without spaces"},
		{Config{Name: "a b"}, "a name has printable characters without spaces"},
		{Config{Name: "a\x00"}, "a name has printable characters without spaces"},
	} {
		_, err := Parse(c.config)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q", c.config, err, c.want)
		}
	}
}

func TestUnreachable(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want string // the rules, as "later<earlier"
	}{
		{[]string{"allow ip any", "deny tcp :25"}, "2<1"},
		{[]string{"allow tcp 192.0.2.0/24", "deny tcp 192.0.2.25:25 established"}, "2<1"},
		{[]string{"allow tcp :20-30", "allow tcp :25,26"}, "2<1"},
		{[]string{"allow tcp :20-30", "allow tcp :25,31"}, ""},
		{[]string{"allow tcp :25", "allow tcp any"}, ""},
		{[]string{"allow tcp 192.0.2.25", "allow tcp 192.0.2.0/24"}, ""},
		{[]string{"allow ip 0.0.0.0/0", "allow ip ::/0"}, ""},
		{[]string{"deny ip 0.0.0.0/0", "allow tcp 192.0.2.25"}, "2<1"},
		{[]string{"allow tcp any established", "allow tcp any"}, ""},
		{[]string{"allow tcp any", "allow ip any"}, ""},
		{[]string{"deny tcp :25", "allow tcp :25"}, ""}, // which still decides about later fragments
		{[]string{"allow tcp :25", "deny tcp :25"}, "2<1"},
		{[]string{"allow udp any", "allow udp any", "allow udp any"}, "2<1 3<1"},
	} {
		var got []string
		for _, s := range mustParse(t, Config{In: c.in}).Unreachable() {
			_, earlier, _ := strings.Cut(s, "never decides: rule ")
			got = append(got, strings.TrimPrefix(s, "in: rule ")[:1]+"<"+earlier[:1])
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q: %q, want %q", c.in, s, c.want)
		}
	}
	s := mustParse(t, Config{Idle: []string{"ignore ip", "ignore udp :123"}}).Unreachable()
	want := `idle: rule 2 "ignore udp :123" never decides: rule 1 "ignore ip any" matches all its packets`
	if !slices.Equal(s, []string{want}) {
		t.Errorf("%q, want %q", s, want)
	}
}
