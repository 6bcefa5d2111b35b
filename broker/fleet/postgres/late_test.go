package postgres

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
	"github.com/ringback/ringback/broker/journal"
)

// held holds back the statements of one connection that name a callback, until release, which may be called twice, or
// the end of the test. begun is closed when they have come.
func held(t *testing.T, p *pgtest.Proxy, id string) (begun <-chan struct{}, release func()) {
	came, passes := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	p.Rule(func(m pgtest.Message) pgtest.Verdict {
		if m.Client && m.Type == 'B' && bytes.Contains(m.Body, []byte(id)) && once.CompareAndSwap(false, true) {
			close(came)
			<-passes
		}
		return pgtest.Pass
	})
	release = sync.OnceFunc(func() { close(passes) })
	t.Cleanup(release) // the proxy's end waits for its messages
	return came, release
}

// TestPeerLate: a promise and a claim of a node arrive at the server after their client has given up and Resume has
// found nothing. The node notices them in two looks and resumes, once: the promise is cancelled, because nobody was
// told, and the callback that was claimed is offered again.
func TestPeerLate(t *testing.T) {
	for name, late := range map[string]struct {
		send func(ctx context.Context, b *node) error
		over func(fleet.Row) bool
	}{
		"promise": {func(ctx context.Context, b *node) error {
			return b.Promise(ctx, fleet.Promise{Time: time.Now(), Row: fleet.Row{Rotary: 7, Callback: journal.Callback{
				ID: "late-one", User: "kim", Entry: "users", Max: 3, Created: time.Now(), Shared: true}}})
		}, func(r fleet.Row) bool { return r.Outcome == "cancelled" }},
		"claim": {func(ctx context.Context, b *node) error {
			_, err := b.Take(ctx, fleet.Row{Rotary: 7, Callback: journal.Callback{ID: "late-one", Epoch: 1}})
			return err
		}, func(r fleet.Row) bool { return r.Pending() && r.Offered && r.Epoch == 3 }},
	} {
		t.Run(name, func(t *testing.T) {
			d := table.Shared(t)
			p := pgtest.NewProxy(t, d)
			a, b := newNode(t, d, "a"), newNode(t, d, "b", func(o *Options) { o.Addresses = []string{p.Address} })
			joined(a, b)
			if name == "claim" {
				a.promised("late-one", true)
				a.offer("late-one")
				b.sees("late-one")
			}
			ctx, giveUp := context.WithCancel(t.Context())
			begun, release := held(t, p, "late-one")
			sent := make(chan error, 1)
			go func() { sent <- late.send(ctx, b) }()
			<-begun
			giveUp()
			if err := <-sent; !errors.Is(err, fleet.ErrUnknown) {
				t.Fatalf("it was given up: %v", err)
			}
			b.resumes()
			release()
			within(t, "it arrives", func() bool {
				r, _, _, err := a.Callback(t.Context(), "late-one")
				return err == nil && r.Holder == "b"
			})
			for look := range 4 {
				if err := b.findLate(t.Context()); err != nil {
					t.Fatal(err)
				}
				asked := slices.Contains(b.kinds(), fleet.Back)
				if asked != (look == 1) {
					t.Errorf("look %d: asked to resume: %t", look+1, asked)
				}
				if asked {
					b.resumes()
				}
			}
			if r, _, _, err := a.Callback(t.Context(), "late-one"); err != nil || !late.over(r) {
				t.Errorf("it is %+v, %v", r, err)
			}
		})
	}
}

// sees reads a callback as a claim does.
func (n *node) sees(id string) {
	n.t.Helper()
	if _, _, _, err := n.Callback(n.t.Context(), id); err != nil {
		n.t.Fatal(err)
	}
}

// resumes tells that the node knows of no callback.
func (n *node) resumes() {
	n.t.Helper()
	if _, err := n.Resume(n.t.Context(), nil); err != nil {
		n.t.Fatal(err)
	}
}
