package api

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/httpd"
)

// as returns the request of a client.
func as(p *peer, r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), peerKey{}, p))
}

// shows returns a client whose certificate has these names.
func shows(common string, dns ...string) *peer {
	return &peer{certificate: &x509.Certificate{Subject: pkix.Name{CommonName: common}, DNSNames: dns,
		SerialNumber: big.NewInt(1)}}
}

// The users of the tests: those of the roles, and one without a role. None is a user of the machine.
const (
	reader = 4_000_000_001 + iota
	operatorID
	administrator
	stranger
)

var testRoles = Roles{Of: map[Role]Members{
	Read:    {Users: []uint32{reader}, Groups: []uint32{4_100_000_001}, Certificates: []string{"page.example"}},
	Operate: {Users: []uint32{operatorID}, Certificates: []string{"alice"}},
	Admin:   {Users: []uint32{administrator}},
}}

func guarded(s *Server) http.Handler {
	s.Feed, s.Roles = &Feed{}, func() Roles { return testRoles }
	if s.Daemon == nil {
		s.Daemon = fake{cleared: make(chan string, 99), cancelled: make(chan string, 99)}
	}
	return s.Handler()
}

// answer returns the answer to a request, and its problem.
func answer(t *testing.T, h http.Handler, r *http.Request) (*httptest.ResponseRecorder, problem) {
	t.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	cancel() // streams end at once
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(ctx))
	var p problem
	if w.Code >= 400 {
		if kind := w.Header().Get("Content-Type"); kind != "application/problem+json" {
			t.Errorf("%s %s: status %d with %s", r.Method, r.URL, w.Code, kind)
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Title == "" ||
			p.Detail == "" {
			t.Errorf("%s %s: %d, %v: %s", r.Method, r.URL, w.Code, err, w.Body)
		}
	}
	return w, p
}

// real returns a path of a route with values for its parameters.
func real(path string) string {
	return strings.NewReplacer("{tty}", "65", "{id}", "abc", "{group}", "vendor", "{schema}", "x.json").Replace(path)
}

// TestRoutes compares the table with the OpenAPI description, and each row with what a row must have.
func TestRoutes(t *testing.T) {
	text, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var description struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Role        string   `json:"x-role"`
			Audit       []string `json:"x-audit"`
			Summary     string
		}
	}
	if err := json.Unmarshal(text, &description); err != nil || !strings.HasPrefix(description.OpenAPI, "3.1.") {
		t.Fatalf("version %q, %v", description.OpenAPI, err)
	}
	described := 0
	for _, methods := range description.Paths {
		described += len(methods)
	}
	if described != len(Routes) {
		t.Errorf("the description has %d operations, the table has %d", described, len(Routes))
	}
	audited := map[events.Kind]bool{}
	for _, row := range events.Table {
		audited[row.Kind] = true
	}
	ids := map[string]bool{}
	for _, row := range Routes {
		op := description.Paths[row.Path][strings.ToLower(row.Method)]
		if op.OperationID != row.ID || op.Role != row.Role.String() || op.Summary != row.Summary ||
			len(op.Audit) != len(row.Audit) {
			t.Errorf("%s %s: the description has %+v, the table %+v", row.Method, row.Path, op, row)
		}
		if ids[row.ID] {
			t.Errorf("%s is there twice", row.ID)
		}
		ids[row.ID] = true
		changes := row.Method != http.MethodGet
		switch {
		case row.Role < Read || row.Role > Admin:
			t.Errorf("%s has the role %v", row.ID, row.Role)
		case changes && (row.Role < Operate || row.Audit == nil):
			t.Errorf("%s changes something, for role %v, and the audit has %v of it", row.ID, row.Role, row.Audit)
		}
		for _, kind := range row.Audit {
			if !audited[kind] {
				t.Errorf("%s: there is no event %q", row.ID, kind)
			}
		}
	}
}

// TestRolesOfRoutes tries each route with each role, with wrong methods, and without a known client.
func TestRolesOfRoutes(t *testing.T) {
	h := guarded(&Server{Health: func(context.Context) client.Health { return client.Health{} },
		Version:  func() client.Version { return client.Version{} },
		BackedUp: func(string, string, string) error { return nil },
		LogLevel: func() client.LogLevel { return client.LogLevel{Level: "info", Configured: "info"} },
		SetLogLevel: func(level string, _ time.Duration, _ string) (client.LogLevel, error) {
			return client.LogLevel{Level: level, Configured: "info"}, nil
		},
		Reload: func(context.Context, string) (client.Reload, error) { return client.Reload{Applied: true}, nil },
		PPP:    PPP{Happened: func(events.Event) {}}})
	clients := map[*peer]Role{
		{known: true, uid: reader}: Read, {known: true, uid: operatorID}: Operate,
		{known: true, uid: administrator}: Admin, {known: true, uid: stranger}: NoRole,
		{known: true, uid: stranger, groups: []uint32{4_100_000_001}}: Read, {}: NoRole,
		shows("alice"):            Operate,
		shows("", "page.example"): Read,
		shows("mallory"):          NoRole,
		shows(strconv.Itoa(0)):    NoRole,
	}
	if os.Geteuid() != 0 {
		clients[&peer{known: true, uid: uint32(os.Geteuid())}] = Admin
	}
	clients[&peer{known: true}] = Admin // root
	table := map[string]Role{}
	methods := map[string][]string{}
	for _, row := range Routes {
		table[row.Method+" "+row.Path] = row.Role
		methods[row.Path] = append(methods[row.Path], row.Method)
	}
	for _, path := range pages {
		table["GET "+path], methods[path] = Read, []string{"GET"}
	}
	for _, pattern := range slices.Sorted(maps.Keys(table)) {
		need := table[pattern]
		method, path, _ := strings.Cut(pattern, " ")
		w, p := answer(t, h, httptest.NewRequest(method, real(path), nil))
		if w.Code != http.StatusUnauthorized || p.Role != "read" || !strings.Contains(p.Detail, "admin socket") {
			t.Errorf("%s without a known client: %d %+v", pattern, w.Code, p)
		}
		for who, has := range clients {
			w, p := answer(t, h, as(who, httptest.NewRequest(method, real(path), nil)))
			switch forbidden := w.Code == http.StatusForbidden; {
			case forbidden != (has < need):
				t.Errorf("%s by %s with role %v: status %d, %s", pattern, who.name(), has, w.Code, w.Body)
			case forbidden && has != NoRole && p.Role != need.String(),
				forbidden && !strings.Contains(p.Detail, "api.roles."):
				t.Errorf("%s by %s: %+v", pattern, who.name(), p)
			case w.Code >= 500 || w.Code == http.StatusUnauthorized || w.Code == http.StatusMethodNotAllowed:
				t.Errorf("%s by %s: status %d, %s", pattern, who.name(), w.Code, w.Body)
			}
		}
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE",
			"BREW"} {
			if slices.Contains(methods[path], method) {
				continue
			}
			r := httptest.NewRequest("GET", real(path), nil)
			r.Method = method
			w, p := answer(t, h, as(&peer{known: true}, r))
			allow := strings.Split(w.Header().Get("Allow"), ", ")
			if path == "/v1/lines/{tty}/counters" || path == "/v1/lines/counters" {
				continue // two routes with one shape
			}
			slices.Sort(allow)
			slices.Sort(methods[path])
			if w.Code != http.StatusMethodNotAllowed || !slices.Equal(allow, methods[path]) ||
				!strings.Contains(p.Detail, "role "+table[methods[path][0]+" "+path].String()) {
				t.Errorf("%s %s: status %d, allowed %q, %+v", method, path, w.Code, allow, p)
			}
		}
	}
	for _, path := range []string{"/", "/v1", "/v2/lines", "/v1/lines/65/nosuch", "/v1/%00", "/debug/pprof/"} {
		if w, _ := answer(t, h, as(&peer{known: true}, httptest.NewRequest("GET", path, nil))); w.Code != 404 {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

// TestDenied: the text names the role, and what to write where.
func TestDenied(t *testing.T) {
	h := guarded(&Server{})
	for who, want := range map[*peer]string{
		{known: true, uid: reader}: "this needs the role operate, and uid 4000000001 has the role read (in the " +
			"configuration of the daemon, add it to api.roles.operate.users: [4000000001], or to a group of " +
			"api.roles.operate.groups, and reload; or run the command as root or the user of the daemon)",
		shows("", "page.example"): "this needs the role operate, and certificate page.example has the role read (in " +
			"the configuration of the daemon, add it to api.roles.operate.certificates: [\"page.example\"], and " +
			"reload)",
	} {
		if _, p := answer(t, h, as(who, httptest.NewRequest("POST", "/v1/lines/65/clear", nil))); p.Detail != want {
			t.Errorf("%s\nmust be\n%s", p.Detail, want)
		}
	}
}

// TestOtherSites: a page of another web site cannot use the browser of an operator.
func TestOtherSites(t *testing.T) {
	h := guarded(&Server{})
	for _, tt := range []struct {
		header, value string
		status        int
	}{
		{"Sec-Fetch-Site", "cross-site", 403}, {"Sec-Fetch-Site", "same-site", 403}, {"Sec-Fetch-Site", "x", 403},
		{"Sec-Fetch-Site", "same-origin", 200}, {"Sec-Fetch-Site", "none", 200}, {"Origin", "null", 403},
		{"Origin", "https://evil.example", 403}, {"Origin", "https://example.com:8", 403},
		{"Origin", "https://example.com", 200}, {"Origin", "https://EXAMPLE.com", 200}, {"X-Other", "x", 200},
	} {
		for _, method := range []string{"GET", "DELETE"} {
			path := map[string]string{"GET": "/v1/lines", "DELETE": "/v1/lines/counters"}[method]
			r := as(&peer{known: true}, httptest.NewRequest(method, path, nil)) // its host is example.com
			r.Header.Set(tt.header, tt.value)
			if w, _ := answer(t, h, r); w.Code != tt.status {
				t.Errorf("%s with %s: %s: status %d, must be %d", method, tt.header, tt.value, w.Code, tt.status)
			}
		}
	}
}

// endless is a body that never ends, and counts what was read.
type endless struct{ read int }

func (e *endless) Read(b []byte) (int, error) {
	e.read += len(b)
	return len(b), nil
}

// TestBodies: a large body is not read, and one that is no JSON is rejected.
func TestBodies(t *testing.T) {
	h := guarded(&Server{})
	for name, length := range map[string]int64{"100 MiB": 100 << 20, "chunked": -1} {
		body := &endless{}
		r := as(&peer{known: true}, httptest.NewRequest("POST", "/v1/lines/65/clear", body))
		r.ContentLength = length
		r.Header.Set("Content-Type", "application/json")
		w, _ := answer(t, h, r)
		if w.Code != http.StatusRequestEntityTooLarge || body.read > 2*maxBody ||
			w.Header().Get("Connection") != "close" {
			t.Errorf("%s: status %d, %d octets read", name, w.Code, body.read)
		}
	}
	for kind, status := range map[string]int{"text/plain": 415, "application/x-www-form-urlencoded": 415, "": 415,
		"application/json": 204, "application/json; charset=utf-8": 204} {
		r := as(&peer{known: true}, httptest.NewRequest("POST", "/v1/lines/65/clear", strings.NewReader("{}")))
		r.Header.Set("Content-Type", kind)
		if w, _ := answer(t, h, r); w.Code != status {
			t.Errorf("a body of type %q: status %d, must be %d", kind, w.Code, status)
		}
	}
}

// TestQueries: a parameter that a route does not have, and a query that cannot be decoded, are errors of every route,
// with the names that it has. Else a filter would show all, and an order be given without its reason.
func TestQueries(t *testing.T) {
	h := guarded(&Server{Events: NewEvents()})
	for _, row := range Routes {
		for query, want := range map[string]string{
			"nosuch=1":      `there is no parameter "nosuch"; this route has`,
			"user=%zz":      `the query cannot be decoded: invalid URL escape "%zz"`,
			"user=a;line=1": "the query cannot be decoded: invalid semicolon separator in query",
		} {
			r := as(&peer{known: true}, httptest.NewRequest(row.Method, real(row.Path), nil))
			r.URL.RawQuery = query
			w, p := answer(t, h, r)
			if w.Code != http.StatusUnprocessableEntity || !strings.HasPrefix(p.Detail, want) {
				t.Errorf("%s %s?%s: %d %s", row.Method, row.Path, query, w.Code, p.Detail)
			}
		}
	}
	for target, want := range map[string]string{
		"/v1/calls/history?usr=kim": `there is no parameter "usr"; this route has: line, user, since, last`,
		"/v1/lines?tty=65":          `there is no parameter "tty"; this route has none`,
	} {
		if _, p := answer(t, h, as(&peer{known: true}, httptest.NewRequest("GET", target, nil))); p.Detail != want {
			t.Errorf("%s: %s", target, p.Detail)
		}
	}
	for _, page := range pages {
		r := as(&peer{known: true}, httptest.NewRequest("GET", real(page)+"?x=1", nil))
		if w, _ := answer(t, h, r); w.Code == http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", page, w.Code)
		}
	}
}

// TestNoSuchLine: status 404, whatever the order.
func TestNoSuchLine(t *testing.T) {
	h := guarded(&Server{})
	for _, route := range []string{"POST /v1/lines/7/clear", "DELETE /v1/lines/7/counters", "PUT /v1/lines/7/busyout"} {
		method, path, _ := strings.Cut(route, " ")
		w, p := answer(t, h, as(&peer{known: true}, httptest.NewRequest(method, path, nil)))
		if w.Code != http.StatusNotFound || p.Detail != "there is no line 7" {
			t.Errorf("%s: %d %s", route, w.Code, p.Detail)
		}
	}
}

// panicking panics when its lines are listed.
type panicking struct{ fake }

func (panicking) Lines() []client.Line { panic("boom") }

// TestPanic: a panic ends the request with an error, and no other.
func TestPanic(t *testing.T) {
	c, _ := serve(t, &Server{Daemon: panicking{}, Feed: &Feed{}})
	for range 2 {
		if _, err := c.Lines(t.Context()); err == nil || err.Error() != "internal error, see the log of the daemon" {
			t.Errorf("%v", err)
		}
	}
	if _, err := c.Users(t.Context()); err != nil {
		t.Errorf("another request: %v", err)
	}
}

// TestHostNames: over TLS, the request must be for a name of the server.
func TestHostNames(t *testing.T) {
	host := hostNames(func(name string) error {
		if name == "nas.example" {
			return nil
		}
		return io.EOF
	})
	for header, want := range map[string]bool{"nas.example:7443": true, "nas.example": true, "evil.example": false,
		"[::1]:7443": true, "[::1]": true, "127.0.0.1:7443": true, "": false, "nas.example.evil.example": false} {
		if got := host(httpd.HostOf(header)); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

// TestGroupsOfPeers: a group counts if the process has it, and /etc/group, if it knows both, lists the user.
func TestGroupsOfPeers(t *testing.T) {
	u, err := user.LookupId("0")
	if err != nil {
		t.Skip("this machine does not know root")
	}
	ids, err := u.GroupIds()
	if err != nil {
		t.Fatal(err)
	}
	own, _ := strconv.ParseUint(ids[0], 10, 32)
	foreign := uint32(0)
	for id := uint32(1); id < 1000 && foreign == 0; id++ {
		if g, err := user.LookupGroupId(strconv.Itoa(int(id))); err == nil && !slices.Contains(ids, g.Gid) {
			foreign = id
		}
	}
	root := &peer{known: true, groups: []uint32{uint32(own), foreign, 4_100_000_001}}
	for gid, want := range map[uint32]bool{uint32(own): true, foreign: foreign == 0, 4_100_000_001: true,
		4_100_000_002: false} {
		if got := root.in(gid); got != want {
			t.Errorf("group %d: %v, must be %v", gid, got, want)
		}
	}
	unknown := &peer{known: true, uid: stranger, gid: foreign}
	if !unknown.in(foreign) || unknown.in(4_100_000_001) {
		t.Error("a user of a directory service has the groups that the kernel reports, and no others")
	}
}

// TestNames: what is in a certificate cannot be taken for the text around it.
func TestNames(t *testing.T) {
	p := &peer{certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "alice (api)\x1b[2J"},
		SerialNumber: big.NewInt(0x1f)}, remote: "192.0.2.1:5000"}
	ctx := context.WithValue(t.Context(), peerKey{}, p)
	if got, want := By(ctx), "certificate alice ?api??[2J (serial 1f, api, 192.0.2.1:5000)"; got != want {
		t.Errorf("%q, must be %q", got, want)
	}
	p.certificate = &x509.Certificate{SerialNumber: big.NewInt(0x1f)}
	if got, want := By(ctx), "certificate serial 1f (serial 1f, api, 192.0.2.1:5000)"; got != want {
		t.Errorf("%q, must be %q", got, want)
	}
}

// TestRolesOfTheSocket: without api.roles, the members of api.group have every role, as do root and the daemon's user.
func TestRolesOfTheSocket(t *testing.T) {
	group := &user.Group{Gid: "4100000001"}
	member, other := &peer{known: true, uid: stranger, gid: 4_100_000_001}, &peer{known: true, uid: stranger}
	for _, tt := range []struct {
		roles Roles
		who   *peer
		want  Role
	}{
		{Roles{}, member, NoRole}, {Roles{Group: group}, member, Admin}, {Roles{Group: group}, other, NoRole},
		{Roles{Group: group, Of: map[Role]Members{}}, member, NoRole}, {Roles{}, &peer{known: true}, Admin},
		{Roles{}, &peer{}, Admin}, {Roles{Of: map[Role]Members{}}, &peer{}, NoRole}, {Roles{Group: group}, nil, NoRole},
	} {
		if got := tt.roles.of(tt.who); got != tt.want {
			t.Errorf("%+v: %+v has %v, must have %v", tt.roles, tt.who, got, tt.want)
		}
	}
}

// TestOperator: two operators are told apart only if the client is known.
func TestOperator(t *testing.T) {
	for p, known := range map[*peer]bool{nil: false, {}: false, {known: true}: true,
		{certificate: &x509.Certificate{SerialNumber: big.NewInt(1)}}: true} {
		by, err := operator(context.WithValue(t.Context(), peerKey{}, p))
		if (err == nil) != known || known && by == "api" {
			t.Errorf("%+v: %q, %v", p, by, err)
		}
	}
}
