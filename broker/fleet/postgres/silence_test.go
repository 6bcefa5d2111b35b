package postgres

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// world is a small fleet in which time passes as the test says: a watcher, and nodes that beat while they run and the
// server answers. Its view is the one under test.
type world struct {
	view      view
	interval  time.Duration
	monotonic time.Duration // of the watcher; a pause of its machine does not count in it
	wall      time.Duration // of the watcher; steps of the clock are in it
	nodes     map[string]sight
}

// view is what a watcher is asked; the mutants have it too.
type view interface {
	read(monotonic, wall time.Duration, nodes map[string]sight)
	absent(name string) bool
}

// sound is the view of the program.
type sound struct{ *silence }

func (v sound) read(monotonic, _ time.Duration, nodes map[string]sight) {
	v.silence.read(monotonic, nodes)
}

// wallClock is a mutant that counts with the clock of the day.
type wallClock struct{ *silence }

func (v wallClock) read(_, wall time.Duration, nodes map[string]sight) {
	v.silence.interval = 24 * 365 * time.Hour
	v.silence.read(wall, nodes)
}

// fullGap is a mutant that counts all time since the read before.
type fullGap struct{ *silence }

func (v fullGap) read(monotonic, _ time.Duration, nodes map[string]sight) {
	v.silence.interval = 24 * 365 * time.Hour
	v.silence.read(monotonic, nodes)
}

// oneRead is a mutant that believes the first read that finds no beat.
type oneRead struct{ *silence }

func (v oneRead) read(monotonic, _ time.Duration, nodes map[string]sight) {
	before := make(map[string]int64)
	for name, w := range v.silence.nodes {
		before[name] = w.beat
	}
	v.silence.read(monotonic, nodes)
	for name, w := range v.silence.nodes {
		if beat, ok := before[name]; ok && beat == w.beat {
			w.unchanged, w.moved = fewestReads, v.silence.watched-v.silence.takeover-time.Hour
		}
	}
}

func newSilence() *silence { return &silence{interval: time.Second, takeover: 10 * time.Second} }

// pass lets time pass for a watcher that runs.
func (w *world) pass(d time.Duration) { w.monotonic, w.wall = w.monotonic+d, w.wall+d }

// beat is one interval of a fleet that works, with a read at its end.
func (w *world) beat(running ...string) {
	w.pass(w.interval)
	w.move(running...)
	w.look()
}

func (w *world) move(running ...string) {
	for _, name := range running {
		n := w.nodes[name]
		n.beat++
		w.nodes[name] = n
	}
}

func (w *world) look() { w.view.read(w.monotonic, w.wall, w.nodes) }

func newWorld(v view) *world {
	node := sight{incarnation: "i1", state: stateUp, interval: time.Second}
	return &world{view: v, interval: time.Second, nodes: map[string]sight{"a": node, "b": node}}
}

// stories are runs with what the watcher must say at their end about node b.
var stories = []struct {
	name   string
	run    func(w *world)
	absent bool
}{
	{"beats", func(w *world) {
		for range 100 {
			w.beat("a", "b")
		}
	}, false},
	{"dead for 9 beats", func(w *world) {
		w.beat("a", "b")
		for range 9 {
			w.beat("a")
		}
	}, false},
	{"dead for 10 beats", func(w *world) {
		w.beat("a", "b")
		for range 10 {
			w.beat("a")
		}
	}, true},
	{"the server was away for an hour", func(w *world) {
		w.beat("a", "b")
		w.pass(time.Hour)
		w.look() // the watcher is the first that is back
		w.beat("a", "b")
	}, false},
	{"the watcher asks first after an hour", func(w *world) {
		w.beat("a", "b")
		w.pass(time.Hour)
		w.look()
	}, false},
	{"the watcher was paused, and its monotonic clock went on", func(w *world) {
		for range 4 {
			w.beat("a", "b")
			w.pass(20 * time.Second)
			w.look()
		}
	}, false},
	{"the clock of the day steps by an hour", func(w *world) {
		w.beat("a", "b")
		w.wall += time.Hour
		w.pass(100 * time.Millisecond) // sooner than the next beat of b
		w.look()
		w.pass(100 * time.Millisecond)
		w.look()
		w.pass(100 * time.Millisecond)
		w.look()
	}, false},
	{"the clock of the day steps back by 20 years, and b is dead", func(w *world) {
		w.beat("a", "b")
		w.wall -= 20 * 365 * 24 * time.Hour
		for range 10 {
			w.beat("a")
		}
	}, true},
	{"reads that come all at once after an outage", func(w *world) {
		w.beat("a", "b")
		w.pass(time.Hour)
		for range 20 {
			w.look()
		}
	}, false},
	{"one late beat", func(w *world) {
		w.beat("a", "b")
		w.beat("a")
	}, false},
	{"shut down", func(w *world) {
		w.beat("a", "b")
		b := w.nodes["b"]
		b.state = stateDown
		w.nodes["b"] = b
		w.look()
	}, true},
	{"back under the next incarnation", func(w *world) {
		for range 20 {
			w.beat("a")
		}
		w.nodes["b"] = sight{incarnation: "i2", state: stateUp, interval: time.Second}
		w.look()
	}, false},
	{"beats more slowly than the takeover", func(w *world) {
		b := w.nodes["b"]
		b.interval = 4 * time.Second
		w.nodes["b"] = b
		for range 12 {
			w.beat("a")
		}
	}, false},
	{"no longer there", func(w *world) {
		for range 20 {
			w.beat("a")
		}
		delete(w.nodes, "b")
		w.look()
	}, false},
}

func tell(v view) (wrong []string) {
	for _, s := range stories {
		w := newWorld(v)
		if p, ok := v.(interface{ reset() }); ok {
			p.reset()
		}
		w.look()
		s.run(w)
		if v.absent("b") != s.absent {
			wrong = append(wrong, fmt.Sprintf("%s: absent %t, want %t", s.name, !s.absent, s.absent))
		}
	}
	return wrong
}

// reset makes a view new, for the next story.
func (s *silence) reset() { *s = *newSilence() }

func TestSilence(t *testing.T) {
	for _, wrong := range tell(sound{newSilence()}) {
		t.Error(wrong)
	}
	for name, mutant := range map[string]view{
		"wall clock":             wallClock{newSilence()},
		"the gap counts in full": fullGap{newSilence()},
		"one read is enough":     oneRead{newSilence()},
	} {
		if wrong := tell(mutant); len(wrong) == 0 {
			t.Errorf("the mutant %q passes all stories", name)
		}
	}
}

// TestSilenceRandom has a node that beats whenever it can, among pauses of everybody and outages: it is never absent.
// Another one dies: it is absent after the takeover.
func TestSilenceRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSilence()
		w := newWorld(sound{s})
		w.look()
		missed := 0 // intervals in sequence in which b did not beat although the watcher read
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0: // the server is away, or the watcher is paused, and nobody beats
				w.pass(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 24 * time.Hour}).Draw(t, "away"))
			case 1:
				w.wall += time.Duration(rapid.Int64Range(-1e18, 1e18).Draw(t, "step"))
			case 2: // b comes late, at most 4 times in sequence
				if missed < 4 {
					missed++
					w.beat("a")
				}
			default:
				missed = 0
				w.beat("a", "b")
			}
			if w.view.absent("a") || w.view.absent("b") {
				t.Fatalf("a node that beats is absent after %d missed beats", missed)
			}
		}
		before := s.watched
		for i := 0; !w.view.absent("b"); i++ {
			if i > 10 {
				t.Fatal("a dead node is not absent after the takeover")
			}
			w.beat("a")
		}
		if s.watched-before > 10*time.Second {
			t.Fatalf("absent only after %v", s.watched-before)
		}
	})
}

// TestHolds has what an absent node holds: its time begins when it is first seen, and again if it was gone meanwhile.
func TestHolds(t *testing.T) {
	s := newSilence()
	w := newWorld(sound{s})
	first, second := hold{"x", 1, 1}, hold{"x", 1, 2}
	steps := []struct {
		found []hold
		over  []hold // after 4 s
	}{
		{[]hold{first}, nil},
		{[]hold{first}, nil},
		{[]hold{first}, nil},
		{[]hold{first}, nil},
		{[]hold{first}, []hold{first}},
		{[]hold{first, second}, []hold{first}},
		{[]hold{second}, nil},
		{[]hold{first, second}, nil},
		{[]hold{first, second}, nil},
		{[]hold{first, second}, []hold{second}},
		{nil, nil},
		{[]hold{second}, nil},
	}
	for i, step := range steps {
		w.beat("a")
		s.hold(step.found)
		for _, h := range []hold{first, second} {
			if got, want := s.over(h, 4*time.Second), slices.Contains(step.over, h); got != want {
				t.Errorf("step %d: over(%v) is %t, want %t", i, h, got, want)
			}
		}
	}
	w.pass(time.Hour)
	w.look()
	if s.over(second, 4*time.Second) {
		t.Error("an outage of the server counts for what a node holds")
	}
}
