package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
)

// ModemTests is what the configuration allows of the calls that test lines: from one line to the number of another. It
// is the only permission to dial a number of the site's own. The zero value allows none.
type ModemTests struct {
	Lines           map[int]TestLine // the lines that may be tested, by TTY
	Numbers         []numbers.Number // other numbers that an order may name, such as that of a rotary
	MaxPerDay       int              // dials in 24 hours, restarts or not
	QuarantineAfter int              // failed tests of a line in a row; 0: no line is quarantined
	Schedule        TestSchedule
}

// TestLine is a line that may be tested.
type TestLine struct {
	Number    numbers.Number // at which this line alone is called; zero: it cannot be called
	SevenBits bool           // its port has seven data bits
	XONXOFF   bool           // its port removes XON and XOFF
}

// TestOrder asks for a test.
type TestOrder struct {
	TTY    int    // dials
	With   int    // is called; 0: the next line that may be tested
	Number string // to dial, in any notation of the number plan; "": that of the line With
	By     string // the operator, for the audit
}

// The errors of TestModem; no call was placed.
var (
	// ErrTestDenied: the configuration does not allow the test.
	ErrTestDenied = errors.New("the modem test is not allowed")
	// ErrTestBusy: a line or the number is in use, or must not be dialed now.
	ErrTestBusy = errors.New("the modem test cannot begin now")
	// ErrTestNotRecorded: the dial could not be counted on disk.
	ErrTestNotRecorded = errors.New("the modem test cannot be recorded")
)

// TestModem tests two lines with a call from one to the other and blocks until both are on hook again. The call is
// counted in the journal before its first octet, and never repeated. Both lines are leased meanwhile: no session ever
// begins on them. An error that wraps ErrTestDenied, ErrTestBusy or ErrTestNotRecorded means that nothing was dialed.
// ctx ends the test early.
func (b *Broker) TestModem(ctx context.Context, o TestOrder) (ModemTest, error) {
	var result ModemTest
	var err error
	if !b.ordered.run(ctx, func(ctx context.Context, cancel context.CancelCauseFunc) {
		result, err = b.testModem(ctx, cancel, o)
	}) {
		return ModemTest{}, fmt.Errorf("%w: %w", ErrTestBusy, errShutdown)
	}
	return result, err
}

// modemTest is a test in progress.
type modemTest struct {
	ModemTest
	orderedDial
	trunk    string
	from, to TestLine
}

func (b *Broker) testModem(ctx context.Context, cancel context.CancelCauseFunc, o TestOrder) (ModemTest, error) {
	cfg := b.config.Load()
	t, err := b.planTest(cfg, o)
	if err != nil {
		return ModemTest{}, err
	}
	t.cancel = cancel
	b.untilSettled(ctx, t.TTY, t.With)
	if err := b.beginTest(cfg, t); err != nil {
		return ModemTest{}, err
	}
	defer func() {
		b.ordered.remove(&t.orderedDial)
		b.tests.remove()
	}()
	from, to, err := b.testLeases(ctx, t)
	if err != nil {
		return ModemTest{}, err
	}
	release := func() { // at once: the disk must not keep the lines
		from.Release()
		to.Release()
	}
	if err := b.recordTest(ctx, t); err != nil {
		release()
		return ModemTest{}, err
	}
	func() {
		defer release()
		b.runTest(ctx, cfg, t, from, to)
	}()
	t.Ended = time.Now().Round(0)
	b.finishTest(cfg, t)
	return t.ModemTest, nil
}

// planTest finds the lines and the number of a test, and rejects what the configuration does not allow.
func (b *Broker) planTest(cfg *Config, o TestOrder) (*modemTest, error) {
	tests := cfg.Tests
	denied := func(format string, args ...any) (*modemTest, error) {
		return nil, fmt.Errorf("%w: %w", ErrTestDenied, fmt.Errorf(format, args...))
	}
	if _, ok := tests.Lines[o.TTY]; !ok {
		return denied("tty %d is not one of modem_test.lines", o.TTY)
	}
	if o.With == 0 {
		if o.With = tests.partner(o.TTY, 1); o.With == 0 {
			return denied("no other line of modem_test.lines has a number (lines[].number)")
		}
	}
	to, ok := tests.Lines[o.With]
	switch {
	case !ok:
		return denied("tty %d is not one of modem_test.lines", o.With)
	case o.With == o.TTY:
		return denied("tty %d cannot call itself", o.TTY)
	}
	t := &modemTest{ModemTest: ModemTest{ID: newID(), TTY: o.TTY, With: o.With, By: o.By}, from: tests.Lines[o.TTY],
		to: to}
	t.orderedDial = orderedDial{what: fmt.Sprintf("modem test %s of tty %d with tty %d", t.ID, t.TTY, t.With),
		number: to.Number, ttys: []int{t.TTY, t.With}}
	site := cfg.Policies.Site()
	if o.Number != "" {
		n, err := site.Plan.Canonical(o.Number, numbers.OriginAAA)
		if err != nil {
			return denied("--number: %w", err)
		}
		if n != to.Number && !slices.Contains(tests.Numbers, n) {
			return denied("%s is neither the number of tty %d (lines[].number) nor one of modem_test.numbers", n,
				o.With)
		}
		t.number = n
	}
	if t.number.IsZero() {
		return denied("tty %d has no number of its own (lines[].number)", o.With)
	}
	if err := site.Plan.Check(t.number); err != nil {
		return denied("%w", err)
	}
	if p := site.Plan.IsEmergency(t.number); p != "" {
		return denied("%s matches the emergency number %s", t.number, p)
	}
	t.Number = t.number.String()
	trunk, err := cfg.trunkOf(t.number, o.TTY)
	if err != nil {
		return denied("%w", err)
	}
	t.trunk = trunk
	return t, nil
}

// partner returns the line that is the n-th after a line among those that can be called, in the order of their
// numbers; 0: there is none.
func (m ModemTests) partner(tty, n int) int {
	var others []int
	for other, l := range m.Lines {
		if other != tty && !l.Number.IsZero() {
			others = append(others, other)
		}
	}
	if len(others) == 0 {
		return 0
	}
	slices.Sort(others)
	at, _ := slices.BinarySearch(others, tty)
	return others[(at+n-1)%len(others)]
}

// beginTest takes the lines and the number for a test, unless they are in use or the day's dials are used up. The
// caller must call ordered.remove and tests.remove.
func (b *Broker) beginTest(cfg *Config, t *modemTest) error {
	if err := b.takeOrder(&t.orderedDial); err != nil {
		return fmt.Errorf("%w: %w", ErrTestBusy, err)
	}
	if err := b.tests.add(cfg); err != nil {
		b.ordered.remove(&t.orderedDial)
		return fmt.Errorf("%w: %w", ErrTestBusy, err)
	}
	return nil
}

// testLeases leases both lines of a test, whose modems are probed first.
func (b *Broker) testLeases(ctx context.Context, t *modemTest) (from, to *lines.Lease, err error) {
	ctx, cancel := context.WithTimeout(ctx, orderLeases)
	defer cancel()
	owner := "modem test " + t.ID
	if to, err = b.leaseFor(ctx, owner, t.With, true); err == nil {
		if from, err = b.leaseFor(ctx, owner, t.TTY, false); err == nil {
			return from, to, nil
		}
		to.Release()
	}
	return nil, nil, fmt.Errorf("%w: %w", ErrTestBusy, err)
}

// recordTest counts the dial in the journal. Only then may it be made.
func (b *Broker) recordTest(ctx context.Context, t *modemTest) error {
	t.Started = time.Now().Round(0)
	t.Result = TestInterrupted
	// The operator's patience must not decide whether it is known what is on disk.
	if err := b.opt.Journal.Commit(context.WithoutCancel(ctx), journal.PutCall{Call: t.row()}); err != nil {
		return fmt.Errorf("%w: %w", ErrTestNotRecorded, err)
	}
	b.tests.dialed(t.Started)
	b.publish(events.ModemTestBegan{Test: t.ID, Line: t.TTY, With: t.With, Number: t.Number, By: t.By})
	return nil
}

// row is the test as a row of the journal: its dial.
func (t *modemTest) row() journal.Call {
	return journal.Call{ID: "test-" + t.ID, TTY: t.TTY, Direction: string(lines.Outgoing), Called: t.Number,
		Connect: t.Connect, Service: journal.ModemTest, Start: t.Started, End: t.Ended, Cause: t.summary(),
		Data: mustJSON(t.ModemTest)}
}

// finishTest records the result, and quarantines the lines that have failed too often.
func (b *Broker) finishTest(cfg *Config, t *modemTest) {
	b.dialedAt.note(t.number, t.Ended)
	failing := b.tests.result(t.ModemTest, cfg.Tests.QuarantineAfter)
	rate, priced := cfg.Tariff.Find(t.number)
	end := journal.PutCall{Call: t.row(), Cost: costOf(rate, priced, t.Ended.Sub(t.Started))}
	if err := b.opt.Journal.Commit(context.Background(), end); err != nil {
		b.log.Error("journal: the result of a modem test is not on disk: a restart records it as interrupted",
			zap.String("test", t.ID), zap.Error(err))
	}
	b.Happened(events.ModemTested{Test: t.ID, Line: t.TTY, With: t.With, Number: t.Number, Result: string(t.Result),
		Text: t.Text, By: t.By})
	for _, tty := range failing {
		b.quarantineTested(tty, cfg.Tests.QuarantineAfter, t)
	}
}

// quarantineTested takes a line out of use until an operator restores it.
func (b *Broker) quarantineTested(tty, failures int, t *modemTest) {
	reason := fmt.Sprintf("failed %d modem tests in a row, the last with %s (repair it, then `ringback line restore "+
		"%d`)", failures, t.Text, tty)
	b.busyout.Lock()
	defer b.busyout.Unlock()
	all := b.opt.Pool.Busyouts()
	if _, already := all[tty]; already {
		return
	}
	all[tty] = lines.Busyout{Reason: reason, By: "modem test " + t.ID, Since: time.Now().Round(0), Quarantine: true}
	if err := b.setBusyouts(all); err != nil {
		b.Happened(events.Alarm{Text: fmt.Sprintf("tty %d fails its modem tests and stays in use: %v", tty, err)})
		return
	}
	b.Happened(events.ModemQuarantined{Line: tty, Reason: reason})
}
