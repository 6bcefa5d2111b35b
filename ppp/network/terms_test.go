package network

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
)

// TestTerms: what the policy's pool and filter leave of a grant of AAA. What is refused leases nothing,
// and is known before the session.
func TestTerms(t *testing.T) {
	const dns, spare = "; dns [192.0.2.53 2001:db8::53]", "local 10.8.0.1; peer 10.9.0.10; IPv6 "
	const dialin = "local 10.8.0.1; peer 10.8.0.10; IPv6 ; prefixes [2001:db8:8::/64]" + dns
	for _, tt := range []struct {
		name         string
		auth         aaa.Authorization
		pool, filter string
		want         string // the assignment
		err          string
	}{
		{"the profile's pool is replaced", aaa.Authorization{}, "spare", "", spare + ";" + dns[1:], ""},
		{"one of the other family", framed(aaa.Framed{}), "six", "", "IPv6 ; prefixes [2001:db8:9::/64]" + dns, ""},
		{"AAA's pool is the same", framed(aaa.Framed{Pool: "dialin", IPv6Pool: "dialin"}), "dialin", "", dialin, ""},
		{"AAA's pool", framed(aaa.Framed{Pool: "spare"}), "dialin", "", "", "AAA grants pool spare, and"},
		{"AAA's IPv6 pool", framed(aaa.Framed{IPv6Pool: "six"}), "dialin", "", "", "AAA grants pool six, and"},
		{"AAA's address is in it", framed(aaa.Framed{Address: "10.8.0.10"}), "dialin", "", dialin, ""},
		{"or in its backup", framed(aaa.Framed{Address: "10.9.0.10", NoIPv6: true}), "dialin", "",
			"local 10.8.0.1; peer 10.9.0.10" + dns, ""},
		{"AAA's address", framed(aaa.Framed{Address: "192.0.2.9"}), "dialin", "", "",
			"AAA grants 192.0.2.9/32, which is not in pool dialin"},
		{"AAA's prefix", framed(aaa.Framed{IPv6Prefix: []string{"2001:db8:1::/64"}}), "dialin", "", "",
			"AAA grants 2001:db8:1::/64, which is not in pool dialin"},
		{"AAA's prefix is larger", framed(aaa.Framed{IPv6Prefix: []string{"2001:db8:8::/62"}}), "dialin", "", "",
			"AAA grants 2001:db8:8::/62, which is not"},
		{"a route", framed(aaa.Framed{Routes: []string{"192.168.1.0/24"}}), "dialin", "", "",
			"AAA grants 192.168.1.0/24, which is not in pool dialin"},
		{"everything", framed(aaa.Framed{Routes: []string{"0.0.0.0/0"}}), "dialin", "", "", "AAA grants 0.0.0.0/0"},
		{"no such pool", aaa.Authorization{}, "gone", "", "", `no pool is called "gone"; pools: dialin, spare, six`},
		{"a filter", aaa.Authorization{}, "", "mail", dialin + "; filter mail", ""},
		{"besides AAA's", aaa.Authorization{FilterIDs: []string{"both"}}, "", "mail",
			dialin + "; filter both+mail", ""},
		{"AAA's group", aaa.Authorization{FilterIDs: []string{"staff"}}, "", "mail", dialin + "; filter mail", ""},
		{"no such filter", aaa.Authorization{}, "", "staff", "", `filter "staff": no filter has this name`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			h := caller(65, tt.auth)
			h.Pool, h.Filter = tt.pool, tt.filter
			why := s.Unfit(tt.auth, tt.pool, tt.filter)
			if (why == "") != (tt.err == "") || !strings.HasPrefix(why, tt.err) {
				t.Errorf("unfit: %q, want %s", why, tt.err)
			}
			l, err := s.Assign(t.Context(), h)
			if tt.err != "" {
				if l != nil || err == nil || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("%v, want %s", err, tt.err)
				}
				s.free(t)
				return
			}
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

// TestTermsOfAChosenAddress: a caller that chooses its address may have any of the pool, and no other.
func TestTermsOfAChosenAddress(t *testing.T) {
	s := newSite(t)
	h := caller(65, framed(aaa.Framed{Address: "negotiate"}))
	h.Pool = "dialin"
	l, err := s.Assign(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	permit := l.Assignment().Permit
	if err := permit(addr("192.0.2.9")); err == nil ||
		!strings.HasPrefix(err.Error(), "address 192.0.2.9 is not in pool dialin") {
		t.Error(err)
	}
	if err := permit(addr("10.8.0.11")); err != nil {
		t.Error(err)
	}
	l.Release()
	s.free(t)
}
