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
	t.Dial = time.Since(began)
	if d.Call == nil {
		a := waitFor(arrived, stop, d.Outcome == "busy")
		a.stop()
		b.notConnected(ctx, t, d, a)
		return
	}
	t.Connect = d.Call.Connect
	a := waitFor(arrived, stop, true)
	a.stop()
	if a.call == nil {
		down := b.hangUp(d.Call)
		t.notCalled(a.err, down)
		return
	}
	t.Answered = a.call.Connect
	b.backToBack(ctx, t, d.Call, a.call)
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
func (b *Broker) backToBack(ctx context.Context, t *modemTest, from, to *lines.Call) {
	began := time.Now()
	r, err := backtoback.Run(ctx, from, to, backtoback.Options{SevenBits: t.from.SevenBits || t.to.SevenBits,
		XONXOFF: t.from.XONXOFF || t.to.XONXOFF})
	t.Octets, t.There, t.Back, t.Down, t.Call = r.Octets, r.There, r.Back, r.Down, time.Since(began)
	var f *backtoback.Failure
	switch {
	case err == nil:
		t.Result = TestPassed
	case errors.As(err, &f):
		t.conclude(TestFailed, f.Error(), f.Lines...)
	default:
		t.conclude(TestInconclusive, "it was ended: "+err.Error())
	}
}

// notConnected concludes a test whose dial has not connected.
func (b *Broker) notConnected(ctx context.Context, t *modemTest, d lines.Dialed, a arrival) {
	stranger := a.call != nil || errors.Is(a.err, lines.ErrMissed)
	if a.call != nil {
		if err := b.hangUp(a.call); err != nil {
			t.conclude(TestFailed, fmt.Sprintf("hang-up: tty %d is not proven on hook: %v", t.With, err), t.With)
			return
		}
	}
	said := fmt.Sprintf("dial: %s: %s", d.Outcome, d.Detail)
	switch {
	case ctx.Err() != nil:
		t.conclude(TestInconclusive, "it was ended: "+context.Cause(ctx).Error())
	case d.Outcome == "glare", d.Outcome == "cancelled" && !stranger:
		t.conclude(TestInconclusive, said)
	case a.call != nil:
		t.conclude(TestInconclusive, fmt.Sprintf("somebody else called tty %d; %s", t.With, said))
	case d.Outcome == "busy" && stranger:
		t.conclude(TestInconclusive, fmt.Sprintf("somebody else called tty %d; %s", t.With, said))
	case d.Outcome == "busy":
		t.conclude(TestFailed, fmt.Sprintf("%s (is the telephone line of tty %d off hook, or %s not its number?)", said,
			t.With, t.Number), t.With)
	case d.Outcome == "no answer", d.Outcome == "timed out", d.Outcome == "voice", d.Outcome == "fax",
		d.Outcome == "no carrier" && !stranger:
		t.conclude(TestFailed, fmt.Sprintf("%s (tty %d was not called or did not answer: check its telephone cable "+
			"and its number)", said, t.With), t.With)
	case d.Outcome == "no carrier":
		t.conclude(TestFailed, said+" (the modems found no common modulation)", t.TTY, t.With)
	default:
		t.conclude(TestFailed, said, t.TTY)
	}
}

// notCalled concludes a test whose dial connected while the called line had no call: the number is another one's, or
// the modem lies.
func (t *modemTest) notCalled(why, down error) {
	said := fmt.Sprintf("tty %d reported %s, and tty %d had no call", t.TTY, t.Connect, t.With)
	if why != nil && !errors.Is(why, context.Canceled) { // that only ended the wait for the call
		said += ": " + why.Error()
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
