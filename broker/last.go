package broker

import (
	"context"
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
)

// remembersNumbers reports whether the next callback of the user depends on the numbers that this one dials.
func remembersNumbers(d policies.Decision) bool { return len(d.Further) > 0 && d.Attempts.Order != "" }

// arranged returns the numbers of a decision in the order in which a callback of the user dials them.
func (b *Broker) arranged(d policies.Decision, id aaa.Identity) []numbers.Number {
	b.mu.Lock()
	defer b.mu.Unlock()
	return d.Attempts.Order.Arrange(d.Numbers(), b.last[id])
}

// lastRow is the row of the numbers that were dialed last for a user.
func lastRow(id aaa.Identity, l policies.Last) journal.Mutation {
	return journal.PutDialed{Dialed: journal.Dialed{Entry: id.Entry, User: id.User, Number: l.Dialed.String(),
		Connected: l.Connected.String()}}
}

// loadLast reads the numbers that earlier processes dialed last. A row that cannot be read counts as none: the first
// number of the user is dialed first then.
func (b *Broker) loadLast(ctx context.Context) {
	rows, damaged, err := b.opt.Journal.Dialed(ctx)
	if err != nil {
		b.Happened(events.Alarm{Text: fmt.Sprintf("journal: read the numbers that were dialed last: %v; each user's "+
			"first number is dialed first", err)})
	}
	for _, d := range damaged {
		b.Happened(events.Alarm{Text: "the numbers that were dialed last for a user are damaged; the first one is " +
			"dialed first: " + d.String()})
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, row := range rows {
		dialed, _ := numbers.Reread(row.Number) // the zero number is none
		connected, _ := numbers.Reread(row.Connected)
		b.last[aaa.Identity{Entry: row.Entry, User: row.User}] = policies.Last{Dialed: dialed, Connected: connected}
	}
}
