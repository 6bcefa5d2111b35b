// Package web serves the operator's page: a web site of one daemon for people, rendered on the server from the types of
// api/client. It asks the admin API for everything as the operator who is logged in, so that each right and each row of
// the audit is the API's. It needs no Internet: all that a browser loads is embedded.
package web

import (
	"context"
	"crypto/x509"
	"embed"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

//go:embed static
var static embed.FS

// API is what the page asks of the admin API; a *client.Client of the operator.
type API interface {
	Lines(context.Context) ([]client.Line, error)
	Users(context.Context) ([]client.User, error)
	FindCallbacks(context.Context, client.CallbackQuery) (v []client.Callback, older int, err error)
	Callback(ctx context.Context, id string) (client.CallbackDetail, error)
	CancelCallback(ctx context.Context, id string) error
	CallHistory(context.Context, client.CallQuery) ([]client.Call, client.CallsLeftOut, error)
	Ceilings(context.Context) ([]client.Ceiling, error)
	Usage(ctx context.Context, from, to time.Time, step string) (client.Usage, error)
	Health(context.Context) (client.Health, error)
	Fleet(context.Context) (client.Fleet, error)
	Nodes(context.Context) (client.Nodes, error)
	AAAServers(context.Context) ([]client.AAAServer, error)
	Version(context.Context) (client.Version, error)
	OrderLockdown(ctx context.Context, reason string, sessions bool) (client.Lockdown, error)
	LiftLockdown(ctx context.Context, reason string) error
	ExplainPolicy(context.Context, client.PolicyRequest) (client.PolicyExplanation, error)
	TestLogin(context.Context, client.LoginTest) (client.LoginReport, error)
	SimulatePolicies(context.Context, client.Simulation) (client.SimulationReport, error)
	Recordings(context.Context, client.CallQuery) (v []client.Recording, older bool, err error)
	Recording(ctx context.Context, id string) (io.ReadCloser, error)
	Events(context.Context, client.EventQuery, func(after uint64), func(client.Event)) error
}

// The roles of the admin API.
const (
	Read    = "read"
	Operate = "operate"
	Admin   = "admin"
)

// Operator is a user of the page.
type Operator struct {
	Name string // for people: "kim", "certificate alice"
	Role string // Read, Operate or Admin
}

// May reports whether the operator has a role, or a greater one.
func (o Operator) May(role string) bool {
	rank := func(r string) int { return strings.Index("  read operate admin", " "+r) }
	return o.Role != "" && rank(o.Role) >= rank(role)
}

// Refused is the error of a login that was rejected; its text is for the operator who tried.
type Refused texts.Key

func (r Refused) Error() string { return texts.Key(r).English() }

// Config is what a Server needs.
type Config struct {
	// API returns the admin API for an operator at an address. What it returns has no Close.
	API func(o Operator, remote string) API
	// Login authenticates a user by AAA and blocks for its answer; the error is a Refused if the user may not log in.
	// nil: there is no login by password.
	Login func(ctx context.Context, user, password, remote string) (Operator, error)
	// Certificate returns the operator of a verified certificate. It is called at each request, so that a role that was
	// taken away does not last. nil: there is no login by certificate.
	Certificate func(*x509.Certificate) (Operator, bool)
	// Host reports whether the site has a name: a request for another one is rejected (DNS rebinding).
	Host func(name string) bool
	// Texts returns the texts of the site, in the language of readers who choose none and whose browsers ask for none.
	// nil: those that are shipped, in English.
	Texts func() texts.Printer
	// Secure: the site is served over TLS.
	Secure bool
	Log    *zap.Logger // nil: none
}

// Server serves the page. Create one with New.
type Server struct {
	config   Config
	sessions *sessions
	logins   chan struct{} // limits the logins under way
	mux      *http.ServeMux
	formTime time.Duration // within which a form must arrive
}

// maxLogins is how many logins AAA is asked about at a time.
const maxLogins = 16

// New returns a server.
func New(c Config) *Server {
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	s := &Server{config: c, sessions: newSessions(), logins: make(chan struct{}, maxLogins), mux: http.NewServeMux(),
		formTime: formTime}
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the directory is embedded
	}
	s.mux.Handle("GET /static/", http.StripPrefix("/static/", cached(http.FileServerFS(files))))
	s.mux.HandleFunc("GET /login", s.loginPage)
	s.mux.HandleFunc("POST /login", s.login)
	s.mux.HandleFunc("POST /language", s.language)
	for pattern, h := range map[string]handler{
		"GET /{$}":                   s.board,
		"GET /stream":                s.stream,
		"GET /callbacks":             s.callbacks,
		"GET /callbacks/{id}":        s.callback,
		"GET /callbacks/{id}/cancel": s.confirmCancel,
		"GET /history":               s.history,
		"GET /history.csv":           s.historyCSV,
		"GET /callbacks.csv":         s.callbacksCSV,
		"GET /ceilings":              s.ceilings,
		"GET /usage.csv":             s.usageCSV,
		"GET /health":                s.health,
		"GET /lockdown":              s.lockdownPage,
		"GET /explain":               s.policy,
		"GET /explain/login":         s.loginTestPage,
		"GET /explain/changes":       s.changesPage,
		"GET /recordings":            s.recordings,
		"GET /recordings/{id}":       s.recording,
		"GET /recordings/{id}/cast":  s.recordingFile,
	} {
		s.mux.HandleFunc(pattern, s.loggedIn(h))
	}
	for pattern, h := range map[string]handler{
		"POST /callbacks/{id}/cancel": s.cancel,
		"POST /lockdown":              s.lockdown,
		"POST /explain/login":         s.loginTest,
		"POST " + uploadPath:          s.changes,
		"POST /logout":                s.logout,
		"POST /theme":                 s.theme,
	} {
		s.mux.HandleFunc(pattern, s.loggedIn(s.posted(h)))
	}
	return s
}

// cached lets a browser keep a file for an hour: the rest of the site is not stored.
func cached(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") || r.URL.Path == "" {
			http.NotFound(w, r) // no list of files
			return
		}
		w.Header().Set("Cache-Control", "private, max-age=3600")
		h.ServeHTTP(w, r)
	})
}

// visit is a request of an operator who is logged in.
type visit struct {
	*session
	api   API
	theme string
	path  string // of the page, for the navigation
}

type handler func(w http.ResponseWriter, r *http.Request, v *visit) error

// loggedIn serves a page to operators, and sends others to the login.
func (s *Server) loggedIn(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in := s.sessionOf(w, r)
		if in == nil {
			s.toLogin(w, r)
			return
		}
		v := &visit{session: in, theme: themeOf(r), path: r.URL.Path, api: s.config.API(in.operator, r.RemoteAddr)}
		if idle, ok := v.api.(interface{ CloseIdle() }); ok {
			defer idle.CloseIdle()
		}
		if err := h(w, r, v); err != nil {
			s.failed(w, r, v, err)
		}
	}
}

// toLogin sends a browser to the login page; a stream ends with a status that does.
func (s *Server) toLogin(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.URL.Path == "/stream" {
		http.Error(w, say(r.Context(), texts.PageSessionEnded), http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// failed shows an error of the API.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	status := http.StatusBadGateway
	var p *client.Problem
	if errors.As(err, &p) && p.Status >= 400 && p.Status < 600 {
		status = p.Status
	}
	s.render(w, r, status, errorPage(v, statusText(r.Context(), status), problem{err.Error(), true}))
}

// statuses are the texts of the statuses of answers.
var statuses = map[int]texts.Key{http.StatusBadRequest: texts.PageStatusBadRequest,
	http.StatusUnauthorized: texts.PageStatusUnauthorized, http.StatusForbidden: texts.PageStatusForbidden,
	http.StatusNotFound: texts.PageStatusNotFound, http.StatusConflict: texts.PageStatusConflict,
	http.StatusUnprocessableEntity: texts.PageStatusUnprocessable,
	http.StatusTooManyRequests:     texts.PageStatusTooMany, http.StatusInternalServerError: texts.PageStatusInternal,
	http.StatusBadGateway: texts.PageStatusBadGateway, http.StatusServiceUnavailable: texts.PageStatusUnavailable,
	http.StatusGatewayTimeout: texts.PageStatusTimeout}

func statusText(ctx context.Context, status int) string {
	if k, ok := statuses[status]; ok {
		return say(ctx, k)
	}
	return http.StatusText(status)
}

// The limits of a session.
const (
	idleTime     = 30 * time.Minute // without a request but those of streams
	absoluteTime = 12 * time.Hour
)
