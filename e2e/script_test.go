package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/script with the program. Each script has its own state directory, so that labs do not find
// one another; its additional commands are until and callbackid.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			state, err := os.MkdirTemp("", "rb") // sockets need short paths
			if err != nil {
				return err
			}
			e.Defer(func() { os.RemoveAll(state) })
			e.Setenv("XDG_STATE_HOME", state)
			e.Setenv("LAB", filepath.Join(state, "lab"))
			e.Setenv("CONF", filepath.Join(state, "ringback", "lab", "ringback.yaml"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"until": until, "callbackid": callbackID},
	})
}

// until PATTERN ARGS… runs the program repeatedly until its status is 0 and its output matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN ARGS…")
	}
	want, err := regexp.Compile(`(?m)` + args[0])
	ts.Check(err)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		cmd := exec.Command("ringback", args[1:]...)
		cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+ts.Getenv("XDG_STATE_HOME"))
		out, err := cmd.CombinedOutput()
		if err == nil && want.Match(out) {
			ts.Logf("%s", out)
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("not within %v: %q in the output of %q; the last was %v\n%s", patience, args[0], args[1:], err,
				out)
		}
	}
}

// callbackID sets ID to the newest callback's.
func callbackID(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(ts.Exec("ringback", "show", "callbacks", "--all", "-o", "json"))
	var all []struct{ ID string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &all))
	if len(all) == 0 {
		ts.Fatalf("there is no callback")
	}
	ts.Setenv("ID", all[0].ID)
}
