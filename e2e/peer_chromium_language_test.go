package e2e

import (
	"fmt"
	"math"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/web"
)

// needsChineseFont skips the test on a machine whose browser shows all Chinese characters as the same box.
func (b *browser) needsChineseFont() {
	b.t.Helper()
	if act(b, "draw two characters", chromedp.Evaluate[bool](`(() => {
		const drawn = (text) => {
			const c = new OffscreenCanvas(40, 40).getContext("2d");
			c.font = "30px sans-serif";
			c.fillText(text, 2, 34);
			return c.getImageData(0, 0, 40, 40).data.join();
		};
		return drawn("線") !== drawn("撥");
	})()`)) {
		return
	}
	const msg = "needs a font with Chinese characters: apt-get install fonts-wqy-microhei"
	if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
		b.t.Fatal(msg)
	}
	b.t.Skip(msg)
}

// chinese chooses Chinese with the switch of the page.
func (b *browser) chinese() {
	b.t.Helper()
	b.do("Chinese", chromedp.Click(`button[name=language][value="zh-Hant"]`))
	b.until("the page in Chinese", `document.documentElement.lang === "zh-Hant" && document.readyState === "complete"`)
	if other := act(b, "the switch", chromedp.TextContent("button[name=language]")); other != "English" {
		b.t.Errorf("the switch offers %q", other)
	}
}

// TestPeerChromiumChinese: an operator watches a call on the board and cancels its callback in Chinese.
func TestPeerChromiumChinese(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	b.needsChineseFont()
	l := startSite(t, lab.Options{Edit: func(_, text string) string {
		return strings.ReplaceAll(text, "forced_wait: 5s", "forced_wait: 10m")
	}})
	b.do("log in by the link", chromedp.Navigate(l.PageLink(t.Context())), chromedp.WaitVisible("#tiles .tile"))
	b.chinese()
	b.until("the stream is connected", `document.querySelector("#stream")._htmx?.sse?.reader != null`)
	p := sitDown(t, l, "austin-02")
	p.enter("atdt55555")
	p.see("Username:")
	b.until("the tile of the line", `[...document.querySelectorAll(".tile.up .tile-state")].some(
		e => e.textContent === "來電通話中")`)
	p.enter("austin-02")
	p.see("Password:")
	p.enter("hana-1993")
	p.see("Callback Dialstring:")
	p.enter("84002")
	p.see("Callback initiated")
	b.until("the callback on the board", `document.querySelector("#pending tbody tr")?.textContent.includes("取得線路")`)
	b.until("the first line is free again", `document.querySelectorAll(".tile.up").length === 0`)
	b.inspect("page-zh-lines")
	b.do("cancel", chromedp.Click("#pending .action a"), chromedp.WaitVisible("button.danger"))
	b.inspect("page-zh-cancel")
	b.do("confirm", chromedp.Click("button.danger"), chromedp.WaitVisible("svg.machine"))
	if phase := act(b, "the diagram", chromedp.TextContent(".node.present")); strings.TrimSpace(phase) != "已取消" {
		t.Errorf("the diagram marks %q", phase)
	}
	b.inspect("page-zh-callback")
	for path, heading := range map[string]string{"callbacks": "回撥", "history": "通話紀錄", "health": "健康狀態",
		"lockdown": "全面停撥", "recordings": "工作階段錄製", "explain": "解析政策決策"} {
		b.do(path, chromedp.Click(fmt.Sprintf(`nav a[href="/%s"]`, path)), chromedp.WaitVisible("h1"))
		b.until(path, fmt.Sprintf(`location.pathname === "/%s"`, path))
		if h1 := act(b, path, chromedp.TextContent("h1")); h1 != heading {
			t.Errorf("%s has the heading %q", path, h1)
		}
		b.inspect("page-zh-" + path)
	}
	b.clean("all pages")
	b.do("the form", chromedp.Click(`nav a[href="/explain"]`), chromedp.WaitVisible("#f-user"),
		chromedp.SendKeys("#f-user", "reno-07"), chromedp.SetValue("#f-grant", "typed"),
		chromedp.SendKeys("#f-typed", "84007"), chromedp.SendKeys("#f-line", "x65"))
	b.submit("the form", "#f-line-problem")
	b.rejected("422")
	if text := act(b, "the problem", chromedp.TextContent("#f-line-problem")); text != "線路必須是 TTY 編號，例如 65。" {
		t.Errorf("the problem is %q", text)
	}
	b.do("mend it", chromedp.SetValue("#f-line", "65"))
	b.submit("the form", "#decision")
	b.inspectAt("page-zh-decision", "#result")
	b.do("log out", chromedp.Click(`form[action="/logout"] button`), chromedp.WaitVisible(".login"))
	b.inspect("page-zh-login")
	b.do("English", chromedp.Click(`button[name=language][value="en"]`))
	b.until("the login in English", `document.documentElement.lang === "en" && location.pathname === "/login"`)
	b.clean("the language")
}

// TestPeerChromiumChinesePlots: the plots of a month in Chinese.
func TestPeerChromiumChinesePlots(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	b.needsChineseFont()
	l := &ledger{fleet: newFleet(1), steps: math.MaxInt, currency: "TWD", limits: true}
	site := web.New(web.Config{API: func(web.Operator, string) web.API { return l },
		Host: func(string) bool { return true }})
	srv := httptest.NewServer(site)
	t.Cleanup(srv.Close)
	b.do("log in", chromedp.Navigate(srv.URL+site.Link(web.Operator{Name: "kim", Role: web.Read})),
		chromedp.WaitVisible("#tiles .tile"))
	b.chinese()
	b.do("a month", chromedp.Navigate(srv.URL+"/ceilings?span=31d"), chromedp.WaitVisible("h1"))
	b.until("the plots", `document.querySelectorAll(".plot .uplot canvas").length === 4`)
	legend := act(b, "the legend", chromedp.TextContent(".plot .u-legend"))
	for _, want := range []string{"起始時間", "來電", "失敗的撥號", "上限：每小時撥號"} {
		if !strings.Contains(legend, want) {
			t.Errorf("the legend has no %s: %q", want, legend)
		}
	}
	b.inspect("page-zh-usage")
	b.clean("the plots")
}
