package api

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/fleettest"
	"github.com/ringback/ringback/broker/fleet/orders"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/lines"
)

// fleetSite is a fleet of two nodes with their APIs.
type fleetSite struct {
	*fleettest.Fleet
	nodes   map[string]*fleettest.Node
	clients map[string]*client.Client
	brokers map[string]*broker.Broker
	journal map[string]*sqlite.Journal
	mu      sync.Mutex
	told    []events.Event
}

// happened returns what the nodes reported of orders.
func (s *fleetSite) happened() []events.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told)
}

func newFleetSite(t *testing.T) *fleetSite {
	t.Helper()
	s := &fleetSite{Fleet: fleettest.New(), nodes: map[string]*fleettest.Node{}, clients: map[string]*client.Client{},
		brokers: map[string]*broker.Broker{}, journal: map[string]*sqlite.Journal{}}
	var parts sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); parts.Wait() })
	for _, name := range []string{"lyon-1", "lyon-2"} {
		j, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(t.TempDir(), "journal.db"), Reserve: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		s.nodes[name] = s.Node(name)
		n := orders.New(s.nodes[name], zap.NewNop())
		b := broker.New(broker.Options{Journal: j, Pool: lines.NewPool(lines.PoolOptions{}), Fleet: n, Node: name},
			broker.Config{})
		parts.Go(func() {
			n.Serve(ctx, func(_ context.Context, o fleet.Order) orders.Outcome {
				if o.Verb == fleet.Undrain && name == "lyon-2" {
					return orders.Outcome{Error: "not now"}
				}
				return orders.Outcome{}
			})
		})
		f := Fleet{Node: n, Happened: func(e events.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.told = append(s.told, e)
		}}
		s.clients[name], _ = serve(t, &Server{Daemon: FromFleet(b, f), Fleet: f, Feed: &Feed{},
			Version: func() client.Version { return client.Version{} }})
		s.brokers[name], s.journal[name] = b, j
	}
	return s
}

// promise records a callback of a node, in the fleet and in its journal.
func (s *fleetSite) promise(t *testing.T, node, id string, created time.Time) {
	t.Helper()
	c := journal.Callback{ID: id, Phase: "waiting", User: "user-" + id, Entry: "radius", Number: "84001", CalledTTY: 65,
		Max: 2, Created: created, Updated: created, Epoch: 1, Home: node, Shared: true, State: "{}",
		Trace: `{"history":[{"time":"2026-11-21T10:00:00Z","what":"Promise","phase":"promised","text":"at ` + node + `"}]}`}
	p := fleet.Promise{Row: fleet.Row{Callback: c, Holder: node, Rotary: 7, Format: fleet.Format}, Time: created}
	if err := s.nodes[node].Promise(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := s.journal[node].Commit(t.Context(), journal.PutCallback{Callback: c}); err != nil {
		t.Fatal(err)
	}
}

func idsOf(all []client.Callback) string {
	var ids []string
	for _, c := range all {
		ids = append(ids, c.ID+"@"+c.Node)
	}
	return strings.Join(ids, " ")
}

// Callbacks of all nodes are listed, newest first; without the server, those of the node that was asked, as stale.
func TestFleetCallbacks(t *testing.T) {
	s := newFleetSite(t)
	s.promise(t, "lyon-1", "aaaa", created)
	s.promise(t, "lyon-2", "bbbb", created.Add(time.Minute))
	s.promise(t, "lyon-1", "cccc", created.Add(2*time.Minute))
	c := s.clients["lyon-1"]
	find := func(q client.CallbackQuery, want string, wantOlder int) {
		t.Helper()
		all, older, err := c.FindCallbacks(t.Context(), q)
		if got := idsOf(all); err != nil || got != want || older != wantOlder {
			t.Errorf("%+v: %q, older %d, %v; want %q, %d", q, got, older, err, want, wantOlder)
		}
	}
	find(client.CallbackQuery{Limit: 10}, "cccc@lyon-1 bbbb@lyon-2 aaaa@lyon-1", 0)
	find(client.CallbackQuery{Limit: 2}, "cccc@lyon-1 bbbb@lyon-2", -1)
	find(client.CallbackQuery{Limit: 10, Node: "lyon-2"}, "bbbb@lyon-2", 0)
	find(client.CallbackQuery{Limit: 10, Node: "lyon-1"}, "cccc@lyon-1 aaaa@lyon-1", 0)
	find(client.CallbackQuery{Limit: 10, User: "user-bbbb"}, "bbbb@lyon-2", 0)
	v, err := c.Callback(t.Context(), "bbbb")
	if err != nil || v.Node != "lyon-2" || v.Home != "lyon-2" || v.User != "user-bbbb" || v.Stale != "" {
		t.Errorf("%+v, %v", v, err)
	}
	s.nodes["lyon-1"].Cut(true)
	find(client.CallbackQuery{Limit: 10}, "cccc@lyon-1 aaaa@lyon-1", 0)
	if v, err = c.Callback(t.Context(), "aaaa"); err != nil || v.Stale == "" || v.Node != "lyon-1" {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err = c.Callback(t.Context(), "bbbb"); err == nil || !strings.Contains(err.Error(), "were not asked") {
		t.Errorf("%v", err)
	}
	if f, err := c.Fleet(t.Context()); err != nil || f.Node != "lyon-1" || f.Stale() == "" {
		t.Errorf("%+v, %v", f, err)
	}
}

// A callback that another node took shows the steps and attempts of both.
func TestFleetTrace(t *testing.T) {
	s := newFleetSite(t)
	ctx := t.Context()
	for _, n := range s.nodes { // before they take anything
		if _, err := n.Resume(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.promise(t, "lyon-1", "aaaa", created)
	row, _, _, err := s.nodes["lyon-1"].Callback(ctx, "aaaa")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.nodes["lyon-1"].Offer(ctx, row); err != nil {
		t.Fatal(err)
	}
	waiting, err := s.nodes["lyon-2"].Waiting(ctx, []int{7}, nil, 1)
	if err != nil || len(waiting) != 1 {
		t.Fatalf("%+v, %v", waiting, err)
	}
	taken, err := s.nodes["lyon-2"].Take(ctx, waiting[0])
	if err != nil {
		t.Fatal(err)
	}
	attempt := journal.Attempt{CallbackID: "aaaa", N: 1, TTY: 70, Number: "84001", Started: created.Add(time.Minute)}
	if err := s.nodes["lyon-2"].Attempt(ctx, taken.Claim(), attempt); err != nil {
		t.Fatal(err)
	}
	v, err := s.clients["lyon-1"].Callback(ctx, "aaaa")
	if err != nil || v.Node != "lyon-2" || v.Home != "lyon-1" || len(v.Dials) != 1 || v.Dials[0].Node != "lyon-2" ||
		v.Dials[0].TTY != 70 || len(v.History) == 0 || v.History[0].Node != "lyon-1" ||
		v.History[0].Text != "at lyon-1" {
		t.Errorf("%+v, %v", v, err)
	}
	if all, _, err := s.clients["lyon-2"].FindCallbacks(ctx, client.CallbackQuery{}); idsOf(all) != "aaaa@lyon-2" {
		t.Errorf("%+v, %v", all, err)
	}
	if all, _, err := s.clients["lyon-1"].FindCallbacks(ctx, client.CallbackQuery{}); err != nil || len(all) != 1 ||
		all[0].Phase != "dialing" || all[0].Node != "lyon-2" || v.Phase != "dialing" || v.TTY != 70 {
		t.Errorf("while lyon-2 dials: %+v, %v; %+v", all, err, v.Callback)
	}
	if err := s.clients["lyon-1"].RetryCallback(ctx, "aaaa"); err == nil ||
		!strings.Contains(err.Error(), "is held by node lyon-2") {
		t.Errorf("%v", err)
	}
}

// A callback that another node ended is shown as it ended, with each step once, of the node that did it.
func TestFleetEndedElsewhere(t *testing.T) {
	s := newFleetSite(t)
	ctx := t.Context()
	s.promise(t, "lyon-1", "aaaa", created)
	row, _, _, err := s.nodes["lyon-1"].Callback(ctx, "aaaa")
	if err != nil {
		t.Fatal(err)
	}
	trace := strings.Replace(row.Trace, "]}",
		`,{"time":"2026-11-21T10:01:00Z","what":"Denied","phase":"failed","text":""}]}`, 1)
	end := fleet.End{Claim: row.Claim(), Time: created.Add(time.Minute), Outcome: "failed", Cause: "busy", Trace: trace}
	if err := s.nodes["lyon-1"].End(ctx, end); err != nil {
		t.Fatal(err)
	}
	gone := row.Callback
	gone.Phase, gone.Outcome, gone.Ended = journal.GivenUp, journal.GivenUp, created.Add(time.Minute)
	if err := s.journal["lyon-1"].Commit(ctx, journal.PutCallback{Callback: gone}); err != nil {
		t.Fatal(err)
	}
	for name, c := range s.clients {
		v, err := c.Callback(ctx, "aaaa")
		if err != nil || v.Phase != "failed" || v.Cause != "busy" || len(v.History) != 2 ||
			v.History[0].Node != "lyon-1" || v.History[1].Event != "Denied" {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		all, _, err := c.FindCallbacks(ctx, client.CallbackQuery{All: true})
		if err != nil || len(all) != 1 || all[0].Phase != "failed" || all[0].Cause != "busy" {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
	}
}

// Orders reach the node that they name, and the answer says what became of them.
func TestFleetNodes(t *testing.T) {
	s := newFleetSite(t)
	c, ctx := s.clients["lyon-1"], t.Context()
	v, err := c.Nodes(ctx)
	if err != nil || len(v.Nodes) != 2 || v.Stale != "" || !v.Nodes[0].Self || v.Nodes[1].Name != "lyon-2" {
		t.Errorf("%+v, %v", v, err)
	}
	if r, err := c.DrainNode(ctx, "lyon-2", "new kernel", 10*time.Minute); err != nil ||
		r != (client.NodeResult{Node: "lyon-2"}) {
		t.Errorf("%+v, %v", r, err)
	}
	if v, err = c.Nodes(ctx); err != nil || v.Nodes[1].State != "drained" || v.Nodes[1].Drained != "new kernel" {
		t.Errorf("%+v, %v", v, err)
	}
	if r, err := c.UndrainNode(ctx, "lyon-2"); err != nil || r.Error != "not now" {
		t.Errorf("%+v, %v", r, err)
	}
	var problem *client.Problem
	if _, err := c.DrainNode(ctx, "lyon-9", "", 0); !errors.As(err, &problem) || problem.Status != http.StatusNotFound {
		t.Errorf("%v", err)
	}
	if err := c.RemoveNode(ctx, "lyon-1"); err == nil || !strings.Contains(err.Error(), "is this node") {
		t.Errorf("%v", err)
	}
	if err := c.RemoveNode(ctx, "lyon-2"); !errors.As(err, &problem) || problem.Status != http.StatusConflict ||
		!strings.Contains(err.Error(), "stop it first") {
		t.Errorf("a node that runs: %v", err)
	}
	s.Silent("lyon-2", true)
	if err := c.RemoveNode(ctx, "lyon-2"); err != nil {
		t.Error(err)
	}
	if v, err = c.Nodes(ctx); err != nil || v.Nodes[1].State != "removed" {
		t.Errorf("%+v, %v", v, err)
	}
	var kinds []string
	for _, e := range s.happened() {
		switch e := e.(type) {
		case events.FleetOrdered:
			kinds = append(kinds, e.Verb+" "+e.Node)
		case events.NodeRemoved:
			kinds = append(kinds, "removed "+e.Node)
		}
	}
	if got := strings.Join(kinds, ", "); got != "drain lyon-2, undrain lyon-2, removed lyon-2" {
		t.Errorf("reported: %s", got)
	}
	s.nodes["lyon-1"].Cut(true)
	if v, err = c.Nodes(ctx); err != nil || len(v.Nodes) != 2 || v.Stale == "" || v.Read == nil {
		t.Errorf("%+v, %v", v, err)
	}
}

// A lockdown is in force at the node that was asked, whatever the fleet does, and then at all. What the others do not
// have is owed to them; the end of a lockdown is not.
func TestFleetLockdown(t *testing.T) {
	s := newFleetSite(t)
	c, ctx := s.clients["lyon-1"], t.Context()
	v, err := c.OrderLockdown(ctx, "fraud", false)
	if want := []client.NodeResult{{Node: "lyon-1"}, {Node: "lyon-2"}}; err != nil || !slices.Equal(v.Nodes, want) {
		t.Errorf("%+v, %v", v, err)
	}
	s.nodes["lyon-1"].Cut(true)
	v, err = c.OrderLockdown(ctx, "worse", false)
	if err != nil || len(v.Nodes) != 2 || !strings.Contains(v.Nodes[1].Error, "no other node has the order yet") ||
		!strings.Contains(v.Nodes[1].Error, "it is sent as soon as PostgreSQL answers") {
		t.Errorf("%+v, %v", v, err)
	}
	if all, _, err := s.journal["lyon-1"].Owed(ctx); err != nil || len(all) != 1 || all[0].Kind != "order" ||
		!strings.Contains(all[0].Body, "worse") {
		t.Errorf("owed: %+v, %v", all, err)
	}
	if state := s.brokers["lyon-1"].LockdownState(); !state.Active || state.Reason != "worse" {
		t.Errorf("%+v", state)
	}
	if err := c.LiftLockdown(ctx, ""); err == nil || !strings.Contains(err.Error(), "it is not sent later") {
		t.Errorf("lifted without the fleet: %v", err)
	}
}

// A node that is alone has no nodes, and its callbacks have none.
func TestAlone(t *testing.T) {
	c, _ := serve(t, &Server{Daemon: fake{}, Feed: &Feed{},
		Version: func() client.Version { return client.Version{} }})
	var problem *client.Problem
	if _, err := c.Nodes(t.Context()); !errors.As(err, &problem) || problem.Status != http.StatusNotFound {
		t.Errorf("%v", err)
	}
	if v, err := c.Fleet(t.Context()); err != nil || v.Node != "" || v.Stale() != "" {
		t.Errorf("%+v, %v", v, err)
	}
	_, _, err := c.FindCallbacks(t.Context(), client.CallbackQuery{Node: "lyon-1"})
	if !errors.As(err, &problem) || problem.Status != http.StatusNotFound {
		t.Errorf("%v", err)
	}
}
