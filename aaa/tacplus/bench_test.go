package tacplus_test

import (
	"crypto/tls"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
)

// BenchmarkAuthorize is an EXEC authorization by tacquito in the same process, 64 at once:
// go test ./aaa/tacplus -run xxx -bench Authorize
func BenchmarkAuthorize(b *testing.B) {
	certs := newCertificates(b)
	for _, c := range []struct {
		name   string
		server tacplus.ServerConfig
	}{
		{"own-connection", tacplus.ServerConfig{}},
		{"single-connection", tacplus.ServerConfig{SingleConnection: true}},
		{"tls/own-connection", certs.client()},
		{"tls/single-connection", tacplus.ServerConfig{SingleConnection: true, TLS: certs.client().TLS}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var serverTLS *tls.Config
			if c.server.TLS != nil {
				serverTLS = certs.server(b, "server")
			}
			cl := clientOf(b, startTacquito(b, serverTLS), tacplus.Config{}, c.server)
			if res := cl.Authorize(b.Context(), asking("fixed")); res.Kind != aaa.Granted {
				b.Fatal(res.Reason)
			}
			b.SetParallelism(32)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if res := cl.Authorize(b.Context(), asking("fixed")); res.Kind != aaa.Granted {
						b.Error(res.Reason)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "authorizations/s")
		})
	}
}
