package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ringback/ringback/lab"
)

// TestPeerChromiumCallback: the page of a callback follows it to its end, without being loaded again.
func TestPeerChromiumCallback(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	l := startTown(t, lab.Options{Edit: func(_, text string) string {
		return strings.ReplaceAll(text, "forced_wait: 5s", "forced_wait: 20s") // the page is open before the dial
	}})
	b.do("log in by the link", chromedp.Navigate(l.PageLink(t.Context())), chromedp.WaitVisible("#tiles .tile"))
	b.until("the stream is connected", `document.querySelector("#stream")._htmx?.sse?.reader != null`)
	promised(t, l)
	b.do("the callback", chromedp.WaitVisible("#pending .number"), chromedp.Click("#pending tbody a.number"),
		chromedp.WaitVisible("svg.machine"))
	b.until("the stream is connected", `document.querySelector("#stream")._htmx?.sse?.reader != null`)
	const mark = `window.kept = document.querySelector("#callback .button") !== null`
	if !act(b, "the button", chromedp.Evaluate[bool](mark)) {
		t.Error("the pending callback cannot be cancelled")
	}
	b.until("the dial", `window.kept && document.querySelector("#attempt-1") !== null`)
	pending, err := l.Client().Callbacks(t.Context(), false)
	if err != nil || len(pending) != 1 {
		t.Fatalf("%v %v", pending, err)
	}
	if err := l.Client().CancelCallback(t.Context(), pending[0].ID); err != nil {
		t.Fatal(err)
	}
	b.until("the end", `window.kept && document.querySelector(".node.present")?.textContent.trim() === "cancelled"`)
	b.until("no button", `document.querySelector("#callback .button") === null`)
	b.until("the dialogue stays open", `document.querySelector("#attempt-1").open`)
	b.clean("the page of the callback")
}

// promised has a user promised a callback.
func promised(t *testing.T, l *lab.Lab) {
	t.Helper()
	p := sitDown(t, l, "austin-02")
	p.enter("atdt55555")
	p.see("Username:")
	p.enter("austin-02")
	p.see("Password:")
	p.enter("hana-1993")
	p.see("Callback Dialstring:")
	p.enter("84002")
	p.see("Callback initiated")
}

// TestPeerChromiumExplain: an operator asks what would happen to a caller, and reads what is wrong beside the field.
func TestPeerChromiumExplain(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	l := startSite(t, lab.Options{})
	b.do("log in by the link", chromedp.Navigate(l.PageLink(t.Context())), chromedp.WaitVisible("#tiles .tile"),
		chromedp.Click(`nav a[href="/explain"]`), chromedp.WaitVisible("#f-user"))
	b.do("a policy", chromedp.SendKeys("#f-user", "reno-07"), chromedp.SetValue("#f-grant", "typed"),
		chromedp.SendKeys("#f-typed", "84007"), chromedp.SendKeys("#f-line", "x65"),
		chromedp.Click("main form .primary"),
		chromedp.WaitVisible("#f-line-problem"))
	b.rejected("422")
	b.inspectAt("page-explain-error", "#f-line")
	b.do("mend it", chromedp.SetValue("#f-line", "65"), chromedp.Click("main form .primary"),
		chromedp.WaitVisible("#decision"))
	text := act(b, "the rules", chromedp.TextContent("#decision"))
	if !strings.Contains(text, ".yaml:") {
		t.Errorf("no rule has its place in a file: %s", text)
	}
	b.inspectAt("page-explain", "#result")
	b.do("the login", chromedp.Click(`nav a[href="/explain/login"]`), chromedp.WaitVisible("#f-password"),
		chromedp.SendKeys("#f-user", "austin-02"), chromedp.SendKeys("#f-password", "hana-1993"),
		chromedp.SetValue("#f-list", "none"), chromedp.Click("main form .primary"),
		chromedp.WaitVisible("#f-list-problem"))
	b.rejected("422")
	if kept := act(b, "the fields", chromedp.Evaluate[string](`document.querySelector("#f-user").value + "|" +
		document.querySelector("#f-password").value`)); kept != "austin-02|" {
		t.Errorf("the fields have %q", kept)
	}
	b.inspect("page-login-test-error")
	b.do("test it", chromedp.SendKeys("#f-password", "hana-1993"), chromedp.SetValue("#f-list", "default"),
		chromedp.SetValue("#f-line", "65"), chromedp.Click("main form .primary"), chromedp.WaitVisible("#result"))
	b.do("open the packets", chromedp.Click("main details:last-of-type summary"))
	b.inspectAt("page-login-test", "#result")
	promised(t, l)
	b.do("a changed policy", chromedp.Click(`nav a[href="/explain/changes"]`), chromedp.WaitVisible("#f-text"),
		chromedp.SendKeys("#f-name", "field.yaml"), chromedp.SendKeys("#f-text", "group: field\nusrs: [austin-02]\n"),
		chromedp.Click("main form .primary"), chromedp.WaitVisible("#f-text-problem"))
	b.rejected("422")
	if problem := act(b, "the problem", chromedp.TextContent("#f-text-problem")); !strings.Contains(problem,
		"field.yaml:2:1: usrs: unknown key") {
		t.Errorf("the problem is %q", problem)
	}
	b.inspectAt("page-changes-error", "main form")
	const fixed = `document.querySelector("#f-text").value = "group: field\nusers: [austin-02]\ncallback: off\n"; true`
	act(b, "correct it", chromedp.Evaluate[bool](fixed))
	b.do("compare", chromedp.Click("main form .primary"), chromedp.WaitVisible("#result"))
	if text := act(b, "the result", chromedp.TextContent("#result")); !strings.Contains(text, "1 of 1 callback") {
		t.Errorf("the result is %q", text)
	}
	b.inspectAt("page-changes", "#result")
	b.clean("the forms")
}
