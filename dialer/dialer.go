// Package dialer makes one dial attempt: it finds the chat script, runs it on a line's modem and returns the outcome.
// It does not choose the line, plan attempts, wait or try again, and keeps no state between attempts.
package dialer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
)

// Outcome is the result of an attempt.
type Outcome string

const (
	Connected   Outcome = "connected"
	Busy        Outcome = "busy"
	NoAnswer    Outcome = "no answer"
	NoCarrier   Outcome = "no carrier"
	NoDialtone  Outcome = "no dialtone"
	Glare       Outcome = "glare"       // a call came in just before or during the dial
	Voice       Outcome = "voice"       // a person answered
	Fax         Outcome = "fax"         // a fax machine answered, or the modem connected as one
	Blacklisted Outcome = "blacklisted" // the modem refuses this number
	Delayed     Outcome = "delayed"     // the modem refuses this number for a while
	ModemError  Outcome = "modem error" // the modem refused a command, or sent no CONNECT before the script succeeded
	Aborted     Outcome = "aborted"     // an ABORT string that is no result code
	TimedOut    Outcome = "timed out"   // an expect was not seen in time
	NoScript    Outcome = "no script"   // nothing was sent: no script by that name
	Refused     Outcome = "refused"     // nothing was sent: not a number, or a script that does not dial it
	LineLost    Outcome = "line lost"   // the port or the modem went away, or the line could not be proven on hook
	Cancelled   Outcome = "cancelled"   // ctx ended
	HeldBack    Outcome = "held back"   // the last look before the dial command failed: it was not sent
)

// unanswered reports whether nobody can have answered the call, or there was none. Without a ringing tone a modem gives
// up after a time, and after NO ANSWER or NO CARRIER the call may have been answered, and billed.
func (o Outcome) unanswered() bool {
	switch o {
	case Busy, NoDialtone, Blacklisted, Delayed, NoScript, Refused:
		return true
	}
	return false
}

// final reports whether the same dial always ends like this: it failed before the modem was used.
func (o Outcome) final() bool { return o == NoScript || o == Refused }

// Dialer makes attempts. The zero Dialer has no scripts, so each dial fails. It is safe for concurrent use.
type Dialer struct {
	Scripts []*chat.Script
	// Secrets are masked in transcripts and debug lines.
	Secrets []string
	// Debug gets the lines of IOS's `debug chat`, without prefix; nil for none. It must not block.
	Debug func(tty int, text string)
}

// hangupTime bounds the hang-up of a call that must not be kept, also after the attempt's ctx ended.
const hangupTime = 30 * time.Second

// Dial dials on l with the first script whose name matches all patterns (regular expressions), and blocks until a
// call is up or the line is on hook again. Nothing is sent if there is no number, no script matches, or the script has
// no \T or adds digits that make a number which must not be dialed.
func (d *Dialer) Dial(ctx context.Context, l lines.Dialable, pattern string, dial numbers.Dialstring,
	and ...string) lines.Dialed {
	if dial.IsZero() {
		return ended(Refused, fmt.Sprintf("dial on tty%d: the dial string is empty", l.TTY()))
	}
	what := fmt.Sprintf("dial %s on tty%d", dial.Number(), l.TTY())
	patterns := append([]string{pattern}, and...)
	script, refused, err := d.dialing(dial, patterns)
	if err != nil {
		return ended(refused, fmt.Sprintf("%s: %v", what, err))
	}
	d.debug(l, matched(script, patterns))
	var res *chat.Result
	call, code, err := l.Dial(ctx, d.runner(l, script, dial, &res))
	var said []chat.Entry
	if res != nil {
		said = res.Transcript
	}
	var unproven lines.Unproven
	if errors.As(err, &unproven) {
		err = unproven.Err
	}
	outcome, why := judge(ctx, call, code, res, err)
	heldBack := call == nil && outcome != Cancelled && errors.Is(err, lines.ErrHeldBack)
	if outcome == TimedOut || outcome == ModemError && code == lines.NoResult {
		why = withLastWords(why, said)
	}
	if outcome != Connected && call != nil {
		// The contract has no such case; a call without an owner must still be hung up.
		if err := hangup(ctx, call); err != nil {
			outcome, why = LineLost, why+"; "+err.Error()
		}
		call = nil
	}
	if unproven.Cause != nil {
		why += "; the line is not proven on hook: " + unproven.Cause.Error()
	}
	a := ended(outcome, what+": "+why)
	a.Unproven = a.Unproven || unproven.Cause != nil
	a.Call, a.HeldBack, a.Transcript = call, heldBack, transcript(said)
	if barred := (lines.Barred{}); errors.As(err, &barred) {
		a.Barred = barred.For
	}
	return a
}

// dialing returns the script that dials a number, or why nothing can be dialed, with the outcome of such a dial.
func (d *Dialer) dialing(dial numbers.Dialstring, patterns []string) (*chat.Script, Outcome, error) {
	script, err := chat.Select(d.Scripts, patterns...)
	if err != nil {
		return nil, NoScript, err
	}
	if !script.UsesDialstring() {
		return nil, Refused, fmt.Errorf(`chat script %s has no \T, so it cannot dial the number (example: "ATDT \T")`,
			script.Name)
	}
	if err := script.CheckDial(dial); err != nil {
		return nil, Refused, fmt.Errorf("chat script %s: %w", script.Name, err)
	}
	return script, "", nil
}

// CheckDial returns the name of the script that Dial would run, or an error if it would send nothing.
func (d *Dialer) CheckDial(dial numbers.Dialstring, patterns ...string) (script string, err error) {
	s, _, err := d.dialing(dial, patterns)
	if err != nil {
		return "", err
	}
	return s.Name, nil
}

func ended(o Outcome, detail string) lines.Dialed {
	return lines.Dialed{Outcome: string(o), Detail: detail, Final: o.final(), Unanswered: o.unanswered(),
		Unproven: o == LineLost}
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

// Command runs a script that dials no one: the first whose name pattern matches. It blocks until the script ended and
// returns nil if it succeeded, or lines.ErrRinging if it did while the line rang; an error begins with what, what the
// script is for. The empty pattern does nothing. A script that would dial is rejected.
func (d *Dialer) Command(ctx context.Context, l lines.Commander, what, pattern string) (out lines.Chatted, err error) {
	if pattern == "" {
		return out, nil
	}
	script, err := chat.Select(d.Scripts, pattern)
	if err != nil {
		return out, fmt.Errorf("%s: %w", what, err)
	}
	out.Script = script.Name
	if script.UsesDialstring() {
		return out, fmt.Errorf(`%s: chat script %s has \T, so it would dial (only callback scripts may)`, what, script.Name)
	}
	d.debug(l, matched(script, []string{pattern}))
	var res *chat.Result
	code, err := l.Command(ctx, d.runner(l, script, numbers.Dialstring{}, &res))
	if res != nil {
		out.Transcript = transcript(res.Transcript)
	}
	if err == nil && res == nil {
		err = errNotRun
	}
	_, ends := outcomeOf(code)
	switch {
	case err == nil && code == lines.Ring:
		err = fmt.Errorf("%s: %w (the modem said %s)", what, lines.ErrRinging, code)
	case ends && err != nil && (res == nil || res.Outcome != chat.Aborted): // otherwise err says it
		err = fmt.Errorf("%s: the modem said %s: %w", what, code, err)
	case err != nil:
		err = fmt.Errorf("%s: %w", what, err)
	case ends:
		err = fmt.Errorf("%s: the modem said %s", what, code)
	}
	return out, err
}

// matched is the debug line of IOS about a script that was selected.
func matched(s *chat.Script, patterns []string) string {
	given := slices.DeleteFunc(slices.Clone(patterns), func(p string) bool { return p == "" })
	return "Matched chat script " + s.Name + " to string " + strings.Join(given, " and ")
}

// Check returns an error if no script matches all patterns; without any, there is none to match.
func (d *Dialer) Check(patterns ...string) error {
	if strings.Join(patterns, "") == "" {
		return nil
	}
	_, err := chat.Select(d.Scripts, patterns...)
	return err
}

// Converse runs a script that talks to the other side of a call, not to the modem: the first whose name matches all
// patterns. as is for its \L and \P. It is as Command for its arguments and results. Octets that the other side sends
// after the script's last expect remain in the call.
func (d *Dialer) Converse(ctx context.Context, tty int, c lines.TextConn, as lines.LogonAs, what string,
	patterns ...string) (out lines.Chatted, err error) {
	if strings.Join(patterns, "") == "" {
		return out, nil
	}
	script, err := chat.Select(d.Scripts, patterns...)
	if err != nil {
		return out, fmt.Errorf("%s: %w", what, err)
	}
	out.Script = script.Name
	o := chat.Options{Secrets: d.Secrets, Peer: "the other side", As: chat.As(as)}
	if d.Debug != nil {
		o.Debug = func(text string) { d.Debug(tty, text) }
		o.Debug(matched(script, patterns))
	}
	r := script.Run(ctx, overCall{c}, o)
	out.Transcript = transcript(r.Transcript)
	if r.Err != nil {
		return out, fmt.Errorf("%s: %w", what, r.Err)
	}
	return out, nil
}

// overCall is a call as the Conn of a script.
type overCall struct{ lines.TextConn }

var errNoBreak = errors.New("a BREAK cannot be sent over a call")

func (overCall) Break(time.Duration) error { return errNoBreak }

var errNotRun = errors.New("the line did not run the script")

// runner returns the function that the line runs. It stores the script's result in res, which stays nil if the line
// never ran it.
func (d *Dialer) runner(l lines.Commander, script *chat.Script, dial numbers.Dialstring,
	res **chat.Result) func(context.Context, lines.CommandConn) error {
	o := chat.Options{Dialstring: dial, Secrets: d.Secrets}
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

func (d *Dialer) debug(l lines.Commander, text string) {
	if d.Debug != nil {
		d.Debug(l.TTY(), text)
	}
}

// judge names the outcome of a dial and says why. The driver's result code takes precedence over the script's error.
func judge(ctx context.Context, call *lines.Call, code lines.ResultCode, res *chat.Result, err error) (Outcome,
	string) {
	if call != nil && err == nil && res != nil && res.Outcome == chat.Success {
		return Connected, call.Connect
	}
	if res != nil && res.Outcome == chat.Cancelled && ctx.Err() != nil && errors.Is(res.Err, context.Cause(ctx)) {
		// a result code after that is the answer to our own hang-up
		return Cancelled, because(res.Err.Error(), res, err)
	}
	if look, ok := errors.AsType[lines.LookFailed](err); ok && call == nil {
		return HeldBack, look.Error()
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
	return outcomeAfterScript(ctx, call, err), because("after the script succeeded", res, err)
}

// glare explains the outcome Glare.
func glare(err error) string {
	if errors.Is(err, lines.ErrHeldBack) {
		return "glare: a call came in just before the dial; the dial command was held back"
	}
	return "glare: a call came in while the line dialed (the modem said RING)"
}

// outcomeAfterScript is the outcome for an error after the script succeeded; LineLost if nothing more specific is
// known.
func outcomeAfterScript(ctx context.Context, call *lines.Call, err error) Outcome {
	switch {
	case call != nil || errors.Is(err, lines.ErrDown):
		return LineLost
	case ctx.Err() != nil || taken(err):
		return Cancelled
	}
	return ModemError // the script gave no dial command, or the modem no answer to it
}

// taken reports whether err means that the line was withdrawn on purpose.
func taken(err error) bool {
	return errors.Is(err, lines.ErrCleared) || errors.Is(err, lines.ErrReleased)
}

// because appends the line's error to why, unless it is the script's own: for example, that the line could not be
// proven on hook.
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

// outcomeOf is the outcome of an attempt for a result code; false if the code ends none.
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
