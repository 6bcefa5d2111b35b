package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/orders"
)

// Fleet is what the API needs of a fleet. The zero value: the node is alone.
type Fleet struct {
	Node     *orders.Node
	Happened func(events.Event)
}

// fleetTable has the rows of this file.
var fleetTable = []Route{
	{"get-fleet", http.MethodGet, "/v1/fleet", Read, nil, "Show whether this node is a member of its fleet"},
	{"list-nodes", http.MethodGet, "/v1/nodes", Read, nil, "List the nodes of the fleet"},
	{"drain-node", http.MethodPost, "/v1/nodes/{node}/drain", Operate, []events.Kind{"fleet.ordered"},
		"Let a node of the fleet finish its calls, and then take no more; what it has waiting is offered to others"},
	{"undrain-node", http.MethodPost, "/v1/nodes/{node}/undrain", Operate, []events.Kind{"fleet.ordered"},
		"Let a node of the fleet take calls and callbacks again"},
	{"remove-node", http.MethodDelete, "/v1/nodes/{node}", Admin, []events.Kind{"fleet.removed"},
		"Vouch that a node of the fleet is off: its open attempts end, and others take what it has waiting"},
}

type nodeInput struct {
	Node string `path:"node" maxLength:"63"`
}

// fleetRoutes registers the routes of the fleet.
func (s *Server) fleetRoutes(r *registry) {
	register(r, "get-fleet", func(context.Context, *struct{}) (*one[client.Fleet], error) {
		return &one[client.Fleet]{s.Fleet.status()}, nil
	})
	register(r, "list-nodes", func(ctx context.Context, _ *struct{}) (*one[client.Nodes], error) {
		if s.Fleet.Node == nil {
			return nil, errAlone
		}
		return &one[client.Nodes]{s.Fleet.nodes(ctx)}, nil
	})
	register(r, "drain-node", func(ctx context.Context, in *struct {
		Node   string `path:"node" maxLength:"63"`
		Reason string `query:"reason" maxLength:"200" doc:"for operators and the audit; may be empty"`
		For    string `query:"for" maxLength:"32" doc:"how long, as 10m; absent: until undrain or a restart"`
	}) (*one[client.NodeResult], error) {
		length, err := drainLength(in.For)
		if err != nil {
			return nil, err
		}
		return s.Fleet.at(ctx, in.Node, fleet.Order{Verb: fleet.Drain, Text: in.Reason,
			Args: orders.Args(orders.DrainArgs{For: length})})
	})
	register(r, "undrain-node", func(ctx context.Context, in *nodeInput) (*one[client.NodeResult], error) {
		return s.Fleet.at(ctx, in.Node, fleet.Order{Verb: fleet.Undrain})
	})
	register(r, "remove-node", func(ctx context.Context, in *nodeInput) (*struct{}, error) {
		return nil, s.Fleet.remove(ctx, in.Node)
	})
}

var errAlone = huma.Error404NotFound("this node is alone: its configuration has no fleet")

// FleetOf returns the state of a membership for clients.
func FleetOf(s fleet.Status) client.Fleet {
	return client.Fleet{Node: s.Node, Connected: s.Connected, Member: s.Member, Reason: s.Reason,
		Since: s.Since.Local(), Server: s.Server, Durability: s.Durability, Lost: s.Lost, Owed: s.Owed,
		Forged: s.Forged}
}

func (f Fleet) status() client.Fleet {
	if f.Node == nil {
		return client.Fleet{}
	}
	return FleetOf(f.Node.Status())
}

// nodes returns the nodes, or what was last known of them.
func (f Fleet) nodes(ctx context.Context) client.Nodes {
	all, at, err := f.Node.Known(ctx)
	v := client.Nodes{Nodes: make([]client.Node, 0, len(all))}
	var self fleet.Node
	for _, n := range all {
		if n.Self {
			self = n
		}
	}
	for _, n := range all {
		v.Nodes = append(v.Nodes, client.Node{Name: n.Name, Self: n.Self, State: n.State, Version: n.Version,
			Format: n.Format, Claims: n.Claims, Silence: n.Silence.Seconds(), Since: n.Since.Local(),
			Drained: n.Drained, Digests: n.Digests, Differs: differs(self, n)})
	}
	if err != nil {
		v.Stale, v.Read = f.why(err), ended(at)
	}
	return v
}

// why returns why the fleet did not answer.
func (f Fleet) why(err error) string {
	if reason := f.Node.Status().Reason; reason != "" {
		return reason
	}
	return err.Error()
}

// differs returns what a node has not as self has it. A removed node, or one that was shut down, does no harm.
func differs(self, n fleet.Node) []string {
	all := []string{}
	if self.Name == "" || n.State == "removed" || n.State == "down" {
		return all
	}
	if n.Version != self.Version {
		all = append(all, "version")
	}
	if n.Format != self.Format {
		all = append(all, "format")
	}
	for of, digest := range self.Digests {
		if n.Digests[of] != digest {
			all = append(all, of)
		}
	}
	slices.Sort(all)
	return all
}

// at sends an order to a node.
func (f Fleet) at(ctx context.Context, node string, o fleet.Order) (*one[client.NodeResult], error) {
	if f.Node == nil {
		return nil, errAlone
	}
	o.Node, o.Who = node, f.by(ctx)
	all, err := f.Node.Send(ctx, o, nil)
	if err != nil {
		return nil, f.failed(node, err)
	}
	f.Happened(events.FleetOrdered{Verb: string(o.Verb), Node: node, By: By(ctx), Reason: o.Text})
	for _, r := range all {
		if r.Node == node {
			return &one[client.NodeResult]{nodeResult(r)}, nil
		}
	}
	return &one[client.NodeResult]{client.NodeResult{Node: node, Waiting: true}}, nil
}

func (f Fleet) remove(ctx context.Context, node string) error {
	switch {
	case f.Node == nil:
		return errAlone
	case node == f.Node.Status().Node:
		return huma.Error409Conflict("node " + node + " is this node, which is not off (ask another node)")
	}
	if err := f.Node.Remove(ctx, node, f.by(ctx)); err != nil {
		return f.failed(node, err)
	}
	f.Happened(events.NodeRemoved{Node: node, By: By(ctx)})
	return nil
}

// failed converts the error of an Authority about a node to an HTTP status.
func (f Fleet) failed(node string, err error) error {
	if errors.Is(err, fleet.ErrNotFound) {
		return huma.Error404NotFound(fmt.Sprintf("node %s is not in the fleet (`ringback show nodes` lists the nodes)",
			node))
	}
	return huma.Error409Conflict(err.Error())
}

// by identifies the client of a request for another node.
func (f Fleet) by(ctx context.Context) string { return By(ctx) + " at " + f.Node.Status().Node }

func nodeResult(r orders.Result) client.NodeResult {
	return client.NodeResult{Node: r.Node, Error: r.Error, Waiting: r.Waiting}
}

func nodeResults(all []orders.Result) []client.NodeResult {
	v := make([]client.NodeResult, 0, len(all))
	for _, r := range all {
		v = append(v, nodeResult(r))
	}
	return v
}

// drainLength parses how long a drain lasts; 0: until it is ended.
func drainLength(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	length, err := time.ParseDuration(text)
	if err != nil || length < time.Second || length > 31*24*time.Hour {
		return 0, huma.Error422UnprocessableEntity(fmt.Sprintf("for %q: write a time of 1s to 744h, as 10m", text))
	}
	return length, nil
}
