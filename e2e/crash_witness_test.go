package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/lab/exchange"
)

// crashRecord is one callback with everything about it in the journal.
type crashRecord struct {
	journal.Callback
	attempts []journal.Attempt
	ends     int // audit records of its end
}

// records reads the journal while no daemon runs. A journal that does not exist has none.
func (town *crashTown) records() ([]crashRecord, error) {
	if _, err := os.Stat(town.journal()); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	ctx := context.Background()
	r, err := sqlite.OpenReader(ctx, town.journal())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if damaged, err := r.Verify(ctx); err != nil || len(damaged) > 0 {
		return nil, fmt.Errorf("journal: %v %v", damaged, err)
	}
	rows, _, err := r.Callbacks(ctx, 1_000_000, journal.Filter{})
	if err != nil {
		return nil, err
	}
	audit, _, err := r.AuditTail(ctx, 10_000_000)
	if err != nil {
		return nil, err
	}
	ends := map[string]int{}
	for _, a := range audit {
		ends[a.Kind]++
	}
	var records []crashRecord
	for _, row := range rows {
		_, attempts, err := r.Callback(ctx, row.ID)
		if err != nil {
			return nil, err
		}
		records = append(records, crashRecord{row, attempts, ends["callback "+row.ID+" ended"]})
	}
	return records, nil
}

// witness compares the journal with what callers saw and what modems were sent. No daemon runs and all callbacks have
// ended.
func (town *crashTown) witness() error {
	records, err := town.records()
	if err != nil {
		return err
	}
	var errs []error
	complain := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	promises := map[string]int{}
	for _, r := range records {
		promises[r.Number]++
		if r.Pending() || r.ends != 1 {
			complain("callback %s to %s: outcome %q, %d records of its end", r.ID, r.Number, r.Outcome, r.ends)
		}
		if len(r.attempts) > r.Attempts || r.Attempts > town.max {
			complain("callback %s: %d attempts on record, %d counted, %d granted", r.ID, len(r.attempts), r.Attempts,
				town.max)
		}
		for _, a := range r.attempts {
			if a.Ended.IsZero() {
				complain("callback %s: attempt %d has no end", r.ID, a.N)
			}
		}
	}
	for _, c := range town.callers {
		if heard, _, _, _ := c.saw(); heard > promises[c.number] {
			complain("%s saw %d promises, the journal has %d", c.number, heard, promises[c.number])
		}
	}
	spent := map[string]int{} // dials by callback
	for _, d := range town.lineDials() {
		i := slices.IndexFunc(records, func(r crashRecord) bool { return r.covers(d, spent[r.ID]) })
		if i < 0 {
			complain("%s dialed %s at %s: no recorded attempt covers it", d.Modem, d.Number,
				d.Time.Format(time.StampMicro))
			continue
		}
		spent[records[i].ID]++
	}
	_, err = town.provenOnHook()
	return errors.Join(append(errs, err)...)
}

// covers reports whether the dial, after this many others of the callback, is one of its recorded attempts, begun
// before it and not ended.
func (r crashRecord) covers(d exchange.Dial, before int) bool {
	if r.Number != d.Number || d.Time.Before(r.Created) || !r.Ended.IsZero() && d.Time.After(r.Ended) {
		return false
	}
	begun := 0
	for _, a := range r.attempts {
		if a.Started.Before(d.Time) {
			begun++
		}
	}
	return before < begun
}

// provenOnHook checks that a modem that was off hook when its port was opened went on hook before it was sent a dial
// command. met counts such modems.
func (town *crashTown) provenOnHook() (met int, err error) {
	town.mu.Lock()
	defer town.mu.Unlock()
	off, tainted := map[string]bool{}, map[string]bool{}
	for _, e := range town.events {
		switch e.Kind {
		case exchange.OffHookEvent:
			off[e.Modem] = true
		case exchange.OnHookEvent:
			off[e.Modem], tainted[e.Modem] = false, false
		case exchange.PortOpenEvent:
			if tainted[e.Modem] = off[e.Modem]; off[e.Modem] {
				met++
			}
		case exchange.DialEvent:
			if tainted[e.Modem] {
				return met, fmt.Errorf("%s was off hook when its port was opened, and dialed %s before it was on hook",
					e.Modem, e.Text)
			}
		}
	}
	return met, nil
}

// story describes what happened, for a failure.
func (town *crashTown) story(daemons ...*crashDaemon) string {
	var b strings.Builder
	town.mu.Lock()
	for _, e := range town.events {
		fmt.Fprintf(&b, "%s %-6s %-10s %s → %s %s\n", e.Time.Format(time.StampMicro), e.Modem, e.Kind, e.From, e.To,
			e.Text)
	}
	town.mu.Unlock()
	for _, c := range town.callers {
		c.mu.Lock()
		fmt.Fprintf(&b, "screen of %s: %q\n", c.number, c.screen.String())
		c.mu.Unlock()
	}
	if records, err := town.records(); err != nil {
		fmt.Fprintln(&b, err)
	} else {
		for _, r := range records {
			fmt.Fprintf(&b, "callback %s %s to %s: %s %s, ends %d, attempts %+v\n%s\n", r.ID, r.Phase, r.Number,
				r.Outcome, r.Cause, r.ends, r.attempts, r.Trace)
		}
	}
	for i, d := range daemons {
		if d != nil && d.over() {
			fmt.Fprintf(&b, "daemon %d:\n%s", i+1, d.out)
		}
	}
	return b.String()
}

// mend starts a daemon that takes over the state of the one before, waits for rest, ends it, and calls the witness.
func (town *crashTown) mend(t *testing.T, n int) (*crashDaemon, error) {
	t.Helper()
	d := town.start(t)
	err := d.rest(n)
	if err2 := d.stop(); err == nil {
		err = err2
	}
	if err != nil {
		return d, err
	}
	if err := town.witness(); err != nil {
		return d, err
	}
	// Again: a callback that has ended stays ended.
	dials := len(town.lineDials())
	third := town.start(t)
	if err := errors.Join(third.ready(), third.stop()); err != nil {
		return d, err
	}
	if more := len(town.lineDials()); more != dials {
		return d, fmt.Errorf("%d dials after the end", more-dials)
	}
	return d, nil
}
