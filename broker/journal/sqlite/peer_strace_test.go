package sqlite

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// strace returns strace's path, or skips or fails the test.
func strace(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal("needs strace: apt-get install strace")
		}
		t.Skip("needs strace: apt-get install strace")
	}
	return path
}

// traced runs the writing child for n commits under strace and returns the child's output and the trace.
func traced(t *testing.T, path string, n int, flags ...string) (said map[string]bool, trace string, killed bool) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "strace")
	before := append([]string{strace(t), "-f", "-qq", "-y", "-o", log}, flags...)
	cmd := child(t, "write", path, before...)
	cmd.Env = append(cmd.Env, fmt.Sprint("RINGBACK_JOURNAL_N=", n))
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() >= 0 && cmd.ProcessState.ExitCode() != 3 {
		t.Fatalf("%v\n%s", err, out)
	}
	said = map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); f[0] == "ok" || f[0] == "no" {
			said[f[1]] = f[0] == "ok"
		}
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return said, string(b), bytes.Contains(b, []byte("+++ killed by SIGKILL"))
}

// TestPeerStraceSyncsComeFromOneThread also checks that each commit is synced before its result is printed.
func TestPeerStraceSyncsComeFromOneThread(t *testing.T) {
	said, trace, _ := traced(t, newPath(t), 50, "-e", "trace=fsync,fdatasync,write")
	threads := map[string]int{}
	syncs, last := 0, 0
	for _, l := range strings.Split(trace, "\n") {
		switch {
		case strings.Contains(l, "sync("):
			threads[strings.Fields(l)[0]]++
			if strings.Contains(l, "-wal>") {
				syncs++
			}
		case strings.Contains(l, `"ok cb`):
			if syncs <= last {
				t.Errorf("no sync of the log before %s", l)
			}
			last = syncs
		}
	}
	if len(threads) != 1 {
		t.Errorf("syncs by thread: %v", threads)
	}
	if len(said) != 50 || syncs < 50 {
		t.Errorf("%d commits, %d syncs of the log", len(said), syncs)
	}
}

// TestPeerStraceKilledAtEachSync kills the process at its first sync, then at its second (in CI, at its third), and so
// on, and checks the journal each time. It ends when strace no longer finds a sync to kill at.
func TestPeerStraceKilledAtEachSync(t *testing.T) {
	const commits, most = 5, 200
	for n := 1; ; n += sweep(2) {
		path := newPath(t)
		said, _, killed := traced(t, path, commits, "-e", "trace=fsync,fdatasync", "-e",
			fmt.Sprintf("inject=fsync,fdatasync:signal=KILL:when=%d", n))
		agree(t, path, said, killed)
		if !killed {
			if n < commits || len(said) != commits {
				t.Errorf("a life of fewer than %d syncs for %d commits", n, len(said))
			}
			t.Logf("a life has fewer than %d syncs", n)
			return
		}
		if n >= most {
			t.Fatal("it never ends")
		}
	}
}

// TestPeerStraceSyncFails makes one sync after the other (in CI, every third) return EIO: what was refused must not be
// there afterwards, even if the process is killed immediately after the error.
func TestPeerStraceSyncFails(t *testing.T) {
	refused := 0
	for n := 1; n < 200; n += sweep(3) {
		path := newPath(t)
		said, trace, _ := traced(t, path, 8, "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-e",
			fmt.Sprintf("inject=fsync,fdatasync:error=EIO:when=%d", n))
		for _, ok := range said {
			if !ok {
				refused++
			}
		}
		if !regexp.MustCompile(`EIO .*INJECTED`).MatchString(trace) {
			if n < 8 {
				t.Errorf("fewer than %d syncs", n)
			}
			break
		}
		agree(t, path, said, false)
	}
	if refused == 0 {
		t.Error("no commit met an error")
	}
}
