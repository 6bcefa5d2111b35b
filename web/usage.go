package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

// span is a choice of the time that the plots show.
type span struct {
	name       string
	text, last texts.Key // "24 hours", "Last 24 hours"
	length     time.Duration
}

// usageSpans are the choices.
var usageSpans = []span{{"24h", texts.PageSpanDay, texts.PageLastDayFigures, 24 * time.Hour},
	{"7d", texts.PageSpanWeek, texts.PageLastWeekFigures, 7 * 24 * time.Hour},
	{"31d", texts.PageSpanMonth, texts.PageLastMonthFigures, 31 * 24 * time.Hour}}

// spanOf returns the choice of a request; the first one if it has none.
func spanOf(r *http.Request) span {
	for _, s := range usageSpans {
		if s.name == r.URL.Query().Get("span") {
			return s
		}
	}
	return usageSpans[0]
}

// usageView is what the site has used over time.
type usageView struct {
	span     span
	calls    recorded // by hour
	sums     recorded // by hour for a day, by day for a longer time
	daily    bool     // sums are by day
	limits   []client.UsageLimit
	currency string
	first    *time.Time
	damaged  int
}

// recorded are the steps of a time. The first ones may be older than all records.
type recorded struct {
	unknown []time.Time // beginnings of the steps without a record
	steps   []client.UsageStep
}

// recordedOf returns the steps of a time that begins at from.
func recordedOf(steps []client.UsageStep, from time.Time, daily bool) (r recorded) {
	r.steps = steps
	if len(steps) == 0 {
		return r
	}
	for t := steps[0].Begin; t.After(from); r.unknown = append(r.unknown, t) {
		if t = t.Add(-time.Hour); daily {
			t = steps[0].Begin.AddDate(0, 0, -1-len(r.unknown))
		}
	}
	slices.Reverse(r.unknown)
	return r
}

func readUsage(ctx context.Context, api API, s span) (v usageView, err error) {
	now := time.Now()
	from := now.Add(-s.length)
	u, err := api.Usage(ctx, from, now, "hour")
	if err != nil {
		return v, err
	}
	hours := recordedOf(u.Steps, from, false)
	v = usageView{span: s, calls: hours, sums: hours, limits: u.Limits, currency: u.Currency, first: u.First,
		damaged: u.Damaged}
	if s.length > 24*time.Hour {
		days, err := api.Usage(ctx, from, now, "day")
		if err != nil {
			return v, err
		}
		v.sums, v.daily = recordedOf(days.Steps, from, true), true
	}
	return v, nil
}

// each returns one of two texts: that for steps of an hour or of a day.
func (v usageView) each(hour, day texts.Key) texts.Key {
	if v.daily {
		return day
	}
	return hour
}

// period returns the period of a ceiling that is as long as a step.
func (v usageView) period() string {
	if v.daily {
		return "day"
	}
	return "hour"
}

// unpriced returns how many calls have no known cost.
func (v usageView) unpriced() (n int64) {
	for _, s := range v.sums.steps {
		n += s.Unpriced
	}
	return n
}

// total returns the sums of all steps.
func (v usageView) total() (t client.UsageStep) {
	for _, s := range v.sums.steps {
		t.Incoming += s.Incoming
		t.IncomingSeconds += s.IncomingSeconds
		t.Outgoing += s.Outgoing
		t.OutgoingSeconds += s.OutgoingSeconds
		t.Dials += s.Dials
		t.Failures += s.Failures
		t.Money = cents(amount(t.Money) + amount(s.Money))
	}
	return t
}

// stepText names a step of the sums.
func (v usageView) stepText(ctx context.Context, t time.Time) string {
	return date(ctx, v.each(texts.PageTimeHour, texts.PageTimeDay), t)
}

// plot is a plot for static/plots.js, which draws the steps side by side: a day on which the clock is changed is as
// wide as any other.
type plot struct {
	Labels   []string `json:"labels"` // of the steps
	Ticks    []tick   `json:"ticks"`
	Unit     string   `json:"unit"`
	Decimals int      `json:"decimals"`
	Series   []series `json:"series"`
	Limits   []limit  `json:"limits"`
	Begin    string   `json:"begin"` // what the labels are called
	Above    string   `json:"above"` // is said of a limit that is above the plot
}

// tick is a label of the axis of time.
type tick struct {
	At   int    `json:"at"` // number of the step
	Text string `json:"text"`
}

type series struct {
	Label  string     `json:"label"`
	Color  string     `json:"color"`  // a property of the style sheet
	Values []*float64 `json:"values"` // nil: there is no record
}

// limit is a line at a value.
type limit struct {
	Label string  `json:"label"`
	Value float64 `json:"value"`
}

// json returns the plot as the value of an attribute.
func (p plot) json() (string, error) {
	text, err := json.Marshal(p)
	return string(text), err
}

func (v usageView) callsPlot(ctx context.Context) plot {
	p := plotOf(ctx, v.calls, false, say(ctx, texts.PageUnitCalls), 0)
	p.add(ctx, texts.PageIncomingCalls, "--moving", v.calls, func(s client.UsageStep) float64 {
		return float64(s.Incoming)
	})
	p.add(ctx, texts.PageCallbackDials, "--good", v.calls, func(s client.UsageStep) float64 {
		return float64(s.Dials)
	})
	p.add(ctx, texts.PageFailedDials, "--bad", v.calls, func(s client.UsageStep) float64 {
		return float64(s.Failures)
	})
	p.limit(ctx, v.limits, "hour", texts.PagePlotCeilingDials, func(a client.Amount) float64 {
		return float64(a.Calls)
	})
	return p
}

func (v usageView) minutesPlot(ctx context.Context) plot {
	p := plotOf(ctx, v.sums, v.daily, say(ctx, texts.PageUnitMinutes), 1)
	p.add(ctx, texts.PageColumnIncoming, "--moving", v.sums, func(s client.UsageStep) float64 {
		return s.IncomingSeconds / 60
	})
	p.add(ctx, texts.PageColumnOutgoing, "--good", v.sums, func(s client.UsageStep) float64 {
		return s.OutgoingSeconds / 60
	})
	p.limit(ctx, v.limits, v.period(), texts.PagePlotCeilingMinutes, func(a client.Amount) float64 {
		return a.Seconds / 60
	})
	return p
}

func (v usageView) costPlot(ctx context.Context) plot {
	p := plotOf(ctx, v.sums, v.daily, v.currency, 2)
	p.add(ctx, texts.PageCost, "--good", v.sums, func(s client.UsageStep) float64 {
		return amount(s.Money)
	})
	p.limit(ctx, v.limits, v.period(), texts.PagePlotCeilingCost, costOf)
	return p
}

// monthPlot has the cost of each month so far, against the ceiling of a month; false if there is none, or no month
// begins within the time.
func (v usageView) monthPlot(ctx context.Context) (plot, bool) {
	p := plotOf(ctx, v.sums, v.daily, v.currency, 2)
	p.limit(ctx, v.limits, "month", texts.PagePlotCeilingCost, costOf)
	from := 0
	for from < len(v.sums.steps) && v.sums.steps[from].Begin.Day() != 1 {
		from++
	}
	if !v.daily || len(p.Limits) == 0 || from == len(v.sums.steps) {
		return p, false
	}
	days := recorded{steps: v.sums.steps[from:]}
	month := plotOf(ctx, days, true, v.currency, 2)
	month.Limits = p.Limits
	sum := 0.0
	month.add(ctx, texts.PageCostOfMonth, "--good", days, func(s client.UsageStep) float64 {
		if s.Begin.Day() == 1 {
			sum = 0
		}
		sum += amount(s.Money)
		return sum
	})
	return month, true
}

// plotOf returns a plot of steps without series.
func plotOf(ctx context.Context, r recorded, daily bool, unit string, decimals int) plot {
	p := plot{Begin: say(ctx, texts.PageBegin), Above: say(ctx, texts.PageAboveThePlot),
		Unit: unit, Decimals: decimals, Labels: []string{}, Ticks: []tick{}, Series: []series{},
		Limits: []limit{}}
	begins := slices.Clone(r.unknown)
	for _, s := range r.steps {
		begins = append(begins, s.Begin)
	}
	for i, t := range begins {
		switch {
		case daily:
			p.Labels = append(p.Labels, date(ctx, texts.PageTimePlotDay, t))
			p.Ticks = append(p.Ticks, tick{i, date(ctx, texts.PageTimeTickDay, t)})
			continue
		case t.Hour() == 0:
			p.Ticks = append(p.Ticks, tick{i, date(ctx, texts.PageTimeTickDay, t)})
		case len(begins) <= 48 && t.Hour()%2 == 0:
			p.Ticks = append(p.Ticks, tick{i, date(ctx, texts.PageTimeTickHour, t)})
		}
		p.Labels = append(p.Labels, date(ctx, texts.PageTimeHour, t))
	}
	return p
}

func (p *plot) add(ctx context.Context, label texts.Key, color string, r recorded,
	value func(client.UsageStep) float64) {
	out := series{Label: say(ctx, label), Color: color, Values: make([]*float64, len(r.unknown))}
	for _, s := range r.steps {
		out.Values = append(out.Values, new(value(s)))
	}
	p.Series = append(p.Series, out)
}

// periods are the names of the periods of ceilings.
var periods = map[string]texts.Key{"hour": texts.PagePeriodHour, "day": texts.PagePeriodDay,
	"month": texts.PagePeriodMonth}

func costOf(a client.Amount) float64 { return amount(a.Money) }

// limit adds the line of the site's ceiling of a period.
func (p *plot) limit(ctx context.Context, all []client.UsageLimit, period string, label texts.Key,
	value func(client.Amount) float64) {
	for _, l := range all {
		if n := value(l.Limit); l.Period == period && n > 0 {
			p.Limits = append(p.Limits, limit{say(ctx, label, named(ctx, periods, period)), n})
		}
	}
}
