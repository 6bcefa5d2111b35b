package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
)

// TestResult is how a test has ended.
type TestResult string

// The results. Only TestFailed counts against a line.
const (
	TestPassed       TestResult = "passed"
	TestFailed       TestResult = "failed"
	TestInconclusive TestResult = "inconclusive" // it says nothing about the lines: a stranger called, a lockdown began
	TestInterrupted  TestResult = "interrupted"  // by the end of the process; the dial counts
)

// ModemTest is a test of two lines, in progress or ended. Its JSON is in the journal.
type ModemTest struct {
	ID       string        `json:"id"`
	TTY      int           `json:"tty"`  // dialed
	With     int           `json:"with"` // was called
	Number   string        `json:"number"`
	By       string        `json:"by"`
	Started  time.Time     `json:"started"` // before the dial
	Ended    time.Time     `json:"ended,omitzero"`
	Result   TestResult    `json:"result"`
	Text     string        `json:"text,omitempty"`     // why it did not pass
	Blamed   []int         `json:"blamed,omitempty"`   // the lines that may have caused a failure
	Dial     time.Duration `json:"dial,omitempty"`     // from the dial command to CONNECT, or to the end
	Call     time.Duration `json:"call,omitempty"`     // from CONNECT to the last hang-up
	Down     time.Duration `json:"down,omitempty"`     // from the order to hang up to the proof on both lines
	Connect  string        `json:"connect,omitempty"`  // the CONNECT line of the calling line
	Answered string        `json:"answered,omitempty"` // and of the called one
	Octets   int           `json:"octets,omitempty"`   // that were compared each way
	There    time.Duration `json:"there,omitempty"`    // the time that they took
	Back     time.Duration `json:"back,omitempty"`
}

// summary is the result in one line.
func (t ModemTest) summary() string {
	switch {
	case t.Ended.IsZero():
		return ""
	case t.Text == "":
		return string(t.Result)
	}
	return string(t.Result) + ": " + t.Text
}

// tests is the state of the tests. The zero value has none.
type tests struct {
	mu       sync.Mutex        // no other mutex is taken while it is held
	running  int               // tests that have begun
	dials    []time.Time       // of the last 24 hours, oldest first
	last     map[int]ModemTest // by TTY, of either role
	failures map[int]int       // in a row, by TTY
}

// errTestLimit explains the limit of a day.
var errTestLimit = errors.New("modem_test.max_per_day is reached")

// add lets a test begin, unless the dials of the day are used up.
func (s *tests) add(cfg *Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	day := time.Now().Add(-24 * time.Hour)
	s.dials = slices.DeleteFunc(s.dials, func(at time.Time) bool { return at.Before(day) })
	if n := len(s.dials) + s.running; n >= cfg.Tests.MaxPerDay {
		return fmt.Errorf("%w: %d dials in the last 24 hours", errTestLimit, len(s.dials))
	}
	s.running++
	return nil
}

// remove ends a test that add has let begin.
func (s *tests) remove() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
}

// dialed counts a dial that is on disk.
func (s *tests) dialed(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials = append(s.dials, at)
}

// result takes over a result and returns the lines that have now failed often enough.
func (s *tests) result(t ModemTest, enough int) (failing []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take(t)
	for _, tty := range t.Blamed {
		if enough > 0 && t.Result == TestFailed && s.failures[tty] >= enough {
			failing = append(failing, tty)
		}
	}
	return failing
}

// take counts a result. s.mu is held, or s is not in use yet.
func (s *tests) take(t ModemTest) {
	if s.last == nil {
		s.last, s.failures = map[int]ModemTest{}, map[int]int{}
	}
	for _, tty := range []int{t.TTY, t.With} {
		s.last[tty] = t
		switch {
		case t.Result == TestPassed:
			s.failures[tty] = 0
		case t.Result == TestFailed && slices.Contains(t.Blamed, tty):
			s.failures[tty]++
		}
	}
}

// forgive forgets the failures of a line.
func (s *tests) forgive(tty int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.failures, tty)
}

// LastTest returns the last test in which a line dialed or was called; false: there is none in the journal.
func (b *Broker) LastTest(tty int) (ModemTest, bool) {
	b.tests.mu.Lock()
	defer b.tests.mu.Unlock()
	t, ok := b.tests.last[tty]
	return t, ok
}

// loadTests reads the tests of earlier processes: their dials count for a day, whatever became of them.
func (b *Broker) loadTests(ctx context.Context) error {
	rows, damaged, err := b.opt.Journal.Calls(ctx, journal.All, journal.CallFilter{Service: journal.ModemTest})
	if err != nil {
		return fmt.Errorf("journal: read the modem tests: %w", err)
	}
	var left []ModemTest
	defer func() {
		for _, t := range left {
			b.Happened(events.ModemTested{Test: t.ID, Line: t.TTY, With: t.With, Number: t.Number,
				Result: string(t.Result),
				Text:   t.Text, By: t.By})
		}
	}()
	s := &b.tests
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials, s.last, s.failures = nil, nil, nil
	now := time.Now()
	for range damaged { // the time of its dial is unknown
		s.dials = append(s.dials, now)
	}
	for _, row := range slices.Backward(rows) { // oldest first
		b.noteDial(row, now)
		at := row.Start
		if at.After(now) { // the clock was set back
			at = now
		}
		if now.Sub(at) < 24*time.Hour {
			s.dials = append(s.dials, at)
		}
		var t ModemTest
		if unmarshal(row.Data, &t) != nil {
			continue
		}
		if row.End.IsZero() { // closeOpenCalls ends it
			t.Text = "the process ended during the test"
			left = append(left, t)
		}
		t.Ended = row.End
		s.take(t)
	}
	return nil
}
