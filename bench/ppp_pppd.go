package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ringback/ringback/lab/pppclient"
	"github.com/ringback/ringback/lab/pppdtest"
)

// startPPPD starts a pppd that serves a PTY, in namespaces of its own. The caller stops it.
func startPPPD(ctx context.Context, lib, tty string) (*exec.Cmd, error) {
	const script = `mount -t tmpfs t /run && mkdir -p /run/lock && lib=$1 && shift && LD_PRELOAD=$lib exec /usr/sbin/pppd "$@"`
	cmd := exec.CommandContext(ctx, "unshare", "-n", "-m", "sh", "-c", script, "sh", lib, tty, "115200", "local",
		"nocrtscts", "nodetach", "noauth", "nolock", "passive", "10.8.0.1:10.8.0.10")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, cmd.Start()
}

// pppdPSS returns the memory of pppds whose links are open at the same time, in KiB.
func (b *bench) pppdPSS(ctx context.Context) (s sample, why string, err error) {
	lib, why, err := pppdtest.Build(ctx, b.dir)
	if why != "" || err != nil {
		return nil, why, err
	}
	var open []*pppdPeer
	defer func() {
		for _, p := range open {
			p.stop()
		}
	}()
	for range b.sizes.pppds {
		p, err := openPPPD(ctx, lib)
		if err != nil {
			return nil, "", err
		}
		open = append(open, p)
	}
	for _, p := range open {
		kib, err := pss(p.cmd.Process.Pid)
		if err != nil {
			return nil, "", err
		}
		s = append(s, float64(kib))
	}
	return s, "", nil
}

// pppdLogins returns the CPU time of pppds from their start until IPCP is open, in ms.
func (b *bench) pppdLogins(ctx context.Context) (s sample, why string, err error) {
	lib, why, err := pppdtest.Build(ctx, b.dir)
	if why != "" || err != nil {
		return nil, why, err
	}
	for range b.sizes.pppds {
		p, err := openPPPD(ctx, lib)
		if err != nil {
			return nil, "", err
		}
		d, err := cpuExactly(p.cmd.Process.Pid)
		p.stop()
		if err != nil {
			return nil, "", err
		}
		s = append(s, milliseconds(d))
	}
	return s, "", nil
}

// pppdPeer is a pppd whose IPCP is open, with our end of its PTY.
type pppdPeer struct {
	cmd         *exec.Cmd
	line, slave *os.File
}

// openPPPD starts a pppd and opens a link with it. The caller stops it.
func openPPPD(ctx context.Context, lib string) (*pppdPeer, error) {
	line, tty, err := pppdtest.OpenPTY()
	if err != nil {
		return nil, err
	}
	p := &pppdPeer{line: line}
	if p.slave, err = pppdtest.OpenRaw(tty); err == nil {
		p.cmd, err = startPPPD(ctx, lib, tty)
	}
	if err == nil {
		err = p.login(ctx)
	}
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("PPP with pppd: %w", err)
	}
	return p, nil
}

func (p *pppdPeer) login(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c := pppclient.New(bufio.NewReader(p.line), p.line, pppclient.Config{User: "u0"})
	if _, err := c.Login(ctx); err != nil {
		return err
	}
	_, err := c.Connect(ctx)
	return err
}

func (p *pppdPeer) stop() {
	if p.cmd != nil && p.cmd.Process != nil {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		_ = p.cmd.Wait()
	}
	if p.slave != nil {
		p.slave.Close()
	}
	p.line.Close()
}

// cpuExactly is the CPU time of a process and its threads so far, in the scheduler's nanoseconds.
func cpuExactly(pid int) (total time.Duration, err error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		first, _, _ := strings.Cut(string(data), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		total += time.Duration(ns)
	}
	return total, nil
}
