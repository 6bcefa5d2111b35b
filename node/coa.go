package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/orders"
)

// coaArgs are the Args of fleet.CoA.
type coaArgs struct {
	Selector broker.Selector `json:"selector"`
	Change   *broker.Change  `json:"change,omitempty"` // nil: Disconnect
}

// coaErrors are the errors that the other node names by a code, for the Error-Cause of the answer.
var coaErrors = map[string]error{"several": broker.ErrSeveral, "not_supported": broker.ErrNotSupported,
	"too_late": broker.ErrTooLate}

// authorize carries out a Disconnect- or CoA-Request that another node got.
func authorize(ctx context.Context, b *broker.Broker, o fleet.Order) orders.Outcome {
	var args coaArgs
	if err := json.Unmarshal([]byte(o.Args), &args); err != nil {
		return orders.Outcome{Error: fmt.Sprintf("the order cannot be read: %v", err)}
	}
	args.Selector.By = o.Who
	f, err := broker.Found{}, error(nil)
	if args.Change == nil {
		f, err = b.Disconnect(ctx, args.Selector)
	} else {
		f, err = b.Change(ctx, args.Selector, *args.Change)
	}
	out := outcomeOf(err)
	out.Sessions, out.Callbacks = f.Sessions, f.Callbacks
	for code, is := range coaErrors {
		if errors.Is(err, is) {
			out.Code = code
		}
	}
	return out
}

// elsewhere asks the other nodes for a session or callback that this node does not have. A request is passed on only if
// it has an ID that no other session has: its Acct-Session-Id or Acct-Multi-Session-Id.
func elsewhere(ctx context.Context, n *orders.Node, s broker.Selector, c *broker.Change) (broker.Found, error) {
	if n == nil || s.SessionID == "" && s.MultiSessionID == "" {
		return broker.Found{}, nil
	}
	self := n.Status().Node
	o := fleet.Order{Verb: fleet.CoA, Who: s.By + " at " + self, Args: orders.Args(coaArgs{s, c})}
	all, err := n.Send(ctx, o, func(r orders.Result) bool { return r.Error != "" || r.Sessions+r.Callbacks > 0 })
	if err != nil {
		return broker.Found{}, fmt.Errorf("the other nodes of the fleet were not asked: %w", err)
	}
	waiting := ""
	for _, r := range all {
		switch {
		case r.Waiting:
			waiting = r.Node
		case r.Error != "":
			return broker.Found{}, coaError(r)
		case r.Sessions+r.Callbacks > 0:
			return broker.Found{Sessions: r.Sessions, Callbacks: r.Callbacks}, nil
		}
	}
	if waiting != "" {
		return broker.Found{}, fmt.Errorf("node %s has not answered", waiting)
	}
	return broker.Found{}, nil
}

func coaError(r orders.Result) error {
	if is := coaErrors[r.Code]; is != nil {
		return fmt.Errorf("node %s: %w", r.Node, is)
	}
	return fmt.Errorf("node %s: %s", r.Node, r.Error)
}
