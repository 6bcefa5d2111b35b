package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
)

// stub is a daemon with a line and many callbacks.
type stub struct{ api.Daemon }

func (stub) Lines() []client.Line {
	return []client.Line{{TTY: 65, Port: "tcp://127.0.0.1:1", Modem: "inout", State: "idle"}}
}
func (stub) Users() []client.User      { return []client.User{} }
func (stub) Lockdown() client.Lockdown { return client.Lockdown{} }
func (stub) Callbacks(_ context.Context, q client.CallbackQuery) ([]client.Callback, int, error) {
	v := make([]client.Callback, 250)
	for i := range v {
		v[i] = client.Callback{ID: fmt.Sprintf("id%06d", i), Phase: "completed", Created: time.Now()}
	}
	if q.Limit > 0 {
		return v[:q.Limit], 250 - q.Limit, nil
	}
	return v, 0, nil
}

// stubDaemon serves a stub on a socket until the function returned is called, or the test ends.
func stubDaemon(t *testing.T) (socket string, feed *api.Feed, stop func()) {
	t.Helper()
	socket, feed = filepath.Join(tempDir(t), "s"), &api.Feed{}
	l, err := api.Listen(socket, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		(&api.Server{Daemon: stub{}, Feed: feed, Version: func() client.Version {
			return client.Version{Hostname: "maui.example.net"}
		}}).ServeListener(ctx, l)
	}()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return socket, feed, stop
}

// For every command: if standard output cannot be written, it reports that and fails; if the reader is gone, SIGPIPE
// ends it.
func TestStandardOutputFails(t *testing.T) {
	t.Parallel()
	socket, feed, _ := stubDaemon(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, args := range []string{
		"--version", "version", "version -o json", "--help", "show lines", "show lines -o json", "show line 65",
		"show users", "show callbacks", "show aaa", "show ppp", "show ppp pools",
		"debug chat",
	} {
		fields := strings.Fields(args)
		if fields[0] == "show" || fields[0] == "debug" {
			fields = append(fields, "--socket", socket)
		}
		run := func(stdout *os.File) (*os.ProcessState, string) {
			cmd := exec.CommandContext(t.Context(), program(t), fields...)
			cmd.Stdout = stdout
			stderr, err := cmd.StderrPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			said := new(strings.Builder)
			for in := bufio.NewScanner(stderr); in.Scan(); {
				said.WriteString(in.Text() + "\n")
				if strings.HasPrefix(in.Text(), "debugging ") {
					feed.Publish("chat", 65, "Chat script rtp started.")
				}
			}
			cmd.Wait()
			return cmd.ProcessState, said.String()
		}
		state, said := run(full)
		if state.ExitCode() != 1 || !strings.HasSuffix(said,
			"ringback: write to standard output: no space left on device\n") {
			t.Errorf("%s >/dev/full: %v\n%s", args, state, said)
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		state, said = run(w)
		w.Close()
		if ws := state.Sys().(syscall.WaitStatus); !ws.Signaled() || ws.Signal() != syscall.SIGPIPE ||
			strings.Contains(said, "ringback:") {
			t.Errorf("%s | true: %v\n%s", args, state, said)
		}
	}
}

// debug reports that it listens before anything happens, ends with status 0 at Ctrl-C, and reports the end of the
// daemon.
func TestDebugOfNothing(t *testing.T) {
	t.Parallel()
	socket, _, stop := stubDaemon(t)
	start := func() (*exec.Cmd, *bufio.Reader) {
		cmd := exec.CommandContext(t.Context(), program(t), "debug", "callback", "chat", "--socket", socket)
		stderr, err := cmd.StderrPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(stderr)
		if line, err := in.ReadString('\n'); line != "debugging callback chat; Ctrl-C ends\n" {
			t.Errorf("the first line: %q, %v", line, err)
		}
		return cmd, in
	}
	end := func(cmd *exec.Cmd, in *bufio.Reader, status int, want string) {
		said, err := io.ReadAll(in)
		if err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
		cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != status || string(said) != want {
			t.Errorf("status %d, must be %d\n%s", got, status, said)
		}
	}
	cmd, in := start()
	cmd.Process.Signal(os.Interrupt)
	end(cmd, in, 0, "")
	cmd, in = start()
	stop()
	end(cmd, in, 1, "ringback: the daemon at "+socket+" has stopped\n")
}

// A truncated list ends with the number of omitted entries.
func TestCallbacksLeftOut(t *testing.T) {
	t.Parallel()
	socket, _, _ := stubDaemon(t)
	for _, tt := range []struct {
		args string
		rows int
		last string
	}{
		{"--all", 100, "… 150 older ones: --limit N (0 = all) or --since TIME\n"},
		{"--all --limit 249", 249, "… 1 older one: --limit N (0 = all) or --since TIME\n"},
		{"--all --limit 0", 250, ""},
	} {
		out, status := ringback(t, "", append([]string{"show", "callbacks", "--socket", socket},
			strings.Fields(tt.args)...)...)
		if n := strings.Count(out, " completed "); status != 0 || n != tt.rows ||
			strings.Contains(out, "older") != (tt.last != "") || !strings.HasSuffix(out, tt.last) {
			t.Errorf("%s: status %d, %d rows, must be %d and end in %q\n%.200s", tt.args, status, n, tt.rows, tt.last,
				out)
		}
	}
}
