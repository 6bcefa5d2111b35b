package broker_test

import (
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/ppp/ppptest"
)

// cheapHome is a tariff by which calls to the subscriber at 84001 cost less than those of the subscriber.
const cheapHome = "prefix,per_minute,granularity,caller_per_minute\n840,0.02,60/60,0.19\n"

func whenCheaper(p *policies.Policy) { p.Callback = policies.WhenCheaper }

// TestCheaper: a user whose callback AAA does not require is called back at the calling number if the tariff says that
// this is cheaper. A callback that is not to be had, for whatever reason, keeps nobody from a session.
func TestCheaper(t *testing.T) {
	const called, admitted = "Callback initiated", "maui-nas-04>"
	for name, tt := range map[string]struct {
		o    townOptions
		want string
	}{
		"cheaper":   {townOptions{tariff: cheapHome}, called},
		"no tariff": {townOptions{}, admitted},
		"not cheaper": {townOptions{tariff: "prefix,per_minute,granularity,caller_per_minute\n840,0.2,1/1,0.2\n"},
			admitted},
		"no rate": {townOptions{tariff: "prefix,per_minute,granularity,caller_per_minute\n49,0,1/1,1\n"}, admitted},
		"no lines": {townOptions{tariff: cheapHome,
			user: func(a *aaa.Authorization) { a.Lines = []int{99} }}, admitted},
		"over a ceiling": {townOptions{tariff: cheapHome, ceilings: []journal.Limit{
			{Period: journal.Day, Amount: journal.Amount{Time: time.Minute}}}}, admitted},
	} {
		t.Run(name, func(t *testing.T) {
			o := tt.o
			o.policy, o.callerID, o.line.CallerID = whenCheaper, true, true
			inTown(t, o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("paia-04")
				p.see(tt.want, time.Minute)
				if tt.want == called {
					p.see("Username: ", 5*time.Minute)
					p.typ("paia-04")
					p.see("Password: ", time.Minute)
					p.typ(password)
					p.see(admitted, time.Minute)
				}
				p.dte.SetDTR(false)
				w.idle(time.Minute)
				if n, want := len(w.dialed()), map[string]int{called: 1}[tt.want]; n != want {
					t.Errorf("%d dials, want %d", n, want)
				}
			})
		})
	}
}

// TestCheaperNotToBeHad: a PPP client that chose a callback which then cannot be promised is offered to have none.
func TestCheaperNotToBeHad(t *testing.T) {
	o := townOptions{frontEnds: withPPP, policy: whenCheaper, callerID: true, tariff: cheapHome,
		line: exchange.ModemConfig{CallerID: true},
		user: func(a *aaa.Authorization) { a.Lines = []int{99} }}
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.typ("atdt55555")
		p.see("CONNECT", time.Minute)
		w.pass(2 * time.Second)
		var offers []string
		c := &ppptest.Client{User: "paia-04", Password: password, Callback: []byte{6}, Response: func(o []byte) []byte {
			offers = append(offers, string(o))
			if len(offers) == 1 {
				return []byte{3, 3, 0}
			}
			return []byte{1, 2}
		}}
		p.linksUp(c)
		if len(offers) != 2 || offers[0] != "\x01\x02\x03\x03\x00" || offers[1] != "\x01\x02" || !c.IPUp {
			t.Errorf("offered %q, %+v", offers, c)
		}
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}
