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
	r, err := town.load(wire.Load{Callers: callers, For: s.waitFor, Rate: s.waitRate})
	if err != nil {
		return err
	}
	d.stop()
	if r.Failed > 0 || r.Done == 0 {
		return fmt.Errorf("%d of %d callers lost their callback: %v", r.Failed, r.Begun, r.Failures)
	}
	down, err := hungUp(ctx, p.Dir)
	if err != nil {
		return err
	}
	late, afterHook, early := lateness(r, down, s.forcedWait)
	if len(late) != r.Done || len(afterHook) != r.Done {
		return fmt.Errorf("%d callbacks, but %d dials matched by the journal and %d by the modems", r.Done, len(late), len(afterHook))
	}
	p99 := late.quantile(0.99)
	b.add(row{
		figure: "end of the wait to the dial command", ours: fmt.Sprintf("p50 %.1f, p99 %.1f, p99.9 %.1f, max %.1f ms", late.median(), p99, late.quantile(0.999), late.max()),
		goal: "p99 ≤ 10 ms", verdict: hold(p99 <= 10), port: "rfc2217",
		note: fmt.Sprintf("%d callbacks by %d lines, %.0f begun a second, forced wait %v; the dial command is timed when its CR is read, by the exchange's clock, after AT and its OK", r.Done, s.waitLines, s.waitRate, s.forcedWait),
	})
	b.add(row{
		figure: "… counted from the modem's on-hook", ours: fmt.Sprintf("p50 %.1f, p99 %.1f, max %.1f ms", afterHook.median(), afterHook.quantile(0.99), afterHook.max()),
		verdict: info, port: "rfc2217", note: "has the proof that the line is down in it; both stamps are the town's",
	})
	b.add(row{
		figure: "dials before the end of the wait", ours: fmt.Sprintf("%d of %d, earliest +%.2f ms", early, r.Done, afterHook.min()), goal: "0", verdict: hold(early == 0), port: "rfc2217",
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

// lateness returns, in ms, how long after the wait's end each dial came: by the broker's record, and by the modem's on-hook.
func lateness(r wire.Result, down map[string][]time.Time, forced time.Duration) (late, afterHook sample, early int) {
	hooks := map[string][]time.Time{}
	for _, h := range r.OnHooks {
		hooks[h.Number] = append(hooks[h.Number], h.Time)
	}
	n := map[string]int{}
	for _, d := range r.Dials {
		i := n[d.Number]
		n[d.Number]++
		if at := down[d.Number]; i < len(at) {
			late = append(late, milliseconds(d.Time.Sub(at[i].Add(forced))))
		}
		if at := hooks[d.Number]; i < len(at) {
			ms := milliseconds(d.Time.Sub(at[i].Add(forced)))
			afterHook = append(afterHook, ms)
			if ms < 0 {
				early++
			}
		}
	}
	return late, afterHook, early
}
