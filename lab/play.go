package lab

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/api/client"
)

// Result is the result of a scenario.
type Result struct {
	Scenario *Scenario
	Screen   []Chunk                // what the subscriber's screen showed
	Callback *client.CallbackDetail // the callback; nil: there was none
	Reasons  []client.DebugEvent    // without a callback, what `debug callback` printed meanwhile
	Problems []string               // empty: passed
}

// OK reports whether the scenario passed.
func (r *Result) OK() bool { return len(r.Problems) == 0 }

// Play plays a scenario to its end. echo gets the subscriber's screen as it happens; it may be nil.
func (l *Lab) Play(ctx context.Context, s *Scenario, echo io.Writer) (*Result, error) {
	m := l.subscribers[s.At]
	if m == nil {
		return nil, fmt.Errorf("scenario %s: no subscriber %q: use one of %s", s.Name, s.At, names())
	}
	if err := l.untilIdle(ctx); err != nil {
		return nil, err
	}
	known, err := l.Client().Callbacks(ctx, true)
	if err != nil {
		return nil, err
	}
	reasons, err := l.debugCallback(ctx)
	if err != nil {
		return nil, err
	}
	sub := newSubscriber(m, echo)
	sub.phone = func(ctx context.Context, st ScenarioStep) error { return l.phoneStep(ctx, st, m.Number()) }
	r := &Result{Scenario: s}
	if err := sub.play(ctx, s.Steps); err != nil {
		r.Problems = append(r.Problems, err.Error())
	}
	sub.close()
	r.Screen = sub.screen
	r.Callback, err = l.newCallback(ctx, known)
	if said := reasons(); r.Callback == nil {
		r.Reasons = said
	}
	if err != nil {
		return nil, err
	}
	got := Fold(sub.transcript())
	if l.opt.Ports != RFC2217 && l.opt.Line == nil {
		// Without DTR the daemon hangs up with the escape sequence, which the modem also sends to the other side.
		got = slices.DeleteFunc(got, func(line string) bool { return line == "+++" })
	}
	r.compare(got)
	return r, nil
}

// debugCallback collects the events of `debug callback` until the caller ends it by calling said.
func (l *Lab) debugCallback(ctx context.Context) (said func() []client.DebugEvent, err error) {
	ctx, stop := context.WithCancel(ctx)
	var events []client.DebugEvent
	listening, over := make(chan struct{}), make(chan error, 1)
	go func() {
		over <- l.Client().Debug(ctx, client.DebugQuery{Topics: []string{"callback"}}, func() { close(listening) },
			func(e client.DebugEvent) { events = append(events, e) })
	}()
	select {
	case <-listening:
	case err := <-over:
		stop()
		return nil, fmt.Errorf("lab: debug callback: %w", cmp.Or(err, context.Cause(ctx)))
	}
	return func() []client.DebugEvent {
		stop()
		<-over
		return events
	}, nil
}

// settleTime is how long a callback may take to end after the script.
const settleTime = time.Minute

// untilIdle waits, for settleTime, for the end of the calls before this scenario: a user may have one at a time.
func (l *Lab) untilIdle(ctx context.Context) error {
	deadline := time.Now().Add(settleTime)
	for {
		users, err := l.Client().Users(ctx)
		if err != nil {
			return err
		}
		all, err := l.Client().Lines(ctx)
		if err != nil {
			return err
		}
		busy := slices.ContainsFunc(all, func(l client.Line) bool { return l.Owner != "" })
		if !busy && len(users) == 0 || time.Now().After(deadline) {
			return nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// newCallback returns the callback that is not in known, when it has ended.
func (l *Lab) newCallback(ctx context.Context, known []client.Callback) (*client.CallbackDetail, error) {
	deadline := time.Now().Add(settleTime)
	for {
		all, err := l.Client().Callbacks(ctx, true)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(all, func(c client.Callback) bool {
			return !slices.ContainsFunc(known, func(k client.Callback) bool { return k.ID == c.ID })
		})
		if i < 0 {
			return nil, nil
		}
		if all[i].Ended != nil || time.Now().After(deadline) {
			d, err := l.Client().Callback(ctx, all[i].ID)
			return &d, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// compare lists the differences from the expected result; screen is the folded transcript.
func (r *Result) compare(screen []string) {
	if want := r.Scenario.Transcript; want != nil {
		for i := range max(len(screen), len(want)) {
			g, w := at(screen, i), at(want, i)
			if g != w {
				r.Problems = append(r.Problems, fmt.Sprintf("transcript line %d: the screen showed %q, expected %q",
					i+1, g, w))
				break
			}
		}
	}
	if r.Scenario.NoCallback && r.Callback != nil {
		r.Problems = append(r.Problems, "callback "+r.Callback.ID+" exists, expected none")
	}
	if r.Scenario.Callback == nil {
		return
	}
	if r.Callback == nil {
		r.Problems = append(r.Problems, "expected a callback, got none")
		return
	}
	got := callbackFacts(r.Callback)
	for _, k := range sortedKeys(r.Scenario.Callback) {
		if want := r.Scenario.Callback[k]; got[k] != want {
			r.Problems = append(r.Problems, fmt.Sprintf("callback %s: %s is %q, expected %q", r.Callback.ID, k, got[k],
				want))
		}
	}
}

func callbackFacts(c *client.CallbackDetail) map[string]string {
	verify := "yes"
	if c.NoVerify {
		verify = "no"
	}
	return map[string]string{
		"phase": c.Phase, "user": c.User, "number": c.Number, "verify": verify, "cause": c.Cause,
		"attempts": strconv.Itoa(c.Callback.Attempts), "tty": strconv.Itoa(c.TTY), "caller": c.Caller,
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// row is one line of a printed result.
type row struct {
	time        time.Time
	left, right string
}

// Print shows the subscriber's screen beside the broker's trace, in order of time.
func (r *Result) Print(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", r.Scenario.Title)
	const width = 46
	fmt.Fprintf(w, "  %9s  %-*s | %s\n", "", width, "the subscriber's screen ("+r.Scenario.At+")", "the broker's trace")
	rows := append(screenRows(r.Screen), traceRows(r.Callback)...)
	for _, e := range r.Reasons {
		rows = append(rows, row{time: e.Time, right: e.Text})
	}
	slices.SortStableFunc(rows, func(a, b row) int { return a.time.Compare(b.time) })
	var begin time.Time
	for _, x := range rows {
		if begin.IsZero() {
			begin = x.time
		}
		fmt.Fprintf(w, "  %8.2fs  %-*s | %s\n", x.time.Sub(begin).Seconds(), width, clip(x.left, width), x.right)
	}
	if r.Callback != nil {
		fmt.Fprintf(w, "\n  decision of group %s for callback %s:\n", r.Callback.Policy, r.Callback.ID)
		for _, s := range r.Callback.Decision {
			fmt.Fprintf(w, "    %s [%s]: %s\n", s.Rule, s.Input, s.Result)
		}
	}
	if r.OK() {
		fmt.Fprintf(w, "\n  %s: passed\n\n", r.Scenario.Name)
		return
	}
	fmt.Fprintf(w, "\n  %s: FAILED\n", r.Scenario.Name)
	for _, p := range r.Problems {
		fmt.Fprintf(w, "    - %s\n", p)
	}
	fmt.Fprintln(w)
}

// screenRows splits the chunks into lines; a line has the time of its first character.
func screenRows(screen []Chunk) []row {
	var rows []row
	var line strings.Builder
	var begun time.Time
	flush := func() {
		if t := strings.TrimSpace(line.String()); t != "" {
			rows = append(rows, row{time: begun, left: t})
		}
		line.Reset()
	}
	for _, c := range screen {
		for _, r := range c.Text {
			switch {
			case r == '\n' || r == '\r':
				flush()
			case r >= ' ' && r != 0x7f:
				if line.Len() == 0 {
					begun = c.Time
				}
				line.WriteRune(r)
			}
		}
	}
	flush()
	return rows
}

func traceRows(c *client.CallbackDetail) []row {
	if c == nil {
		return nil
	}
	var rows []row
	for _, s := range c.History {
		text := s.Event + " → " + s.Phase
		if s.Text != "" {
			text += ": " + s.Text
		}
		rows = append(rows, row{time: s.Time, right: text})
	}
	return rows
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
