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
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/spool"
	"github.com/ringback/ringback/session"
)

// Recording says which records of a session are sent. The values are those of IOS.
type Recording string

// The recordings. "" is StartStop.
const (
	StartStop Recording = "start-stop"
	StopOnly  Recording = "stop-only"
	// as StartStop, and no user is admitted or promised a callback until their Start is acknowledged
	WaitStart   Recording = "wait-start"
	NoRecording Recording = "none"
)

// AccountingList is IOS's `aaa accounting`. The zero value records start and stop.
type AccountingList struct {
	Record Recording
	// Interim is the time between two updates of a session; 0: as AAA says (Acct-Interim-Interval); negative: none.
	Interim time.Duration
	// Commands records each EXEC command too.
	Commands bool
	// SendAs is the list whose name the records carry; "" means this list. Lists with the same servers share a name, so
	// that the servers receive Accounting-On once, before all other records.
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

// interim returns the interval for a session's reports, in the form of session.Config.
func (l AccountingList) interim() time.Duration {
	if !l.records(aaa.Interim, false) {
		return -1
	}
	return l.Interim
}

// accounting is the accounting list of a call: that of the called line for both legs, so that the same server receives
// both.
type accounting struct {
	name string // as in the records: "" is the default list
	AccountingList
}

func (c *Config) accounting(tty int) accounting { return c.accountingOf(c.Lines[tty].Accounting) }

// accountingOf returns the accounting list with this name; "" is the default list.
func (c *Config) accountingOf(name string) accounting {
	l := c.Accounting[listName(name)]
	return accounting{recordedAs(cmp.Or(l.SendAs, name)), l}
}

// recordedAs returns a list's name as the records carry it.
func recordedAs(name string) string {
	if name == defaultList {
		return ""
	}
	return name
}

const defaultList = "default"

func listName(name string) string { return cmp.Or(name, defaultList) }

// recorded returns the lists that record anything, with their names as in the records.
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

// systemRecords returns one Accounting-On (aaa.On) or Accounting-Off (aaa.Off) for each list that records anything.
func (b *Broker) systemRecords(t aaa.RecordType) []aaa.Record {
	var records []aaa.Record
	for _, name := range b.config.Load().recorded() {
		records = append(records, aaa.Record{ID: string(t) + "-" + newID(), Type: t, Time: time.Now(), List: name})
	}
	return records
}

// switchOff spools Accounting-Off, the last record of an orderly shutdown.
func (b *Broker) switchOff(ctx context.Context) {
	if err := b.spool.Put(ctx, b.systemRecords(aaa.Off), journal.UseReserve{}); err != nil {
		b.log.Error("journal: spool Accounting-Off", zap.Error(err))
	}
}

// Report implements session.Broker: each session's records go to the spool, in one commit with the call's row. Records
// that the journal refuses are owed: they are written with the next report, or when the call is closed (law 10). It
// returns when that is done, when ctx ends, or after Limits.Report.
func (b *Broker) Report(ctx context.Context, r session.Report) {
	c := b.call(r.Call.ID)
	if c == nil {
		return
	}
	record := c.record(r)
	record.CallbackNumber = b.number(r.CallbackID)
	var also []journal.Mutation
	if r.Kind != session.Command {
		row := b.reported(c, r, record)
		// The row of a session's end keeps a crash from sending another Stop. Without accounting there is none, and the
		// call's end follows.
		if r.Kind != session.Ended || c.accounting.Record != NoRecording {
			also = append(also, journal.PutCall{Call: row})
		}
	}
	if r.Kind == session.Ended && b.begun(c) {
		also = append(also, journal.UseReserve{})
	}
	b.reportSession(c, r, record)
	done := b.inTurn(c, func() { b.spoolReport(c, r.Kind, record, also) })
	patience := time.NewTimer(b.opt.Limits.Report)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	case <-ctx.Done():
	}
}

// reportSession reports the begin and the end of a session.
func (b *Broker) reportSession(c *call, r session.Report, record aaa.Record) {
	switch r.Kind {
	case session.Began:
		b.publish(events.SessionBegan{Session: record.SessionID, Call: c.ID, Callback: c.callbackID, Line: c.TTY,
			Leg: c.leg, User: r.Identity.User, Service: string(r.Service)})
	case session.Ended:
		b.publish(events.SessionEnded{Session: record.SessionID, Call: c.ID, Callback: c.callbackID, Line: c.TTY,
			Leg: c.leg, User: r.Identity.User, Service: string(r.Service), Cause: int(record.Cause),
			Duration: r.Duration, OctetsIn: r.OctetsIn, OctetsOut: r.OctetsOut})
	}
}

// begun reports whether the start of a session on the call is on disk: then there is room for its Stop.
func (b *Broker) begun(c *call) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return c.recorded != ""
}

// spoolReport writes a report's record, after the owed records.
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
		b.log.Error("journal: accounting records are not on disk; they are kept in memory and retried",
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

// inTurn runs a write for a call after the writes that were ordered before it, and returns a channel that is closed
// when it has run.
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

// errUnrecorded is the reason why a session does not begin: its Start, and the row from which its Stop is created after
// a crash, are not on disk, or there is no room for the Stop.
var errUnrecorded = errors.New("the session could not be recorded in the journal")

// sessionRecorded waits until it is known whether a session that must be accounted is on disk. It returns errUnrecorded
// if it is not (law 10), wrapped with the cause if ctx ended first.
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

// reported updates a call's row with the report: while a session is open, the row has what its Stop needs if the
// process ends first.
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
	case session.Ended: // its Stop is being spooled: nothing is left to close after a crash
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

// number returns the number that a callback dials; "" if there is none.
func (b *Broker) number(callbackID string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.works[callbackID]; w != nil {
		return w.lastStep().Number.String()
	}
	return ""
}

// record returns the accounting record of a report. Both legs have the same Acct-Multi-Session-Id; each has its own
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
	rec.PacketsIn, rec.PacketsOut = r.PacketsIn, r.PacketsOut
	rec.FramedAddress, rec.FramedPrefixes, rec.FramedInterfaceID = r.Framed.Address, r.Framed.Prefixes,
		r.Framed.InterfaceID
	return rec
}

// startAcknowledged waits until the session's Start, which is recorded, is acknowledged, if the list requires it
// (wait-start). It returns false on timeout.
func (b *Broker) startAcknowledged(ctx context.Context, c *call, session int) bool {
	if c.accounting.Record != WaitStart || !b.spool.Sends() {
		return true
	}
	return b.spool.Await(ctx, c.sessionID(session)+"-start", b.opt.Limits.WaitStart)
}

// OldestSession returns the start of the oldest session that is open or has unacknowledged records; zero if there is
// none.
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
