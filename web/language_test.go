package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

// TestAccepted: the language that a browser asks for (RFC 9110 §12.5.4, RFC 4647 §3.4).
func TestAccepted(t *testing.T) {
	t.Parallel()
	const en, zh = texts.English, texts.TraditionalChinese
	for _, c := range []struct {
		header     string
		site, want texts.Language
	}{
		{"", en, en}, {"", zh, zh}, {"en", zh, en}, {"en-GB", zh, en}, {"zh-Hant", en, zh}, {"zh-TW", en, zh},
		{"ZH-tw", en, zh}, {"zh-HK", en, zh}, {"zh-MO", en, zh}, {"zh-Hant-TW", en, zh}, {"zh-Hant-CN", en, zh},
		{"zh-CN", en, en}, {"zh-Hans-TW", en, en}, {"zh-SG", en, en}, {"zh", en, en}, {"zh-Latn-TW", en, en},
		{"zh-CN,zh;q=0.9,en;q=0.8", zh, en}, {"zh-CN,zh;q=0.9,zh-Hant;q=0.8,en;q=0.7", en, zh},
		{"zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7", en, zh}, {"en-US,en;q=0.9,zh-TW;q=0.8", zh, en},
		{"en;q=0.5, zh-TW;q=0.501", en, zh}, {"en;q=0.5,zh-TW;q=0.5", zh, en}, {"zh-TW;q=0.5,en;q=0.5", en, zh},
		{"de,fr;q=0.8", en, en}, {"de,fr;q=0.8", zh, zh}, {"de,en;q=0.1", zh, en},
		{"*", zh, zh}, {"*;q=0.5,en;q=0.1", en, zh}, {"*,en;q=0", en, zh}, {"en;q=0,zh-TW", en, zh},
		{"zh-TW;q=0", zh, zh}, {"zh-TW;q=0,*;q=0.1", zh, en}, {"en;q=0,zh-Hant;q=0", zh, zh},
		{"zh-TW;Q=0.8,en;q=0.3", en, zh}, {" zh-TW ; q=0.8 , en ; q=0.3 ", en, zh},
		{"zh-TW;q=1.5", en, en}, {"zh-TW;q=NaN", en, en}, {"zh-TW;q=-1", en, en}, {"zh-TW;q=", en, en},
		{"zh-TW;q=0x1", en, en}, {"zh-TW;q=1.0000", en, en}, {"zh-TW;level=1", en, en}, {"zh-TW;q=1.", en, zh},
		{"zh-TW;q=0.001", en, zh}, {"zh_TW", en, en}, {"zhtw", en, en}, {"english", zh, zh}, {",,;,;q=1,-,--", zh, zh},
		{"zh-TW,en;q=" + strings.Repeat("0", 100<<10), en, zh},
		{strings.Repeat("a,", 50<<10) + "zh-TW", en, en}, {strings.Repeat("-", 100<<10), zh, zh},
		{strings.Repeat("\xff\x00", 50<<10), zh, zh},
	} {
		if got := accepted(c.header, c.site); got != c.want {
			t.Errorf("%.60q at a site in %s: %s, want %s", c.header, c.site, got, c.want)
		}
	}
}

func FuzzAccepted(f *testing.F) {
	for _, s := range []string{"", "en", "zh-TW,zh;q=0.9,en;q=0.8", "*;q=0", ";q=", "zh-Hant;q=0.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		for _, site := range texts.Languages() {
			if _, err := texts.ParseLanguage(string(accepted(header, site))); err != nil {
				t.Fatal(err)
			}
			if !strings.ContainsAny(header, "eEzZ*") && accepted(header, site) != site {
				t.Fatalf("%q names no language", header)
			}
		}
	})
}

// inLanguage requests a page with headers.
func (s *site) inLanguage(path string, headers ...string) (lang, body string) {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, base+path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	body = s.do(r).Body.String()
	_, after, _ := strings.Cut(body, `<html lang="`)
	lang, _, _ = strings.Cut(after, `"`)
	return lang, body
}

// TestLanguage: the reader's choice comes before the browser's, and that before the site's.
func TestLanguage(t *testing.T) {
	t.Parallel()
	const accept, zh = "Accept-Language", "zh-Hant"
	s := newSite(t, "")
	if lang, body := s.inLanguage("/login"); lang != "en" || !strings.Contains(body, ">Password<") {
		t.Errorf("nothing is asked for: %s", lang)
	}
	if lang, body := s.inLanguage("/login", accept, "zh-TW"); lang != zh || !strings.Contains(body, ">密碼<") {
		t.Errorf("the browser asks: %s", lang)
	}
	if lang, _ := s.inLanguage("/login", accept, "de", accept, "zh-TW;q=0.5"); lang != zh {
		t.Errorf("two headers: %s", lang)
	}
	s.server.config.Texts = func() texts.Printer {
		return texts.Printer{Language: zh, Readable: func(string) bool { return false }}
	}
	if lang, body := s.inLanguage("/login", accept, "de"); lang != zh || !strings.Contains(body, ">密碼<") {
		t.Errorf("a site in Chinese: %s", lang)
	}
	w := s.post("/language", url.Values{"language": {"en"}, "back": {"/health"}}, nil)
	c := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/health" || len(c) != 1 || c[0].Value != "en" ||
		!c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode {
		t.Fatalf("the choice: %d %v", w.Code, c)
	}
	if lang, _ := s.inLanguage("/login", accept, "zh-TW"); lang != "en" {
		t.Errorf("after the choice: %s", lang)
	}
	for _, wrong := range []string{"", "de", "zh", hostile, strings.Repeat("x", 8<<10)} {
		w := s.post("/language", url.Values{"language": {wrong}, "back": {"//evil.example"}}, nil)
		if c := w.Result().Cookies(); len(c) != 1 || c[0].MaxAge >= 0 || w.Header().Get("Location") != "/" {
			t.Errorf("%.20q: %v to %s", wrong, c, w.Header().Get("Location"))
		}
	}
	for _, cookie := range []string{"", "de", strings.Repeat("zh-Hant", 1000), `"en"x`} {
		if lang, _ := s.inLanguage("/login", "Cookie", "language="+cookie, accept, "en"); lang != "en" {
			t.Errorf("the cookie %.20q: %s", cookie, lang)
		}
	}
	if lang, _ := s.inLanguage("/login", accept, strings.Repeat("x-", 50<<10)); lang != zh {
		t.Errorf("a header of 100 KB: %s", lang)
	}
}

// TestForeignLanguage: another site cannot choose the language.
func TestForeignLanguage(t *testing.T) {
	t.Parallel()
	s := newSite(t, Read)
	for name, change := range map[string]func(*http.Request){
		"site":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"origin": func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"none":   func(r *http.Request) { r.Header.Del("Origin"); r.Header.Del("Sec-Fetch-Site") },
	} {
		if w := s.post("/language", url.Values{"language": {"zh-Hant"}}, change); w.Code != http.StatusForbidden ||
			len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if w := s.get("/language?language=zh-Hant"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("by address: %d", w.Code)
	}
}

// TestStreamLanguage: each stream is in the language of its page, also if another page has chosen another one since.
func TestStreamLanguage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, Operate)
		if _, body := s.inLanguage("/", "Accept-Language", "zh-TW"); !strings.Contains(body, "&amp;language=zh-Hant") {
			t.Error("the stream of a page in Chinese does not say so")
		}
		sent := func(language, chosen string) string {
			s.post("/language", url.Values{"language": {chosen}}, nil)
			w, end := s.listen("/stream?page=board&after=41&language="+language, "")
			s.fake.events <- client.Event{ID: 42, Kind: "line.state", TTY: 1,
				Line: &client.Line{TTY: 1, State: "hanging up", Since: began, Reason: "no answer"}}
			<-time.After(2 * streamEvery)
			synctest.Wait()
			end()
			return w.Body.String()
		}
		zh, en := sent("zh-Hant", "en"), sent("en", "zh-Hant")
		if !strings.Contains(zh, "掛斷中") || strings.Contains(zh, "hanging up") || strings.Contains(zh, "in use") ||
			!strings.Contains(zh, `<span lang="en">no answer</span>`) {
			t.Errorf("in Chinese:\n%s", zh)
		}
		if !strings.Contains(en, "hanging up") || strings.Contains(en, "掛斷中") || strings.Contains(en, "lang=") {
			t.Errorf("in English:\n%s", en)
		}
	})
}

// TestFailedLoginLanguage: the reason is in the reader's language; what AAA says is not.
func TestFailedLoginLanguage(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	form := url.Values{"user": {"kim"}, "password": {"wrong"}}
	chinese := func(r *http.Request) { r.Header.Set("Accept-Language", "zh-TW") }
	if body := s.post("/login", form, chinese).Body.String(); !strings.Contains(body, "使用者名稱或密碼錯誤") {
		t.Errorf("%s", body)
	}
	s.server.config.Login = func(context.Context, string, string, string) (Operator, error) {
		return Operator{}, errors.New("no server <answered>")
	}
	if body := s.post("/login", form, chinese).Body.String(); !strings.Contains(body,
		`無法驗證登入：<span lang="en">no server &lt;answered&gt;</span>`) {
		t.Errorf("%s", body)
	}
}

// TestRich: marks of a text are elements, those of a value are not, and all elements end.
func TestRich(t *testing.T) {
	t.Parallel()
	own, problems := texts.Shipped().With(texts.English, "own.yaml", []byte(
		"page.verdict: '*{outcome} `{reason}* <i> |'\n"))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	site := withReader(t.Context(), texts.Printer{Dictionary: own, Language: texts.English})
	for _, c := range []struct {
		ctx  context.Context
		key  texts.Key
		args []any
		want string
	}{
		{t.Context(), texts.PageVerdict, []any{"*a* `b` <c> {reason} \ue001", english("|d|&")},
			"<b>*a* `b` &lt;c&gt; {reason} \ue001</b>: |d|&amp;"},
		{t.Context(), texts.PageNoDifference, []any{1}, "<b>No difference.</b> 1 callback compared."},
		{t.Context(), texts.PageDifferences, []any{1, 2}, "<b>1 of 2 callbacks</b> would be decided otherwise."},
		{site, texts.PageVerdict, []any{"a", "b"}, "<b>a <code>b</code></b> &lt;i&gt; <kbd></kbd>"},
	} {
		var b strings.Builder
		if err := rich(c.key, c.args...).Render(c.ctx, &b); err != nil || b.String() != c.want {
			t.Errorf("%s: %q, want %q (%v)", c.key, b.String(), c.want, err)
		}
	}
}

// TestTimes: English times are those of Go, Chinese ones as they are written in Taiwan.
func TestTimes(t *testing.T) {
	t.Parallel()
	chinese := withReader(t.Context(), texts.Printer{Language: texts.TraditionalChinese})
	for d, want := range map[time.Duration]string{0: "0 秒", 500 * time.Millisecond: "500 毫秒",
		1500 * time.Millisecond: "1.5 秒", time.Minute: "1 分 0 秒", 3661 * time.Second: "1 小時 1 分 1 秒",
		100 * time.Hour: "100 小時 0 分 0 秒", time.Hour - time.Second: "59 分 59 秒"} {
		if got := durationText(t.Context(), d); got != d.String() {
			t.Errorf("%v: %q", d, got)
		}
		if got := durationText(chinese, d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	at := time.Date(2026, 3, 1, 5, 6, 7, 0, time.UTC)
	for k, want := range map[texts.Key][2]string{
		texts.PageTimeHour:     {"Sun 1 Mar 05:06 UTC", "3月1日（週日）05:06 UTC"},
		texts.PageTimeDay:      {"Sun 1 Mar 2026", "2026年3月1日（週日）"},
		texts.PageTimeOtherDay: {"2026-03-01 05:06:07", "2026/03/01 05:06:07"},
		texts.PageTimeTickDay:  {"1 Mar", "3/1"},
	} {
		if en, zh := date(t.Context(), k, at), date(chinese, k, at); en != want[0] || zh != want[1] {
			t.Errorf("%s: %q, %q", k, en, zh)
		}
	}
	if got := clock(chinese, time.Time{}); got != "–" {
		t.Errorf("no time: %q", got)
	}
	for status, k := range statuses {
		if k.English() != http.StatusText(status) {
			t.Errorf("status %d: %q", status, k.English())
		}
	}
	if got := statusText(chinese, http.StatusTeapot); got != "I'm a teapot" {
		t.Errorf("a status without a text: %q", got)
	}
}

// TestCapital: a letter of any size.
func TestCapital(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{"the site": "The site", "本站": "本站", "群組 a": "群組 a"} {
		if got := capital(s); got != want {
			t.Errorf("%q: %q", s, got)
		}
	}
}

// TestNames: each value of the API that has a name on the page has one in each language.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of    any
		field string
		names map[string]texts.Key
	}{
		{client.Line{}, "State", lineStates}, {client.Callback{}, "Phase", phases},
		{client.Call{}, "Direction", directions}, {client.Ceiling{}, "Scope", scopes},
		{client.Period{}, "Period", periods}, {client.Period{}, "Period", gaugePeriods},
	} {
		field, ok := reflect.TypeOf(c.of).FieldByName(c.field)
		doc := field.Tag.Get("doc")
		values := strings.FieldsFunc(strings.ReplaceAll(doc, " or ", ", "), func(r rune) bool { return r == ',' })
		if !ok || len(values) < 2 {
			t.Fatalf("%T.%s: %q", c.of, c.field, doc)
		}
		for _, value := range values {
			if c.names[strings.TrimSpace(value)] == "" {
				t.Errorf("%T.%s: the value %q has no name on the page", c.of, c.field, value)
			}
		}
	}
	for _, r := range []client.Recording{{Live: true}, {Live: true, Lost: 1}, {}, {Complete: true, Lost: 1},
		{Complete: true}} {
		if recordingStates[r.State()] == "" {
			t.Errorf("the state %q of a recording has no name on the page", r.State())
		}
	}
}
