// Package backtoback tests two lines over a call from one to the other: each end proves that it is the other's, data
// passes both ways, the escape sequence stays data, and the hang-up is noticed. It dials nothing and knows no modem
// commands.
package backtoback

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ringback/ringback/lines"
)

// Options are the parameters of a test. The zero value is usable.
type Options struct {
	SevenBits bool          // the eighth bit of an octet does not cross one of the ports
	XONXOFF   bool          // XON and XOFF do not cross one of the ports
	Guard     time.Duration // silence around the escape sequence; 0: 1.5 s, more than the usual S12 of 1 s
	Step      time.Duration // maximum time of one step; 0: 20 s
}

// Step is a part of a test.
type Step string

// The steps, in their order.
const (
	Identify Step = "identification" // the far end is the other line's
	Data     Step = "data"
	Escape   Step = "escape"
	HangUp   Step = "hang-up"
)

// Report is what a test has measured.
type Report struct {
	Octets      int           // that crossed the call each way and were compared
	There, Back time.Duration // the time that they took, from the calling line and to it
	Down        time.Duration // from the order to hang up to the proof on both lines
}

// Failure is the error of a step: what was seen, and the lines that may have caused it.
type Failure struct {
	Step  Step
	Lines []int // by TTY
	Text  string
}

// Error returns the step and the text.
func (f *Failure) Error() string { return string(f.Step) + ": " + f.Text }

// ErrOther is wrapped by the error of Run if the called line has the call of somebody else: the calling line could not
// be identified, and the calls have ended independently.
var ErrOther = errors.New("the calls of the two lines are not the same")

// Run tests the two ends of what should be one call and hangs both up in any case. It blocks until both lines are
// proven on hook, or could not be. The error is a *Failure, or the cause of ctx. An end that does not prove to be the
// other one is told nothing.
func Run(ctx context.Context, from, to *lines.Call, o Options) (r Report, err error) {
	if o.Guard == 0 {
		o.Guard = 1500 * time.Millisecond
	}
	if o.Step == 0 {
		o.Step = 20 * time.Second
	}
	t := test{Options: o, from: end{Call: from}, to: end{Call: to}}
	stop := context.AfterFunc(ctx, func() {
		for _, c := range []*lines.Call{from, to} {
			_ = c.SetReadDeadline(time.Unix(1, 0))
			_ = c.SetWriteDeadline(time.Unix(1, 0))
		}
	})
	defer stop()
	for _, step := range []func(context.Context, *Report) error{t.identify, t.data, t.escape} {
		if err = step(ctx, &r); err != nil {
			break
		}
	}
	noticed, down := t.hangUp(ctx, &r)
	switch {
	case t.unknown && down == nil && (!noticed || t.apart):
		err = fmt.Errorf("%w: %w", ErrOther, err)
	case err == nil && down != nil:
		err = down
	case err == nil && !noticed:
		err = fail(HangUp, fmt.Sprintf("tty %d hung up, and tty %d did not notice it within %v (does its DCD follow "+
			"the carrier?)", t.from.TTY, t.to.TTY, t.Step), t.to.TTY)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return r, err
}

// test is one run.
type test struct {
	Options
	from, to end
	unknown  bool // nothing of the calling line has arrived at the other
	apart    bool // the call of the other line has ended, and that of the calling line has not
}

// end is one end of the call.
type end struct {
	*lines.Call
	in []byte // read and not used yet
}

// fail is the failure of a step.
func fail(step Step, text string, ttys ...int) error {
	return &Failure{Step: step, Lines: ttys, Text: text}
}

// deadline returns when a step must be over; in the past if ctx has ended.
func (t *test) deadline(ctx context.Context) time.Time {
	if ctx.Err() != nil {
		return time.Unix(1, 0)
	}
	return time.Now().Add(t.Step)
}

// send writes all octets.
func (e *end) send(by time.Time, b []byte) error {
	if err := e.SetWriteDeadline(by); err != nil {
		return err
	}
	_, err := e.Write(b)
	return err
}

// more reads some octets.
func (e *end) more(by time.Time) error {
	if err := e.SetReadDeadline(by); err != nil {
		return err
	}
	buf := make([]byte, 1024)
	n, err := e.Read(buf)
	e.in = append(e.in, buf[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

// maxBefore is how many octets may precede a text that is awaited.
const maxBefore = 4 << 10

// until reads up to a text and returns what came before it.
func (e *end) until(by time.Time, text []byte) ([]byte, error) {
	for {
		if i := bytes.Index(e.in, text); i >= 0 {
			before := e.in[:i]
			e.in = e.in[i+len(text):]
			return before, nil
		}
		if len(e.in) > maxBefore {
			return e.in, errors.New("too much other data")
		}
		if err := e.more(by); err != nil {
			return e.in, err
		}
	}
}

// why describes the error of a read or a write.
func why(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing more arrived in time"
	case errors.Is(err, io.EOF):
		return "the call ended"
	}
	return err.Error()
}

// token is a text that nobody can guess, on a line of its own.
func token() []byte { return []byte("\r\n" + rand.Text() + "\r\n") }

// identify makes both ends prove that they are those of one call: the calling line sends a secret, which only the
// other can have received, and the answer to it is a second one. A stranger learns nothing: the called line sends
// nothing before it has seen the first secret.
func (t *test) identify(ctx context.Context, _ *Report) error {
	ask, answer := token(), token()
	by := t.deadline(ctx)
	if err := t.from.send(by, ask); err != nil {
		return fail(Identify, fmt.Sprintf("tty %d cannot send: %s", t.from.TTY, why(err)), t.from.TTY)
	}
	if _, err := t.to.until(by, ask); err != nil {
		t.unknown = true
		if errors.Is(err, io.EOF) {
			t.apart = !t.ends(ctx, t.from)
		}
		return fail(Identify, fmt.Sprintf("what tty %d sent did not arrive at tty %d: %s. Another call was "+
			"answered, or "+
			"the modems do not pass data", t.from.TTY, t.to.TTY, why(err)), t.from.TTY, t.to.TTY)
	}
	if err := t.to.send(by, answer); err != nil {
		return fail(Identify, fmt.Sprintf("tty %d cannot send: %s", t.to.TTY, why(err)), t.to.TTY)
	}
	if _, err := t.from.until(by, answer); err != nil {
		return fail(Identify, fmt.Sprintf("what tty %d sent did not arrive at tty %d: %s", t.to.TTY, t.from.TTY,
			why(err)),
			t.from.TTY, t.to.TTY)
	}
	return nil
}

// pattern has every octet that must cross the call, upwards, downwards, and each beside its complement.
func (t *test) pattern() []byte {
	var up []byte
	for c := range 256 {
		switch {
		case t.SevenBits && c > 0x7f, t.XONXOFF && (c&0x7f == 0x11 || c&0x7f == 0x13):
		default:
			up = append(up, byte(c))
		}
	}
	all := append([]byte{}, up...)
	for i := range up {
		all = append(all, up[len(up)-1-i])
	}
	for i := range up {
		all = append(all, up[i], up[len(up)-1-i])
	}
	return all
}

// data sends the pattern both ways.
func (t *test) data(ctx context.Context, r *Report) error {
	for _, way := range []struct {
		from, to *end
		took     *time.Duration
	}{{&t.from, &t.to, &r.There}, {&t.to, &t.from, &r.Back}} {
		began := time.Now()
		if err := t.cross(ctx, way.from, way.to); err != nil {
			return err
		}
		*way.took = time.Since(began)
	}
	r.Octets = len(t.pattern())
	return nil
}

// cross sends the pattern from one end to the other and compares it.
func (t *test) cross(ctx context.Context, from, to *end) error {
	want := t.pattern()
	by := t.deadline(ctx)
	sent := make(chan error, 1)
	go func() { sent <- from.send(by, want) }()
	var err error
	for len(to.in) < len(want) && err == nil {
		err = to.more(by)
	}
	if unsent := <-sent; unsent != nil {
		return fail(Data, fmt.Sprintf("tty %d cannot send: %s", from.TTY, why(unsent)), from.TTY)
	}
	for i, c := range to.in[:min(len(to.in), len(want))] {
		if c != want[i] {
			return fail(Data, fmt.Sprintf("octet %d from tty %d to tty %d is %#02x instead of %#02x (is the format "+
				"or the "+
				"flow control of one of the ports wrong?)", i+1, from.TTY, to.TTY, c, want[i]), from.TTY, to.TTY)
		}
	}
	if len(to.in) < len(want) {
		return fail(Data, fmt.Sprintf("%d of %d octets from tty %d arrived at tty %d: %s (is flow control wrong?)",
			len(to.in), len(want), from.TTY, to.TTY, why(err)), from.TTY, to.TTY)
	}
	to.in = to.in[len(want):]
	return nil
}

// escape sends the escape sequence with its silence both ways. It must arrive as data, and so must what follows it.
func (t *test) escape(ctx context.Context, _ *Report) error {
	for _, way := range []struct{ from, to *end }{{&t.from, &t.to}, {&t.to, &t.from}} {
		if err := t.escapeAt(ctx, way.from, way.to); err != nil {
			return err
		}
	}
	return nil
}

const plus = "+++"

func (t *test) escapeAt(ctx context.Context, from, to *end) error {
	after := token()
	for _, text := range []string{plus, string(after)} {
		if err := pause(ctx, t.Guard); err != nil {
			return err
		}
		if err := from.send(t.deadline(ctx), []byte(text)); err != nil {
			return fail(Escape, fmt.Sprintf("tty %d cannot send: %s", from.TTY, why(err)), from.TTY)
		}
	}
	before, err := to.until(t.deadline(ctx), after)
	if errors.Is(err, io.EOF) {
		return fail(Escape, "the call ended (`show line` has the notices of the lines)", from.TTY, to.TTY)
	}
	if err != nil {
		text := fmt.Sprintf("after %s with silence around it, nothing passes from tty %d to tty %d: %s", plus, from.TTY,
			to.TTY, why(err))
		if from.more(time.Now().Add(t.Guard)) == nil && bytes.Contains(from.in, []byte("OK")) {
			text += fmt.Sprintf("; the modem of tty %d is in command state", from.TTY)
		}
		return fail(Escape, text+" (a caller could reach the command line: S2)", from.TTY)
	}
	// The driver writes no more than two of a character with which the line's modem escapes.
	if n := len(before); n < len(plus)-1 || strings.Trim(string(before), "+") != "" {
		return fail(Escape, fmt.Sprintf("%s from tty %d arrived as %q at tty %d", plus, from.TTY, before, to.TTY),
			from.TTY,
			to.TTY)
	}
	return nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ends reports whether the call of an end ends by itself within a step.
func (t *test) ends(ctx context.Context, e end) bool {
	limit := time.NewTimer(t.Step)
	defer limit.Stop()
	select {
	case <-e.Done():
		return true
	case <-limit.C:
	case <-ctx.Done():
	}
	return false
}

// hangUp hangs up the calling line, waits until the other has noticed it, or not, and hangs that up. The error is that
// of a line that is not proven on hook.
func (t *test) hangUp(ctx context.Context, r *Report) (noticed bool, err error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*t.Step)
	defer cancel()
	downFrom := t.from.Hangup(ctx)
	noticed = t.ends(ctx, t.to)
	downTo := t.to.Hangup(ctx)
	r.Down = time.Since(began)
	switch {
	case downFrom != nil:
		err = fail(HangUp, fmt.Sprintf("tty %d is not proven on hook: %v", t.from.TTY, downFrom), t.from.TTY)
	case downTo != nil:
		err = fail(HangUp, fmt.Sprintf("tty %d is not proven on hook: %v", t.to.TTY, downTo), t.to.TTY)
	}
	return noticed, err
}
