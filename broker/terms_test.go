package broker_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/policies"
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
