package node

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager is systemd's end of a daemon's notifications: it passes each of them to the channel.
func manager(t *testing.T) <-chan string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 1000)
	ended := make(chan struct{})
	t.Cleanup(func() { c.Close(); <-ended })
	go func() {
		defer close(ended)
		data := make([]byte, 4096)
		for {
			n, err := c.Read(data)
			if err != nil {
				return
			}
			said <- string(data[:n])
		}
	}()
	t.Setenv("NOTIFY_SOCKET", path)
	return said
}

// until returns what was said up to the first notification that begins with the text.
func until(t *testing.T, said <-chan string, begins string) (all []string) {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case s := <-said:
			if all = append(all, s); strings.HasPrefix(s, begins) {
				return all
			}
		case <-limit:
			t.Fatalf("no %s within %v, only %.500q", begins, patience, all)
		}
	}
}

// TestTellsSystemd runs a daemon as a service of Type=notify with a watchdog.
func TestTellsSystemd(t *testing.T) {
	said := manager(t)
	t.Setenv("WATCHDOG_USEC", "400000")
	dir := t.TempDir()
	file := filepath.Join(dir, "ringback.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const config = "state_dir: state\napi: {socket: s}\naaa: {lists: {login: {default: [local]}}}\n" +
		"users: [{name: kim, password_file: password}]\nlines: [{tty: 1, port: \"tcp://127.0.0.1:1\"}]\n"
	write(config)
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("pw1"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, Options{File: file, Stderr: io.Discard}) }()
	const out = "STATUS=1 line: 0 in use, 1 out of service; 0 pending callbacks" // nothing listens at its port
	if all := until(t, said, "READY=1"); len(all) != 1 {
		t.Errorf("at the start: %q", all)
	}
	until(t, said, out)
	for range 3 {
		until(t, said, "WATCHDOG=1")
	}

	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, said, "RELOADING=1\nMONOTONIC_USEC=")
	until(t, said, "READY=1")

	write("broken")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, said, "RELOADING=1\nMONOTONIC_USEC=")
	const failed = out + "; the last reload failed"
	if all := until(t, said, "READY=1"); !slices.Contains(all, failed) {
		t.Errorf("a reload that has failed: %q, must have %q before it is over", all, failed)
	}

	stop()
	until(t, said, "STOPPING=1")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A start with a new journal says so: the disk of an earlier one may not be mounted.
func TestNewJournal(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "ringback.yaml")
	for name, text := range map[string]string{"password": "pw1", "ringback.yaml": "state_dir: state\n" +
		"api: {socket: s}\nlog: {file: log}\naaa: {lists: {login: {default: [local]}}}\n" +
		"users: [{name: kim, password_file: password}]\nlines: [{tty: 1, port: \"tcp://127.0.0.1:1\"}]\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		said := manager(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- Run(ctx, Options{File: file, Stderr: io.Discard}) }()
		until(t, said, "READY=1")
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(readFile(t, filepath.Join(dir, "log")), "a new journal was made"); n != 1 {
		t.Errorf("two starts said %d times that the journal is new", n)
	}
}

func TestCounted(t *testing.T) {
	for n, want := range map[int]string{0: "0 lines", 1: "1 line", 2: "2 lines"} {
		if got := counted(n, "line"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
