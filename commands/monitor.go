package commands

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
)

// Monitor shows the debug output of a daemon on a terminal: that of the topics which its user has chosen, and of a
// topic with conditions only what meets one of them.
type Monitor struct {
	client *client.Client
	notify func(text string)
	base   context.Context

	mu     sync.Mutex
	chosen chosen
	shown  bool
	uptime time.Time // time stamps count from then; zero: they are the time of day
	stop   func()    // ends the stream, and returns when it has ended; nil: there is none
}

// chosen has the conditions of each chosen topic, without their topic; none: all that there is of it.
type chosen map[string][]client.DebugCondition

// query returns what the daemon is asked for.
func (c chosen) query() client.DebugQuery {
	q := client.DebugQuery{Topics: slices.Sorted(maps.Keys(c))}
	for _, t := range q.Topics {
		for _, only := range c[t] {
			only.Topic = t
			q.Conditions = append(q.Conditions, only)
		}
	}
	return q
}

// clone returns a copy that shares nothing with c.
func (c chosen) clone() chosen {
	other := chosen{}
	for t, conditions := range c {
		other[t] = slices.Clone(conditions)
	}
	return other
}

// NewMonitor returns a Monitor that shows each line of the debug output with notify, which must not block, until ctx
// ends. shown says whether it shows them before `terminal monitor`.
func NewMonitor(ctx context.Context, c *client.Client, shown bool, notify func(text string)) *Monitor {
	return &Monitor{client: c, notify: notify, base: ctx, chosen: chosen{}, shown: shown}
}

// Show starts or stops showing the debug output; its topics stay.
func (m *Monitor) Show(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shown = on
}

// Query returns the chosen topics with their conditions, sorted by topic, and whether they are shown.
func (m *Monitor) Query() (q client.DebugQuery, shown bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.chosen.query(), m.shown
}

// Since lets time stamps count from a time, as with IOS's `service timestamps debug uptime`; zero: they are the time of
// day.
func (m *Monitor) Since(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.uptime = t
}

// Set turns topics on or off, with all that there is of them: it ends their conditions. It returns when the daemon
// sends the chosen topics: events after that are not missed. It is not for concurrent use.
func (m *Monitor) Set(ctx context.Context, on bool, topics ...string) error {
	return m.change(ctx, func(wanted chosen) {
		for _, t := range topics {
			delete(wanted, t)
			if on {
				wanted[t] = nil
			}
		}
	})
}

// SetCondition adds a condition to topics, which it turns on, or removes it from them: a topic whose last condition is
// removed is off. Otherwise as Set.
func (m *Monitor) SetCondition(ctx context.Context, on bool, c client.DebugCondition, topics ...string) error {
	return m.change(ctx, func(wanted chosen) {
		for _, t := range topics {
			has := slices.Contains(wanted[t], c)
			switch {
			case on && !has:
				wanted[t] = append(wanted[t], c)
			case !on && has:
				wanted[t] = slices.DeleteFunc(wanted[t], func(other client.DebugCondition) bool { return other == c })
				if len(wanted[t]) == 0 {
					delete(wanted, t)
				}
			}
		}
	})
}

// change streams what is chosen after edit. If the daemon rejects that, what was chosen before stays.
func (m *Monitor) change(ctx context.Context, edit func(wanted chosen)) error {
	m.mu.Lock()
	before, wanted := m.chosen, m.chosen.clone()
	edit(wanted)
	same := maps.EqualFunc(wanted, before, slices.Equal) && (m.stop != nil || len(wanted) == 0)
	stop := m.stop
	m.mu.Unlock()
	if same {
		return nil
	}
	if stop != nil {
		stop()
	}
	err := m.begin(ctx, wanted)
	var rejected *client.Problem
	if errors.As(err, &rejected) && rejected.Status == http.StatusUnprocessableEntity {
		return errors.Join(err, m.begin(ctx, before))
	}
	return err
}

// begin streams what is wanted; the stream before has ended.
func (m *Monitor) begin(ctx context.Context, wanted chosen) error {
	m.mu.Lock()
	m.chosen, m.stop = wanted, nil
	m.mu.Unlock()
	if len(wanted) == 0 {
		return nil
	}
	return m.listen(ctx, wanted.query())
}

// Close ends the debug output.
func (m *Monitor) Close() {
	_ = m.Set(context.Background(), false, client.Topics...) // to turn them off fails never
}

// listen begins a stream.
func (m *Monitor) listen(ctx context.Context, q client.DebugQuery) error {
	streaming, cancel := context.WithCancel(m.base)
	listening, over := make(chan struct{}), make(chan error, 1)
	begun := false
	go func() {
		err := m.client.Debug(streaming, q, func() { begun = true; close(listening) }, m.show)
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
	m.chosen, m.stop = chosen{}, nil
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
