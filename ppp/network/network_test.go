package network

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/filter"
	"github.com/ringback/ringback/ppp/ncp"
	"github.com/ringback/ringback/ppp/netdev"
	"github.com/ringback/ringback/ppp/pool"
)

// fakeDevice is a netdev.Network with one session, which logs what is done with it.
type fakeDevice struct {
	fail error
	log  []string
}

func (d *fakeDevice) say(format string, args ...any) {
	d.log = append(d.log, fmt.Sprintf(format, args...))
}

func (d *fakeDevice) Open(s netdev.Session) (netdev.Device, error) {
	if d.fail != nil {
		return nil, d.fail
	}
	d.say("open %s, MTU %d", s.Name, s.MTU)
	if s.IPv4.Peer.IsValid() {
		d.SetIPv4(s.IPv4)
	}
	if s.IPv6.PeerID != [8]byte{} {
		d.SetIPv6(s.IPv6)
	}
	s.Deliver([]byte{1})
	return d, nil
}

func (d *fakeDevice) Write(p []byte) error { d.say("write %v", p); return nil }

func (d *fakeDevice) SetIPv4(a netdev.IPv4) error {
	d.say("IPv4 %v-%v routes %v", a.Local, a.Peer, a.Routes)
	return d.fail
}

func (d *fakeDevice) SetIPv6(a netdev.IPv6) error {
	d.say("IPv6 %v-%v prefix %v DNS %v routes %v", ncp.InterfaceID(a.LocalID), ncp.InterfaceID(a.PeerID), a.Prefix,
		a.DNS, a.Routes)
	return d.fail
}

func (d *fakeDevice) Stats() netdev.Stats { return netdev.Stats{} }
func (d *fakeDevice) Close() error        { d.say("close"); return nil }

// site is a configuration; its zero value has a pool of two addresses and two prefixes, and a spare one.
type site struct {
	*Network
	device  *fakeDevice
	pools   *pool.Allocator
	profile Profile
}

var configs = []pool.Config{
	{Name: "dialin", Addresses: []string{"10.8.0.10-10.8.0.11"}, Prefixes: []string{"2001:db8:8::/63"},
		Backup: "spare"},
	{Name: "spare", Addresses: []string{"10.9.0.10"}},
	{Name: "six", Prefixes: []string{"2001:db8:9::/64"}},
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func newSite(t testing.TB) *site {
	t.Helper()
	pools, err := pool.Parse(configs, addr("10.8.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	filters, err := filter.NewSet([]filter.Config{{Name: "mail", In: []string{"allow tcp 192.0.2.25:25"}},
		{Name: "both", In: []string{"allow tcp any"}, Out: []string{"allow tcp any"}}})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{device: &fakeDevice{}, pools: pool.New(pools, time.Now)}
	s.profile = Profile{Name: "default", Address: addr("10.8.0.1"), Pool: "dialin", IPv6: true,
		DNS: []netip.Addr{addr("192.0.2.53"), addr("2001:db8::53")}}
	s.Network = New(Config{Pools: pools, Allocator: s.pools, Filters: filters, Device: s.device,
		Profile: func(tty int) (Profile, bool) { return s.profile, tty < 100 },
		Group:   func(name string) bool { return name == "staff" }})
	return s
}

// caller is a user on a line.
func caller(tty int, auth aaa.Authorization) ppp.Holder {
	return ppp.Holder{Identity: aaa.Identity{Entry: "radius", User: fmt.Sprintf("user%d", tty)}, Auth: auth, TTY: tty}
}

func framed(f aaa.Framed) aaa.Authorization { return aaa.Authorization{Framed: &f} }

// describe returns what an assignment has.
func describe(a ppp.Assignment) string {
	var out []string
	add := func(name string, v any, set bool) {
		if set {
			out = append(out, fmt.Sprintf("%s %v", name, v))
		}
	}
	add("local", a.Local, a.IPv4)
	add("peer", a.Peer, a.IPv4)
	add("permit", "", a.Permit != nil)
	add("IPv6", "", a.IPv6)
	add("id", a.PeerID, a.PeerID != ncp.InterfaceID{})
	add("prefixes", a.Prefixes, len(a.Prefixes) > 0)
	add("routes", a.Routes, len(a.Routes) > 0)
	add("dns", a.DNS, len(a.DNS) > 0)
	add("wins", a.WINS, len(a.WINS) > 0)
	add("mtu", a.MTU, a.MTU != 0)
	add("filter", a.Filter.Name(), a.Filter != nil)
	return strings.Join(out, "; ")
}

// TestAssignment: what AAA grants, and what the profile adds.
func TestAssignment(t *testing.T) {
	const dns = "dns [192.0.2.53 2001:db8::53]"
	for _, tt := range []struct {
		name string
		auth aaa.Authorization
		set  func(*Profile)
		want string
	}{
		{"nothing", aaa.Authorization{}, nil,
			"local 10.8.0.1; peer 10.8.0.10; IPv6 ; prefixes [2001:db8:8::/64]; " + dns},
		{"assign", framed(aaa.Framed{Address: "assign"}), func(p *Profile) { p.IPv6 = false },
			"local 10.8.0.1; peer 10.8.0.10; " + dns},
		{"an address", framed(aaa.Framed{Address: "192.0.2.9", IPv6Prefix: []string{"2001:db8:1::/64"},
			InterfaceID: "0:0:0:1"}), nil,
			"local 10.8.0.1; peer 192.0.2.9; IPv6 ; id 0000:0000:0000:0001; prefixes [2001:db8:1::/64]; " + dns},
		{"pools", framed(aaa.Framed{Pool: "spare", IPv6Pool: "six"}), nil,
			"local 10.8.0.1; peer 10.9.0.10; IPv6 ; prefixes [2001:db8:9::/64]; " + dns},
		{"the caller chooses", framed(aaa.Framed{Address: "negotiate"}),
			func(p *Profile) { p.IPv6, p.Pool = false, "" },
			"local 10.8.0.1; peer invalid IP; permit ; " + dns},
		{"the caller may choose", framed(aaa.Framed{Address: "negotiate"}), func(p *Profile) { p.IPv6 = false },
			"local 10.8.0.1; peer 10.8.0.10; permit ; " + dns},
		{"servers and MTU", framed(aaa.Framed{DNS: []string{"192.0.2.1"}, WINS: []string{"192.0.2.2"}, MTU: 576}), nil,
			"local 10.8.0.1; peer 10.8.0.10; IPv6 ; prefixes [2001:db8:8::/64]; " +
				"dns [192.0.2.1]; wins [192.0.2.2]; mtu 576"},
		{"routes", framed(aaa.Framed{Address: "192.168.1.7", Routes: []string{"192.168.1.0/24 192.168.1.7 1",
			"192.168.1.7/32 0.0.0.0 1", "10.77.0.0 255.255.0.0", "2001:db8:7::/48 :: 1"},
			IPv6Prefix: []string{"2001:db8:7:100::/56", "2001:db8:7:100::5/128"}}), nil,
			"local 10.8.0.1; peer 192.168.1.7; IPv6 ; prefixes [2001:db8:7:100::/56 " +
				"2001:db8:7:100::5/128]; routes [192.168.1.0/24 10.77.0.0/16 2001:db8:7::/48]; " + dns},
		{"filters", aaa.Authorization{FilterIDs: []string{"staff", "mail"},
			Framed: &aaa.Framed{OutACL: []string{"both"}}}, nil,
			"local 10.8.0.1; peer 10.8.0.10; IPv6 ; prefixes [2001:db8:8::/64]; " + dns + "; filter mail+both"},
		{"IPv6 alone", framed(aaa.Framed{Address: "192.0.2.9", Routes: []string{"10.77.0.0/16"}}),
			func(p *Profile) { p.Address, p.DNS = netip.Addr{}, nil }, "IPv6 ; prefixes [2001:db8:8::/64]"},
		{"IPv6 refused", framed(aaa.Framed{NoIPv6: true}), nil, "local 10.8.0.1; peer 10.8.0.10; " + dns},
		{"no pool of a family", framed(aaa.Framed{Address: "192.0.2.9"}), func(p *Profile) { p.Pool = "spare" },
			"local 10.8.0.1; peer 192.0.2.9; IPv6 ; " + dns},
		{"a pool of the other family", aaa.Authorization{}, func(p *Profile) { p.Pool = "six" },
			"IPv6 ; prefixes [2001:db8:9::/64]; " + dns},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			if tt.set != nil {
				tt.set(&s.profile)
			}
			if why := s.Unservable(tt.auth); why != "" {
				t.Error(why)
			}
			l, err := s.Assign(t.Context(), caller(65, tt.auth))
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(l.Assignment()); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
			l.Release()
			s.free(t)
		})
	}
}

// free checks that nothing is leased.
func (s *site) free(t *testing.T) {
	t.Helper()
	now := s.pools.Snapshot()
	for _, p := range now.Pools {
		if len(p.Holders) > 0 {
			t.Errorf("pool %s: %v", p.Name, p.Holders)
		}
	}
	if len(now.Outside) > 0 {
		t.Errorf("outside: %v", now.Outside)
	}
}

// TestUnservable: what cannot be applied rejects the login, and the reason says what and which ones there are.
func TestUnservable(t *testing.T) {
	for _, tt := range []struct {
		auth aaa.Authorization
		want string
	}{
		{aaa.Authorization{FilterIDs: []string{"web"}}, `Filter-Id "web": no filter has this name; filters: both, mail`},
		{framed(aaa.Framed{InACL: []string{"staff"}}), `inacl "staff": no filter has this name; filters: both, mail`},
		{framed(aaa.Framed{OutACL: []string{"mail"}}), `outacl "mail": filter mail has no out list`},
		{framed(aaa.Framed{Pool: "dialout"}), `no pool is called "dialout"; pools: dialin, spare, six`},
		{framed(aaa.Framed{IPv6Pool: "seven"}), `no pool is called "seven"; pools: dialin, spare, six`},
		{framed(aaa.Framed{MTU: 64}), "an MTU of 64 is less than the 68 that IPv4 needs"},
		{framed(aaa.Framed{Address: "2001:db8::1"}), `"2001:db8::1" is not an IPv4 address for a caller`},
		{framed(aaa.Framed{InterfaceID: "1:2:3"}), `interface identifier "1:2:3": want four groups, as in ` +
			"307d:292e:a2fe:80f0"},
		{framed(aaa.Framed{IPv6Prefix: []string{"10.0.0.0/8"}}), `"10.0.0.0/8" is not an IPv6 prefix`},
		{framed(aaa.Framed{DNS: []string{"ns1"}}), `DNS server "ns1" is not an address`},
		{framed(aaa.Framed{WINS: []string{"ns1"}}), `WINS server "ns1" is not an address`},
		{framed(aaa.Framed{Routes: []string{"10.77.0.1/16"}}),
			`route "10.77.0.1/16": 10.77.0.1/16 has bits after its length; write 10.77.0.0/16`},
		{framed(aaa.Framed{Routes: []string{"10.77.0.0/16 10.8.0.9 1"}}),
			`route "10.77.0.0/16 10.8.0.9 1": gateway 10.8.0.9 is not the caller; write 0.0.0.0 or :: for its address`},
		{framed(aaa.Framed{Routes: []string{""}}), `route "": it is empty`},
	} {
		if got := newSite(t).Unservable(tt.auth); got != tt.want {
			t.Errorf("%s\nwant %s", got, tt.want)
		}
	}
}

// TestRoutes: the forms of RFC 2865 §5.22, RFC 3162 §2.5 and of the AV pair.
func TestRoutes(t *testing.T) {
	g := grant{address: addr("10.8.0.7"), prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8:1::/64")}}
	for text, want := range map[string]string{
		"192.168.1.0/24 192.168.1.1 1":                     "", // a gateway that is not the caller
		"192.168.1.0/24 10.8.0.7 1 2 -1 3":                 "192.168.1.0/24",
		"192.168.1.0 0.0.0.0 1":                            "192.168.1.0/24", // by its class
		"172.16.0.0 0.0.0.0":                               "172.16.0.0/16",
		"10.0.0.0":                                         "10.0.0.0/8",
		"10.1.0.0":                                         "",
		"10.1.0.0 255.255.0.0":                             "10.1.0.0/16",
		"10.1.2.3 255.255.255.255 0.0.0.0":                 "10.1.2.3/32",
		"10.1.0.0 255.0.255.0":                             "",
		"2000:0:0:106::/64 2000::106:a00:20ff:fe99:a998 1": "", // RFC 3162's, for another caller
		"2001:db8:2::/48 2001:db8:1::9 1":                  "2001:db8:2::/48",
		"2001:db8:2::/48 fe80::9 1":                        "2001:db8:2::/48",
		"2001:db8:2::/48":                                  "2001:db8:2::/48",
		"2001:db8:2:: :: 1":                                "",
		"::ffff:10.0.0.0/104":                              "",
		"2001:db8:2::/48 10.8.0.7":                         "",
		"10.1.0.0/16 via 10.8.0.7":                         "",
	} {
		p, err := g.route(text)
		if got := p.String(); err == nil && got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %s, %v; want %q", text, got, err, want)
		}
	}
}

// FuzzRoute: no text is a panic, and a route is a network.
func FuzzRoute(f *testing.F) {
	for _, s := range []string{"192.168.1.0/24 0.0.0.0 1", "10.0.0.0 255.0.0.0", "::/0", "0.0.0.0 0.0.0.0",
		" / ", "224.0.0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g := grant{address: addr("10.8.0.7")}
		if p, err := g.route(text); err == nil && (!p.IsValid() || p != p.Masked()) {
			t.Errorf("%q: %v", text, p)
		}
	})
}

// TestInUse: nobody gets what another session has, and the reason names the holder.
func TestInUse(t *testing.T) {
	for _, tt := range []struct {
		first, second aaa.Framed
		want          string
	}{
		{aaa.Framed{Address: "192.0.2.9"}, aaa.Framed{Address: "192.0.2.9"},
			`address 192.0.2.9 is in use by "user65" on tty 65`},
		{aaa.Framed{Address: "192.0.2.9"}, aaa.Framed{Address: "192.0.2.7", Routes: []string{"192.0.2.0/24"}},
			`prefix 192.0.2.0/24 overlaps address 192.0.2.9, which is in use by "user65" on tty 65`},
		{aaa.Framed{IPv6Prefix: []string{"2001:db8:1::/48"}}, aaa.Framed{IPv6Prefix: []string{"2001:db8:1:5::/64"}},
			`prefix 2001:db8:1:5::/64 overlaps prefix 2001:db8:1::/48, which is in use by "user65" on tty 65`},
		{aaa.Framed{}, aaa.Framed{Address: "10.8.0.10"}, `address 10.8.0.10 is in use by "user65" on tty 65`},
		{aaa.Framed{}, aaa.Framed{Address: "10.8.0.1"},
			"address 10.8.0.1: 10.8.0.1 is an address of this access server"},
		{aaa.Framed{IPv6Pool: "six"}, aaa.Framed{IPv6Pool: "six"},
			"pool six has no free prefixes (1 in use, 0 held back)"},
	} {
		s := newSite(t)
		one, err := s.Assign(t.Context(), caller(65, framed(tt.first)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Assign(t.Context(), caller(66, framed(tt.second))); err == nil ||
			!strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%v\nwant %s", err, tt.want)
		}
		one.Release()
		s.free(t) // also what the second one had already
	}
}

// TestPools: a backup serves after the pool, and a user gets an address again that it gave back.
func TestPools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.profile.IPv6 = false
		var leases []ppp.Lease
		for i, want := range []string{"10.8.0.10", "10.8.0.11", "10.9.0.10"} {
			l, err := s.Assign(t.Context(), caller(65+i, aaa.Authorization{}))
			if err != nil {
				t.Fatal(err)
			}
			leases = append(leases, l)
			if got := l.Assignment().Peer.String(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
		_, err := s.Assign(t.Context(), caller(68, aaa.Authorization{}))
		if want := "pool dialin has no free addresses (2 in use, 0 held back); backup pool spare has no " +
			"free addresses (1 in use, 0 held back)"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		for _, l := range leases {
			l.Release()
			l.Release() // as after a panic
		}
		again, err := s.Assign(t.Context(), caller(66, aaa.Authorization{}))
		if err != nil || again.Assignment().Peer != addr("10.8.0.11") {
			t.Errorf("%v", err)
		}
	})
}

// TestChosen: the caller chooses its address, and may change its mind.
func TestChosen(t *testing.T) {
	s := newSite(t)
	s.profile.IPv6 = false
	other, err := s.Assign(t.Context(), caller(66, framed(aaa.Framed{Address: "192.0.2.66"})))
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.Assign(t.Context(), caller(65, framed(aaa.Framed{Address: "negotiate",
		Routes: []string{"192.168.5.0/24"}})))
	if err != nil {
		t.Fatal(err)
	}
	permit := l.Assignment().Permit
	for _, tt := range []struct{ ask, want string }{
		{"192.0.2.9", ""}, {"192.0.2.9", ""}, {"192.0.2.10", ""}, {"192.168.5.1", ""},
		{"192.0.2.66", `address 192.0.2.66 is in use by "user66" on tty 66`},
		{"10.8.0.1", "address 10.8.0.1: 10.8.0.1 is an address of this access server"},
	} {
		if err := permit(addr(tt.ask)); tt.want == "" && err != nil ||
			tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.ask, err, tt.want)
		}
	}
	var outside []string
	for _, h := range s.pools.Snapshot().Outside {
		outside = append(outside, h.Prefix.String())
	}
	if got := fmt.Sprint(outside); got != "[192.0.2.10/32 192.0.2.66/32 192.168.5.0/24]" {
		t.Error(got) // 192.0.2.9 was given back
	}
	l.Release()
	other.Release()
	s.free(t)
}

// TestDevice: the device lives from the first protocol to the release, and each protocol ends by itself.
func TestDevice(t *testing.T) {
	s := newSite(t)
	l, err := s.Assign(t.Context(), caller(65, framed(aaa.Framed{Routes: []string{"10.77.0.0/16"},
		IPv6Prefix: []string{"2001:db8:1::/56"}})))
	if err != nil {
		t.Fatal(err)
	}
	l.Deliver([]byte{9}) // no protocol is open
	l.Close(ppp.IPv4)
	var got []byte
	send := func(p []byte) bool { got = append(got, p...); return true }
	v4 := ppp.Opening{Family: ppp.IPv4, Local: addr("10.8.0.1"), Peer: addr("10.8.0.10"), MTU: 1400}
	v6 := ppp.Opening{Family: ppp.IPv6, LocalID: ncp.InterfaceID{7: 1}, PeerID: ncp.InterfaceID{7: 2}, MTU: 1400}
	for _, f := range []func() error{
		func() error { return l.Open(v4, send, nil) }, func() error { return l.Open(v6, send, nil) },
		func() error { l.Deliver([]byte{4}); l.Close(ppp.IPv6); return l.Open(v6, send, nil) },
		func() error { l.Close(ppp.IPv4); return l.Open(v4, send, nil) },
	} {
		if err := f(); err != nil {
			t.Error(err)
		}
	}
	l.Release()
	l.Deliver([]byte{4})
	const up4 = "IPv4 10.8.0.1-10.8.0.10 routes [10.77.0.0/16]\n"
	const up6 = "IPv6 0000:0000:0000:0001-0000:0000:0000:0002 prefix 2001:db8:1::/64 DNS [192.0.2.53 2001:db8::53] " +
		"routes [2001:db8:1::/56]\n"
	const down4 = "IPv4 invalid IP-invalid IP routes []\n"
	const down6 = "IPv6 0000:0000:0000:0000-0000:0000:0000:0000 prefix invalid Prefix DNS [] routes []\n"
	want := "open ppp65, MTU 1400\n" + up4 + up6 + "write [4]\n" + down6 + up6 + down4 + up4 + "close"
	if log := strings.Join(s.device.log, "\n"); log != want || len(got) != 1 {
		t.Errorf("%s\n%v", log, got)
	}
	s.free(t)
}

// TestNoNetwork: what ends a link whose caller is logged in.
func TestNoNetwork(t *testing.T) {
	s := newSite(t)
	if _, err := s.Assign(t.Context(), caller(100, aaa.Authorization{})); err == nil ||
		err.Error() != "tty 100 has no PPP profile" {
		t.Error(err)
	}
	s.profile.Pool, s.profile.IPv6 = "", false
	if _, err := s.Assign(t.Context(), caller(65, aaa.Authorization{})); err == nil || err.Error() !=
		"there is no address: AAA granted none, and neither AAA nor profile default names a pool that has any" {
		t.Error(err)
	}
	s.profile.Pool, s.profile.IPv6 = "dialin", true
	s.device.fail = errors.New("no descriptor")
	l, err := s.Assign(t.Context(), caller(65, aaa.Authorization{}))
	if err != nil {
		t.Fatal(err)
	}
	v4 := ppp.Opening{Family: ppp.IPv4, Local: addr("10.8.0.1"), Peer: addr("10.8.0.10"), MTU: 1400}
	if err := l.Open(v4, func([]byte) bool { return true }, nil); !errors.Is(err, s.device.fail) {
		t.Error(err)
	}
	if err := l.Open(ppp.Opening{Family: ppp.IPv6, LocalID: ncp.InterfaceID{7: 1}, MTU: 1400},
		func([]byte) bool { return true }, nil); err == nil ||
		!strings.Contains(err.Error(), "names no interface identifier") {
		t.Error(err)
	}
	l.Release()
	s.config.Device = nil
	if _, err := s.Assign(t.Context(), caller(65, aaa.Authorization{})); !errors.Is(err, errNoDevice) {
		t.Error(err)
	}
	s.free(t)
}

// TestReload: a session keeps its addresses while the pools change, and gives them back once.
func TestReload(t *testing.T) {
	s := newSite(t)
	s.profile.IPv6 = false
	old, err := s.Assign(t.Context(), caller(65, aaa.Authorization{}))
	if err != nil {
		t.Fatal(err)
	}
	pools, err := pool.Parse([]pool.Config{{Name: "dialin", Addresses: []string{"10.8.0.10", "10.8.0.20"}}},
		addr("10.8.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	c := s.config
	c.Pools = pools
	s.pools.Reload(pools)
	after := New(c)
	now, err := after.Assign(t.Context(), caller(66, aaa.Authorization{}))
	if err != nil || now.Assignment().Peer != addr("10.8.0.20") {
		t.Fatalf("%v, %v", now, err)
	}
	old.Release()
	now.Release()
	s.free(t)
}
