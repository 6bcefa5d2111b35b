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
		opened, strangers, err := reopened(ctx, town, p.Odd-1)
		if err != nil {
			return err
		}
		others += strangers
		driver = append(driver, milliseconds(opened.Time.Sub(began)))
		command = append(command, milliseconds(opened.Command.Sub(began)))
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

// reopened waits until a modem has a new connection with a command. others is the number of new connections at other
// modems.
func reopened(ctx context.Context, town *other, line int) (o wire.Opened, others int, err error) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		r, err := town.load(wire.Load{Seen: true})
		if err != nil {
			return o, others, err
		}
		found := false
		for _, c := range r.Opened {
			if c.Line == line {
				o, found = c, true
			} else {
				others++
			}
		}
		if found {
			return o, others, nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return o, others, err
		}
	}
	return o, others, fmt.Errorf("the reload did not open the port of line %d again", line+1)
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
