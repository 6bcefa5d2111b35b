package tacplus_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/certs"
)

// certificates is a CA made in the test, with a server's and a client's certificate, in PEM files.
type certificates struct {
	dir  string
	pool *x509.CertPool
}

func newCertificates(t testing.TB) *certificates {
	t.Helper()
	c := &certificates{dir: t.TempDir(), pool: x509.NewCertPool()}
	ca, caKey := c.issue(t, "ca", nil, nil, "")
	c.pool.AddCert(ca)
	c.issue(t, "server", ca, caKey, "tacacs.example")
	c.issue(t, "client", ca, caKey, "")
	other, otherKey := c.issue(t, "otherca", nil, nil, "")
	c.issue(t, "stranger", other, otherKey, "tacacs.example")
	return c
}

func (c *certificates) file(name string) string { return filepath.Join(c.dir, name) }

// issue makes a certificate that is also valid in bubbles, whose clocks begin in the year 2000.
func (c *certificates) issue(t testing.TB, name string, ca *x509.Certificate, caKey *ecdsa.PrivateKey,
	dns string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:  time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if dns != "" {
		tmpl.DNSNames, tmpl.IPAddresses = []string{dns}, []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	if ca == nil {
		tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.KeyUsage, tmpl.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
		ca, caKey = tmpl, key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for ext, b := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der},
		".key": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(c.file(name+ext), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func (c *certificates) server(t testing.TB, name string) *tls.Config {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(c.file(name+".pem"), c.file(name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: c.pool,
		ClientAuth: tls.RequireAndVerifyClientCert}
}

func (c *certificates) client(edit ...func(*certs.Files)) tacplus.ServerConfig {
	t := &certs.Files{CAFile: c.file("ca.pem"), CertFile: c.file("client.pem"), KeyFile: c.file("client.key"),
		ServerName: "tacacs.example"}
	for _, f := range edit {
		f(t)
	}
	return tacplus.ServerConfig{TLS: t}
}

// Over TLS nothing is obfuscated; every packet must say so, the server's too (RFC 9887 §4).
func TestTLS(t *testing.T) {
	t.Parallel()
	c := newCertificates(t)
	flags := func(f byte) func(*link) {
		return func(l *link) {
			p, ok := l.next()
			if !ok {
				return
			}
			if p.flags != 1 || p.body[0] != 1 {
				t.Errorf("%+v", p)
			}
			p.flags = f
			l.send(p.to(authenReply(pass, 0, "", "")))
		}
	}
	inTown(t, tacplus.Config{}, func(w *town) { w.want(aaa.Granted, "one", "") },
		server{ServerConfig: c.client(), TLS: c.server(t, "server"), Serve: flags(1)})
	inTown(t, tacplus.Config{}, func(w *town) { w.want(aaa.Refused, "", "has no TAC_PLUS_UNENCRYPTED_FLAG") },
		server{ServerConfig: c.client(), TLS: c.server(t, "server"), Serve: flags(0)})
}

// Bad certificates and old versions: the server counts as silent, the client never falls back to plain TCP, and the
// error says what to check.
func TestTLSRefused(t *testing.T) {
	t.Parallel()
	c := newCertificates(t)
	old := c.server(t, "server")
	old.MaxVersion = tls.VersionTLS12
	for name, s := range map[string]struct {
		server server
		reason string
	}{
		"another name": {server{ServerConfig: c.client(func(c *certs.Files) { c.ServerName = "other.example" }),
			TLS: c.server(t, "server")}, "tls.server_name sets the name"},
		"the host's name": {server{ServerConfig: c.client(func(c *certs.Files) { c.ServerName = "" }),
			TLS: c.server(t, "server")}, "tls.server_name sets the name"},
		"another authority": {server{ServerConfig: c.client(), TLS: c.server(t, "stranger")},
			"Does tls.ca_file contain"},
		"TLS 1.2": {server{ServerConfig: c.client(), TLS: old}, "must support TLS 1.3"},
		"no client's": {server{ServerConfig: c.client(func(c *certs.Files) {
			c.CertFile, c.KeyFile = "",
				""
		}), TLS: c.server(t, "server")}, "Does the server trust the authority that signed tls.cert_file?"},
		"another authority for the client": {server{ServerConfig: c.client(func(t *certs.Files) {
			t.CertFile, t.KeyFile = c.file("stranger.pem"), c.file("stranger.key")
		}), TLS: c.server(t, "server")}, "Does the server trust the authority that signed tls.cert_file?"},
		"plain TCP": {server{ServerConfig: c.client(),
			Serve: func(l *link) { l.conn.Read(make([]byte, 4096)); l.raw([]byte("not TLS at all")) }},
			"must support TLS 1.3"},
		"silence in handshake": {server{ServerConfig: c.client(),
			Serve: func(l *link) { l.conn.Read(make([]byte, 4096)); <-time.After(time.Minute) }}, "no answer in 5s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s.server.Serve == nil {
				s.server.Serve = func(l *link) {
					if p, ok := l.next(); ok {
						t.Errorf("a packet was received: %+v", p)
					}
				}
			}
			inTown(t, tacplus.Config{}, func(w *town) {
				w.want(aaa.Silent, "", s.reason)
				if n := w.connections("one"); n != 1 || !strings.HasPrefix(w.client.Servers()[0].LastSilence,
					"tacacs server one") {
					t.Errorf("%d connections", n)
				}
			}, s.server)
		})
	}
}
