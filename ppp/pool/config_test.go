package pool

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestSizes(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("10.8.0.1"), netip.MustParseAddr("2001:db8:8::1"), {}}
	for _, c := range []struct {
		addresses, prefixes []string
		v4, v6              int
	}{
		{[]string{"10.8.0.10"}, nil, 1, 0},
		{[]string{"10.8.0.10-10.8.0.250"}, nil, 241, 0},
		{[]string{" 10.8.0.10 - 10.8.0.10 "}, nil, 1, 0},
		{[]string{"10.8.0.0-10.8.1.255"}, nil, 511, 0}, // without our own
		{[]string{"10.8.1.0/24"}, nil, 254, 0},
		{[]string{"10.8.0.0/24"}, nil, 253, 0}, // without our own
		{[]string{"10.8.0.4/30"}, nil, 2, 0},
		{[]string{"10.8.0.4/31"}, nil, 2, 0},
		{[]string{"10.8.0.4/32"}, nil, 1, 0},
		{[]string{"10.8.0.1"}, nil, 0, 0}, // only our own
		{[]string{"10.8.0.0/16"}, nil, 65533, 0},
		{[]string{"10.9.0.0-10.9.255.255"}, nil, 65536, 0},
		{nil, []string{"2001:db8:9::/64"}, 0, 1},
		{nil, []string{"2001:db8:9::/56"}, 0, 256},
		{nil, []string{"2001:db8:8::/56"}, 0, 255}, // without the one of our own address
		{nil, []string{"2001:db8:9::/48"}, 0, 65536},
		{[]string{"10.8.0.4", "10.8.0.2"}, []string{"2001:db8:9::/64", "2001:db8:9:1::/64"}, 2, 2},
	} {
		p, err := Parse([]Config{{Name: "p", Addresses: c.addresses, Prefixes: c.prefixes}}, own...)
		if err != nil {
			t.Error(err)
			continue
		}
		if v4, v6, ok := p.Sizes("p"); v4 != c.v4 || v6 != c.v6 || !ok {
			t.Errorf("%q %q: %d and %d, want %d and %d", c.addresses, c.prefixes, v4, v6, c.v4, c.v6)
		}
	}
	if _, _, ok := (&Pools{}).Sizes("p"); ok {
		t.Error("a pool that does not exist has a size")
	}
}

func TestEntryErrors(t *testing.T) {
	for _, c := range []struct {
		key, entry, want string
	}{
		{"addresses", "", `"" is not an IPv4 address`},
		{"addresses", "ten", `"ten" is not an IPv4 address`},
		{"addresses", "10.8.0", `"10.8.0" is not an IPv4 address`},
		{"addresses", "10.8.0.010", `"10.8.0.010" is not an IPv4 address`},
		{"addresses", "10.8.0.10-250", `"250" is not an IPv4 address`},
		{"addresses", "10.8.0.10-", `"" is not an IPv4 address`},
		{"addresses", "10.8.0.250-10.8.0.10", "the range is reversed"},
		{"addresses", "10.8.0.10/24", "10.8.0.10/24 has bits after its length; write 10.8.0.0/24"},
		{"addresses", "10.8.0.0/33", "is not a prefix such as"},
		{"addresses", "2001:db8::1", "IPv6 prefixes stand under prefixes"},
		{"addresses", "2001:db8::/64", "IPv6 prefixes stand under prefixes"},
		{"addresses", "::ffff:10.8.0.10", "IPv6 prefixes stand under prefixes"},
		{"addresses", "0.0.0.0", "unspecified addresses (0.0.0.0/8) cannot be assigned"},
		{"addresses", "127.0.0.1", "loopback addresses (127.0.0.0/8) cannot be assigned"},
		{"addresses", "126.255.255.0-128.0.0.1", "loopback addresses (127.0.0.0/8) cannot be assigned"},
		{"addresses", "169.254.1.0/24", "link-local addresses (169.254.0.0/16) cannot be assigned"},
		{"addresses", "224.0.0.1", "multicast addresses (224.0.0.0/4) cannot be assigned"},
		{"addresses", "255.255.255.255", "reserved addresses (240.0.0.0/4) cannot be assigned"},
		{"addresses", "255.255.255.254", "reserved addresses (240.0.0.0/4) cannot be assigned"},
		{"addresses", "10.0.0.0/8", "16777215 addresses are more than the 65536 of a pool"},
		{"addresses", "10.8.0.0-10.8.255.255", "65537 addresses are more than the 65536 of a pool"},
		{"prefixes", "2001:db8:8::", "is not a prefix such as"},
		{"prefixes", "2001:db8:8::1/56", "has bits after its length; write 2001:db8:8::/56"},
		{"prefixes", "2001:db8:8::/65", "a prefix longer than /64 contains no /64 for a caller"},
		{"prefixes", "2001:db8::/32", "a prefix shorter than /48 has more than 65536 prefixes of /64"},
		{"prefixes", "10.8.0.0/24", "IPv4 networks stand under addresses"},
		{"prefixes", "::ffff:0:0/96", "is not a prefix such as"},
		{"prefixes", "fe80::/64", "link-local addresses (fe80::/10) cannot be assigned"},
		{"prefixes", "ff02::/64", "multicast addresses (ff00::/8) cannot be assigned"},
		{"prefixes", "::/64", "reserved addresses (::/8) cannot be assigned"},
	} {
		config := Config{Name: "dialin", Addresses: []string{"10.1.1.1"}, Prefixes: []string{"2001:db8:1::/64"}}
		list := &config.Addresses
		if c.key == "prefixes" {
			list = &config.Prefixes
		}
		*list = append(*list, c.entry)
		_, err := Parse([]Config{config})
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v, want %q", c.key, c.entry, err, c.want)
			continue
		}
		if e.Pool != "dialin" || e.Key != c.key || e.Entry != c.entry || e.Index != 1 {
			t.Errorf("%s %q: %+v", c.key, c.entry, e)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	pool := func(name, entries string) Config { return Config{Name: name, Addresses: strings.Fields(entries)} }
	backup := func(name, entries, backup string) Config {
		c := pool(name, entries)
		c.Backup = backup
		return c
	}
	for _, c := range []struct {
		configs []Config
		want    string
	}{
		{[]Config{pool("", "10.8.0.1")}, `pool "": a name has printable characters without spaces`},
		{[]Config{pool("a b", "10.8.0.1")}, `pool "a b": a name has printable characters without spaces`},
		{[]Config{pool("a", "10.8.0.1"), pool("a", "10.8.0.2")}, `pool "a": the name is used twice`},
		{[]Config{pool("a", "")}, `pool a: addresses: the pool is empty; give addresses, prefixes, or both`},
		{[]Config{{Name: "a", Addresses: []string{"10.8.0.1"}, Holdback: -time.Second}},
			`pool a: holdback: the time is negative`},
		{[]Config{pool("a", "10.8.0.1-10.8.0.9"), pool("b", "10.8.0.0/24")},
			`pool b: addresses: "10.8.0.0/24": overlaps "10.8.0.1-10.8.0.9" of pool a`},
		{[]Config{pool("a", "10.8.0.5 10.8.0.5")}, `pool a: addresses: "10.8.0.5": overlaps "10.8.0.5" of pool a`},
		{[]Config{pool("a", "10.8.0.0-10.8.0.255"), pool("b", "10.8.0.2"), pool("c", "10.8.0.4")},
			`pool b: addresses: "10.8.0.2": overlaps "10.8.0.0-10.8.0.255" of pool a` + "\n" +
				`pool c: addresses: "10.8.0.4": overlaps "10.8.0.0-10.8.0.255" of pool a`},
		{[]Config{{Name: "a", Prefixes: []string{"2001:db8::/56", "2001:db8:0:1::/64"}}},
			`pool a: prefixes: "2001:db8:0:1::/64": overlaps "2001:db8::/56" of pool a`},
		{[]Config{backup("a", "10.8.0.1", "b")}, `pool a: backup: no pool is called "b"; pools: a`},
		{[]Config{backup("a", "10.8.0.1", "a")}, `pool a: backup: the pools are each other's backup: a → a`},
		{[]Config{backup("a", "10.8.0.1", "b"), backup("b", "10.8.0.2", "c"), backup("c", "10.8.0.3", "b")},
			"pool b: backup: the pools are each other's backup: b → c → b\n" +
				"pool c: backup: the pools are each other's backup: c → b → c"}, // pool a is in no circle
	} {
		_, err := Parse(c.configs)
		if err == nil || err.Error() != c.want {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
	_, err := Parse([]Config{pool("a", "10.8.0.0-10.8.0.9"), pool("b", "10.8.0.10-10.8.0.19 10.8.0.20/30")})
	if err != nil {
		t.Errorf("neighbors overlap: %v", err)
	}
}

// FuzzParse compares the addresses that a pool assigns with the meaning of its entry.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"10.8.0.10-10.8.0.50", "10.8.0.10", "10.8.0.0/28", "10.8.0.0/31", "10.8.0.9-10.8.0.1",
		"2001:db8:8::/60", "::/0", "0.0.0.0/0", "-", "/", "255.255.255.255-0.0.0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range []Config{{Name: "p", Addresses: []string{s}}, {Name: "p", Prefixes: []string{s}}} {
			p, err := Parse([]Config{c})
			if err != nil {
				continue
			}
			first, size := meaning(t, strings.TrimSpace(s))
			v4, v6, _ := p.Sizes("p")
			if big.NewInt(int64(v4+v6)).Cmp(size) != 0 {
				t.Fatalf("%q has %d and %d units, want %v", s, v4, v6, size)
			}
			a := New(p, func() time.Time { return time.Time{} })
			get := a.Assign
			if v6 > 0 {
				get = a.AssignPrefix
			}
			for i := range min(v4+v6, 300) {
				l, err := get("p", Holder{User: fmt.Sprint(i)})
				if err != nil || l.Addr() != first {
					t.Fatalf("%q: unit %d is %v, %v; want %v", s, i, l, err, first)
				}
				first = nextUnit(first)
			}
		}
	})
}

// nextUnit returns the address after an IPv4 address, and the start of the /64 after an IPv6 address.
func nextUnit(a netip.Addr) netip.Addr {
	if a.Is4() {
		return a.Next()
	}
	b := a.As16()
	n := new(big.Int).SetBytes(b[:])
	n.Add(n, new(big.Int).Lsh(big.NewInt(1), 64)).FillBytes(b[:])
	return netip.AddrFrom16(b)
}

// meaning returns the first address and the number of units of an entry.
func meaning(t *testing.T, s string) (netip.Addr, *big.Int) {
	integer := func(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }
	if p, err := netip.ParsePrefix(s); err == nil {
		power := func(n int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(n)) }
		if p.Addr().Is6() {
			return p.Addr(), power(64 - p.Bits())
		}
		if p.Bits() < 31 {
			return p.Addr().Next(), new(big.Int).Sub(power(32-p.Bits()), big.NewInt(2))
		}
		return p.Addr(), power(32 - p.Bits())
	}
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	first, err1 := netip.ParseAddr(strings.TrimSpace(from))
	last, err2 := netip.ParseAddr(strings.TrimSpace(to))
	if err1 != nil || err2 != nil {
		t.Fatalf("%q is accepted: %v, %v", s, err1, err2)
	}
	n := new(big.Int).Sub(integer(last), integer(first))
	return first, n.Add(n, big.NewInt(1))
}

func TestContains(t *testing.T) {
	p, err := Parse([]Config{{Name: "a", Addresses: []string{"10.8.0.0/29"}, Prefixes: []string{"2001:db8:9::/62"},
		Backup: "b"}, {Name: "b", Addresses: []string{"10.9.0.4"}}, {Name: "c", Addresses: []string{"10.9.0.5"}}},
		netip.MustParseAddr("10.8.0.5"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"10.8.0.1/32": true, "10.8.0.2/31": true, "10.8.0.6/32": true, "10.9.0.4/32": true, // the backup's
		"10.8.0.0/29": false, "10.8.0.5/32": false, "10.8.0.4/31": false, // our own, or the network's
		"10.9.0.5/32": false, "10.9.0.4/31": false, "0.0.0.0/0": false,
		"2001:db8:9::/62": true, "2001:db8:9:3::7/128": true, "2001:db8:9::/61": false, "2001:db8:9:4::/64": false,
		"::/0": false,
	} {
		if got := p.Contains("a", netip.MustParsePrefix(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if p.Contains("none", netip.MustParsePrefix("10.8.0.1/32")) {
		t.Error("a pool that does not exist has an address")
	}
}

// TestOwn: the first of the access servers' addresses in an entry.
func TestOwn(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.9"),
		netip.MustParseAddr("10.0.0.12"), netip.MustParseAddr("2001:db8::1")}
	for entry, want := range map[string]string{"10.0.0.1": "10.0.0.1", "10.0.0.2-10.0.0.20": "10.0.0.9",
		"10.0.0.0/24": "10.0.0.1", "10.0.0.10-10.0.0.11": "invalid IP", "10.0.0.13-10.0.0.200": "invalid IP",
		"9.0.0.0/24": "invalid IP", "words": "invalid IP", "": "invalid IP"} {
		if got := Own(entry, own); got.String() != want {
			t.Errorf("Own(%q) = %v, want %s", entry, got, want)
		}
	}
}
