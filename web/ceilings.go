package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

// ceilingsView is the page of what the site uses, and of its limits.
type ceilingsView struct {
	*visit
	usage   usageView
	limited []client.Ceiling // with a limit that is known
	others  []client.Ceiling // of users, numbers and lines: their limits depend on the group of the next caller
	more    int              // of them that are not shown
}

// ceilings shows what was used over time, and what is left of each limit.
func (s *Server) ceilings(w http.ResponseWriter, r *http.Request, v *visit) error {
	usage, err := readUsage(r.Context(), v.api, spanOf(r))
	if err != nil {
		return err
	}
	all, err := v.api.Ceilings(r.Context())
	if err != nil {
		return err
	}
	c := ceilingsView{visit: v, usage: usage}
	c.limited, c.others = divide(withSite(all, usage.limits))
	if len(c.others) > pageRows {
		c.others, c.more = c.others[:pageRows], len(c.others)-pageRows
	}
	s.render(w, r, http.StatusOK, ceilingsPage(c))
	return nil
}

// withSite adds the ceilings of the site if nothing has used them yet.
func withSite(all []client.Ceiling, limits []client.UsageLimit) []client.Ceiling {
	if len(limits) == 0 || slices.ContainsFunc(all, func(c client.Ceiling) bool { return c.Scope == "site" }) {
		return all
	}
	site := client.Ceiling{Scope: "site"}
	for _, l := range limits {
		site.Periods = append(site.Periods, client.Period{Period: l.Period, Limit: l.Limit})
	}
	return append([]client.Ceiling{site}, all...)
}

// divide returns the ceilings whose limits are known, the site first, and the others, those with the most minutes of
// the month first.
func divide(all []client.Ceiling) (limited, others []client.Ceiling) {
	for _, c := range all {
		if len(gauges(c)) > 0 {
			limited = append(limited, c)
		} else {
			others = append(others, c)
		}
	}
	rank := func(c client.Ceiling) int { return slices.Index([]string{"site", "group"}, c.Scope) }
	slices.SortStableFunc(limited, func(a, b client.Ceiling) int {
		return cmp.Or(cmp.Compare(uint(rank(a)), uint(rank(b))), cmp.Compare(a.Name, b.Name))
	})
	month := func(c client.Ceiling) float64 { return usedIn(c, "month").Seconds }
	slices.SortStableFunc(others, func(a, b client.Ceiling) int { return cmp.Compare(month(b), month(a)) })
	return limited, others
}

// usedIn returns what a ceiling has used in its present hour, day or month.
func usedIn(c client.Ceiling, period string) client.Amount {
	for _, p := range c.Periods {
		if p.Period == period {
			return p.Used
		}
	}
	return client.Amount{}
}

// gauge is the use of one limit.
type gauge struct {
	period, what                string
	used, reserved, left, limit string
	usedPart, reservedPart      float64 // of the limit, 0 to 1 together
	part                        float64 // of the limit that is used or reserved; may be more than 1
}

// The names of what has ceilings.
var (
	scopes = map[string]texts.Key{"site": texts.PageScopeSite, "group": texts.PageScopeGroup,
		"user": texts.PageScopeUser, "number": texts.PageScopeNumber, "line": texts.PageScopeLine}
	gaugeWhats = map[string]texts.Key{"callbacks": texts.PageWhatCallbacks, "dials": texts.PageWhatDials,
		"failed dials": texts.PageWhatFailedDials, "minutes": texts.PageWhatMinutes, "money": texts.PageWhatMoney}
	gaugePeriods = map[string]texts.Key{"at once": texts.PageGaugeAtOnce, "hour": texts.PageGaugePerHour,
		"day": texts.PageGaugePerDay, "month": texts.PageGaugePerMonth}
)

// gauges returns what is used of the known limits of a ceiling.
func gauges(c client.Ceiling) (all []gauge) {
	add := func(period, what string, used, reserved, limit float64, text func(float64) string) {
		if limit <= 0 {
			return
		}
		g := gauge{period: period, what: what, used: text(used), reserved: text(reserved), limit: text(limit),
			left: text(max(0, limit-used-reserved)), part: (used + reserved) / limit}
		g.usedPart = min(1, used/limit)
		g.reservedPart = min(1-g.usedPart, reserved/limit)
		all = append(all, g)
	}
	add("at once", "callbacks", float64(c.Open), 0, float64(c.AtOnce), plainNumber)
	for _, p := range c.Periods {
		add(p.Period, "dials", float64(p.Used.Calls), float64(c.Reserved.Calls), float64(p.Limit.Calls), plainNumber)
		add(p.Period, "failed dials", float64(p.Used.Failures), float64(c.Reserved.Failures),
			float64(p.Limit.Failures), plainNumber)
		add(p.Period, "minutes", p.Used.Seconds/60, c.Reserved.Seconds/60, p.Limit.Seconds/60, tenth)
		add(p.Period, "money", amount(p.Used.Money), amount(c.Reserved.Money), amount(p.Limit.Money), cents)
	}
	return all
}

func plainNumber(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func tenth(n float64) string { return strconv.FormatFloat(n, 'f', 1, 64) }

func cents(n float64) string { return strconv.FormatFloat(n, 'f', 2, 64) }

func minutesOf(seconds float64) string { return tenth(seconds / 60) }

func amount(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64) // "" is none
	return n
}

// level is the class of a gauge.
func (g gauge) level() string {
	switch {
	case g.part >= 1:
		return "full"
	case g.part >= 0.8:
		return "high"
	}
	return "low"
}

// says is the gauge for a screen reader.
func (g gauge) says(ctx context.Context) string {
	percent := func(part float64) string { return strconv.Itoa(int(part*100 + 0.5)) }
	if g.reservedPart > 0 {
		return say(ctx, texts.PageBarUsedReserved, percent(g.usedPart), percent(g.reservedPart))
	}
	return say(ctx, texts.PageBarUsed, percent(g.usedPart))
}

// width returns a part of 1 as the width of a bar of 100.
func width(part float64) string { return strconv.FormatFloat(part*100, 'f', 2, 64) }

// usageCSV exports the steps of the plots.
func (s *Server) usageCSV(w http.ResponseWriter, r *http.Request, v *visit) error {
	u, err := readUsage(r.Context(), v.api, spanOf(r))
	if err != nil {
		return err
	}
	rows := [][]string{{"begin", "incoming", "incoming_seconds", "dials", "failed_dials", "outgoing",
		"outgoing_seconds", "cost", "currency", "outgoing_without_cost"}}
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, s := range u.calls.steps {
		cost := s.Money
		if u.currency == "" {
			cost = ""
		}
		rows = append(rows, []string{s.Begin.Format(time.RFC3339), whole(s.Incoming), tenth(s.IncomingSeconds),
			whole(s.Dials), whole(s.Failures), whole(s.Outgoing), tenth(s.OutgoingSeconds), cost, u.currency,
			whole(s.Unpriced)})
	}
	return writeCSV(w, "usage.csv", rows)
}
