package cli

import (
	"context"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/replay"
)

// replayJournal runs the comparison with the callbacks of the journal.
func (f *simulateFlags) replayJournal(ctx context.Context, c replay.Comparison) (report replay.Report, err error) {
	path, err := (&journalFlags{stateDir: f.stateDir, config: f.config}).path()
	if err != nil {
		return report, err
	}
	r, err := sqlite.OpenReader(ctx, path)
	if err != nil {
		return report, err
	}
	defer r.Close()
	p := past{plan: c.Was.Site().Plan, lines: f.lines(), calls: map[string][]time.Duration{}, logins: map[string]bool{}}
	bad, err := r.EachCall(ctx, p.call)
	if err != nil {
		return report, err
	}
	report, err = c.Run(ctx, func(yield func(replay.Read) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		var batch []journal.Callback
		give := func() bool {
			rows := batch
			batch = nil
			return len(rows) == 0 || yield(func(one func(*replay.Event)) error { p.events(rows, one); return nil })
		}
		more, readErr := r.EachCallback(ctx, func(row journal.Callback) {
			delete(p.logins, row.CallID)
			if batch = append(batch, row); len(batch) == 256 && !give() {
				stop()
			}
		})
		switch bad = append(bad, more...); {
		case ctx.Err() != nil: // Run knows why
		case readErr != nil:
			yield(func(func(*replay.Event)) error { return readErr })
		default:
			give()
		}
	})
	p.unknown(&report, len(bad))
	return report, err
}

// past has what the journal says about callbacks beside their rows. Run reads it while nothing writes it.
type past struct {
	plan   numbers.Plan
	lines  map[int]policies.Line
	calls  map[string][]time.Duration // connected times of leg two, by callback
	logins map[string]bool            // calls with a login; in the end those without a callback
}

func (p *past) call(c journal.Call) {
	switch {
	case c.Leg == 2 && !c.End.IsZero():
		p.calls[c.CallbackID] = append(p.calls[c.CallbackID], max(c.End.Sub(c.Start), 0))
	case c.Leg != 2 && c.User != "":
		p.logins[c.ID] = true
	}
}

func (p *past) events(rows []journal.Callback, one func(*replay.Event)) {
	for _, row := range rows {
		e := replay.Event{At: "callback " + row.ID, Calls: p.calls[row.ID], Then: policies.CallBack}
		var err error
		if e.Request, err = broker.PastRequest(row, p.plan, p.line); err != nil {
			e.Unknown = "callbacks: " + err.Error()
		}
		one(&e)
	}
}

func (p *past) line(tty int) policies.Line {
	if l, ok := p.lines[tty]; ok {
		return l
	}
	return policies.Line{Trusted: true}
}

// unknown adds what the journal does not have.
func (p *past) unknown(r *replay.Report, bad int) {
	for _, c := range []replay.Count{{Reason: "rows of the journal: they do not verify (ringback journal check)",
		Requests: bad}, {Reason: "logins without a callback: the journal does not have what AAA granted",
		Requests: len(p.logins)}} {
		if c.Requests > 0 {
			r.Unknown = append(r.Unknown, c)
		}
	}
}

// lines describes the lines of the configuration.
func (f *simulateFlags) lines() map[int]policies.Line {
	out := map[int]policies.Line{}
	if f.cfg == nil {
		return out
	}
	for _, l := range f.cfg.Lines {
		out[l.TTY] = l.ForPolicies()
	}
	return out
}
