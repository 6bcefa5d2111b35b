package e2e

import (
	"context"
	"syscall"
	"testing"

	"github.com/ringback/ringback/lab"
)

// The daemon is killed in the middle of the dial of a modem test: the dial counts, is not repeated, and the lines come
// back into service.
func TestCrashModemTest(t *testing.T) {
	t.Parallel()
	l := startTown(t, lab.Options{Pace: 1})
	go func() { _, _ = l.Client().TestModem(context.Background(), 65, 66, "") }() // ends with the daemon
	eventually(t, "the dial of the test", func() bool { return len(lineDials(l)) == 1 })
	if err := syscall.Kill(l.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-l.Done()
	if err := l.StartDaemon(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := l.Client().Lines(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range all[:2] {
		if line.Test == nil || line.Test.Result != "interrupted" || line.Test.TTY != 65 || line.Test.With != 66 {
			t.Errorf("tty %d: %+v", line.TTY, line.Test)
		}
	}
	got, err := l.Client().TestModem(t.Context(), 67, 68, "")
	if err != nil || got.Result != "passed" {
		t.Errorf("the next test: %+v, %v", got, err)
	}
	if d := lineDials(l); len(d) != 2 {
		t.Errorf("dials: %+v", d)
	}
}
