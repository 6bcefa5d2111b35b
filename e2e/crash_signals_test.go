package e2e

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/ringback/ringback/api/client"
)

// fullPipe is a pipe that is full.
func fullPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); len(block) > 0; block = block[:len(block)/2] {
		for {
			if _, err := syscall.Write(fds[1], block); errors.Is(err, syscall.EAGAIN) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := syscall.SetNonblock(fds[1], false); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(fds[0]), "stderr"), os.NewFile(uintptr(fds[1]), "stderr")
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// TestLogReader: if the reader of standard error is gone or does not read, calls are still answered and called back,
// and the daemon shuts down normally.
func TestLogReader(t *testing.T) {
	for name, gone := range map[string]bool{"gone": true, "stalls": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			town := newCrashTown(t, crashWorld{})
			r, w := fullPipe(t)
			town.stderr = w
			d := town.start(t)
			if gone {
				r.Close()
				w.Close() // this process's copy; the daemon has its own
			}
			c := town.callers[0]
			if err := d.ready(); err != nil {
				t.Fatal(err)
			}
			c.call()
			if err := d.rest(1); err != nil {
				t.Fatal(err)
			}
			if err := d.stop(); err != nil || !d.cmd.ProcessState.Success() {
				t.Errorf("%v, %v", d.cmd.ProcessState, err)
			}
			if err := town.witness(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestHangUpSignalAtTheEnd: SIGHUP during a shutdown, while an attempt is in progress, has no effect on it.
func TestHangUpSignalAtTheEnd(t *testing.T) {
	t.Parallel()
	town := newCrashTown(t, crashWorld{verify: true})
	d := town.start(t)
	if err := d.ready(); err != nil {
		t.Fatal(err)
	}
	town.callers[0].call()
	under := func(c client.Callback) bool { return c.Phase == "dialing" || c.Phase == "answered" }
	err := d.until("an attempt under way", func(ctx context.Context) bool {
		callbacks, err := town.client().Callbacks(ctx, true)
		return err == nil && (slices.ContainsFunc(callbacks, under) || len(callbacks) > 0 && callbacks[0].Ended != nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Process.Signal(syscall.SIGTERM)
	for !d.over() {
		d.cmd.Process.Signal(syscall.SIGHUP)
	}
	if !d.cmd.ProcessState.Success() {
		t.Errorf("%v\n%s", d.cmd.ProcessState, d.out)
	}
	if !d.says("info\tstopped") {
		t.Errorf("it did not shut down normally:\n%s", d.out)
	}
}
