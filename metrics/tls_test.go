package metrics

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// certificate returns a certificate of this machine that has signed itself.
func certificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestServeTLS: with client authorities, only a client with a certificate of theirs is served; a reload changes the
// certificates of later connections; plain HTTP is not served.
func TestServeTLS(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	daemon, daemons := certificate(t, "daemon")
	prometheus, clients := certificate(t, "prometheus")
	stranger, _ := certificate(t, "stranger")
	var force atomic.Pointer[tls.Config]
	force.Store(&tls.Config{Certificates: []tls.Certificate{daemon}, ClientAuth: tls.RequireAndVerifyClientCert,
		ClientCAs: clients})
	s := Server{Live: func(context.Context) error { return nil }, Certificates: force.Load}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	get := func(scheme string, with ...tls.Certificate) bool {
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{RootCAs: daemons, Certificates: with}}}
		resp, err := c.Get(scheme + "://" + l.Addr().String() + "/healthz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return err == nil && resp.StatusCode == http.StatusOK && string(body) == "{\"live\":true}\n"
	}
	if !get("https", prometheus) {
		t.Error("a client with a certificate is not served")
	}
	if get("https") || get("https", stranger) || get("http") {
		t.Error("a client without a certificate of the authorities is served")
	}
	force.Store(&tls.Config{Certificates: []tls.Certificate{daemon}})
	if !get("https") {
		t.Error("after the reload, clients need no certificate")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
