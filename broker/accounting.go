package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/spool"
	"github.com/ringback/ringback/session"
)

// Recording says which records of a session are sent, in IOS's words.
type Recording string

// The recordings. "" is StartStop.
const (
	StartStop Recording = "start-stop"
	StopOnly  Recording = "stop-only"
	// as StartStop, and nobody is let in, or promised a callback, before their Start was acknowledged
	WaitStart   Recording = "wait-start"
	NoRecording Recording = "none"
)

// AccountingList is IOS's `aaa accounting`. The zero value records start and stop.
type AccountingList struct {
	Record Recording
	// Interim is the time between two updates of a session; 0 as AAA says (Acct-Interim-Interval), negative none.
	Interim time.Duration
	// Commands: EXEC commands are recorded too, one by one.
	Commands bool
	// SendAs is the list whose name the records carry, "" this one's: lists that tell the same servers share one, so
	// that the servers hear of the access server's start once, and before all else.
	SendAs string
}

// records reports whether a record of this type is sent.
func (l AccountingList) records(t aaa.RecordType, command bool) bool {
	if command && !l.Commands {
		return false
	}
	switch l.Record {
	case NoRecording:
		return false
	case StopOnly:
		return t != aaa.Start && t != aaa.Interim
	}
	return true
}

// interim is the interval for a session's reports, as session.Config has it.
func (l AccountingList) interim() time.Duration {
	if !l.records(aaa.Interim, false) {
		return -1
	}
	return l.Interim
}

// accounting is the list by which a call is accounted: that of the called line for both legs, so that one server sees
// both.
type accounting struct {
	name string // as records carry it: "" is the default list
	AccountingList
}

func (c *Config) accounting(tty int) accounting {
	name := c.Lines[tty].Accounting
	l := c.Accounting[listName(name)]
	return accounting{recordedAs(cmp.Or(l.SendAs, name)), l}
}

// recordedAs is a list's name as records carry it.
func recordedAs(name string) string {
	if name == defaultList {
		return ""
	}
	return name
}

const defaultList = "default"

func listName(name string) string { return cmp.Or(name, defaultList) }

// recorded are the lists that record anything, as records carry their names.
func (c *Config) recorded() []string {
	if len(c.Accounting) == 0 {
		return []string{""}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(c.Accounting)) {
		l := c.Accounting[name]
		if as := recordedAs(cmp.Or(l.SendAs, name)); l.Record != NoRecording && !slices.Contains(names, as) {
			names = append(names, as)
		}
	}
	return names
}

// systemRecords tell who accounts, for each list the server that takes it, that the access server begins (aaa.On) or
// ends (aaa.Off) its work.
func (b *Broker) systemRecords(t aaa.RecordType) []aaa.Record {
	var records []aaa.Record
	for _, name := range b.config.Load().recorded() {
		records = append(records, aaa.Record{ID: string(t) + "-" + newID(), Type: t, Time: time.Now(), List: name})
	}
	return records
}

// switchOff spools the Accounting-Off that is the last record of an orderly shutdown.
func (b *Broker) switchOff(ctx context.Context) {
	if err := b.spool.Put(ctx, b.systemRecords(aaa.Off), journal.UseReserve{}); err != nil {
		b.log.Error("journal: spool Accounting-Off", zap.Error(err))
	}
}

// Report implements session.Broker: each session's records go to the spool, in one commit with the call's row. What the
// journal refuses is owed: it goes there with the next report, or when the call is closed (law 10). It returns when
// that is done, but holds the caller up no longer than ctx or Limits.Report.
func (b *Broker) Report(ctx context.Context, r session.Report) {
	c := b.call(r.Call.ID)
	if c == nil {
		return
	}
	record := c.record(r)
	record.CallbackNumber = b.number(r.CallbackID)
	var also []journal.Mutation
	if r.Kind != session.Command {
		also = append(also, journal.PutCall{Call: b.reported(c, r, record)})
	}
	if r.Kind == session.Ended && b.begun(c) {
		also = append(also, journal.UseReserve{})
	}
	done := b.inTurn(c, func() { b.spoolReport(c, r.Kind, record, also) })
	patience := time.NewTimer(b.opt.Limits.Report)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	case <-ctx.Done():
	}
}

// begun reports whether the begin of a session on the call is on disk: then there is room for its end.
func (b *Broker) begun(c *call) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return c.recorded != ""
}

// spoolReport writes a report's record, with what is owed before it.
func (b *Broker) spoolReport(c *call, kind session.ReportKind, record aaa.Record, also []journal.Mutation) {
	b.mu.Lock()
	records := slices.Clone(c.owed)
	b.mu.Unlock()
	if c.accounting.records(record.Type, kind == session.Command) {
		if record.Type == aaa.Interim {
			records = slices.DeleteFunc(records, func(r aaa.Record) bool { return r.Type == aaa.Interim })
		}
		records = append(records, record)
	}
	err := b.spool.Put(context.Background(), records, also...)
	if err != nil {
		b.log.Error("journal: accounting records are not on disk; they are kept in memory and tried again",
			zap.String("call", c.ID),
			zap.String("record", record.ID), zap.Int("records", len(records)), zap.Error(err))
	} else {
		records = nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c.owed = records
	if err == nil && kind == session.Began {
		c.recorded = record.SessionID
	}
}

// inTurn runs what writes for a call, each after what was ordered before it, and returns a channel that is closed when
// it has run.
func (b *Broker) inTurn(c *call, write func()) <-chan struct{} {
	done := make(chan struct{})
	b.mu.Lock()
	before := c.turn
	c.turn = done
	b.mu.Unlock()
	b.turns.Go(func() {
		defer close(done)
		if before != nil {
			<-before
		}
		write()
	})
	return done
}

// errUnrecorded is why a session does not begin: its Start, and the row that its Stop is made of after a crash, are not
// on disk, or there is no room for the Stop.
var errUnrecorded = errors.New("the session could not be recorded in the journal")

// sessionRecorded waits until it is known whether a session that is to be accounted is on disk, and answers
// errUnrecorded where it is not (law 10), or the cause with which ctx ended before.
func (b *Broker) sessionRecorded(ctx context.Context, c *call, session int) error {
	if c.accounting.Record == NoRecording || !b.spool.Sends() {
		return nil
	}
	b.mu.Lock()
	turn := c.turn
	b.mu.Unlock()
	if turn != nil {
		select {
		case <-turn:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errUnrecorded, context.Cause(ctx))
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.recorded != c.sessionID(session) {
		return errUnrecorded
	}
	if err := b.opt.Journal.Room(); err != nil {
		return fmt.Errorf("%w: %w", errUnrecorded, err)
	}
	return nil
}

// reported brings a call's row up to the report: while a session is open the row holds what its Stop needs should the
// process end before it.
func (b *Broker) reported(c *call, r session.Report, record aaa.Record) (row journal.Call) {
	row = c.row()
	row.User, row.Entry, row.Service = r.Identity.User, r.Identity.Entry, string(r.Service)
	row.OctetsIn, row.OctetsOut = r.OctetsIn, r.OctetsOut
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { c.last = row }()
	c.user, c.service, c.session, c.billed = r.Identity.User, r.Service, record.SessionID, record.User
	switch r.Kind {
	case session.Began:
		c.began = record.Time
	case session.Ended: // its Stop is on its way: nothing is left to close after a crash
		c.session, c.admitted, c.offer = "", aaa.Identity{}, nil
		return row
	}
	if c.accounting.Record == NoRecording {
		return row
	}
	row.SessionID = record.SessionID
	record.Time = c.began
	row.Data = mustJSON(record)
	return row
}

// number is what a callback dials; "" where there is none.
func (b *Broker) number(callbackID string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.works[callbackID]; w != nil {
		return w.lastStep().Number.String()
	}
	return ""
}

// record is the accounting record of a report. Attributes of both legs: one Acct-Multi-Session-Id, each leg's own
// Class.
func (c *call) record(r session.Report) aaa.Record {
	id := c.sessionID(r.Session)
	rec := aaa.Record{
		ID: id + "-start", Type: aaa.Start, Time: r.Time, SessionID: id, MultiSessionID: c.multiSessionID,
		List:  c.accounting.name,
		Entry: r.Identity.Entry, Server: r.Server, User: cmp.Or(r.Auth.AccountingUser, r.Identity.User),
		Service: r.Service, ServiceType: r.Auth.ServiceType,
		Class: r.Auth.Class, PrivLevel: r.Auth.PrivLevel, TTY: c.TTY, Caller: c.Caller, Called: c.Called,
		Connect: c.Connect,
	}
	switch r.Kind {
	case session.Interim:
		c.reports++
		rec.ID, rec.Type = spool.InterimID(id, c.reports), aaa.Interim
	case session.Command:
		c.reports++
		rec.ID, rec.Type, rec.Command, rec.PrivLevel = id+"-command-"+strconv.Itoa(c.reports), aaa.Stop, r.Command,
			r.PrivLevel
	case session.Ended:
		rec.ID, rec.Type, rec.Cause = id+"-stop", aaa.Stop, r.Cause
	}
	rec.SessionTime, rec.OctetsIn, rec.OctetsOut = r.Duration, r.OctetsIn, r.OctetsOut
	return rec
}

// startAcknowledged waits, where the list demands it (wait-start), for the session's Start, which is recorded, to be
// acknowledged. false: it was not in time.
func (b *Broker) startAcknowledged(ctx context.Context, c *call, session int) bool {
	if c.accounting.Record != WaitStart || !b.spool.Sends() {
		return true
	}
	return b.spool.Await(ctx, c.sessionID(session)+"-start", b.opt.Limits.WaitStart)
}

// OldestSession is when the oldest session began that has not ended, or has records that are not acknowledged; zero:
// there is none.
func (b *Broker) OldestSession(ctx context.Context) (time.Time, error) {
	var oldest time.Time
	note := func(began time.Time) {
		if !began.IsZero() && (oldest.IsZero() || began.Before(oldest)) {
			oldest = began
		}
	}
	unsent := func(r aaa.Record) {
		if r.SessionID != "" {
			note(r.Time.Add(-r.SessionTime))
		}
	}
	b.mu.Lock()
	for _, c := range b.calls {
		note(c.Start) // its session may be about to begin, or its Stop to be recorded
	}
	b.mu.Unlock()
	return oldest, b.spool.EachUnsent(ctx, unsent)
}
