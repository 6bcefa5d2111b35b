package broker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
)

// recordsPause is how long a change of a line's record may wait: a line that counts all the time costs one transaction
// in this time. recordsRetry is the pause after a transaction that failed.
const (
	recordsPause = 5 * time.Second
	recordsRetry = time.Minute
)

// sameFailure is the time in which a failure of the same kind is not written again: the port of a line that stays down
// is tried every half a minute.
const sameFailure = 10 * time.Minute

// lineRecords keeps the records of the lines in the journal: their counters and last failures. The pool counts in
// memory; a crash loses what the lines have counted in the last recordsPause.
type lineRecords struct {
	mu     sync.Mutex // held from a reading of the pool's records until their rows are queued: rows keep their order
	onDisk map[int]*lines.Record
}

// loadRecords gives the pool the records of earlier processes. A row that cannot be read counts as zero: it is no
// reason not to start.
func (b *Broker) loadRecords(ctx context.Context) {
	alarm := func(what string) {
		b.Happened(events.Alarm{Text: what + "; the line counts from zero"})
	}
	rows, damaged, err := b.opt.Journal.LineRecords(ctx)
	if err != nil {
		alarm(fmt.Sprintf("journal: read the counters of the lines: %v", err))
		return
	}
	for _, d := range damaged {
		alarm("the counters of a line are damaged: " + d.String())
	}
	if len(damaged) > 0 {
		b.setAside(ctx)
	}
	all := map[int]*lines.Record{}
	for _, row := range rows {
		r, err := recordOf(row)
		if err != nil {
			alarm(fmt.Sprintf("the counters of tty %d cannot be read: %v", row.TTY, err))
			continue
		}
		all[row.TTY] = &r
	}
	b.opt.Pool.SetRecords(all)
	b.records.mu.Lock()
	defer b.records.mu.Unlock()
	maps.Copy(b.records.onDisk, all)
}

// recordOf reads a row. Counters that this program does not know are left out.
func recordOf(row journal.LineRecord) (lines.Record, error) {
	r := lines.Record{Since: row.Since}
	if row.FailureKind != "" {
		r.Failure = &lines.Failure{Kind: lines.FailureKind(row.FailureKind), Text: row.Failure, Time: row.Failed}
	}
	var counts map[string]uint64
	if err := unmarshal(row.Counts, &counts); err != nil {
		return r, err
	}
	for _, c := range lines.Counters() {
		r.Counts[c] = counts[c.String()]
	}
	return r, nil
}

// maxFailureText bounds the text of a failure in the journal, which may quote what a modem sends.
const maxFailureText = 1000

func rowOf(tty int, r lines.Record) journal.LineRecord {
	counts := map[string]uint64{}
	for c, n := range r.Counts {
		if n > 0 {
			counts[lines.Counter(c).String()] = n
		}
	}
	row := journal.LineRecord{TTY: tty, Since: r.Since, Counts: mustJSON(counts)}
	if f := r.Failure; f != nil {
		row.FailureKind, row.Failure, row.Failed = string(f.Kind), f.Text, f.Time
		if len(row.Failure) > maxFailureText {
			row.Failure = strings.ToValidUTF8(row.Failure[:maxFailureText], "") + "…"
		}
	}
	return row
}

// keepRecords writes the records of the lines after they have changed, until ctx ends. It does nothing while they do
// not change.
func (b *Broker) keepRecords(ctx context.Context) {
	for {
		select {
		case <-b.opt.Pool.Counted():
		case <-ctx.Done():
			return
		}
		wait := recordsPause
		for {
			if !pause(ctx, wait) {
				return
			}
			if b.writeRecords(same) == nil {
				break
			}
			wait = recordsRetry
		}
	}
}

// same reports whether a record on disk need not be replaced yet.
func same(onDisk, now lines.Record) bool {
	was, is := onDisk.Failure, now.Failure
	if was != nil && is != nil && was.Kind == is.Kind && is.Time.Sub(was.Time) < sameFailure {
		onDisk.Failure = is
	}
	return onDisk == now
}

// equal reports whether a record is on disk as it is.
func equal(onDisk, now lines.Record) bool { return onDisk == now }

// writeRecords writes the records that are not on disk, as unchanged says, and returns when they are.
func (b *Broker) writeRecords(unchanged func(onDisk, now lines.Record) bool) error {
	b.records.mu.Lock()
	changed, written := b.queueRecords(unchanged)
	b.records.mu.Unlock()
	if len(changed) == 0 {
		return nil
	}
	err := <-written
	if err != nil {
		b.log.Error("journal: the counters of the lines are not on disk; they are retried",
			zap.Int("lines", len(changed)), zap.Error(err))
		return err
	}
	b.recordsWritten(changed)
	return nil
}

// queueRecords queues more rows and the records that have changed for a commit. b.records.mu is held.
func (b *Broker) queueRecords(unchanged func(onDisk, now lines.Record) bool, more ...journal.Mutation) (
	map[int]*lines.Record, <-chan error) {
	changed := b.opt.Pool.Records()
	maps.DeleteFunc(changed, func(tty int, r *lines.Record) bool {
		was := b.records.onDisk[tty]
		return was == r || was != nil && unchanged(*was, *r)
	})
	rows := more
	for _, tty := range slices.Sorted(maps.Keys(changed)) {
		rows = append(rows, journal.PutLineRecord{Record: rowOf(tty, *changed[tty])})
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return changed, b.note(nil, rows...)
}

// recordsWritten notes that records are on disk. If a later row was noted before, the record is only written again.
func (b *Broker) recordsWritten(written map[int]*lines.Record) {
	b.records.mu.Lock()
	defer b.records.mu.Unlock()
	maps.Copy(b.records.onDisk, written)
}

// ClearCounters sets the counters of lines to zero, of all lines if no TTY is given, like
// IOS's `clear counters`; their last failures stay. Of a number that no line has any more, the record is removed. It
// returns how many lines there were, when they count from zero and that is on disk. by identifies the operator. Error:
// there is no such line, and nothing was done; or the lines count from zero, but a restart may bring the old counts
// back.
func (b *Broker) ClearCounters(by string, ttys ...int) (int, error) {
	e := events.CountersCleared{Lines: ttys, By: by}
	b.records.mu.Lock()
	known := b.opt.Pool.Records()
	if len(ttys) == 0 {
		ttys = slices.Sorted(maps.Keys(known))
	}
	for _, tty := range ttys {
		if _, ok := known[tty]; !ok {
			b.records.mu.Unlock()
			return 0, lines.NoLine(tty)
		}
	}
	rows := audit(time.Now(), e)
	for _, tty := range ttys {
		if _, ok := b.opt.Pool.ClearCounts(tty); !ok {
			delete(b.records.onDisk, tty)
			rows = append(rows, journal.DropLineRecord{TTY: tty})
		}
	}
	changed, written := b.queueRecords(equal, rows...)
	b.records.mu.Unlock()
	b.publish(e)
	done := make(chan error, 1)
	b.orders.start(func() {
		err := <-written
		if err == nil {
			b.recordsWritten(changed)
		} else {
			b.log.Error("journal: the clearing of counters is not on disk, nor in the audit", zap.String("by", by),
				zap.Error(err))
		}
		done <- err
	})
	if err := b.soon(done); err != nil {
		return len(ttys), fmt.Errorf("the counters are zero, but that is not on disk: %w", err)
	}
	return len(ttys), nil
}
