package broker

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
)

// TestSchedule says when all lines are tested. The zero value means never.
type TestSchedule struct {
	At     time.Duration  // since midnight, by the wall clock; a run begins up to maxSpread later
	Every  time.Duration  // a part of a day such as 6h, or whole days; 0: never
	Zone   *time.Location // of the wall clock; nil: that of the machine
	AtOnce int            // most tests at the same time; 0: 1
}

const day = 24 * time.Hour

// Next returns the first time of the schedule after now; zero: never. A time of the wall clock that a day does not
// have, because the clock is set forward, is that much later; of one that it has twice, one is meant.
func (s TestSchedule) Next(now time.Time) time.Time {
	if s.Every <= 0 {
		return time.Time{}
	}
	if s.Zone != nil {
		now = now.In(s.Zone)
	}
	y, m, d := now.Date()
	days, step := max(1, int(s.Every/day)), min(s.Every, day)
	for i := range days + 2 {
		if number := int(time.Date(y, m, d+i, 0, 0, 0, 0, time.UTC).Unix() / int64(day/time.Second)); number%days != 0 {
			continue
		}
		for at := s.At % step; at < day; at += step {
			if t := time.Date(y, m, d+i, 0, 0, int(at/time.Second), 0, now.Location()); t.After(now) {
				return t
			}
		}
	}
	return time.Time{} // not reached: of days+1 days in a row, one is a day of the schedule
}

// scheduled is the operator of the tests on schedule.
const scheduled = "schedule"

// clockCheck is how often the schedule looks at the wall clock, which may be set.
const clockCheck = 10 * time.Minute

// maxSpread is the longest time by which a run is later than the schedule.
const maxSpread = 10 * time.Minute

// spread returns by how much the next run is later than the schedule, which differs from run to run: nobody outside can
// tell when a line is being tested and will not answer.
func (s TestSchedule) spread() time.Duration {
	limit := min(maxSpread, s.Every/4)
	if limit <= 0 {
		return 0
	}
	return rand.N(limit)
}

// testOnSchedule tests the lines at the times of the schedule until ctx ends. A time that passes while a run is in
// progress is left out.
func (b *Broker) testOnSchedule(ctx context.Context) {
	last := time.Now()
	s := b.config.Load().Tests.Schedule
	later := s.spread()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next := s.Next(last)
		wait := clockCheck
		if !next.IsZero() {
			next = next.Add(later)
			wait = min(wait, time.Until(next.Round(0)))
		}
		timer.Reset(max(wait, 0))
		select {
		case <-timer.C:
		case <-b.reloaded:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		changed := s != b.config.Load().Tests.Schedule
		s = b.config.Load().Tests.Schedule
		switch {
		case changed || now.Round(0).Before(last.Round(0)):
			last, later = now, s.spread()
		case !next.IsZero() && !now.Round(0).Before(next):
			b.testAll(ctx, now)
			last, later = time.Now(), s.spread()
		}
	}
}

// testPair is a test of a run.
type testPair struct{ from, to int }

// pairs are the tests of a run: each line that may dial calls another one, which differs from day to day, so that a
// defective line fails with several others, and they do not fail without it.
func (b *Broker) pairs(m ModemTests, now time.Time) (all []testPair) {
	number := int(now.Unix() / int64(day/time.Second))
	for _, tty := range slices.Sorted(maps.Keys(m.Lines)) {
		if c, ok := b.opt.Pool.Config(tty); !ok || c.Modem == lines.CallIn {
			continue
		}
		others := 0
		for other, l := range m.Lines {
			if other != tty && !l.Number.IsZero() {
				others++
			}
		}
		if others > 0 {
			all = append(all, testPair{tty, m.partner(tty, 1+number%others)})
		}
	}
	return all
}

// testAll tests all lines once. It blocks until the last test has ended. Lines in use are skipped.
func (b *Broker) testAll(ctx context.Context, now time.Time) {
	m := b.config.Load().Tests
	pending := b.pairs(m, now)
	busy := map[int]bool{}
	ended := make(chan testPair)
	running := 0
	for {
		for i := 0; i < len(pending) && running < max(m.Schedule.AtOnce, 1) && ctx.Err() == nil; {
			p := pending[i]
			if busy[p.from] || busy[p.to] {
				i++
				continue
			}
			pending = slices.Delete(pending, i, i+1)
			busy[p.from], busy[p.to] = true, true
			running++
			go func() {
				b.testPair(ctx, p)
				ended <- p
			}()
		}
		if running == 0 {
			return
		}
		p := <-ended
		running--
		delete(busy, p.from)
		delete(busy, p.to)
	}
}

func (b *Broker) testPair(ctx context.Context, p testPair) {
	_, err := b.TestModem(ctx, TestOrder{TTY: p.from, With: p.to, By: scheduled})
	if err != nil {
		b.publish(events.ModemTestSkipped{Line: p.from, With: p.to, Reason: err})
	}
}
