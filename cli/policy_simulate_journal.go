package cli

import (
	"context"

	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/replay"
	"github.com/ringback/ringback/policies/replay/past"
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
	return past.Replay(ctx, r, c, f.lines(), past.Span{})
}

// lines describes the lines of the configuration.
func (f *simulateFlags) lines() map[int]policies.Line {
	if f.cfg == nil {
		return nil
	}
	return f.cfg.LinesForPolicies()
}
