package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/httpd"
	"go.uber.org/zap"
)

const (
	maxBody  = 64 << 10         // size of the largest request body that is read, in octets
	bodyTime = 10 * time.Second // within which it must arrive
)

// guard stands before all routes: it rejects requests of other web sites, clients without the role that the route
// needs, and bodies that are too large, and it survives a panic.
type guard struct {
	mux   *http.ServeMux
	need  map[string]Role     // by pattern of mux
	query map[string][]string // names of the parameters in the query of each operation, by pattern of mux
	roles func() Roles
	// host reports whether this server is the one that the request names; nil: any name is right, because no browser
	// can be sent here by a name
	host func(name string) bool
	log  *zap.Logger
}

// problem is an error of the guard (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Role   string `json:"role,omitempty"` // that the request needs
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tracked := &tracker{ResponseWriter: w}
	defer g.survive(tracked, r)
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	r = withCertificate(r)
	if p := g.check(r); p != nil {
		p.write(tracked)
		return
	}
	_, pattern := g.mux.Handler(r)
	need, known := g.need[pattern]
	if !known {
		g.unknown(r, pattern).write(tracked)
		return
	}
	who, _ := r.Context().Value(peerKey{}).(*peer)
	if has := g.roles().of(who); has < need {
		forbidden(who, need, has).write(tracked)
		return
	}
	if p := g.checkQuery(r, pattern); p != nil {
		p.write(tracked)
		return
	}
	if p := readBody(tracked, r, cmp.Or(largeBodies[pattern], maxBody)); p != nil {
		p.write(tracked)
		return
	}
	allowed := func() bool { return g.roles().of(who) >= need }
	g.mux.ServeHTTP(tracked, r.WithContext(context.WithValue(r.Context(), allowedKey{}, allowed)))
}

// allowedKey is the context key of a func() bool that reports whether the client still has the role of its request.
type allowedKey struct{}

func stillAllowed(ctx context.Context) bool {
	allowed, ok := ctx.Value(allowedKey{}).(func() bool)
	return !ok || allowed()
}

// withCertificate adds the certificate of a connection over TLS to the peer of a request.
func withCertificate(r *http.Request) *http.Request {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return r
	}
	p := &peer{remote: r.RemoteAddr, certificate: r.TLS.VerifiedChains[0][0]}
	return r.WithContext(context.WithValue(r.Context(), peerKey{}, p))
}

// check returns what is wrong with the client, the name of the server, or the web site that the request comes from.
func (g *guard) check(r *http.Request) *problem {
	who, _ := r.Context().Value(peerKey{}).(*peer)
	if who == nil {
		return &problem{Status: http.StatusUnauthorized, Role: Read.String(), Detail: "this client is not known: use " +
			"the admin socket, or TLS with a client certificate (api.listen)"}
	}
	if has := g.roles().of(who); has == NoRole {
		return forbidden(who, Read, has)
	}
	if g.host != nil && !g.host(httpd.HostOf(r.Host)) {
		return &problem{Status: http.StatusMisdirectedRequest, Detail: fmt.Sprintf("the certificate of this server "+
			"does not have the name %q (use a name of api.tls.cert_file)", httpd.HostOf(r.Host))}
	}
	site := r.Header.Get("Sec-Fetch-Site")
	origin := r.Header.Get("Origin")
	if site != "" && site != "same-origin" && site != "none" || origin != "" && !httpd.SameOrigin(origin, r.Host) {
		return &problem{Status: http.StatusForbidden, Detail: "the request comes from the page of another web site"}
	}
	return nil
}

// checkQuery returns what is wrong with the query of an operation as a whole. A parameter with an error in its name, or
// whose text cannot be decoded, would count as absent: a filter that shows all, an order without its reason.
func (g *guard) checkQuery(r *http.Request, pattern string) *problem {
	names, ok := g.query[pattern]
	if !ok {
		return nil // a page
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &problem{Status: http.StatusUnprocessableEntity,
			Detail: fmt.Sprintf("the query cannot be decoded: %v", err)}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if slices.Contains(names, name) {
			continue
		}
		has := "this route has none"
		if len(names) > 0 {
			has = "this route has: " + strings.Join(names, ", ")
		}
		return &problem{Status: http.StatusUnprocessableEntity,
			Detail: fmt.Sprintf("there is no parameter %.40q; %s", name, has)}
	}
	return nil
}

func forbidden(who *peer, need, has Role) *problem {
	return &problem{Status: http.StatusForbidden, Role: need.String(), Detail: who.denied(need, has)}
}

// unknown returns the answer for a request that no route serves: 405 if the path has other methods.
func (g *guard) unknown(r *http.Request, pattern string) *problem {
	if pattern != "" {
		return &problem{Status: http.StatusNotFound, Detail: "the table of routes does not have " + pattern}
	}
	var allow, roles []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := *r
		other.Method = m
		if _, pattern := g.mux.Handler(&other); g.need[pattern] != NoRole {
			allow = append(allow, m)
			roles = append(roles, fmt.Sprintf("%s (role %s)", m, g.need[pattern]))
		}
	}
	if allow == nil {
		return &problem{Status: http.StatusNotFound, Detail: "there is no such path (/openapi.json has all of them)"}
	}
	return &problem{Status: http.StatusMethodNotAllowed, Role: strings.Join(allow, ", "),
		Detail: fmt.Sprintf("this path does not have the method %.20q; it has %s", r.Method, strings.Join(roles, ", "))}
}

func (p *problem) write(w http.ResponseWriter) {
	p.Title = http.StatusText(p.Status)
	switch p.Status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", p.Role)
		p.Role = ""
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Mutual")
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		w.Header().Set("Connection", "close") // the rest of the body is not read
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client has gone
}

// readBody reads the body of a request, whose size and time are limited, and replaces it by what was read.
func readBody(w http.ResponseWriter, r *http.Request, most int64) *problem {
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	large := &problem{Status: http.StatusRequestEntityTooLarge,
		Detail: fmt.Sprintf("the body is longer than %d octets", most)}
	if r.ContentLength > most {
		return large
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &problem{Status: http.StatusUnsupportedMediaType,
			Detail: "a body must have the Content-Type application/json"}
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTime)) // not supported by the recorders of tests
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	_ = control.SetReadDeadline(time.Time{})
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return large
	case err != nil:
		return &problem{Status: http.StatusRequestTimeout, Detail: "the body did not arrive in time"}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}

// tracker notes whether the response has begun.
type tracker struct {
	http.ResponseWriter
	begun bool
}

func (t *tracker) WriteHeader(status int) {
	t.begun = true
	t.ResponseWriter.WriteHeader(status)
}

func (t *tracker) Write(b []byte) (int, error) {
	t.begun = true
	return t.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (t *tracker) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// survive ends a request whose handler has panicked, and nothing else.
func (g *guard) survive(w *tracker, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	g.log.Error("admin API: a request ended by a panic", zap.String("method", r.Method),
		zap.String("path", r.URL.Path), zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
	if w.begun {
		panic(http.ErrAbortHandler) // the client sees that the answer is incomplete
	}
	(&problem{Status: http.StatusInternalServerError,
		Detail: "internal error, see the log of the daemon"}).write(w)
}

// hostNames returns a guard.host that accepts the names that verify reports as right, and the loopback.
func hostNames(verify func(name string) error) func(string) bool {
	return func(name string) bool {
		return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, name) || verify(name) == nil
	}
}
