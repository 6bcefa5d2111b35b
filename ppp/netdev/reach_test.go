package netdev

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseTarget(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1":            "192.0.2.1/32 0",
		"192.0.2.0/24":         "192.0.2.0/24 0",
		"127.0.0.1:80":         "127.0.0.1/32 80",
		"192.0.2.0/24:80":      "192.0.2.0/24 80",
		"2001:db8::1":          "2001:db8::1/128 0",
		"2001:db8::/32":        "2001:db8::/32 0",
		"[2001:db8::1]:80":     "2001:db8::1/128 80",
		"[2001:db8::/32]:80":   "2001:db8::/32 80",
		"0.0.0.0/0":            "0.0.0.0/0 0",
		"[::/0]:443":           "::/0 443",
		"":                     "no address",
		"localhost:80":         "no address",
		"192.0.2.1/24":         "the network is 192.0.2.0/24",
		"192.0.2.1:0":          "not a number",
		"192.0.2.1:+80":        "not a number",
		"192.0.2.1:65536":      "not a number",
		"fe80::1%eth0":         "no address",
		"224.0.0.1":            "cannot be opened",
		"255.255.255.255":      "cannot be opened",
		"[::ffff:127.0.0.1]:1": "cannot be opened",
	} {
		target, err := ParseTarget(text)
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %s", text, err, want)
			}
			continue
		}
		if got := target.Net.String() + " " + portText(target.Port); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
		if target.String() != text {
			t.Errorf("%q is printed as %q", text, target)
		}
	}
}

func portText(p uint16) string { return map[uint16]string{0: "0", 80: "80", 443: "443"}[p] }

func TestDecide(t *testing.T) {
	target := func(text string) Target {
		t.Helper()
		x, err := ParseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	all := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	list := Reach{Allow: []Target{target("127.0.0.1:80"), target("198.51.100.0/24"), target("::1")}, Deny: all}
	wide := Reach{Allow: []Target{target("0.0.0.0/0"), target("::/0")}}
	for _, c := range []struct {
		reach Reach
		dst   string
		want  opening
	}{
		{Reach{}, "198.51.100.1:80", open},
		{Reach{}, "10.0.0.1:80", open},
		{Reach{}, "127.0.0.1:80", closed},
		{Reach{}, "[2001:db8::1]:80", open},
		{Reach{}, "[::1]:80", closed},
		{Reach{}, "169.254.169.254:80", closed},
		{list, "127.0.0.1:80", allowed},
		{list, "127.0.0.1:81", closed},
		{list, "127.0.0.1:0", closed}, // a ping needs an entry without a port
		{list, "198.51.100.9:0", allowed},
		{list, "203.0.113.1:80", closed},
		{list, "[::1]:22", allowed},
		{list, "[2001:db8::1]:22", closed},
		{wide, "127.0.0.1:22", allowed},
		{wide, "0.0.0.0:22", closed},
		{wide, "255.255.255.255:22", closed},
		{wide, "[fe80::1]:22", closed},
		{wide, "[ff02::1]:22", closed},
		{wide, "[::ffff:10.0.0.1]:22", closed},
		{wide, "[::1]:22", allowed},
		{wide, "[::2]:22", closed},
	} {
		if got := c.reach.decide(netip.MustParseAddrPort(c.dst)); got != c.want {
			t.Errorf("%v to %s: %d, want %d", c.reach.Allow, c.dst, got, c.want)
		}
	}
}

// TestBadReach refuses entries that cannot work when the network is made.
func TestBadReach(t *testing.T) {
	ap := netip.MustParseAddrPort
	for _, r := range []Reach{
		{Allow: []Target{{}}},
		{Allow: []Target{{Net: netip.MustParsePrefix("ff00::/8")}}},
		{Deny: []netip.Prefix{{}}},
		{Services: map[netip.AddrPort]netip.AddrPort{ap("10.8.0.1:0"): ap("127.0.0.1:80")}},
		{Services: map[netip.AddrPort]netip.AddrPort{ap("10.8.0.1:80"): {}}},
		{Services: map[netip.AddrPort]netip.AddrPort{ap("224.0.0.1:80"): ap("127.0.0.1:80")}},
	} {
		if u, err := NewUserspace(Options{Reach: r}); err == nil {
			t.Errorf("%+v was accepted", r)
			_ = u.Close()
		}
	}
}

// TestIdleTimer expires the limit after the last touch, and again if it is told so.
func TestIdleTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		expired := make(chan time.Duration, 2)
		begin := func(limit time.Duration, again bool) *idleTimer {
			start := time.Now()
			return newIdleTimer(limit, func() bool { expired <- time.Since(start); return again })
		}
		timer := begin(10*time.Second, false)
		<-time.After(6 * time.Second)
		timer.touch()
		if got := <-expired; got != 16*time.Second {
			t.Errorf("expired after %v, want 16s", got)
		}
		timer.stop()

		timer = begin(10*time.Second, false)
		timer.shorten(3 * time.Second)
		timer.shorten(5 * time.Second) // longer: no effect
		if got := <-expired; got != 3*time.Second {
			t.Errorf("expired after %v, want 3s", got)
		}
		timer.stop()

		timer = begin(10*time.Second, true)
		if got, next := <-expired, <-expired; got != 10*time.Second || next != 20*time.Second {
			t.Errorf("expired after %v and %v, want 10s and 20s", got, next)
		}
		timer.stop()
		<-time.After(time.Minute)
		if len(expired) > 0 {
			t.Error("a stopped timer expired")
		}
	})
}
