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
	"github.com/ringback/ringback/ppp/lcp"
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

// TestPPPAuth: a method that the line offers and the group does not accept is rejected on both legs, although AAA
// granted the login: neither a session nor a callback follows.
func TestPPPAuth(t *testing.T) {
	both := pap
	both.Authentication = []lcp.Auth{lcp.CHAP, lcp.PAP}
	o := townOptions{frontEnds: withProfile(both),
		policy: func(p *policies.Policy) { p.PPPAuth = []string{"chap", "eap"} }}
	chap, plain := [][]byte{ppptest.MethodCHAP}, [][]byte{ppptest.MethodPAP}
	asksFor := func(user string, methods [][]byte) *ppptest.Client {
		return &ppptest.Client{User: user, Password: password, Methods: methods, Callback: []byte{6},
			Response: func([]byte) []byte { return []byte{3, 3, 40} }}
	}
	for name, tt := range map[string]struct {
		user     string
		one, two [][]byte
		callback bool
		ip       bool // on the last leg
	}{
		"accepted":               {"paia-04", chap, nil, false, true},
		"rejected":               {"paia-04", plain, nil, false, false},
		"accepted on both legs":  {"kihei-03", chap, chap, true, true},
		"rejected on leg two":    {"kihei-03", chap, plain, true, false},
		"rejected, no callback":  {"kihei-03", plain, nil, false, false},
		"number of the caller's": {"austin-02", plain, nil, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.typ("atdt55555")
				p.see("CONNECT", time.Minute)
				w.pass(2 * time.Second)
				c := asksFor(tt.user, tt.one)
				if !tt.callback {
					c.Callback = nil
				}
				p.linksUp(c)
				if tt.callback {
					p.see("CONNECT", 3*time.Minute)
					w.pass(2 * time.Second)
					c = asksFor(tt.user, tt.two)
					p.linksUp(c)
				}
				if c.IPUp != tt.ip || !c.Passed || !tt.ip && c.EndText != "Access denied" {
					t.Errorf("%+v", c)
				}
				if all := w.promised(); (all == 1) != tt.callback {
					t.Errorf("%d callbacks", all)
				}
				p.dte.SetDTR(false)
				w.idle(time.Minute)
			})
		})
	}
}
