// Package api is the admin API of a running daemon: HTTP and JSON on a unix socket, with an OpenAPI 3.1 description at
// /openapi.json. Routes is the table of what it serves and of the role that each route needs; Roles says which client
// has which role. Package api/client has the types and the client.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lines"
)

// Daemon is what the API shows and controls. FromBroker returns one.
type Daemon interface {
	Lines() []client.Line
	// Modems returns how the modem of each line is operated.
	Modems() []client.Modem
	// Rotaries returns the rotaries that have lines, by number.
	Rotaries() []client.Rotary
	// Queue returns the callbacks that wait for a line, in order.
	Queue() []client.Queued
	Users() []client.User
	// ActiveCalls returns the calls that are up, oldest first.
	ActiveCalls(q client.CallQuery) []client.Call
	// CallHistory returns the calls that have ended, newest first.
	CallHistory(ctx context.Context, q client.CallQuery) ([]client.Call, client.CallsLeftOut, error)
	// Callbacks returns callbacks, newest first, and the number of older ones omitted because of the limit.
	Callbacks(ctx context.Context, q client.CallbackQuery) (v []client.Callback, older int, err error)
	// Callback returns the callback with this ID or unique ID prefix; ErrNotFound if there is none.
	Callback(ctx context.Context, id string) (client.CallbackDetail, error)
	CancelCallback(ctx context.Context, id string) error
	// OrderCallback promises a callback to a user who has not called, and returns its ID.
	OrderCallback(ctx context.Context, o client.CallbackOrder) (string, error)
	// RetryCallback ends the wait of a callback for its next attempt.
	RetryCallback(ctx context.Context, id string) error
	ClearLine(ctx context.Context, tty int) error
	// ClearCounters sets the counters of lines to zero, of all lines if no TTY is given. It returns how many there
	// were.
	ClearCounters(ctx context.Context, ttys ...int) (int, error)
	// StartChat runs the chat script whose name matches on the modem of a line that nothing uses, and returns when it
	// has ended; its failure is no error. It dials number, unless that is "". An error means that it was not run.
	StartChat(ctx context.Context, tty int, script, number string) (client.ChatRun, error)
	// CallSite dials a site for an operator and blocks until the call is theirs; see broker.Broker.
	CallSite(ctx context.Context, c broker.SiteCall) (*broker.OutCall, error)
	// BusyOutLine lets a line finish its call, and then take no more until RestoreLine, also after a restart.
	BusyOutLine(ctx context.Context, tty int, reason string) error
	RestoreLine(ctx context.Context, tty int) error
	// TestModem tests two lines with a call from tty to with, and blocks for its result.
	TestModem(ctx context.Context, tty, with int, number string) (client.ModemTest, error)
	LoginLocks() []client.LoginLock
	// ClearLoginLocks clears the failed logins of a name or number, or all with "", and returns how many sources it
	// cleared; ErrNotFound if there are none.
	ClearLoginLocks(ctx context.Context, of string) (int, error)
	// Ceilings returns what callbacks have used and reserved.
	Ceilings(ctx context.Context) ([]client.Ceiling, error)
	// Usage returns what calls and dials have used, by step (StepHour or StepDay), from that of from until to.
	Usage(ctx context.Context, from, to time.Time, step string) (client.Usage, error)
	Lockdown() client.Lockdown
	// OrderLockdown stops all dialing, and with sessions ends all sessions. A lockdown that is in force but not on disk
	// is no error; its state says so.
	OrderLockdown(ctx context.Context, reason string, sessions bool) (client.Lockdown, error)
	LiftLockdown(ctx context.Context, reason string) error
	DrainState() client.Drain
	// Drain lets all lines finish their calls, and then take no more, until Undrain, a restart or the end of length
	// (0: never).
	Drain(ctx context.Context, reason string, length time.Duration) error
	Undrain(ctx context.Context) error
	AccessWindows() []client.AccessWindow
	// OpenAccess opens an access window of a policy group, or asks for one that another operator must approve.
	OpenAccess(ctx context.Context, group string, length time.Duration, reason string) error
	// ApproveAccess opens the window that another operator has asked for, if it is for this length of time and this
	// reason.
	ApproveAccess(ctx context.Context, group string, length time.Duration, reason string) error
	CloseAccess(ctx context.Context, group, reason string) error
}

// ErrNotFound marks the errors of a Daemon that become status 404.
var ErrNotFound = errors.New("not found")

// Server serves the API.
type Server struct {
	Daemon     Daemon
	AAAServers func() []client.AAAServer               // of the configuration in force; nil: none
	Health     func(ctx context.Context) client.Health // nil: not available
	// BackedUp records in the audit that the journal at a path was copied to a directory; it returns an error if that
	// is not the daemon's journal. nil: not available.
	BackedUp func(journal, dir, by string) error
	// Reload reloads the configuration for an operator. An error means that the result is not known. nil: not
	// available.
	Reload func(ctx context.Context, by string) (client.Reload, error)
	// LogLevel and SetLogLevel show and set the level of the log; a length of 0 is until the next start. If nil, these
	// routes are not available.
	LogLevel    func() client.LogLevel
	SetLogLevel func(level string, length time.Duration, by string) (client.LogLevel, error)
	// Metrics writes the metrics in the text format of Prometheus; nil: not available.
	Metrics func(ctx context.Context, w io.Writer) error
	// Listeners returns the doors for users who come over the network; nil: there are none.
	Listeners func() []client.Listener
	// PageLink returns an address of the operator's page that logs a client in, once; nil: not available.
	PageLink func(name string, role Role, by string) (string, error)
	Feed     *Feed
	Events   *Events // nil: none
	PPP      PPP
	Fleet    Fleet
	Explain  Explain
	// Recordings are those of the daemon.
	Recordings Recordings
	Version    func() client.Version
	Roles      func() Roles // in force; nil: only root and the user of the daemon have a role
	Log        *zap.Logger  // nil: none
	// Config returns the configuration in force, and ConfigDiff what a reload would change. nil: not available.
	Config     func(ctx context.Context) (client.Config, error)
	ConfigDiff func(ctx context.Context) (client.Reload, error)
}

// Handler returns the routes, for the clients of the admin socket.
func (s *Server) Handler() http.Handler { return s.guard() }

func (s *Server) guard() *guard {
	mux, description := s.mux()
	return &guard{mux: mux, need: rolesByPattern(), query: queries(description), roles: s.roles, log: s.log()}
}

// roles returns the roles in force.
func (s *Server) roles() Roles {
	if s.Roles == nil {
		return Roles{}
	}
	return s.Roles()
}

// mux returns the routes without their guard.
func (s *Server) mux() (*http.ServeMux, *huma.OpenAPI) {
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("ringback admin API", "1")
	cfg.Info.Description = "Show the state of a running ringback daemon and control it. Served on a unix socket and, " +
		"if api.listen is set, over TLS with client certificates. x-role is the role that an operation needs; " +
		"x-audit has the events by which the audit records it."
	cfg.CreateHooks = nil // no $schema member in responses
	cfg.DocsPath = ""     // huma's documentation page loads a script from another host
	r := &registry{api: humago.New(mux, cfg), left: slices.Clone(Routes)}
	for _, routes := range []func(*registry){s.lineRoutes, s.siteRoutes, s.callRoutes, s.callbackRoutes, s.loginRoutes,
		s.lockdownRoutes, s.drainRoutes, s.fleetRoutes, s.accessRoutes, s.usageRoutes, s.daemonRoutes, s.configRoutes,
		s.eventRoutes, s.pppRoutes, s.explainRoutes, s.recordingRoutes} {
		routes(r)
	}
	r.done()
	mux.HandleFunc("GET /docs", docsPage(r.api.OpenAPI()))
	return mux, r.api.OpenAPI()
}

// OpenAPI returns the description of the API (OpenAPI 3.1, JSON).
func OpenAPI() ([]byte, error) {
	_, description := new(Server).mux()
	text, err := json.Marshal(description)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, text, "", "  ")
	return append(out.Bytes(), '\n'), err
}

type list[T any] struct {
	Body []T
}

type one[T any] struct {
	Body T
}

// status converts a Daemon's error to an HTTP status.
func status(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound), errors.As(err, new(lines.NoLine)), errors.As(err, new(broker.NoVTY)):
		return huma.Error404NotFound(err.Error())
	default:
		return huma.Error409Conflict(err.Error())
	}
}
