package broker

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// owedLockdown is the ID of the report that has a lockdown for all nodes.
const owedLockdown = "lockdown"

// OweLockdown keeps the order of a lockdown that the other nodes do not have, because the authority did not answer. It
// is sent until the authority has it, also after a restart, unless the lockdown of this node is lifted before.
func (b *Broker) OweLockdown(ctx context.Context, o fleet.Order) error {
	report := owed(fleet.Claim{ID: owedLockdown}, oweOrder, o)
	if err := b.opt.Journal.Commit(context.WithoutCancel(ctx), report, journal.UseReserve{}); err != nil {
		return fmt.Errorf("journal: the order for the other nodes is not on disk: %w", err)
	}
	wake(b.fleet.owing)
	return nil
}

// payOrder sends an order, if it is still wanted.
func (b *Broker) payOrder(ctx context.Context, r journal.Owed) error {
	var o fleet.Order
	if err := unmarshal(r.Body, &o); err != nil {
		return fmt.Errorf("the order cannot be read: %w", err)
	}
	if !b.LockdownState().Active {
		return nil
	}
	sent, err := b.fleet.Order(ctx, o)
	if err == nil {
		b.log.Warn("fleet: the lockdown that other nodes did not have is sent to all nodes",
			zap.Int64("order", sent.Seq), zap.String("by", o.Who), zap.String("reason", o.Text))
	}
	return err
}
