package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStartRefused(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	script := filepath.Join(t.TempDir(), "ringback")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho one; echo \"last words on $3\" >&2; exit 1\n"), 0o700); err != nil {
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
		{Options{Pace: -2}, "lab: pace -2: a network -2 times as fast cannot be: give 1 or more"},
		{Options{Ports: "serial"}, `lab: ports "serial": there are rfc2217, tcp and pty`},
		{Options{Dir: filepath.Join(file, "below")}, "not a directory (choose another with --dir)"},
		{Options{Dir: t.TempDir(), Binary: "/nonexistent/ringback"}, "lab: start the daemon: fork/exec /nonexistent/ringback: no such file or directory"},
		{Options{Dir: dir, Binary: script}, "lab: the daemon has ended: one\nlast words on " + filepath.Join(dir, "ringback.yaml")},
	} {
		l, err := Start(t.Context(), tt.o)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v\nmust say %s", tt.o, err, tt.want)
		}
	}

	takeBack, err := publish(Town{PID: os.Getpid(), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer takeBack()
	if _, err := Start(t.Context(), Options{Dir: dir, Binary: script, Command: "./rb"}); err == nil || !strings.Contains(err.Error(), "sit down in it with `./rb lab call --as austin-02`, end it, or give this one another --dir") {
		t.Errorf("a second lab: %v", err)
	}
}
