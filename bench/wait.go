package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/ringback/ringback/bench/wire"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
)

// commandGap is the pause before the dial command of the script, after the answer to its AT.
const commandGap = time.Millisecond

// wait measures the time from the end of the forced wait until the modem reads the first octet of the dial script, and
// from there until the dial command. The modem's side records when a called line's modem went on hook and what it
// reads; the broker's record says when it knew that the line was down, which is when its wait begins. The callback's
// number identifies it on both sides.
func (b *bench) wait(ctx context.Context) error {
	s := b.sizes
	l, err := b.lateness(ctx, plan{Dir: b.path("wait"), ForcedWait: s.forcedWait}, s.waitLines, s.waitRounds,
		s.waitRate, s.forcedWait+1500*time.Millisecond)
	if err != nil {
		return err
	}
	b.add(row{
		figure: "end of the wait to the dial script", ours: "p99 " + l.scriptP99s.spread("%.1f", "ms"),
		goal: "p99 ≤ 8 ms", verdict: hold(l.scriptP99s.median() <= 8), port: "rfc2217",
		note: fmt.Sprintf("%d callbacks by %d lines in %d rounds, %.0f begun a second, forced wait %v; all rounds "+
			"together %s; timed by the town when the script's first octet is read",
			l.done, s.waitLines, s.waitRounds, s.waitRate, s.forcedWait, l.script.tail()),
	})
	goal := milliseconds(commandGap) + 4
	b.add(row{
		figure: "… from there to the dial command's CR", ours: "p99 " + l.dialP99s.spread("%.1f", "ms"),
		goal: fmt.Sprintf("p99 ≤ %.0f ms", goal), verdict: hold(l.dialP99s.median() <= goal), port: "rfc2217",
		note: fmt.Sprintf("AT, its OK, a command gap of %v, the dial command; the goal is the gap and 4 ms; all "+
			"rounds together %s", commandGap, l.dial.tail()),
	})
	b.add(row{
		figure: "… counted from the modem's on-hook", ours: fmt.Sprintf("p50 %.1f, p99 %.1f, max %.1f ms",
			l.afterHook.median(), l.afterHook.quantile(0.99), l.afterHook.max()),
		verdict: info, port: "rfc2217",
		note: "on-hook and forced wait to the script's first octet: includes the proof that the line is down; the " +
			"town records both times",
	})
	early := 0
	for _, ms := range l.afterHook {
		if ms < 0 {
			early++
		}
	}
	b.add(row{
		figure: "dial scripts before the end of the wait", ours: fmt.Sprintf("%d of %d, earliest +%.2f ms", early,
			l.done, l.afterHook.min()), goal: "0", verdict: hold(early == 0), port: "rfc2217",
		note: "wait counted from the moment at which the called line's modem went on hook",
	})
	return b.defaultWait(ctx)
}

// defaultWait is one round with few lines and the waits that real modems need.
func (b *bench) defaultWait(ctx context.Context) error {
	s := b.sizes
	l, err := b.lateness(ctx, plan{Dir: b.path("default-wait"), ForcedWait: s.forcedWait, Default: true}, s.waitLines/5,
		1, s.waitRate/5, s.forcedWait+10*time.Second)
	if err != nil {
		return err
	}
	b.add(row{
		figure:  "end of the wait to the dial command, default waits",
		ours:    fmt.Sprintf("p50 %.0f, p99 %.0f ms", l.whole().median(), l.whole().quantile(0.99)),
		verdict: info, port: "rfc2217",
		note: fmt.Sprintf("%d callbacks by %d lines, command gap 100 ms; to the dial script %s; from there to the "+
			"dial command's CR %s", l.done, s.waitLines/5, l.script.tail(), l.dial.tail()),
	})
	return nil
}

// tail describes the upper quantiles.
func (s sample) tail() string {
	return fmt.Sprintf("p50 %.1f, p99 %.1f, p99.9 %.1f, max %.1f ms", s.median(), s.quantile(0.99), s.quantile(0.999),
		s.max())
}

// lateness is the measured lateness of the dials of some rounds, in ms.
type lateness struct {
	done       int
	script     sample // from the end of the wait by the broker's record to the script's first octet
	dial       sample // from there to the CR of the dial command
	command    sample // like script, to the first octet of the dial command
	afterHook  sample // like script, from the modem's on-hook
	scriptP99s sample // of each round
	dialP99s   sample

	commandP50s, commandP99s sample
}

// whole is from the end of the wait to the CR of the dial command.
func (l lateness) whole() (all sample) {
	for i := range l.script {
		all = append(all, l.script[i]+l.dial[i])
	}
	return all
}

// lateness runs rounds of callbacks on that many lines, half of which take calls. A caller is busy for the length of a
// cycle.
func (b *bench) lateness(ctx context.Context, p plan, lines, rounds int, rate float64, cycle time.Duration) (l lateness,
	err error) {
	s, err := b.startSite(ctx, p, lines, rate, cycle)
	if err != nil {
		return l, err
	}
	defer s.stop()
	for range rounds {
		if err := s.round(b.sizes.waitFor); err != nil {
			return l, err
		}
	}
	l, err = s.lateness(ctx)
	for i := range l.scriptP99s {
		b.say("round %d: p99 after the wait %.1f ms; to the dial command %.1f ms", i+1, l.scriptP99s[i], l.dialP99s[i])
	}
	return l, err
}

// site is a town and a daemon whose callbacks are timed.
type site struct {
	plan    plan
	rate    float64 // callbacks begun per second
	town    *other
	daemon  *daemon
	results []wire.Result // of the rounds
}

// startSite starts a town and a daemon. The caller stops them.
func (b *bench) startSite(ctx context.Context, p plan, lines int, rate float64, cycle time.Duration) (*site, error) {
	each := lines / 2
	p.Kind, p.Users = "rfc2217", min(int(rate*cycle.Seconds()), 2000)
	args := townArgs(each, lines-each, p.Users, p.Kind, false)
	town, err := b.startTown(ctx, append(args, "-waiters", fmt.Sprint(p.Waiters))...)
	if err != nil {
		return nil, err
	}
	p.CallIn, p.CallOut = town.Lines[:each], town.Lines[each:]
	d, err := b.startDaemon(ctx, p)
	if err != nil {
		town.stop()
		return nil, err
	}
	return &site{plan: p, rate: rate, town: town, daemon: d}, nil
}

func (s *site) stop() {
	s.daemon.stop()
	s.town.stop()
}

// round has the callers call for that long, and waits for their callbacks.
func (s *site) round(length time.Duration) error {
	r, err := s.town.load(wire.Load{Callers: s.plan.Users, For: length, Rate: s.rate})
	if err != nil {
		return err
	}
	if r.Failed > 0 || r.Done == 0 {
		return fmt.Errorf("%d of %d callers lost their callback: %v", r.Failed, r.Begun, r.Failures)
	}
	s.results = append(s.results, r)
	return nil
}

// lateness ends the daemon and returns how late the dials of all rounds were.
func (s *site) lateness(ctx context.Context) (l lateness, err error) {
	s.daemon.stop()
	m := match{next: map[string]int{}}
	if m.down, err = hungUp(ctx, s.plan); err != nil {
		return l, err
	}
	for _, r := range s.results {
		one := m.lateness(r, s.plan.ForcedWait)
		if len(one.script) != r.Done || len(one.afterHook) != r.Done {
			return l, fmt.Errorf("%d callbacks, but %d dials matched by the journal and %d by the modems", r.Done,
				len(one.script), len(one.afterHook))
		}
		l.done += r.Done
		l.scriptP99s = append(l.scriptP99s, one.script.quantile(0.99))
		l.dialP99s = append(l.dialP99s, one.dial.quantile(0.99))
		l.commandP50s = append(l.commandP50s, one.command.median())
		l.commandP99s = append(l.commandP99s, one.command.quantile(0.99))
		l.script, l.dial = append(l.script, one.script...), append(l.dial, one.dial...)
		l.command, l.afterHook = append(l.command, one.command...), append(l.afterHook, one.afterHook...)
	}
	return l, nil
}

// hungUp reads from the journal when leg one of each callback was known to be down, by number, in order. Those of the
// plan's waiters do not count.
func hungUp(ctx context.Context, p plan) (map[string][]time.Time, error) {
	j, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(p.Dir, "state", "journal.db")})
	if err != nil {
		return nil, err
	}
	defer j.Close()
	rows, damaged, err := j.Callbacks(ctx, 1_000_000, journal.Filter{})
	if err != nil || len(damaged) > 0 {
		return nil, fmt.Errorf("read the journal: %d rows are damaged; %w", len(damaged), err)
	}
	down := map[string][]time.Time{}
	for _, r := range rows {
		if p.waits(r.Number) {
			continue
		}
		if r.Outcome != "completed" {
			return nil, fmt.Errorf("callback %s to %s is %s: %s", r.ID, r.Number, r.Phase, r.Cause)
		}
		var t struct {
			History []struct {
				Time time.Time `json:"time"`
				What string    `json:"what"`
			} `json:"history"`
		}
		if err := json.Unmarshal([]byte(r.Trace), &t); err != nil {
			return nil, err
		}
		for _, h := range t.History {
			if h.What == "HungUp" {
				down[r.Number] = append(down[r.Number], h.Time)
			}
		}
	}
	for _, at := range down {
		slices.SortFunc(at, time.Time.Compare)
	}
	return down, nil
}

// match finds a dial's hang-up by its number: the first dial belongs to the first hang-up.
type match struct {
	down map[string][]time.Time // by the broker's record
	next map[string]int
}

// lateness returns how late the dials of a round were.
func (m match) lateness(r wire.Result, forced time.Duration) (l lateness) {
	hooks := map[string][]time.Time{}
	for _, h := range r.OnHooks {
		hooks[h.Number] = append(hooks[h.Number], h.Time)
	}
	for _, d := range r.Dials {
		i := m.next[d.Number]
		m.next[d.Number]++
		if at := m.down[d.Number]; i < len(at) {
			due := at[i].Add(forced)
			l.script = append(l.script, milliseconds(d.Began.Sub(due)))
			l.command = append(l.command, milliseconds(d.Dial.Sub(due)))
			l.dial = append(l.dial, milliseconds(d.Time.Sub(d.Began)))
		}
		if at := hooks[d.Number]; len(at) > 0 {
			l.afterHook = append(l.afterHook, milliseconds(d.Began.Sub(at[0].Add(forced))))
			hooks[d.Number] = at[1:]
		}
	}
	return l
}
