package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ringback/ringback/lab"
)

// The daemon is killed in the middle of a dial of start-chat: the dial counts in full, is not repeated, and the ceiling
// that it has used up forbids the next one.
func TestCrashStartChat(t *testing.T) {
	t.Parallel()
	l := startTown(t, lab.Options{Pace: 1})
	const policy = "group: operators\nnumbers: {allow: [\"84*\"]}\nlimits: {group: {month: {calls: 1}}}\n"
	if err := os.WriteFile(filepath.Join(l.Dir(), "policies.d", "operators.yaml"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	change(t, l, "ringback.yaml", "\nmodem_test: ", "\nstart_chat: {policy: operators}\nmodem_test: ")
	if _, err := l.Client().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = l.Client().StartChat(context.Background(), 65, "^rtp$", "84001") }() // ends with the daemon
	eventually(t, "the dial", func() bool { return len(lineDials(l)) == 1 })
	if err := syscall.Kill(l.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-l.Done()
	if err := l.StartDaemon(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := l.Client().StartChat(t.Context(), 66, "^rtp$", "84002")
	if err == nil || !strings.Contains(err.Error(), "the month of group operators allows 1 calls, 1 are used") {
		t.Errorf("beyond the ceiling: %v", err)
	}
	if d := lineDials(l); len(d) != 1 || d[0].Number != "84001" {
		t.Errorf("dials: %+v", d)
	}
}
