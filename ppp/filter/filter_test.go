package filter

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func mustParse(t testing.TB, c Config) *Filter {
	t.Helper()
	c.Name = "test"
	f, err := Parse(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const (
	caller  = "10.8.0.10"
	mail    = "192.0.2.25"
	other   = "198.51.100.1"
	caller6 = "2001:db8:8::10"
	mail6   = "2001:db8::25"
)

// to is a packet from the caller to port of a host.
func to(host string, protocol byte, port uint16) spec {
	src := caller
	if netip.MustParseAddr(host).Is6() {
		src = caller6
	}
	return spec{src: src, dst: host, protocol: protocol, sport: 40000, dport: port}
}

func TestIn(t *testing.T) {
	mailOnly := []string{"allow tcp 192.0.2.25:25,587"}
	noMail := []string{"deny tcp :25", "deny tcp 192.0.2.0/24:110", "allow ip any"}
	for _, c := range []struct {
		name  string
		rules []string
		p     spec
		want  Verdict
	}{
		{"host and port", mailOnly, to(mail, 6, 25), Verdict{Pass: true, Rule: 1}},
		{"second port", mailOnly, to(mail, 6, 587), Verdict{Pass: true, Rule: 1}},
		{"another port", mailOnly, to(mail, 6, 26), Verdict{}},
		{"another host", mailOnly, to(other, 6, 25), Verdict{}},
		{"another protocol", mailOnly, to(mail, 17, 25), Verdict{}},
		{"the caller's port is not the remote's", mailOnly,
			spec{src: caller, dst: mail, protocol: 6, sport: 25, dport: 80}, Verdict{}},
		{"the caller's address is not the remote's", mailOnly,
			spec{src: mail, dst: other, protocol: 6, sport: 25, dport: 25}, Verdict{}},
		{"IPv6 with an IPv4 rule", mailOnly, to(mail6, 6, 25), Verdict{}},
		{"implicit deny of other protocols", mailOnly, to(mail, 1, 0), Verdict{}},
		{"denied by port", noMail, to(other, 6, 25), Verdict{Rule: 1}},
		{"denied by prefix and port", noMail, to("192.0.2.255", 6, 110), Verdict{Rule: 2}},
		{"outside of the prefix", noMail, to("192.0.3.0", 6, 110), Verdict{Pass: true, Rule: 3}},
		{"any port covers IPv6", noMail, to(mail6, 6, 25), Verdict{Rule: 1}},
		{"ip any covers IPv6", noMail, to(mail6, 17, 25), Verdict{Pass: true, Rule: 3}},
		{"first rule decides", []string{"allow ip 192.0.2.25", "deny ip 192.0.2.25"}, to(mail, 6, 1),
			Verdict{Pass: true, Rule: 1}},
		{"IPv6 host", []string{"allow tcp [2001:db8::25]:25"}, to(mail6, 6, 25), Verdict{Pass: true, Rule: 1}},
		{"IPv6 prefix", []string{"allow tcp 2001:db8::/64"}, to(mail6, 6, 25), Verdict{Pass: true, Rule: 1}},
		{"outside of the IPv6 prefix", []string{"allow tcp 2001:db8:0:1::/64"}, to(mail6, 6, 25), Verdict{}},
		{"IPv4 in IPv6 form is not IPv4", []string{"allow ip 0.0.0.0/0"}, to("::ffff:192.0.2.25", 6, 25), Verdict{}},
		{"range, first", []string{"allow udp :1024-2048"}, to(mail, 17, 1024), Verdict{Pass: true, Rule: 1}},
		{"range, last", []string{"allow udp :1024-2048"}, to(mail, 17, 2048), Verdict{Pass: true, Rule: 1}},
		{"range, before", []string{"allow udp :1024-2048"}, to(mail, 17, 1023), Verdict{}},
		{"range, after", []string{"allow udp :1024-2048"}, to(mail, 17, 2049), Verdict{}},
		{"above", []string{"allow udp :>1023"}, to(mail, 17, 1023), Verdict{}},
		{"above, next", []string{"allow udp :>1023"}, to(mail, 17, 1024), Verdict{Pass: true, Rule: 1}},
		{"above, last", []string{"allow udp :>1023"}, to(mail, 17, 65535), Verdict{Pass: true, Rule: 1}},
		{"below", []string{"allow udp :<1024"}, to(mail, 17, 1024), Verdict{}},
		{"below, last", []string{"allow udp :<1024"}, to(mail, 17, 1023), Verdict{Pass: true, Rule: 1}},
		{"icmp", []string{"allow icmp any"}, to(mail, 1, 0), Verdict{Pass: true, Rule: 1}},
		{"icmpv6", []string{"allow icmpv6 any"}, to(mail6, 58, 0), Verdict{Pass: true, Rule: 1}},
		{"number", []string{"allow 47 192.0.2.25"}, to(mail, 47, 0), Verdict{Pass: true, Rule: 1}}, // GRE
		{"AH is a protocol", []string{"allow 51 any"}, to(mail6, 51, 0), Verdict{Pass: true, Rule: 1}},
		{"deny all", []string{"deny ip any"}, to(mail, 6, 25), Verdict{Rule: 1}},
	} {
		f := mustParse(t, Config{In: c.rules})
		if got := f.In(c.p.build()); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestOut checks that out looks at the source of a packet, and established.
func TestOut(t *testing.T) {
	f := mustParse(t, Config{Out: []string{"allow tcp 192.0.2.25:25 established", "allow udp :53"}})
	for _, c := range []struct {
		name string
		p    spec
		want Verdict
	}{
		{"answer: SYN ACK", spec{src: mail, dst: caller, protocol: 6, sport: 25, dport: 40000, flags: 0x12},
			Verdict{Pass: true, Rule: 1}},
		{"reset", spec{src: mail, dst: caller, protocol: 6, sport: 25, dport: 40000, flags: 0x04},
			Verdict{Pass: true, Rule: 1}},
		{"a host connects to the caller: SYN", spec{src: mail, dst: caller, protocol: 6, sport: 25, dport: 40000,
			flags: 0x02}, Verdict{}},
		{"wrong port", spec{src: mail, dst: caller, protocol: 6, sport: 80, dport: 25, flags: 0x10}, Verdict{}},
		{"DNS answer", spec{src: other, dst: caller, protocol: 17, sport: 53, dport: 40000},
			Verdict{Pass: true, Rule: 2}},
		{"not DNS", spec{src: other, dst: caller, protocol: 17, sport: 40000, dport: 53}, Verdict{}},
	} {
		if got := f.Out(c.p.build()); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestIdle(t *testing.T) {
	ntp := mustParse(t, Config{Idle: []string{"ignore udp :123"}})
	ssh := mustParse(t, Config{Idle: []string{"count tcp :22", "ignore ip any"}})
	none := mustParse(t, Config{In: []string{"allow ip"}})
	for _, c := range []struct {
		name string
		f    *Filter
		d    Direction
		p    spec
		want Verdict
	}{
		{"query", ntp, FromCaller, to(mail, 17, 123), Verdict{Rule: 1}},
		{"answer", ntp, ToCaller, spec{src: mail, dst: caller, protocol: 17, sport: 123, dport: 40000},
			Verdict{Rule: 1}},
		{"something else counts", ntp, FromCaller, to(mail, 17, 53), Verdict{Pass: true}},
		{"only what is named counts", ssh, FromCaller, to(mail, 6, 22), Verdict{Pass: true, Rule: 1}},
		{"the rest is ignored", ssh, FromCaller, to(mail, 6, 80), Verdict{Rule: 2}},
		{"no list", none, FromCaller, to(mail, 6, 80), Verdict{Pass: true}},
		{"no filter", nil, FromCaller, to(mail, 6, 80), Verdict{Pass: true}},
		{"no filter, invalid", nil, FromCaller, spec{src: caller, dst: mail, protocol: 6, cut: 1},
			Verdict{Invalid: true}},
	} {
		if got := c.f.Counts(c.p.build(), c.d); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestFragments checks the section Fragments of the package documentation.
func TestFragments(t *testing.T) {
	allow := mustParse(t, Config{In: []string{"allow udp 192.0.2.25:53", "allow udp [2001:db8::25]:53"},
		Idle: []string{"ignore udp :123"}})
	deny := mustParse(t, Config{In: []string{"deny udp :53", "deny tcp any established", "allow ip any"},
		Idle: []string{"count udp :53", "ignore udp any"}})
	later := func(host string) spec { s := to(host, 17, 0); s.offset = 185; return s }
	first := func(host string, port uint16) spec { s := to(host, 17, port); s.more = true; return s }
	for _, c := range []struct {
		name     string
		f        *Filter
		p        spec
		in, idle Verdict
	}{
		{"first, allowed port", allow, first(mail, 53), Verdict{Pass: true, Rule: 1}, Verdict{Pass: true}},
		{"first, another port", allow, first(mail, 54), Verdict{}, Verdict{Pass: true}},
		{"later", allow, later(mail), Verdict{Pass: true, Rule: 1}, Verdict{Rule: 1}},
		{"later of another host", allow, later(other), Verdict{}, Verdict{Rule: 1}},
		{"later, IPv6", allow, later(mail6), Verdict{Pass: true, Rule: 2}, Verdict{Rule: 1}},
		{"first, denied port", deny, first(mail, 53), Verdict{Rule: 1}, Verdict{Pass: true, Rule: 1}},
		{"later with a deny rule", deny, later(mail), Verdict{Pass: true, Rule: 3}, Verdict{Rule: 2}},
		{"atomic IPv6 fragment (RFC 6946) has ports", deny,
			spec{src: caller6, dst: mail6, protocol: 17, dport: 53, fragment: true}, Verdict{Rule: 1},
			Verdict{Pass: true, Rule: 1}},
	} {
		b := c.p.build()
		if got := c.f.In(b); got != c.in {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.in)
		}
		if got := c.f.Counts(b, FromCaller); got != c.idle {
			t.Errorf("%s: idle: %+v, want %+v", c.name, got, c.idle)
		}
	}
}

// TestInvalid has packets that cannot be judged, each with a valid neighbor. The list allows everything, so that only
// the check of the packet can deny.
func TestInvalid(t *testing.T) {
	f := mustParse(t, Config{In: []string{"allow ip any"}})
	source, err := NewSource(netip.MustParsePrefix("10.8.0.10/32"), netip.MustParsePrefix("2001:db8:8::/64"))
	if err != nil {
		t.Fatal(err)
	}
	tcp, tcp6, udp := to(mail, 6, 25), to(mail6, 6, 25), to(mail, 17, 53)
	empty, long6, fragment6 := to(mail, 89, 0), tcp6, tcp6
	empty.payload = []byte{}
	long6.ext, long6.extTypes = make([]byte, 16), []byte{60} // room for an extension header of 16 octets
	fragment6.fragment = true
	edit := func(s spec, change func(*spec)) []byte { change(&s); return s.build() }
	patch := func(s spec, at int, octets ...byte) []byte { b := s.build(); copy(b[at:], octets); return b }
	options := func(o ...byte) []byte { return edit(tcp, func(s *spec) { s.options = o }) }
	extensions := func(n int) []byte {
		return edit(tcp6, func(s *spec) { s.ext, s.extTypes = make([]byte, 8*n), []byte(strings.Repeat("\x3c", n)) })
	}
	for _, c := range []struct {
		name  string
		b     []byte
		valid bool
	}{
		{"empty", nil, false},
		{"version 5", patch(tcp, 0, 0x55), false},
		{"IPv4", tcp.build(), true},
		{"IPv4, 19 octets", tcp.build()[:19], false},
		{"IPv4, octets after the length are padding", append(tcp.build(), 1, 2, 3), true},
		{"IPv4, one octet missing", edit(tcp, func(s *spec) { s.cut = 1 }), false},
		{"IPv4, header length 16", patch(tcp, 0, 0x44), false},
		{"IPv4, length less than the header", patch(tcp, 2, 0, 19), false},
		{"IPv4, header longer than the packet", patch(empty, 0, 0x46), false},
		{"TCP, 20 octets", edit(tcp, func(s *spec) { s.payload = make([]byte, 20) }), true},
		{"TCP, 19 octets", edit(tcp, func(s *spec) { s.payload = make([]byte, 19) }), false},
		{"UDP, 8 octets", edit(udp, func(s *spec) { s.payload = make([]byte, 8) }), true},
		{"UDP, 7 octets", edit(udp, func(s *spec) { s.payload = make([]byte, 7) }), false},
		{"other protocols may be empty", empty.build(), true},
		{"tiny first fragment (RFC 1858 §3)", edit(tcp, func(s *spec) { s.more = true; s.payload = make([]byte, 8) }),
			false},
		{"TCP fragment at offset 8 (RFC 1858 §4)", edit(tcp, func(s *spec) { s.offset = 1 }), false},
		{"TCP fragment at offset 16", edit(tcp, func(s *spec) { s.offset = 2 }), true},
		{"UDP fragment at offset 8", edit(udp, func(s *spec) { s.offset = 1 }), true},
		{"option: record route", options(7, 7, 4, 0, 0, 0, 0, 0), true},
		{"option: loose source route", options(1, 131, 7, 4, 192, 0, 2, 9), false},
		{"option: strict source route", options(137, 7, 4, 192, 0, 2, 9, 0), false},
		{"source route after the end of the options", options(0, 131, 3, 4), true},
		{"option of length 1", options(7, 1, 0, 0), false},
		{"option past the header", options(1, 7, 4, 0), false},
		{"option without a length", options(1, 1, 1, 7), false},
		{"IPv6", tcp6.build(), true},
		{"IPv6, 39 octets", tcp6.build()[:39], false},
		{"IPv6, one octet missing", edit(tcp6, func(s *spec) { s.cut = 1 }), false},
		{"IPv6, tiny first fragment", edit(tcp6, func(s *spec) { s.more, s.payload = true, make([]byte, 8) }), false},
		{"IPv6, TCP fragment at offset 8", edit(tcp6, func(s *spec) { s.offset = 1 }), false},
		{"IPv6, UDP fragment at offset 8", edit(tcp6, func(s *spec) { s.protocol, s.offset = 17, 1 }), false},
		{"IPv6, UDP fragment at offset 16", edit(tcp6, func(s *spec) { s.protocol, s.offset = 17, 2 }), true},
		{"8 extension headers", extensions(8), true},
		{"9 extension headers", extensions(9), false},
		{"extension header past the end", edit(tcp6, func(s *spec) {
			s.ext, s.extTypes = []byte{0, 9, 0, 0, 0, 0, 0, 0}, []byte{60}
		}), false},
		{"extension header of 16 octets", patch(long6, 40, 6, 1), true},
		{"routing header at its end", edit(tcp6, func(s *spec) {
			s.ext, s.extTypes = make([]byte, 8), []byte{43}
		}), true},
		{"routing header with segments left (RFC 5095)", edit(tcp6, func(s *spec) {
			s.ext, s.extTypes = []byte{0, 0, 0, 1, 0, 0, 0, 0}, []byte{43}
		}), false},
		{"extension header in a fragment (RFC 7112)", edit(tcp6, func(s *spec) {
			s.ext, s.extTypes = make([]byte, 16), []byte{44, 60}
		}), false},
		{"fragment header cut", patch(fragment6, 4, 0, 4), false},
	} {
		if got := f.In(c.b); got.Invalid == c.valid || got.Pass != c.valid {
			t.Errorf("%s: %+v, want valid=%v", c.name, got, c.valid)
		}
		if got := source.Allows(c.b); got != c.valid {
			t.Errorf("%s: source: %v, want %v", c.name, got, c.valid)
		}
	}
}

// TestDiscovery checks the exception for Neighbor Discovery.
func TestDiscovery(t *testing.T) {
	f := mustParse(t, Config{In: []string{"allow tcp any"}, Out: []string{"allow tcp any"}})
	strict := mustParse(t, Config{In: []string{"deny ip any"}, Out: []string{"deny ip any"}})
	message := func(kind byte, dst string, hop byte) []byte {
		icmp := []byte{kind, 0, 0, 0, 0, 0, 0, 0}
		return spec{src: "fe80::10", dst: dst, protocol: 58, hop: hop, payload: icmp}.build()
	}
	pass, stop, ignored := Verdict{Pass: true}, Verdict{}, Verdict{}
	for _, c := range []struct {
		name          string
		b             []byte
		in, out, idle Verdict
	}{
		{"router solicitation", message(133, "ff02::2", 255), pass, stop, ignored},
		{"router advertisement", message(134, "ff02::1", 255), stop, pass, Verdict{Pass: true}},
		{"neighbor solicitation", message(135, "ff02::1:ff00:1", 255), pass, pass, ignored},
		{"neighbor advertisement", message(136, "fe80::1", 255), pass, pass, ignored},
		{"redirect", message(137, "fe80::1", 255), stop, stop, Verdict{Pass: true}},
		{"forwarded", message(135, "fe80::1", 254), stop, stop, Verdict{Pass: true}},
		{"to be forwarded", message(135, mail6, 255), stop, stop, Verdict{Pass: true}},
		{"echo", message(128, "fe80::1", 255), stop, stop, Verdict{Pass: true}},
	} {
		if got := f.In(c.b); got != c.in {
			t.Errorf("%s: in %+v, want %+v", c.name, got, c.in)
		}
		if got := f.Out(c.b); got != c.out {
			t.Errorf("%s: out %+v, want %+v", c.name, got, c.out)
		}
		if got := f.Counts(c.b, FromCaller); got != c.idle {
			t.Errorf("%s: idle %+v, want %+v", c.name, got, c.idle)
		}
		if got, out := strict.In(c.b), strict.Out(c.b); got.Pass || out.Pass {
			t.Errorf("%s: deny ip any: %+v, %+v", c.name, got, out)
		}
	}
}

func TestAbsentList(t *testing.T) {
	f := mustParse(t, Config{Idle: []string{"ignore ip"}})
	var none *Filter
	for _, b := range [][]byte{nil, {0x45}, to(mail, 6, 25).build()} {
		for _, v := range []Verdict{f.In(b), f.Out(b), none.In(b), none.Out(b)} {
			if v != (Verdict{Pass: true}) {
				t.Errorf("% x: %+v", b, v)
			}
		}
	}
	if none.Name() != "" || none.Unreachable() != nil || !reflect.DeepEqual(none.Config(), Config{}) {
		t.Error("a nil filter has a name or rules")
	}
}

func TestSource(t *testing.T) {
	s, err := NewSource(netip.MustParsePrefix("10.8.0.10/32"), netip.MustParsePrefix("172.16.0.0/24"),
		netip.MustParsePrefix("2001:db8:8::/64"), netip.MustParsePrefix("fe80::10/128"))
	if err != nil {
		t.Fatal(err)
	}
	everything, err := NewSource(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		src, dst string
		protocol byte
		own, all bool
	}{
		{"10.8.0.10", mail, 17, true, true},
		{"10.8.0.11", mail, 17, false, true},
		{"172.16.0.255", mail, 17, true, true}, // Framed-Route
		{"172.16.1.0", mail, 17, false, true},
		{"0.0.0.0", mail, 17, false, false},
		{"0.1.2.3", mail, 17, false, false},
		{"127.0.0.1", mail, 17, false, false},
		{"224.0.0.1", mail, 17, false, false},
		{"255.255.255.255", mail, 17, false, false},
		{"223.255.255.255", mail, 17, false, true},
		{"2001:db8:8::ffff", mail6, 17, true, true},
		{"2001:db8:8:1::1", mail6, 17, false, true},
		{"fe80::10", "ff02::2", 58, true, true},
		{"fe80::11", "ff02::2", 58, false, true},
		{"::", "ff02::1:ff00:10", 58, true, true}, // duplicate address detection
		{"::", "ff02::1:2", 17, false, false},
		{"::", mail6, 58, false, false},
		{"::1", mail6, 17, false, false},
		{"::2", mail6, 17, false, true},
		{"ff02::1", mail6, 17, false, false},
		{"::ffff:10.8.0.10", mail6, 17, false, false},
	} {
		b := spec{src: c.src, dst: c.dst, protocol: c.protocol}.build()
		if own, all := s.Allows(b), everything.Allows(b); own != c.own || all != c.all {
			t.Errorf("%s to %s: %v and %v, want %v and %v", c.src, c.dst, own, all, c.own, c.all)
		}
	}
	if (&Source{}).Allows(to(mail, 6, 25).build()) {
		t.Error("the zero Source allows a packet")
	}
	mapped := netip.PrefixFrom(netip.MustParseAddr("::ffff:0.0.0.0"), 96)
	for _, p := range []netip.Prefix{{}, netip.MustParsePrefix("10.8.0.10/24"), mapped} {
		if _, err := NewSource(p); err == nil {
			t.Errorf("NewSource(%s) has no error", p)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	f := mustParse(t, Config{
		In: []string{"deny udp :53", "allow tcp 192.0.2.25:25,80-90"}, Out: []string{"allow tcp [2001:db8::25]:25"},
		Idle: []string{"ignore udp :123"},
	})
	s, err := NewSource(netip.MustParsePrefix("10.8.0.10/32"))
	if err != nil {
		t.Fatal(err)
	}
	var none *Filter
	packets := [][]byte{to(mail, 6, 25).build(), to(mail6, 6, 25).build(), to(mail6, 17, 1).build()[:30], nil}
	n := testing.AllocsPerRun(100, func() {
		for _, b := range packets {
			f.In(b)
			f.Out(b)
			f.Counts(b, ToCaller)
			none.Counts(b, ToCaller)
			s.Allows(b)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestError(t *testing.T) {
	_, err := Parse(Config{Name: "mail", In: []string{"allow ip", "allow tpc 192.0.2.25:25"}, Out: []string{}})
	var e *Error
	if !errors.As(err, &e) || e.Filter != "mail" || e.List != "in" || e.Index != 1 {
		t.Fatalf("%#v", e)
	}
	want := `filter mail: in: rule 2 "allow tpc 192.0.2.25:25": unknown protocol "tpc"; use ip, icmp, icmpv6, tcp, udp or ` +
		"a number from 1 to 255\nfilter mail: out: the list is empty; without rules, leave it out"
	if err.Error() != want {
		t.Errorf("%s\nwant %s", err, want)
	}
}
