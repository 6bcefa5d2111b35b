// Package dialer makes one attempt to ring somebody: it finds the chat script, runs it on a line's modem and says what came of it. It
// does not choose the line, plan attempts, wait or try again, and keeps no state between attempts.
package dialer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
)

// Outcome is what came of an attempt.
type Outcome string

const (
	Connected   Outcome = "connected"
	Busy        Outcome = "busy"
	NoAnswer    Outcome = "no answer"
	NoCarrier   Outcome = "no carrier"
	NoDialtone  Outcome = "no dialtone"
	Glare       Outcome = "glare"       // a call came in on the line as it was about to dial, or while it dialled
	Voice       Outcome = "voice"       // a person answered
	Fax         Outcome = "fax"         // a fax machine answered, or the modem connected as one
	Blacklisted Outcome = "blacklisted" // the modem refuses this number
	Delayed     Outcome = "delayed"     // the modem refuses this number for a while
	ModemError  Outcome = "modem error" // the modem refused a command, or never said CONNECT to a script that ended well
	Aborted     Outcome = "aborted"     // an ABORT string that is no result code
	TimedOut    Outcome = "timed out"   // an expect was not seen in time
	NoScript    Outcome = "no script"   // nothing was sent: no script by that name
	Refused     Outcome = "refused"     // nothing was sent: not a number, or a script that does not dial it
	LineLost    Outcome = "line lost"   // the port or the modem went away, or the line could not be proven on hook
	Cancelled   Outcome = "cancelled"   // ctx ended
)

// final reports whether the same dial can never end otherwise: what is wrong is wrong before a modem hears of it.
func (o Outcome) final() bool { return o == NoScript || o == Refused }

// Dialer makes attempts. The zero Dialer has no scripts and so dials nobody. It may be used by many goroutines at once.
type Dialer struct {
	Scripts []*chat.Script
	// Secrets are masked in transcripts and debug lines.
	Secrets []string
	// Debug gets the lines of IOS's `debug chat`, without prefix; nil for none. It must not block.
	Debug func(tty int, text string)
}

// hangupTime bounds the hang-up of a call that must not be kept, whatever has become of the attempt's ctx.
const hangupTime = 30 * time.Second

// Dial dials number on l with the first script whose name pattern (a regular expression) matches, and blocks until a call is up or the
// line is on hook again. Nothing is sent where there is no number, where no script matches, or where the script has no \T.
func (d *Dialer) Dial(ctx context.Context, l lines.Dialable, pattern string, number numbers.Number) lines.Dialed {
	if number.IsZero() {
		return ended(Refused, fmt.Sprintf("dial on tty%d: the dial string is empty", l.TTY()))
	}
	what := fmt.Sprintf("dial %s on tty%d", number, l.TTY())
	script, err := chat.Select(d.Scripts, pattern)
	if err != nil {
		return ended(NoScript, fmt.Sprintf("%s: %v", what, err))
	}
	if !script.UsesDialstring() {
		return ended(Refused, fmt.Sprintf(`%s: chat script %s has no \T, so it cannot dial the number (example: "ATDT \T")`, what, script.Name))
	}
	d.debug(l, "Matched chat script "+script.Name+" to string "+pattern)
	var res *chat.Result
	call, code, err := l.Dial(ctx, d.runner(l, script, number, &res))
	var said []chat.Entry
	if res != nil {
		said = res.Transcript
	}
	outcome, why := judge(ctx, call, code, res, err)
	heldBack := call == nil && outcome != Cancelled && errors.Is(err, lines.ErrHeldBack)
	if outcome == TimedOut || outcome == ModemError && code == lines.NoResult {
		why = withLastWords(why, said)
	}
	if outcome != Connected && call != nil {
		// The contract has no such case; a call that nobody owns must not stay up all the same.
		if err := hangup(ctx, call); err != nil {
			outcome, why = LineLost, why+"; "+err.Error()
		}
		call = nil
	}
	a := ended(outcome, what+": "+why)
	a.Call, a.HeldBack, a.Transcript = call, heldBack, transcript(said)
	return a
}

func ended(o Outcome, detail string) lines.Dialed {
	return lines.Dialed{Outcome: string(o), Detail: detail, Final: o.final(), Unproven: o == LineLost}
}

func transcript(said []chat.Entry) string {
	var b strings.Builder
	for i, e := range said {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%8.3fs %s %s", e.At.Seconds(), e.Dir, e.Text)
	}
	return b.String()
}

// OffHook runs the modem-off-hook script: the first whose name pattern matches. It blocks until the script ended and returns nil where
// it ended well. The empty pattern does nothing. A script that would dial is refused.
func (d *Dialer) OffHook(ctx context.Context, l lines.Dialable, pattern string) error {
	if pattern == "" {
		return nil
	}
	what := fmt.Sprintf("take tty%d off hook", l.TTY())
	script, err := chat.Select(d.Scripts, pattern)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if script.UsesDialstring() {
		return fmt.Errorf(`%s: chat script %s has \T, so it would dial (example: "" "ATH1" OK)`, what, script.Name)
	}
	d.debug(l, "Matched chat script "+script.Name+" to string "+pattern)
	var res *chat.Result
	code, err := l.Command(ctx, d.runner(l, script, numbers.Number{}, &res))
	if err == nil && res == nil {
		err = errNotRun
	}
	_, ends := outcomeOf(code)
	switch {
	case ends && err != nil:
		return fmt.Errorf("%s: the modem said %s: %w", what, code, err)
	case ends:
		return fmt.Errorf("%s: the modem said %s", what, code)
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

var errNotRun = errors.New("the line did not run the script")

// runner returns what the line runs; the script's result is left in res, which stays nil where the line never ran it.
func (d *Dialer) runner(l lines.Dialable, script *chat.Script, number numbers.Number, res **chat.Result) func(context.Context, lines.CommandConn) error {
	o := chat.Options{Dialstring: number, Secrets: d.Secrets}
	if d.Debug != nil {
		tty := l.TTY()
		o.Debug = func(text string) { d.Debug(tty, text) }
	}
	return func(ctx context.Context, c lines.CommandConn) error {
		r := script.Run(ctx, c, o)
		*res = &r
		return r.Err
	}
}

func (d *Dialer) debug(l lines.Dialable, text string) {
	if d.Debug != nil {
		d.Debug(l.TTY(), text)
	}
}

// judge names the outcome of a dial and says why. What the driver read as a result code goes before what the script made of it.
func judge(ctx context.Context, call *lines.Call, code lines.ResultCode, res *chat.Result, err error) (Outcome, string) {
	if call != nil && err == nil && res != nil && res.Outcome == chat.Success {
		return Connected, call.Connect
	}
	if res != nil && res.Outcome == chat.Cancelled && ctx.Err() != nil && errors.Is(res.Err, context.Cause(ctx)) {
		return Cancelled, because(res.Err.Error(), res, err) // a result code after that is the answer to our own hang-up
	}
	if code == lines.Ring || errors.Is(err, lines.ErrRinging) {
		return Glare, glare(err)
	}
	if o, ends := outcomeOf(code); ends {
		return o, because("the modem said "+string(code), res, err)
	}
	switch {
	case res == nil && err == nil:
		return LineLost, errNotRun.Error()
	case res == nil && (ctx.Err() != nil || taken(err)):
		return Cancelled, "cancelled before the script began: " + err.Error()
	case res == nil:
		return LineLost, err.Error()
	case res.Err != nil:
		return outcomeOfScript(ctx, res), because(res.Err.Error(), res, err)
	case err == nil && call == nil:
		return ModemError, "the script ended without CONNECT from the modem (end the script with CONNECT \\c)"
	}
	return outcomeAfterScript(ctx, call, err), because("after the script had ended well", res, err)
}

// glare says what the word means.
func glare(err error) string {
	if errors.Is(err, lines.ErrHeldBack) {
		return "glare: a call came in just before the dial; the dial command was held back"
	}
	return "glare: a call came in as the line dialled (the modem said RING)"
}

// outcomeAfterScript tells what an error means that came after a script's good end. What is not known to be better is LineLost.
func outcomeAfterScript(ctx context.Context, call *lines.Call, err error) Outcome {
	switch {
	case call != nil || errors.Is(err, lines.ErrDown):
		return LineLost
	case ctx.Err() != nil || taken(err):
		return Cancelled
	}
	return ModemError // the script gave no dial command, or the modem no answer to it
}

// taken reports whether err says that the line was taken from us on purpose.
func taken(err error) bool {
	return errors.Is(err, lines.ErrCleared) || errors.Is(err, lines.ErrReleased)
}

// because adds to why what the line says more than the script's own error, such as that it could not be proven on hook.
func because(why string, res *chat.Result, err error) string {
	if err == nil || res != nil && res.Err != nil && err.Error() == res.Err.Error() {
		return why
	}
	if strings.Contains(err.Error(), why) {
		return err.Error()
	}
	return why + "; " + err.Error()
}

func outcomeOfScript(ctx context.Context, res *chat.Result) Outcome {
	switch res.Outcome {
	case chat.Aborted:
		// The script sees an ABORT string a few octets before the driver has the whole line, and may end first.
		if o, ends := outcomeOf(lines.ResultCode(strings.Trim(res.Abort, " "))); ends {
			return o
		}
		return Aborted
	case chat.TimedOut:
		return TimedOut
	case chat.Refused:
		return Refused
	case chat.Cancelled:
		if ctx.Err() != nil || taken(res.Err) {
			return Cancelled
		}
	}
	return LineLost // the driver gave up the port, with no result code to name
}

// outcomeOf tells what a result code means for an attempt; false where it ends none.
func outcomeOf(code lines.ResultCode) (Outcome, bool) {
	switch code {
	case lines.Busy:
		return Busy, true
	case lines.NoAnswer:
		return NoAnswer, true
	case lines.NoCarrier:
		return NoCarrier, true
	case lines.NoDialtone, "NO DIAL TONE": // both spellings are in use
		return NoDialtone, true
	case lines.Error:
		return ModemError, true
	case lines.Ring:
		return Glare, true
	case lines.Voice:
		return Voice, true
	case lines.Fax:
		return Fax, true
	case lines.Blacklisted:
		return Blacklisted, true
	case lines.Delayed:
		return Delayed, true
	}
	return "", false
}

func hangup(ctx context.Context, call *lines.Call) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangupTime)
	defer cancel()
	return call.Hangup(ctx)
}
