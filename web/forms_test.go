package web

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
)

// TestShown: text from outside cannot control a screen, or turn the text around it.
func TestShown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"84001": "84001", "grüße, 你好": "grüße, 你好", "a\nb": "a\nb", "\x1b[31m": `\u001b[31m`,
		"a\u202eb\u2066": `a\u202eb\u2066`, "\x00\u009b": `\u0000\u009b`, "\u200b\ufeff": `\u200b\ufeff`,
		"\u2028": `\u2028`,
	} {
		if got := shown(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestPolicyForm: the request is that of the form; what is wrong stands beside its field, and what was typed is kept.
func TestPolicyForm(t *testing.T) {
	t.Parallel()
	s := newSite(t, Operate)
	body := s.get("/explain?" + url.Values{"user": {"kim"}, "service": {"ppp"}, "auth": {"chap"}, "groups": {"a, b"},
		"grant": {"number"}, "number": {"84001,84002"}, "no_verify": {"omitted"}, "line": {"65"}, "typed": {"84003"},
		"time": {"2026-01-05T12:00"}, "caller": {"808"}, "called": {"555"}}.Encode()).Body.String()
	q := s.fake.asked
	if q.User != "kim" || q.Service != "ppp" || q.Auth != "chap" || strings.Join(q.Groups, "|") != "a|b" ||
		strings.Join(q.Numbers, "|") != "84001|84002" || q.Number != nil || !q.NoVerify || q.Line != 65 ||
		*q.Typed != "84003" || !strings.HasPrefix(q.Time, "2026-01-05T12:00:00") || q.Caller != "808" ||
		q.Called != "555" {
		t.Errorf("%+v", q)
	}
	if !strings.Contains(body, "Called back") || !strings.Contains(body, `value="84001,84002"`) {
		t.Errorf("%s", body)
	}
	for query, want := range map[string]string{
		"user=kim&grant=typed": "typed", "user=kim": "none", "user=kim&grant=number&number=84001": "84001",
		"user=kim&grant=caller_id": "caller ID", "user=kim&grant=place&number=home": "place home",
	} {
		s.get("/explain?" + query)
		got := "none"
		switch q := s.fake.asked; {
		case q.CallerID:
			got = "caller ID"
		case q.Place != "":
			got = "place " + q.Place
		case q.Number != nil && *q.Number == "":
			got = "typed"
		case q.Number != nil:
			got = *q.Number
		}
		if got != want {
			t.Errorf("%s: AAA gives %s, want %s", query, got, want)
		}
	}
	for query, field := range map[string]string{
		"user=": "user", "user=kim&line=x": "line", "user=kim&grant=number": "number", "user=kim&number=84": "number",
		"user=kim&time=noon": "time", "user=kim&called=wrong": "called",
	} {
		w := s.get("/explain?" + query)
		if w.Code != http.StatusUnprocessableEntity || strings.Contains(w.Body.String(), "Called back") ||
			!strings.Contains(w.Body.String(), `id="f-`+field+`-problem"`) ||
			!strings.Contains(w.Body.String(), `aria-invalid="true" aria-describedby="f-`+field+`-problem`) {
			t.Errorf("%s: status %d, no text beside %s", query, w.Code, field)
		}
	}
	r := newSite(t, Read)
	if w := r.get("/explain?user=kim"); w.Code != http.StatusForbidden || r.fake.asked.User != "" ||
		strings.Contains(w.Body.String(), "<form method=\"get\"") {
		t.Errorf("a reader: %d, asked %+v", w.Code, r.fake.asked)
	}
}

// TestLoginForm: what was typed is kept, except what is secret; errors stand beside their fields; it is an order that
// another site cannot cause.
func TestLoginForm(t *testing.T) {
	t.Parallel()
	s := newSite(t, Operate)
	const password, code = "hana-1993-xyz", "471147"
	post := func(user string, more ...string) (int, string) {
		form := url.Values{"csrf": {s.csrf}, "user": {user}, "password": {password}, "answer": {code},
			"service": {"exec"}, "auth": {"chap"}, "caller": {"8084711"}}
		for i := 0; i+1 < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		w := s.post("/explain/login", form, nil)
		body := w.Body.String()
		if strings.Contains(body, password) || strings.Contains(body, code) {
			t.Errorf("%s: the page repeats a secret", user)
		}
		if strings.Contains(body, "\x1b") || !strings.Contains(body, `value="8084711"`) && w.Code != http.StatusForbidden {
			t.Errorf("%s: a control character, or the calling number is gone", user)
		}
		return w.Code, body
	}
	if status, body := post("kim"); status != http.StatusOK || !strings.Contains(body, "Called back") ||
		s.fake.login.Password != password || s.fake.login.Answers[0] != code || s.fake.login.Auth != "" {
		t.Errorf("%d, asked %+v", status, s.fake.login)
	}
	if post("kim", "service", "ppp"); s.fake.login.Auth != "chap" {
		t.Errorf("asked %+v", s.fake.login)
	}
	s.fake.login = client.LoginTest{}
	if status, body := post(""); status != 422 || !strings.Contains(body, `id="f-user-problem"`) || s.fake.login.Password != "" {
		t.Errorf("without a user: %d, asked %+v", status, s.fake.login)
	}
	if status, body := post("code"); status != 422 || !strings.Contains(body, `id="f-answer-problem"`) {
		t.Errorf("a code: %d", status)
	}
	if status, body := post("busy"); status != 429 || !strings.Contains(body, "too often") {
		t.Errorf("too often: %d", status)
	}
	s.fake.login = client.LoginTest{}
	if status, _ := post("kim", "csrf", "x"); status != 403 || s.fake.login.User != "" {
		t.Errorf("without a token: %d", status)
	}
	if w := s.get("/explain/login?user=kim&password=x"); w.Code != 200 || s.fake.login.User != "" ||
		strings.Contains(w.Body.String(), "kim") {
		t.Errorf("by address: %d, asked %+v", w.Code, s.fake.login)
	}
	for _, role := range []string{Read} {
		r := newSite(t, role)
		if w := r.get("/explain/login"); w.Code != 403 || strings.Contains(w.Body.String(), "f-password") {
			t.Errorf("role %s: %d", role, w.Code)
		}
	}
}

// TestSlowForm: the time limit of a form is that of its arrival; what is done with it may take longer.
func TestSlowForm(t *testing.T) {
	t.Parallel()
	s := newSite(t, Operate)
	s.server.config.Host = func(string) bool { return true }
	s.server.formTime = time.Second
	srv := httptest.NewServer(s.server)
	defer srv.Close()
	form := url.Values{"csrf": {s.csrf}, "user": {"slow"}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/explain/login",
		strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", srv.URL)
	u, _ := url.Parse(base)
	for _, c := range s.jar.Cookies(u) {
		r.AddCookie(c)
	}
	time.AfterFunc(2*s.server.formTime, func() { close(s.fake.answer) })
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
}

// upload sends the form of changed policies with files, by name.
func (s *site) upload(fields url.Values, files map[string]string) *httptest.ResponseRecorder {
	s.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for name, values := range fields {
		if err := form.WriteField(name, values[0]); err != nil {
			s.t.Fatal(err)
		}
	}
	for name, text := range files {
		part, err := form.CreateFormFile("files", name)
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, base+uploadPath, &b)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Origin", base)
	return s.do(r)
}

// TestChangesForm: files and what was pasted arrive; what is wrong with them is beside the field, and the text is kept.
func TestChangesForm(t *testing.T) {
	t.Parallel()
	s := newSite(t, Operate)
	csrf := url.Values{"csrf": {s.csrf}}
	with := func(pairs ...string) url.Values {
		form := url.Values{"csrf": {s.csrf}}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	w := s.upload(with("name", "c.yaml", "text", "group: c\r\nusers: [x]\r\n", "alone", "alone", "from",
		"2026-01-05T12:00"), map[string]string{"b.yaml": "group: b\n", "a.yaml": "group: a\n"})
	q, names := s.fake.simulated, ""
	for _, f := range q.Files {
		names += f.Name + " "
	}
	if w.Code != 200 || names != "a.yaml b.yaml c.yaml " || q.Files[2].Text != "group: c\nusers: [x]\n" || !q.Alone ||
		q.From == nil || q.From.Hour() != 12 || q.Until != nil {
		t.Errorf("%d, asked %+v", w.Code, q)
	}
	if body := w.Body.String(); !strings.Contains(body, "2 of 9 callbacks") ||
		!strings.Contains(body, "/callbacks/4711") || !strings.Contains(body, "1:01") ||
		!strings.Contains(body, "group: c\nusers: [x]\n</textarea>") {
		t.Errorf("%s", body)
	}
	if w := s.upload(csrf, map[string]string{"": ""}); w.Code != 200 || s.fake.simulated.Files != nil {
		t.Errorf("no file: %d, asked %+v", w.Code, s.fake.simulated)
	}
	for _, c := range []struct {
		form  url.Values
		files map[string]string
		field string
		text  string
	}{
		{csrf, map[string]string{"a.yaml": "broken"}, "files", "a.yaml:3:1: not a number"},
		{with("name", "a.yaml", "text", "broken"), nil, "text", "a.yaml:3:1: not a number"},
		{csrf, map[string]string{"a.yaml": "\xff\xfe"}, "files", "a.yaml: not a text in UTF-8"},
		{with("text", "group: c"), nil, "name", "GROUP.yaml"},
		{with("name", "c.yaml"), nil, "text", "Paste"},
		{with("from", "noon"), nil, "from", "2026-01-05"},
	} {
		w := s.upload(c.form, c.files)
		if body := w.Body.String(); w.Code != 422 || !strings.Contains(body, `id="f-`+c.field+`-problem"`) ||
			!strings.Contains(body, c.text) || strings.Contains(body, "<script>") {
			t.Errorf("%s: %d %s", c.field, w.Code, body)
		}
	}
	s.fake.simulated = client.Simulation{}
	if w := s.upload(url.Values{}, map[string]string{"a.yaml": "x"}); w.Code != 403 || s.fake.simulated.Files != nil {
		t.Errorf("without a token: %d", w.Code)
	}
	if w := s.upload(csrf, map[string]string{"a.yaml": strings.Repeat("x", maxUpload)}); w.Code != 413 ||
		!strings.Contains(w.Body.String(), "It can have 512 KiB.") || s.fake.simulated.Files != nil {
		t.Errorf("too large: %d %s", w.Code, w.Body)
	}
	r := newSite(t, Read)
	if w := r.get(uploadPath); w.Code != 403 || strings.Contains(w.Body.String(), "f-files") {
		t.Errorf("a reader: %d", w.Code)
	}
	nobody := newSite(t, "")
	if w := nobody.upload(csrf, map[string]string{"a.yaml": "x"}); w.Code != http.StatusUnauthorized {
		t.Errorf("nobody: %d", w.Code)
	}
}

// TestChangesEnd: the comparison ends when the browser has left.
func TestChangesEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t, Operate)
	form := url.Values{"csrf": {s.csrf}, "name": {"a.yaml"}, "text": {"endless"}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.post(uploadPath, form, func(r *http.Request) { *r = *r.WithContext(ctx) })
	}()
	cancel()
	<-s.fake.answer
	<-done
}
