package lines

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

// hunter has what a run knows of a rotary: which lines are taken, and when and how often each was leased.
type hunter struct {
	w      *town
	modes  map[int]ModemMode
	leases map[int]*Lease
	calls  map[int]*stubData
	turn   int
	listed []int       // asked for as explicit lines of one tier; nil: as a rotary
	last   map[int]int // turn of the last lease for a callback
	uses   map[int]int // leases for calls and callbacks
}

// TestHunt attacks the hunt of a rotary with callbacks and calls in any order. An idle line that only dials is used
// before one that callers need. Among those, linear uses the lowest TTY; round_robin never passes a line twice while
// another is idle; least_used takes a line with the fewest leases.
func TestHunt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { rapid.Check(struct{ rapid.TB }{t}, hunt) })
}

func hunt(t *rapid.T) {
	hunts := rapid.SampledFrom(Hunts()).Draw(t, "hunt")
	cfgs := []Config{{TTY: 9, Rotary: NoRotary, Modem: CallIn}} // is called
	h := &hunter{modes: map[int]ModemMode{}, leases: map[int]*Lease{}, calls: map[int]*stubData{}, last: map[int]int{},
		uses: map[int]int{}}
	for tty := range rapid.IntRange(1, 6).Draw(t, "lines") {
		mode := rapid.SampledFrom([]ModemMode{InOut, CallOut}).Draw(t, "mode")
		h.modes[tty+1] = mode
		cfgs = append(cfgs, Config{TTY: tty + 1, Rotary: 1, Modem: mode})
	}
	h.w = newTown(t, func(_ context.Context, c *Call) { <-c.Done() }, cfgs, true)
	defer h.w.stop()
	if rapid.Bool().Draw(t, "listed") {
		h.listed = slices.Sorted(maps.Keys(h.modes))
	}
	h.w.SetHunts(map[int]Hunt{1: hunts})
	t.Repeat(map[string]func(*rapid.T){
		"callback": func(t *rapid.T) { h.callBack(t, hunts) },
		"release":  h.release,
		"ring":     h.ring,
		"hang up":  h.hangUp,
	})
	for tty := range h.modes {
		h.free(tty)
	}
}

func (h *hunter) idle() (all []int) {
	for tty := range h.modes {
		if h.leases[tty] == nil && h.calls[tty] == nil {
			all = append(all, tty)
		}
	}
	slices.Sort(all)
	return all
}

func (h *hunter) callBack(t *rapid.T, hunt Hunt) {
	idle := h.idle()
	if len(idle) == 0 {
		return
	}
	want := Want{Owner: "cb", Rotary: 1, Called: 9}
	if h.listed != nil {
		want = Want{Owner: "cb", Rotary: NoRotary, Called: 9, TTYs: h.listed, Tiers: []int{len(h.listed)}}
	}
	q, err := h.w.Request(want)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	if len(q.lease) == 0 {
		t.Fatalf("no lease, although %v are idle", idle)
	}
	l := <-q.Lease()
	got := l.TTY()
	if !slices.Contains(idle, got) {
		t.Fatalf("tty %d is leased, but not idle", got)
	}
	for _, other := range idle {
		if h.modes[got] == InOut && h.modes[other] == CallOut {
			t.Fatalf("tty %d dials, although tty %d only dials and is idle", got, other)
		}
		if h.modes[got] != h.modes[other] {
			continue
		}
		switch {
		case hunt == Linear && other < got:
			t.Fatalf("tty %d before %d", got, other)
		case hunt == RoundRobin && h.last[other] < h.last[got]:
			t.Fatalf("tty %d again, before %d: %v", got, other, h.last)
		case hunt == LeastUsed && h.uses[other] < h.uses[got]:
			t.Fatalf("tty %d, although %d is used less: %v", got, other, h.uses)
		}
	}
	h.turn++
	h.leases[got], h.last[got] = l, h.turn
	h.uses[got]++
	if s, _ := h.w.Line(got); s.Leases != uint64(h.uses[got]) {
		t.Fatalf("%d leases are shown, %d were granted", s.Leases, h.uses[got])
	}
}

func (h *hunter) tty(t *rapid.T) int { return rapid.IntRange(1, len(h.modes)).Draw(t, "tty") }

func (h *hunter) release(t *rapid.T) {
	if tty := h.tty(t); h.leases[tty] != nil {
		h.free(tty)
	}
}

func (h *hunter) ring(t *rapid.T) {
	tty := h.tty(t)
	if !h.w.stubs[tty].host.Answer("", "") {
		return
	}
	h.calls[tty] = newStubData(nil)
	h.uses[tty]++
	h.w.stubs[tty].host.Connected(&Call{Data: h.calls[tty], TTY: tty})
	synctest.Wait()
}

func (h *hunter) hangUp(t *rapid.T) {
	if tty := h.tty(t); h.calls[tty] != nil {
		h.free(tty)
	}
}

// free ends what uses a line.
func (h *hunter) free(tty int) {
	if l := h.leases[tty]; l != nil {
		l.Release()
	}
	if c := h.calls[tty]; c != nil {
		_ = c.Hangup(context.Background())
	}
	delete(h.leases, tty)
	delete(h.calls, tty)
	synctest.Wait()
}

// TestHuntUsesEachLine is the fairness of the hunts of idle lines: as many callbacks for each.
func TestHuntUsesEachLine(t *testing.T) {
	for hunt, want := range map[Hunt][]int{
		Linear: {1, 1, 1, 1, 1, 1}, RoundRobin: {1, 2, 3, 1, 2, 3}, LeastUsed: {1, 2, 3, 1, 2, 3},
	} {
		inTown(t, nil, rotary(9, 3, 1, 2), func(t *testing.T, w *town) {
			w.SetHunts(map[int]Hunt{1: hunt})
			var got []int
			for range want {
				l := taken(t, w.want(t, "cb", Want{Rotary: NoRotary, Called: 9}))
				got = append(got, l.TTY())
				l.Release()
				synctest.Wait()
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", hunt, got, want)
			}
		})
	}
}

// TestHuntOfTiers: explicit lines of a tier hunt, the lines after the last tier and those of no tier keep their order,
// and a line of a better tier that is being probed is awaited.
func TestHuntOfTiers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		tiers []int
		want  []int // of leases at the same time
	}{
		{"no tiers", nil, []int{3, 2, 1, 5, 4}},
		{"two rotaries", []int{3, 2}, []int{2, 1, 3, 4, 5}}, // 3 and 5 were used
		{"a line, then a rotary", []int{1, 2}, []int{3, 2, 1, 5, 4}},
		{"sizes that do not fit", []int{-1, 0, 99}, []int{3, 2, 1, 4, 5}},
	} {
		cfgs := []Config{{TTY: 9, Rotary: NoRotary, Modem: CallIn}}
		for tty := 1; tty <= 5; tty++ {
			cfgs = append(cfgs, Config{TTY: tty, Rotary: 1 + tty/4})
		}
		inTown(t, nil, cfgs, func(t *testing.T, w *town) {
			w.SetHunts(map[int]Hunt{1: LeastUsed, 2: RoundRobin})
			for _, tty := range []int{3, 5} {
				taken(t, w.want(t, "cb", Want{Rotary: NoRotary, Called: 9, TTYs: []int{tty}})).Release()
				synctest.Wait()
			}
			want := Want{Rotary: NoRotary, Called: 9, TTYs: []int{3, 2, 1, 5, 4}, Tiers: tt.tiers}
			if all, err := Choose(want, w.Lines()); err != nil || len(all) != 5 {
				t.Errorf("%s: chosen %v, %v", tt.name, all, err)
			}
			var got []int
			for range 5 {
				l := taken(t, w.want(t, "cb", want))
				defer l.Release()
				got = append(got, l.TTY())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		})
	}
}

// TestHuntOfAQueue: a line that becomes free goes to the oldest request, whatever the hunt prefers.
func TestHuntOfAQueue(t *testing.T) {
	inTown(t, nil, rotary(1, 2), func(t *testing.T, w *town) {
		w.SetHunts(map[int]Hunt{1: LeastUsed})
		first := taken(t, w.want(t, "a", Want{Rotary: 1, Called: 99}))
		second := taken(t, w.want(t, "b", Want{Rotary: 1, Called: 99}))
		third, fourth := w.want(t, "c", Want{Rotary: 1, Called: 99}), w.want(t, "d", Want{Rotary: 1, Called: 99})
		second.Release()
		if l := taken(t, third); l.TTY() != second.TTY() {
			t.Errorf("tty %d", l.TTY())
		} else {
			defer l.Release()
		}
		waits(t, fourth)
		fourth.Cancel()
		first.Release()
	})
}
