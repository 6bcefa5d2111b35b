package broker_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/session"
)

// TestTerms: the policy's terms of EXEC sessions apply on the caller's own call and on leg two.
func TestTerms(t *testing.T) {
	level := 1
	o := townOptions{user: func(a *aaa.Authorization) { a.PrivLevel = 15 },
		policy: func(p *policies.Policy) {
			p.EXEC = policies.EXEC{Privilege: &level, Commands: []string{"show"}, Hosts: []netip.Prefix{}}
		}}
	for user, leg := range map[string]int{"paia-04": 1, "kihei-03": 2} {
		inTown(t, o, func(w *town) {
			p := w.pc(w.home)
			p.typ("ats0=1")
			p.login(user)
			if leg == 2 {
				p.see("Callback initiated", time.Minute)
				p.see("Username: ", 5*time.Minute)
				p.typ(user)
				p.see("Password: ", time.Minute)
				p.typ(password)
			}
			p.see("maui-nas-04>", time.Minute)
			p.typ("show privilege")
			p.see("level is 1", time.Minute)
			p.typ("help")
			p.see("Command authorization failed", time.Minute)
			p.dte.SetDTR(false)
			w.idle(time.Minute)
		})
	}
}

// holders keeps the callers that were given an address.
type holders struct {
	ppp.Network
	mu  sync.Mutex
	all []ppp.Holder
}

func (n *holders) Assign(ctx context.Context, h ppp.Holder) (ppp.Lease, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, h)
	return n.Network.Assign(ctx, h)
}

// TestPPPTerms: the policy's terms of PPP sessions apply on the caller's own call and on leg two.
func TestPPPTerms(t *testing.T) {
	for user, leg := range map[string]int{"paia-04": 1, "kihei-03": 2} {
		network := &holders{Network: nowhere}
		o := townOptions{
			frontEnds: func(text session.FrontEnd) session.Chooser { return chooserOn(text, pap, network) },
			policy:    func(p *policies.Policy) { p.PPP = policies.PPP{Pool: "vendors", Filter: "web"} },
		}
		inTown(t, o, func(w *town) {
			p := w.pc(w.home)
			p.typ("ats0=1")
			p.typ("atdt55555")
			p.see("CONNECT", time.Minute)
			w.pass(2 * time.Second)
			c := &ppptest.Client{User: user, Password: password}
			if leg == 2 {
				one := &ppptest.Client{User: user, Password: password, Callback: []byte{6},
					Response: func([]byte) []byte { return []byte{3, 3, 40} }}
				p.frames(one, time.Minute, func() bool { return one.EndAck }, one.Start()...)
				p.see("CONNECT", 3*time.Minute)
				w.pass(2 * time.Second)
			}
			if !p.frames(c, time.Minute, func() bool { return c.IPUp }, c.Start()...) {
				t.Errorf("%s: %+v", user, c)
			}
			p.dte.SetDTR(false)
			w.idle(time.Minute)
		})
		if all := network.all; len(all) != 1 || all[0].Pool != "vendors" || all[0].Filter != "web" {
			t.Errorf("%s: %+v", user, all)
		}
	}
}
