package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ringback/ringback/lab"
)

// Laws 4 and 5: an attacker who silences the server between the legs cannot answer the callback as the local user with
// the same name and password. That local user can log in when no callback is to be proven, so the password is not the
// reason.
func TestSilencedBetweenLegs(t *testing.T) {
	t.Parallel()
	for _, kind := range []lab.AAA{lab.ByRADIUS, lab.ByTACACS} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			if err := os.WriteFile(filepath.Join(dir, "kihei-03.password"), []byte("wailea-03\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			l, server := aaaTown(t, kind, townUsers(t, kind), lab.Options{Dir: dir}, waits("1s"),
				configured("login: {failure_delay: 0s, tries: 2}"),
				edit{"ringback.yaml", "password_file: operator.password, groups: [admins]}",
					"password_file: operator.password, groups: [admins]}\n" +
						"  - {name: kihei-03, password_file: kihei-03.password}"})
			p := sitDown(t, l, "kihei-03")
			p.promised("kihei-03", "wailea-03")
			server.silence(true)
			p.answer()
			for range 2 {
				p.login("kihei-03", "wailea-03")
				p.see("% Authentication failed")
			}
			p.see("NO CARRIER")
			if c := onlyCallback(t, l, "the callback's end", phase("failed")); c.Entry != string(kind) {
				t.Errorf("leg one was admitted by %s, so the test has no effect: %+v", c.Entry, c)
			}
			wantDialed(t, l, "84003")

			p.call("kihei-03", "wailea-03")
			p.see(prompt + ">")
			p.hangUp()
			nobodyOnLine(t, l)
			wantDialed(t, l, "84003")
		})
	}
}
