package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
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
