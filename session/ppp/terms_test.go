package pppfront

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/session"
)

// TestTerms: the network is told the pool and the filter of the Broker's terms, on both legs.
func TestTerms(t *testing.T) {
	for _, leg := range []session.Leg{{}, {Number: 2, Identity: aaa.Identity{Entry: "radius", User: "kim"}}} {
		synctest.Test(t, func(t *testing.T) {
			broker := &fakeBroker{decide: func(session.Asked) session.Verdict {
				return session.Verdict{Kind: session.Admit, Terms: session.Terms{Pool: "vendors", Filter: "web"}}
			}}
			c := dial(t, scene{broker: broker, leg: leg}, &ppptest.Client{User: "kim", Password: "sesame"})
			c.waits(2 * time.Second)
			if !c.up() {
				t.Fatal(c.story())
			}
			if h := c.scene.network.holder; h.Pool != "vendors" || h.Filter != "web" || h.Identity.User != "kim" {
				t.Errorf("%+v", h)
			}
			c.sends(c.client.Terminate())
			c.ends()
		})
	}
}
