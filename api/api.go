// Package api is the admin API of a running daemon: HTTP and JSON on a unix socket, with an OpenAPI 3.1 description at
// /openapi.json. The file mode of the socket controls access. Package api/client has the types and the client.
package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/sse"

	"github.com/ringback/ringback/api/client"
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
	ClearLine(ctx context.Context, tty int) error
	// ClearCounters sets the counters of lines to zero, of all lines if no TTY is given. It returns how many there
	// were.
	ClearCounters(ctx context.Context, ttys ...int) (int, error)
	// StartChat runs the chat script whose name matches on the modem of a line that nothing uses, and returns when it
	// has ended; its failure is no error. It dials number, unless that is "". An error means that it was not run.
	StartChat(ctx context.Context, tty int, script, number string) (client.ChatRun, error)
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
	Lockdown() client.Lockdown
	// OrderLockdown stops all dialing, and with sessions ends all sessions. A lockdown that is in force but not on disk
	// is no error; its state says so.
	OrderLockdown(ctx context.Context, reason string, sessions bool) (client.Lockdown, error)
	LiftLockdown(ctx context.Context, reason string) error
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
	Reload  func(ctx context.Context, by string) (client.Reload, error)
	Feed    *Feed
	PPP     PPP
	Version func() client.Version
}

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("ringback admin API", "1")
	cfg.Info.Description = "Show the state of a running ringback daemon and control it. Served on a unix socket, " +
		"whose mode controls access."
	cfg.CreateHooks = nil // no $schema member in responses
	cfg.DocsPath = ""     // huma's documentation page loads a script from another host
	api := humago.New(mux, cfg)
	s.routes(api)
	mux.HandleFunc("GET /docs", docsPage(api.OpenAPI()))
	return mux
}

type list[T any] struct {
	Body []T
}

type callbackList struct {
	Older int `header:"Ringback-Older" doc:"number of older callbacks omitted because of the limit"`
	Body  []client.Callback
}

type one[T any] struct {
	Body T
}

func (s *Server) routes(api huma.API) {
	huma.Register(api, operation("list-lines", http.MethodGet, "/v1/lines", "List the lines and their state"),
		func(context.Context, *struct{}) (*list[client.Line], error) {
			return &list[client.Line]{s.Daemon.Lines()}, nil
		})
	huma.Register(api, operation("clear-line", http.MethodPost, "/v1/lines/{tty}/clear", "Hang up the call on a line"),
		func(ctx context.Context, in *struct {
			TTY int `path:"tty"`
		}) (*struct{}, error) {
			return nil, status(s.Daemon.ClearLine(ctx, in.TTY))
		})
	huma.Register(api, operation("clear-counters", http.MethodDelete, "/v1/lines/counters",
		"Set the counters of all lines to zero"),
		func(ctx context.Context, _ *struct{}) (*one[client.Cleared], error) {
			n, err := s.Daemon.ClearCounters(ctx)
			return &one[client.Cleared]{client.Cleared{Cleared: n}}, status(err)
		})
	huma.Register(api, operation("clear-line-counters", http.MethodDelete, "/v1/lines/{tty}/counters",
		"Set the counters of a line to zero"),
		func(ctx context.Context, in *struct {
			TTY int `path:"tty"`
		}) (*one[client.Cleared], error) {
			n, err := s.Daemon.ClearCounters(ctx, in.TTY)
			return &one[client.Cleared]{client.Cleared{Cleared: n}}, status(err)
		})
	huma.Register(api, operation("start-chat", http.MethodPost, "/v1/lines/{tty}/chat",
		"Run a chat script on the modem of a line that nothing uses"),
		func(ctx context.Context, in *struct {
			TTY    int    `path:"tty"`
			Script string `query:"script" required:"true" maxLength:"4096" doc:"regular expression on the names of scripts"`
			Number string `query:"number" maxLength:"100" doc:"the number that the script dials; absent: none"`
		}) (*one[client.ChatRun], error) {
			run, err := s.Daemon.StartChat(ctx, in.TTY, in.Script, in.Number)
			return &one[client.ChatRun]{run}, status(err)
		})
	huma.Register(api, operation("busy-out-line", http.MethodPut, "/v1/lines/{tty}/busyout",
		"Let a line finish its call, and then take no more"),
		func(ctx context.Context, in *struct {
			TTY    int    `path:"tty"`
			Reason string `query:"reason" maxLength:"16384" doc:"for operators and the audit; may be empty"`
		}) (*struct{}, error) {
			return nil, status(s.Daemon.BusyOutLine(ctx, in.TTY, in.Reason))
		})
	huma.Register(api, operation("restore-line", http.MethodDelete, "/v1/lines/{tty}/busyout",
		"Let a line that is busied out take calls again"),
		func(ctx context.Context, in *struct {
			TTY int `path:"tty"`
		}) (*struct{}, error) {
			return nil, status(s.Daemon.RestoreLine(ctx, in.TTY))
		})
	huma.Register(api, operation("test-modem", http.MethodPost, "/v1/lines/{tty}/test",
		"Test two lines with a call from one to the other"),
		func(ctx context.Context, in *struct {
			TTY    int    `path:"tty"`
			With   int    `query:"with" doc:"the line to call; 0: the next one that may be tested"`
			Number string `query:"number" maxLength:"100" doc:"the number to dial; absent: that of the called line"`
		}) (*one[client.ModemTest], error) {
			t, err := s.Daemon.TestModem(ctx, in.TTY, in.With, in.Number)
			return &one[client.ModemTest]{t}, status(err)
		})
	huma.Register(api, operation("list-modems", http.MethodGet, "/v1/modems",
		"List how the modem of each line is operated"),
		func(context.Context, *struct{}) (*list[client.Modem], error) {
			return &list[client.Modem]{s.Daemon.Modems()}, nil
		})
	huma.Register(api, operation("list-rotaries", http.MethodGet, "/v1/rotaries",
		"List the rotaries with their lines and the callbacks that wait for one"),
		func(context.Context, *struct{}) (*list[client.Rotary], error) {
			return &list[client.Rotary]{s.Daemon.Rotaries()}, nil
		})
	huma.Register(api, operation("list-queue", http.MethodGet, "/v1/queue",
		"List the callbacks that wait for a line, in order"),
		func(context.Context, *struct{}) (*list[client.Queued], error) {
			return &list[client.Queued]{s.Daemon.Queue()}, nil
		})
	huma.Register(api, operation("list-users", http.MethodGet, "/v1/users", "List the users on the lines"),
		func(context.Context, *struct{}) (*list[client.User], error) {
			return &list[client.User]{s.Daemon.Users()}, nil
		})
	s.callRoutes(api)
	huma.Register(api, operation("list-callbacks", http.MethodGet, "/v1/callbacks",
		"List pending callbacks, newest first; with all, also ended ones"),
		func(ctx context.Context, in *struct {
			All   bool      `query:"all"`
			Limit int       `query:"limit" minimum:"0" default:"100" doc:"maximum number of callbacks; 0: no limit"`
			Since time.Time `query:"since" doc:"only callbacks created at this time or later"`
		}) (*callbackList, error) {
			v, older, err := s.Daemon.Callbacks(ctx, client.CallbackQuery{All: in.All, Limit: in.Limit,
				Since: in.Since})
			return &callbackList{older, v}, status(err)
		})
	huma.Register(api, operation("get-callback", http.MethodGet, "/v1/callbacks/{id}",
		"Show one callback with its decision, history and attempts"),
		func(ctx context.Context, in *struct {
			ID string `path:"id" maxLength:"64"`
		}) (*one[client.CallbackDetail], error) {
			v, err := s.Daemon.Callback(ctx, in.ID)
			return &one[client.CallbackDetail]{v}, status(err)
		})
	huma.Register(api, operation("cancel-callback", http.MethodDelete, "/v1/callbacks/{id}",
		"Cancel a pending callback"),
		func(ctx context.Context, in *struct {
			ID string `path:"id" maxLength:"64"`
		}) (*struct{}, error) {
			return nil, status(s.Daemon.CancelCallback(ctx, in.ID))
		})
	huma.Register(api, operation("list-login-locks", http.MethodGet, "/v1/login-locks",
		"List the names, numbers and lines whose logins are locked or delayed"),
		func(context.Context, *struct{}) (*list[client.LoginLock], error) {
			return &list[client.LoginLock]{s.Daemon.LoginLocks()}, nil
		})
	huma.Register(api, operation("clear-login-locks", http.MethodPost, "/v1/login-locks/clear",
		"Clear the failed logins of a name or number, or all"), s.clearLoginLocks)
	huma.Register(api, operation("list-ceilings", http.MethodGet, "/v1/ceilings",
		"List what callbacks have used and reserved of their ceilings"),
		func(ctx context.Context, _ *struct{}) (*list[client.Ceiling], error) {
			v, err := s.Daemon.Ceilings(ctx)
			return &list[client.Ceiling]{v}, status(err)
		})
	huma.Register(api, operation("get-lockdown", http.MethodGet, "/v1/lockdown", "Show the state of the lockdown"),
		func(context.Context, *struct{}) (*one[client.Lockdown], error) {
			return &one[client.Lockdown]{s.Daemon.Lockdown()}, nil
		})
	huma.Register(api, operation("order-lockdown", http.MethodPut, "/v1/lockdown",
		"Stop all dialing, and with sessions end all sessions"),
		func(ctx context.Context, in *struct {
			Reason   string `query:"reason" maxLength:"16384" doc:"for operators and the audit"`
			Sessions bool   `query:"sessions" doc:"end all sessions and admit none"`
		}) (*one[client.Lockdown], error) {
			v, err := s.Daemon.OrderLockdown(ctx, in.Reason, in.Sessions)
			return &one[client.Lockdown]{v}, status(err)
		})
	huma.Register(api, operation("lift-lockdown", http.MethodDelete, "/v1/lockdown", "End the lockdown"),
		func(ctx context.Context, in *struct {
			Reason string `query:"reason" maxLength:"16384" doc:"for the audit; may be empty"`
		}) (*struct{}, error) {
			return nil, status(s.Daemon.LiftLockdown(ctx, in.Reason))
		})
	s.accessRoutes(api)
	huma.Register(api, operation("list-aaa-servers", http.MethodGet, "/v1/aaa/servers",
		"List the AAA servers and their state"),
		func(context.Context, *struct{}) (*list[client.AAAServer], error) {
			servers := []client.AAAServer{}
			if s.AAAServers != nil {
				servers = append(servers, s.AAAServers()...)
			}
			return &list[client.AAAServer]{servers}, nil
		})
	huma.Register(api, operation("get-health", http.MethodGet, "/v1/health",
		"Show the health of the daemon, its journal and its disk"),
		func(ctx context.Context, _ *struct{}) (*one[client.Health], error) {
			if s.Health == nil {
				return nil, huma.Error404NotFound("this daemon does not report its health")
			}
			return &one[client.Health]{s.Health(ctx)}, nil
		})
	huma.Register(api, operation("note-backup", http.MethodPost, "/v1/journal/backups",
		"Record a journal backup in the audit"),
		func(ctx context.Context, in *struct {
			Journal string `query:"journal" required:"true" maxLength:"4096"`
			Dir     string `query:"dir" required:"true" maxLength:"4096"`
		}) (*struct{}, error) {
			if s.BackedUp == nil {
				return nil, huma.Error404NotFound("this daemon does not record backups")
			}
			return nil, status(s.BackedUp(in.Journal, in.Dir, By(ctx)))
		})
	huma.Register(api, operation("reload", http.MethodPost, "/v1/reload",
		"Reload the configuration; status 422 and the same answer if the old one stays in force"), s.reload)
	huma.Register(api, operation("get-version", http.MethodGet, "/v1/version", "Show the version of the daemon"),
		func(context.Context, *struct{}) (*one[client.Version], error) {
			return &one[client.Version]{s.Version()}, nil
		})
	s.routesPPP(api)
	sse.Register(api, operation("debug", http.MethodGet, "/v1/debug", "Stream live debug events (text/event-stream)"),
		map[string]any{"message": client.DebugEvent{}, "listening": client.Listening{}}, s.debug)
}

type reloadOutput struct {
	Status int
	Body   client.Reload
}

func (s *Server) reload(ctx context.Context, _ *struct{}) (*reloadOutput, error) {
	if s.Reload == nil {
		return nil, huma.Error404NotFound("this daemon does not reload its configuration")
	}
	r, err := s.Reload(ctx, By(ctx))
	if err != nil {
		return nil, huma.Error503ServiceUnavailable(err.Error())
	}
	if !r.Applied {
		return &reloadOutput{http.StatusUnprocessableEntity, r}, nil
	}
	return &reloadOutput{http.StatusOK, r}, nil
}

type clearLoginLocksInput struct {
	Of  string `query:"of" maxLength:"256" doc:"a user name, or a calling number"`
	All bool   `query:"all" doc:"clear all, instead of one name or number"`
}

// Resolve requires either a name or number, or all.
func (in *clearLoginLocksInput) Resolve(huma.Context) []error {
	if (in.Of == "") != in.All {
		return []error{&huma.ErrorDetail{Message: "set either of (a user name or calling number) or all=true",
			Location: "query.of"}}
	}
	return nil
}

func (s *Server) clearLoginLocks(ctx context.Context, in *clearLoginLocksInput) (*one[client.Cleared], error) {
	n, err := s.Daemon.ClearLoginLocks(ctx, in.Of)
	return &one[client.Cleared]{client.Cleared{Cleared: n}}, status(err)
}

type debugInput struct {
	Topics string `query:"topics" doc:"comma-separated: callback, dialer, chat, modem, aaa, ppp negotiation, ppp authentication, ppp cbcp, ppp packet"`
}

// Resolve rejects unknown topics before the stream begins.
func (in *debugInput) Resolve(huma.Context) []error {
	for _, t := range strings.Split(in.Topics, ",") {
		if !slices.Contains(client.Topics, t) {
			return []error{&huma.ErrorDetail{Message: fmt.Sprintf("unknown debug topic %q; valid topics: %s", t,
				strings.Join(client.Topics, ", ")), Location: "query.topics"}}
		}
	}
	return nil
}

func (s *Server) debug(ctx context.Context, in *debugInput, send sse.Sender) {
	topics := strings.Split(in.Topics, ",")
	l := s.Feed.Listen(topics)
	defer l.Close()
	// This first event also sends the status line and the header, which otherwise wait for the first debug event.
	if send.Data(client.Listening{Topics: topics}) != nil {
		return
	}
	for {
		select {
		case e := <-l.C:
			if send.Data(e) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func operation(id, method, path, summary string) huma.Operation {
	return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary}
}

// status converts a Daemon's error to an HTTP status.
func status(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound):
		return huma.Error404NotFound(err.Error())
	default:
		return huma.Error409Conflict(err.Error())
	}
}

// ServeListener serves on l until ctx ends, and closes l.
func (s *Server) ServeListener(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withPeer,
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			srv.Close()
		}
	})
	err := srv.Serve(l)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the admin API on %s: %w", l.Addr(), err)
}

func lostText(n int) string {
	return fmt.Sprintf("%d events lost: the client reads too slowly", n)
}
