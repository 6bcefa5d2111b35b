package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/ringback/ringback/lab/pppdtest"
)

// TestPeerCrashPPPD is TestPeerCrashPoints with pppd as the caller and tun as the network device. Each run kills at a
// part of the syncs, in a network namespace of its own; a long run kills at all of them.
func TestPeerCrashPPPD(t *testing.T) {
	t.Parallel()
	strace := crashStrace(t)
	const runs = 2
	step := 6
	if crashLong() {
		step = runs
	}
	for run := range runs {
		t.Run(fmt.Sprint(run+1), func(t *testing.T) {
			t.Parallel()
			lib := pppdtest.Shim(t)
			if !enterNamespace(t) {
				return
			}
			n, _ := crashEnumerate(t, crashWorld{ppp: true, pppd: lib, verify: true}, strace, "fsync,fdatasync",
				1+run*step/runs, step)
			if n < 10 && !t.Failed() {
				t.Errorf("a life of %d syncs is not possible", n)
			}
			t.Logf("a life has %d syncs", n)
		})
	}
}

// pppdCaller is the caller's computer: it calls, and then takes every call that its modem answers. It hangs up when it
// was online for a second; if the daemon is killed, the first pppd may be the one that takes the callback.
const pppdCaller = `mount -t tmpfs tmpfs /etc/ppp && touch /etc/ppp/options
mount -t tmpfs tmpfs /run && mkdir /run/lock
lib=$1 tty=$2 user=$3 main=$4
link() { # connect script, options
	LD_PRELOAD=$lib pppd "$tty" 115200 local nodetach noauth user "u$user" password "p$user" nocrtscts nolock \
		debug logfd 1 maxconnect 1 lcp-echo-interval 2 lcp-echo-failure 8 lcp-restart 1 connect "$@"
}
link "chat -t 60 ABORT BUSY ABORT 'NO CARRIER' ABORT 'NO ANSWER' '' ATZ OK ATDT$main CONNECT '\c'" callback "$user"
echo "first call: exit $?"
while :; do link "chat -t 600 CONNECT '\c'"; done
`

// openPPPD gives the caller's modem a terminal.
func (c *crashCaller) openPPPD() error {
	c.dte.Close()
	tty, err := c.modem.ServePTY("")
	c.tty = tty
	return err
}

// runPPPD runs the caller's computer once it is to call, until ctx ends.
func (c *crashCaller) runPPPD(ctx context.Context) {
	select {
	case <-c.dial:
	case <-ctx.Done():
		return
	}
	cmd := exec.CommandContext(ctx, "unshare", "-n", "-m", "sh", "-c", pppdCaller, "sh", c.town.pppd, c.tty, c.number,
		crashMain)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		c.tell(err.Error())
		c.ended()
		return
	}
	go func() {
		cmd.Wait()
		in.Close()
	}()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		c.tell(lines.Text())
	}
}

// tell takes a line of the computer's.
func (c *crashCaller) tell(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.screen.WriteString(line + "\n")
	switch {
	case strings.HasSuffix(line, "first call: exit 14"):
		c.heard++
		c.ended()
	case strings.Contains(line, "first call: exit"):
		c.ended()
	case strings.Contains(line, "local  IP address"):
		c.sessions++
	}
}
