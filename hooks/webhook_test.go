package hooks

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
)

// The secret, message and signature of the test of the specification's reference libraries.
const (
	exampleSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	exampleID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	exampleTime      = 1614265330
	exampleBody      = `{"test": 2432232314}`
	exampleSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

// TestSignature compares with the example of the reference libraries of Standard Webhooks.
func TestSignature(t *testing.T) {
	key, err := ParseSecret(exampleSecret)
	if err != nil {
		t.Fatal(err)
	}
	if got := sign(key, exampleID, time.Unix(exampleTime, 0), []byte(exampleBody)); got != exampleSignature {
		t.Errorf("%s, want %s", got, exampleSignature)
	}
	for _, bad := range []aaa.Secret{"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!", aaa.Secret("whsec_" + strings.Repeat("AAAA", 30))} {
		if _, err := ParseSecret(bad); err == nil {
			t.Errorf("%q is a secret", string(bad))
		}
	}
}

// request is what a receiver got.
type request struct {
	id   string
	body []byte
	msg  Message
}

// receiver is a web server over TLS that checks signatures.
type receiver struct {
	t   *testing.T
	srv *httptest.Server
	got chan request

	mu      sync.Mutex
	answers []int // status codes of the next answers; then 204
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t, got: make(chan request, 4096)}
	r.srv = httptest.NewTLSServer(r)
	t.Cleanup(r.srv.Close)
	return r
}

func (r *receiver) answer(statuses ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers = statuses
}

func (r *receiver) hook(name string, names ...string) Hook {
	roots := x509.NewCertPool()
	roots.AddCert(r.srv.Certificate())
	key, err := ParseSecret(exampleSecret)
	if err != nil {
		r.t.Fatal(err)
	}
	return Hook{Name: name, URL: r.srv.URL + "/in", Secret: key, Roots: roots, Events: names, Timeout: patience,
		RetryFor: time.Hour}
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	h := q.Header
	at, err2 := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	key, _ := ParseSecret(exampleSecret)
	if err != nil || err2 != nil || q.Method != http.MethodPost || h.Get("content-type") != "application/json" ||
		h.Get("webhook-signature") != sign(key, h.Get("webhook-id"), time.Unix(at, 0), body) ||
		time.Since(time.Unix(at, 0)).Abs() > patience {
		r.t.Errorf("%s %v %s", q.Method, h, body)
	}
	got := request{id: h.Get("webhook-id"), body: body}
	if err := json.Unmarshal(body, &got.msg); err != nil {
		r.t.Error(err)
	}
	status := http.StatusNoContent
	r.mu.Lock()
	if len(r.answers) > 0 {
		status, r.answers = r.answers[0], r.answers[1:]
	}
	r.mu.Unlock()
	w.WriteHeader(status)
	r.got <- got
}

var message = NewMessage("test", "maui", time.Unix(1, 0), []byte(`{}`))

// TestAnswers: only a 2xx of the address itself, whose certificate is verified, takes a message.
func TestAnswers(t *testing.T) {
	elsewhere := newReceiver(t)
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		change func(*Hook)
		want   string
	}{
		"taken": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(202) }, nil, ""},
		"refused": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no\x1b", 400) }, nil,
			`400 Bad Request: "no\x1b"`},
		"redirect": {func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, elsewhere.srv.URL, http.StatusTemporaryRedirect)
		}, nil, "redirects are not followed"},
		"no answer": {func(_ http.ResponseWriter, q *http.Request) {
			_, _ = io.Copy(io.Discard, q.Body) // only then the server notices that the client is gone
			<-q.Context().Done()
			panic(http.ErrAbortHandler) // an answer may arrive while the client closes the connection
		},
			func(h *Hook) { h.Timeout = 50 * time.Millisecond }, "no answer within 50ms"},
		"a long answer": {func(w http.ResponseWriter, _ *http.Request) {
			for range 1000 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, nil, ""},
		"another authority": {func(http.ResponseWriter, *http.Request) {},
			func(h *Hook) { h.Roots = x509.NewCertPool() }, "unknown authority"},
		"another name": {func(http.ResponseWriter, *http.Request) {}, func(h *Hook) {
			h.URL = strings.Replace(h.URL, "127.0.0.1", "localhost", 1)
		}, "another name"},
		"no server": {nil, func(h *Hook) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			h.URL = "https://" + l.Addr().String()
			l.Close()
		}, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewTLSServer(tt.answer)
			defer srv.Close()
			h := elsewhere.hook("h")
			h.URL = srv.URL
			if tt.change != nil {
				tt.change(&h)
			}
			err := h.Deliver(context.Background(), message)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	if len(elsewhere.got) > 0 {
		t.Error("a redirect was followed")
	}
}

// TestNoProxy: the environment does not choose where messages go.
func TestNoProxy(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://192.0.2.1:1")
	r := newReceiver(t)
	if err := r.hook("h").Deliver(context.Background(), message); err != nil {
		t.Error(err)
	}
}

// TestURLs: addresses are encrypted, except on this machine, and have no secrets in them.
func TestURLs(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://siem.example.net/in?x=1": true, "https://192.0.2.1:8443": true, "http://127.0.0.1:9/": true,
		"http://[::1]/": true, "http://localhost/": false, "http://siem.example.net/": false, "https://": false,
		"https://u:p@siem.example.net/": false, "ftp://x/": false, "siem.example.net": false, "": false,
		"https://x/#y": false, "file:///etc/passwd": false, "https://:443/": false,
		"http://127.0.0.1.evil.example/": false,
	} {
		if err := CheckURL(text); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
