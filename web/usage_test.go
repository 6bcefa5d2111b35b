package web

import (
	"encoding/csv"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
)

// TestSpans: a day is asked for by hour, a longer time by hour and by day; what is not a choice is a day.
func TestSpans(t *testing.T) {
	t.Parallel()
	for span, want := range map[string][]string{"": {"hour"}, "24h": {"hour"}, "7d": {"hour", "day"},
		"31d": {"hour", "day"}, "400d": {"hour"}, hostile: {"hour"}} {
		s := newSite(t, Read)
		if w := s.get("/ceilings?span=" + url.QueryEscape(span)); w.Code != 200 ||
			!slices.Equal(s.fake.steps, want) {
			t.Errorf("%q: status %d, asked by %q", span, w.Code, s.fake.steps)
		}
	}
}

// TestPlotData: each plot has as many values as steps, and its marks are within.
func TestPlotData(t *testing.T) {
	t.Parallel()
	body := newSite(t, Read).get("/ceilings?span=31d").Body.String()
	found := regexp.MustCompile(`data-plot="([^"]*)"`).FindAllStringSubmatch(body, -1)
	if len(found) != 4 {
		t.Fatalf("%d plots", len(found))
	}
	for i, f := range found {
		var p plot
		if err := json.Unmarshal([]byte(html.UnescapeString(f[1])), &p); err != nil {
			t.Fatal(err)
		}
		if n := len(p.Labels); n == 0 || i == 0 && n < 24*31 {
			t.Errorf("plot %d has %d steps", i, n)
		}
		for _, s := range p.Series {
			if len(s.Values) != len(p.Labels) {
				t.Errorf("plot %d, %s: %d values for %d steps", i, s.Label, len(s.Values), len(p.Labels))
			}
		}
		for _, mark := range p.Ticks {
			if mark.At < 0 || mark.At >= len(p.Labels) || mark.Text == "" {
				t.Errorf("plot %d: %+v", i, mark)
			}
		}
	}
}

// days are steps of days that cost 1.00 each.
func days(first string, n int) (r recorded) {
	begin, err := time.Parse("2006-01-02", first)
	if err != nil {
		panic(err)
	}
	for i := range n {
		r.steps = append(r.steps, client.UsageStep{Begin: begin.AddDate(0, 0, i), Money: "1.00"})
	}
	return r
}

// TestMonthPlot: the cost of a month begins with its first day; the days of a month that began before the time are left
// out, because their sum is unknown.
func TestMonthPlot(t *testing.T) {
	t.Parallel()
	ceiling := []client.UsageLimit{{Period: "month", Limit: client.Amount{Money: "9.00"}}}
	for name, c := range map[string]struct {
		view usageView
		want []float64
	}{
		"two months": {usageView{sums: days("2026-02-01", 30), daily: true, limits: ceiling},
			append(upTo(28), 1, 2)},
		"the end of one":    {usageView{sums: days("2026-02-26", 5), daily: true, limits: ceiling}, []float64{1, 2}},
		"no first day":      {usageView{sums: days("2026-02-02", 5), daily: true, limits: ceiling}, nil},
		"no monthly limit":  {usageView{sums: days("2026-02-01", 5), daily: true}, nil},
		"hours":             {usageView{sums: days("2026-02-01", 5), limits: ceiling}, nil},
		"nothing is stored": {usageView{daily: true, limits: ceiling}, nil},
	} {
		p, ok := c.view.monthPlot(t.Context())
		if ok != (c.want != nil) {
			t.Errorf("%s: %v", name, ok)
			continue
		}
		var got []float64
		if ok {
			for _, v := range p.Series[0].Values {
				got = append(got, *v)
			}
		}
		if !slices.Equal(got, c.want) || ok && len(p.Labels) != len(c.want) {
			t.Errorf("%s: %v, %q", name, got, p.Labels)
		}
	}
}

func upTo(n int) (all []float64) {
	for i := range n {
		all = append(all, float64(i+1))
	}
	return all
}

// TestGauges: only limits that are known have one; the bar is full, not longer, above the limit.
func TestGauges(t *testing.T) {
	t.Parallel()
	c := client.Ceiling{Scope: "site", Open: 2, AtOnce: 8,
		Reserved: client.Amount{Calls: 3, Seconds: 600, Money: "1.50"},
		Periods: []client.Period{
			{Period: "hour", Used: client.Amount{Calls: 5, Money: "0.00"},
				Limit: client.Amount{Calls: 10, Money: "0.00"}},
			{Period: "day", Used: client.Amount{Money: "9.75"}, Limit: client.Amount{Money: "10.00"}},
			{Period: "month", Used: client.Amount{Seconds: 7200}, Limit: client.Amount{Seconds: 6000}}}}
	want := []struct {
		name, level, says, left string
	}{
		{"callbacks at once", "low", "25 % used", "6"},
		{"dials per hour", "high", "50 % used, 30 % reserved", "2"},
		{"EUR per day", "full", "98 % used, 3 % reserved", "0.00"},
		{"minutes per month", "full", "100 % used", "0.0"},
	}
	got := gauges(c)
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, w := range want {
		g := got[i]
		if gaugeName(t.Context(), g, "EUR") != w.name || g.level() != w.level || g.says(t.Context()) != w.says ||
			g.left != w.left || g.usedPart+g.reservedPart > 1 {
			t.Errorf("%+v: %s, %s", g, g.level(), g.says(t.Context()))
		}
	}
}

// TestCeilingsOfTheSite: they are shown before anything has used them, once, and before those of groups.
func TestCeilingsOfTheSite(t *testing.T) {
	t.Parallel()
	limits := []client.UsageLimit{{Period: "day", Limit: client.Amount{Calls: 7}}}
	group := client.Ceiling{Scope: "group", Name: "a", AtOnce: 3}
	user := client.Ceiling{Scope: "user", Name: "kim"}
	limited, others := divide(withSite([]client.Ceiling{group, user}, limits))
	if len(limited) != 2 || limited[0].Scope != "site" || gauges(limited[0])[0].limit != "7" || len(others) != 1 {
		t.Errorf("%+v %+v", limited, others)
	}
	site := client.Ceiling{Scope: "site", Open: 1, AtOnce: 2}
	if limited, _ := divide(withSite([]client.Ceiling{group, site}, limits)); len(limited) != 2 ||
		limited[0].Open != 1 {
		t.Errorf("%+v", limited)
	}
	if all := withSite([]client.Ceiling{user}, nil); len(all) != 1 {
		t.Errorf("a site without ceilings has one: %+v", all)
	}
}

// TestUsageCSV: a row for each hour; without a price list no cost.
func TestUsageCSV(t *testing.T) {
	t.Parallel()
	s := newSite(t, Read)
	rows, err := csv.NewReader(s.get("/usage.csv").Body).ReadAll()
	if err != nil || len(rows) < 24 || len(rows[1]) != 10 || rows[1][1] != "3" || rows[1][6] != "90.0" ||
		rows[1][7] != "1.50" {
		t.Errorf("%d rows, %v, %v", len(rows), rows[1], err)
	}
}

// TestOlderThanAllRecords: the steps before the first record are on the plots, without a value.
func TestOlderThanAllRecords(t *testing.T) {
	t.Parallel()
	at := func(hour int) time.Time { return time.Date(2026, 3, 4, hour, 0, 0, 0, time.UTC) }
	hours := func(from, to int) (all []client.UsageStep) {
		for ; from < to; from++ {
			all = append(all, client.UsageStep{Begin: at(from)})
		}
		return all
	}
	for _, c := range []struct {
		name    string
		steps   []client.UsageStep
		daily   bool
		unknown int
	}{
		{"no record", nil, false, 0},
		{"all hours", hours(3, 27), false, 0},
		{"one hour", hours(26, 27), false, 23},
		{"all days", days("2026-02-25", 8).steps, true, 0},
		{"one day", days("2026-03-04", 1).steps, true, 7},
	} {
		from := at(3).Add(20 * time.Minute)
		if c.daily {
			from = from.AddDate(0, 0, -7)
		}
		r := recordedOf(c.steps, from, c.daily)
		if len(r.unknown) != c.unknown {
			t.Errorf("%s: %d steps without a record: %v", c.name, len(r.unknown), r.unknown)
		}
		p := plotOf(t.Context(), r, c.daily, "calls", 0)
		p.add(t.Context(), "x", "y", r, func(client.UsageStep) float64 { return 1 })
		for i, v := range p.Series[0].Values {
			if (v == nil) != (i < c.unknown) {
				t.Errorf("%s: the value %d is %v", c.name, i, v)
			}
		}
		if len(p.Labels) != c.unknown+len(c.steps) {
			t.Errorf("%s: %q", c.name, p.Labels)
		}
	}
}
