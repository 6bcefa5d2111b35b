// Package httpd runs the HTTP servers of the daemon.
package httpd

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// grace is the time that requests get to end when a server ends.
const grace = time.Second

// Serve serves on l until ctx ends, and closes l. The contexts of the requests end with ctx; connections whose requests
// have not ended a second later are closed. Handshakes that fail are logged at the level debug: they are the clients'
// business, and anybody could fill the log with them. Without a log they are not. The result is nil after the end of
// ctx, and otherwise says why l failed.
func Serve(ctx context.Context, srv *http.Server, l net.Listener, log *zap.Logger) error {
	if log == nil {
		log = zap.NewNop()
	}
	srv.ErrorLog, _ = zap.NewStdLogAt(log, zap.DebugLevel)
	srv.BaseContext = func(net.Listener) context.Context { return ctx }
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if srv.Shutdown(limit) != nil {
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
	return err
}
