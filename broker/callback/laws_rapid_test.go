package callback

import (
	"testing"

	"pgregory.net/rapid"
)

// walk plays one life: choose picks each event among those that can happen. It returns the law that was broken, or "".
func walk(n int, choose func(of int) int) (State, string) {
	var s State
	var w world
	for range n {
		es := events(s, w)
		// Half of the time choose an event that the machine accepts; otherwise most lives would stay near their
		// beginning.
		if choose(2) == 0 {
			es = taken(s, es)
		}
		if len(es) == 0 || w.lastLease > 60 {
			break
		}
		e := es[choose(len(es))]
		next, effects, ok := Step(s, e)
		if broken := w.observe(transition{s, next, e, effects, ok}); broken != "" {
			return next, broken
		}
		s = next
	}
	return s, finale(s, w)
}

func taken(s State, es []Event) (out []Event) {
	for _, e := range es {
		if _, _, ok := Step(s, e); ok {
			out = append(out, e)
		}
	}
	return out
}

// finale lets all timers expire: no matter what happened before, timers alone must end a promised callback and return
// its line.
func finale(s State, w world) string {
	for range 10 {
		if s.Phase == New || s.Done() {
			return ""
		}
		var e Event
		switch {
		case s.Phase == Completed:
			e = CallEnded{Attempt: s.Attempt}
		case w.life:
			e = TimerFired{Lifetime, s.LifeGen}
		case s.Timer != NoTimer:
			e = TimerFired{s.Timer, s.TimerGen}
		default:
			return "time cannot end it"
		}
		next, effects, ok := Step(s, e)
		if broken := w.observe(transition{s, next, e, effects, ok}); broken != "" {
			return broken
		}
		if !ok {
			return "a running timer is refused"
		}
		s = next
	}
	return "it does not end"
}

func TestLawsOnRandomLives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 80).Draw(t, "events")
		if s, broken := walk(n, func(of int) int { return rapid.IntRange(0, of-1).Draw(t, "choice") }); broken != "" {
			t.Fatalf("%s: %+v", broken, s)
		}
	})
}

func FuzzLaws(f *testing.F) {
	f.Add([]byte("a life"))
	f.Add([]byte{0, 0, 0, 0, 0, 1, 0, 2, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		choose := func(of int) int {
			if len(b) == 0 {
				return 0
			}
			c := int(b[0]) % of
			b = b[1:]
			return c
		}
		if s, broken := walk(len(b), choose); broken != "" {
			t.Fatalf("%s: %+v", broken, s)
		}
	})
}
