package e2e

import (
	"context"
	"fmt"
	"math"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/web"
)

// ledger is an admin API that has the use of a site.
type ledger struct {
	*fleet
	steps    int // of the time that is asked for, the last ones; the others are not recorded
	currency string
	limits   bool
}

func (l *ledger) Ceilings(context.Context) ([]client.Ceiling, error) {
	if !l.limits {
		return nil, nil
	}
	used := client.Amount{Calls: 41, Failures: 6, Seconds: 7290, Money: "12.30"}
	user := client.Ceiling{Scope: "user", Name: "austin-02", Open: 1, Periods: []client.Period{
		{Period: "hour"}, {Period: "day", Used: used}, {Period: "month", Used: used}}}
	return []client.Ceiling{
		{Scope: "group", Name: "employees", Open: 2, AtOnce: 8, Reserved: client.Amount{Seconds: 600},
			Periods: []client.Period{{Period: "hour"}, {Period: "day", Used: client.Amount{Seconds: 5000},
				Limit: client.Amount{Seconds: 6000}}, {Period: "month"}}},
		{Scope: "site", Open: 2, Reserved: client.Amount{Calls: 4, Failures: 4, Seconds: 7200, Money: "6.50"},
			Periods: []client.Period{
				{Period: "hour", Used: client.Amount{Calls: 9}, Limit: client.Amount{Calls: 40, Failures: 5}},
				{Period: "day", Used: used, Limit: client.Amount{Seconds: 36000, Money: "20.00"}},
				{Period: "month", Used: client.Amount{Money: "301.00"}, Limit: client.Amount{Money: "300.00"}}}},
		user}, nil
}

func (l *ledger) Usage(_ context.Context, from, to time.Time, step string) (client.Usage, error) {
	u := client.Usage{Step: step, Currency: l.currency, Limits: []client.UsageLimit{}, Steps: []client.UsageStep{}}
	if l.limits {
		u.Limits = []client.UsageLimit{{Period: "hour", Limit: client.Amount{Calls: 40}},
			{Period: "day", Limit: client.Amount{Seconds: 36000, Money: "20.00"}},
			{Period: "month", Limit: client.Amount{Money: "300.00"}}}
	}
	next := func(t time.Time) time.Time { return t.Add(time.Hour) }
	begin := from.Truncate(time.Hour)
	if step == "day" {
		next = func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }
		begin = time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, time.Local)
	}
	for ; begin.Before(to); begin = next(begin) {
		n := int64(20 + 15*math.Sin(float64(begin.Unix())/14000))
		if step == "day" {
			n *= 7
		}
		u.Steps = append(u.Steps, client.UsageStep{Begin: begin, Incoming: n + 9, IncomingSeconds: float64(n) * 40,
			Dials: n, Failures: n / 7, Outgoing: n - n/7, OutgoingSeconds: float64(n) * 190,
			Money: fmt.Sprintf("%.2f", float64(n)/13), Unpriced: n % 2})
	}
	u.Steps = u.Steps[max(0, len(u.Steps)-l.steps):]
	if len(u.Steps) > 0 {
		u.First = &u.Steps[0].Begin
	}
	return u, nil
}

// TestPeerChromiumPlots: the plots are drawn under the policy of the page without an error, for no data, one step and a
// month; the keyboard selects a step; they take the colors and the width of the page.
func TestPeerChromiumPlots(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	l := &ledger{fleet: newFleet(1)}
	site := web.New(web.Config{API: func(web.Operator, string) web.API { return l },
		Host: func(string) bool { return true }})
	srv := httptest.NewServer(site)
	t.Cleanup(srv.Close)
	b.do("log in", chromedp.Navigate(srv.URL+site.Link(web.Operator{Name: "kim", Role: web.Read})),
		chromedp.WaitVisible("#tiles .tile"))
	show := func(what, span string, plots int) {
		t.Helper()
		b.do(what, chromedp.Navigate(srv.URL+"/ceilings?span="+span), chromedp.WaitVisible("h1"))
		b.until(what, fmt.Sprintf(`document.querySelectorAll(".plot .uplot canvas").length === %d`, plots))
		b.clean(what)
	}
	// painted is how many plots have a pixel of a color.
	painted := func(name string) int {
		return act(b, name, chromedp.Evaluate[int](`(() => {
			const c = document.createElement("canvas").getContext("2d");
			c.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("`+name+`");
			c.fillRect(0, 0, 1, 1);
			const want = c.getImageData(0, 0, 1, 1).data.join();
			return [...document.querySelectorAll(".plot canvas")].filter((p) => {
				const copy = new OffscreenCanvas(p.width, p.height).getContext("2d", { willReadFrequently: true });
				copy.drawImage(p, 0, 0);
				const d = copy.getImageData(0, 0, p.width, p.height).data;
				for (let i = 0; i < d.length; i += 4) if (d.slice(i, i + 4).join() === want) return true;
				return false;
			}).length;
		})()`))
	}
	show("nothing", "24h", 0)
	b.inspect("")
	l.steps = 1
	show("one step, no price list", "24h", 2)
	if n := painted("--good"); n != 2 {
		t.Errorf("one step is on %d of 2 plots", n)
	}
	l.steps, l.currency, l.limits = math.MaxInt, "EUR", true
	show("a day", "24h", 3)
	b.inspect("")
	show("a week", "7d", 3)
	show("a month", "31d", 4)
	for name, plots := range map[string]int{"--moving": 2, "--good": 4, "--warn": 4} {
		if n := painted(name); n != plots {
			t.Errorf("the color %s is on %d plots, want %d", name, n, plots)
		}
	}
	const value = `document.querySelector(".plot .u-legend .u-value").textContent`
	b.do("the keyboard", chromedp.Focus(".plot-area"), chromedp.SendKeys(".plot-area", kb.ArrowRight))
	b.until("the first hour", value+` === document.querySelector(".plot-area").dataset.plot.match(/"labels":\["([^"]+)"/)[1]`)
	b.inspect("page-usage")
	b.do("dark colors", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
		return err
	}))
	b.until("the colors of the theme", `getComputedStyle(document.documentElement).getPropertyValue("--text") === "#e4eaf0"`)
	if n := painted("--good"); n != 4 {
		t.Errorf("%d plots have the colors of the dark theme", n)
	}
	b.do("a phone", chromedp.EmulateViewport(375, 812))
	b.until("the width", `[...document.querySelectorAll(".uplot")].every((e) => e.getBoundingClientRect().right <= 375)`)
	b.clean("the plots")
}
