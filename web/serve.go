package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/ringback/ringback/httpd"
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
	srv := &http.Server{Handler: s, ReadHeaderTimeout: headerTime, IdleTimeout: keepTime, MaxHeaderBytes: maxHeader}
	if err := httpd.Serve(ctx, srv, l, s.config.Log); err != nil {
		return fmt.Errorf("serve the page on %s: %w", l.Addr(), err)
	}
	return nil
}
