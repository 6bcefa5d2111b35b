package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/ringback/ringback/lab"
)

var updateImages = flag.Bool("update-images", false, "write the screenshots of docs/images")

// images are where the documentation has its screenshots.
const images = "../docs/images"

// browser is a Chromium that collects the errors of the pages it shows.
type browser struct {
	t      *testing.T
	ctx    context.Context
	mu     sync.Mutex
	errors []string
}

// startBrowser starts Debian's Chromium; it ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := needs(t, "chromium", "chromium")
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(tempDir(t)),
		chromedp.WSURLReadTimeout(patience), chromedp.Flag("force-color-profile", "srgb"))...)
	t.Cleanup(cancel)
	b := &browser{t: t}
	b.ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	err := chromedp.Listen(b.ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			b.failed(fmt.Sprintf("%+v", e.ExceptionDetails))
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
				b.failed(e.Entry.Text + " " + e.Entry.URL)
			}
		case *runtime.EventConsoleAPICalled:
			if e.Type == "error" || e.Type == "warning" {
				b.failed(fmt.Sprintf("console: %+v", e.Args))
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	b.do("focus", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetFocusEmulationEnabled,
			emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	}))
	return b
}

func (b *browser) failed(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errors = append(b.errors, text)
}

// act runs an action and returns its value; the test ends if it fails.
func act[T any](b *browser, what string, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		html, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
		b.t.Fatalf("%s: %v\nthe page: %s\nerrors: %v", what, err, html, b.errors)
	}
	return v
}

// do runs actions one after another.
func (b *browser) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	act(b, what, chromedp.Steps(actions...))
}

// until waits until an expression of the page is true.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience)))
		switch {
		case err == nil:
			return
		case ctx.Err() == nil && (strings.Contains(err.Error(), "Cannot find context") ||
			strings.Contains(err.Error(), "navigated or closed")): // a page has just replaced another one
			continue
		}
		act(b, what+": "+err.Error(), chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(time.Millisecond)))
		return
	}
}

// rejected checks that the browser reports the status for a form that is not right, and forgets it.
func (b *browser) rejected(status string) {
	b.t.Helper()
	for limit := time.Now().Add(patience); time.Now().Before(limit); { // the report may come after the page
		b.mu.Lock()
		n := len(b.errors)
		b.mu.Unlock()
		if n > 0 {
			break
		}
		act(b, "the status", chromedp.Evaluate[bool](`true`))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.errors) != 1 || !strings.Contains(b.errors[0], "status of "+status) {
		b.t.Errorf("the browser reports %q, want status %s alone", b.errors, status)
	}
	b.errors = nil
}

// clean fails if a page has reported an error.
func (b *browser) clean(what string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.errors {
		b.t.Errorf("%s: the browser reports: %s", what, e)
	}
	b.errors = nil
}

// views are the widths and themes of the screenshots.
var views = []struct {
	width, height int64
	theme         string
}{{1280, 800, "light"}, {1280, 800, "dark"}, {375, 812, "light"}, {375, 812, "dark"}}

// inspect shows the page in each view, and fails for what testdata/page.js finds. With -update-images, it writes
// screenshots of this name, if it has one; those of pages in Chinese in light colors alone.
func (b *browser) inspect(name string) {
	b.t.Helper()
	b.inspectAt(name, "body")
}

// inspectAt is inspect whose screenshots begin with the element that a selector names.
func (b *browser) inspectAt(name, at string) {
	b.t.Helper()
	script := readFile(b.t, "testdata/page.js")
	for _, v := range views {
		what := fmt.Sprintf("%s at %d, %s", name, v.width, v.theme)
		phone := func(p *emulation.SetDeviceMetricsOverrideParams, _ *emulation.SetTouchEmulationEnabledParams) {
			p.Mobile = v.width < 600
		}
		b.do(what, chromedp.EmulateViewport(v.width, v.height, phone),
			chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
				_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.theme}}})
				return err
			}))
		found := act(b, what, chromedp.Evaluate[[]string](script, chromedp.EvalAwaitPromise))
		for _, f := range found {
			b.t.Errorf("%s: %s", what, f)
		}
		if *updateImages && name != "" && (v.theme == "light" || !strings.HasPrefix(name, "page-zh-")) {
			act(b, what, chromedp.Evaluate[bool](fmt.Sprintf(
				`document.querySelector(%q).scrollIntoView() === undefined`, at)))
			b.photograph(fmt.Sprintf("%s-%d-%s.png", name, v.width, v.theme))
		}
	}
	b.do("the first view", chromedp.EmulateViewport(1280, 800))
	b.until("the first view is laid out", `innerWidth === 1280`) // before a click at a place of another view
}

func (b *browser) photograph(name string) {
	b.t.Helper()
	png := act(b, name, chromedp.CaptureScreenshot())
	if err := os.MkdirAll(images, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(images, name), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// TestPeerChromiumPage: an operator watches a call on the board in Chromium, and cancels its callback.
func TestPeerChromiumPage(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	l := startTown(t, lab.Options{Edit: func(name, text string) string {
		return strings.ReplaceAll(text, "forced_wait: 5s", "forced_wait: 10m")
	}})
	link := l.PageLink(t.Context())
	b.do("log in by the link", chromedp.Navigate(link), chromedp.WaitVisible("#tiles .tile"))
	b.until("the stream is connected", `document.querySelector("#stream")._htmx?.sse?.reader != null`)
	p := sitDown(t, l, "austin-02")
	p.enter("atdt55555")
	p.see("Username:")
	b.until("the tile of the line", `[...document.querySelectorAll(".tile.up .tile-state")].some(
		e => e.textContent === "in call")`)
	p.enter("austin-02")
	p.see("Password:")
	p.enter("hana-1993")
	p.see("Callback Dialstring:")
	b.until("the user on the tile", `document.querySelector(".tile.up .tile-user")?.textContent.includes("austin-02")`)
	p.enter("84002")
	p.see("Callback initiated")
	b.until("the callback on the board", `document.querySelector("#pending tbody tr")?.textContent.includes("84002")`)
	b.until("the first line is free again", `document.querySelectorAll(".tile.up").length === 0`)
	b.inspect("page-lines")
	b.do("cancel", chromedp.Click("#pending .action a"), chromedp.WaitVisible("button.danger"))
	b.inspect("page-cancel")
	b.do("confirm", chromedp.Click("button.danger"), chromedp.WaitVisible("svg.machine"))
	heading := act(b, "the diagram", chromedp.TextContent(".node.present"))
	if strings.TrimSpace(heading) != "cancelled" {
		t.Errorf("the diagram marks %q", heading)
	}
	b.inspect("page-callback")
	for _, path := range []string{"callbacks", "history", "ceilings", "health", "lockdown"} {
		b.do(path, chromedp.Click(fmt.Sprintf(`nav a[href="/%s"]`, path)), chromedp.WaitVisible("h1"))
		b.until(path, fmt.Sprintf(`location.pathname === "/%s"`, path))
		b.inspect("page-" + path)
	}
	b.clean("all pages")
	b.do("the link again", chromedp.Navigate(link), chromedp.WaitVisible(".login"))
	b.inspect("page-login")
	text := act(b, "its text", chromedp.TextContent(".notice"))
	if !strings.Contains(text, "used already") {
		t.Errorf("the link can be used twice: %q", text)
	}
}
