package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

// hostile is text that would act in a page if it were not escaped.
const hostile = `<script>alert(1)</script>"><img src=x onerror=alert(2)>'` + "\x1b[31m" + `javascript:alert(3)`

// fake is an API with one of everything, whose texts are hostile.
type fake struct {
	API
	cancelled []string
	lockdown  client.Lockdown
	ended     *time.Time // of the callback
	asked     client.PolicyRequest
	login     client.LoginTest
	simulated client.Simulation
	answer    chan bool // to the login of the user slow
	events    chan client.Event
	steps     []string // asked of the usage
	fleet     client.Fleet
	nodes     client.Nodes
}

var began = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func (f *fake) Lines(context.Context) ([]client.Line, error) {
	return []client.Line{
		{TTY: 1, State: "in call", Owner: "c1", Signals: "DTR DCD", Since: began, Connect: hostile},
		{TTY: 2, State: "down", Reason: hostile, Since: began}, {TTY: 3, State: hostile, Since: began},
	}, nil
}

func (f *fake) Users(context.Context) ([]client.User, error) {
	return []client.User{{TTY: 1, User: hostile}}, nil
}

func (f *fake) callback() client.Callback {
	c := client.Callback{ID: "0190-" + hostile, Phase: "waiting", User: hostile, Number: hostile, Caller: hostile,
		Cause: hostile, WaitsFor: hostile, Entry: hostile, Created: began, Max: 3}
	if f.fleet.Node != "" {
		c.Node, c.Home, c.TTY = elsewhere, f.fleet.Node, 66
	}
	return c
}

func (f *fake) FindCallbacks(context.Context, client.CallbackQuery) ([]client.Callback, int, error) {
	return []client.Callback{f.callback()}, 7, nil
}

func (f *fake) Callback(_ context.Context, id string) (client.CallbackDetail, error) {
	if id == "none" {
		return client.CallbackDetail{}, &client.Problem{Status: 404, Detail: "no callback " + hostile}
	}
	c := f.callback()
	if c.Ended = f.ended; c.Ended != nil {
		c.Phase = "cancelled"
	}
	return client.CallbackDetail{Callback: c, Policy: hostile,
		Decision: []client.Step{{Rule: hostile, Input: hostile, Result: hostile, At: hostile}},
		History:  []client.Happening{{Event: hostile, Phase: "waiting", Text: hostile}},
		Dials: []client.Attempt{{N: 1, Number: hostile, Outcome: hostile, Detail: hostile,
			Transcript: []string{hostile}}},
	}, nil
}

func (f *fake) CancelCallback(_ context.Context, id string) error {
	f.cancelled = append(f.cancelled, id)
	return nil
}

func (f *fake) CallHistory(_ context.Context, q client.CallQuery) ([]client.Call, client.CallsLeftOut, error) {
	return []client.Call{{ID: "=1+1", User: "=cmd|' /C calc'!A0", Caller: "+1-808", Called: "@SUM(1)", Cause: hostile,
		Service: "-2", Connect: "\tx", Start: began}}, client.CallsLeftOut{Older: true, Damaged: 1}, nil
}

func (f *fake) Ceilings(context.Context) ([]client.Ceiling, error) {
	return []client.Ceiling{{Scope: "user", Name: hostile, Open: 1, AtOnce: 2, Reserved: client.Amount{Calls: 1},
		Periods: []client.Period{{Period: "day", Used: client.Amount{Calls: 8, Money: "1.50"},
			Limit: client.Amount{Calls: 10, Money: "2.00"}}}}}, nil
}

// Usage has more than a month of steps, with one of everything in the last one.
func (f *fake) Usage(_ context.Context, from, to time.Time, step string) (client.Usage, error) {
	f.steps = append(f.steps, step)
	first := from.Add(-time.Hour)
	u := client.Usage{Step: step, First: &first, Currency: hostile, Damaged: 1,
		Limits: []client.UsageLimit{{Period: "month", Limit: client.Amount{Money: "200.00"}}}}
	length := map[string]time.Duration{"hour": time.Hour, "day": 24 * time.Hour}[step]
	for begin := from.Truncate(length); begin.Before(to); begin = begin.Add(length) {
		u.Steps = append(u.Steps, client.UsageStep{Begin: begin, Incoming: 3, Dials: 2, Failures: 1, Outgoing: 1,
			OutgoingSeconds: 90, Money: "1.50", Unpriced: 1})
	}
	return u, nil
}

func (f *fake) Health(context.Context) (client.Health, error) {
	return client.Health{Ready: true, Problems: []string{hostile}, Lockdown: f.lockdown,
		Warnings: []client.Warning{{Code: hostile, What: hostile, Fix: hostile}},
		Spool:    []client.Backlog{{List: hostile}}, Journal: client.Journal{Path: hostile}}, nil
}

func (f *fake) Fleet(context.Context) (client.Fleet, error) { return f.fleet, nil }

func (f *fake) Nodes(context.Context) (client.Nodes, error) { return f.nodes, nil }

func (f *fake) AAAServers(context.Context) ([]client.AAAServer, error) {
	return []client.AAAServer{{Name: hostile, Address: hostile, Reason: hostile}}, nil
}

func (f *fake) Version(context.Context) (client.Version, error) {
	return client.Version{Hostname: hostile, Version: hostile}, nil
}

func (f *fake) OrderLockdown(_ context.Context, reason string, sessions bool) (client.Lockdown, error) {
	f.lockdown = client.Lockdown{Active: true, Reason: reason, Sessions: sessions, By: hostile}
	return f.lockdown, nil
}

func (f *fake) LiftLockdown(context.Context, string) error {
	f.lockdown = client.Lockdown{}
	return nil
}

func (f *fake) ExplainPolicy(_ context.Context, q client.PolicyRequest) (client.PolicyExplanation, error) {
	f.asked = q
	if q.Called == "wrong" {
		return client.PolicyExplanation{}, problemOf(t422, "query.request.called", "not a number: "+hostile)
	}
	return client.PolicyExplanation{Decision: hostileDecision, Windows: []string{hostile},
		Trace: []client.Step{{Rule: hostile, Input: hostile, Result: hostile, At: hostile}}}, nil
}

var hostileDecision = client.PolicyDecision{Outcome: "call_back", Reason: hostile, Hint: hostile, Text: hostile,
	Group: hostile, File: hostile, Numbers: []string{hostile}, EXEC: hostile, PPP: hostile}

const t422 = http.StatusUnprocessableEntity

// problemOf returns an error of the API with the place in the request that it is about.
func problemOf(status int, at, text string) *client.Problem {
	p := &client.Problem{Status: status, Detail: "the question is not valid"}
	p.Errors = append(p.Errors, struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	}{at, text})
	return p
}

func (f *fake) TestLogin(ctx context.Context, q client.LoginTest) (client.LoginReport, error) {
	f.login = q
	switch q.User {
	case "slow":
		select {
		case <-ctx.Done():
			return client.LoginReport{}, ctx.Err()
		case <-f.answer:
		}
	case "code":
		return client.LoginReport{}, problemOf(t422, "body.answers", "the server asks for more: "+hostile)
	case "busy":
		return client.LoginReport{}, &client.Problem{Status: http.StatusTooManyRequests, Detail: "too often"}
	}
	return client.LoginReport{Result: hostile, Reason: hostile, Message: strings.Repeat("x", 64<<10) + hostile,
		Server: hostile, Entry: hostile, Identity: hostile, Verdict: "call_back", Outcome: hostile, Hint: hostile,
		Readings: []client.Reading{{Dialect: hostile, Attribute: hostile, Value: hostile, Field: hostile,
			Note: hostile}},
		Authorization: []byte(`{"reply_message": "<script>\u001b"}`), Decision: &hostileDecision,
		Trace: []client.Step{{Rule: hostile, Input: hostile, Result: hostile, At: hostile}}, Dialers: []int{1, 2},
		LeastWait: "5s", MostWait: "10s", Ways: []client.LoginWay{{Request: hostile, Outcome: hostile}},
		Packets: []client.LoginPacket{{Server: hostile, What: hostile, Lines: []string{hostile}}},
		Silent:  []client.SilentMethod{{Method: hostile, Reason: hostile}}}, nil
}

func (f *fake) SimulatePolicies(ctx context.Context, q client.Simulation) (client.SimulationReport, error) {
	f.simulated = q
	for _, file := range q.Files {
		switch {
		case strings.Contains(file.Text, "broken"):
			p := problemOf(t422, "body.files", "a.yaml:2:1: unknown key "+hostile)
			p.Errors = append(p.Errors, problemOf(t422, "body.files", "a.yaml:3:1: not a number").Errors...)
			return client.SimulationReport{}, p
		case strings.Contains(file.Text, "endless"):
			<-ctx.Done()
			close(f.answer)
			return client.SimulationReport{}, ctx.Err()
		}
	}
	was := client.Decided{Outcome: "call_back", Number: hostile, Attempts: 2, NoVerify: true, Terms: hostile,
		Reason: hostile}
	use := client.CallUse{Calls: 1, Seconds: 61, Cost: "1.00"}
	return client.SimulationReport{Requests: 9, Changed: 2, Groups: []string{hostile},
		Changes: []client.Change{{Was: "call_back", Will: "refuse", Requests: 2, CallUse: use}},
		Users:   []client.UserChange{{User: hostile, Requests: 2, CallUse: use}}, MoreUsers: 3, Currency: hostile,
		Differences: []client.Difference{{At: "callback 4711", User: hostile, Time: began, Was: was, Will: was},
			{At: hostile, User: hostile}}, Unpriced: 1, Then: 1, NotLoaded: []string{hostile},
		Unknown: []client.Unknown{{Reason: hostile, Requests: 1}}}, nil
}

func (f *fake) Recordings(_ context.Context, q client.CallQuery) ([]client.Recording, bool, error) {
	if q.Last > pageRows { // of the page of one
		return []client.Recording{{ID: "r1", User: hostile, Group: hostile, Callback: hostile, Lost: 7, Start: began}},
			false, nil
	}
	return []client.Recording{{ID: hostile, User: hostile, Group: hostile, Start: began}}, true, nil
}

func (f *fake) Recording(_ context.Context, id string) (io.ReadCloser, error) {
	if id == "none" {
		return nil, &client.Problem{Status: http.StatusNotFound, Detail: hostile}
	}
	return io.NopCloser(strings.NewReader(hostile)), nil
}

func (f *fake) Events(ctx context.Context, _ client.EventQuery, listening func(uint64),
	show func(client.Event)) error {
	if listening != nil {
		listening(41)
	}
	for {
		select {
		case e, ok := <-f.events:
			if !ok {
				return errors.New("the daemon has stopped")
			}
			show(e)
		case <-ctx.Done():
			return nil
		}
	}
}

// site is a Server with a fake API, and a browser that is logged in as a role.
type site struct {
	t      *testing.T
	fake   *fake
	server *Server
	jar    http.CookieJar
	csrf   string
}

const base = "http://127.0.0.1:8443"

// newSite returns a site; role "": nobody is logged in.
func newSite(t *testing.T, role string) *site {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, fake: &fake{events: make(chan client.Event), answer: make(chan bool)}, jar: jar}
	s.server = New(Config{API: func(Operator, string) API { return s.fake },
		Host: func(name string) bool { return name == "127.0.0.1" },
		Login: func(_ context.Context, user, password, _ string) (Operator, error) {
			if password != "right" {
				return Operator{}, Refused(texts.PageLoginWrong)
			}
			return Operator{Name: user, Role: Admin}, nil
		}})
	if role != "" {
		if r := s.get(s.server.Link(Operator{hostile, role})); r.Code != http.StatusSeeOther {
			t.Fatalf("the link: %d %s", r.Code, r.Body)
		}
		page := s.get("/lockdown").Body.String()
		if m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page); m != nil {
			s.csrf = m[1]
		}
	}
	return s
}

func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	s.t.Helper()
	u, _ := url.Parse(base)
	for _, c := range s.jar.Cookies(u) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	s.jar.SetCookies(u, w.Result().Cookies())
	return w
}

func (s *site) get(path string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.do(httptest.NewRequest(http.MethodGet, base+path, nil))
}

// post sends a form as a browser does from this site.
func (s *site) post(path string, form url.Values, change func(*http.Request)) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, base+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", base)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if change != nil {
		change(r)
	}
	return s.do(r)
}

// listen opens a stream, which goes on after the event last unless that is ""; end closes it, and returns when it has
// ended.
func (s *site) listen(path, last string) (w *httptest.ResponseRecorder, end func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	w = httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, base+path, nil).WithContext(ctx)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	u, _ := url.Parse(base)
	for _, c := range s.jar.Cookies(u) {
		r.AddCookie(c)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.server.ServeHTTP(w, r)
	}()
	return w, func() { cancel(); <-done }
}

// pages are all pages of an operator.
var pages = []string{"/", "/callbacks", "/callbacks/x", "/callbacks/none", "/callbacks/x/cancel", "/history",
	"/history?user=" + url.QueryEscape(hostile) + "&line=" + url.QueryEscape(hostile), "/ceilings",
	"/ceilings?span=31d", "/health", "/lockdown", "/explain?user=" + url.QueryEscape(hostile),
	"/explain?called=wrong&user=" + url.QueryEscape(hostile), "/recordings", "/recordings/r1", "/recordings/none/cast"}

// The tags of a page and their attributes, whose values are all quoted.
var (
	tags       = regexp.MustCompile(`<[a-zA-Z][^\s>/]*(?:\s+[^\s=>"'/]+(?:="[^"]*"|='[^']*')?)*\s*/?>`)
	attributes = regexp.MustCompile(`\s([^\s=>"'/]+)(?:="[^"]*"|='[^']*')?`)
)

// TestNothingIsHTML: texts of callers, modems, AAA and operators are no elements, attributes or addresses of a page.
func TestNothingIsHTML(t *testing.T) {
	t.Parallel()
	s := newSite(t, Admin)
	s.fake.lockdown = client.Lockdown{Active: true, Reason: hostile, By: hostile, Error: hostile}
	for _, path := range append(pages, "POST /explain/login", "POST /explain/changes") {
		var w *httptest.ResponseRecorder
		if path, form := strings.CutPrefix(path, "POST "); form {
			w = s.post(path, url.Values{"csrf": {s.csrf}, "user": {hostile}, "password": {"hana-1993"}}, nil)
		} else {
			w = s.get(path)
		}
		body := w.Body.String()
		if !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s does not show the text at all: status %d", path, w.Code)
		}
		for _, bad := range []string{"<script>", "<img src=x", `href="javascript:`, "<style"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s contains %s", path, bad)
			}
		}
		for _, tag := range tags.FindAllString(body, -1) {
			for _, a := range attributes.FindAllStringSubmatch(tag, -1) {
				if name := strings.ToLower(a[1]); strings.HasPrefix(name, "on") || name == "style" {
					t.Errorf("%s has what its policy forbids: %s", path, tag)
				}
			}
		}
		h := w.Header()
		want := policy
		if path == "/recordings/r1" {
			want = playerPolicy
		}
		if h.Get("Content-Security-Policy") != want || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: header %v", path, h)
		}
	}
	if strings.Replace(playerPolicy, " 'wasm-unsafe-eval'", "", 1) != policy {
		t.Errorf("the policy of the player allows more than WebAssembly: %s", playerPolicy)
	}
	for _, word := range []string{"unsafe", "*", "http:"} {
		if strings.Contains(policy, word) {
			t.Errorf("the policy contains %q", word)
		}
	}
}

// TestNobody: without a session there is the login and nothing else.
func TestNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	for _, path := range append(pages, "/history.csv", "/callbacks.csv", "/usage.csv") {
		if w := s.get(path); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login" {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Location"))
		}
	}
	if w := s.get("/stream?after=1"); w.Code != http.StatusUnauthorized {
		t.Errorf("stream: %d", w.Code)
	}
	if w := s.post("/callbacks/x/cancel", nil, nil); w.Code != http.StatusUnauthorized || s.fake.cancelled != nil {
		t.Errorf("cancel: %d, %v", w.Code, s.fake.cancelled)
	}
	if w := s.get("/static/page.css"); w.Code != http.StatusOK {
		t.Errorf("the style: %d", w.Code)
	}
	for _, path := range []string{"/static/", "/static/.", "/static/./"} {
		if w := s.get(path); w.Code != http.StatusNotFound && w.Code/100 != 3 {
			t.Errorf("%s, a list of files: %d", path, w.Code)
		}
	}
}

// TestForged: orders that other web sites cause are not given.
func TestForged(t *testing.T) {
	t.Parallel()
	s := newSite(t, Admin)
	order := url.Values{"csrf": {s.csrf}}
	for name, c := range map[string]struct {
		form   url.Values
		change func(*http.Request)
		status int
	}{
		"no token":     {nil, nil, 403},
		"wrong token":  {url.Values{"csrf": {"x"}}, nil, 403},
		"other origin": {order, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		"null origin":  {order, func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		"other port":   {order, func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") }, 403},
		"other site":   {order, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"same-site":    {order, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		"no origin": {order, func(r *http.Request) {
			r.Header.Del("Origin")
			r.Header.Del("Sec-Fetch-Site")
		}, 403},
		"rebound name": {order, func(r *http.Request) {
			r.Host = "evil.example:8443"
			r.Header.Set("Origin", "http://evil.example:8443")
		}, 421},
		"large": {url.Values{"csrf": {s.csrf}, "x": {strings.Repeat("x", maxForm)}}, nil, 413},
	} {
		if w := s.post("/callbacks/x/cancel", c.form, c.change); w.Code != c.status || s.fake.cancelled != nil {
			t.Errorf("%s: status %d, cancelled %v", name, w.Code, s.fake.cancelled)
		}
	}
	if w := s.post("/callbacks/x/cancel", order, nil); w.Code != http.StatusSeeOther ||
		!slices.Equal(s.fake.cancelled, []string{"x"}) {
		t.Errorf("the operator: status %d, cancelled %v", w.Code, s.fake.cancelled)
	}
	link := httptest.NewRequest(http.MethodGet, base+"/login", nil)
	link.Header.Set("Sec-Fetch-Site", "cross-site")
	link.Header.Set("Sec-Fetch-Mode", "navigate")
	if w := s.do(link); w.Code != http.StatusOK {
		t.Errorf("a link from another site: %d", w.Code)
	}
}

// TestLogin: a password, the cookie, a link that is used twice, the end of a session.
func TestLogin(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	w := s.post("/login", url.Values{"user": {hostile}, "password": {"wrong"}}, nil)
	if w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "<script>") ||
		s.get("/").Code != http.StatusSeeOther {
		t.Errorf("a wrong password: %d", w.Code)
	}
	w = s.post("/login", url.Values{"user": {"kim"}, "password": {"right"}}, nil)
	c := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode ||
		len(c[0].Value) < 26 {
		t.Fatalf("the right password: %d %v", w.Code, c)
	}
	page := s.get("/")
	if page.Code != http.StatusOK {
		t.Fatalf("the page: %d", page.Code)
	}
	csrf := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page.Body.String())[1]
	if w := s.post("/logout", url.Values{"csrf": {csrf}}, nil); w.Code != http.StatusSeeOther {
		t.Errorf("log out: %d", w.Code)
	}
	s.jar.SetCookies(&url.URL{Scheme: "http", Host: "127.0.0.1:8443"}, c)
	if w := s.get("/"); w.Code != http.StatusSeeOther {
		t.Errorf("the cookie of the session that has ended: %d", w.Code)
	}
	link := s.server.Link(Operator{"kim", Read})
	if w := s.get(link); w.Code != http.StatusSeeOther {
		t.Errorf("a link: %d", w.Code)
	}
	if w := s.get(link); w.Code != http.StatusForbidden {
		t.Errorf("the link again: %d", w.Code)
	}
}

// TestSessionsEnd: after 30 minutes without a request, and after 12 hours; a link after 15 minutes.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, Read)
		<-time.After(idleTime - time.Second)
		if w := s.get("/"); w.Code != http.StatusOK {
			t.Errorf("within the idle time: %d", w.Code)
		}
		<-time.After(idleTime)
		if w := s.get("/"); w.Code != http.StatusSeeOther {
			t.Errorf("after the idle time: %d", w.Code)
		}
		s = newSite(t, Read)
		for start := time.Now(); time.Since(start) < absoluteTime-idleTime; <-time.After(idleTime / 2) {
			if w := s.get("/"); w.Code != http.StatusOK {
				t.Fatalf("after %v: %d", time.Since(start), w.Code)
			}
		}
		<-time.After(idleTime / 2)
		s.get("/")
		<-time.After(idleTime / 2)
		if w := s.get("/"); w.Code != http.StatusSeeOther {
			t.Errorf("after 12 hours: %d", w.Code)
		}
		link := s.server.Link(Operator{"kim", Read})
		<-time.After(linkTime)
		if w := s.get(link); w.Code != http.StatusForbidden {
			t.Errorf("an old link: %d", w.Code)
		}
	})
}

// TestManyLinks: for one more than the most, the oldest link ends, and no other.
func TestManyLinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, Read)
		var all []string
		for range maxLinks + 1 {
			all = append(all, s.server.Link(Operator{"kim", Read}))
			<-time.After(time.Second)
		}
		for i, link := range all {
			want := http.StatusSeeOther
			if i == 0 {
				want = http.StatusForbidden
			}
			if w := s.get(link); w.Code != want {
				t.Errorf("link %d: %d, want %d", i, w.Code, want)
			}
		}
	})
}

// TestLockdown: it needs a reason and a confirmation; a role without the right has no form.
func TestLockdown(t *testing.T) {
	t.Parallel()
	s := newSite(t, Operate)
	for _, form := range []url.Values{
		{"csrf": {s.csrf}, "confirm": {"yes"}}, {"csrf": {s.csrf}, "reason": {"fraud"}},
	} {
		if w := s.post("/lockdown", form, nil); w.Code != http.StatusUnprocessableEntity || s.fake.lockdown.Active {
			t.Errorf("%v: %d", form, w.Code)
		}
	}
	form := url.Values{"csrf": {s.csrf}, "reason": {"fraud"}, "confirm": {"yes"}}
	if w := s.post("/lockdown", form, nil); w.Code != http.StatusSeeOther || s.fake.lockdown.Reason != "fraud" {
		t.Errorf("%d, %+v", w.Code, s.fake.lockdown)
	}
	if body := s.get("/lockdown").Body.String(); strings.Contains(body, "End the lockdown") {
		t.Error("an operator without the role admin has the form that ends it")
	}
	if body := newSite(t, Read).get("/").Body.String(); strings.Contains(body, "/cancel") {
		t.Error("a reader is offered to cancel")
	}
}

// TestCSV: no cell is a formula.
func TestCSV(t *testing.T) {
	t.Parallel()
	s := newSite(t, Read)
	w := s.get("/history.csv")
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v %v", rows, err)
	}
	for i, cell := range rows[1] {
		if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
			t.Errorf("%s is %q", rows[0][i], cell)
		}
	}
	if rows[1][6] != "'=cmd|' /C calc'!A0" {
		t.Errorf("the user is %q", rows[1][6])
	}
}

// TestStream: changes within a quarter of a second are one message, with the changed tiles only.
func TestStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, Read)
		w, end := s.listen("/stream?page=board&after=41", "")
		for i, state := range []string{"hanging up", "idle"} {
			s.fake.events <- client.Event{ID: uint64(42 + i), Kind: "line.state", TTY: 1,
				Line: &client.Line{TTY: 1, State: state, Since: began}}
		}
		s.fake.events <- client.Event{ID: 44, Kind: "login.succeeded", TTY: 2, Fields: map[string]any{"user": hostile}}
		<-time.After(2 * streamEvery)
		synctest.Wait()
		end()
		body := w.Body.String()
		if n := strings.Count(body, "id: 44\n"); n != 1 || strings.Count(body, "id: ") != 1 {
			t.Errorf("%d messages:\n%s", n, body)
		}
		if !strings.Contains(body, "event: tiles\nid: 44\n") || !strings.Contains(body, `<li id="tty-1"`) || !strings.Contains(body, ">idle<") ||
			strings.Contains(body, "hanging up") || strings.Contains(body, "tty-3") ||
			strings.Contains(body, "<script>") {
			t.Errorf("the message:\n%s", body)
		}
		for line := range strings.SplitSeq(body, "\n") {
			if line != "" && !strings.HasPrefix(line, "data: ") && !strings.HasPrefix(line, "id: ") &&
				line != "event: tiles" && line[0] != ':' {
				t.Errorf("a line that is not of an event: %q", line)
			}
		}
	})
}

// TestBoardStream: lines that came and went are messages of their own tile; the list of callbacks is sent once a second
// however many events there are, and at once to a stream that goes on.
func TestBoardStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, Read)
		w, end := s.listen("/stream?page=board&after=7", "41")
		<-time.After(2 * streamEvery)
		synctest.Wait()
		if n := strings.Count(w.Body.String(), `hx-target="#pending"`); n != 1 {
			t.Errorf("%d lists of callbacks for a stream that goes on:\n%s", n, w.Body)
		}
		<-time.After(listEvery)
		for i := range uint64(20) {
			s.fake.events <- client.Event{ID: 42 + i, Kind: "callback.dialing"}
			<-time.After(100 * time.Millisecond)
		}
		s.fake.events <- client.Event{ID: 62, Kind: "line.state", TTY: 9, Line: &client.Line{TTY: 9, State: "idle"}}
		s.fake.events <- client.Event{ID: 63, Kind: "line.removed", TTY: 3}
		<-time.After(2 * listEvery)
		synctest.Wait()
		end()
		body := w.Body.String()
		if n := strings.Count(body, `hx-target="#pending"`); n < 3 || n > 4 {
			t.Errorf("%d lists of callbacks for 2 seconds of events", n)
		}
		for _, want := range []string{`<li id="tty-9" class="tile idle">`, `<li id="tty-3"></li>`, "id: 63\n"} {
			if !strings.Contains(body, want) {
				t.Errorf("no %s:\n%s", want, body)
			}
		}
		if strings.Contains(body, `id="tiles"`) || strings.Contains(body, `<li id="tty-1"`) {
			t.Error("tiles are sent that have not changed")
		}
	})
}

// TestCallbackStream: the page of a callback gets the parts that its events have changed, and no others.
func TestCallbackStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, Operate)
		id := s.fake.callback().ID
		w, end := s.listen("/stream?page=callback&callback="+url.QueryEscape(id)+"&after=41", "")
		send := func(n uint64, kind, of string) (message string) {
			synctest.Wait() // nothing is being written
			before := w.Body.Len()
			s.fake.events <- client.Event{ID: n, Kind: kind, Fields: map[string]any{"callback": of}}
			<-time.After(2 * streamEvery)
			synctest.Wait()
			return strings.ReplaceAll(w.Body.String()[before:], ": \n\n", "") // without the lines that keep it open
		}
		if m := send(42, "callback.waiting", "another"); m != "" {
			t.Errorf("an event of another callback:\n%s", m)
		}
		m := send(43, "callback.dialing", id)
		for _, want := range []string{`"#callback"`, `"#machine"`, `"#attempts"`, `"#decision"`, `"#events"`, "id: 43\n",
			"/cancel", "Callback waiting"} {
			if !strings.Contains(m, want) {
				t.Errorf("the first message has no %s:\n%s", want, m)
			}
		}
		if m := send(44, "callback.attempt", id); m != "" {
			t.Errorf("nothing has changed:\n%s", m)
		}
		s.fake.ended = &began
		m = send(45, "callback.ended", id)
		if strings.Contains(m, "/cancel") || !strings.Contains(m, `"#callback"`) || !strings.Contains(m, `"#machine"`) ||
			strings.Contains(m, `"#decision"`) || strings.Contains(m, "<script>") {
			t.Errorf("the end:\n%s", m)
		}
		end()
	})
}

// TestMachine: the drawing has the phases and the edges of the callback machine.
func TestMachine(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/explanation/callback-machine.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^    ([a-z_]+) --> ([a-z_]+):`).FindAllSubmatch(text, -1) {
		if !bytes.Equal(m[1], []byte("new")) {
			want = append(want, strings.ReplaceAll(string(m[1])+" "+string(m[2]), "_", " "))
		}
	}
	var got []string
	for _, a := range arrows {
		got = append(got, a.from+" "+a.to)
		if nodeOf(a.from).phase == "" || nodeOf(a.to).phase == "" {
			t.Errorf("an arrow without its phase: %v", a)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("the page draws %v, the machine has %v", got, want)
	}
}

// TestLocalPath: the switch of colors leads back to this site alone.
func TestLocalPath(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]string{"/health": "/health", "//evil.example": "/", `/\evil.example`: "/", "": "/",
		"https://evil.example": "/", "/a\r\nSet-Cookie: x": "/"} {
		if got := localPath(p); got != want {
			t.Errorf("%q: %q, want %q", p, got, want)
		}
	}
}

// TestRecordingFile: the file of a recording is no page, whatever is in it and whatever its ID is.
func TestRecordingFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, Admin)
	w := s.get("/recordings/" + url.PathEscape(`a"b/../<x>`) + "/cast")
	h := w.Header()
	if w.Code != http.StatusOK || w.Body.String() != hostile || h.Get("Content-Type") != "application/x-asciicast" ||
		h.Get("Content-Disposition") != `attachment; filename="abx.cast"` || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", w.Code, h)
	}
	if w := s.get("/recordings/other"); w.Code != http.StatusNotFound {
		t.Errorf("no such recording: %d", w.Code)
	}
}
