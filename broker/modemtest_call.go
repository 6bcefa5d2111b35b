package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/backtoback"
)

// The limits of a test.
const (
	testConnect = 30 * time.Second // between the CONNECT of one line and that of the other
	testCall    = 4 * time.Minute  // from CONNECT to the last hang-up
)

// arrival is the result of waiting for the call on the called line.
type arrival struct {
	call *lines.Call
	err  error
	late *time.Timer // gives up the dial; nil without a call
}

// waitFor returns the call on the called line. stop ends the wait for it: at once, or after testConnect if it may be on
// its way.
func waitFor(arrived <-chan arrival, stop func(), mayCome bool) arrival {
	if mayCome {
		limit := time.NewTimer(testConnect)
		defer limit.Stop()
		select {
		case a := <-arrived:
			return a
		case <-limit.C:
		}
	}
	stop()
	return <-arrived
}

func (a arrival) stop() {
	if a.late != nil {
		a.late.Stop()
	}
}

// runTest places the call of a test, runs it, and sets the result. When it returns, each call is hung up, or could not
// be.
func (b *Broker) runTest(ctx context.Context, cfg *Config, t *modemTest, from, to *lines.Lease) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.opt.Limits.Dial+testConnect+testCall,
		errors.New("the test took too long"))
	defer cancel()
	if locked := b.ordered.admit(&t.orderedDial, &b.lock); locked != "" { // a later lockdown cancels it
		t.conclude(TestInconclusive, locked)
		return
	}
	expecting, stop := context.WithCancel(ctx)
	defer stop()
	arrived := make(chan arrival, 1)
	dialing, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	go func() {
		a := arrival{}
		if a.call, a.err = to.Expect(expecting); a.call != nil {
			// If the dial is not connected soon, this is the call of somebody else.
			a.late = time.AfterFunc(testConnect, func() { giveUp(errNotThere) })
		}
		arrived <- a
	}()
	began := time.Now()
	d := cfg.dialTest(dialing, from, t)
	ended := time.Now()
	t.Dial = ended.Sub(began)
	if d.Call == nil {
		a := waitFor(arrived, stop, d.Outcome == "busy")
		a.stop()
		b.notConnected(ctx, t, d, a, ringsOf(from, to, ended))
		return
	}
	t.Connect = d.Call.Connect
	a := waitFor(arrived, stop, true)
	a.stop()
	if a.call == nil {
		down := b.hangUp(d.Call)
		t.notCalled(a.err, down, ringsOf(from, to, ended))
		return
	}
	t.Answered = a.call.Connect
	b.backToBack(ctx, t, d.Call, a.call, ringsOf(from, to, ended))
}

// rings says what has rung on the called line in a test.
type rings struct {
	any   bool // a call rang, which may be that of the test
	other bool // a call rang that cannot be that of the test: before the dial command was sent, or after the dial ended
}

// ringsOf looks at the first ring on the called line. A later one may be of the same call.
func ringsOf(from, to *lines.Lease, ended time.Time) rings {
	rang, dialed := to.Rang(), from.Dialed()
	if rang.IsZero() {
		return rings{}
	}
	return rings{any: true, other: dialed.IsZero() || rang.Before(dialed) || rang.After(ended)}
}

// errNotThere ends a dial whose partner has another call.
var errNotThere = errors.New("the other line has connected, and not with this call")

// dialTest dials the number of a test through its trunk.
func (c *Config) dialTest(ctx context.Context, l lines.Dialable, t *modemTest) lines.Dialed {
	site := c.Policies.Site()
	what, err := site.Trunks.Dialstring(site.Plan, t.number, t.trunk)
	if err != nil {
		return lines.Dialed{Outcome: "refused", Detail: err.Error(), Final: true, Unanswered: true}
	}
	script := c.Lines[t.TTY].CallbackScript
	if script == "" {
		script = "^exec-callback$"
	}
	return c.Dialer.Dial(ctx, l, script, what)
}

// backToBack runs the test over a call.
func (b *Broker) backToBack(ctx context.Context, t *modemTest, from, to *lines.Call, r rings) {
	began := time.Now()
	report, err := backtoback.Run(ctx, from, to, backtoback.Options{SevenBits: t.from.SevenBits || t.to.SevenBits,
		XONXOFF: t.from.XONXOFF || t.to.XONXOFF})
	t.Octets, t.There, t.Back = report.Octets, report.There, report.Back
	t.Down, t.Call = report.Down, time.Since(began)
	var f *backtoback.Failure
	switch {
	case err == nil:
		t.Result = TestPassed
	case errors.Is(err, backtoback.ErrOther), errors.As(err, &f) && f.Step == backtoback.Identify && r.other:
		t.stranger(err.Error())
	case errors.As(err, &f):
		t.conclude(TestFailed, f.Error(), f.Lines...)
	default:
		t.conclude(TestInconclusive, endedBy(err))
	}
}

// endedBy says what ended a test.
func endedBy(cause error) string {
	if errors.Is(cause, context.Canceled) {
		return "it was cancelled"
	}
	return "it was ended: " + cause.Error()
}

// notConnected concludes a test whose dial has not connected. A dial that ended busy has not reached the called line:
// if that rang, then for somebody else. A dial that got no answer may be the call that rang.
func (b *Broker) notConnected(ctx context.Context, t *modemTest, d lines.Dialed, a arrival, r rings) {
	answered := a.call != nil || errors.Is(a.err, lines.ErrMissed)
	if a.call != nil {
		if err := b.hangUp(a.call); err != nil {
			t.conclude(TestFailed, fmt.Sprintf("hang-up: tty %d is not proven on hook: %v", t.With, err), t.With)
			return
		}
	}
	said := fmt.Sprintf("dial: %s: %s", d.Outcome, d.Detail)
	switch {
	case ctx.Err() != nil:
		t.conclude(TestInconclusive, endedBy(context.Cause(ctx)))
	case d.Outcome == "glare", d.Outcome == "cancelled" && !answered:
		t.conclude(TestInconclusive, said)
	case a.call != nil, d.Outcome == "busy" && (answered || r.any), r.other && concernsCalled(d.Outcome):
		t.stranger(said)
	case d.Outcome == "busy":
		t.conclude(TestFailed, fmt.Sprintf("%s (is the telephone line of tty %d off hook, or %s not its number?)", said,
			t.With, t.Number), t.With)
	case d.Outcome == "no answer", d.Outcome == "timed out", d.Outcome == "voice", d.Outcome == "fax",
		d.Outcome == "no carrier" && !answered:
		t.conclude(TestFailed, fmt.Sprintf("%s (tty %d was not called or did not answer: check its telephone cable "+
			"and its number)", said, t.With), t.With)
	case d.Outcome == "no carrier":
		t.conclude(TestFailed, said+" (the modems found no common modulation)", t.TTY, t.With)
	default:
		t.conclude(TestFailed, said, t.TTY)
	}
}

// concernsCalled reports whether a dial can end like this because the called line has another call.
func concernsCalled(outcome string) bool {
	switch outcome {
	case "no answer", "timed out", "voice", "fax", "no carrier":
		return true
	}
	return false
}

// stranger concludes a test during which somebody else called the line.
func (t *modemTest) stranger(said string) {
	t.conclude(TestInconclusive, fmt.Sprintf("somebody else called tty %d; %s", t.With, said))
}

// notCalled concludes a test whose dial connected while the called line had no call: the number is another one's, or
// the modem lies.
func (t *modemTest) notCalled(why, down error, r rings) {
	said := fmt.Sprintf("tty %d reported %s, and tty %d had no call", t.TTY, t.Connect, t.With)
	if why != nil && !errors.Is(why, context.Canceled) { // that only ended the wait for the call
		said += ": " + why.Error()
	}
	if down == nil && r.other {
		t.stranger(said)
		return
	}
	if down != nil {
		said += fmt.Sprintf("; tty %d is not proven on hook: %v", t.TTY, down)
	}
	t.conclude(TestFailed, fmt.Sprintf("%s (is %s the number of tty %d? otherwise the modem of tty %d reports calls "+
		"that it has not placed)", said, t.Number, t.With, t.TTY), t.TTY)
}

// conclude sets the result of a test that has not passed, and the lines that may have caused it.
func (t *modemTest) conclude(r TestResult, text string, blamed ...int) {
	t.Result, t.Text, t.Blamed = r, text, blamed
}
