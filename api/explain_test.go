package api

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

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
