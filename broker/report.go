package broker

import (
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
)

// Happened reports an event to all sinks, each once. Where the audit has it, it returns when that is on disk, or after
// Limits.Report where the disk hangs. What cannot be recorded is logged: it has happened all the same.
func (b *Broker) Happened(e events.Event) {
	b.publish(e)
	if a, ok := events.Audit(e); ok {
		b.patiently(b.note(func(err error) {
			b.log.Error("journal: audit", zap.String("kind", a.Kind), zap.String("who", a.Who),
				zap.String("text", a.Text), zap.Error(err))
		}, auditRow(time.Now(), a)))
	}
}

// publish reports an event to the sinks beside the audit: it has none, or its row is on disk with what it tells of.
func (b *Broker) publish(e events.Event) {
	for _, s := range b.sinks {
		s.Take(e)
	}
}

// audit is the audit's row of an event, for the transaction that makes the event durable; none where the audit has
// none.
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
