package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestStartRefused(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	script := filepath.Join(t.TempDir(), "ringback")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho one; echo \"last words on $3\" >&2; exit 1\n"),
		0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{Pace: -2}, "lab: --pace -2: must be 1 or greater"},
		{Options{Ports: "serial"}, `lab: --ports "serial": must be rfc2217, tcp or pty`},
		{Options{Dir: filepath.Join(file, "below")}, "not a directory (choose another with --dir)"},
		{Options{Dir: t.TempDir(), Binary: "/nonexistent/ringback"},
			"lab: start the daemon: fork/exec /nonexistent/ringback: no such file or directory"},
		{Options{Dir: dir, Binary: script}, "lab: the daemon ended: one\nlast words on " +
			filepath.Join(dir, "ringback.yaml")},
	} {
		l, err := Start(t.Context(), tt.o)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v\nmust say %s", tt.o, err, tt.want)
		}
	}

	running, err := takeLock(t.Context(), dir, "ringback", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer running.release()
	if _, err := Start(t.Context(), Options{Dir: dir, Binary: script, Command: "./rb"}); err == nil ||
		!strings.Contains(err.Error(), "join it with `./rb lab call --as austin-02`, end it, or use another --dir") {
		t.Errorf("a second lab: %v", err)
	}
}

// A new lab waits for a lab that is ending, and for the daemon of a killed one; if they do not end, ctx ends the wait.
func TestStartWaits(t *testing.T) {
	dir := t.TempDir()
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Skip(err)
	}
	for name, says := range map[string]holder{"ending": {PID: os.Getpid(), Ending: true},
		"killed": {PID: dead.Process.Pid}} {
		last, err := takeLock(t.Context(), dir, "ringback", nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		last.write(says)
		var told []string
		next, err := takeLock(t.Context(), dir, "ringback", func(text string) {
			told = append(told, text)
			last.release()
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want := fmt.Sprintf("waiting for the previous lab (pid %d) to end …", says.PID); len(told) != 1 ||
			told[0] != want {
			t.Errorf("%s: messages %q, want one %q", name, told, want)
		}
		if h, stays := heldBy(dir); h != (holder{PID: os.Getpid()}) || !stays {
			t.Errorf("%s: the file says %+v", name, h)
		}
		next.ending()
		ctx, cancel := context.WithCancelCause(t.Context())
		interrupted := errors.New("interrupted")
		if _, err := takeLock(ctx, dir, "ringback", func(string) { cancel(interrupted) }); !errors.Is(err,
			interrupted) {
			t.Errorf("%s: interrupted: %v", name, err)
		}
		next.release()
	}
}
