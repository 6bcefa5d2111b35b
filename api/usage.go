package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/tariff"
)

// The steps of a Usage, and the longest time that each can show.
const (
	StepHour = "hour"
	StepDay  = "day"

	mostHours = 32 * 24 * time.Hour
	mostDays  = journal.UsageKept
)

// usageTable has the row of this file. It has no names and no numbers, so that it is for the least role.
var usageTable = []Route{
	{"get-usage", http.MethodGet, "/v1/usage", Read, nil,
		"Show what the calls of the site have used, by hour or day"},
}

type usageInput struct {
	From time.Time `query:"from" doc:"the first hour or day is that of this time; absent: 24 hours before to, or 31 days"`
	To   time.Time `query:"to" doc:"the hours or days begin before this time; absent: now"`
	Step string    `query:"step" enum:"hour,day" default:"hour" doc:"of 32 days at most, or of 400"`
}

// Resolve fills in the times, and rejects a time that is too long.
func (in *usageInput) Resolve(huma.Context) []error {
	length, most := 24*time.Hour, mostHours
	if in.Step == StepDay {
		length, most = 31*24*time.Hour, mostDays
	}
	if in.To.IsZero() {
		in.To = time.Now()
	}
	if in.From.IsZero() {
		in.From = in.To.Add(-length)
	}
	text := ""
	switch lasts := in.To.Sub(in.From); {
	case lasts <= 0:
		text = "from must be before to"
	case lasts > most && in.Step == StepDay:
		text = "days of more than 400 days are not kept: ask for less"
	case lasts > most:
		text = "hours of more than 32 days are too many: ask for less, or for step=day"
	default:
		return nil
	}
	return []error{&huma.ErrorDetail{Message: text, Location: "query.from"}}
}

// usageRoutes registers the route of the usage.
func (s *Server) usageRoutes(r *registry) {
	register(r, "get-usage", func(ctx context.Context, in *usageInput) (*one[client.Usage], error) {
		v, err := s.Daemon.Usage(ctx, in.From, in.To, in.Step)
		return &one[client.Usage]{v}, status(err)
	})
}

func (d daemon) Usage(ctx context.Context, from, to time.Time, step string) (client.Usage, error) {
	from = stepOf(from.Local(), step)
	u, err := d.b.Usage(ctx, from, to)
	if err != nil {
		return client.Usage{}, err
	}
	v := client.Usage{Step: step, First: ended(u.First), Currency: u.Currency, Limits: []client.UsageLimit{},
		Steps: steps(u.Hours, later(from, u.First), to, step, time.Local), Damaged: u.Damaged}
	for _, l := range u.Limits {
		v.Limits = append(v.Limits, client.UsageLimit{Period: l.Period, Limit: amount(l.Amount)})
	}
	return v, nil
}

// later returns the later time; first if that is zero.
func later(from, first time.Time) time.Time {
	if first.IsZero() || first.After(from) {
		return first
	}
	return from
}

// stepOf returns the beginning of the hour or day of t in its zone. A day begins at its first instant.
func stepOf(t time.Time, step string) time.Time {
	if step == StepDay {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	}
	past := time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second +
		time.Duration(t.Nanosecond())
	return t.Add(-past)
}

// next returns the beginning of the step after one. A day has 23 or 25 hours when the clock is changed.
func next(t time.Time, step string) time.Time {
	if step == StepDay {
		return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location())
	}
	return stepOf(t.Add(time.Hour), step)
}

// steps sums hours by step of a zone, from the step of a time until to, without gaps. A zero from has none.
func steps(hours []journal.Usage, from, to time.Time, step string, zone *time.Location) []client.UsageStep {
	all := []client.UsageStep{}
	if from.IsZero() {
		return all
	}
	for begin := stepOf(from.In(zone), step); begin.Before(to); {
		end := next(begin, step)
		out, money := client.UsageStep{Begin: begin}, tariff.Money(0)
		for ; len(hours) > 0 && hours[0].Begin.Before(end); hours = hours[1:] {
			h := hours[0]
			out.Incoming += h.Incoming
			out.IncomingSeconds += h.IncomingTime.Seconds()
			out.Outgoing += h.Outgoing
			out.OutgoingSeconds += h.OutgoingTime.Seconds()
			out.Dials += h.Dials
			out.Failures += h.Failures
			out.Unpriced += h.Unpriced
			money = money.Plus(tariff.Money(h.Money))
		}
		out.Money = money.String()
		all = append(all, out)
		begin = end
	}
	return all
}
