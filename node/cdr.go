package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/cdr"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/tariff"
)

const (
	cdrPause = 5 * time.Second // between two looks for what is over
	cdrRetry = time.Minute     // after a failure, and while nothing happens
)

// detailRecords writes the call detail record of each callback and dial-out that is over, from the journal: as an
// event, and as a line of a file if there is one. What is written is noted in a file beside the journal, after the
// line: a crash between the two writes the line again, with the same ID.
type detailRecords struct {
	config.CDR
	journal  journal.Store
	mask     mask
	prices   *atomic.Pointer[tariff.Table] // in force
	happened func(events.Event)
	log      *zap.Logger
	state    string // path of the note
	fleet    bool   // callbacks of other nodes may come to this one

	wake  chan struct{}
	noted cdrNote
	told  map[string]bool // IDs of those whose event is out, and whose line is not yet
}

// cdrNote is the content of the note: all callbacks and dial-outs that were recorded before Since are written, and
// those in Done.
type cdrNote struct {
	Since time.Time `json:"since"`
	Done  []string  `json:"done"`
	// Claimed are those that have a record of a later claim than the first, by the time of their promise: a node claims
	// callbacks that were promised before Since.
	Claimed map[string]time.Time `json:"claimed,omitempty"`
}

// claimedLate is how long after its promise a claimed callback may end: its lifetime, and the last call.
const claimedLate = 48 * time.Hour

// claimed returns the Claimed of the next note, after records were written.
func (n cdrNote) claimed(before map[string]time.Time, done []due) map[string]time.Time {
	all := map[string]time.Time{}
	for _, c := range done {
		if c.callback.Epoch > 1 {
			all[c.id] = c.began
		}
	}
	maps.Copy(all, before)
	maps.DeleteFunc(all, func(_ string, t time.Time) bool { return t.Before(n.Since.Add(-claimedLate)) })
	return all
}

// newDetailRecords reads the note. Without one, callbacks that were promised before now, and earlier dial-outs, have no
// record.
func newDetailRecords(d detailRecords, stateDir string, now time.Time) (*detailRecords, error) {
	d.state = filepath.Join(stateDir, "cdr.json")
	d.wake, d.told = make(chan struct{}, 1), map[string]bool{}
	b, err := os.ReadFile(d.state)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.noted = cdrNote{Since: now.UTC()}
		return &d, d.note()
	case err == nil:
		err = json.Unmarshal(b, &d.noted)
	}
	if err != nil {
		return nil, fmt.Errorf("call detail records: %s: %w (remove the file: the records then begin anew)",
			d.state, err)
	}
	return &d, nil
}

// Take implements events.Sink.
func (d *detailRecords) Take(e events.Event) {
	switch e.(type) {
	case events.CallbackEnded, events.CallEnded, events.DialOutEnded:
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
}

// run writes records until ctx ends.
func (d *detailRecords) run(ctx context.Context) {
	for {
		wait := cdrPause
		if err := d.write(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("call detail records are not written; they are tried again", zap.Error(err))
			wait = cdrRetry
		}
		pause := time.NewTimer(wait)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
		idle := time.NewTimer(cdrRetry)
		select {
		case <-d.wake:
		case <-idle.C:
		case <-ctx.Done():
		}
		idle.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// due is a callback or a dial-out whose record is not noted as written, or may be.
type due struct {
	id       string
	began    time.Time
	callback journal.Callback
	dialOut  journal.Call // if callback is zero
}

// write writes the records of all callbacks and dial-outs that are over and not noted.
func (d *detailRecords) write(ctx context.Context) error {
	done := map[string]bool{}
	for _, id := range slices.Concat(d.noted.Done, slices.Collect(maps.Keys(d.noted.Claimed))) {
		done[id] = true
	}
	if some, err := d.some(ctx, done); err != nil || !some {
		return err
	}
	rows, calls, err := d.rows(ctx)
	if err != nil {
		return err
	}
	note := cdrNote{Since: d.noted.Since, Done: []string{}}
	var lines []byte
	var written []due
	waiting := false
	for _, c := range rows {
		late := c.began.Before(d.noted.Since)
		if !done[c.id] {
			line, over, err := d.record(ctx, c, calls)
			if err != nil {
				return err
			}
			if !over {
				waiting = waiting || !late
				continue
			}
			lines, written = append(lines, line...), append(written, c)
		}
		if late {
			continue
		}
		// Another may get a row with the time of an earlier one, so the last one stays noted.
		if !waiting && c.began.After(note.Since) {
			note = cdrNote{Since: c.began, Done: []string{}}
		}
		note.Done = append(note.Done, c.id)
	}
	if len(written) == 0 {
		return nil
	}
	note.Claimed = note.claimed(d.noted.Claimed, written)
	if err := d.append(lines); err != nil {
		return err
	}
	before := d.noted
	d.noted = note
	if err := d.note(); err != nil {
		d.noted = before
		return err
	}
	clear(d.told)
	return nil
}

// some reports whether a callback or a dial-out is over that is not done.
func (d *detailRecords) some(ctx context.Context, done map[string]bool) (bool, error) {
	rows, err := d.callbacks(ctx, journal.Filter{Ended: true})
	if err != nil || slices.ContainsFunc(rows, func(c journal.Callback) bool { return !done[c.ID] }) {
		return err == nil, err
	}
	calls, _, err := d.journal.Calls(ctx, journal.All, journal.CallFilter{Since: d.noted.Since,
		Service: journal.DialOut, Ended: true})
	return slices.ContainsFunc(calls, func(c journal.Call) bool { return !done[c.ID] }), err
}

// since is the time of the oldest callback or call that may be due.
func (d *detailRecords) since() time.Time {
	if d.fleet {
		return d.noted.Since.Add(-claimedLate)
	}
	return d.noted.Since
}

// callbacks returns those since the note that this node ends, and those that it has claimed later.
func (d *detailRecords) callbacks(ctx context.Context, f journal.Filter) ([]journal.Callback, error) {
	f.Since = d.since()
	rows, _, err := d.journal.Callbacks(ctx, journal.All, f)
	return slices.DeleteFunc(rows, func(c journal.Callback) bool {
		return c.Outcome == journal.GivenUp || c.Created.Before(d.noted.Since) && c.Epoch <= 1
	}), err
}

// rows returns the callbacks and dial-outs since the note in their order, pending ones too, and all calls.
func (d *detailRecords) rows(ctx context.Context) (all []due, calls []journal.Call, err error) {
	rows, err := d.callbacks(ctx, journal.Filter{})
	if err != nil {
		return nil, nil, err
	}
	if calls, _, err = d.journal.Calls(ctx, journal.All, journal.CallFilter{Since: d.since()}); err != nil {
		return nil, nil, err
	}
	for _, c := range rows {
		all = append(all, due{id: c.ID, began: c.Created, callback: c})
	}
	for _, c := range calls {
		if c.Service == journal.DialOut && !c.Start.Before(d.noted.Since) {
			all = append(all, due{id: c.ID, began: c.Start, dialOut: c})
		}
	}
	slices.SortFunc(all, func(a, b due) int { return a.began.Compare(b.began) })
	return all, calls, nil
}

// detail returns the record of a callback or a dial-out that is over.
func (d *detailRecords) detail(ctx context.Context, c due, calls []journal.Call) (r cdr.Record, over bool, err error) {
	if c.callback.ID == "" {
		r, over = cdr.NewDialOut(c.dialOut, d.prices.Load())
		return r, over, nil
	}
	if c.callback.Pending() {
		return cdr.Record{}, false, nil
	}
	_, attempts, err := d.journal.Callback(ctx, c.id)
	if err != nil && !errors.Is(err, journal.ErrDamaged) { // a damaged attempt must not hold up the others
		return cdr.Record{}, false, err
	}
	r, over = cdr.New(c.callback, attempts, calls, d.prices.Load())
	return r, over, nil
}

// record returns the line of a callback or a dial-out that is over, and reports it once.
func (d *detailRecords) record(ctx context.Context, c due, calls []journal.Call) (line []byte, over bool, err error) {
	r, over, err := d.detail(ctx, c, calls)
	if err != nil || !over {
		return nil, false, err
	}
	if !d.told[c.id] {
		d.told[c.id] = true
		d.happened(events.CDR{Callback: r.Callback, Call: r.Call, User: r.User, Group: r.Group, Caller: r.Caller,
			Number: r.Number, CalledLine: r.CalledLine, Lines: r.Lines, Attempts: r.Attempts, Outcome: r.Outcome,
			Cause: r.Cause, Promised: r.Promised, Dialed: r.Dialed, Connected: r.Connected, Ended: r.Ended,
			Wait: r.Wait, Duration: r.Duration, Cost: strings.TrimSpace(r.Cost + " " + r.Currency),
			Service: r.Service})
	}
	r.Caller, r.Number, r.User = d.mask.number(r.Caller), d.mask.number(r.Number), d.mask.text(r.User)
	r.Cause = d.mask.text(r.Cause)
	return r.Line(d.Format), true, nil
}

// append adds lines to the file and waits until they are on disk. The file is opened each time, so that logrotate may
// rename it at any time.
func (d *detailRecords) append(lines []byte) (err error) {
	if d.File == "" {
		return nil
	}
	f, err := openAppend("cdr.file", "remove cdr.file", d.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		lines = slices.Concat(cdr.Head(d.Format), lines)
	} else {
		last := []byte{0}
		if _, err := f.ReadAt(last, info.Size()-1); err != nil {
			return fmt.Errorf("cdr.file %s: %w", d.File, err)
		}
		if last[0] != '\n' { // a crash has left a part of a line, whose record is in lines again
			lines = slices.Concat([]byte{'\n'}, lines)
		}
	}
	if _, err := f.Write(lines); err != nil {
		// a part of a line would spoil the next one
		return errors.Join(fmt.Errorf("cdr.file %s: %w", d.File, err), f.Truncate(info.Size()))
	}
	return f.Sync()
}

// note writes the note.
func (d *detailRecords) note() error {
	b, err := json.Marshal(d.noted)
	if err != nil {
		return err
	}
	return replaceFile(d.state, append(b, '\n'))
}
