package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab"
)

// needs is the path of a peer's program. If it is missing, the test is skipped, or fails if RINGBACK_REQUIRE_PEERS=1.
func needs(t *testing.T, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	if err != nil {
		msg := "needs " + program + ": apt-get install " + pkg
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal(msg)
		}
		t.Skip(msg)
	}
	return path
}

// A user of the terminal program that most systems have.
func TestPeerMinicom(t *testing.T) {
	t.Parallel()
	needs(t, "minicom", "minicom")
	expect := needs(t, "expect", "expect")
	l := startTown(t, lab.Options{Edit: shortWait})
	tty, err := l.ServePTY("austin-02")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), expect, "-f", "testdata/minicom/callback.exp", tty, "austin-02",
		"hana-1993", "84002")
	cmd.Env = append(os.Environ(), "HOME="+tempDir(t), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "*** as it must be") {
		t.Errorf("%v\n%q", err, out)
	}
	if d := lineDials(l); len(d) != 1 || d[0].Number != "84002" {
		t.Errorf("dial commands of the lines: %+v, must be one to 84002", d)
	}
}
