package web

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/api/client"
)

// elsewhere is the node that has the callbacks of a fleet.
const elsewhere = "lyon-2" + hostile

// inFleet returns a site whose daemon is a node of a fleet.
func inFleet(t *testing.T) *site {
	s := newSite(t, Operate)
	s.fake.fleet = client.Fleet{Node: "lyon-1", Connected: true, Member: true, Since: began}
	s.fake.nodes = client.Nodes{Nodes: []client.Node{{Name: "lyon-1", Self: true, State: "up", Claims: 41},
		{Name: hostile, State: "silent", Version: hostile, Silence: 75, Differs: []string{hostile}},
		{Name: "lyon-3", State: "drained", Drained: hostile}, {Name: "lyon-4", State: "down", Silence: 75},
		{Name: "lyon-5", State: "removed"}, {Name: "lyon-6", State: hostile}}}
	return s
}

// TestNodesOnThePage: the health has the nodes, and the callbacks have the nodes of their lines.
func TestNodesOnThePage(t *testing.T) {
	t.Parallel()
	s := inFleet(t)
	page := s.get("/health").Body.String()
	for _, want := range []string{">41</td>", ">silent</span>", ">drained</span>", ">shut down</span>",
		">removed</span>", "this node"} {
		if !strings.Contains(page, want) {
			t.Errorf("the health has no %q", want)
		}
	}
	if strings.Contains(page, hostile) || strings.Count(page, ">1m15s<") != 1 {
		t.Errorf("a text is not escaped, or the silence is not that of one node:\n%s", page)
	}
	for _, path := range []string{"/", "/callbacks", "/callbacks/0190"} {
		if page := s.get(path).Body.String(); !strings.Contains(page, "lyon-2") || !strings.Contains(page, "/66<") ||
			strings.Contains(page, elsewhere) {
			t.Errorf("%s has not the line with its node", path)
		}
	}
	if csv := s.get("/callbacks.csv").Body.String(); !strings.Contains(csv, "cause,home,node\n") {
		t.Errorf("%s", csv)
	}
}

// TestStalePage: while PostgreSQL cannot be reached, the pages say so.
func TestStalePage(t *testing.T) {
	t.Parallel()
	s := inFleet(t)
	const notice = "</time>, only what node lyon-1 knows is shown: "
	paths := []string{"/", "/callbacks", "/health"}
	for _, path := range paths {
		if page := s.get(path).Body.String(); strings.Contains(page, notice) {
			t.Errorf("%s is stale while PostgreSQL answers", path)
		}
	}
	s.fake.fleet.Connected, s.fake.fleet.Reason, s.fake.nodes.Stale = false, hostile, hostile
	s.fake.nodes.Read = &began
	for _, path := range paths {
		page := s.get(path).Body.String()
		if !strings.Contains(page, notice) || strings.Contains(page, hostile) {
			t.Errorf("%s:\n%s", path, page)
		}
	}
	if page := s.get("/health").Body.String(); !strings.Contains(page, "As last read") {
		t.Errorf("%s", page)
	}
}

// TestStaleStream: an open page says that it is stale when the health changes.
func TestStaleStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := inFleet(t)
		w, end := s.listen("/stream?page=board&after=1", "")
		synctest.Wait()
		s.fake.fleet.Connected = false
		s.fake.events <- client.Event{ID: 2, Kind: "health.changed"}
		<-time.After(2 * streamEvery)
		synctest.Wait()
		end()
		body := w.Body.String()
		if !strings.Contains(body, `hx-target="#pending"`) || !strings.Contains(body, "PostgreSQL cannot be reached") {
			t.Errorf("the message:\n%s", body)
		}
	})
}

// TestAlone: without a fleet no page names one.
func TestAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, Operate)
	for _, path := range []string{"/", "/callbacks", "/callbacks/0190", "/health"} {
		r := s.get(path)
		if page := r.Body.String(); r.Code != http.StatusOK || strings.Contains(page, "nodes-title") ||
			strings.Contains(page, "/66") || strings.Contains(page, "knows is shown") {
			t.Errorf("%s: %d\n%s", path, r.Code, page)
		}
	}
	if csv := s.get("/callbacks.csv").Body.String(); !strings.Contains(csv, "max,cause\n") {
		t.Errorf("%s", csv)
	}
}
