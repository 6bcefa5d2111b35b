package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/exchange"
)

// pace is the speed factor of the telephone network in the tests.
const pace = 50

// patience is how long a test waits for another process. A busy machine may need most of it; only a failure takes all.
const patience = 2 * time.Minute

// program is the path of the program under test: see TestMain.
func program(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ringback")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// tempDir is t.TempDir with a short path: the sockets of a lab must fit into 107 octets.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// startTown is startSite with one policy, which limits little: testdata/open.yaml.
func startTown(t *testing.T, o lab.Options) *lab.Lab {
	t.Helper()
	o.Policies = map[string]string{"default.yaml": readFile(t, "testdata/open.yaml")}
	return startSite(t, o)
}

// startSite starts a lab that no other process finds, with the policies of `ringback lab`. It ends with the test.
func startSite(t *testing.T, o lab.Options) *lab.Lab {
	t.Helper()
	o.Binary, o.Quiet = program(t), true
	if o.Dir == "" {
		o.Dir = tempDir(t)
	}
	if o.Pace == 0 {
		o.Pace = pace
	}
	o.S7 = 255 // 5 s at that pace: 50 would be 1 s, which a busy machine may exceed without running a process
	l, err := lab.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.Close()
		if t.Failed() {
			for _, name := range []string{"ringback.log", "exchange.log"} {
				t.Logf("%s:\n%s", name, readFile(t, filepath.Join(o.Dir, name)))
			}
		}
	})
	return l
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// shortWait is an Edit that sets the forced wait of all lines to 1 s, for tests of other subjects.
func shortWait(name, text string) string {
	if name == "ringback.yaml" {
		return strings.ReplaceAll(text, "forced_wait: 5s", "forced_wait: 1s")
	}
	return text
}

// play plays a scenario; the test fails if it does not end as expected.
func play(t *testing.T, l *lab.Lab, s *lab.Scenario) *lab.Result {
	t.Helper()
	r, err := l.Play(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK() {
		var b bytes.Buffer
		r.Print(&b)
		t.Fatalf("%s", b.String())
	}
	return r
}

// parse parses a scenario.
func parse(t *testing.T, text string) *lab.Scenario {
	t.Helper()
	s, err := lab.ParseScenario(t.Name(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// shipped returns one of the scenarios that are shipped.
func shipped(t *testing.T, name string) *lab.Scenario { return shippedOn(t, lab.RFC2217, name) }

// shippedOn is a shipped scenario with its result on a kind of port.
func shippedOn(t *testing.T, ports lab.Ports, name string) *lab.Scenario {
	t.Helper()
	all, err := lab.Shipped(ports)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(s *lab.Scenario) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no scenario %q is shipped", name)
	}
	return all[i]
}

// lineDials are the dial commands that the modems of the daemon's lines have received.
func lineDials(l *lab.Lab) []exchange.Dial {
	return slices.DeleteFunc(l.Dials(), func(d exchange.Dial) bool { return !strings.HasPrefix(d.Modem, "tty") })
}

// eventually polls until ok returns true, at most for patience.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// ringback runs the program to its end and returns its output.
func ringback(t *testing.T, stdin string, args ...string) (output string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t), args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// login is the beginning of a scenario: a call to the main number and a login.
func login(user, password string) string {
	return fmt.Sprintf("-- at austin-01 --\ntype ats0=1\nsee OK\ntype atdt 55555\nsee CONNECT\nsee Username:\ntype "+
		"%s\nsee Password:\ntype %s\n", user, password)
}

// typedNumber is a login with a callback to a typed number, which is dialed after the forced wait.
var typedNumber = login("austin-02", "hana-1993") + `see Callback Dialstring:
type 84001
see Callback initiated
see NO CARRIER
see RING
see CONNECT
see Username:
type austin-02
see Password:
type hana-1993
see maui-nas-04>
hangup
-- callback --
phase: completed
user: austin-02
number: 84001
verify: yes
attempts: 1
`
