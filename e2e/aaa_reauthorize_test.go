package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab"
)

// lookups is what a RADIUS server returns about a user without their password, in a Call-Check.
const lookups = `
kihei-03	Service-Type == Call-Check, Auth-Type := Accept
	Service-Type = Callback-NAS-Prompt,
	Callback-Number = "84003"

DEFAULT	Service-Type == Call-Check, Auth-Type := Reject

`

// `reauthorize: before_dial`: a callback that AAA has revoked between promise and dial is not dialed, and gives the
// reason. An unrevoked one is dialed.
func TestReauthorizeBeforeDial(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind     lab.AAA
		users    string
		old, new string // the change of users between promise and dial
		reason   string
	}{
		{lab.ByTACACS, "", "callback-dialstring = 84003", "priv-lvl = 1", "no longer requires a callback"},
		{lab.ByTACACS, "", "callback-dialstring = 84003", "callback-dialstring = 84001", "number"},
		{lab.ByTACACS, "", "user = kihei-03", "user = somebody-else", "refused"},
		{lab.ByTACACS, "", "", "", ""},
		{lab.ByRADIUS, lookups, `	Service-Type = Callback-NAS-Prompt,
	Callback-Number = "84003"

DEFAULT`, "	Service-Type = NAS-Prompt-User\n\nDEFAULT", "no longer requires a callback"},
		{lab.ByRADIUS, lookups, "kihei-03	Service-Type == Call-Check", "another-3	Service-Type == Call-Check",
			"refused"},
		{lab.ByRADIUS, lookups, "", "", ""},
	} {
		t.Run(string(tt.kind)+"/"+tt.reason, func(t *testing.T) {
			t.Parallel()
			users := tt.users + townUsers(t, tt.kind)
			all := []edit{waits("2s"), policy("reauthorize: before_dial")}
			if tt.kind == lab.ByRADIUS {
				all = append(all, inAAA("  call_check: {method: radius}"))
			}
			l, server := aaaTown(t, tt.kind, users, lab.Options{}, all...)
			p := sitDown(t, l, "kihei-03")
			p.promised("kihei-03", "wailea-03")
			if tt.reason == "" {
				p.answer()
				p.login("kihei-03", "wailea-03")
				p.see(prompt + ">")
				p.hangUp()
				onlyCallback(t, l, "the callback's end", phase("completed"))
				wantDialed(t, l, "84003")
				return
			}
			changed := strings.Replace(users, tt.old, tt.new, 1)
			if changed == users {
				t.Fatalf("there is no %q in\n%s", tt.old, users)
			}
			server.know(changed)
			c := onlyCallback(t, l, "the callback's end", phase("failed"))
			if !strings.Contains(c.Cause, "authorization before the dial") || !strings.Contains(c.Cause, tt.reason) {
				t.Errorf("its cause is %q, must name %q", c.Cause, tt.reason)
			}
			if c.Attempts != 0 || len(c.Dials) != 0 {
				t.Errorf("%d attempts: %+v", c.Attempts, c.Dials)
			}
			wantDialed(t, l)
		})
	}
}

// With RADIUS a callback can be reauthorized only by a Call-Check: without one, check-config rejects the policy and
// names the key.
func TestReauthorizeWantsCallCheck(t *testing.T) {
	t.Parallel()
	l := startTown(t, lab.Options{})
	path := filepath.Join(l.Dir(), "ringback.yaml")
	change(t, l, "policies.d/default.yaml", "attempts: {max: 1}", "attempts: {max: 1}\nreauthorize: before_dial")
	change(t, l, "ringback.yaml", "  call_check:", "  #call_check:")
	if out, status := ringback(t, "", "check-config", "-c", path); status != 1 ||
		!strings.Contains(out, "reauthorize") || !strings.Contains(out, "call_check: {method: radius}") {
		t.Errorf("check-config: status %d\n%s", status, out)
	}
	change(t, l, "ringback.yaml", "  #call_check:", "  call_check:")
	if out, status := ringback(t, "", "check-config", "-c", path); status != 0 {
		t.Errorf("check-config with a call_check: status %d\n%s", status, out)
	}
}
