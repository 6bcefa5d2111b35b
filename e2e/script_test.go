package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/script with the program. Each script has its own state directory, so that labs do not find
// one another; its additional commands are until,
// appears and callbackid.
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
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"until": until, "appears": appears,
			"callbackid": callbackID},
	})
}

// until PATTERN ARGS… runs the program repeatedly until its status is 0 and its output matches.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN ARGS…")
	}
	want, err := regexp.Compile(`(?m)` + args[0])
	ts.Check(err)
	poll(ts, fmt.Sprintf("%q in the output of %q", args[0], args[1:]), func() (string, bool) {
		cmd := exec.Command("ringback", args[1:]...)
		cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+ts.Getenv("XDG_STATE_HOME"))
		out, err := cmd.CombinedOutput()
		return fmt.Sprintf("%v\n%s", err, out), err == nil && want.Match(out)
	})
}

// appears PATTERN FILE waits until a file, into which a program in the background writes, has a match.
func appears(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: appears PATTERN FILE")
	}
	want, err := regexp.Compile(`(?m)` + args[0])
	ts.Check(err)
	poll(ts, fmt.Sprintf("%q in %s", args[0], args[1]), func() (string, bool) {
		text, err := os.ReadFile(ts.MkAbs(args[1])) // the shell may not have created it yet
		return fmt.Sprintf("%v\n%s", err, text), want.Match(text)
	})
}

// poll repeats a look until it reports true.
func poll(ts *testscript.TestScript, what string, look func() (seen string, ok bool)) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		seen, ok := look()
		if ok {
			ts.Logf("%s", seen)
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("not within %v: %s; the last was %s", patience, what, seen)
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
