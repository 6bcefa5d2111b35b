package chat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/ringback/ringback/numbers"
)

// Conn is a modem in command state: Read receives from the modem, Write sends to it. SetReadDeadline may be called
// while a Read blocks, and ends it with os.ErrDeadlineExceeded. Write must not block forever: if the Conn also has
// SetWriteDeadline, Run sets it.
type Conn interface {
	io.ReadWriter
	SetReadDeadline(t time.Time) error
	// Break sends a BREAK condition of about d.
	Break(d time.Duration) error
}

// Options are the parameters of one run of a script.
type Options struct {
	// Dialstring replaces \T. Without one, Run rejects a script with \T before it sends anything.
	Dialstring numbers.Dialstring
	// As is who we are at the other side: it replaces \L and \P, and its secret is shown as [secret]. Without one, Run
	// rejects a script with these before it sends anything: they are never for a modem.
	As As
	// Secrets are shown as [secret] in the transcript, the debug lines and the errors, sent or echoed. Those of
	// Dialstring are too, and the script's own: a send with \q, and one that answers a prompt for a password.
	Secrets []string
	// Peer names the other side in errors; "" is "the modem".
	Peer string
	// Debug receives one line per event, in the format of IOS's `debug chat` without the CHAT prefix; nil for none. It
	// must not block.
	Debug func(text string)
}

var (
	errNoNumber = errors.New("the dial string is empty")
	errNobody   = errors.New(`\L and \P are for the system script of a dial-out, with send_name and send_secret`)
)

// As is a name and a secret with which a script logs on to the other side.
type As struct{ Name, Secret string }

// Outcome is how a run ended.
type Outcome string

const (
	Success   Outcome = "success"
	Aborted   Outcome = "aborted"   // an ABORT string was received
	TimedOut  Outcome = "timed out" // an expect without an alternative was not received in time
	Lost      Outcome = "lost"      // the Conn ended or failed
	Cancelled Outcome = "cancelled" // ctx ended
	Refused   Outcome = "refused"   // the script dials and no number was given; nothing was sent
)

// Result is the result of a run.
type Result struct {
	Outcome    Outcome
	Abort      string // the ABORT string received, control characters escaped
	Expect     string // the pending expect when the run ended, control characters escaped; "" at a send
	Step       int    // the word at which the run ended, counted from 1; 0 if none was reached
	Elapsed    time.Duration
	Transcript []Entry
	Err        error // nil on Success; otherwise wraps the Conn's error or ctx's cause
}

// Run runs the script and blocks until it ends: after its last step, at an ABORT string, at a timeout, when c fails or
// when ctx ends. It reads one octet at a time and none beyond the match of its last expect, so data after CONNECT
// remains in c. Input buffered in c before the first expect can match an ABORT string: drain it first. Run clears the
// read deadline of c when it returns.
func (s *Script) Run(ctx context.Context, c Conn, o Options) Result {
	r := new(runner) // not a composite literal, which would be built on the stack first
	r.ctx, r.conn, r.script, r.o, r.start, r.timeout = ctx, c, s, o, time.Now(), DefaultTimeout
	r.o.Secrets = slices.Concat(o.Secrets, o.Dialstring.Secrets(), s.secrets(), []string{o.As.Secret})
	r.log.hide(r.o.Secrets)
	r.writes, _ = c.(writeDeadliner)
	if o.Dialstring.IsZero() && s.UsesDialstring() {
		r.end(Refused, errNoNumber)
		return r.result()
	}
	if o.As == (As{}) && s.logsOn() {
		r.end(Refused, errNobody)
		return r.result()
	}
	r.debug("Chat script ", s.Name, " started.")
	release := r.watch()
	r.steps()
	release()
	if r.res.Outcome == "" {
		r.end(Success, nil)
	}
	r.debug("Chat script ", s.Name, " finished, status = ", r.status())
	return r.result()
}

type writeDeadliner interface{ SetWriteDeadline(t time.Time) error }

// runner is one run. Its methods return false after they have called end.
type runner struct {
	ctx    context.Context
	conn   Conn
	writes writeDeadliner // nil if conn does not implement it
	script *Script
	o      Options

	start   time.Time
	timeout time.Duration
	aborts  []finder
	log     transcript
	expects *pattern // the pending expect; nil at a send
	in      [1]byte
	out     []byte   // octets to send next
	room    [64]byte // initial storage of out
	res     Result
}

// watch unblocks a Read or Write when ctx ends. The returned function stops this and clears the deadlines.
func (r *runner) watch() (release func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(r.ctx, func() {
		defer close(done)
		past := time.Unix(1, 0)
		_ = r.conn.SetReadDeadline(past)
		if r.writes != nil {
			_ = r.writes.SetWriteDeadline(past)
		}
	})
	return func() {
		if !stop() {
			<-done
		}
		_ = r.conn.SetReadDeadline(time.Time{})
		if r.writes != nil {
			_ = r.writes.SetWriteDeadline(time.Time{})
		}
	}
}

func (r *runner) steps() {
	for i := range r.script.steps {
		st := &r.script.steps[i]
		r.res.Step = st.word + 1
		if !r.alive() || !r.step(st) {
			return
		}
	}
}

func (r *runner) step(st *step) bool {
	switch st.kind {
	case stepAbort:
		if r.aborts == nil {
			r.aborts = make([]finder, 0, len(r.script.steps))
		}
		r.aborts = append(r.aborts, finder{pattern: st.abort})
	case stepTimeout:
		r.timeout = st.timeout
	case stepSend:
		return r.send(st.send)
	case stepExpect:
		return r.expect(st.alts)
	}
	return true
}

// alive ends the run if ctx has ended.
func (r *runner) alive() bool {
	if r.ctx.Err() == nil {
		return true
	}
	return r.end(Cancelled, context.Cause(r.ctx))
}

// expect waits for each alternative in turn and, after each timeout, sends its send.
func (r *runner) expect(alts []alternative) bool {
	for _, a := range alts {
		r.expects = a.expect
		seen := r.await(a)
		r.expects = nil
		if seen || r.res.Outcome != "" {
			return seen
		}
		if !r.send(a.send) {
			return false
		}
	}
	return true
}

// await reads until a's pattern is received. False without an outcome means a timeout after which a send follows.
func (r *runner) await(a alternative) bool {
	if len(a.expect.text) == 0 {
		return true
	}
	if r.o.Debug != nil {
		r.debug("Expecting string: ", r.log.show(a.expect.text))
	}
	deadline := time.Now().Add(r.timeout)
	if err := r.conn.SetReadDeadline(deadline); err != nil {
		return r.end(Lost, err)
	}
	if !r.alive() { // checked after setting the deadline, which may have replaced the one set at the end of ctx
		return false
	}
	find := finder{pattern: a.expect}
	r.log.next(received)
	err := r.scan(&find, deadline)
	switch {
	case r.res.Outcome != "":
		return false
	case err == nil:
		if r.o.Debug != nil {
			r.debug("Completed match for expect: ", r.log.show(a.expect.text))
		}
		return true
	case r.ctx.Err() != nil:
		return r.alive()
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return r.end(Lost, err)
	}
	return r.timedOut(a)
}

// scan reads until the octet just read completes find or an ABORT string. If it completes both, the ABORT takes
// precedence.
func (r *runner) scan(find *finder, deadline time.Time) error {
	for reads, empty := 1, 0; ; reads++ {
		n, err := r.conn.Read(r.in[:])
		if n == 0 {
			if empty++; err == nil && empty == 100 {
				err = io.ErrNoProgress
			}
			if err != nil {
				return err
			}
			continue
		}
		empty = 0
		r.log.add(r.in[0], time.Since(r.start))
		if r.aborted(r.in[0]) {
			return nil
		}
		if find.next(r.in[0]) {
			return nil
		}
		if err != nil {
			return err
		}
		// On a Conn that checks deadlines only when it blocks, continuous output must not extend the timeout.
		if reads%64 == 0 && (r.ctx.Err() != nil || !time.Now().Before(deadline)) {
			return os.ErrDeadlineExceeded
		}
	}
}

// aborted passes the octet to all ABORT strings, and ends the run at the first one that it completes.
func (r *runner) aborted(b byte) bool {
	hit := -1
	for i := range r.aborts {
		if r.aborts[i].next(b) && hit < 0 {
			hit = i
		}
	}
	if hit < 0 {
		return false
	}
	r.res.Abort = r.log.show(r.aborts[hit].text)
	r.end(Aborted, nil)
	return true
}

func (r *runner) timedOut(a alternative) bool {
	text := r.log.show(a.expect.text)
	r.debug("Timeout expecting: ", text)
	r.log.event("no "+text+" within "+r.timeout.String(), r.start)
	if a.send != nil {
		return false
	}
	return r.end(TimedOut, nil)
}

// send sends s, with one write up to each pause or BREAK.
func (r *runner) send(s *send) bool {
	if s == nil {
		return true
	}
	if r.o.Debug != nil && len(s.ops) > 0 {
		r.debug("Sending string: ", s.show(r.o))
	}
	r.out = r.room[:0]
	for _, o := range s.ops {
		ok := true
		switch o.kind {
		case opLiteral:
			r.out = append(r.out, o.bytes...)
		case opDial:
			r.out = append(r.out, r.o.Dialstring.Text()...)
		case opName:
			r.out = append(r.out, r.o.As.Name...)
		case opSecret:
			r.out = append(r.out, r.o.As.Secret...)
		case opPause:
			ok = r.flush() && r.pause(o.pause)
		case opBreak:
			ok = r.flush() && r.sendBreak()
		}
		if !ok {
			return false
		}
	}
	return r.flush()
}

// flush writes the collected octets.
func (r *runner) flush() bool {
	if len(r.out) == 0 {
		return true
	}
	if r.writes != nil {
		if err := r.writes.SetWriteDeadline(time.Now().Add(r.timeout)); err != nil {
			return r.end(Lost, err)
		}
	}
	if !r.alive() {
		return false
	}
	n, err := r.conn.Write(r.out)
	r.log.next(sent)
	at := time.Since(r.start)
	for _, b := range r.out[:max(0, min(n, len(r.out)))] {
		r.log.add(b, at)
	}
	if err == nil && n < len(r.out) {
		err = io.ErrShortWrite
	}
	r.out = r.out[:0]
	switch {
	case err == nil:
		return true
	case r.ctx.Err() != nil:
		return r.alive()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return r.end(TimedOut, err)
	}
	return r.end(Lost, err)
}

func (r *runner) pause(d time.Duration) bool {
	r.log.event("pause "+d.String(), r.start)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.ctx.Done():
		return r.alive()
	}
}

// sendBreak sends a BREAK. A port that does not support it is recorded but not a failure (in IOS, it "may not work on
// all systems"); the next expect decides.
func (r *runner) sendBreak() bool {
	if !r.alive() {
		return false
	}
	if err := r.conn.Break(breakLength); err != nil {
		r.log.event("BREAK not sent: "+r.log.show([]byte(err.Error())), r.start)
		return true
	}
	r.log.event("BREAK", r.start)
	return true
}

// end sets the outcome, if not yet set. It returns false for the convenience of its callers.
func (r *runner) end(o Outcome, cause error) bool {
	if r.res.Outcome != "" {
		return false
	}
	r.res.Outcome = o
	if r.expects != nil {
		r.res.Expect = r.log.show(r.expects.text)
	}
	if o != Success {
		r.res.Err = r.errorOf(o, cause)
	}
	return false
}

func (r *runner) errorOf(o Outcome, cause error) error {
	where := "in a send"
	if r.res.Expect != "" {
		where = "while waiting for " + r.res.Expect
	}
	if r.res.Step > 0 {
		where += fmt.Sprintf(" (word %d)", r.res.Step)
	}
	name := r.script.Name
	switch {
	case o == Aborted:
		return fmt.Errorf("chat script %s: %s said %s %s", name, cmp.Or(r.o.Peer, "the modem"), r.res.Abort, where)
	case o == TimedOut && cause == nil:
		return fmt.Errorf("chat script %s: no %s within %v (word %d)", name, r.res.Expect, r.timeout, r.res.Step)
	case o == TimedOut:
		return fmt.Errorf("chat script %s: write blocked for %v %s: %w", name, r.timeout, where, cause)
	case o == Lost:
		return fmt.Errorf("chat script %s: line lost %s: %w", name, where, cause)
	case o == Cancelled:
		return fmt.Errorf("chat script %s: cancelled %s: %w", name, where, cause)
	case o == Refused:
		return fmt.Errorf("chat script %s: nothing was sent: %w", name, cause)
	}
	return nil
}

// status returns the outcome as shown in the last debug line.
func (r *runner) status() string {
	switch r.res.Outcome {
	case Success:
		return "Success"
	case Aborted:
		return "Aborted by " + r.res.Abort
	case TimedOut:
		return "Timed out"
	case Cancelled:
		return "Cancelled"
	}
	return "Line lost"
}

func (r *runner) debug(parts ...string) {
	if r.o.Debug == nil {
		return
	}
	text := ""
	for _, p := range parts {
		text += p
	}
	r.o.Debug(text)
}

func (r *runner) result() Result {
	r.res.Elapsed = time.Since(r.start)
	r.res.Transcript = r.log.entries()
	return r.res
}
