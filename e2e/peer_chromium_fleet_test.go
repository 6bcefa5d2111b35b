package e2e

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

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

// TestPeerChromiumFleet: a board of 2,000 lines shows 100 changes a second, and does not keep the browser busy. The
// figures are those of an idle machine; the test fails only for what no load explains.
func TestPeerChromiumFleet(t *testing.T) {
	const lines, changes = 2000, 1000
	f := newFleet(lines)
	site := web.New(web.Config{API: func(web.Operator, string) web.API { return f },
		Host: func(string) bool { return true }})
	srv := httptest.NewServer(site)
	t.Cleanup(srv.Close) // after the browser, which keeps a connection
	b := startBrowser(t)
	b.do("log in", chromedp.Navigate(srv.URL+site.Link(web.Operator{Name: "kim", Role: web.Read})),
		chromedp.WaitVisible("#tiles .tile"))
	b.until("the stream is connected", `document.querySelector("#stream")._htmx?.sse?.reader != null`)
	act(b, "observe", chromedp.Evaluate[bool](`window.tasks = []; window.began = performance.now(); new PerformanceObserver((l) => {
		for (const e of l.getEntries()) tasks.push(Math.round(e.duration) + " ms at " + Math.round(e.startTime - began)); }).observe({ entryTypes: ["longtask"] }); true`))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := range changes {
		<-tick.C
		l := client.Line{TTY: i*7%lines + 1, State: "in call", Signals: "DTR DCD", Since: time.Now()}
		f.send <- client.Event{ID: uint64(i + 2), Kind: "line.state", TTY: l.TTY, Line: &l}
	}
	b.until("all changes", fmt.Sprintf(`document.querySelectorAll(".tile.up").length === %d`, changes))
	if n := act(b, "tiles", chromedp.Evaluate[int](`document.querySelectorAll(".tile").length`)); n != lines {
		t.Errorf("%d tiles, want %d", n, lines)
	}
	t.Logf("tasks of more than 50 ms: %q", act(b, "tasks", chromedp.Evaluate[[]string](`tasks`)))
	b.clean("the board")
}
