package e2e

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/web"
)

// fleet is an admin API with many lines, whose states change.
type fleet struct {
	web.API
	mu    sync.Mutex
	lines []client.Line
	send  chan client.Event
}

func newFleet(n int) *fleet {
	f := &fleet{send: make(chan client.Event)}
	for i := range n {
		f.lines = append(f.lines, client.Line{TTY: i + 1, State: "idle", Signals: "DTR RTS DSR CTS", Since: time.Now()})
	}
	return f
}

func (f *fleet) Lines(context.Context) ([]client.Line, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]client.Line{}, f.lines...), nil
}

func (f *fleet) Users(context.Context) ([]client.User, error) { return nil, nil }

func (f *fleet) FindCallbacks(context.Context, client.CallbackQuery) ([]client.Callback, int, error) {
	return nil, 0, nil
}

func (f *fleet) Health(context.Context) (client.Health, error) {
	return client.Health{Ready: true}, nil
}

func (f *fleet) Events(ctx context.Context, _ client.EventQuery, listening func(uint64),
	show func(client.Event)) error {
	if listening != nil {
		listening(1)
		return nil
	}
	for {
		select {
		case e := <-f.send:
			show(e)
		case <-ctx.Done():
			return nil
		}
	}
}

// busy is what the browser has done for a page: the time of its main thread, and the tasks of more than 50 ms, in which
// it answers nobody.
type busy struct{ all, script, style, layout time.Duration }

// work returns what the main thread has done since the page was opened.
func (b *browser) work() (w busy) {
	b.t.Helper()
	b.do("metrics", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		v, err := cdp.Call(ctx, t, performance.GetMetrics, cdp.Empty{})
		if err != nil {
			return err
		}
		of := map[string]*time.Duration{"TaskDuration": &w.all, "ScriptDuration": &w.script,
			"RecalcStyleDuration": &w.style, "LayoutDuration": &w.layout}
		for _, m := range v.Metrics {
			if d := of[m.Name]; d != nil {
				*d = time.Duration(m.Value * float64(time.Second))
			}
		}
		return nil
	}))
	return w
}

func (w busy) String() string {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	return ms(w.all) + " ms (script " + ms(w.script) + ", style " + ms(w.style) + ", layout " + ms(w.layout) + ")"
}

func (w busy) minus(v busy) busy {
	return busy{w.all - v.all, w.script - v.script, w.style - v.style, w.layout - v.layout}
}

// TestPeerChromiumFleet: a board of 2,000 lines shows 100 changes a second, lines that come and lines that go, and does
// not keep the browser busy. The figures are for docs/explanation/performance.md; the test fails only for what no load
// of the machine explains.
func TestPeerChromiumFleet(t *testing.T) {
	const lines, changes = 2000, 1000
	f := newFleet(lines)
	site := web.New(web.Config{API: func(web.Operator, string) web.API { return f },
		Host: func(string) bool { return true }})
	srv := httptest.NewServer(site)
	t.Cleanup(srv.Close) // after the browser, which keeps a connection
	b := startBrowser(t)
	b.do("observe", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: `window.tasks = []; new PerformanceObserver((l) => { for (const e of l.getEntries())
				tasks.push(Math.round(e.duration)); }).observe({ entryTypes: ["longtask"] })`})
		if err == nil {
			_, err = cdp.Call(ctx, t, performance.Enable, performance.EnableParams{})
		}
		return err
	}))
	b.do("log in", chromedp.Navigate(srv.URL+site.Link(web.Operator{Name: "kim", Role: web.Read})),
		chromedp.WaitVisible("#tiles .tile"))
	b.until("the stream is connected", `document.querySelector("#stream")._htmx?.sse?.reader != null`)
	tasks := func() []int {
		return act(b, "tasks", chromedp.Evaluate[[]int](
			`new Promise((r) => requestIdleCallback(() => setTimeout(() => r(tasks.splice(0)), 500)))`,
			chromedp.EvalAwaitPromise))
	}
	load := tasks()
	loaded := b.work()
	t.Logf("load: main thread %v; tasks of more than 50 ms: %v ms", loaded, load)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	event := uint64(1)
	send := func(tty int, state string) {
		event++
		e := client.Event{ID: event, Kind: "line.state", TTY: tty}
		if state == "" {
			e.Kind = "line.removed"
		} else {
			e.Line = &client.Line{TTY: tty, State: state, Signals: "DTR DCD", Since: time.Now()}
		}
		f.send <- e
	}
	for i := range changes {
		<-tick.C
		send(i*7%lines+1, "in call")
	}
	b.until("all changes", fmt.Sprintf(`document.querySelectorAll(".tile.up").length === %d`, changes))
	changed, at := tasks(), b.work().minus(loaded)
	t.Logf("%d changes in %v: main thread %v, %.2f ms a change; tasks of more than 50 ms: %v ms", changes,
		changes*10*time.Millisecond, at, float64(at.all.Microseconds())/1000/changes, changed)
	send(lines+7, "idle")
	send(lines+3, "idle")
	send(500, "")
	b.until("lines that came and went", fmt.Sprintf(`(() => {
		const all = [...document.querySelectorAll("#tiles > .tile")].map((e) => Number(e.id.slice(4)));
		return all.length === %d && !all.includes(500) && all.at(-2) === %d && all.at(-1) === %d;
	})()`, lines+1, lines+3, lines+7))
	b.until("their counts", fmt.Sprintf(`[...document.querySelectorAll("#counts b")].reduce(
		(n, e) => n + Number(e.textContent), 0) === %d`, lines+1))
	b.clean("the board")
}
