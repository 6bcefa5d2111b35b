package httpd

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestServeEnds: the end of the context ends a request in progress, its connection and the listener.
func TestServeEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l, asked, left := listen(t), make(chan struct{}), make(chan struct{})
	srv := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(left)
	})}
	over := make(chan error, 1)
	go func() { over <- Serve(ctx, srv, l, nil) }()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if resp, err := http.Get("http://" + l.Addr().String()); err == nil {
			resp.Body.Close()
		}
	}()
	<-asked
	cancel()
	<-left
	<-answered
	if err := <-over; err != nil {
		t.Errorf("the result is %v", err)
	}
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

// TestServeStubborn: a request that does not end is cut off.
func TestServeStubborn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l, asked, end := listen(t), make(chan struct{}), make(chan struct{})
	defer close(end)
	srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(asked); <-end })}
	over := make(chan error, 1)
	go func() { over <- Serve(ctx, srv, l, nil) }()
	cut := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String())
		if err == nil {
			resp.Body.Close()
		}
		cut <- err
	}()
	<-asked
	cancel()
	if err := <-over; err != nil {
		t.Errorf("the result is %v", err)
	}
	if <-cut == nil {
		t.Error("the request was answered")
	}
}

// TestServeFails: a listener that fails is the error, and what a server logs has the level debug.
func TestServeFails(t *testing.T) {
	l := listen(t)
	l.Close()
	core, logs := observer.New(zapcore.DebugLevel)
	srv := &http.Server{}
	if err := Serve(t.Context(), srv, l, zap.New(core)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the result is %v", err)
	}
	srv.ErrorLog.Print("http: TLS handshake error")
	if got := logs.All(); len(got) != 1 || got[0].Level != zapcore.DebugLevel {
		t.Errorf("logged: %+v", got)
	}
}
