package lines

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var update = flag.Bool("update", false, "rewrite the printed document; then read the diff")

// TestReferenceLineFailures compares docs/reference/line-failures.md with the tables of failures and counters.
func TestReferenceLineFailures(t *testing.T) {
	const path = "../docs/reference/line-failures.md"
	var b strings.Builder
	b.WriteString(referenceHead)
	seen := map[FailureKind]bool{}
	for _, r := range Failures {
		if seen[r.Kind] || r.Kind == "" || r.Seen == "" || r.Cause == "" || r.Fix == "" {
			t.Errorf("%q: twice, or without a text", r.Kind)
		}
		seen[r.Kind] = true
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Kind, r.Seen, r.Cause, r.Fix)
	}
	b.WriteString(countersHead)
	names := map[string]bool{}
	for _, c := range Counters() {
		if names[c.String()] || c.String() == "" || c.Doc() == "" {
			t.Errorf("counter %d: %q twice, or without a text", c, c)
		}
		names[c.String()] = true
		fmt.Fprintf(&b, "| `%s` | %s |\n", c, c.Doc())
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != b.String() {
		t.Errorf("%s is stale (%v): go test ./lines -run Reference -update, then read the diff", path, err)
	}
}

const referenceHead = `# Failures and counters of lines

<!-- Printed from lines: go test ./lines -run Reference -update -->

` + "`ringback show line N`" + ` shows the last failure of a line with its likely cause and what to do. Results of a dial
that only tell something of the called number (BUSY, NO ANSWER, VOICE) are counted, but are no failure of
the line.

| failure | what happened | likely cause | what to do |
|---|---|---|---|
`

const countersHead = `
## Counters

The counters and the last failure belong to the number of a line. They survive restarts, reloads and changes of
the line; what was counted in the last five seconds before a crash is lost. A line that is removed from the
configuration keeps them for its return until ` + "`ringback clear counters N`" + `; a line with a new number counts from
zero. ` + "`show line N`" + ` says since when a line counts. A record that is damaged in the journal is reported as an alarm
and set aside, and the line counts from zero.

| counter | counts |
|---|---|
`

// TestKindOf: the kind of an error is the one that it names, or that of the system's error in it.
func TestKindOf(t *testing.T) {
	named := &Failed{Kind: FailCarrier, Text: "DCD stays on"}
	for _, tt := range []struct {
		err  error
		want FailureKind
	}{
		{fmt.Errorf("probe tty 1: %w: waited 5s", named), FailCarrier},
		{fmt.Errorf("%w: %w", ErrDown, named), FailCarrier},
		{&fs.PathError{Op: "open", Path: "/dev/ttyS0", Err: syscall.EACCES}, FailPermission},
		{&fs.PathError{Op: "open", Path: "/dev/ttyS0", Err: syscall.ENOENT}, FailMissing},
		{fmt.Errorf("exclusive use: %w", syscall.EBUSY), FailInUse},
		{fmt.Errorf("tcp://h:1: %w (is the server running?)", syscall.ECONNREFUSED), FailRefused},
		{syscall.EHOSTUNREACH, FailUnreachable},
		{context.DeadlineExceeded, FailUnreachable},
		{fmt.Errorf("read: %w", io.EOF), FailEnded},
		{fmt.Errorf("2 octets are unsent: %w", os.ErrDeadlineExceeded), FailUnsent},
		{errors.New("something else"), FailQuarantine},
	} {
		if got := KindOf(tt.err, FailQuarantine); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, got, tt.want)
		}
	}
	if r := FailureOf("unknown"); r.Kind != FailDown {
		t.Errorf("%+v", r)
	}
}

// TestNoResult: a dial without a result code is a failure of the line, unless its end tells nothing of the modem.
func TestNoResult(t *testing.T) {
	t.Parallel()
	cleared, clear := context.WithCancelCause(t.Context())
	clear(ErrCleared)
	late, stop := context.WithTimeoutCause(t.Context(), 0, errors.New("the attempt took too long"))
	defer stop()
	<-late.Done()
	timeout := errors.New("chat script rtp: no CONNECT within 1m0s (word 4)")
	for _, tt := range []struct {
		name string
		ctx  context.Context
		code ResultCode
		err  error
		kind FailureKind // "": none
		text string
	}{
		{"the script waits in vain", t.Context(), NoResult, timeout, FailNoResult,
			"the modem gave no result code to a dial: " + timeout.Error()},
		{"and the line is not proven", t.Context(), NoResult,
			Unproven{Err: timeout, Cause: errors.New("DCD stays on")}, FailNoResult,
			"the modem gave no result code to a dial: " + timeout.Error()},
		{"the script ends without CONNECT", t.Context(), NoResult, nil, FailNoResult,
			"the modem gave no result code to a dial"},
		{"a text of no meaning", t.Context(), "DIALING", nil, FailNoResult, "the modem said DIALING to a dial"},
		{"the time of the attempt is over", late, NoResult, nil, FailNoResult,
			"the modem gave no result code to a dial: the attempt took too long"},
		{"the modem takes no octets", t.Context(), NoResult, fmt.Errorf("write: %w", os.ErrDeadlineExceeded),
			FailUnsent, "write: i/o timeout"},
		{"cleared by an operator", cleared, NoResult, timeout, "", ""},
		{"the lease has ended", t.Context(), NoResult, fmt.Errorf("dial: %w", ErrReleased), "", ""},
		{"held back", t.Context(), NoResult, fmt.Errorf("x: %w", ErrHeldBack), "", ""},
		{"the line rings", t.Context(), NoResult, ErrRinging, "", ""},
		{"the port is gone", t.Context(), NoResult, fmt.Errorf("read: %w", ErrDown), "", ""},
		{"the modem says BUSY", t.Context(), Busy, nil, "", ""},
		{"the modem says RING", t.Context(), Ring, nil, "", ""},
		{"a person answers", t.Context(), Voice, nil, "", ""},
		{"the modem says NO CARRIER", t.Context(), NoCarrier, nil, FailNoCarrier,
			"the modem said NO CARRIER to a dial"},
	} {
		p := NewPool(PoolOptions{})
		l := &line{cfg: &Config{TTY: 1}, pool: p}
		l.dialedLocked(tt.ctx, false, tt.code, tt.err)
		switch f := p.Records()[1].Failure; {
		case f == nil && tt.kind != "", f != nil && (f.Kind != tt.kind || f.Text != tt.text):
			t.Errorf("%s: %+v, want %q: %q", tt.name, f, tt.kind, tt.text)
		}
	}
}

// TestRecords: what an earlier process counted goes on; a removed line keeps its record, also for its next
// configuration, until it is cleared.
func TestRecords(t *testing.T) {
	inTown(t, func(ctx context.Context, c *Call) {}, []Config{{TTY: 1, Rotary: NoRotary}, {TTY: 2, Rotary: NoRotary}},
		func(t *testing.T, w *town) {
			began := w.Records()[2].Since
			if began.IsZero() || w.Records()[1].Counts != (Counts{}) {
				t.Errorf("new: %+v", w.Records())
			}
			earlier := &Record{Counts: Counts{Dials: 7, CallsOut: 5}, Since: began.Add(-time.Hour),
				Failure: &Failure{Kind: FailError, Text: "ERROR"}}
			w.SetRecords(map[int]*Record{1: earlier, 9: earlier})
			if len(w.Counted()) != 1 { // of the new lines
				t.Error("the records of new lines are not announced")
			}
			<-w.Counted()
			w.stubs[1].host.Phase(Dialing)
			select {
			case <-w.Counted():
			default:
				t.Error("a dial is not announced")
			}
			if s, _ := w.Line(1); s.Counts != (Counts{Dials: 8, CallsOut: 5}) || s.CountsSince != earlier.Since ||
				s.Failure != earlier.Failure {
				t.Errorf("%+v since %v, failure %+v", s.Counts.ByName(), s.CountsSince, s.Failure)
			}
			if s, _ := w.Line(2); s.Counts != (Counts{}) || s.CountsSince != began {
				t.Errorf("the other line: %+v since %v", s.Counts.ByName(), s.CountsSince)
			}
			<-time.After(time.Minute)
			now := time.Now()
			r, known := w.ClearCounts(1)
			if want := (Record{Since: now.Round(0), Failure: earlier.Failure}); *r != want || !known ||
				*w.Records()[1] != want {
				t.Errorf("cleared: %+v %v", r, known)
			}
			if len(w.Counted()) != 1 {
				t.Error("the clearing is not announced")
			}
			if w.Records()[9] != earlier {
				t.Errorf("of no line: %+v", w.Records()[9])
			}
			if _, known := w.ClearCounts(9); known || len(w.Records()) != 2 {
				t.Errorf("of no line, cleared: %v %+v", known, w.Records())
			}
		})
}

// TestCounters: each event of a line is counted once, and the last failure is kept.
func TestCounters(t *testing.T) {
	inTown(t, func(ctx context.Context, c *Call) {}, []Config{{TTY: 1, Rotary: NoRotary}}, func(t *testing.T, w *town) {
		h := w.stubs[1].host
		h.Answer("", "")
		h.Connected(&Call{Data: newStubData(nil), TTY: 1, Connect: "CONNECT 9600"})
		synctest.Wait()
		h.Answer("", "")
		h.Missed(nil)
		if s, _ := w.Line(1); s.Failure == nil || s.Failure.Kind != FailConnect || s.Failure.Time.IsZero() {
			t.Errorf("%+v", s.Failure)
		}
		h.Down(fmt.Errorf("%w: %w", ErrDown, &Failed{Kind: FailEnded, Text: "the port ended"}))
		h.Up(nil)
		h.Up(nil)
		h.Probed(nil)
		h.Probed(ErrRinging)
		h.Probed(errors.New("no OK"))
		h.Count(Escapes)
		w.stubs[1].settles(errors.New("DCD stays on"))
		l := taken(t, w.want(t, "a", Want{TTYs: []int{1}}))
		for _, code := range []ResultCode{Busy, NoDialtone, "DIALING", Ring} {
			w.stubs[1].answers = code
			if c, got, _ := l.Dial(t.Context(), func(context.Context, CommandConn) error { return nil }); c != nil ||
				got != code {
				t.Errorf("%v %v", c, got)
			}
		}
		if s, _ := w.Line(1); s.Failure.Kind != FailNoResult || s.Answered.IsZero() {
			t.Errorf("%+v", s)
		}
		w.stubs[1].answers = ""
		c, _, err := l.Dial(t.Context(), func(context.Context, CommandConn) error { return nil })
		if err != nil || c == nil {
			t.Fatal(err)
		}
		l.Release()
		synctest.Wait()
		s, _ := w.Line(1)
		if want := (Counts{CallsIn: 1, CallsMissed: 1, CallsOut: 1, Dials: 5, DialBusy: 1, DialNoDialtone: 1,
			DialOther: 1, DialRing: 1, Escapes: 1, Quarantines: 1, Reopenings: 1, ProbeFailures: 1}); s.Counts != want {
			t.Errorf("got  %v\nwant %v", s.Counts.ByName(), want.ByName())
		}
		if s.Failure.Kind != FailQuarantine || s.Failure.Text != "DCD stays on" || s.Retry.IsZero() {
			t.Errorf("%+v %v", s.Failure, s.Retry)
		}
	})
}
