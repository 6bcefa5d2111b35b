package pool

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a time that tests set.
type clock struct{ t time.Time }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) now() time.Time { return c.t }

func mustParse(t testing.TB, configs ...Config) *Pools {
	t.Helper()
	p, err := Parse(configs)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// assign returns the last number of the address that user gets, or the error.
func assign(a *Allocator, pool, user string) (*Lease, string) {
	l, err := a.Assign(pool, Holder{User: user, TTY: 65})
	if err != nil {
		return nil, err.Error()
	}
	return l, l.Addr().String()
}

// TestEveryAddressIsAssigned is accel-ppp #15 and #191: half of a pool was never assigned. A pool of 200 serves 200
// callers at once, and callers who come and go get all 200 addresses before one of them is used again.
func TestEveryAddressIsAssigned(t *testing.T) {
	p := mustParse(t, Config{Name: "dialin", Addresses: []string{"10.8.0.1-10.8.0.100", "10.8.1.0-10.8.1.99"}})
	t.Run("at once", func(t *testing.T) {
		a := New(p, newClock().now)
		seen := map[netip.Addr]bool{}
		for i := range 200 {
			l, text := assign(a, "dialin", fmt.Sprint("user", i))
			if l == nil || seen[l.Addr()] {
				t.Fatalf("caller %d: %s, twice or never", i, text)
			}
			seen[l.Addr()] = true
		}
		want := "pool dialin has no free addresses (200 in use, 0 held back)"
		if _, got := assign(a, "dialin", "one more"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
	t.Run("one after the other", func(t *testing.T) {
		a := New(p, newClock().now)
		var order []netip.Addr
		for i := range 600 {
			l, text := assign(a, "dialin", fmt.Sprint("user", i))
			if l == nil {
				t.Fatal(text)
			}
			l.Release()
			order = append(order, l.Addr())
		}
		seen := map[netip.Addr]bool{}
		for i, addr := range order {
			seen[addr] = true
			if i >= 200 && addr != order[i-200] {
				t.Fatalf("caller %d has %s, want %s, which was given back first", i, addr, order[i-200])
			}
		}
		if len(seen) != 200 {
			t.Errorf("%d addresses were used", len(seen))
		}
	})
}

func TestHoldback(t *testing.T) {
	c := newClock()
	p := mustParse(t, Config{Name: "p", Addresses: []string{"10.8.0.1-10.8.0.2"}, Holdback: 10 * time.Minute})
	a := New(p, c.now)
	ann, _ := assign(a, "p", "ann")
	ann.Release()
	if _, got := assign(a, "p", "bob"); got != "10.8.0.2" {
		t.Errorf("bob has %s", got)
	}
	if _, got := assign(a, "p", "eve"); got != "pool p has no free addresses (1 in use, 1 held back)" {
		t.Errorf("eve has %s", got)
	}
	c.t = c.t.Add(10*time.Minute - 1)
	if _, got := assign(a, "p", "eve"); got != "pool p has no free addresses (1 in use, 1 held back)" {
		t.Errorf("eve has %s just before the end of the holdback", got)
	}
	again, got := assign(a, "p", "ann")
	if got != "10.8.0.1" {
		t.Fatalf("ann has %s", got)
	}
	again.Release()
	c.t = c.t.Add(10 * time.Minute)
	eve, got := assign(a, "p", "eve")
	if got != "10.8.0.1" {
		t.Fatalf("eve has %s after the holdback", got)
	}
	if _, got := assign(a, "p", "ann"); !strings.HasPrefix(got, "pool p has no free") {
		t.Errorf("ann has %s, which eve has now", got)
	}
	eve.Release()
	eve.Release() // no second return
	if got := a.Snapshot().Pools[0].Addresses; got != (Usage{Size: 2, InUse: 1, HeldBack: 1}) {
		t.Errorf("%+v", got)
	}
}

// TestSameAddressAgain has users who come back, also twice at the same time.
func TestSameAddressAgain(t *testing.T) {
	a := New(mustParse(t, Config{Name: "p", Addresses: []string{"10.8.0.1-10.8.0.9"}}), newClock().now)
	first, _ := assign(a, "p", "ann")
	second, _ := assign(a, "p", "ann")
	nobody, _ := assign(a, "p", "")
	for _, l := range []*Lease{second, first, nobody} {
		l.Release()
	}
	for _, c := range []struct{ user, want string }{
		{"ann", "10.8.0.1"}, {"", "10.8.0.4"}, {"ann", "10.8.0.2"}, {"ann", "10.8.0.5"},
	} {
		if _, got := assign(a, "p", c.user); got != c.want {
			t.Errorf("%q has %s, want %s", c.user, got, c.want)
		}
	}
}

func TestBackup(t *testing.T) {
	c := newClock()
	a := New(mustParse(t,
		Config{Name: "dialin", Addresses: []string{"10.8.0.1"}, Backup: "spare", Holdback: time.Hour},
		Config{Name: "spare", Addresses: []string{"10.9.0.1"}, Backup: "six"},
		Config{Name: "six", Prefixes: []string{"2001:db8:8::/64"}}), c.now)
	ann, _ := assign(a, "dialin", "ann")
	bob, got := assign(a, "dialin", "bob")
	if got != "10.9.0.1" || bob.Pool() != "spare" {
		t.Errorf("bob has %s of %s", got, bob.Pool())
	}
	ann.Release()
	_, err := a.Assign("dialin", Holder{User: "eve"})
	var e *ExhaustedError
	if !errors.As(err, &e) || len(e.Tried) != 3 || e.Tried[0].HeldBack != 1 || e.Tried[1].InUse != 1 {
		t.Errorf("%#v", err)
	}
	want := "pool dialin has no free addresses (0 in use, 1 held back); backup pool spare has no free addresses " +
		"(1 in use, 0 held back); backup pool six is configured without addresses"
	if err.Error() != want {
		t.Errorf("%s\nwant %s", err, want)
	}
	exhausted := c.t
	c.t = c.t.Add(time.Minute)
	l, err := a.AssignPrefix("dialin", Holder{User: "eve"})
	for i, want := range []time.Time{exhausted, exhausted, {}} {
		if s := a.Snapshot().Pools[i]; !s.AddressesExhausted.Equal(want) || !s.PrefixesExhausted.IsZero() {
			t.Errorf("pool %s was exhausted at %v", s.Name, s.AddressesExhausted)
		}
	}
	if err != nil || l.Prefix() != netip.MustParsePrefix("2001:db8:8::/64") || l.Pool() != "six" {
		t.Errorf("%v, %v", l, err)
	}
	if _, got := assign(a, "dialup", "eve"); got != `no pool is called "dialup"; pools: dialin, spare, six` {
		t.Error(got)
	}
	if _, got := assign(New(&Pools{}, c.now), "p", "eve"); got != `no pool is called "p"; pools: none` {
		t.Error(got)
	}
}

func TestClaim(t *testing.T) {
	c := newClock()
	p, err := Parse([]Config{{Name: "p", Addresses: []string{"10.8.0.1-10.8.0.9"},
		Prefixes: []string{"2001:db8:8::/60"}, Holdback: time.Minute}}, netip.MustParseAddr("10.8.0.254"))
	if err != nil {
		t.Fatal(err)
	}
	a := New(p, c.now)
	taken, _ := assign(a, "p", "ann")
	for _, claim := range []struct{ prefix, want string }{
		{"10.8.0.1/32", `address 10.8.0.1 is in use by "ann" on tty 65 since 2026-01-02T03:04:05Z`},
		{"10.8.0.0/29", `prefix 10.8.0.0/29 overlaps address 10.8.0.1, which is in use by "ann" on tty 65 since ` +
			"2026-01-02T03:04:05Z"},
		{"10.8.0.5/32", ""},
		{"192.0.2.1/32", ""},
		{"192.0.2.1/32", `address 192.0.2.1 is in use by "bob" on tty 66 since 2026-01-02T03:04:05Z`},
		{"2001:db8:8:4::/62", ""},
		{"2001:db8:8:5::1/128", `address 2001:db8:8:5::1 overlaps prefix 2001:db8:8:4::/62, which is in use by "bob"`},
		{"2001:db8:8::1/128", ""},
		{"10.8.0.254/32", "address 10.8.0.254: 10.8.0.254 is an address of this access server"},
		{"10.8.0.252/30", "prefix 10.8.0.252/30: 10.8.0.254 is an address of this access server"},
		{"0.0.0.0/32", "address 0.0.0.0: unspecified addresses (0.0.0.0/8) cannot be assigned"},
		{"0.0.0.0/0", "prefix 0.0.0.0/0: unspecified addresses"},
		{"255.255.255.255/32", "address 255.255.255.255: reserved addresses (240.0.0.0/4) cannot be assigned"},
		{"224.0.0.5/32", "address 224.0.0.5: multicast"},
		{"127.0.0.1/32", "address 127.0.0.1: loopback"},
		{"169.254.7.7/32", "address 169.254.7.7: link-local"},
		{"::1/128", "address ::1: reserved"},
		{"10.1.1.1/24", "10.1.1.1/24 is not an address or prefix that can be assigned"},
		{"::ffff:10.1.1.1/128", "::ffff:10.1.1.1/128 is not an address or prefix that can be assigned"},
	} {
		addr, bits, _ := strings.Cut(claim.prefix, "/")
		var n int
		if _, err := fmt.Sscan(bits, &n); err != nil {
			t.Fatal(err)
		}
		l, err := a.Claim(netip.PrefixFrom(netip.MustParseAddr(addr), n), Holder{User: "bob", TTY: 66})
		if (err == nil) != (claim.want == "") || err != nil && !strings.HasPrefix(err.Error(), claim.want) {
			t.Errorf("%s: %v, want %q", claim.prefix, err, claim.want)
		}
		if err == nil && l.Pool() != "" {
			t.Errorf("%s is of pool %q", claim.prefix, l.Pool())
		}
	}
	if _, err := a.Claim(netip.Prefix{}, Holder{}); err == nil {
		t.Error("nothing was claimed")
	}
	s := a.Snapshot()
	if got := s.Pools[0].Addresses; got != (Usage{Size: 9, InUse: 2, Free: 7}) {
		t.Errorf("addresses: %+v", got)
	}
	if got := s.Pools[0].Prefixes; got != (Usage{Size: 16, InUse: 5, Free: 11}) {
		t.Errorf("prefixes: %+v", got)
	}
	var holders []string
	for _, h := range append(s.Pools[0].Holders, s.Outside...) {
		holders = append(holders, h.Holder.User+" "+h.Prefix.String())
	}
	want := "ann 10.8.0.1/32, bob 10.8.0.5/32, bob 2001:db8:8::1/128, bob 2001:db8:8:4::/62, bob 192.0.2.1/32"
	if got := strings.Join(holders, ", "); got != want {
		t.Errorf("holders %s, want %s", got, want)
	}
	taken.Release()
	if _, err := a.Claim(netip.MustParsePrefix("10.8.0.1/32"), Holder{User: "bob"}); err != nil {
		t.Errorf("AAA cannot claim an address that is held back: %v", err)
	}
}

func TestChoose(t *testing.T) {
	c := newClock()
	a := New(mustParse(t, Config{Name: "p", Addresses: []string{"10.8.0.1-10.8.0.9"}, Holdback: time.Minute}), c.now)
	addr := netip.MustParseAddr("10.8.0.1")
	ann, _ := assign(a, "p", "ann")
	choose := func(user string) string {
		l, err := a.Choose(addr, Holder{User: user})
		if err != nil {
			return err.Error()
		}
		defer l.Release()
		return l.Addr().String()
	}
	if got := choose("bob"); !strings.HasPrefix(got, `address 10.8.0.1 is in use by "ann"`) {
		t.Error(got)
	}
	ann.Release()
	c.t = c.t.Add(20 * time.Second)
	if got := choose("bob"); got != `address 10.8.0.1 was given back by "ann" and is held back for another 40s` {
		t.Error(got)
	}
	if got := choose("ann"); got != "10.8.0.1" {
		t.Error(got)
	}
	c.t = c.t.Add(time.Minute)
	if got := choose("bob"); got != "10.8.0.1" {
		t.Error(got)
	}
	broadcast, mapped := netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("::ffff:10.8.0.1")
	for _, bad := range []netip.Addr{{}, broadcast, mapped} {
		if _, err := a.Choose(bad, Holder{}); err == nil {
			t.Errorf("%s was chosen", bad)
		}
	}
}

func TestReload(t *testing.T) {
	c := newClock()
	a := New(mustParse(t, Config{Name: "old", Addresses: []string{"10.8.0.1-10.8.0.4"}, Holdback: time.Minute}), c.now)
	ann, _ := assign(a, "old", "ann")
	bob, _ := assign(a, "old", "bob")
	bob.Release()
	a.Reload(mustParse(t, Config{Name: "new", Addresses: []string{"10.8.0.2-10.8.0.5"}, Holdback: time.Hour}))
	if _, got := assign(a, "old", "eve"); !strings.HasPrefix(got, `no pool is called "old"`) {
		t.Error(got)
	}
	if ann.Pool() != "old" || ann.Addr().String() != "10.8.0.1" {
		t.Errorf("ann has %s of %s", ann.Addr(), ann.Pool())
	}
	s := a.Snapshot()
	if len(s.Outside) != 1 || s.Outside[0].Holder.User != "ann" {
		t.Errorf("outside: %+v", s.Outside)
	}
	if got := s.Pools[0].Addresses; got != (Usage{Size: 4, HeldBack: 1, Free: 3}) {
		t.Errorf("%+v", got)
	}
	c.t = c.t.Add(2 * time.Minute) // the new holdback counts
	for _, want := range []string{"10.8.0.3", "10.8.0.4", "10.8.0.5",
		"pool new has no free addresses (3 in use, 1 held back)"} {
		if _, got := assign(a, "new", "eve"); got != want {
			t.Errorf("eve has %s, want %s", got, want)
		}
	}
	if _, got := assign(a, "new", "bob"); got != "10.8.0.2" {
		t.Errorf("bob has %s", got)
	}
	a.Reload(mustParse(t, Config{Name: "old", Addresses: []string{"10.8.0.1-10.8.0.4"}, Holdback: time.Minute}))
	if _, got := assign(a, "old", "eve"); got != "pool old has no free addresses (4 in use, 0 held back)" {
		t.Errorf("eve has %s, and ann, who had it before, still does", got)
	}
	ann.Release()
	if _, got := assign(a, "old", "ann"); got != "10.8.0.1" {
		t.Errorf("ann has %s", got)
	}
}

// TestConcurrent has many sessions at once: no address is ever held twice, and all come back.
func TestConcurrent(t *testing.T) {
	p := mustParse(t, Config{Name: "p", Addresses: []string{"10.8.0.1-10.8.0.20"}, Backup: "q"},
		Config{Name: "q", Addresses: []string{"10.9.0.1-10.9.0.20"}})
	a := New(p, time.Now)
	var mu sync.Mutex
	holding := map[netip.Addr]bool{}
	var wg sync.WaitGroup
	for worker := range uint64(16) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(9, worker))
			for i := range 300 {
				h := Holder{User: fmt.Sprint("user", r.IntN(40)), TTY: int(worker)}
				get := func() (*Lease, error) { return a.Assign("p", h) }
				if i%10 == 0 {
					addr := netip.MustParseAddr(fmt.Sprintf("10.8.0.%d", 1+r.IntN(30)))
					get = func() (*Lease, error) { return a.Choose(addr, h) }
				}
				l, err := get()
				if err != nil {
					continue
				}
				mu.Lock()
				if holding[l.Addr()] {
					t.Errorf("%s is held twice", l.Addr())
				}
				holding[l.Addr()] = true
				mu.Unlock()
				if i%50 == 0 {
					a.Reload(p)
					a.Snapshot()
				}
				mu.Lock()
				delete(holding, l.Addr())
				mu.Unlock()
				l.Release()
			}
		})
	}
	wg.Wait()
	for _, s := range a.Snapshot().Pools {
		if s.Addresses != (Usage{Size: 20, Free: 20}) {
			t.Errorf("pool %s at the end: %+v", s.Name, s.Addresses)
		}
	}
}

// BenchmarkAssign has 1,000 callers in the largest pool; one leaves and another comes.
func BenchmarkAssign(b *testing.B) {
	p := mustParse(b, Config{Name: "p", Addresses: []string{"10.8.0.0-10.8.255.255"}, Holdback: time.Nanosecond})
	a := New(p, time.Now)
	var leases []*Lease
	user := 0
	next := func() *Lease {
		user++
		l, err := a.Assign("p", Holder{User: fmt.Sprint(user)})
		if err != nil {
			b.Fatal(err)
		}
		return l
	}
	for range 1000 {
		leases = append(leases, next())
	}
	for b.Loop() {
		i := user % len(leases)
		leases[i].Release()
		leases[i] = next()
	}
}
