package sqlite

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

var (
	usageTable = &table{"usage", 1, strings.Fields(`begin incoming incoming_time outgoing outgoing_time dials failures
		money unpriced`), 0}

	putUsageSQL = replace(usageTable)
)

func usageValues(u journal.Usage) []any {
	return []any{nanos(u.Begin), u.Incoming, int64(u.IncomingTime), u.Outgoing, int64(u.OutgoingTime), u.Dials,
		u.Failures, u.Money, u.Unpriced}
}

func decodeUsage(values []any) (journal.Usage, error) {
	v := &cols{values: values}
	u := journal.Usage{Begin: v.time(), Incoming: v.i64(), IncomingTime: v.dur(), Outgoing: v.i64(),
		OutgoingTime: v.dur(), Dials: v.i64(), Failures: v.i64(), Money: v.i64(), Unpriced: v.i64()}
	return u, v.end()
}

// plusUsage returns the sum of two uses of the hour of a. A field that would overflow has the largest value.
func plusUsage(a, b journal.Usage) journal.Usage {
	in := journal.Amount{Calls: a.Incoming, Failures: a.Failures, Time: a.IncomingTime, Money: a.Money}.Plus(
		journal.Amount{Calls: b.Incoming, Failures: b.Failures, Time: b.IncomingTime, Money: b.Money})
	out := journal.Amount{Calls: a.Outgoing, Time: a.OutgoingTime}.Plus(
		journal.Amount{Calls: b.Outgoing, Time: b.OutgoingTime})
	return journal.Usage{Begin: a.Begin, Incoming: in.Calls, IncomingTime: in.Time, Outgoing: out.Calls,
		OutgoingTime: out.Time, Dials: a.Dials + b.Dials, Failures: in.Failures, Money: in.Money,
		Unpriced: a.Unpriced + b.Unpriced}
}

// addUsage adds to the hour of a time. A row that does not verify stays as it is: the end of a call must not depend on
// it.
func (w *writer) addUsage(at time.Time, add journal.Usage) error {
	begin := journal.WindowsAt(at)[0]
	was, err := get(w, usageTable, decodeUsage, nanos(begin))
	switch {
	case errors.Is(err, journal.ErrDamaged):
		return nil
	case errors.Is(err, journal.ErrNotFound): // an hour has begun
		was.Begin = begin
		_, err = w.c.exec("DELETE FROM usage WHERE begin < ?", nanos(begin.Add(-journal.UsageKept)))
	}
	if err == nil {
		_, err = w.put(usageTable, putUsageSQL, usageValues(plusUsage(was, add)))
	}
	return err
}

// useOf returns what a call that is closed has used; interrupted: by a crash, so that its end is unknown.
func useOf(c journal.Call, cost *int64, interrupted bool) (u journal.Usage) {
	lasted := max(c.End.Sub(c.Start), 0)
	if interrupted {
		lasted = 0
	}
	switch {
	case c.Direction != "outgoing":
		u.Incoming, u.IncomingTime = 1, lasted
	case c.Connect == "": // nobody answered
	case cost == nil || *cost < 0:
		u.Outgoing, u.OutgoingTime, u.Unpriced = 1, lasted, 1
	default:
		u.Outgoing, u.OutgoingTime, u.Money = 1, lasted, *cost
	}
	return u
}

// Usage returns the hours that begin at from or later and before to, oldest first, the beginning of the oldest one of
// all, and the rows that do not verify.
func (r *Reader) Usage(ctx context.Context, from, to time.Time) (hours []journal.Usage, first time.Time,
	bad []journal.Damage, err error) {
	oldest, err := r.number(ctx, "SELECT min(begin) FROM usage")
	if err != nil {
		return nil, first, nil, explain(r.path, err)
	}
	if oldest != 0 {
		first = time.Unix(0, oldest)
	}
	hours, bad, err = list(ctx, r, usageTable, decodeUsage, "WHERE begin >= ? AND begin < ? ORDER BY begin",
		nanos(from), nanos(to))
	return hours, first, bad, err
}
