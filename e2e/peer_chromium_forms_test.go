package e2e

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/web"
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

// submit sends the form of the page, and waits for the next page, which has an element that a selector names.
func (b *browser) submit(what, selector string) {
	b.t.Helper()
	act(b, what, chromedp.Evaluate[bool](`window.left = true`)) // the next page does not have it
	b.do(what, chromedp.Click("main form .primary"))
	b.until(what+": the next page", fmt.Sprintf(
		`!window.left && document.readyState === "complete" && document.querySelector(%q) !== null`, selector))
	b.do(what, chromedp.WaitVisible(selector))
}

// TestPeerChromiumExplain: an operator asks what would happen to a caller, and reads what is wrong beside the field.
func TestPeerChromiumExplain(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	l := startSite(t, lab.Options{})
	b.do("log in by the link", chromedp.Navigate(l.PageLink(t.Context())), chromedp.WaitVisible("#tiles .tile"),
		chromedp.Click(`nav a[href="/explain"]`), chromedp.WaitVisible("#f-user"))
	b.do("a policy", chromedp.SendKeys("#f-user", "reno-07"), chromedp.SetValue("#f-grant", "typed"),
		chromedp.SendKeys("#f-typed", "84007"), chromedp.SendKeys("#f-line", "x65"))
	b.submit("the form", "#f-line-problem")
	b.rejected("422")
	b.inspectAt("page-explain-error", "#f-line")
	b.do("mend it", chromedp.SetValue("#f-line", "65"))
	b.submit("the form", "#decision")
	text := act(b, "the rules", chromedp.TextContent("#decision"))
	if !strings.Contains(text, ".yaml:") {
		t.Errorf("no rule has its place in a file: %s", text)
	}
	b.inspectAt("page-explain", "#result")
	b.do("the login", chromedp.Click(`nav a[href="/explain/login"]`), chromedp.WaitVisible("#f-password"),
		chromedp.SendKeys("#f-user", "austin-02"), chromedp.SendKeys("#f-password", "hana-1993"),
		chromedp.SetValue("#f-list", "none"))
	b.submit("the form", "#f-list-problem")
	b.rejected("422")
	if kept := act(b, "the fields", chromedp.Evaluate[string](`document.querySelector("#f-user").value + "|" +
		document.querySelector("#f-password").value`)); kept != "austin-02|" {
		t.Errorf("the fields have %q", kept)
	}
	b.inspect("page-login-test-error")
	b.do("test it", chromedp.SendKeys("#f-password", "hana-1993"), chromedp.SetValue("#f-list", "default"),
		chromedp.SetValue("#f-line", "65"))
	b.submit("the form", "#result")
	b.do("open the packets", chromedp.Click("main details:last-of-type summary"))
	b.inspectAt("page-login-test", "#result")
	promised(t, l)
	b.do("a changed policy", chromedp.Click(`nav a[href="/explain/changes"]`), chromedp.WaitVisible("#f-text"),
		chromedp.SendKeys("#f-name", "field.yaml"), chromedp.SendKeys("#f-text", "group: field\nusrs: [austin-02]\n"))
	b.submit("the form", "#f-text-problem")
	b.rejected("422")
	if problem := act(b, "the problem", chromedp.TextContent("#f-text-problem")); !strings.Contains(problem,
		"field.yaml:2:1: usrs: unknown key") {
		t.Errorf("the problem is %q", problem)
	}
	b.inspectAt("page-changes-error", "main form")
	const fixed = `document.querySelector("#f-text").value = "group: field\nusers: [austin-02]\ncallback: off\n"; true`
	act(b, "correct it", chromedp.Evaluate[bool](fixed))
	b.submit("compare", "#result")
	text = act(b, "the result", chromedp.TextContent("section#result"))
	if !strings.Contains(text, "1 of 1 callback") {
		t.Errorf("the result is %q", text)
	}
	b.inspectAt("page-changes", "#result")
	dir := tempDir(t)
	for name, text := range map[string]string{"field.yaml": "group: field\nusers: [austin-02]\ncallback: off\n",
		"large.yaml": strings.Repeat("# too large\n", 100_000)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []struct{ name, selector, want string }{
		{"field.yaml", "#result", "1 of 1 callback"}, {"large.yaml", "main > .bad", "The form has 1.1"},
	} {
		b.do("a file", chromedp.Click(`nav a[href="/explain"]`), chromedp.WaitVisible("#f-grant"),
			chromedp.Click(`nav a[href="/explain/changes"]`), chromedp.WaitVisible("#f-files"),
			chromedp.SetUploadFiles("#f-files", []string{filepath.Join(dir, file.name)}))
		b.submit(file.name, file.selector)
		text := act(b, file.name, chromedp.Evaluate[string](
			fmt.Sprintf(`document.querySelector(%q).textContent`, file.selector)))
		if !strings.Contains(text, file.want) {
			t.Errorf("%s: %s", file.name, text)
		}
	}
	b.rejected("413")
	b.clean("the forms")
}

// hostileAPI is an admin API whose AAA servers and policies send text that would act on a page.
type hostileAPI struct{ web.API }

// hostileText is HTML, controls of a terminal, changes of direction, and 64 KiB without a place to break.
var hostileText = `<script>document.title="owned"</script><img src=x onerror=document.title="owned">` +
	"\x1b[2J\u202eabc\u2066\u0000 " + strings.Repeat("W", 64<<10)

func (hostileAPI) TestLogin(context.Context, client.LoginTest) (client.LoginReport, error) {
	h := hostileText
	return client.LoginReport{Result: h, Reason: h, Message: h, Server: h, Entry: h, Identity: h, Verdict: "refuse",
		Outcome: h, Hint: h, Readings: []client.Reading{{Dialect: h, Attribute: h, Value: h, Field: h, Note: h}},
		Decision: &client.PolicyDecision{Outcome: "refuse", Reason: h, Hint: h, Text: h, Group: h, File: h},
		Trace:    []client.Step{{Rule: h, Input: h, Result: h, At: h}},
		Ways:     []client.LoginWay{{Request: h, Outcome: h}},
		Packets:  []client.LoginPacket{{Server: h, What: h, Lines: []string{h}}},
		Silent:   []client.SilentMethod{{Method: h, Reason: h}}}, nil
}

func (hostileAPI) SimulatePolicies(context.Context, client.Simulation) (client.SimulationReport, error) {
	h := hostileText
	d := client.Decided{Outcome: "call_back", Number: h, Terms: h, Reason: h}
	return client.SimulationReport{Requests: 2, Changed: 1, Groups: []string{h}, NotLoaded: []string{h},
		Currency:    "EUR",
		Changes:     []client.Change{{Was: "call_back", Will: "refuse", Requests: 1}},
		Users:       []client.UserChange{{User: h, Requests: 1}},
		Differences: []client.Difference{{At: h, User: h, Was: d, Will: d}},
		Unknown:     []client.Unknown{{Reason: h, Requests: 1}}}, nil
}

// TestPeerChromiumHostile: text from AAA, from policies and from callers neither acts on the page nor breaks it.
func TestPeerChromiumHostile(t *testing.T) {
	t.Parallel()
	site := web.New(web.Config{API: func(web.Operator, string) web.API { return hostileAPI{} },
		Host: func(string) bool { return true }})
	srv := httptest.NewServer(site)
	t.Cleanup(srv.Close) // after the browser, which keeps a connection
	b := startBrowser(t)
	// the board asks what this API does not have, so that the login must not lead there
	b.do("a page of the site", chromedp.Navigate(srv.URL+"/login"), chromedp.WaitVisible(".login"))
	link := site.Link(web.Operator{Name: hostileText[:200], Role: web.Operate})
	act(b, "log in", chromedp.Evaluate[bool](fmt.Sprintf(`fetch(%q, { redirect: "manual" }).then(() => true)`, link),
		chromedp.EvalAwaitPromise))
	for path, first := range map[string]string{"/explain/login": "#f-user", "/explain/changes": "#f-name"} {
		b.do(path, chromedp.Navigate(srv.URL+path), chromedp.WaitVisible(first))
		if path == "/explain/login" {
			b.do("a user", chromedp.SendKeys(first, "kim"))
		}
		b.do("the result of " + path)
		b.submit("the form", "#result")
		b.until("all of it", `document.readyState === "complete"`)
		act(b, "open all", chromedp.Evaluate[bool](
			`document.querySelectorAll("details").forEach((d) => { d.open = true; }); true`))
		b.inspect("")
		if title := act(b, "the title", chromedp.Evaluate[string](`document.title`)); strings.Contains(title, "owned") {
			t.Errorf("%s: text from outside has acted", path)
		}
		if act(b, "the text", chromedp.Evaluate[bool](
			`/[\u202a-\u202e\u2066-\u2069\u001b]/.test(document.body.textContent)`)) {
			t.Errorf("%s: a control character is in the page", path)
		}
		b.clean(path)
	}
}
