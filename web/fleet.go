package web

import (
	"context"
	"slices"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

// nodeStates are the names of the states of a node of a fleet.
var nodeStates = map[string]texts.Key{"up": texts.PageNodeUp, "silent": texts.PageNodeSilent,
	"drained": texts.PageNodeDrained, "down": texts.PageNodeDown, "removed": texts.PageNodeRemoved}

// pendingList is the list of the pending callbacks, of all nodes if there is a fleet.
type pendingList struct {
	fleet client.Fleet
	all   []client.Callback
	older int // that are not shown; -1: some are
}

func readPending(ctx context.Context, api API) (l pendingList, err error) {
	if l.all, l.older, err = api.FindCallbacks(ctx, client.CallbackQuery{Limit: pageRows}); err != nil {
		return l, err
	}
	l.fleet, err = api.Fleet(ctx)
	return l, err
}

// fleetView is a fleet on the page of the health. The zero value: the node is alone.
type fleetView struct {
	client.Fleet
	nodes client.Nodes
}

func readFleet(ctx context.Context, api API) (v fleetView, err error) {
	if v.Fleet, err = api.Fleet(ctx); err != nil || v.Node == "" {
		return v, err
	}
	v.nodes, err = api.Nodes(ctx)
	return v, err
}

// nodeKind is the class of the color of a node's state. The text of the state is always beside it.
func nodeKind(state string) string {
	switch state {
	case "up":
		return "good"
	case "silent":
		return "bad"
	case "drained":
		return "moving"
	}
	return "none"
}

// beat is how long a node is silent; "" if it is not expected to say anything.
func beat(ctx context.Context, n client.Node) string {
	if n.State == "down" || n.State == "removed" {
		return ""
	}
	return durationText(ctx, seconds(n.Silence))
}

// nodeLine names a line, of a node if there is a fleet: lyon-1/66.
func nodeLine(node string, tty int) string {
	if node == "" {
		return ttyText(tty)
	}
	return node + "/" + ttyText(tty)
}

// ofNodes reports whether what has happened to a callback names nodes.
func ofNodes(all []client.Happening) bool {
	return slices.ContainsFunc(all, func(h client.Happening) bool { return h.Node != "" })
}
