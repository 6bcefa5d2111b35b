package orders

import (
	"context"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/fleet"
)

// known is what was last read of the nodes.
type known struct {
	mu    sync.Mutex
	nodes []fleet.Node
	at    time.Time
}

// Known returns the nodes as they are now, or with an error, as they were last read, at a time that is zero if they
// never were.
func (n *Node) Known(ctx context.Context) (nodes []fleet.Node, at time.Time, err error) {
	nodes, err = n.Nodes(ctx)
	n.known.mu.Lock()
	defer n.known.mu.Unlock()
	if err == nil {
		n.known.nodes, n.known.at = nodes, time.Now()
	}
	return n.known.nodes, n.known.at, err
}

// LastRead returns the nodes as they were last read, without asking.
func (n *Node) LastRead() []fleet.Node {
	n.known.mu.Lock()
	defer n.known.mu.Unlock()
	return n.known.nodes
}
