package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// Limits of connections.
const (
	headerTime = 10 * time.Second
	keepTime   = 2 * time.Minute // until a connection without a request is closed
	maxHeader  = 32 << 10
)

// Serve serves browsers on l until ctx ends, and closes l. l limits the connections, and how long one may take nothing
// of an answer.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: s, ReadHeaderTimeout: headerTime, IdleTimeout: keepTime, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	// Handshakes that fail are the clients' business: anybody could fill the log with them.
	srv.ErrorLog, _ = zap.NewStdLogAt(s.config.Log, zap.DebugLevel)
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
	return fmt.Errorf("serve the page on %s: %w", l.Addr(), err)
}
