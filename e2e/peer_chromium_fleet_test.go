package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
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

// Fleet says that this daemon is alone.
func (f *fleet) Fleet(context.Context) (client.Fleet, error) { return client.Fleet{}, nil }

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

// tasks are the tasks of a page's main thread, each with the CPU that it took: the time on the clock would count what
// other processes did.
type tasks []time.Duration

// recordTasks records the tasks of the page until the returned function is called.
func (b *browser) recordTasks() (stop func() tasks) {
	b.t.Helper()
	var all []traceEvent
	complete := make(chan struct{})
	ctx, cancel := context.WithCancel(b.ctx)
	err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *tracing.EventDataCollected:
			for _, v := range e.Value {
				var one traceEvent
				if err := json.Unmarshal(v, &one); err != nil {
					b.failed(err.Error())
				}
				all = append(all, one)
			}
		case *tracing.EventTracingComplete:
			close(complete)
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.do("record", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, tracing.Start, tracing.StartParams{TraceConfig: &tracing.TraceConfig{
			IncludedCategories: []string{"toplevel"}}})
		return err
	}))
	return func() tasks {
		b.t.Helper()
		defer cancel()
		b.do("end of the record", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, tracing.End, cdp.Empty{})
			return err
		}))
		select {
		case <-complete:
		case <-ctx.Done():
			b.t.Fatal("the browser does not end its record")
		}
		return tasksOf(all)
	}
}

// traceEvent is an event of Chromium's trace format.
type traceEvent struct {
	Name     string `json:"name"`
	Process  int    `json:"pid"`
	Thread   int    `json:"tid"`
	Duration int64  `json:"tdur"` // CPU, in microseconds
	Args     struct {
		Name string `json:"name"`
	} `json:"args"`
}

// tasksOf returns the tasks of the main threads of pages.
func tasksOf(all []traceEvent) (found tasks) {
	type thread struct{ process, thread int }
	pages := map[thread]bool{}
	for _, e := range all {
		if e.Name == "thread_name" && e.Args.Name == "CrRendererMain" {
			pages[thread{e.Process, e.Thread}] = true
		}
	}
	for _, e := range all {
		if e.Name == "ThreadControllerImpl::RunTask" && pages[thread{e.Process, e.Thread}] {
			found = append(found, time.Duration(e.Duration)*time.Microsecond)
		}
	}
	return found
}

func (t tasks) String() string {
	sum, long := time.Duration(0), 0
	for _, d := range t {
		if sum += d; d > 50*time.Millisecond {
			long++
		}
	}
	if len(t) == 0 {
		return "no tasks"
	}
	return fmt.Sprintf("%d ms of CPU, the longest of %d tasks %d ms, %d of more than 50 ms", sum.Milliseconds(), len(t),
		slices.Max(t).Milliseconds(), long)
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
	stop := b.recordTasks()
	b.do("log in", chromedp.Navigate(srv.URL+site.Link(web.Operator{Name: "kim", Role: web.Read})),
		chromedp.WaitVisible("#tiles .tile"))
	b.until("the stream is connected", `document.querySelector("#stream")._htmx?.sse?.reader != null`)
	b.until("rest", `new Promise((r) => requestIdleCallback(() => setTimeout(() => r(true), 500)))`)
	t.Logf("load: %v", stop())
	stop = b.recordTasks()
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
	t.Logf("%d changes in %v: %v", changes, changes*10*time.Millisecond, stop())
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
