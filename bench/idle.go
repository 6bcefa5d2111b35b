package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ringback/ringback/bench/wire"
)

const (
	// probeEvery is the interval of the probes while they are measured. It is longer than the time after which a line
	// rests, so that a probe costs what it costs at the default interval.
	probeEvery = 10 * time.Second
	// settles is how long the daemon still works after its start: all lines rest and have been probed once, and the
	// memory of the start is returned.
	settles = 15 * time.Second
	// probeDefault is the mean of the default interval, of which a tenth is jitter.
	probeDefault = 9 * time.Minute
	// idleGoal is the goal for the CPU of idle lines, in percent of a core.
	idleGoal = 0.1
)

// idleCPU measures the CPU of lines on which nothing happens except the probes of their modems, and the same without
// probes. The probes are more frequent than by default, so that there are enough of them; the figure is calculated for
// the default interval.
func (b *bench) idleCPU(ctx context.Context) error {
	for _, kind := range []string{"rfc2217", "tcp"} {
		quiet, _, err := b.idleShare(ctx, kind, time.Hour)
		if err != nil {
			return err
		}
		busy, probes, err := b.idleShare(ctx, kind, probeEvery)
		if err != nil {
			return err
		}
		if probes == 0 {
			return fmt.Errorf("%s: no modem was probed", kind)
		}
		s := b.sizes
		seconds := s.idleFor.Seconds()
		each := (busy - quiet) / time.Duration(probes)
		base := 100 * quiet.Seconds() / seconds
		due := float64(s.idleLines[1]) / probeDefault.Seconds() // probes per second
		share := base + 100*due*each.Seconds()
		ratio := ""
		if quiet > time.Millisecond {
			ratio = times(share / base)
		}
		b.add(row{
			figure: fmt.Sprintf("CPU of %d idle lines with probes", s.idleLines[1]),
			ours:   fmt.Sprintf("%.3f %% of a core", share), peer: fmt.Sprintf("without probes %.3f %%", base),
			ratio: ratio, goal: fmt.Sprintf("≤ %.1f %%", idleGoal), verdict: hold(share <= idleGoal),
			port: kind,
			note: fmt.Sprintf("%s: %.0f µs of CPU for each of %d probes in %.0f s, at one per %v and line; the share "+
				"is for the default of one per 10 min", kind, microseconds(each), probes, seconds, probeEvery),
		})
	}
	return nil
}

// idleShare returns the CPU that the daemon took during idleFor, and the number of probes.
func (b *bench) idleShare(ctx context.Context, kind string, every time.Duration) (cpu time.Duration, probes int,
	err error) {
	lines := b.sizes.idleLines[1]
	town, err := b.startTown(ctx, append(townArgs(lines/2, lines-lines/2, 0, kind, false), "-seen")...)
	if err != nil {
		return 0, 0, err
	}
	defer town.stop()
	d, err := b.startDaemon(ctx, plan{Dir: b.path(fmt.Sprintf("probes-%s-%v", kind, every)), Kind: kind,
		CallIn: town.Lines[:lines/2], CallOut: town.Lines[lines/2:], Users: 1, Default: true, Probe: every})
	if err != nil {
		return 0, 0, err
	}
	defer d.stop()
	if err := pause(ctx, settles); err != nil {
		return 0, 0, err
	}
	if _, err := town.load(wire.Load{Seen: true}); err != nil {
		return 0, 0, err
	}
	before, err := cpuOf(d.pid())
	if err != nil {
		return 0, 0, err
	}
	if err := pause(ctx, b.sizes.idleFor); err != nil {
		return 0, 0, err
	}
	after, err := cpuOf(d.pid())
	if err != nil {
		return 0, 0, err
	}
	r, err := town.load(wire.Load{Seen: true})
	if err != nil {
		return 0, 0, err
	}
	if len(r.Opened) > 0 {
		return 0, 0, fmt.Errorf("%d ports were opened again while nothing happened", len(r.Opened))
	}
	b.say("%s, probes each %v: %.1f ms of CPU in %v, %d commands", kind, every, milliseconds(after-before),
		b.sizes.idleFor, r.Commands)
	return after - before, r.Commands, nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
