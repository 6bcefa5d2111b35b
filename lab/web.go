package lab

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// page is the town's web page. The daemon leads callers over PPP who connect to 10.8.0.1:80 to it.
const page = "Aloha! This is the web page of Maui.\nThe surf at Hookipa is 2 m high.\n"

// serveWeb serves the page until ctx ends.
func serveWeb(ctx context.Context, lis net.Listener) {
	server := &http.Server{ReadTimeout: time.Minute, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, page)
		})}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	_ = server.Serve(lis)
}
