package orders_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/fleettest"
	"github.com/ringback/ringback/broker/fleet/orders"
)

// site is a fleet whose nodes note what they carry out.
type site struct {
	*fleettest.Fleet
	mu    sync.Mutex
	done  map[string][]string // by node: verbs
	nodes map[string]*orders.Node
	below map[string]*fleettest.Node
}

// serve runs the nodes in a bubble until the test ends.
func serve(t *testing.T, answer func(node string, o fleet.Order) orders.Outcome, names ...string) *site {
	s := &site{Fleet: fleettest.New(), done: map[string][]string{}, nodes: map[string]*orders.Node{},
		below: map[string]*fleettest.Node{}}
	ctx, cancel := context.WithCancel(t.Context())
	var parts sync.WaitGroup
	t.Cleanup(func() { cancel(); parts.Wait() })
	for _, name := range names {
		s.below[name] = s.Node(name)
		n := orders.New(s.below[name], zap.NewNop())
		s.nodes[name] = n
		parts.Go(func() {
			n.Serve(ctx, func(_ context.Context, o fleet.Order) orders.Outcome {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.done[name] = append(s.done[name], string(o.Verb))
				return answer(name, o)
			})
		})
	}
	return s
}

func (s *site) carried(node string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.done[node])
}

func nothing(string, fleet.Order) orders.Outcome { return orders.Outcome{} }

func TestSendToAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, func(node string, _ fleet.Order) orders.Outcome {
			if node == "lyon-2" {
				return orders.Outcome{Error: "its disk is full"}
			}
			return orders.Outcome{Sessions: 3}
		}, "lyon-1", "lyon-2")
		got, err := s.nodes["lyon-1"].Send(t.Context(), fleet.Order{Verb: fleet.Lockdown, Who: "kim"}, nil)
		want := []orders.Result{{Node: "lyon-1", Outcome: orders.Outcome{Sessions: 3}},
			{Node: "lyon-2", Outcome: orders.Outcome{Error: "its disk is full"}}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// A silent node keeps nobody waiting, and carries the order out when it is back; a node that hangs costs Patience.
func TestSendToSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nothing, "lyon-1", "lyon-2")
		s.below["lyon-2"].Cut(true)
		s.Silent("lyon-2", true)
		began := time.Now()
		got, err := s.nodes["lyon-1"].Send(t.Context(), fleet.Order{Verb: fleet.Lockdown}, nil)
		want := []orders.Result{{Node: "lyon-1"}, {Node: "lyon-2", Waiting: true}}
		if err != nil || !slices.Equal(got, want) || time.Since(began) >= orders.Patience {
			t.Errorf("%+v, %v after %v", got, err, time.Since(began))
		}
		s.below["lyon-2"].Cut(false)
		synctest.Wait()
		if done := s.carried("lyon-2"); !slices.Equal(done, []string{"lockdown"}) {
			t.Errorf("back: %q", done)
		}
		s.below["lyon-2"].Cut(true) // not yet noticed
		s.Silent("lyon-2", false)
		began = time.Now()
		got, err = s.nodes["lyon-1"].Send(t.Context(), fleet.Order{Verb: fleet.Drain, Node: "lyon-2"}, nil)
		if err != nil || !slices.Equal(got, []orders.Result{{Node: "lyon-2", Waiting: true}}) ||
			time.Since(began) != orders.Patience {
			t.Errorf("%+v, %v after %v", got, err, time.Since(began))
		}
	})
}

// One node's answer may be enough.
func TestSendUntilEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, func(node string, _ fleet.Order) orders.Outcome {
			if node == "lyon-2" {
				return orders.Outcome{Sessions: 1}
			}
			return orders.Outcome{}
		}, "lyon-1", "lyon-2", "lyon-3")
		s.below["lyon-3"].Cut(true)
		began := time.Now()
		got, err := s.nodes["lyon-1"].Send(t.Context(), fleet.Order{Verb: fleet.CoA},
			func(r orders.Result) bool { return r.Sessions > 0 })
		if err != nil || len(got) != 3 || got[1].Sessions != 1 || time.Since(began) >= orders.Patience {
			t.Errorf("%+v, %v after %v", got, err, time.Since(began))
		}
	})
}

func TestSendWithoutServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nothing, "lyon-1")
		s.below["lyon-1"].Cut(true)
		if _, err := s.nodes["lyon-1"].Send(t.Context(), fleet.Order{Verb: fleet.Lockdown}, nil); !errors.Is(err,
			fleet.ErrAway) {
			t.Errorf("%v", err)
		}
		s.below["lyon-1"].Cut(false)
		stray := fleet.Order{Verb: fleet.Drain, Node: "lyon-9"}
		if _, err := s.nodes["lyon-1"].Send(t.Context(), stray, nil); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("an order to no node: %v", err)
		}
	})
}

// The nodes are those that were last read while the server is away, and all changes but orders are passed on.
func TestKnownAndChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nothing, "lyon-1", "lyon-2")
		n := s.nodes["lyon-1"]
		nodes, at, err := n.Known(t.Context())
		if len(nodes) != 2 || at.IsZero() || err != nil {
			t.Errorf("%+v %v %v", nodes, at, err)
		}
		undrain := fleet.Order{Verb: fleet.Undrain, Node: "lyon-1"}
		if _, err := s.nodes["lyon-2"].Send(t.Context(), undrain, nil); err != nil {
			t.Error(err)
		}
		s.below["lyon-1"].Cut(true)
		if c := <-n.Changes(); c.Kind != fleet.Gone {
			t.Errorf("%+v", c)
		}
		later, again, err := n.Known(t.Context())
		if len(later) != 2 || again != at || !errors.Is(err, fleet.ErrAway) {
			t.Errorf("%+v %v %v", later, again, err)
		}
	})
}
