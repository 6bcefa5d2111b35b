package broker

import (
	"context"
	"slices"
	"time"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
)

// CallView is a telephone connection of a line, live or ended.
type CallView struct {
	journal.Call     // without its Data; End is zero while it is live
	Speed        int // bit/s, from the CONNECT line; 0: not known
}

func callView(row journal.Call) CallView {
	row.Data = ""
	return CallView{Call: row, Speed: lines.ConnectSpeed(row.Connect)}
}

// CallQuery selects calls; zero fields select all.
type CallQuery struct {
	TTY   int
	User  string
	Since time.Time // only calls that began at this time or later
	Limit int       // only the newest Limit; 0: 100
}

// ActiveCalls returns the live calls that match q, oldest first. Their octets are those of now.
func (b *Broker) ActiveCalls(q CallQuery) []CallView {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := make([]CallView, 0, len(b.calls))
	for _, c := range b.calls {
		row := c.last
		if row.CallbackID == "" {
			row.CallbackID = c.promised
		}
		if c.octets != nil {
			row.OctetsIn, row.OctetsOut = c.octets()
		}
		if (q.TTY == 0 || q.TTY == row.TTY) && (q.User == "" || q.User == row.User) && !row.Start.Before(q.Since) {
			v = append(v, callView(row))
		}
	}
	slices.SortFunc(v, func(x, y CallView) int { return x.Start.Compare(y.Start) })
	return v
}

// CallHistory returns the ended calls that match q, newest first, and the rows that were left out because they are
// damaged. more reports whether there may be older calls, beyond the limit. Only the newest journal.CallsSearched calls
// are looked at.
func (b *Broker) CallHistory(ctx context.Context, q CallQuery) (v []CallView, more bool, damaged []journal.Damage,
	err error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	rows, damaged, err := b.opt.Journal.Calls(ctx, q.Limit+1,
		journal.CallFilter{TTY: q.TTY, User: q.User, Since: q.Since, Ended: true})
	if err != nil {
		return nil, false, nil, err
	}
	if more = len(rows)+len(damaged) > q.Limit; len(rows) > q.Limit {
		rows = rows[:q.Limit]
	}
	v = make([]CallView, 0, len(rows))
	for _, row := range rows {
		v = append(v, callView(row))
	}
	return v, more, damaged, nil
}
