package e2e

import (
	"os"
	"path/filepath"
	"strings"
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
	l, server := aaaTown(t, lab.ByRADIUS, users, lab.Options{Dir: dir},
		inAAA("  call_check: {method: radius, password_file: call_check.password}"),
		edit{"ringback.yaml", "login: default,", "login: default, call_check: true,"})
	log := func(text string) {
		t.Helper()
		eventually(t, text+" in the log",
			func() bool { return strings.Contains(readFile(t, filepath.Join(l.Dir(), "ringback.log")), text) })
	}

	stranger := sitDown(t, l, "austin-01") // 84001
	stranger.enter("ats7=10")
	stranger.see("OK")
	stranger.enter("atdt 55555")
	stranger.see("NO ") // NO ANSWER or NO CARRIER, depending on their modem
	log(`"caller": "84001"`)
	log("call not answered")

	guest := sitDown(t, l, "kihei-03") // 84003
	guest.call("paia-04", "hookipa-4")
	guest.see(prompt + ">")
	guest.run("show users", "84003"[3:]) // masked below privilege level 15
	guest.hangUp()
	nobodyOnLine(t, l)

	server.silence(true)
	guest.enter("ats7=10")
	guest.see("OK")
	guest.enter("atdt 55555")
	guest.see("NO ")
}
