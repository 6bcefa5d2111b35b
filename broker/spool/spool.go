package spool

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
)

// Spool keeps records in the journal until they are acknowledged, and sends them. Those of accounting are law 10. Each
// list has its own lane: a silent server delays only its own records.
type Spool struct {
	journal journal.Store
	content Content
	log     *zap.Logger   // for disk errors
	wake    chan struct{} // capacity 1: there may be a list without a lane

	mu       sync.Mutex
	waiting  map[string]chan struct{} // closed when the record of this ID is acknowledged
	spooled  map[string]time.Time     // when a record that is not acknowledged yet was spooled
	interims map[string]string        // session → its newest Interim
	lanes    map[string]*lane         // accounting list → its lane; Put and Run create the entries

	arrears arrearsList
}

// New returns a spool that sends nothing until Run. a delivers the records; nil: records are not spooled, but the
// mutations given with them are written. happened receives events and must not block.
func New(j journal.Store, a aaa.Accountant, log *zap.Logger, happened func(events.Event)) *Spool {
	return NewContent(j, accounting(a, happened), log)
}

// accounting is the content of accounting records.
func accounting(a aaa.Accountant, happened func(events.Event)) Content {
	c := Content{What: "accounting", AtOnce: atOnce, Tell: func(list string, failing bool, err error) {
		if list = cmp.Or(list, "default"); failing {
			happened(events.AccountingWaits{List: list, Err: err})
			return
		}
		happened(events.AccountingGoesOn{List: list})
	}}
	if a != nil {
		c.Open = func(row journal.Spooled) (string, func(context.Context) error, error) { return openRecord(a, row) }
	}
	return c
}

// Content is what a Spool sends.
type Content struct {
	What   string // in messages
	Prefix string // of the names of its lists: HookPrefix, or "" for accounting
	AtOnce int    // maximum number of records of a list being sent, 64 at most
	// Open returns the function that sends a row, and the key of its order: rows with the same key are sent one after
	// the other. A row without SessionID is sent alone, after all before it. nil: nothing is sent.
	Open func(row journal.Spooled) (key string, send func(context.Context) error, err error)
	// Tell reports when deliveries of a list begin to fail, with the error, and when they succeed again. It must not
	// block.
	Tell func(list string, failing bool, err error)
}

// HookPrefix is the prefix of the lists of hooks, which is in the name of no accounting list.
const HookPrefix = "hook:"

// owns reports whether a list is one of this content.
func (c Content) owns(list string) bool {
	return strings.HasPrefix(list, HookPrefix) == (c.Prefix == HookPrefix)
}

// NewContent returns a Spool of other content than accounting, that sends nothing until Run.
func NewContent(j journal.Store, c Content, log *zap.Logger) *Spool {
	return &Spool{
		journal: j, content: c, log: log, wake: make(chan struct{}, 1),
		waiting: map[string]chan struct{}{}, spooled: map[string]time.Time{},
		interims: map[string]string{}, lanes: map[string]*lane{}, arrears: arrearsList{wake: make(chan struct{}, 1)},
	}
}

// Put makes records durable together with the other mutations, and wakes their lanes. An Interim replaces the session's
// previous one if that was not sent yet, so that an outage keeps at most one per session. What is in arrears is written
// first, if the disk allows it.
func (s *Spool) Put(ctx context.Context, records []aaa.Record, also ...journal.Mutation) error {
	_ = s.settleArrears(ctx) // it stays owed; the next write shows whether the disk works
	return s.write(ctx, records, also...)
}

// write is Put without the arrears.
func (s *Spool) write(ctx context.Context, records []aaa.Record, also ...journal.Mutation) error {
	if !s.Sends() {
		records = nil
	}
	for _, r := range records {
		if old := s.replaces(r); old != "" {
			also = append(also, journal.Unspool{ID: old})
		}
		also = append(also, journal.Spool{Record: journal.Spooled{ID: r.ID, SessionID: r.SessionID, Body: encode(r),
			Created: r.Time, List: r.List}})
	}
	if len(also) == 0 || len(also) == 1 && also[0] == (journal.UseReserve{}) {
		return nil
	}
	s.note(records) // before the commit: the record may be acknowledged before Commit returns here
	if err := s.journal.Commit(ctx, also...); err != nil {
		s.forget(records)
		return err
	}
	for _, r := range records {
		s.announce(r)
	}
	return nil
}

// PutRows makes rows durable, all or none, and wakes their lanes. Their lists must be of this spool.
func (s *Spool) PutRows(ctx context.Context, rows ...journal.Spooled) error {
	var tx []journal.Mutation
	for _, r := range rows {
		tx = append(tx, journal.Spool{Record: r})
	}
	if err := s.journal.Commit(ctx, tx...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rows {
		s.wakeLane(r.List)
	}
	return nil
}

// InterimID returns the ID of a session's n-th Interim.
func InterimID(session string, n int) string { return fmt.Sprintf("%s-interim-%d", session, n) }

func isInterim(id, session string) bool { return strings.HasPrefix(id, session+"-interim-") }

// replaces returns the ID of the unsent Interim that r replaces; "" if none.
func (s *Spool) replaces(r aaa.Record) string {
	if r.Type != aaa.Interim {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.interims[r.SessionID]
	if _, unsent := s.spooled[old]; !unsent {
		return ""
	}
	return old
}

// announce follows the commit of a record: an older Interim becomes obsolete, and the lane is woken.
func (s *Spool) announce(r aaa.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Type == aaa.Interim {
		delete(s.spooled, s.interims[r.SessionID])
		s.interims[r.SessionID] = r.ID
	}
	s.wakeLane(r.List)
}

// wakeLane wakes the lane of a list, or has it made. s.mu must be held.
func (s *Spool) wakeLane(list string) {
	l, ok := s.lanes[list]
	if !ok {
		s.lanes[list] = nil
		signal(s.wake)
		return
	}
	if l != nil {
		signal(l.wake)
	}
}

// Sends reports whether records are sent at all.
func (s *Spool) Sends() bool { return s.content.Open != nil }

// encode returns the JSON of a record; encoding cannot fail.
func encode(r aaa.Record) string {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// pause waits for d. It returns false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// logEvery is the minimum time between two log entries about the same disk error.
const logEvery = time.Minute

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// replaced reports whether a row is an Interim that a newer one replaced.
func (s *Spool) replaced(row journal.Spooled) bool {
	if !isInterim(row.ID, row.SessionID) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	newest, ok := s.interims[row.SessionID]
	return ok && newest != row.ID
}

// note remembers when the records were spooled.
func (s *Spool) note(records []aaa.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		s.spooled[r.ID] = time.Now()
	}
}

// forget reverts note: the records are not in the journal.
func (s *Spool) forget(records []aaa.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		delete(s.spooled, r.ID)
	}
}

// Await blocks until the record is acknowledged, patience has passed since its spooling, or ctx ends. It reports
// whether nothing is left to wait for; this is also true for an unknown record, because an acknowledged one is
// forgotten.
func (s *Spool) Await(ctx context.Context, id string, patience time.Duration) bool {
	s.mu.Lock()
	since, ok := s.spooled[id]
	if !ok {
		s.mu.Unlock()
		return true
	}
	ch := s.waiting[id]
	if ch == nil {
		ch = make(chan struct{})
		s.waiting[id] = ch
	}
	s.mu.Unlock()
	t := time.NewTimer(max(time.Until(since.Add(patience)), 0))
	defer t.Stop()
	select {
	case <-ch:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

// acknowledged wakes the callers that wait for the records.
func (s *Spool) acknowledged(rows []journal.Spooled) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rows {
		if ch := s.waiting[r.ID]; ch != nil {
			close(ch)
			delete(s.waiting, r.ID)
		}
		delete(s.spooled, r.ID)
		if r.ID == r.SessionID+"-stop" {
			delete(s.interims, r.SessionID)
		}
	}
}

// Run writes what is owed and sends what is spooled until ctx ends, with one lane per accounting list.
func (s *Spool) Run(ctx context.Context) {
	var lanes sync.WaitGroup
	defer lanes.Wait()
	lanes.Go(func() { s.runArrears(ctx) })
	if !s.Sends() {
		return
	}
	s.find(ctx)
	for {
		for _, l := range s.idle() {
			lanes.Go(func() { l.run(ctx) })
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
	}
}

// find registers the accounting lists of which the journal has records of an earlier process.
func (s *Spool) find(ctx context.Context) {
	var told time.Time
	for {
		names, err := s.journal.SpoolLists(ctx)
		if err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, name := range names {
				if _, ok := s.lanes[name]; !ok && s.content.owns(name) {
					s.lanes[name] = nil
				}
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(told) >= logEvery {
			s.log.Error("journal: read the "+s.content.What+" spool", zap.Error(err))
			told = time.Now()
		}
		if !pause(ctx, minWait) {
			return
		}
	}
}

// EachUnsent calls f with each unacknowledged record that can be read, in memory or in the journal.
func (s *Spool) EachUnsent(ctx context.Context, f func(aaa.Record)) error {
	s.eachOwed(f)
	lists, err := s.journal.SpoolLists(ctx)
	if err != nil {
		return err
	}
	for _, list := range lists {
		if !s.content.owns(list) {
			continue
		}
		for after, more := int64(0), true; more; {
			rows, damaged, err := s.journal.SpoolAfter(ctx, list, after, pageSize)
			if err != nil {
				return err
			}
			for _, row := range rows {
				after = row.Seq
				var r aaa.Record
				if json.Unmarshal([]byte(row.Body), &r) == nil {
					f(r)
				}
			}
			more = len(rows) > 0 && len(rows)+len(damaged) == pageSize
		}
	}
	return nil
}

// idle creates the missing lanes.
func (s *Spool) idle() (made []*lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, l := range s.lanes {
		if l == nil {
			l = newLane(s, name)
			s.lanes[name] = l
			made = append(made, l)
		}
	}
	return made
}

// flushTime limits the last attempt of a shutdown to send what is left. What is not sent stays in the journal.
const flushTime = 3 * time.Second

// Flush sends what is left, as far as servers answer. Run must have returned.
func (s *Spool) Flush(ctx context.Context) {
	if err := s.settleArrears(ctx); err != nil {
		s.log.Error("journal: calls that have ended are not on disk; the next start ends their sessions",
			zap.Error(err))
	}
	if !s.Sends() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	s.mu.Lock()
	clear(s.lanes)
	s.mu.Unlock()
	s.find(ctx)
	var lanes sync.WaitGroup
	for _, l := range s.idle() {
		l.last = true
		lanes.Go(func() { l.run(ctx) })
	}
	lanes.Wait()
}
