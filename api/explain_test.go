package api

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
)

// TestExplainPolicy: the request arrives as it was sent; what is wrong with it has its place; a reader may not ask.
func TestExplainPolicy(t *testing.T) {
	var got string
	h := guarded(&Server{Explain: Explain{Policy: func(_ context.Context, request string) (client.PolicyExplanation,
		error) {
		got = request
		switch {
		case strings.Contains(request, "fail"):
			return client.PolicyExplanation{}, errors.New("a reload is in progress")
		case strings.Contains(request, "bad"):
			return client.PolicyExplanation{}, Invalid{{"query.request.number", "not a number"}}
		}
		return client.PolicyExplanation{Decision: client.PolicyDecision{Outcome: "admit"}}, nil
	}}})
	ask := func(who *peer, query string) (int, string) {
		w, _ := answer(t, h, as(who, httptest.NewRequest("GET", "/v1/policies/explain?"+query, nil)))
		return w.Code, w.Body.String()
	}
	operator := &peer{known: true, uid: operatorID}
	const request = `{"user": "kim", "number": ""}`
	query := url.Values{"request": {request}}.Encode()
	if status, text := ask(operator, query); status != 200 || got != request || !strings.Contains(text, `"outcome":"admit"`) {
		t.Errorf("%d %s, asked %s", status, text, got)
	}
	if status, _ := ask(&peer{known: true, uid: reader}, query); status != 403 {
		t.Errorf("a reader: %d", status)
	}
	for query, want := range map[string]struct {
		status int
		text   string
	}{"": {422, "request"}, "request=bad": {422, `"location":"query.request.number"`},
		"request=fail": {409, "a reload is in progress"}, "request=" + strings.Repeat("x", 17_000): {422, "16384"}} {
		if status, text := ask(operator, query); status != want.status || !strings.Contains(text, want.text) {
			t.Errorf("%.30s: %d %.200s", query, status, text)
		}
	}
}

// TestLoginTestBody: no answer repeats a password, whatever is wrong with the body; nobody without the role is asked.
func TestLoginTestBody(t *testing.T) {
	const password = "hana-1993-xyz"
	var asked client.LoginTest
	h := guarded(&Server{Explain: Explain{Login: func(_ context.Context, q client.LoginTest) (client.LoginReport,
		error) {
		asked = q
		if q.User == "often" {
			return client.LoginReport{}, Busy{"too often", 2500 * time.Millisecond}
		}
		return client.LoginReport{Result: "granted"}, nil
	}}})
	post := func(who *peer, body string) *httptest.ResponseRecorder {
		asked = client.LoginTest{}
		r := httptest.NewRequest("POST", "/v1/aaa/test", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w, _ := answer(t, h, as(who, r))
		if strings.Contains(w.Body.String(), password) {
			t.Errorf("%s: the answer repeats the password: %s", body, w.Body)
		}
		return w
	}
	operator := &peer{known: true, uid: operatorID}
	good := `{"user": "kim", "password": "` + password + `", "answers": ["1"], "line": 65}`
	if w := post(operator, good); w.Code != 200 || asked.Password != password || asked.Line != 65 {
		t.Errorf("%d %s, asked %+v", w.Code, w.Body, asked)
	}
	if w := post(&peer{known: true, uid: reader}, good); w.Code != 403 || asked.User != "" {
		t.Errorf("a reader: %d, asked %+v", w.Code, asked)
	}
	if w := post(operator, `{"user": "often", "password": "`+password+`"}`); w.Code != 429 ||
		w.Header().Get("Retry-After") != "3" {
		t.Errorf("too often: %d %v", w.Code, w.Header())
	}
	for _, body := range []string{
		`{"user": "kim", "password": "` + password, `"` + password + `"`, `["` + password + `"]`, `null`, `{}`, "",
		`{"user": "kim", "password": ["` + password + `"]}`, `{"user": {"x": "` + password + `"}, "password": "x"}`,
		`{"user": "kim", "password": "x", "pasword": "` + password + `"}`,
		`{"user": "kim", "password": "` + strings.Repeat(password, 50) + `"}`,
		`{"user": "kim", "password": "x", "answers": "` + password + `"}`,
		`{"user": "kim", "password": "x", "line": "` + password + `"}`,
		`{"user": "kim", "password": "x", "service": "` + password + `"}`,
	} {
		if w := post(operator, body); w.Code < 400 || w.Code >= 500 || asked.User != "" {
			t.Errorf("%.60s: %d %s, asked %+v", body, w.Code, w.Body, asked)
		}
	}
}
