package orders

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/ringback/ringback/broker/fleet"
)

// Result is the outcome of an order at one node.
type Result struct {
	Node string
	Outcome
	Waiting bool // it has not confirmed the order: it is silent, slow or down, and will carry it out when it is back
}

const (
	// Patience is how long Send waits for nodes that answer.
	Patience = 5 * time.Second
	pollEach = 100 * time.Millisecond
)

// Send sends an order and waits until all nodes that are up have confirmed it, or enough is true of the result of one
// (nil: never), at most for Patience. Nodes that have not confirmed it by then are among the results, as Waiting. An
// error means that no node has the order, or wraps fleet.ErrUnknown.
func (n *Node) Send(ctx context.Context, o fleet.Order, enough func(Result) bool) ([]Result, error) {
	o, err := n.Order(ctx, o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	up := n.up(ctx)
	poll := time.NewTicker(pollEach)
	defer poll.Stop()
	var last []Result
	for {
		done, waiting, err := n.Confirmed(ctx, o.Seq)
		if err == nil {
			last = results(done, waiting)
			open := slices.ContainsFunc(waiting, func(node string) bool { return up == nil || up[node] })
			reached := func(r Result) bool { return !r.Waiting && enough != nil && enough(r) }
			if !open || slices.ContainsFunc(last, reached) {
				return last, nil
			}
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			if last == nil {
				last = []Result{{Node: o.Node, Waiting: true}}
			}
			return last, nil
		}
	}
}

// up returns the nodes that are expected to answer; nil: not known.
func (n *Node) up(ctx context.Context) map[string]bool {
	nodes, err := n.Nodes(ctx)
	if err != nil {
		return nil
	}
	up := map[string]bool{}
	for _, node := range nodes {
		up[node.Name] = node.State == "up" || node.State == "drained"
	}
	return up
}

// results returns the results of all nodes, by name.
func results(done map[string]string, waiting []string) (all []Result) {
	for _, node := range slices.Sorted(maps.Keys(done)) {
		r := Result{Node: node}
		if json.Unmarshal([]byte(done[node]), &r.Outcome) != nil {
			r.Error = done[node] // of another version
		}
		all = append(all, r)
	}
	for _, node := range slices.Sorted(slices.Values(waiting)) {
		all = append(all, Result{Node: node, Waiting: true})
	}
	return all
}
