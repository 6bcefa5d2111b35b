package node

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// operator is a browser at a daemon's page.
type operator struct {
	t    *testing.T
	url  string
	http http.Client
}

// operatorAt returns a browser without a session; shown is what it shows over TLS.
func operatorAt(t *testing.T, url string, shown *tls.Config) *operator {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: shown}
	t.Cleanup(transport.CloseIdleConnections)
	return &operator{t, url, http.Client{Jar: jar, Transport: transport}}
}

// try requests a page; form nil: with GET.
func (o *operator) try(path string, form url.Values) (status int, body string, err error) {
	method, send := http.MethodGet, ""
	if form != nil {
		method, send = http.MethodPost, form.Encode()
	}
	req, err := http.NewRequestWithContext(context.Background(), method, o.url+path, strings.NewReader(send))
	if err != nil {
		o.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", o.url)
	}
	resp, err := o.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	return resp.StatusCode, bodyOf(o.t, resp), nil
}

func (o *operator) get(path string) (status int, body string) {
	o.t.Helper()
	return o.must(o.try(path, nil))
}

func (o *operator) post(path string, form url.Values) (status int, body string) {
	o.t.Helper()
	return o.must(o.try(path, form))
}

func (o *operator) must(status int, body string, err error) (int, string) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	return status, body
}

func (o *operator) login(user, password string) (status int, body string) {
	o.t.Helper()
	return o.post("/login", url.Values{"user": {user}, "password": {password}})
}

var shownRole = regexp.MustCompile(`<span class="role">(\w+)</span>`)

// roleOn returns the role that a page shows; "" if it is not that of an operator.
func roleOn(body string) string {
	if m := shownRole.FindStringSubmatch(body); m != nil {
		return m[1]
	}
	return ""
}

var csrfOn = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// form returns a form with the token of a page's session.
func form(t *testing.T, body string, values url.Values) url.Values {
	t.Helper()
	m := csrfOn.FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("the page has no form:\n%s", body)
	}
	values.Set("csrf", m[1])
	return values
}
