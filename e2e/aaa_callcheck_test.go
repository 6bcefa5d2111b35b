package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/ringback/ringback/lab"
)

// Call-Check: RADIUS authorizes the calling number before the call is answered. A call from a rejected number is not
// answered, and no call is answered while the server is silent. An answered caller logs in as usual, and their number
// is known.
func TestCallCheckBeforeAnswer(t *testing.T) {
	t.Parallel()
	users := `84003	Service-Type == Call-Check, Cleartext-Password := "cisco"

DEFAULT	Service-Type == Call-Check, Auth-Type := Reject

` + townUsers(t, lab.ByRADIUS)
	dir := tempDir(t)
	if err := os.WriteFile(filepath.Join(dir, "call_check.password"), []byte("cisco\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// At this pace a call rings for 25 s (S7), which is enough for the daemon to ask and to wait for the silent server.
	l, server := aaaTown(t, lab.ByRADIUS, users, lab.Options{Dir: dir, Pace: 10},
		inAAA("  call_check: {method: radius, password_file: call_check.password}"),
		edit{"ringback.yaml", "login: default,", "login: default, call_check: true,"})
	ringsInVain := func(p *pc, caller, result string) {
		t.Helper()
		p.enter("atdt 55555")
		want := regexp.MustCompile(`call not answered.*"caller": "` + caller + `".*"result": "` + result + `"`)
		eventually(t, want.String()+" in the log",
			func() bool { return want.MatchString(readFile(t, filepath.Join(l.Dir(), "ringback.log"))) })
		p.enter("") // the caller gives up
		p.see("NO CARRIER")
	}

	ringsInVain(sitDown(t, l, "austin-01"), "84001", "refused")

	guest := sitDown(t, l, "kihei-03") // 84003
	guest.call("paia-04", "hookipa-4")
	guest.see(prompt + ">")
	guest.run("show users", "84003"[3:]) // masked below privilege level 15
	guest.hangUp()
	nobodyOnLine(t, l)

	server.silence(true)
	ringsInVain(guest, "84003", "silent")
}

// A call that is not answered: RADIUS names the user of the calling number, who is called back when the ringing has
// ended, and logs in.
func TestCallbackOnRing(t *testing.T) {
	t.Parallel()
	users := `84003	Service-Type == Call-Check, Auth-Type := Accept
	User-Name = "kihei-03",
	Service-Type = Callback-NAS-Prompt,
	Callback-Number = "84003"

DEFAULT	Service-Type == Call-Check, Auth-Type := Reject

` + townUsers(t, lab.ByRADIUS)
	l, _ := aaaTown(t, lab.ByRADIUS, users, lab.Options{Dir: tempDir(t), Pace: 10},
		inAAA("  call_check: {method: radius}"),
		edit{"ringback.yaml", "login: default,", "login: default, call_check: true,"},
		policy("callback_on_ring: allow\nlimits: {user: {hour: {calls: 2}}}"))
	p := sitDown(t, l, "kihei-03")
	p.enter("atdt 55555")
	promised := regexp.MustCompile(`call not answered.*the user is called back instead`)
	eventually(t, promised.String()+" in the log",
		func() bool { return promised.MatchString(readFile(t, filepath.Join(l.Dir(), "ringback.log"))) })
	p.enter("") // the caller gives up
	p.see("NO CARRIER")
	p.answer()
	p.login("kihei-03", "wailea-03")
	p.see(prompt + ">")
	p.hangUp()
	onlyCallback(t, l, "the callback's end", phase("completed"))
	wantDialed(t, l, "84003")
}
