package cli

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/load"
)

// FreeRADIUS's log has as many logins as `aaa load` counts, and radclient gets the same counts with the same
// requests.
func TestPeerFreeRADIUSLoad(t *testing.T) {
	t.Parallel()
	radclient := needs(t, "radclient", "freeradius-utils")
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{})
	const n = 600
	r, err := loadJSON(t, t.Context(), "-n", fmt.Sprint(n), "-p", "32", "--users",
		write(t, "users.csv", "plain,pw6\nplain,wrong\nplace,pw4\n"), "--address", f.Auth,
		"--secret-file", write(t, "secret", string(f.Secret)))
	if err != nil || r.Answers != (load.Answered{Granted: 400, Refused: 200}) {
		t.Errorf("%v %+v", err, r)
	}
	granted, refused := loggedLogins(t, f)
	if granted != 400 || refused != 200 {
		t.Errorf("FreeRADIUS logged %d logins granted and %d refused", granted, refused)
	}
	var requests strings.Builder
	for range n / 3 {
		for _, u := range []string{"plain pw6", "plain wrong", "place pw4"} {
			name, password, _ := strings.Cut(u, " ")
			fmt.Fprintf(&requests, "User-Name=%q\nUser-Password=%q\nMessage-Authenticator=0x00\n\n", name, password)
		}
	}
	out, err := exec.CommandContext(t.Context(), radclient, "-q", "-s", "-p", "32", "-f",
		write(t, "requests", requests.String()), f.Auth, "auth", string(f.Secret)).CombinedOutput()
	for name, want := range map[string]int64{"Accepted": r.Answers.Granted, "Rejected": r.Answers.Refused,
		"Lost": r.Answers.Lost()} {
		m := regexp.MustCompile(name + `\s*: (\d+)`).FindStringSubmatch(string(out))
		if m == nil || m[1] != fmt.Sprint(want) {
			t.Errorf("radclient (%v) does not say %s %d:\n%s", err, name, want, out)
		}
	}
	if g, r := loggedLogins(t, f); g != 2*granted || r != 2*refused {
		t.Errorf("with radclient's FreeRADIUS logged %d logins granted and %d refused", g, r)
	}
}

// loggedLogins counts the lines of FreeRADIUS's log.
func loggedLogins(t *testing.T, f *aaatest.FreeRADIUS) (granted, refused int) {
	t.Helper()
	log := readFile(t, filepath.Clean(f.Log))
	return strings.Count(log, "Login OK: "), strings.Count(log, "Login incorrect")
}
