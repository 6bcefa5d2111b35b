package fsm_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/fsm/fsmtest"
)

// pair returns two machines that have something to refuse each other.
func pair() (a, b *fsmtest.Engine, ca, cb *colors) {
	ca = &colors{ask: []fsm.Option{{Type: 1, Data: []byte{7}}, {Type: 2, Data: []byte{0}}, {Type: 3}}}
	cb = &colors{ask: []fsm.Option{{Type: 2, Data: []byte{1}}}, wants: 1}
	return &fsmtest.Engine{Layer: fsm.New(number, ca, fsm.Config{FirstID: 1})},
		&fsmtest.Engine{Layer: fsm.New(number, cb, fsm.Config{FirstID: 200})}, ca, cb
}

// On a good line two machines agree in a few packets.
func TestPair(t *testing.T) {
	a, b, ca, cb := pair()
	a.Start(t)
	b.Start(t)
	fsmtest.Talk(t, rand.New(rand.NewPCG(1, 1)), a, b, fsmtest.Disturbance{}, 1000)
	if !a.IsUp || !b.IsUp || a.Packets+b.Packets > 12 {
		t.Fatalf("up %v %v after %d packets", a.IsUp, b.IsUp, a.Packets+b.Packets)
	}
	nine := fsm.Option{Type: 2, Data: []byte{9}}
	want := []fsm.Option{{Type: 1, Data: []byte{7}}, nine}
	if !reflect.DeepEqual(ca.agreed, want) || !reflect.DeepEqual(cb.accepted, want) {
		t.Errorf("one side: %v, other %v", ca.agreed, cb.accepted)
	}
	if want := []fsm.Option{nine}; !reflect.DeepEqual(cb.agreed, want) || !reflect.DeepEqual(ca.accepted, want) {
		t.Errorf("other side: %v, one %v", cb.agreed, ca.accepted)
	}
}

// On a bad line two machines open, or end with a reason, in bounded steps; and if the line keeps the order, two that
// are open agree.
func TestPairOnABadLine(t *testing.T) {
	for name, d := range map[string]fsmtest.Disturbance{
		"loss":       {Steps: 150, Loss: 40, Timeouts: 3},
		"duplicates": {Steps: 150, Duplicate: 40},
		"all":        {Steps: 150, Loss: 20, Duplicate: 20, Reorder: true, Timeouts: 5},
		"dead":       {Steps: 1 << 30, Loss: 100},
	} {
		t.Run(name, func(t *testing.T) {
			both := 0
			for seed := range uint64(300) {
				a, b, ca, cb := pair()
				a.Start(t)
				b.Start(t)
				fsmtest.Talk(t, rand.New(rand.NewPCG(seed, 7)), a, b, d, 1500)
				for _, e := range []*fsmtest.Engine{a, b} {
					if !e.IsUp && len(e.Finished) == 0 {
						t.Fatalf("seed %d: neither open nor finished: %v", seed, e.Layer.State())
					}
				}
				if !a.IsUp || !b.IsUp {
					continue
				}
				both++
				if !d.Reorder && (!reflect.DeepEqual(ca.agreed, cb.accepted) ||
					!reflect.DeepEqual(cb.agreed, ca.accepted)) {
					t.Fatalf("seed %d: %v %v, %v %v", seed, ca.agreed, cb.accepted, cb.agreed, ca.accepted)
				}
			}
			if dead := d.Loss == 100; dead && both > 0 || !dead && both < 270 {
				t.Errorf("both open in %d of 300", both)
			}
		})
	}
}

// Two machines close each other while the line is bad.
func TestPairCloses(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 9))
		a, b, _, _ := pair()
		a.Start(t)
		b.Start(t)
		fsmtest.Talk(t, r, a, b, fsmtest.Disturbance{}, 1000)
		a.Do(t, a.Layer.Close(fsm.Reason{Cause: "done"}, "done"))
		if seed%2 == 0 {
			b.Do(t, b.Layer.Close(fsm.Reason{Cause: "done, too"}, ""))
		}
		fsmtest.Talk(t, r, a, b, fsmtest.Disturbance{Steps: 50, Loss: 50, Duplicate: 30, Reorder: true}, 500)
		if a.IsUp || len(a.Finished) != 1 || a.Finished[0].Cause != "done" {
			t.Fatalf("seed %d: up %v, finished %v", seed, a.IsUp, a.Finished)
		}
	}
}
