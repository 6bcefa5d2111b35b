package node

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/orders"
)

// carryOut returns what carries out the orders of a fleet at this node. An order that is in force already, because this
// node or an earlier process has carried it out, changes nothing.
func carryOut(b *broker.Broker) orders.Carrier {
	return func(ctx context.Context, o fleet.Order) orders.Outcome {
		switch o.Verb {
		case fleet.Cancel:
			return outcomeOf(b.CancelCallback(ctx, o.ID, o.Who))
		case fleet.Lockdown:
			return outcomeOf(lockDown(b, o))
		case fleet.Unlock:
			return outcomeOf(unless(b.LiftLockdown(o.Text, o.Who), broker.ErrNoLockdown))
		case fleet.Drain:
			return outcomeOf(drain(b, o))
		case fleet.Undrain:
			return outcomeOf(unless(b.Undrain(o.Who), broker.ErrNotDrained))
		case fleet.CoA:
			return authorize(ctx, b, o)
		}
		return orders.Outcome{Error: "this version does not know the order " + string(o.Verb) + " (update it)"}
	}
}

func outcomeOf(err error) orders.Outcome {
	if err == nil {
		return orders.Outcome{}
	}
	return orders.Outcome{Error: err.Error()}
}

// unless returns err, or nil if it is the one of an order without effect.
func unless(err, none error) error {
	if errors.Is(err, none) {
		return nil
	}
	return err
}

func lockDown(b *broker.Broker, o fleet.Order) error {
	var args orders.LockdownArgs
	if err := json.Unmarshal([]byte(o.Args), &args); err != nil && o.Args != "" {
		args.Sessions = true // a lockdown that cannot be read stops all
	}
	if v := b.LockdownState(); v.Active && v.Reason == o.Text && v.Who == o.Who && (v.Sessions || !args.Sessions) {
		return v.Err
	}
	return b.Lockdown(o.Text, args.Sessions, o.Who)
}

func drain(b *broker.Broker, o fleet.Order) error {
	var args orders.DrainArgs
	if err := json.Unmarshal([]byte(o.Args), &args); err != nil && o.Args != "" {
		return err
	}
	return b.Drain(o.Text, o.Who, args.For)
}
