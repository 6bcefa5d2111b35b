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
)

// wait measures how long after the end of the forced wait the modem has read the dial command. The modem's side notes when a called line's modem
// went on hook and when a dial command was complete; the broker's own record says when it knew the line to be down, which is where its wait begins.
// A callback's number names it on both sides.
func (b *bench) wait(ctx context.Context) error {
	s := b.sizes
	each := s.waitLines / 2
	callers := min(int(s.waitRate*(s.forcedWait.Seconds()+1.5)), 2000)
	town, err := b.startTown(ctx, townArgs(each, s.waitLines-each, callers, "rfc2217", false)...)
	if err != nil {
		return err
	}
	defer town.stop()
	p := plan{Dir: b.path("wait"), Kind: "rfc2217", CallIn: town.Lines[:each], CallOut: town.Lines[each:], Users: callers, ForcedWait: s.forcedWait}
	d, err := b.startDaemon(ctx, p)
	if err != nil {
		return err
	}
	defer d.stop()
	var rounds []wire.Result
	done := 0
	for range s.waitRounds {
		r, err := town.load(wire.Load{Callers: callers, For: s.waitFor, Rate: s.waitRate})
		if err != nil {
			return err
		}
		if r.Failed > 0 || r.Done == 0 {
			return fmt.Errorf("%d of %d callers lost their callback: %v", r.Failed, r.Begun, r.Failures)
		}
		rounds = append(rounds, r)
		done += r.Done
	}
	d.stop()
	down, err := hungUp(ctx, p.Dir)
	if err != nil {
		return err
	}
	m := match{down: down, next: map[string]int{}}
	var late, afterHook sample
	var p99s sample
	for _, r := range rounds {
		l, h := m.lateness(r, s.forcedWait)
		if len(l) != r.Done || len(h) != r.Done {
			return fmt.Errorf("%d callbacks, but %d dials matched by the journal and %d by the modems", r.Done, len(l), len(h))
		}
		p99s = append(p99s, l.quantile(0.99))
		late, afterHook = append(late, l...), append(afterHook, h...)
		b.say("p50 %.1f, p99 %.1f, max %.1f ms after the wait", l.median(), l.quantile(0.99), l.max())
	}
	b.add(row{
		figure: "end of the wait to the dial command", ours: "p99 " + p99s.spread("%.1f", "ms"), goal: "p99 ≤ 10 ms", verdict: hold(p99s.median() <= 10), port: "rfc2217",
		note: fmt.Sprintf("%d callbacks by %d lines in %d rounds, %.0f begun a second, forced wait %v; all rounds together p50 %.1f, p99 %.1f, p99.9 %.1f, max %.1f ms; the dial command is timed by the town when its CR is read, after AT and its OK",
			done, s.waitLines, s.waitRounds, s.waitRate, s.forcedWait, late.median(), late.quantile(0.99), late.quantile(0.999), late.max()),
	})
	early := 0
	for _, ms := range afterHook {
		if ms < 0 {
			early++
		}
	}
	b.add(row{
		figure: "… counted from the modem's on-hook", ours: fmt.Sprintf("p50 %.1f, p99 %.1f, max %.1f ms", afterHook.median(), afterHook.quantile(0.99), afterHook.max()),
		verdict: info, port: "rfc2217", note: "has the proof that the line is down in it; both stamps are the town's",
	})
	b.add(row{
		figure: "dials before the end of the wait", ours: fmt.Sprintf("%d of %d, earliest +%.2f ms", early, done, afterHook.min()), goal: "0", verdict: hold(early == 0), port: "rfc2217",
		note: "wait counted from the moment at which the called line's modem went on hook",
	})
	return nil
}

// hungUp reads from the journal when leg one of each callback was known to be down, by number, in order.
func hungUp(ctx context.Context, dir string) (map[string][]time.Time, error) {
	j, err := journal.Open(ctx, journal.Options{Path: filepath.Join(dir, "state", "journal.db")})
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

// match finds a dial's hang-up by its number: the first dial to it belongs to the first hang-up.
type match struct {
	down map[string][]time.Time // by the broker's record
	next map[string]int
}

// lateness returns, in ms, how long after the wait's end each dial of a round came: by the broker's record, and by the modem's on-hook.
func (m match) lateness(r wire.Result, forced time.Duration) (late, afterHook sample) {
	hooks := map[string][]time.Time{}
	for _, h := range r.OnHooks {
		hooks[h.Number] = append(hooks[h.Number], h.Time)
	}
	for _, d := range r.Dials {
		i := m.next[d.Number]
		m.next[d.Number]++
		if at := m.down[d.Number]; i < len(at) {
			late = append(late, milliseconds(d.Time.Sub(at[i].Add(forced))))
		}
		if at := hooks[d.Number]; len(at) > 0 {
			afterHook = append(afterHook, milliseconds(d.Time.Sub(at[0].Add(forced))))
			hooks[d.Number] = at[1:]
		}
	}
	return late, afterHook
}
