package e2e

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/postgres"
)

// TestPeerChromiumNodes: the page of one node of a fleet shows a callback that another one has promised, cancels it
// there, and shows the nodes.
func TestPeerChromiumNodes(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	l, err := lab.Start(t.Context(), lab.Options{Dir: tempDir(t), Pace: pace, S7: 255, Binary: program(t),
		Quiet: true, Nodes: 3, Edit: func(_, text string) string {
			return strings.ReplaceAll(text, "forced_wait: 10s", "forced_wait: 10m")
		}})
	if errors.Is(err, postgres.ErrMissing) && os.Getenv("RINGBACK_REQUIRE_PEERS") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	b.do("log in by the link", chromedp.Navigate(l.PageLink(t.Context())), chromedp.WaitVisible("#tiles .tile"))
	second := l.Nodes()[1]
	p := sitDown(t, l, "kihei-03")
	p.enter("atdt" + second.Number)
	p.see("Username:")
	p.enter("kihei-03")
	p.see("Password:")
	p.enter("wailea-03")
	p.see("Callback initiated")
	b.until("the callback of the other node", `fetch("/").then(r => r.text()).then(
		t => t.includes("84003") && t.includes("maui-2"))`)
	b.do("read it", chromedp.Reload(), chromedp.WaitVisible("#pending .action a"))
	b.inspect("page-fleet-lines")
	b.do("cancel", chromedp.Click("#pending .action a"), chromedp.WaitVisible("button.danger"))
	b.do("confirm", chromedp.Click("button.danger"), chromedp.WaitVisible("svg.machine"))
	if phase := act(b, "the diagram", chromedp.TextContent(".node.present")); strings.TrimSpace(phase) != "cancelled" {
		t.Errorf("the diagram marks %q", phase)
	}
	b.until("the steps of the other node", `fetch(location.href).then(r => r.text()).then(t => t.includes("HungUp"))`)
	b.do("read them", chromedp.Reload(), chromedp.WaitVisible("svg.machine"))
	b.inspect("page-fleet-callback")
	b.do("health", chromedp.Click(`nav a[href="/health"]`), chromedp.WaitVisible("#nodes-title"))
	for _, n := range l.Nodes() {
		b.until("node "+n.Name, `[...document.querySelectorAll("section[aria-labelledby=nodes-title] tr")].some(
			e => e.textContent.includes("`+n.Name+`") && e.textContent.includes("up"))`)
	}
	b.inspectAt("page-fleet-health", "section[aria-labelledby=nodes-title]")
	b.clean("the pages of a fleet")
	if all, err := second.Client().Callbacks(t.Context(), false); err != nil || len(all) != 0 {
		t.Errorf("%s has pending %v (%v)", second.Name, all, err)
	}
}
