package metrics

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/httpd"
)

// Limits of the server: it serves a few readers, which need not be trusted.
const (
	maxReaders   = 32 // connections at once
	maxHeader    = 8 << 10
	headerTime   = 5 * time.Second
	writeTime    = 15 * time.Second
	idleTime     = 2 * time.Minute
	livePatience = 5 * time.Second // until the loop must be ready for an event
)

// Server serves the metrics and the health over HTTP: /metrics, /healthz and /readyz. It changes nothing.
type Server struct {
	Metrics *Metrics
	// Live returns nil as soon as the daemon makes progress, otherwise ctx's error.
	Live func(ctx context.Context) error
	// Health returns the health in bounded time.
	Health func(ctx context.Context) client.Health
	// Certificates returns those in force, for each connection; nil: plain HTTP.
	Certificates func() *tls.Config
	Log          *zap.Logger // of handshakes that fail, at the level debug; nil: none
}

// Handler returns the routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	return mux
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	text, err := s.Metrics.text(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", ContentType)
	_, _ = w.Write(text) // the reader has left
}

// Live is the answer of /healthz.
type Live struct {
	Live  bool   `json:"live"`
	Error string `json:"error,omitempty"`
}

func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), livePatience)
	defer cancel()
	err := s.Live(ctx)
	switch {
	case err == nil:
		answer(w, http.StatusOK, Live{Live: true})
	case errors.Is(err, context.DeadlineExceeded):
		answer(w, http.StatusServiceUnavailable, Live{Error: fmt.Sprintf("the loop has made no progress for %v",
			livePatience)})
	default:
		answer(w, http.StatusServiceUnavailable, Live{Error: err.Error()})
	}
}

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready    bool             `json:"ready"`
	Warnings []client.Warning `json:"warnings"`
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	h := s.Health(r.Context())
	status := http.StatusOK
	if !h.Ready {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, Readiness{Ready: h.Ready, Warnings: h.Warnings})
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the reader has left
}

// Serve serves on l until ctx ends, and closes l. Its error says that l failed.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: headerTime, ReadTimeout: headerTime,
		WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader}
	few := newLimited(l, maxReaders)
	srv.ConnState, l = few.state, few
	if s.Certificates != nil {
		l = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12,
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.Certificates(), nil }})
	}
	return httpd.Serve(ctx, srv, l, s.Log)
}
