package tacplus_test

import (
	"context"
	"crypto/tls"
	"net"
	"testing"

	tq "github.com/facebookincubator/tacquito"
	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
)

// granter is a handler for tacquito's server loop that grants immediately, so that only the transport is measured.
type granter struct{}

func (granter) Infof(context.Context, string, ...any)                {}
func (granter) Errorf(context.Context, string, ...any)               {}
func (granter) Debugf(context.Context, string, ...any)               {}
func (granter) Record(context.Context, map[string]string, ...string) {}

func (g granter) Get(context.Context, net.Addr) ([]byte, tq.Handler, error) {
	return []byte(secret), g, nil
}

func (granter) Handle(r tq.Response, _ tq.Request) {
	r.Reply(tq.NewAuthorReply(tq.SetAuthorReplyStatus(tq.AuthorStatusPassAdd),
		tq.SetAuthorReplyArgs("priv-lvl=7", "callback-dialstring=84001")))
}

// startGranter starts the server for the duration of the benchmark and returns its address.
func startGranter(b *testing.B, c *tls.Config) string {
	b.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var l tq.DeadlineListener = tcp.(*net.TCPListener)
	if c != nil {
		if l, err = tq.NewTLSListener(tcp, c); err != nil {
			b.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() {
		done <- tq.NewServer(granter{}, granter{}, tq.SetUseTLS(c != nil)).Serve(context.Background(), l)
	}()
	b.Cleanup(func() {
		tcp.Close()
		<-done
	})
	return tcp.Addr().String()
}

// BenchmarkAuthorize measures an EXEC authorization, 64 at a time, server and client in one process: with tacquito and
// its configuration, and with its server loop alone. go test ./aaa/tacplus -run xxx -bench Authorize
func BenchmarkAuthorize(b *testing.B) {
	certs := newCertificates(b)
	for _, c := range []struct {
		name        string
		full        bool
		single, tls bool
	}{
		{"tacquito/own-connection", true, false, false},
		{"tacquito/single-connection", true, true, false},
		{"loop/own-connection", false, false, false},
		{"loop/single-connection", false, true, false},
		{"loop/TLS/own-connection", false, false, true},
		{"loop/TLS/single-connection", false, true, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := tacplus.ServerConfig{SingleConnection: c.single}
			var serverTLS *tls.Config
			if c.tls {
				s.TLS, serverTLS = certs.client().TLS, certs.server(b, "server")
			} else {
				s.Secret = secret
			}
			if c.full {
				s.Address = startTacquito(b, serverTLS).Addr
			} else {
				s.Address = startGranter(b, serverTLS)
			}
			cl, err := tacplus.New(tacplus.Config{Servers: []tacplus.ServerConfig{s}})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { cl.Close() })
			q := asking("fixed")
			if res := cl.Authorize(b.Context(), q); res.Kind != aaa.Granted {
				b.Fatal(res.Reason)
			}
			b.SetParallelism(32)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if res := cl.Authorize(b.Context(), q); res.Kind != aaa.Granted {
						b.Error(res.Reason)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "authorizations/s")
		})
	}
}
