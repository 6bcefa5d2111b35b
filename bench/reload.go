package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/ringback/ringback/bench/wire"
)

// reloadGoal is the goal for a reload that changes one line, in ms.
const reloadGoal = 50

// reload changes one line of many and sends SIGHUP. It measures the time until the daemon opens that line's port again,
// by the town's clock, and until the daemon logs that the configuration is in force. No other port may be opened.
func (b *bench) reload(ctx context.Context) error {
	lines := b.sizes.idleLines[1]
	town, err := b.startTown(ctx, append(townArgs(lines/2, lines-lines/2, 0, "rfc2217", false), "-seen")...)
	if err != nil {
		return err
	}
	defer town.stop()
	p := plan{Dir: b.path("reload"), Kind: "rfc2217", CallIn: town.Lines[:lines/2], CallOut: town.Lines[lines/2:],
		Users: 1, Log: "info"}
	d, err := b.startDaemon(ctx, p)
	if err != nil {
		return err
	}
	defer d.stop()
	var driver, command, done, work sample
	others := 0
	for i := range b.sizes.reloads {
		if err := pause(ctx, restsAfter); err != nil { // the lines rest
			return err
		}
		if _, err := town.load(wire.Load{Seen: true}); err != nil {
			return err
		}
		p.Odd, p.OddWait = p.In(lines/4), time.Duration(61+i)*time.Second
		if _, err := p.files(); err != nil {
			return err
		}
		before, err := cpuOf(d.pid())
		if err != nil {
			return err
		}
		began, took, err := d.reload(ctx, i+1)
		if err != nil {
			return err
		}
		after, err := cpuOf(d.pid())
		if err != nil {
			return err
		}
		work = append(work, milliseconds(after-before))
		if err := d.ready(ctx); err != nil {
			return err
		}
		r, err := town.load(wire.Load{Seen: true})
		if err != nil {
			return err
		}
		var changed []wire.Opened
		for _, o := range r.Opened {
			if o.Line != p.Odd-1 {
				others++
				continue
			}
			changed = append(changed, o)
		}
		n := len(changed)
		if n == 0 || changed[n-1].Command.IsZero() {
			return fmt.Errorf("the reload did not open the port of line %d again: %v", p.Odd, changed)
		}
		driver = append(driver, milliseconds(changed[0].Time.Sub(began)))
		command = append(command, milliseconds(changed[n-1].Command.Sub(began)))
		done = append(done, milliseconds(took))
	}
	for _, f := range []struct {
		name string
		took sample
		note string
	}{
		{"until its new driver begins", driver, "SIGHUP to the connection at the modem"},
		{"until the reload is in force", done, "SIGHUP to `lines reloaded`, the last record of the log"},
	} {
		b.add(row{figure: fmt.Sprintf("reload of 1 line of %d, %s", lines, f.name),
			ours: f.took.spread("%.0f", "ms"), goal: fmt.Sprintf("≤ %d ms", reloadGoal),
			verdict: hold(f.took.median() <= reloadGoal), port: "rfc2217",
			note: fmt.Sprintf("%s; %d reloads", f.note, len(f.took))})
	}
	b.add(row{figure: "… until its modem gets the first command", ours: command.spread("%.0f", "ms"), verdict: info,
		port: "rfc2217"})
	b.add(row{figure: "… CPU of the daemon", ours: work.spread("%.0f", "ms"), verdict: info, port: "rfc2217",
		note: "from SIGHUP until the reload is in force"})
	b.add(row{figure: "… other lines opened again", ours: fmt.Sprint(others), goal: "0", verdict: hold(others == 0),
		port: "rfc2217"})
	return nil
}

// restsAfter is how long nothing must happen on a line until it rests, and a moment.
const restsAfter = 6 * time.Second

// reload sends SIGHUP and waits until the nth reload is in the log.
func (d *daemon) reload(ctx context.Context, n int) (began time.Time, took time.Duration, err error) {
	began = time.Now()
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return began, 0, err
	}
	deadline := began.Add(time.Minute)
	for {
		data, err := os.ReadFile(d.log)
		took = time.Since(began)
		switch {
		case err != nil:
			return began, 0, err
		case bytes.Count(data, []byte("\tlines reloaded\t")) >= n:
			return began, took, nil
		case time.Now().After(deadline):
			return began, 0, fmt.Errorf("no reload within a minute: %s", d.lastWords())
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return began, 0, err
		}
	}
}
