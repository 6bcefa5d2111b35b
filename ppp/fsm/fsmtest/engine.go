// Package fsmtest has an engine for the tests of control protocols. It carries out their effects without a clock or a
// line, and checks what holds for all of them.
package fsmtest

import (
	"math/rand/v2"
	"testing"

	"github.com/ringback/ringback/ppp/fsm"
)

// Layer is a control protocol: an fsm.Machine, or what is built on one.
type Layer interface {
	State() fsm.State
	Up() []fsm.Effect
	Down() []fsm.Effect
	Open() []fsm.Effect
	Close(fsm.Reason, string) []fsm.Effect
	Timeout() []fsm.Effect
	Receive([]byte) []fsm.Effect
}

// Engine carries out the effects of a Layer.
type Engine struct {
	Layer    Layer
	Sent     [][]byte     // packets on their way, the oldest first
	Armed    bool         // the restart timer runs
	IsUp     bool         // between LayerUp and LayerDown
	Finished []fsm.Reason // of each LayerFinished
	Log      []string     // the text of each effect
	Other    []fsm.Effect // effects of other packages
	Packets  int          // ever sent
}

// Do carries out the effects of one call and checks: the timer runs exactly in the states that wait, at most two
// packets are sent, LayerUp and LayerDown alternate and fit the state, and each end has a reason.
func (e *Engine) Do(t testing.TB, effects []fsm.Effect) {
	t.Helper()
	sent := 0
	for _, effect := range effects {
		e.Log = append(e.Log, effect.String())
		switch v := effect.(type) {
		case fsm.Send:
			e.Sent = append(e.Sent, v.Packet)
			sent++
		case fsm.StartTimer:
			if v.After <= 0 {
				t.Fatalf("timer of %v", v.After)
			}
			e.Armed = true
		case fsm.StopTimer:
			e.Armed = false
		case fsm.LayerUp:
			if e.IsUp {
				t.Fatal("up twice")
			}
			e.IsUp = true
		case fsm.LayerDown:
			if !e.IsUp || v.Reason.Cause == "" {
				t.Fatalf("down: was up %v, reason %q", e.IsUp, v.Reason)
			}
			e.IsUp = false
		case fsm.LayerFinished:
			if v.Reason.Cause == "" {
				t.Fatal("finished without a reason")
			}
			e.Finished = append(e.Finished, v.Reason)
		case fsm.LayerStarted:
		default:
			e.Other = append(e.Other, effect)
		}
	}
	e.Packets += sent
	state := e.Layer.State()
	if sent > 2 {
		t.Fatalf("%d packets for one input", sent)
	}
	if e.Armed != state.Waits() {
		t.Fatalf("timer runs %v in state %v", e.Armed, state)
	}
	if e.IsUp != (state == fsm.Opened) {
		t.Fatalf("up %v in state %v", e.IsUp, state)
	}
}

// Start opens the layer on a line that is up.
func (e *Engine) Start(t testing.TB) {
	t.Helper()
	e.Do(t, e.Layer.Open())
	e.Do(t, e.Layer.Up())
}

// Receive passes a packet to the layer.
func (e *Engine) Receive(t testing.TB, b []byte) {
	t.Helper()
	e.Do(t, e.Layer.Receive(b))
}

// Timeout ends the restart timer.
func (e *Engine) Timeout(t testing.TB) {
	t.Helper()
	e.Armed = false
	e.Do(t, e.Layer.Timeout())
}

// Take returns the packets that were sent and forgets them.
func (e *Engine) Take() [][]byte {
	sent := e.Sent
	e.Sent = nil
	return sent
}

// Disturbance says what a line does to its packets.
type Disturbance struct {
	Steps     int  // so long; then the line is good
	Loss      int  // percent
	Duplicate int  // percent
	Reorder   bool // packets overtake each other
	Timeouts  int  // percent of the steps in which a timer runs out while packets are on their way
}

// Talk lets two engines talk over a line until nothing is on its way and no timer runs. It fails the test if that takes
// more than limit steps.
func Talk(t testing.TB, r *rand.Rand, a, b *Engine, d Disturbance, limit int) {
	t.Helper()
	for step := range limit {
		if len(a.Sent)+len(b.Sent) == 0 && !a.Armed && !b.Armed {
			return
		}
		from, to := a, b
		if r.IntN(2) == 0 {
			from, to = b, a
		}
		bad := step < d.Steps
		switch {
		case len(a.Sent)+len(b.Sent) == 0 || bad && r.IntN(100) < d.Timeouts:
			if from.Armed {
				from.Timeout(t)
			}
		case len(from.Sent) > 0:
			deliver(t, r, from, to, bad, d)
		}
	}
	t.Fatalf("not settled after %d steps: %v and %v", limit, a.Layer.State(), b.Layer.State())
}

// deliver takes one packet to the other side.
func deliver(t testing.TB, r *rand.Rand, from, to *Engine, bad bool, d Disturbance) {
	t.Helper()
	i := 0
	if bad && d.Reorder {
		i = r.IntN(len(from.Sent))
	}
	p := from.Sent[i]
	if !bad || r.IntN(100) >= d.Duplicate {
		from.Sent = append(from.Sent[:i:i], from.Sent[i+1:]...)
	}
	if !bad || r.IntN(100) >= d.Loss {
		to.Receive(t, p)
	}
}
