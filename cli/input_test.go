package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOpenInput: an interrupt ends a command that waits for the writer of a pipe, or for what it writes.
func TestOpenInput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	read := func() {
		_, err := readInput(ctx, path, 10)
		failed <- err
	}
	go read()
	cancel()
	if err := <-failed; err == nil || err.Error() != path+": interrupted" {
		t.Errorf("no writer: %v", err)
	}
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, cancel = context.WithCancel(t.Context())
	go read()
	cancel()
	if err := <-failed; err == nil || err.Error() != path+": interrupted" {
		t.Errorf("a silent writer: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	go read()
	if _, err := w.WriteString("0123456789"); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

// TestInputErrors: an error about a file says what to do.
func TestInputErrors(t *testing.T) {
	dir := t.TempDir()
	for args, want := range map[string]string{
		"policy simulate " + dir + " --with " + dir + " --from nofile": "nofile: no such file or directory " +
			"(check the path)",
		"policy simulate " + dir + " --with " + dir + " --from " + dir: dir + ":1: is a directory (give a file)",
		"policy fmt nodir": "nodir: no such file or directory (check the path)",
		"aaa load --users nofile --address 192.0.2.1 --secret-file x": "nofile: no such file or directory " +
			"(check the path)",
	} {
		if err := newRootWith(strings.Fields(args)).Execute(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}

// TestDecisionOfNoGroup: if several groups claim a caller, no empty name is printed.
func TestDecisionOfNoGroup(t *testing.T) {
	dir := t.TempDir()
	for _, group := range []string{"a", "b"} {
		match := map[string]string{"a": "prefix: [k]", "b": "suffix: [m]"}[group]
		text := "group: " + group + "\nmatch: {" + match + "}\n"
		if err := os.WriteFile(filepath.Join(dir, group+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, out := newRootWith([]string{"policy", "explain", dir, "--user", "kim"}), &strings.Builder{}
	root.SetOut(out)
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	want := "decision of no group: refuse: the groups a, b claim this caller\n"
	if !strings.HasPrefix(out.String(), want) ||
		strings.Contains(out.String(), "policy: ") {
		t.Errorf("%s, want %s", out, want)
	}
}
