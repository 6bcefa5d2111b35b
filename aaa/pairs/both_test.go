package pairs_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/lab/servers"
	layeh "layeh.com/radius"
)

// place is the scope of pairs in a test: the service and protocol of a TACACS+ request, and the prefix of a
// Cisco-AVPair.
type place struct {
	session  aaa.Service
	protocol string
	prefix   string
}

var (
	inEXEC = place{aaa.EXEC, "", "shell:"}
	inLCP  = place{aaa.PPP, "lcp", "lcp:"}
	inIP   = place{aaa.PPP, "ip", "ip:"}
	inIPv6 = place{aaa.PPP, "ipv6", "ipv6:"}
	inOut  = place{aaa.Outbound, "", "outbound:"}

	everywhere = []place{inEXEC, inLCP, inIP, inIPv6, inOut}
)

// read is one protocol's interpretation of pairs.
type read struct {
	granted aaa.Authorization // without Attributes, Readings and Refuse
	refused string            // "name: why"
	fields  []string          // "field | note" of each reading up to the one that refuses
}

// both reads pairs with both protocols.
type both struct {
	server *servers.TACACS
	client *tacplus.Client
}

// newBoth starts a TACACS+ server and its client; both end with the test.
func newBoth(t testing.TB) *both {
	t.Helper()
	const key = "a secret of 24 octets..."
	s, err := servers.NewTACACS(servers.TACACSConfig{Key: key, Profiles: servers.Profiles{Permit: true}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(":0"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	one := tacplus.ServerConfig{Name: "one", Address: s.Addr(), Secret: key, SingleConnection: true}
	client, err := tacplus.New(tacplus.Config{Servers: []tacplus.ServerConfig{one}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		cancel()
		wg.Wait()
	})
	return &both{s, client}
}

// tacacs asks a server that replies with the pairs.
func (b *both) tacacs(t testing.TB, at place, all []string) read {
	t.Helper()
	b.server.SetFaults(servers.TACACSFaults{Pairs: all})
	q := aaa.Question{Request: aaa.Request{Service: at.session, User: "bob"}, Protocol: at.protocol}
	res := b.client.Authorize(t.Context(), q)
	if res.Kind == aaa.Silent {
		t.Fatalf("%q: %s", all, res.Reason)
	}
	return strip(res.Auth)
}

// radius reads an Access-Accept that contains the pairs.
func (b *both) radius(at place, all []string) read {
	var attrs layeh.Attributes
	if at == inOut { // TACACS+ has asked for a dial-out; RADIUS grants one by its Service-Type
		attrs.Add(6, layeh.Attribute("\x00\x00\x00\x05"))
	}
	for _, p := range all {
		if !strings.HasPrefix(strings.ToLower(p), "ringback:") {
			p = at.prefix + p
		}
		attrs.Add(26, layeh.Attribute("\x00\x00\x00\x09\x01"+string([]byte{byte(len(p) + 2)})+p))
	}
	a := radius.Dialects{}.Authorize(at.session, attrs)
	if at == inOut {
		a.Readings, a.ServiceType, a.Kind = a.Readings[1:], 0, ""
	}
	return strip(a)
}

func strip(a aaa.Authorization) read {
	r := read{}
	var of []string // each protocol names a pair in its own way
	for _, at := range everywhere {
		of = append(of, "Cisco-AVPair "+at.prefix, "")
	}
	names := strings.NewReplacer(of...)
	for _, rd := range a.Readings {
		r.fields = append(r.fields, rd.Field+" | "+names.Replace(rd.Note))
		if strings.HasPrefix(rd.Note, "refused: ") {
			break
		}
	}
	r.refused = strings.TrimPrefix(names.Replace(a.Refuse), "Cisco-AVPair ")
	a.Readings, a.Attributes, a.Refuse = nil, nil, ""
	r.granted = a
	return r
}

// alike reads pairs with both protocols, requires the same result, and returns it.
func (b *both) alike(t testing.TB, at place, all ...string) read {
	t.Helper()
	r, s := b.radius(at, all), b.tacacs(t, at, all)
	if r.refused != "" { // what else a refusal reports depends on the protocol
		r.granted, s.granted = aaa.Authorization{}, aaa.Authorization{}
	}
	if !reflect.DeepEqual(r, s) {
		t.Errorf("%s %q\nRADIUS  %s\nTACACS+ %s", at.prefix, all, show(r), show(s))
	}
	return r
}

func show(r read) string {
	return fmt.Sprintf("refused %q, %+v, framed %+v, secret %t, readings %q",
		r.refused, r.granted, r.granted.Framed, r.granted.SendSecret != "", r.fields)
}

// values are tried with every pair: valid ones of every kind, and invalid ones.
var values = []string{
	"", "0", "1", "7", "true", "false", "84001", "192.0.2.1", // tried in every place
	"2", "15", "16", "66", "100", "101", "65535", "65536", "-1", "+1", "007", "99999999999999999999", "16777216",
	"16777217", "True", "yes", "on", "9,1-800-555-1212", strings.Repeat("5", 64), strings.Repeat("5", 65), "staff",
	"night-shift", "a b", "a:b", "a=b*c", "*", "=", " ", "x#1", "0.0.0.0", "255.255.255.254", "255.255.255.255",
	"10.0.0.256", "010.0.0.1", "::1", "::ffff:192.0.2.1", "fe80::1%eth0", "2001:db8::/64", "2001:db8::1/64",
	"10.0.0.0/8", "10.0.0.0 255.0.0.0", "10.0.0.0 255.0.0.0 10.1.1.1", "10.0.0.1 255.0.0.0", "10.0.0.0 255.0.255.0",
	"10.0.0.0 255.0.0.0 10.1.1.1 1", "10.0.0.0 0.255.255.255", "0.0.0.0 0.0.0.0", "192.0.2.1 192.0.2.2",
	"192.0.2.1 192.0.2.1", "192.0.2.1 none", "192.0.2.1,192.0.2.2", "0.0.0.0 192.0.2.1", "2001:db8::53",
	"telnet host 23", "permit ip any any",
}

const everyPlace = 8 // number of values that are tried in every place

// TestBothProtocols passes every pair of the table, and some unknown ones, with every value to both protocols.
func TestBothProtocols(t *testing.T) {
	t.Parallel()
	b := newBoth(t)
	bits := map[place]pairs.Place{inEXEC: pairs.EXEC, inLCP: pairs.LCP, inIP: pairs.IP, inIPv6: pairs.IPv6,
		inOut: pairs.Outbound}
	besides := []pairs.Row{
		{Name: "zonelist"}, {Name: "ringback:group", In: pairs.EXEC | pairs.LCP},
		{Name: "ringback:priv-lvl"}, {Name: "x:priv-lvl"},
	}
	for _, row := range append(besides, pairs.Table...) {
		for _, at := range everywhere {
			for i, v := range values {
				if i >= everyPlace && row.In&bits[at] == 0 {
					break
				}
				b.alike(t, at, row.Name+"="+v)
				b.alike(t, at, row.Name+"*"+v)
			}
			for _, suffix := range []string{"#1", "#01", "#", "#x"} {
				name := strings.ToUpper(row.Name) + suffix
				b.alike(t, at, name+"=1")
				b.alike(t, at, name+"*staff")
			}
		}
	}
}

// TestBothProtocolsTwice sends pairs twice, with equal and different values, mandatory and optional, supported and
// unsupported.
func TestBothProtocolsTwice(t *testing.T) {
	t.Parallel()
	b := newBoth(t)
	for at, names := range map[place][]string{
		inEXEC: {
			"callback-dialstring", "callback-line", "nocallback-verify", "priv-lvl", "autocmd", "timeout",
			"ringback:group",
		},
		inLCP: {"callback-rotary", "send-secret", "send-name", "interface-config"},
		inIP:  {"addr", "addr-pool", "inacl", "dns-servers", "route", "routing"},
		inOut: {"dial-number", "send-name", "send-auth", "modem-script", "data-service"},
	} {
		for _, name := range names {
			some := []string{
				"=1", "*1", "=0", "*99", "=", "*192.0.2.1", "=192.0.2.2", "#1=1", "#2=1", "*10.0.0.0 255.0.0.0", "=x",
			}
			for _, first := range some {
				for _, second := range some {
					b.alike(t, at, name+first, name+second, "idletime=5")
				}
			}
		}
	}
}

// FuzzBothProtocols checks that both protocols interpret all pairs of printable US-ASCII in the same way. Other input
// is not compared.
func FuzzBothProtocols(f *testing.F) {
	b := newBoth(f)
	f.Add(0, "callback-dialstring=84001\npriv-lvl=7\nnocallback-verify*1")
	f.Add(1, "callback-rotary=1\nsend-secret=x\nringback:group=a b")
	f.Add(2, "addr=255.255.255.254\nroute#1=10.0.0.0 255.0.0.0\ndns-servers=192.0.2.1 0.0.0.0")
	f.Add(3, "prefix#2=2001:db8::/64\ninacl=1\ninacl=1\ninacl#x=1")
	f.Add(4, "dial-number=84001\ndial-number=84002\nmodem-script=^out\nsend-secret=x\nsend-auth*chip")
	f.Fuzz(func(t *testing.T, at int, text string) {
		var all []string
		for p := range strings.SplitSeq(text, "\n") {
			name, sign, _ := pairs.Split(p)
			switch strings.ToLower(name) {
			case "", "service", "protocol", "cmd":
				return
			}
			unprintable := func(c rune) bool { return c < ' ' || c > '~' }
			if sign == 0 || len(p) > 200 || strings.ContainsFunc(p, unprintable) || strings.ContainsAny(name, `" \`) {
				return
			}
			all = append(all, p)
		}
		if len(all) <= 20 {
			b.alike(t, everywhere[uint(at)%uint(len(everywhere))], all...)
		}
	})
}

func pairsTable() (names []string) {
	for _, row := range pairs.Table {
		names = append(names, row.Name)
	}
	return names
}
