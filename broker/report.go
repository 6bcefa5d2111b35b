package broker

import (
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
)

// Happened reports an event to all sinks, once to each. If the event belongs in the audit, it returns when the audit
// row is on disk, or after Limits.Report if the disk hangs. A row that cannot be recorded is logged, because the event
// has happened.
func (b *Broker) Happened(e events.Event) {
	b.publish(e)
	if a, ok := events.Audit(e); ok {
		b.patiently(b.note(func(err error) {
			b.log.Error("journal: audit", zap.String("kind", a.Kind), zap.String("who", a.Who),
				zap.String("text", a.Text), zap.Error(err))
		}, auditRow(time.Now(), a)))
	}
}

// publish reports an event to the sinks other than the audit. The event has no audit row, or its row is committed
// separately.
func (b *Broker) publish(e events.Event) {
	for _, s := range b.sinks {
		s.Take(e)
	}
}

// audit returns the audit row of an event, for the transaction that makes the event durable; nil if it has none.
func audit(t time.Time, e events.Event) []journal.Mutation {
	a, ok := events.Audit(e)
	if !ok {
		return nil
	}
	return []journal.Mutation{auditRow(t, a)}
}

func auditRow(t time.Time, a events.Entry) journal.Mutation {
	return journal.AddAudit{Audit: journal.Audit{Time: t, Kind: a.Kind, Who: a.Who, Text: a.Text}}
}
