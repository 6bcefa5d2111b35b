// Package hooks tells other programs of named events: a POST of JSON to an address, signed as Standard Webhooks
// specifies (https://www.standardwebhooks.com), or a command without a shell that gets the JSON on standard input. An
// event is in the journal before it is sent, and stays there until it is taken: delivery is at least once, with an ID.
package hooks

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/spool"
)

// Hook is a receiver of events: an address or a command.
type Hook struct {
	Name     string
	URL      string         // of a webhook
	Secret   aaa.Secret     // of a webhook, the octets of the key
	Roots    *x509.CertPool // of a webhook; nil: those of the system
	Command  []string       // the program's path, and its arguments
	Events   []string       // names of events, see events.Names
	Timeout  time.Duration  // of one delivery
	RetryFor time.Duration  // an event is given up when it is this old
}

// Message is an event for a receiver.
type Message struct {
	ID   string `json:"-"` // unique; the same for each try
	Type string `json:"type"`
	// Timestamp is the time of the event.
	Timestamp time.Time       `json:"timestamp"`
	Site      string          `json:"site"` // the host name of the access server
	Data      json.RawMessage `json:"data"` // the fields of the event
}

// TestType is the type of the message of a test.
const TestType = "test"

// NewMessage returns a message with a new ID. data is JSON.
func NewMessage(kind, site string, now time.Time, data json.RawMessage) Message {
	id := make([]byte, 12)
	rand.Read(id)
	return Message{ID: "msg_" + hex.EncodeToString(id), Type: kind, Timestamp: now.UTC(), Site: site, Data: data}
}

// body returns the JSON of a message.
func (m Message) body() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // the data is JSON already
	}
	return b
}

// Deliver makes one try to deliver a message, within the hook's timeout.
func (h Hook) Deliver(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	if len(h.Command) > 0 {
		return h.run(ctx, m)
	}
	return h.post(ctx, m)
}

// name returns the name under which a hook gets an event; "" if it does not.
func (h Hook) name(e events.Event, names []string) string {
	switch e := e.(type) { // a hook is not told of its own failures: that would add to them
	case events.HookFails:
		if e.Hook == h.Name {
			return ""
		}
	case events.HookWorks:
		if e.Hook == h.Name {
			return ""
		}
	case events.HookGaveUp:
		if e.Hook == h.Name {
			return ""
		}
	}
	if slices.ContainsFunc(names, func(n string) bool { return slices.Contains(h.Events, n) }) {
		return names[0]
	}
	return ""
}

// Limits of what is kept.
const (
	queued     = 1024   // events that wait to be written into the journal
	mostKept   = 10_000 // events of one hook in the journal
	batch      = 64     // events in one transaction
	concurrent = 4      // deliveries of one hook at a time
	writeRetry = 5 * time.Second
	countEvery = 10 * time.Second
)

// State is the state of a hook.
type State struct {
	Name    string
	Waiting int       // events in the journal, about
	Failing time.Time // since when deliveries fail; zero: they do not
	Err     error     // why
	Lost    uint64    // events that were not kept or were given up, since the start
	LostAt  time.Time // the last of them
	Gone    bool      // the receiver wants no more (HTTP status 410), until the next reload
}

// Options are the options of New.
type Options struct {
	Journal interface {
		journal.Store
		Backlogs(ctx context.Context) ([]journal.Backlog, error)
	}
	Log      *zap.Logger
	Happened func(events.Event) // may block
	Site     string
	Hooks    []Hook
}

// Manager keeps and delivers the events of all hooks. It is a sink of events.
type Manager struct {
	o     Options
	spool *spool.Spool
	queue chan journal.Spooled
	tell  chan events.Event // own events, which must not be sent by the goroutine of a lane
	stop  chan struct{}
	parts sync.WaitGroup

	mu     sync.Mutex
	hooks  map[string]Hook
	site   string
	states map[string]*State
}

var _ events.Sink = (*Manager)(nil)

// New returns a Manager that keeps events in memory until Start.
func New(o Options) *Manager {
	m := &Manager{o: o, queue: make(chan journal.Spooled, queued), tell: make(chan events.Event, 64),
		stop: make(chan struct{}), states: map[string]*State{}}
	m.Reload(o.Site, o.Hooks)
	m.spool = spool.NewContent(o.Journal, spool.Content{What: "hooks", Prefix: spool.HookPrefix, AtOnce: concurrent,
		Open: m.open, Tell: m.told}, o.Log)
	return m
}

// Start begins to write events into the journal and to deliver them. The caller must Close the Manager, before the
// journal.
func (m *Manager) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	var lanes sync.WaitGroup
	lanes.Go(func() { m.spool.Run(ctx) })
	m.parts.Go(func() {
		m.write()
		cancel()
		lanes.Wait()
	})
	m.parts.Go(m.report)
}

// Reload puts other hooks in force. What waits for a hook that is gone is dropped.
func (m *Manager) Reload(site string, hooks []Hook) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.site, m.hooks = site, map[string]Hook{}
	for _, h := range hooks {
		m.hooks[h.Name] = h
		if s := m.states[h.Name]; s == nil {
			m.states[h.Name] = &State{Name: h.Name}
		} else {
			s.Gone = false
		}
	}
	for name := range m.states {
		if _, ok := m.hooks[name]; !ok {
			delete(m.states, name)
		}
	}
}

// Close keeps the events that have happened, ends the deliveries under way and ends the Manager.
func (m *Manager) Close() {
	close(m.stop)
	m.parts.Wait()
}

// States returns the state of each hook, by name.
func (m *Manager) States() (all []State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.states {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b State) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Take implements events.Sink. Hooks are told of a lock, but not of each login that it rejects: a caller who
// repeats them would fill the journal, and displace other events.
func (m *Manager) Take(e events.Event) {
	if login, ok := e.(events.LoginFailed); ok && login.Locked {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.hooks) == 0 {
		return
	}
	var data json.RawMessage
	names := events.Names(e)
	for _, h := range m.hooks {
		name := h.name(e, names)
		if name == "" || m.states[h.Name].Gone {
			continue
		}
		if data == nil {
			var err error
			if data, err = json.Marshal(events.Fields(e)); err != nil {
				m.o.Log.Error("hooks: an event cannot be written as JSON", zap.String("event", name), zap.Error(err))
				return
			}
		}
		msg := NewMessage(name, m.site, time.Now(), data)
		if m.states[h.Name].Waiting >= mostKept {
			m.lost(h.Name)
			continue
		}
		select {
		case m.queue <- journal.Spooled{ID: msg.ID, SessionID: msg.ID, List: spool.HookPrefix + h.Name,
			Body: string(msg.body()), Created: msg.Timestamp}:
			m.states[h.Name].Waiting++
		default:
			m.lost(h.Name)
		}
	}
}

// lost counts an event that was not kept or was given up. m.mu must be held.
func (m *Manager) lost(hook string) {
	if s := m.states[hook]; s != nil {
		s.Lost++
		s.LostAt = time.Now()
	}
}

// write puts events into the journal until stop is closed, and then those that are left.
func (m *Manager) write() {
	var rows []journal.Spooled
	count := time.NewTicker(countEvery)
	defer count.Stop()
	m.count()
	for {
		var retry <-chan time.Time
		if len(rows) > 0 {
			retry = time.After(writeRetry)
		}
		in := m.queue
		if len(rows) >= batch {
			in = nil
		}
		select {
		case r := <-in:
			rows = append(rows, r)
		case <-retry:
		case <-count.C:
			m.count()
			continue
		case <-m.stop:
			m.keep(m.drain(rows))
			return
		}
		for len(rows) < batch && len(m.queue) > 0 {
			rows = append(rows, <-m.queue)
		}
		rows = m.keep(rows)
	}
}

func (m *Manager) drain(rows []journal.Spooled) []journal.Spooled {
	for {
		select {
		case r := <-m.queue:
			rows = append(rows, r)
		default:
			return rows
		}
	}
}

// keep writes rows into the journal and returns those that are still to be written.
func (m *Manager) keep(rows []journal.Spooled) []journal.Spooled {
	if len(rows) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeRetry)
	defer cancel()
	if err := m.spool.PutRows(ctx, rows...); err != nil {
		m.o.Log.Error("journal: keep the events of hooks", zap.Int("events", len(rows)), zap.Error(err))
		return rows
	}
	return nil
}

// count reads how many events wait.
func (m *Manager) count() {
	ctx, cancel := context.WithTimeout(context.Background(), writeRetry)
	defer cancel()
	all, err := m.o.Journal.Backlogs(ctx)
	if err != nil {
		return // the health check says so
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.states {
		s.Waiting = 0
		for _, b := range all {
			if b.List == spool.HookPrefix+s.Name {
				s.Waiting = b.Records
			}
		}
	}
}

// open is the Open of the spool's content.
func (m *Manager) open(row journal.Spooled) (string, func(context.Context) error, error) {
	msg := Message{}
	if err := json.Unmarshal([]byte(row.Body), &msg); err != nil {
		return "", nil, fmt.Errorf("event %s of %s cannot be read: %w", row.ID, row.List, err)
	}
	msg.ID = row.ID
	name := row.List[len(spool.HookPrefix):]
	return row.ID, func(ctx context.Context) error { return m.deliver(ctx, name, msg) }, nil
}

// deliver tries to deliver a message. nil also means that it is given up.
func (m *Manager) deliver(ctx context.Context, name string, msg Message) error {
	m.mu.Lock()
	h, ok := m.hooks[name]
	gone := ok && m.states[name].Gone
	m.mu.Unlock()
	if !ok || gone {
		return nil // the hook was removed, or wants nothing more
	}
	err := h.Deliver(ctx, msg)
	if err == nil {
		m.taken(name)
		return nil
	}
	if ctx.Err() != nil { // the daemon ends; the message waits for the next start
		return err
	}
	refused := isGone(err)
	if refused || time.Since(msg.Timestamp) >= h.RetryFor {
		m.taken(name)
		m.mu.Lock()
		m.lost(name)
		if s := m.states[name]; s != nil && refused {
			s.Gone, s.Err = true, err
		}
		m.mu.Unlock()
		m.happened(events.HookGaveUp{Hook: name, Type: msg.Type, Message: msg.ID, Err: err})
		return nil
	}
	return err
}

// taken counts a message that waits no more.
func (m *Manager) taken(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.states[name]; s != nil {
		s.Waiting = max(s.Waiting-1, 0)
	}
}

// told is the Tell of the spool's content.
func (m *Manager) told(list string, failing bool, err error) {
	name := list[len(spool.HookPrefix):]
	m.mu.Lock()
	s := m.states[name]
	if s != nil {
		if s.Failing, s.Err = (time.Time{}), nil; failing {
			s.Failing, s.Err = time.Now(), err
		}
	}
	m.mu.Unlock()
	switch {
	case s == nil:
	case failing:
		m.happened(events.HookFails{Hook: name, Err: err})
	default:
		m.happened(events.HookWorks{Hook: name})
	}
}

// happened reports an event of a hook, which may itself go to a hook.
func (m *Manager) happened(e events.Event) {
	select {
	case m.tell <- e:
	default:
	}
}

func (m *Manager) report() {
	for {
		select {
		case e := <-m.tell:
			m.o.Happened(e)
		case <-m.stop:
			return
		}
	}
}
