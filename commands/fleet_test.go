package commands

import (
	"slices"
	"strings"
	"testing"
)

const (
	away = `{"node": "lyon-1", "connected": false, "reason": "db1.example.net: connection refused",
		"since": "2026-11-21T11:59:00Z"}`
	twoNodes = `{"nodes": [{"name": "lyon-1", "self": true, "state": "up", "version": "1.2.3", "claims": 4},
		{"name": "lyon-2", "state": "drained", "version": "1.2.4", "drained": "a new disk", "differs": ["version"]}]}`
	carriedOut = `{"node": "lyon-2"}`
	drained    = `{"active": true, "since": "2026-11-21T11:59:00Z", "by": "kim"}`
)

// fleetDaemon is a node of a fleet whose PostgreSQL is away.
func fleetDaemon() *daemon {
	return &daemon{answers: map[string]string{"GET /v1/fleet": away, "GET /v1/nodes": twoNodes,
		"GET /v1/callbacks": someCallbacks, "POST /v1/nodes/lyon-2/drain": carriedOut,
		"POST /v1/nodes/lyon-2/undrain": carriedOut, "PUT /v1/drain": drained, "DELETE /v1/drain": `{}`}}
}

// Operators see the nodes, and order drains of the daemon and of other nodes.
func TestNodesAndDrains(t *testing.T) {
	d := fleetDaemon()
	u := User{Client: d.serve(t), Level: Privileged, Here: at(noon)}
	for _, one := range []struct{ line, asks, says string }{
		{"show nodes", "GET /v1/nodes", "a new disk"},
		{"drain", "PUT /v1/drain?reason=", "DRAINED"},
		{"drain for 10", "PUT /v1/drain?for=10m0s&reason=", "DRAINED"},
		{"drain lyon-2", "POST /v1/nodes/lyon-2/drain?reason=", "Node lyon-2: done"},
		{"drain lyon-2 for 90", "POST /v1/nodes/lyon-2/drain?for=1h30m0s&reason=", "Node lyon-2: done"},
		{"show history", "GET /v1/callbacks?all=true&limit=20", "3apm7fwc"},
		{"sh hi node lyon-2 last 5", "GET /v1/callbacks?all=true&limit=5&node=lyon-2", "3apm7fwc"},
		{"undrain", "DELETE /v1/drain", "take calls again"},
		{"undrain lyon-2", "POST /v1/nodes/lyon-2/undrain", "Node lyon-2: done"},
	} {
		d.asked = nil
		got := typed(t, u, one.line)
		if !strings.Contains(got, one.says) || !slices.Contains(d.asked, one.asks) {
			t.Errorf("%s: asked %q, printed\n%s", one.line, d.asked, got)
		}
	}
}

// Users without privileges have none of these commands.
func TestNodesAndDrainsAreForOperators(t *testing.T) {
	d := fleetDaemon()
	u := User{Client: d.serve(t), Level: Privileged - 1, Here: at(noon)}
	for _, line := range []string{"show nodes", "drain", "drain lyon-2", "undrain", "undrain lyon-2"} {
		if got := typed(t, u, line); len(d.asked) > 0 {
			t.Errorf("%s: asked %q, printed %s", line, d.asked, got)
		}
	}
}

// Callbacks that may be old have a line above them that says so; only operators see the address of the server.
func TestStaleCallbacks(t *testing.T) {
	c := fleetDaemon().serve(t)
	for level, wants := range map[int]bool{1: false, Privileged: true} {
		got := typed(t, User{Client: c, Level: level, Here: at(noon)}, "show callback")
		if !strings.HasPrefix(got, "STALE since") || strings.Contains(got, "db1.example.net") != wants {
			t.Errorf("level %d:\n%s", level, got)
		}
	}
}
