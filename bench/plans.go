package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ringback/ringback/bench/wire"
)

// plansGoal is the goal for the ratio of the p99 with and without queues and attempts: unchanged, except for the noise
// of two measurements.
const plansGoal = 1.1

// plans compares the time from the end of the forced wait until the modem reads the first octet of the dial command,
// with and without what decides which line dials when: hunting by use, attempts by cause, the hold-off of numbers, and
// a queue of callbacks that wait for a line. Rounds of both alternate, at the same time of day on the same machine.
func (b *bench) plans(ctx context.Context) error {
	s := b.sizes
	var sites [2]*site
	for i, p := range []plan{
		{Dir: b.path("plain"), ForcedWait: s.forcedWait},
		{Dir: b.path("attempts"), ForcedWait: s.forcedWait, Attempts: true, Waiters: s.waiters},
	} {
		var err error
		sites[i], err = b.startSite(ctx, p, s.planLines, s.planRate, s.forcedWait+1500*time.Millisecond)
		if err != nil {
			return err
		}
		defer sites[i].stop()
	}
	plain, full := sites[0], sites[1]
	r, err := full.town.load(wire.Load{Wait: true})
	if err != nil {
		return err
	}
	if r.Promised != s.waiters {
		return fmt.Errorf("%d of %d waiting callbacks were promised: %v", r.Promised, s.waiters, r.Failures)
	}
	least := s.waiters
	for range s.planRounds {
		for _, one := range sites {
			if err := one.round(s.waitFor); err != nil {
				return err
			}
		}
		q, err := full.daemon.api.Queue(ctx)
		if err != nil {
			return err
		}
		least = min(least, len(q))
	}
	if least == 0 {
		return fmt.Errorf("no callback waited for a line at the end of a round")
	}
	with, err := full.lateness(ctx)
	if err != nil {
		return err
	}
	without, err := plain.lateness(ctx)
	if err != nil {
		return err
	}
	for i := range with.commandP99s {
		b.say("round %d: p99 %.1f ms with, %.1f ms without", i+1, with.commandP99s[i], without.commandP99s[i])
	}
	for _, q := range []struct {
		name, goal    string
		with, without sample
	}{
		{"p99", fmt.Sprintf("≤ %.1f", plansGoal), with.commandP99s, without.commandP99s},
		{"p50", "", with.commandP50s, without.commandP50s},
	} {
		ratios := ratios(q.with, q.without)
		r := row{figure: "end of the wait to ATD with queues and attempts, " + q.name,
			ours: q.with.spread("%.1f", "ms"), peer: "without " + q.without.spread("%.1f", "ms"),
			ratio: times(ratios.median()), goal: q.goal, verdict: info, port: "rfc2217",
			note: "ratio of the rounds " + ratios.spread("%.2f", "")}
		if q.goal != "" {
			r.verdict = hold(ratios.median() <= plansGoal)
			r.note += fmt.Sprintf("; %d and %d callbacks, %.0f begun a second on %d lines; %d callbacks or more "+
				"waited for a line; all rounds together: with %s, without %s", with.done, without.done, s.planRate,
				s.planLines, least, with.command.tail(), without.command.tail())
		}
		b.add(r)
	}
	return nil
}

// ratios divides the figures of rounds.
func ratios(a, b sample) (r sample) {
	for i := range a {
		r = append(r, a[i]/b[i])
	}
	return r
}
