package commands

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
)

// Monitor shows the debug output of a daemon on a terminal: that of the topics which its user has chosen.
type Monitor struct {
	client *client.Client
	notify func(text string)
	base   context.Context

	mu     sync.Mutex
	topics map[string]bool
	shown  bool
	uptime time.Time // time stamps count from then; zero: they are the time of day
	stop   func()    // ends the stream, and returns when it has ended; nil: there is none
}

// NewMonitor returns a Monitor that shows each line of the debug output with notify, which must not block, until ctx
// ends. shown says whether it shows them before `terminal monitor`.
func NewMonitor(ctx context.Context, c *client.Client, shown bool, notify func(text string)) *Monitor {
	return &Monitor{client: c, notify: notify, base: ctx, topics: map[string]bool{}, shown: shown}
}

// Show starts or stops showing the debug output; its topics stay.
func (m *Monitor) Show(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shown = on
}

// Topics returns the chosen topics, and whether they are shown.
func (m *Monitor) Topics() (topics []string, shown bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.topics)), m.shown
}

// Since lets time stamps count from a time, as with IOS's `service timestamps debug uptime`; zero: they are the time of
// day.
func (m *Monitor) Since(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.uptime = t
}

// Set turns topics on or off. It returns when the daemon sends the chosen topics: events after that are not missed. It
// is not for concurrent use.
func (m *Monitor) Set(ctx context.Context, on bool, topics ...string) error {
	m.mu.Lock()
	wanted := maps.Clone(m.topics)
	for _, t := range topics {
		if on {
			wanted[t] = true
		} else {
			delete(wanted, t)
		}
	}
	same := maps.Equal(wanted, m.topics) && (m.stop != nil || len(wanted) == 0)
	m.topics = wanted
	stop := m.stop
	m.mu.Unlock()
	if same {
		return nil
	}
	if stop != nil {
		stop()
	}
	if len(wanted) == 0 {
		return nil
	}
	return m.listen(ctx, slices.Sorted(maps.Keys(wanted)))
}

// Close ends the debug output.
func (m *Monitor) Close() {
	_ = m.Set(context.Background(), false, client.Topics...) // to turn them off fails never
}

// listen begins a stream of topics.
func (m *Monitor) listen(ctx context.Context, topics []string) error {
	streaming, cancel := context.WithCancel(m.base)
	listening, over := make(chan struct{}), make(chan error, 1)
	begun := false
	go func() {
		err := m.client.Debug(streaming, topics, func() { begun = true; close(listening) }, m.show)
		if err == nil {
			err = errors.New("the daemon has ended")
		}
		if begun && streaming.Err() == nil {
			m.lost(err)
		}
		over <- err
		close(over)
	}()
	stop := func() {
		cancel()
		<-over
	}
	select {
	case <-listening:
		m.mu.Lock()
		m.stop = stop
		m.mu.Unlock()
		return nil
	case err := <-over:
		cancel()
		m.forget()
		return err
	case <-ctx.Done():
		stop()
		m.forget()
		return context.Cause(ctx)
	}
}

// forget turns all topics off; there is no stream.
func (m *Monitor) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.topics, m.stop = map[string]bool{}, nil
}

// lost says that the debug output has ended by itself, and forgets its topics.
func (m *Monitor) lost(why error) {
	m.forget()
	m.notify("% The debug output has ended: " + console.Clean(why.Error()))
}

func (m *Monitor) show(e client.DebugEvent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.shown {
		return
	}
	stamp := "*" + tables.Here().Stamp(e.Time)
	if !m.uptime.IsZero() {
		stamp = uptime(e.Time.Sub(m.uptime))
	}
	m.notify(tables.DebugLine(stamp, e))
}
