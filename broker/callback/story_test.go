package callback

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestStories replays each testdata/*.story. A story's lines are
//
//	# a remark
//	> Event key=value …      the event; values with blanks are quoted
//	= phase attempt n/m …    the state after it; "= refused" if no rule covers it
//	  Effect …               the effects
//
// Only the first two are read; -update rewrites the others. Commit the difference only if you understand it.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.story")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories (%v)", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".story"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := narrate(t, string(b))
			if got == string(b) {
				return
			}
			if !*update {
				t.Fatalf("the story has changed:\n%s", got)
			}
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func narrate(t *testing.T, story string) string {
	t.Helper()
	var out strings.Builder
	var s State
	var w world
	for line := range strings.Lines(story) {
		line = strings.TrimSuffix(line, "\n")
		text, isEvent := strings.CutPrefix(line, "> ")
		switch {
		case isEvent:
			fmt.Fprintln(&out, line)
			e, err := parseEvent(text)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			before := s
			next, effects, ok := Step(s, e)
			if broken := w.observe(transition{before, next, e, effects, ok}); broken != "" {
				t.Errorf("%s: %s", line, broken)
			}
			s = next
			fmt.Fprintln(&out, outcome(before, s, ok))
			for _, e := range effects {
				fmt.Fprintf(&out, "  %v\n", e)
			}
		case line == "" || strings.HasPrefix(line, "#"):
			fmt.Fprintln(&out, line)
		}
	}
	return out.String()
}

func outcome(before, s State, ok bool) string {
	if !ok {
		return "= refused"
	}
	text := fmt.Sprintf("= %s attempt %d/%d", s.Phase, s.Attempt, s.Max)
	if s.Lease != 0 {
		text += fmt.Sprintf(" on tty %d", s.TTY)
	}
	if s.Ending != "" {
		text += ", will be " + string(s.Ending)
	}
	if Durable(before, s) {
		text += ", committed"
	}
	return text
}

func parseEvent(text string) (Event, error) {
	name, rest, _ := strings.Cut(text, " ")
	f := fields{}
	for rest != "" {
		key, value, ok := strings.Cut(rest, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not key=value", rest)
		}
		if strings.HasPrefix(value, `"`) {
			quoted, err := strconv.QuotedPrefix(value)
			if err != nil {
				return nil, err
			}
			rest = value[len(quoted):]
			value, _ = strconv.Unquote(quoted)
		} else {
			value, rest, _ = strings.Cut(value, " ")
		}
		f[strings.TrimSpace(key)], rest = value, strings.TrimSpace(rest)
	}
	e := f.event(name)
	if e == nil {
		return nil, fmt.Errorf("there is no event %q", name)
	}
	if len(f) > 0 {
		return nil, fmt.Errorf("%s has no %v", name, f)
	}
	return e, nil
}

// fields are an event's values; taking one removes it.
type fields map[string]string

func (f fields) str(key string) string {
	v := f[key]
	delete(f, key)
	return v
}

func (f fields) num(key string) int {
	n, err := strconv.Atoi(f.str(key))
	if err != nil {
		return 0
	}
	return n
}

func (f fields) yes(key string) bool { return f.str(key) == "yes" }

func (f fields) then() Then {
	wait, _ := time.ParseDuration(f.str("wait"))
	return Then{Stop: f.yes("stop"), Wait: wait}
}

func (f fields) event(name string) Event {
	switch name {
	case "Promise":
		return Promise{ID: f.str("id"), Max: f.num("max")}
	case "Claimed":
		return Claimed{State{ID: f.str("id"), Phase: Phase(f.str("phase")), Max: f.num("max"),
			Attempt: f.num("attempt"), Passed: f.num("passed"), Held: f.yes("held"), Cause: f.str("cause")}}
	case "NotNow":
		return NotNow{Gen: uint64(f.num("gen")), Cause: f.str("cause")}
	case "Taken":
		return Taken{By: f.str("by")}
	case "EndedElsewhere":
		return EndedElsewhere{Outcome: Phase(f.str("outcome")), Cause: f.str("cause")}
	case "HungUp":
		return HungUp{}
	case "HangUpUnproven":
		return HangUpUnproven{Cause: f.str("cause")}
	case "Leased":
		return Leased{Lease: uint64(f.num("lease")), TTY: f.num("tty")}
	case "NoLine":
		return NoLine{Cause: f.str("cause"), Final: f.yes("final"), Next: f.num("next")}
	case "OffHookEnded":
		return OffHookEnded{Lease: uint64(f.num("lease")), Err: f.str("err")}
	case "LineLost":
		return LineLost{Lease: uint64(f.num("lease")), Cause: f.str("cause")}
	case "TimerFired":
		return TimerFired{Kind: TimerKind(f.str("kind")), Gen: uint64(f.num("gen"))}
	case "DenialRechecked":
		return DenialRechecked{Gen: uint64(f.num("gen")), Reason: f.str("reason")}
	case "DialEnded":
		return DialEnded{Attempt: f.num("attempt"), Lease: uint64(f.num("lease")), HeldBack: f.yes("held-back"),
			Connected: f.yes("connected"), Outcome: f.str("outcome"), Unproven: f.yes("unproven"),
			Final: f.yes("final"), Next: f.num("next"), Away: f.yes("away"), Then: f.then()}
	case "Admitted":
		return Admitted{Attempt: f.num("attempt")}
	case "NotAdmitted":
		return NotAdmitted{Attempt: f.num("attempt"), Cause: f.str("cause")}
	case "CallEnded":
		return CallEnded{Attempt: f.num("attempt"), Cause: f.str("cause"), Unproven: f.yes("unproven"),
			Away: f.yes("away"), Then: f.then()}
	case "Cancel":
		return Cancel{By: f.str("by")}
	case "Delay":
		return Delay{NotBefore: int64(f.num("until")), By: f.str("by")}
	case "Restarted":
		return Restarted{f.then()}
	}
	return nil
}
