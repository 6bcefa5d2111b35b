// Package orders sends orders to the nodes of a fleet, and carries out those that this node gets.
package orders

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/fleet"
)

// Outcome is what a node has done with an order. As JSON it is the result with which the node confirms the order.
type Outcome struct {
	Error     string `json:"error,omitempty"`     // why it was not carried out
	Code      string `json:"code,omitempty"`      // the kind of the error, for the program that sent the order
	Sessions  int    `json:"sessions,omitempty"`  // that were changed or ended
	Callbacks int    `json:"callbacks,omitempty"` // likewise
}

// Carrier carries out an order for this node, once. It may be called again for an order of an earlier process.
type Carrier func(ctx context.Context, o fleet.Order) Outcome

const (
	carryWithin   = 10 * time.Second // the time limit of one order
	confirmWithin = 2 * time.Second
)

// Node is an Authority whose orders Serve carries out: its Changes have all others.
type Node struct {
	fleet.Authority
	Observe Observer   // nil: nobody; set it before the first operation, as Owed
	Owed    func() int // how many reports of this node wait, for its Status; nil: not known
	log     *zap.Logger
	others  chan fleet.Change

	mu    sync.Mutex
	queue []fleet.Order
	more  chan struct{} // capacity 1: the queue has grown
	known known
}

// New returns a Node. Serve must run for its Changes to be passed on.
func New(a fleet.Authority, log *zap.Logger) *Node {
	return &Node{Authority: a, log: log, others: make(chan fleet.Change), more: make(chan struct{}, 1)}
}

// Changes implements fleet.Authority.
func (n *Node) Changes() <-chan fleet.Change { return n.others }

// Serve passes changes on and carries out orders, one after the other, until ctx ends. A reader of the changes that is
// slow does not hold up an order.
func (n *Node) Serve(ctx context.Context, carry Carrier) {
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { n.carryAll(ctx, carry) })
	var unread []fleet.Change
	for {
		var first fleet.Change
		var to chan fleet.Change // nil: there is nothing to pass on
		if len(unread) > 0 {
			first, to = unread[0], n.others
		}
		select {
		case c := <-n.Authority.Changes():
			if c.Kind == fleet.Ordered {
				n.put(c.Order)
			} else {
				unread = append(unread, c)
			}
		case to <- first:
			unread = unread[1:]
		case <-ctx.Done():
			return
		}
	}
}

func (n *Node) put(o fleet.Order) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.queue = append(n.queue, o)
	select {
	case n.more <- struct{}{}:
	default:
	}
}

func (n *Node) take() (o fleet.Order, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.queue) == 0 {
		return o, false
	}
	o, n.queue = n.queue[0], n.queue[1:]
	return o, true
}

func (n *Node) carryAll(ctx context.Context, carry Carrier) {
	for {
		for o, ok := n.take(); ok && ctx.Err() == nil; o, ok = n.take() {
			n.carryOut(ctx, o, carry)
		}
		select {
		case <-n.more:
		case <-ctx.Done():
			return
		}
	}
}

// carryOut carries out an order and confirms it. The Authority sends a confirmation that is lost again.
func (n *Node) carryOut(ctx context.Context, o fleet.Order, carry Carrier) {
	within, cancel := context.WithTimeout(ctx, carryWithin)
	out := carry(within, o)
	cancel()
	n.log.Info("order of the fleet", zap.Int64("order", o.Seq), zap.String("verb", string(o.Verb)),
		zap.String("by", o.Who), zap.String("error", out.Error))
	text, _ := json.Marshal(out) // of texts and numbers
	within, cancel = context.WithTimeout(ctx, confirmWithin)
	defer cancel()
	if err := n.Confirm(within, o.Seq, string(text)); err != nil {
		n.log.Warn("order of the fleet: the confirmation waits", zap.Int64("order", o.Seq), zap.Error(err))
	}
}
