package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
)

// TestRecordings: the sessions of a group with `record` are recorded on both legs and at a host, without the passwords;
// they are listed, played, exported and removed, which the audit has; kill -9 leaves what was written.
func TestRecordings(t *testing.T) {
	t.Parallel()
	host := startHost(t)
	l := startTown(t, lab.Options{Edit: edits(t, waits("1s"), hosts(fmt.Sprint("127.0.0.1:", host.port)),
		edit{"policies.d/default.yaml", "attempts: {max: 1}", "attempts: {max: 1}\nrecord: true"})})
	socket := filepath.Join(l.Dir(), "ringback.sock")
	run := func(status int, args ...string) string {
		t.Helper()
		out, got := ringback(t, "", append(args, "--socket", socket)...)
		if got != status {
			t.Fatalf("%v: status %d\n%s", args, got, out)
		}
		return out
	}
	p := sitDown(t, l, "austin-01")
	p.promised("austin-01", "maui-1993")
	p.answer()
	p.see("This session is recorded.")
	p.run("show privilege", "level is")
	p.enter(fmt.Sprint("telnet 127.0.0.1 ", host.port))
	p.see(hostGreeting)
	p.enter("hello")
	p.see(hostAnswer)
	p.enter("bye")
	p.see(hostFarewell)
	p.see("closed by foreign host")
	p.enter("exit")
	p.see("NO CARRIER")
	var v []client.Recording
	list := func() []client.Recording {
		t.Helper()
		v = nil
		if err := json.Unmarshal([]byte(run(0, "show", "recordings", "-o", "json")), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	eventually(t, "the recording is complete", func() bool { return len(list()) == 1 && v[0].Complete })
	r := v[0]
	if r.User != "austin-01" || r.Leg != 2 || r.Callback == "" || r.Lost != 0 || r.Live || r.Group != "default" {
		t.Errorf("%+v", r)
	}
	cast := run(0, "recording", "export", r.ID)
	for _, want := range []string{`{"version":2,`, "This session is recorded.", "show privilege", hostGreeting, hostAnswer,
		hostFarewell, `"m", "end: caller logged out"`} {
		if !strings.Contains(cast, want) {
			t.Errorf("the recording lacks %q:\n%s", want, cast)
		}
	}
	if strings.Contains(cast, "maui-1993") || strings.Contains(cast, "Username") {
		t.Errorf("the recording has the login:\n%s", cast)
	}
	if out := run(0, "recording", "play", r.ID, "--speed", "1000"); !strings.Contains(out, hostAnswer) ||
		!strings.Contains(out, "[end: caller logged out]") {
		t.Errorf("played: %q", out)
	}
	if out := run(1, "recording", "play", "zzzz"); !strings.Contains(out, "ringback show recordings") {
		t.Errorf("no such recording: %s", out)
	}

	p.promised("austin-01", "maui-1993") // and the daemon is killed during the session
	p.answer()
	p.see(prompt + ">")
	eventually(t, "the second one is live", func() bool { return len(list()) == 2 && v[0].Live })
	second := v[0].ID
	if out := run(1, "recording", "remove", second); !strings.Contains(out, "continues") {
		t.Errorf("removed while it runs: %s", out)
	}
	eventually(t, "its prompt is on disk", func() bool {
		return strings.Contains(run(0, "recording", "export", second), prompt+">")
	})
	if err := syscall.Kill(l.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-l.Done()
	if err := l.StartDaemon(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list(); len(v) != 2 || v[0].ID != second || v[0].Live || v[0].Complete || !v[1].Complete || v[1].ID != r.ID {
		t.Errorf("after kill -9: %+v", v)
	}
	if out := run(0, "show", "recordings"); !strings.Contains(out, "cut off") || !strings.Contains(out, "complete") {
		t.Errorf("the table:\n%s", out)
	}
	run(0, "recording", "remove", second)
	audit, _ := ringback(t, "", "audit", "export", "-c", filepath.Join(l.Dir(), "ringback.yaml"), "-o", "csv")
	for _, want := range []string{"recording started", "recording ended", "recording read", "recording removed"} {
		if !strings.Contains(audit, want) {
			t.Errorf("the audit lacks %q:\n%s", want, audit)
		}
	}
	err := filepath.WalkDir(l.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".cast") {
			if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", path, st.Mode(), err)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
