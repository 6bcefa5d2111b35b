package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// memory compares the cost of one more idle line: the slope of the daemon's memory between two numbers of lines, and an
// mgetty.
func (b *bench) memory(ctx context.Context) error {
	mgetty, why, err := b.mgettyPSS(ctx)
	if err != nil {
		return err
	}
	for _, kind := range []string{"rfc2217", "tcp"} {
		if err := b.slope(ctx, kind, mgetty, why); err != nil {
			return err
		}
	}
	return nil
}

// slope measures the daemon with few and with many lines.
func (b *bench) slope(ctx context.Context, kind string, mgetty sample, why string) error {
	var kib, tids [2]int
	n := b.sizes.idleLines
	for i, lines := range n {
		var err error
		if kib[i], tids[i], err = b.idle(ctx, kind, lines); err != nil {
			return err
		}
		b.say("%s: %d idle lines: PSS %d KiB, %d threads, no child process", kind, lines, kib[i], tids[i])
	}
	each := float64(kib[1]-kib[0]) / float64(n[1]-n[0])
	r := row{figure: "memory of an idle line", ours: fmt.Sprintf("%.1f KiB", each), goal: "≤ 1/14, 12 KiB",
		verdict: info, port: kind,
		note: fmt.Sprintf("%s: PSS %d KiB at %d lines, %d KiB at %d, %v after the last came up", kind, kib[0], n[0],
			kib[1], n[1], b.sizes.idleTime)}
	if len(mgetty) > 0 {
		ratio := each / mgetty.median()
		r.peer, r.ratio, r.verdict = "mgetty -r "+mgetty.spread("%.0f", "KiB"), times(ratio),
			hold(ratio <= 1.0/14 && each <= 12)
	} else {
		r.note += "; peer skipped: " + why
	}
	b.add(r)
	b.add(row{figure: "threads and processes", ours: fmt.Sprintf("%d threads at %d lines, %d at %d; 0 processes",
		tids[0], n[0], tids[1], n[1]),
		peer: "mgetty: 1 process a line", goal: "none a line", verdict: hold(tids[1]-tids[0] < (n[1]-n[0])/100+10),
		port: kind})
	return nil
}

// idle runs the daemon with that many lines and returns its PSS in KiB and its number of threads after a pause.
func (b *bench) idle(ctx context.Context, kind string, lines int) (kib, tids int, err error) {
	town, err := b.startTown(ctx, townArgs(lines/2, lines-lines/2, 0, kind, false)...)
	if err != nil {
		return 0, 0, err
	}
	defer town.stop()
	d, err := b.startDaemon(ctx, plan{Dir: b.path(fmt.Sprintf("idle-%s-%d", kind, lines)), Kind: kind,
		CallIn: town.Lines[:lines/2], CallOut: town.Lines[lines/2:], Users: 1, Default: true})
	if err != nil {
		return 0, 0, err
	}
	defer d.stop()
	select {
	case <-time.After(b.sizes.idleTime):
	case <-ctx.Done():
		return 0, 0, context.Cause(ctx)
	}
	if kids := children(d.pid()); len(kids) > 0 {
		return 0, 0, fmt.Errorf("ringback has child processes: %v", kids)
	}
	kib, err = pss(d.pid())
	if err != nil {
		return 0, 0, err
	}
	tids, err = threads(d.pid())
	return kib, tids, err
}

// mgettyPSS starts mgettys, each on a PTY, in their own namespaces with their own configuration, and returns the PSS of
// each in KiB. If the program is missing or namespaces are not permitted, it returns the reason.
func (b *bench) mgettyPSS(ctx context.Context) (sample, string, error) {
	path := "/sbin/mgetty"
	if _, err := os.Stat(path); err != nil {
		return nil, "apt-get install mgetty", nil
	}
	if os.Geteuid() != 0 {
		return nil, "mgetty requires root", nil
	}
	town, err := b.startTown(ctx, "-ptys", fmt.Sprint(b.sizes.mgettys))
	if err != nil {
		return nil, "", err
	}
	defer town.stop()
	etc := b.path("mgetty")
	if err := os.MkdirAll(etc, 0o700); err != nil {
		return nil, "", err
	}
	for name, text := range map[string]string{
		"mgetty.config": "debug 0\nspeed 38400\ndata-only yes\nmodem-type data\nissue-file /dev/null\nlogin-prompt " +
			"@!login: \nport-owner root\nport-group root\nport-mode 600\n",
		"login.config":  "*\t-\t-\t/bin/false @\n",
		"dialin.config": "",
	} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o600); err != nil {
			return nil, "", err
		}
	}
	// The namespace has its own mounts, PIDs and network: nothing outside is written, and all processes end with the
	// shell.
	script := "set -e; mount --bind " + etc + " /etc/mgetty; mount -t tmpfs t /var/lock; mkdir -p /var/log/mgetty; " +
		"mount -t tmpfs t /var/log; mkdir /var/log/mgetty; mount -t tmpfs t /var/run\n"
	for _, p := range town.PTYs {
		script += "setsid " + path + " -r -x 0 " + strings.TrimPrefix(p, "/dev/") + " </dev/null >/dev/null 2>&1 &\n"
	}
	cmd := exec.CommandContext(ctx, "unshare", "-n", "-m", "-p", "-f", "--kill-child", "--mount-proc", "sh", "-c",
		script+"wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var words strings.Builder
	cmd.Stderr = &words
	if err := cmd.Start(); err != nil {
		return nil, "needs unshare (Debian package util-linux): " + err.Error(), nil
	}
	defer func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); cmd.Wait() }()
	select {
	case <-time.After(5 * time.Second): // the pauses of its start-up are over
	case <-ctx.Done():
		return nil, "", context.Cause(ctx)
	}
	var s sample
	for _, pid := range children(cmd.Process.Pid) {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err != nil || strings.TrimSpace(string(name)) != "mgetty" {
			continue
		}
		kib, err := pss(pid)
		if err != nil {
			return nil, "", err
		}
		s = append(s, float64(kib))
	}
	if len(s) < len(town.PTYs) {
		return nil, "", errors.Join(fmt.Errorf("only %d of %d mgettys keep running: %s", len(s), len(town.PTYs),
			words.String()))
	}
	b.say("mgetty -r on %d PTYs: PSS %s each", len(s), s.spread("%.0f", "KiB"))
	return s, "", nil
}
