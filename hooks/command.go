package hooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// running limits the commands of all hooks that run at a time.
var running = make(chan struct{}, 8)

// maxOutput is how much output of a command is kept; the rest is dropped.
const maxOutput = 4096

// killWait is how long the output of a killed command is awaited: a process that has left its group may hold it open.
const killWait = time.Second

// run runs the command once: without a shell, with an environment of its own, in a process group that is killed when
// the time is over. Exit status 0 means that the message is taken.
func (h Hook) run(ctx context.Context, m Message) error {
	select {
	case running <- struct{}{}:
		defer func() { <-running }()
	case <-ctx.Done():
		return fmt.Errorf("%s: not started within %v: too many commands run", h.Command[0], h.Timeout)
	}
	var out capped
	c := exec.CommandContext(ctx, h.Command[0], h.Command[1:]...)
	c.Dir = "/"
	c.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
		"RINGBACK_EVENT=" + m.Type, "RINGBACK_EVENT_ID=" + m.ID}
	c.Stdin = bytes.NewReader(append(m.body(), '\n'))
	c.Stdout, c.Stderr = &out, &out
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = killWait
	err := c.Run()
	if c.Process != nil {
		// What it has left in the background in its group ends with it.
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
	}
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay) && c.ProcessState.Success():
		return nil
	case ctx.Err() != nil:
		err = fmt.Errorf("killed after %v", h.Timeout)
	}
	text := strings.TrimSpace(out.String())
	if text != "" {
		return fmt.Errorf("%s: %w: %.200q", h.Command[0], err, text)
	}
	return fmt.Errorf("%s: %w", h.Command[0], err)
}

// capped keeps the first octets that are written to it.
type capped struct{ bytes.Buffer }

func (c *capped) Write(b []byte) (int, error) {
	c.Buffer.Write(b[:min(len(b), max(maxOutput-c.Len(), 0))])
	return len(b), nil
}
