package dialer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
)

var _ lines.Dialable = (*lines.Lease)(nil)

// fakeLine is a line whose modem answers from a table, and whose driver reads what the test sets.
type fakeLine struct {
	answers map[string]string // the modem's answer to a command line
	stale   string            // input that is available before the script begins

	code   lines.ResultCode // the result code that the driver reads …
	after  time.Duration    // … this long after the script began, which ends it; 0: after the script has ended
	cause  error            // the cause with which it ends the script then; nil: the result code
	err    error            // the error of the driver
	refuse bool             // do not run the script at all
	call   *lines.Call      // returned to the caller, whatever the script did

	commands, dials int
	wrote           string
	hungup          int
}

func (l *fakeLine) TTY() int { return 65 }

func (l *fakeLine) Command(ctx context.Context, fn func(context.Context, lines.CommandConn) error) (lines.ResultCode,
	error) {
	l.commands++
	return l.code, l.run(ctx, fn)
}

func (l *fakeLine) Dial(ctx context.Context, fn func(context.Context, lines.CommandConn) error) (*lines.Call,
	lines.ResultCode, error) {
	l.dials++
	err := l.run(ctx, fn)
	switch {
	case l.call != nil:
		return l.call, l.code, err
	case err == nil && l.code == lines.Connected:
		return &lines.Call{Data: &fakeData{line: l}, ID: "c1", TTY: 65, Connect: "CONNECT 33600"}, l.code, nil
	}
	return nil, l.code, err
}

func (l *fakeLine) run(ctx context.Context, fn func(context.Context, lines.CommandConn) error) error {
	if l.refuse {
		return l.err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if l.after > 0 {
		cause := l.cause
		if cause == nil {
			cause = fmt.Errorf("the modem said %s", l.code)
		}
		t := time.AfterFunc(l.after, func() { cancel(cause) })
		defer t.Stop()
	}
	c := &fakeModem{line: l, wake: make(chan struct{}, 1)}
	c.in.WriteString(l.stale)
	if err := fn(ctx, c); err != nil {
		if l.err != nil {
			return fmt.Errorf("%w; %w", err, l.err)
		}
		return err
	}
	return l.err
}

// fakeModem is the CommandConn: it looks up its input in a table, line by line. A Read without output waits for its
// deadline.
type fakeModem struct {
	line *fakeLine
	in   bytes.Buffer
	told bytes.Buffer
	end  time.Time
	wake chan struct{}
}

func (c *fakeModem) Read(p []byte) (int, error) {
	for c.in.Len() == 0 {
		if c.line.answers == nil {
			return 0, io.EOF
		}
		if !time.Now().Before(c.end) {
			return 0, os.ErrDeadlineExceeded
		}
		select {
		case <-time.After(time.Until(c.end)):
		case <-c.wake:
			return 0, os.ErrDeadlineExceeded
		}
	}
	return c.in.Read(p)
}

func (c *fakeModem) Write(p []byte) (int, error) {
	c.line.wrote += string(p)
	c.told.Write(p)
	for {
		command, rest, whole := strings.Cut(c.told.String(), "\r")
		if !whole {
			return len(p), nil
		}
		c.told.Reset()
		c.told.WriteString(rest)
		c.in.WriteString(c.line.answers[command])
	}
}

func (c *fakeModem) SetReadDeadline(t time.Time) error {
	if t.Equal(time.Unix(1, 0)) { // only the end of ctx sets a deadline in the past, from its own goroutine
		c.wake <- struct{}{}
		return nil
	}
	c.end = t
	return nil
}

func (c *fakeModem) Break(time.Duration) error { return lines.ErrNoSignals }

type fakeData struct {
	lines.Data
	line *fakeLine
	err  error
}

func (d *fakeData) Hangup(ctx context.Context) error {
	d.line.hungup++
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.err
}

var errStuck = errors.New("hang up tty65: carrier is still there (is the modem set to &D2?)")

func scripts(t *testing.T) []*chat.Script {
	t.Helper()
	var all []*chat.Script
	for _, s := range [][2]string{
		{"offhook", `"" "ATH1" OK`},
		{"rtp", `ABORT BUSY ABORT "NO DIAL TONE" ABORT WARBLE "" "AT" OK "ATDT \T" TIMEOUT 45 CONNECT \c`},
		{"hasty", `"" "ATDT \T" "" \c`},
		{"mute", `"" "ATDT \T" "" "AT" HELLO \c`},
		{"nine", `"" "ATDT 9,9\T" CONNECT \c`},
	} {
		p, err := chat.Parse(s[0], s[1])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// answers returns the answers of a modem that knows AT and answers the dial command with dial.
func answers(dial string) map[string]string {
	return map[string]string{"AT": "\r\nOK\r\n", "ATH1": "\r\nOK\r\n", "ATDT 84001": dial}
}

const dialed = "AT\rATDT 84001\r"

func TestDial(t *testing.T) {
	eio := fmt.Errorf("read tty65: input/output error: %w", lines.ErrDown)
	cleared := fmt.Errorf("tty65: %w", lines.ErrCleared)
	for _, c := range []struct {
		name     string
		line     fakeLine
		pattern  string
		number   string
		outcome  Outcome
		detail   string // part of the text
		wrote    string
		hungup   int
		attempts int // times the line was asked to dial
	}{
		{"connected", fakeLine{answers: answers("\r\nCONNECT 33600\r\n"), code: lines.Connected}, "rtp", "84001",
			Connected, "dial 84001 on tty65: CONNECT 33600", dialed, 0, 1},
		{"abort before the driver's line is whole", fakeLine{answers: answers("\r\nBUSY\r\n")}, "rtp", "84001", Busy,
			"the modem said BUSY while waiting for CONNECT", dialed, 0, 1},
		{"two-word dial tone", fakeLine{answers: answers("\r\nNO DIAL TONE\r\n")}, "rtp", "84001", NoDialtone,
			"NO DIAL TONE", dialed, 0, 1},
		{"abort string that is no result code", fakeLine{answers: answers("\r\nWARBLE\r\n")}, "rtp", "84001", Aborted,
			"the modem said WARBLE", dialed, 0, 1},
		{"driver's code takes precedence over the abort",
			fakeLine{answers: answers("\r\nWARBLE\r\n"), code: lines.Voice}, "rtp",
			"84001", Voice, "tty65: the modem said VOICE", dialed, 0, 1},
		{"busy seen by the driver alone", fakeLine{answers: answers(""), code: lines.Busy, after: time.Second}, "rtp",
			"84001", Busy, "the modem said BUSY", dialed, 0, 1},
		{"no answer", fakeLine{answers: answers(""), code: lines.NoAnswer, after: time.Second}, "rtp", "84001",
			NoAnswer, "NO ANSWER", dialed, 0, 1},
		{"no carrier", fakeLine{answers: answers(""), code: lines.NoCarrier, after: time.Second}, "rtp", "84001",
			NoCarrier, "NO CARRIER", dialed, 0, 1},
		{"no dialtone", fakeLine{answers: answers(""), code: lines.NoDialtone, after: time.Second}, "rtp", "84001",
			NoDialtone, "NO DIALTONE", dialed, 0, 1},
		{"error", fakeLine{answers: answers(""), code: lines.Error, after: time.Second}, "rtp", "84001", ModemError,
			"ERROR", dialed, 0, 1},
		{"glare", fakeLine{answers: answers(""), code: lines.Ring, after: time.Second}, "rtp", "84001", Glare, "RING",
			dialed, 0, 1},
		{"glare during the dial", fakeLine{answers: answers(""), code: lines.Ring, after: time.Second}, "rtp", "84001",
			Glare, "tty65: glare: a call came in while the line dialed", dialed, 0, 1},
		{"blacklisted", fakeLine{answers: answers(""), code: lines.Blacklisted, after: time.Second}, "rtp", "84001",
			Blacklisted, "BLACKLISTED", dialed, 0, 1},
		{"delayed", fakeLine{answers: answers(""), code: lines.Delayed, after: time.Second}, "rtp", "84001", Delayed,
			"DELAYED", dialed, 0, 1},
		{"fax", fakeLine{answers: answers("\r\nCONNECT FAX\r\n"), code: lines.Fax}, "rtp", "84001", Fax,
			"the modem said FAX", dialed, 0, 1},
		{"timeout", fakeLine{answers: answers("")}, "rtp", "84001", TimedOut, "no CONNECT within 45s", dialed, 0, 1},
		{"timeout after a text that is no result code", fakeLine{answers: answers("ATDT 84001\r\r\nLINE BLOCKED\r\n")},
			"rtp", "84001", TimedOut,
			`no CONNECT within 45s (word 13); the modem last said "LINE BLOCKED"`, dialed, 0, 1},
		{"no final answer", fakeLine{answers: map[string]string{"AT": "\r\nHELLO\r\n"},
			err: errors.New("no answer to the dial command within 1m0s")}, "mute", "84001", ModemError,
			`no answer to the dial command within 1m0s; the modem last said "HELLO"`, "ATDT 84001\rAT\r", 0, 1},
		{"timeout, and stuck off hook", fakeLine{answers: answers(""), err: errStuck}, "rtp", "84001", TimedOut,
			errStuck.Error(), dialed, 0, 1},
		{"mute modem", fakeLine{answers: map[string]string{}}, "rtp", "84001", TimedOut, "no OK within 5s", "AT\r", 0,
			1},
		{"line lost", fakeLine{}, "rtp", "84001", LineLost, "line lost while waiting for OK", "AT\r", 0, 1},
		{"driver gives up the port", fakeLine{answers: answers(""), after: time.Second}, "rtp", "84001", LineLost,
			"cancelled while waiting for CONNECT", dialed, 0, 1},
		{"line refuses", fakeLine{refuse: true, err: eio}, "rtp", "84001", LineLost, eio.Error(), "", 0, 1},
		{"line does not run the script", fakeLine{refuse: true}, "rtp", "84001", LineLost, "did not run the script", "",
			0, 1},
		{"no CONNECT", fakeLine{answers: answers("")}, "hasty", "84001", ModemError, "without CONNECT from the modem",
			"ATDT 84001\r", 0, 1},
		{"CONNECT, then the line is lost", fakeLine{answers: answers(""), err: eio}, "hasty", "84001", LineLost,
			eio.Error(), "ATDT 84001\r", 0, 1},
		{"no answer to the dial command",
			fakeLine{answers: answers(""), err: errors.New("no answer to the dial command within 1m0s")}, "hasty",
			"84001", ModemError, "no answer to the dial command", "ATDT 84001\r", 0, 1},
		{"cleared before", fakeLine{refuse: true, err: cleared}, "rtp", "84001", Cancelled, "the line was cleared", "",
			0, 1},
		{"cleared meanwhile", fakeLine{answers: answers(""), after: time.Second, cause: cleared}, "rtp", "84001",
			Cancelled, "the line was cleared", dialed, 0, 1},
		{"cleared after", fakeLine{answers: answers(""), err: cleared}, "hasty", "84001", Cancelled,
			"the line was cleared", "ATDT 84001\r", 0, 1},
		{"released", fakeLine{refuse: true, err: fmt.Errorf("tty 65: %w", lines.ErrReleased)}, "rtp", "84001",
			Cancelled, "released", "", 0, 1},
		{"call in spite of an error", fakeLine{answers: answers("\r\nCONNECT\r\n"), call: &lines.Call{}, err: eio},
			"rtp", "84001", LineLost, eio.Error(), dialed, 1, 1},
		{"call in spite of the script", fakeLine{answers: answers("\r\nBUSY\r\n"), call: &lines.Call{}}, "rtp", "84001",
			Busy, "BUSY", dialed, 1, 1},
		{"not proven on hook", fakeLine{answers: answers("\r\nBUSY\r\n"), err: lines.Unproven{Cause: eio}}, "rtp",
			"84001", Busy, "; the line is not proven on hook: " + eio.Error(), dialed, 0, 1},
		{"call without the script", fakeLine{refuse: true, call: &lines.Call{}}, "rtp", "84001", LineLost,
			"did not run the script", "", 1, 1},
		{"no script", fakeLine{}, "isdn", "84001", NoScript,
			`dial 84001 on tty65: no matching chat script found for "isdn" (defined: offhook, rtp, hasty, mute, nine)`, "", 0,
			0},
		{"no pattern", fakeLine{}, "", "84001", NoScript, "no name was given", "", 0, 0},
		{"bad pattern", fakeLine{}, "(", "84001", NoScript, "is not a regular expression", "", 0, 0},
		{"script that does not dial", fakeLine{}, "offhook", "84001", Refused, `chat script offhook has no \T`, "", 0,
			0},
		{"a script that makes 911 of 11", fakeLine{}, "nine", "11", Refused, "chat script nine: with the digits that " +
			`the template or the chat script adds, 11 may be the emergency number "911*"`, "", 0, 0},
		{"no number", fakeLine{}, "rtp", "", Refused, "dial on tty65: the dial string is empty", "", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := c.line
				if l.call != nil {
					l.call = &lines.Call{Data: &fakeData{line: &l}}
				}
				d := Dialer{Scripts: scripts(t)}
				a := d.Dial(t.Context(), &l, c.pattern, number(c.number))
				if Outcome(a.Outcome) != c.outcome || !strings.Contains(a.Detail, c.detail) {
					t.Errorf("%s: %s\nwant %s: …%s…", a.Outcome, a.Detail, c.outcome, c.detail)
				}
				if (a.Call != nil) != (c.outcome == Connected) {
					t.Errorf("%s with call %v", a.Outcome, a.Call)
				}
				if l.wrote != c.wrote || l.hungup != c.hungup || l.dials != c.attempts || l.commands != 0 {
					t.Errorf("wrote %q, hung up %d times, %d dials, %d commands", l.wrote, l.hungup, l.dials,
						l.commands)
				}
				if (a.Transcript != "") != (c.wrote != "") || a.Final != (c.attempts == 0) ||
					a.Unproven != (c.outcome == LineLost || errors.As(c.line.err, new(lines.Unproven))) {
					t.Errorf("final %v, unproven %v, transcript %q", a.Final, a.Unproven, a.Transcript)
				}
			})
		})
	}
}

// TestBarred: the time for which a modem will not dial the number is reported, and the operator reads it.
func TestBarred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := fakeLine{answers: answers(""), code: lines.Delayed, after: time.Second,
			err: lines.Barred{For: 90 * time.Second}}
		d := Dialer{Scripts: scripts(t)}
		a := d.Dial(t.Context(), &l, "rtp", number("84001"))
		if Outcome(a.Outcome) != Delayed || a.Barred != 90*time.Second || !a.Unanswered || a.HeldBack ||
			!strings.HasSuffix(a.Detail, "the modem said DELAYED; it will not dial the number for 1m30s") {
			t.Errorf("%+v", a)
		}
	})
}

// TestHeldBack: a dial command that was provably never sent is distinguished from one that may have dialed.
func TestHeldBack(t *testing.T) {
	rang := fmt.Errorf("tty65: %w: %w", lines.ErrHeldBack, lines.ErrRinging)
	dead := fmt.Errorf("%w: %w", lines.ErrHeldBack, lines.ErrDown)
	noOK := fmt.Errorf("no OK within 5s: %w", lines.ErrHeldBack)
	cleared := fmt.Errorf("%w: %w", lines.ErrHeldBack, lines.ErrCleared)
	refuses := fmt.Errorf("the modem said ERROR: %w", lines.ErrHeldBack)
	for _, c := range []struct {
		name    string
		line    fakeLine
		pattern string
		outcome Outcome
		detail  string
		held    bool
	}{
		{"it rings before the script", fakeLine{refuse: true, err: rang}, "rtp", Glare,
			"dial 84001 on tty65: glare: a call came in just before the dial; the dial command was held back", true},
		{"it rings before the script, by its result code", fakeLine{refuse: true, err: dead, code: lines.Ring}, "rtp",
			Glare, "a call came in just before the dial", true},
		{"it rings before the dial command", fakeLine{answers: map[string]string{}, after: time.Second, cause: rang},
			"rtp", Glare, "held back", true},
		{"it rings while it dials", fakeLine{answers: answers(""), code: lines.Ring, after: time.Second}, "rtp", Glare,
			"while the line dialed", false},
		{"the modem is dead", fakeLine{refuse: true, err: dead}, "rtp", LineLost, "the line is down", true},
		{"the script fails before the dial command", fakeLine{answers: map[string]string{}, err: noOK}, "rtp", TimedOut,
			"no OK within 5s", true},
		{"a command before it is refused", fakeLine{answers: map[string]string{}, err: refuses, code: lines.Error},
			"rtp", ModemError, "held back", true},
		{"the script fails after it", fakeLine{answers: answers("")}, "rtp", TimedOut, "no CONNECT", false},
		{"the line is cleared before it", fakeLine{refuse: true, err: cleared}, "rtp", Cancelled, "cleared", false},
		{"there is no script", fakeLine{}, "isdn", NoScript, "no matching", false},
		{"connected", fakeLine{answers: answers("\r\nCONNECT\r\n"), code: lines.Connected}, "rtp", Connected, "CONNECT",
			false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := Dialer{Scripts: scripts(t)}
				a := d.Dial(t.Context(), &c.line, c.pattern, number("84001"))
				if Outcome(a.Outcome) != c.outcome || a.HeldBack != c.held || !strings.Contains(a.Detail, c.detail) {
					t.Errorf("%s, held back %v: %s", a.Outcome, a.HeldBack, a.Detail)
				}
				if c.held && strings.Contains(c.line.wrote, "ATDT") {
					t.Errorf("held back, and wrote %q", c.line.wrote)
				}
			})
		})
	}
}

// number returns the Number of these digits as the plan created it; the zero Number for other text.
func number(digits string) numbers.Dialstring {
	n, _ := numbers.Reread(digits)
	return dialstring(n, "{number}")
}

// dialstring returns what is dialed for a number through a template; none for no number.
func dialstring(n numbers.Number, template string) numbers.Dialstring {
	t, err := numbers.ParseTemplate(template)
	if err != nil {
		panic(err)
	}
	d, _ := numbers.Plan{MaxDigits: numbers.MostDigits}.Dialstring(n, t)
	return d
}

// Only digits are sent to a line, and nothing is sent if there is no number.
func TestNumbers(t *testing.T) {
	d := Dialer{Scripts: scripts(t)}
	for _, bad := range []string{"", "5551234;ATH", ",", "!", "W", "@", "&", "\r", "1\r", "1\nATH", "\x00", "٣", "１",
		"+1555", "1 2", "(1)", strings.Repeat("1", 41)} {
		var l fakeLine
		if a := d.Dial(t.Context(), &l, "rtp", number(bad)); Outcome(a.Outcome) != Refused || l.dials+l.commands > 0 ||
			l.wrote != "" || a.Detail == "" {
			t.Errorf("%q: %s, wrote %q", bad, a.Outcome, l.wrote)
		}
	}
	l := fakeLine{answers: map[string]string{}}
	longest := strings.Repeat("1", numbers.MostDigits)
	l.answers["ATDT "+longest], l.code = "CONNECT", lines.Connected
	if a := d.Dial(t.Context(), &l, "hasty", number(longest)); Outcome(a.Outcome) != Connected ||
		l.wrote != "ATDT "+longest+"\r" {
		t.Errorf("%d digits: %s, wrote %q: %s", len(longest), a.Outcome, l.wrote, a.Detail)
	}
}

// A trunk's template is dialed as it is, and what may be a PIN in it is in no transcript.
func TestTemplate(t *testing.T) {
	n, _ := numbers.Reread("5551234")
	var seen []string
	d := Dialer{Scripts: scripts(t), Debug: func(_ int, text string) { seen = append(seen, text) }}
	const dialed = "9,5551234,,4711#"
	l := fakeLine{answers: map[string]string{"ATDT " + dialed: "ATDT " + dialed + "\r\nCONNECT"}, code: lines.Connected}
	a := d.Dial(t.Context(), &l, "hasty", dialstring(n, "9,{number},,4711#"))
	if Outcome(a.Outcome) != Connected || l.wrote != "ATDT "+dialed+"\r" {
		t.Errorf("%s, wrote %q: %s", a.Outcome, l.wrote, a.Detail)
	}
	if text := a.Detail + a.Transcript + strings.Join(seen, "\n"); strings.Contains(text, "4711") ||
		!strings.Contains(text, "5551234") {
		t.Errorf("the PIN is shown, or the number is not:\n%s", text)
	}
}

// Whatever text a number comes from, via the plan or from a record, only digits are dialed.
func FuzzNumber(f *testing.F) {
	f.Add("84001")
	f.Add("84001;ATH")
	f.Add("(555) 1234")
	f.Add("+++")
	script, err := chat.Parse("x", `"" "ATDT \T" "" \c`)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) { checkDialed(t, script, text) })
}

// Random texts, scripts/long: what FuzzNumber checks.
func TestRandomTextsAreDialed(t *testing.T) {
	script, err := chat.Parse("x", `"" "ATDT \T" "" \c`)
	if err != nil {
		t.Fatal(err)
	}
	texts := 2_000
	if os.Getenv("RINGBACK_LONG") != "" {
		texts = 1_000_000
	}
	const octets = "0123456789012345678901234567890123456789 -()., ;W@!&+*#ATPL=^>$\r\n\x00\xff\xd9\xa7"
	r := rand.New(rand.NewPCG(1, 2))
	for range texts {
		text := make([]byte, 1+r.IntN(12))
		for i := range text {
			text[i] = octets[r.IntN(len(octets))]
		}
		checkDialed(t, script, string(text))
	}
}

// checkDialed dials what a text means: only digits are sent to the line, and nothing if it is no number.
func checkDialed(t *testing.T, script *chat.Script, text string) {
	t.Helper()
	for _, make := range []func() (numbers.Number, error){
		func() (numbers.Number, error) { return numbers.Reread(text) },
		func() (numbers.Number, error) { return numbers.Plan{}.Canonical(text, numbers.OriginCaller) },
		func() (numbers.Number, error) { return numbers.Plan{}.Canonical(text, numbers.OriginAAA) },
	} {
		l := fakeLine{answers: map[string]string{}, code: lines.Connected}
		d := Dialer{Scripts: []*chat.Script{script}}
		n, err := make()
		a := d.Dial(t.Context(), &l, "x", dialstring(n, "{number}"))
		digits := strings.TrimSuffix(strings.TrimPrefix(l.wrote, "ATDT "), "\r")
		switch {
		case err != nil && (l.wrote != "" || Outcome(a.Outcome) != Refused):
			t.Fatalf("%q is not a number: %s, wrote %q", text, a.Outcome, l.wrote)
		case err == nil && (l.wrote != "ATDT "+digits+"\r" || digits == "" ||
			strings.Trim(digits, "0123456789") != "" || Outcome(a.Outcome) != Connected):
			t.Fatalf("%q: %s, wrote %q", text, a.Outcome, l.wrote)
		}
	}
}

func TestDialCancelled(t *testing.T) {
	shutdown := errors.New("cleared by the operator")
	for _, c := range []struct {
		name string
		line fakeLine
		when time.Duration
	}{
		{"in the script", fakeLine{answers: answers("")}, time.Second},
		{"in the script, and the modem answers NO CARRIER to the hang-up",
			fakeLine{answers: answers(""), code: lines.NoCarrier}, time.Second},
		{"before it", fakeLine{refuse: true, err: shutdown}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				if c.when == 0 {
					cancel(shutdown)
				}
				time.AfterFunc(c.when, func() { cancel(shutdown) })
				d := Dialer{Scripts: scripts(t)}
				began := time.Now()
				a := d.Dial(ctx, &c.line, "rtp", number("84001"))
				if Outcome(a.Outcome) != Cancelled || !strings.Contains(a.Detail, shutdown.Error()) ||
					time.Since(began) != c.when {
					t.Errorf("%s after %v: %s", a.Outcome, time.Since(began), a.Detail)
				}
			})
		})
	}
}

func TestForcedHangupOutlivesContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := fakeLine{answers: answers("")}
		l.call = &lines.Call{Data: &fakeData{line: &l, err: errStuck}}
		time.AfterFunc(time.Second, cancel)
		d := Dialer{Scripts: scripts(t)}
		a := d.Dial(ctx, &l, "rtp", number("84001"))
		if l.hungup != 1 || Outcome(a.Outcome) != LineLost || !strings.Contains(a.Detail, errStuck.Error()) {
			t.Errorf("hung up %d times, %s: %s", l.hungup, a.Outcome, a.Detail)
		}
	})
}

func TestCommand(t *testing.T) {
	for _, c := range []struct {
		name    string
		line    fakeLine
		pattern string
		want    string // "" no error
		wrote   string
	}{
		{"well", fakeLine{answers: answers(""), code: lines.OK}, "offhook", "", "ATH1\r"},
		{"no pattern", fakeLine{}, "", "", ""},
		{"no script", fakeLine{}, "none", `take tty65 off hook: no matching chat script found for "none"`, ""},
		{"dials", fakeLine{}, "rtp", `has \T, so it would dial`, ""},
		{"mute", fakeLine{answers: map[string]string{}}, "offhook",
			"take tty65 off hook: chat script offhook: no OK within 5s (word 3)", "ATH1\r"},
		{"error", fakeLine{answers: map[string]string{}, code: lines.Error, after: time.Second}, "offhook",
			"take tty65 off hook: the modem said ERROR", "ATH1\r"},
		{"ring", fakeLine{answers: map[string]string{}, code: lines.Ring, after: time.Second}, "offhook",
			"the modem said RING", "ATH1\r"},
		{"lost", fakeLine{}, "offhook", "line lost", "ATH1\r"},
		{"not run", fakeLine{refuse: true}, "offhook", "did not run the script", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := Dialer{Scripts: scripts(t)}
				out, err := d.Command(t.Context(), &c.line, "take tty65 off hook", c.pattern)
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %s", err, c.want)
				}
				if sent := strings.Contains(out.Transcript, "sent ATH1"); sent != (c.wrote != "") {
					t.Errorf("transcript %q", out.Transcript)
				}
				if c.line.wrote != c.wrote || c.line.dials > 0 {
					t.Errorf("wrote %q", c.line.wrote)
				}
			})
		})
	}
}

func TestDebugAndSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		script, err := chat.Parse("rtp", `"" "AT^PIN1234" OK "ATDT \T" CONNECT \c`)
		if err != nil {
			t.Fatal(err)
		}
		d := Dialer{Scripts: []*chat.Script{script}, Secrets: []string{"1234"},
			Debug: func(tty int, text string) { got = append(got, fmt.Sprintf("CHAT%d: %s", tty, text)) }}
		l := fakeLine{answers: map[string]string{"AT\x10IN1234": "OK", "ATDT 84001": "CONNECT"}, code: lines.Connected}
		a := d.Dial(t.Context(), &l, "r.p", number("84001"))
		want := []string{
			"CHAT65: Matched chat script rtp to string r.p",
			"CHAT65: Chat script rtp started.",
			`CHAT65: Sending string: AT\020IN[secret]`,
			"CHAT65: Expecting string: OK",
			"CHAT65: Completed match for expect: OK",
			`CHAT65: Sending string: ATDT \T<84001>`,
			"CHAT65: Expecting string: CONNECT",
			"CHAT65: Completed match for expect: CONNECT",
			"CHAT65: Chat script rtp finished, status = Success",
		}
		if Outcome(a.Outcome) != Connected || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s", a.Detail, strings.Join(got, "\n"))
		}
		if strings.Contains(fmt.Sprint(a), "1234") {
			t.Errorf("secret shown: %v", a)
		}
	})
}

func TestZeroDialerDialsNobody(t *testing.T) {
	var l fakeLine
	if a := new(Dialer).Dial(t.Context(), &l, ".", number("84001")); Outcome(a.Outcome) != NoScript || l.dials > 0 {
		t.Errorf("%s, %d dials", a.Outcome, l.dials)
	}
}

// TestLastLook: a last look that failed is an outcome of its own, also if its error is one of time or the call came
// while it was made.
func TestLastLook(t *testing.T) {
	for _, tc := range []struct {
		name    string
		err     error
		code    lines.ResultCode
		outcome Outcome
		held    bool
		detail  string
	}{
		{"the look's error", lines.LookFailed{Err: errors.New("the claim is not in force")}, lines.NoResult, HeldBack,
			true, "dial 84001 on tty65: not dialed: the claim is not in force"},
		{"it had no time", lines.LookFailed{Err: os.ErrDeadlineExceeded}, lines.NoResult, HeldBack, true,
			"dial 84001 on tty65: not dialed: i/o timeout"},
		{"a call came in", errors.New("not sent: the line rings: glare"), lines.Ring, Glare, true, "held back"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := refusing{fakeLine{answers: answers(""), code: tc.code}, tc.err}
				d := Dialer{Scripts: scripts(t)}
				a := d.Dial(t.Context(), &l, "rtp", number("84001"))
				if Outcome(a.Outcome) != tc.outcome || a.HeldBack != tc.held || a.Final || a.Unproven || a.Unanswered ||
					!strings.Contains(a.Detail, tc.detail) {
					t.Errorf("%+v", a)
				}
			})
		})
	}
}

// refusing is a line that rejects the dial command.
type refusing struct {
	fakeLine
	err error
}

func (l *refusing) Dial(ctx context.Context, fn func(context.Context, lines.CommandConn) error) (*lines.Call,
	lines.ResultCode, error) {
	err := l.run(ctx, func(ctx context.Context, c lines.CommandConn) error {
		return fn(ctx, rejecting{c, l.err})
	})
	return nil, l.code, fmt.Errorf("%w: %w", err, lines.ErrHeldBack)
}

type rejecting struct {
	lines.CommandConn
	err error
}

func (c rejecting) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("ATD")) {
		return 0, c.err
	}
	return c.CommandConn.Write(b)
}
