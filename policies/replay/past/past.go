// Package past takes the requests of a replay from the callbacks of a journal.
package past

import (
	"context"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/replay"
)

// Journal has the rows; a *sqlite.Reader. Each method passes all rows to f, oldest first, and returns those that do not
// verify.
type Journal interface {
	EachCall(ctx context.Context, f func(journal.Call)) ([]journal.Damage, error)
	EachCallback(ctx context.Context, f func(journal.Callback)) ([]journal.Damage, error)
}

// Span is a time: from From on, before Until. Zero: without this limit.
type Span struct{ From, Until time.Time }

func (s Span) has(t time.Time) bool {
	return !t.Before(s.From) && (s.Until.IsZero() || t.Before(s.Until))
}

// batch is how many callbacks are evaluated by one goroutine.
const batch = 256

// Replay runs a comparison with the callbacks that were promised in a span, and blocks until its end or the end of ctx.
// lines describes the lines, by TTY; one that is not there is trusted.
func Replay(ctx context.Context, j Journal, c replay.Comparison, lines map[int]policies.Line, in Span) (replay.Report,
	error) {
	p := requests{plan: c.Was.Site().Plan, lines: lines, in: in, calls: map[string][]time.Duration{},
		logins: map[string]bool{}}
	bad, err := j.EachCall(ctx, p.call)
	if err != nil {
		return replay.Report{}, err
	}
	report, err := c.Run(ctx, func(yield func(replay.Read) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		var next []journal.Callback
		give := func() bool {
			rows := next
			next = nil
			return len(rows) == 0 || yield(func(one func(*replay.Event)) error { p.events(rows, one); return nil })
		}
		more, readErr := j.EachCallback(ctx, func(row journal.Callback) {
			delete(p.logins, row.CallID)
			if !in.has(row.Created) {
				return
			}
			if next = append(next, row); len(next) == batch && !give() {
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

// requests has what the journal says about callbacks beside their rows. Run reads it while nothing writes it.
type requests struct {
	plan   numbers.Plan
	lines  map[int]policies.Line
	in     Span
	calls  map[string][]time.Duration // connected times of leg two, by callback
	logins map[string]bool            // calls with a login; in the end those without a callback
}

func (p *requests) call(c journal.Call) {
	switch {
	case c.Leg == 2 && !c.End.IsZero():
		p.calls[c.CallbackID] = append(p.calls[c.CallbackID], max(c.End.Sub(c.Start), 0))
	case c.Leg != 2 && c.User != "" && p.in.has(c.Start):
		p.logins[c.ID] = true
	}
}

func (p *requests) events(rows []journal.Callback, one func(*replay.Event)) {
	for _, row := range rows {
		e := replay.Event{At: "callback " + row.ID, Calls: p.calls[row.ID], Then: policies.CallBack}
		var err error
		if e.Request, err = broker.PastRequest(row, p.plan, p.line); err != nil {
			e.Unknown = "callbacks: " + err.Error()
		}
		one(&e)
	}
}

func (p *requests) line(tty int) policies.Line {
	if l, ok := p.lines[tty]; ok {
		return l
	}
	return policies.Line{Trusted: true}
}

// unknown adds what the journal does not have.
func (p *requests) unknown(r *replay.Report, bad int) {
	for _, c := range []replay.Count{{Reason: "rows of the journal: they do not verify (ringback journal check)",
		Requests: bad}, {Reason: "logins without a callback: the journal does not have what AAA granted",
		Requests: len(p.logins)}} {
		if c.Requests > 0 {
			r.Unknown = append(r.Unknown, c)
		}
	}
}
