package pppfront

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/session"
)

// Accounting is told of the caller's addresses when a protocol opens, and of the packets each interval; a session that
// follows on the call begins without both.
func TestAccountingReports(t *testing.T) {
	for _, tt := range []struct {
		name    string
		six     bool
		interim time.Duration
		updates int
		want    string
	}{
		{"IPv4", false, 0, 1, "began 1 kim; 1 kim has 10.8.0.10; ended 1 kim, cause 2, admitted true"},
		{"IPv6 too", true, 0, 2, // the report of the first protocol may have both
			"1 kim has 10.8.0.10 2001:db8:8::/64 0000:0000:0000:0009; ended 1 kim, cause 2, admitted true"},
		{"disabled", false, -1, 0, "began 1 kim; ended 1 kim, cause 2, admitted true"},
		{"each minute", false, time.Minute, 2, "began 1 kim; 1 kim has 10.8.0.10; 1 kim has 10.8.0.10; " +
			"ended 1 kim, cause 2, admitted true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := dial(t, scene{network: &fakeNetwork{six: tt.six}, profile: Profile{IPv6: tt.six},
					config: session.Config{Interim: tt.interim}}, &ppptest.Client{User: "kim", IPv6: tt.six})
				c.waits(time.Second)
				c.sends(ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, []byte("ping!"))})
				c.waits(time.Minute)
				c.hangsUp()
				if r := c.scene.aaa.requests[0]; r.IPv6 != tt.six {
					t.Errorf("%+v", r)
				}
				got := c.scene.broker.told()
				if !strings.HasPrefix(got, "began 1 kim; ") || !strings.HasSuffix(got, tt.want) ||
					strings.Count(got, "has") != tt.updates {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
				reports := c.scene.broker.reports
				last := reports[len(reports)-1]
				if last.OctetsIn != 25 || last.OctetsOut != 25 || last.PacketsIn != 1 || last.PacketsOut != 1 {
					t.Errorf("%+v", last)
				}
				if last.Framed.Address.String() != "10.8.0.10" || (len(last.Framed.Prefixes) == 1) != tt.six {
					t.Errorf("%+v", last.Framed)
				}
			})
		})
	}
}

// A session that renegotiates begins without the addresses of the one before it.
func TestAccountingOfRenegotiation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, scene{network: &fakeNetwork{}}, &ppptest.Client{User: "kim"})
		c.waits(time.Second)
		c.client.NoIP = true
		c.sends(c.client.Start()...)
		c.waits(time.Second)
		c.hangsUp()
		want := "began 1 kim; 1 kim has 10.8.0.10; ended 1 kim, cause 1, admitted true; " +
			"began 2 kim; ended 2 kim, cause 2, admitted true"
		if got := c.scene.broker.told(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		reports := c.scene.broker.reports
		if a := reports[2].Framed.Address; a.String() != "10.8.0.10" {
			t.Errorf("the Stop of the first session has %v", a)
		}
		if a := reports[4].Framed.Address; a.IsValid() {
			t.Errorf("the Stop of the second session has %v", a)
		}
	})
}
