package e2e

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/lab"
)

// oldUsers has one number as three generations of servers send it: a users file of the 1990s with its dictionary's
// names, the RFC's attributes, and a Cisco ISE's authorization profile.
const oldUsers = `
kula-1995	Cleartext-Password := "lavender"
	User-Service-Type = Dialback-Login-User,
	Dialback-No = "9,1-800-555-1212"

kula-1999	Cleartext-Password := "lavender"
	Service-Type = Callback-NAS-Prompt,
	Callback-Number = "9,1-800-555-1212"

kula-ise	Cleartext-Password := "lavender"
	Class = "CACS:c0a80164Uq0:ise-1/4711/815",
	Cisco-AVPair += "shell:callback-dialstring=9,1-800-555-1212",
	Cisco-AVPair += "shell:priv-lvl=1"
`

// An outside-line prefix in an old file's numbers is removed if the configuration lists it, because the dial template
// adds it; the dialed number is the one that the file meant. If it is not listed, the number is invalid and nothing is
// dialed. The policies see the number without the prefix.
func TestPeerFreeRADIUSOldNumbers(t *testing.T) {
	t.Parallel()
	denied := edit{"policies.d/default.yaml", `deny: ["849*"]`, `deny: ["1800*"]`}
	template := edit{"ringback.yaml", `"ATDT \T"`, `"ATDT9,\T"`}
	for _, tt := range []struct {
		name string
		all  []edit
		want string
	}{
		{"listed", []edit{waits("0s"), template, configured(`numbers: {trunk_prefixes: ["9,"]}`)}, "T9,18005551212"},
		{"not listed", []edit{waits("0s"), template}, ""},
		{"listed and denied", []edit{waits("0s"), template, denied, configured(`numbers: {trunk_prefixes: ["9,"]}`)},
			""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Users: oldUsers})
			l := startTown(t, lab.Options{Edit: edits(t, tt.all...), RADIUS: &lab.RADIUS{Auth: f.Auth, Acct: f.Acct,
				Secret: f.Secret}})
			p := sitDown(t, l, "austin-01")
			var want []string
			for _, user := range []string{"kula-1995", "kula-1999", "kula-ise"} {
				if tt.want == "" {
					p.call(user, "lavender")
					p.see("% Callback not available")
					p.hangUp()
					continue
				}
				p.promised(user, "lavender")
				want = append(want, tt.want)
			}
			nobodyOnLine(t, l)
			var got []string
			eventually(t, "the dial commands", func() bool {
				got = nil
				for _, d := range lineDials(l) {
					got = append(got, strings.ReplaceAll(d.Text, " ", ""))
				}
				return len(got) >= len(want)
			})
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("the dial commands are %q, want %q", got, want)
			}
		})
	}
}
