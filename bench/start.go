package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/api/client"
)

// The goals in ms: from the start of the process until it is ready, and for the list of all lines.
const (
	startGoal = 300
	showGoal  = 50
)

// start measures how long a daemon with many lines and many pending callbacks takes until it is ready after it was
// killed, and how long an operator waits for the list of its lines.
func (b *bench) start(ctx context.Context) error {
	lines := b.sizes.idleLines[1]
	town, err := b.startTown(ctx, townArgs(lines/2, lines-lines/2, 0, "tcp", false)...)
	if err != nil {
		return err
	}
	defer town.stop()
	p := plan{Dir: b.path("start"), Kind: "tcp", CallIn: town.Lines[:lines/2], CallOut: town.Lines[lines/2:],
		Users: b.sizes.pending, Home: 840_000, Default: true, Log: "info"}
	d, err := b.startDaemon(ctx, p)
	if err != nil {
		return err
	}
	defer func() { d.stop() }()
	if err := d.order(ctx, b.sizes.pending); err != nil {
		return err
	}
	d.plan.Users = 1 // the file of the users is not what is measured
	if _, err := d.plan.files(); err != nil {
		return err
	}
	var took, cpu sample
	for range b.sizes.starts {
		d.cmd.Process.Kill()
		<-d.ended
		ready, used, err := b.restart(ctx, d)
		if err != nil {
			return err
		}
		took, cpu = append(took, milliseconds(ready)), append(cpu, milliseconds(used))
		if err := d.ready(ctx); err != nil {
			return err
		}
	}
	pending, _, err := d.api.FindCallbacks(ctx, client.CallbackQuery{})
	if err != nil {
		return err
	}
	b.add(row{figure: fmt.Sprintf("ready with %d lines and %d pending callbacks", lines, len(pending)),
		ours: took.spread("%.0f", "ms"), goal: fmt.Sprintf("≤ %d ms", startGoal), port: "tcp",
		verdict: hold(took.median() <= startGoal && len(pending) == b.sizes.pending),
		note: fmt.Sprintf("%d starts after kill -9, from the start of the process to READY=1; %.0f ms of CPU until "+
			"then", len(took), cpu.median())})
	return b.show(ctx, d, lines)
}

// order has n users called back in an hour.
func (d *daemon) order(ctx context.Context, n int) error {
	const at = 64 // orders at a time: the journal writes them together
	later := time.Now().Add(time.Hour)
	users, failed := make(chan int), make(chan error, at)
	var workers sync.WaitGroup
	for range at {
		workers.Go(func() {
			for u := range users {
				_, err := d.api.OrderCallback(ctx, client.CallbackOrder{User: fmt.Sprint("u", u), At: later})
				if err != nil {
					select {
					case failed <- fmt.Errorf("order a callback of u%d: %w", u, err):
					default:
					}
				}
			}
		})
	}
	for u := range n {
		users <- u
	}
	close(users)
	workers.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// restart starts the daemon as systemd does, and returns how long it took until it said that it is ready, and the CPU
// time until then.
func (b *bench) restart(ctx context.Context, d *daemon) (took, cpu time.Duration, err error) {
	address := filepath.Join(d.plan.Dir, "notify")
	os.Remove(address)
	heard, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return 0, 0, err
	}
	defer heard.Close()
	log, err := os.OpenFile(d.log, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, 0, err
	}
	defer log.Close()
	d.cmd = exec.Command(b.ringback, "serve", "-c", filepath.Join(d.plan.Dir, "ringback.yaml"))
	d.cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+address)
	d.cmd.Stderr, d.cmd.Stdout = log, log
	began := time.Now()
	if err := d.cmd.Start(); err != nil {
		return 0, 0, fmt.Errorf("start ringback: %w", err)
	}
	d.ended = make(chan struct{})
	go func() { d.cmd.Wait(); close(d.ended) }()
	heard.SetReadDeadline(began.Add(time.Minute))
	told := make([]byte, 4096)
	for {
		n, err := heard.Read(told)
		if err != nil {
			return 0, 0, fmt.Errorf("the daemon does not say that it is ready: %w: %s", err, d.lastWords())
		}
		if strings.Contains("\n"+string(told[:n]), "\nREADY=1") {
			took = time.Since(began)
			cpu, err = cpuOf(d.pid())
			return took, cpu, err
		}
	}
}

// show measures `ringback show lines`, from the start of the command to its end, next to a command that prints nothing.
func (b *bench) show(ctx context.Context, d *daemon, lines int) error {
	if err := pause(ctx, settles); err != nil {
		return err
	}
	var whole, bare sample
	for range b.sizes.scrapes / 10 {
		for _, c := range []struct {
			took *sample
			args []string
		}{
			{&whole, []string{"show", "lines", "--socket", filepath.Join(d.plan.Dir, "ringback.sock")}},
			{&bare, []string{"version"}},
		} {
			began := time.Now()
			out, err := exec.CommandContext(ctx, b.ringback, c.args...).CombinedOutput()
			if err != nil {
				return fmt.Errorf("ringback %s: %w: %s", strings.Join(c.args, " "), err, out)
			}
			*c.took = append(*c.took, milliseconds(time.Since(began)))
			if n := strings.Count(string(out), "\n"); c.took == &whole && n <= lines {
				return fmt.Errorf("show lines printed %d rows for %d lines", n, lines)
			}
		}
	}
	b.add(row{figure: fmt.Sprintf("ringback show lines, %d lines", lines), ours: whole.spread("%.0f", "ms"),
		goal: fmt.Sprintf("≤ %d ms", showGoal), verdict: hold(whole.median() <= showGoal), port: "tcp",
		note: fmt.Sprintf("%d commands, from start to end; `ringback version` takes %s", len(whole),
			bare.spread("%.0f", "ms"))})
	return nil
}
