package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/ringback/ringback/bench/wire"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
)

// cycleGoal is the goal for two cores, in callbacks per second, including the town's own work on the same cores.
const cycleGoal = 500

// cycles has callers repeat whole callbacks: answer, login, promise, hang-up, no wait, dial, login, EXEC, hang-up.
func (b *bench) cycles(ctx context.Context) error {
	for _, v := range []struct {
		name         string
		kind         string
		radius, goal bool
		cpu          float64 // of the daemon, in ms
	}{
		{"callback cycles a second, local users", "rfc2217", false, true, 1.1},
		{"… RADIUS, with accounting", "rfc2217", true, false, 1.4},
	} {
		if err := b.cycle(ctx, v.name, v.kind, v.radius, v.goal, v.cpu); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) cycle(ctx context.Context, name, kind string, radius, goal bool, cpu float64) error {
	n := b.sizes.cycleLines
	callers := n
	town, err := b.startTown(ctx, townArgs(n, n, callers, kind, radius)...)
	if err != nil {
		return err
	}
	defer town.stop()
	p := plan{Dir: b.path(fmt.Sprintf("cycles-%s-%v", kind, radius)), Kind: kind, CallIn: town.Lines[:n],
		CallOut: town.Lines[n:], Users: callers}
	if radius {
		p.Users, p.Auth, p.Acct = 0, town.Auth, town.Acct
	}
	d, err := b.startDaemon(ctx, p)
	if err != nil {
		return err
	}
	defer d.stop()
	var rate, each, theirs, share, p50, p99 sample
	done, failed, promised, busy := 0, 0, 0, 0
	var failures []string
	for range b.sizes.cycleRounds {
		before, err := cpuOf(d.pid())
		if err != nil {
			return err
		}
		r, err := town.load(wire.Load{Callers: callers, For: b.sizes.cycleFor})
		if err != nil {
			return err
		}
		after, err := cpuOf(d.pid())
		if err != nil {
			return err
		}
		if r.Done == 0 {
			return fmt.Errorf("no cycle was completed: %v; output of ringback: %s", r.Failures, d.lastWords())
		}
		rate = append(rate, float64(r.Done)/r.Elapsed.Seconds())
		each = append(each, milliseconds(after-before)/float64(r.Done))
		theirs = append(theirs, milliseconds(r.CPU)/float64(r.Done))
		share = append(share, 100*(after-before+r.CPU).Seconds()/r.Elapsed.Seconds()/float64(runtime.NumCPU()))
		var l sample
		for _, d := range r.Latencies {
			l = append(l, milliseconds(d))
		}
		p50, p99 = append(p50, l.median()), append(p99, l.quantile(0.99))
		done, failed, promised, busy = done+r.Done, failed+r.Failed, promised+r.Promised, busy+r.Busy
		failures = append(failures, r.Failures...)
		b.say("%.0f cycles/s, %.2f ms CPU of ringback and %.2f ms of the town each, p50 %.0f, p99 %.0f, max %.0f ms, "+
			"%d busy, %d failed", rate[len(rate)-1], each[len(each)-1], theirs[len(theirs)-1], l.median(),
			l.quantile(0.99), l.max(), r.Busy, r.Failed)
	}
	d.stop()
	lost, err := b.unfinished(ctx, p.Dir, done)
	if err != nil {
		return err
	}
	for _, f := range failures[:min(len(failures), 5)] {
		b.say("failed: %s", f)
	}
	r := row{figure: name, ours: rate.spread("%.0f", "/s"), verdict: info, port: kind,
		note: fmt.Sprintf("%d cycles by %d callers on %d+%d lines; the town's CPU a cycle %s, on the same cores; "+
			"both had %s of the machine; p50 %.0f ms, p99 %.0f ms",
			done, callers, n, n, theirs.spread("%.2f", "ms"), share.spread("%.0f", "%"), p50.median(), p99.median())}
	if goal {
		r.goal, r.verdict = fmt.Sprintf("≥ %d", cycleGoal), hold(rate.median() >= cycleGoal)
		r.ratio = times(rate.median() / cycleGoal)
	}
	b.add(r)
	b.add(row{figure: "… CPU of a cycle", ours: each.spread("%.2f", "ms"), goal: fmt.Sprintf("≤ %.1f", cpu),
		verdict: hold(each.median() <= cpu), port: kind, note: "of the daemon alone, independent of other load"})
	b.add(row{figure: "… promises lost", ours: fmt.Sprintf("%d of %d", promised-done, promised), goal: "0",
		verdict: hold(promised == done && failed == 0 && lost == 0), port: kind,
		note: strings.TrimSpace(fmt.Sprintf("journal: %d not completed; callers: %d failed %s", lost, failed,
			strings.Join(failures[:min(len(failures), 2)], "; ")))})
	return nil
}

// unfinished counts the callbacks in the journal that were not completed. It is an error if the journal has fewer
// callbacks than were done.
func (b *bench) unfinished(ctx context.Context, dir string, done int) (int, error) {
	j, err := sqlite.Open(ctx, sqlite.Options{Path: dir + "/state/journal.db"})
	if err != nil {
		return 0, err
	}
	defer j.Close()
	rows, damaged, err := j.Callbacks(ctx, 10_000_000, journal.Filter{})
	if err != nil || len(damaged) > 0 {
		return 0, fmt.Errorf("read the journal: %d rows are damaged; %w", len(damaged), err)
	}
	if len(rows) < done {
		return 0, fmt.Errorf("%d cycles were completed, but the journal has %d callbacks", done, len(rows))
	}
	n := 0
	for _, r := range rows {
		if r.Outcome != "completed" {
			n++
		}
	}
	return n, nil
}
