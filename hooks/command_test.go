package hooks

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary be the command of a hook: RINGBACK_EVENT_ID is set only for those.
func TestMain(m *testing.M) {
	if os.Getenv("RINGBACK_EVENT_ID") != "" && len(os.Args) > 1 {
		os.Exit(command(os.Args[1], os.Args[2:]))
	}
	os.Exit(m.Run())
}

// program returns a hook that runs this binary as a command.
func program(t *testing.T, args ...string) Hook {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Hook{Name: "cmd", Command: append([]string{self}, args...), Events: []string{"callback.failed"},
		Timeout: patience, RetryFor: time.Hour}
}

// TestCommand: a command gets its arguments as they are, the message on standard input, an environment of its own, no
// descriptors of the daemon, and a directory that it cannot be in the way of.
func TestCommand(t *testing.T) {
	t.Setenv("SECRET_OF_THE_DAEMON", "x")
	open, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	out := filepath.Join(t.TempDir(), "out")
	args := []string{"report", out, "$(id)", ";ls", "a b", ""}
	if err := program(t, args...).Deliver(context.Background(), message); err != nil {
		t.Fatal(err)
	}
	var r reported
	b, err := os.ReadFile(out)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	var m Message
	if err := json.Unmarshal([]byte(r.Stdin), &m); err != nil || m.Type != "test" || m.Site != "maui" {
		t.Errorf("standard input %q: %v", r.Stdin, err)
	}
	want := []string{"LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"RINGBACK_EVENT=test", "RINGBACK_EVENT_ID=" + message.ID}
	slices.Sort(r.Env)
	if !slices.Equal(r.Args, args[2:]) || !slices.Equal(r.Env, want) || r.Dir != "/" || r.Group != r.PID {
		t.Errorf("%+v", r)
	}
}

// TestCommandFails: the exit status and the first output are in the error; nothing of a long output is kept in memory.
func TestCommandFails(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"status":    {[]string{"fail"}, `exit status 3: "it is broken\x1b[31m"`},
		"chatter":   {[]string{"chatter"}, "exit status 1: "},
		"no such":   {nil, "no such file"},
		"directory": {[]string{}, "is a directory"},
	} {
		h := program(t, tt.args...)
		if name == "no such" {
			h.Command = []string{"/nonexistent/program"}
		}
		if name == "directory" {
			h.Command = []string{"/"}
		}
		err := h.Deliver(context.Background(), message)
		if err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 2000 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCommandIsKilled: a command that takes too long is killed with all that it has started, and so is what it leaves
// behind when it succeeds.
func TestCommandIsKilled(t *testing.T) {
	for how, want := range map[string]string{"hang": "killed after 1s", "leave": ""} {
		t.Run(how, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "pid")
			h := program(t, how, out)
			if h.Timeout = time.Second; want == "" {
				h.Timeout = patience
			}
			began := time.Now()
			err := h.Deliver(context.Background(), message)
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) ||
				time.Since(began) > patience/2 {
				t.Fatalf("after %v: %v", time.Since(began), err)
			}
			b, err := os.ReadFile(out)
			if err != nil {
				t.Skip("the command had no time to start its child")
			}
			pid, err := strconv.Atoi(string(b))
			if err != nil {
				t.Fatal(err)
			}
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			deadline := time.After(patience)
			for runs(pid) {
				select {
				case <-tick.C:
				case <-deadline:
					t.Fatalf("process %d is left", pid)
				}
			}
		})
	}
}

// runs reports whether a process runs; one that is dead and not awaited does not.
func runs(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// TestCommandOfEvent: an event of the broker reaches a command through the journal.
func TestCommandOfEvent(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	n := newNode(t, program(t, "report", out))
	n.m.Take(failed)
	n.await(func() bool {
		b, err := os.ReadFile(out)
		return err == nil && strings.Contains(string(b), "RINGBACK_EVENT=callback.failed")
	})
}
