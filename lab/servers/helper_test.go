package servers

import (
	"crypto/tls"
	"testing"
)

// testTLS is a server's certificate for 127.0.0.1, and a client configuration that trusts its authority.
func testTLS(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	ca, err := NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.TLS(Certificate{Name: "127.0.0.1", Hosts: []string{"127.0.0.1"}, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}, &tls.Config{RootCAs: ca.Pool(), ServerName: "127.0.0.1"}
}
