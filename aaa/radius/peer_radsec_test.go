package radius_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/lab/servers"
)

// certificates creates a directory with the authority's ca.pem and the client's nas.pem, signed by it.
func certificates(t *testing.T, ca *servers.Authority) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := ca.WriteFiles(dir, servers.Certificate{Name: "nas", Hosts: []string{"nas.example"},
		Client: true}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func authority(t *testing.T) *servers.Authority {
	t.Helper()
	ca, err := servers.NewAuthority("ringback test authority")
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// overTLS returns a client of the server at address with the certificates in dir. set may change its TLSConfig. timeout
// must be long enough for a busy server.
func overTLS(t *testing.T, address, dir string, timeout time.Duration, set func(*radius.TLSConfig)) *radius.Client {
	t.Helper()
	tc := &radius.TLSConfig{Files: certs.Files{CAFile: filepath.Join(dir, "ca.pem"),
		CertFile: filepath.Join(dir, "nas.pem"), KeyFile: filepath.Join(dir, "nas.key"), ServerName: "radius.example"}}
	if set != nil {
		set(tc)
	}
	c, err := radius.New(radius.Config{NASIdentifier: "maui-nas-04", Servers: []radius.ServerConfig{
		{Name: "tls", Transport: radius.TLS, Address: address, Accounting: address, TLS: tc, Timeout: timeout,
			Retries: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// loginsOverTLS tests what must work with each server; the last 300 logins run with up to atOnce in parallel.
func loginsOverTLS(t *testing.T, c *radius.Client, f *aaatest.FreeRADIUS, atOnce int) {
	t.Helper()
	ask := func(user, password string) aaa.Result {
		_, res := c.Start(context.Background(),
			aaa.Request{Service: aaa.EXEC, User: user, Password: aaa.Secret(password), TTY: 65})
		return res
	}
	if res := ask("austin-01", "pw1"); res.Kind != aaa.Granted || res.Auth.Dialstring.Value() != "84001" {
		t.Fatalf("%+v", res)
	}
	if res := ask("austin-01", "wrong"); res.Kind != aaa.Refused {
		t.Errorf("%+v", res)
	}
	if res := ask("noma", "pw9"); res.Kind != aaa.Granted { // unsigned: allowed over TLS
		t.Errorf("%+v", res)
	}
	if err := c.Send(context.Background(), aaa.Record{ID: "1", Type: aaa.Start, Time: time.Now(),
		SessionID: "s-over-tls", User: "austin-01"}); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(f.Detail); err != nil || !strings.Contains(string(b), "s-over-tls") {
		t.Errorf("%v\n%s", err, b)
	}
	logins := make(chan struct{}, 300)
	for range cap(logins) {
		logins <- struct{}{}
	}
	close(logins)
	var asking sync.WaitGroup
	for range atOnce {
		asking.Go(func() {
			for range logins {
				if res := ask("plain", "pw6"); res.Kind != aaa.Granted {
					t.Errorf("%+v", res)
				}
			}
		})
	}
	asking.Wait()
}

func TestPeerFreeRADIUSRadSec(t *testing.T) {
	t.Parallel()
	ca := authority(t)
	dir := certificates(t, ca)
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{RadSec: ca})
	address := f.RadSec
	c := overTLS(t, address, dir, time.Minute, nil)
	loginsOverTLS(t, c, f, 300) // more than one connection has identifiers
	// FreeRADIUS 3.2.1 does not support ALPN: this is RADIUS/1.0.
	if s := c.Servers()[0]; s.Version != "RADIUS/1.0" || s.State != radius.Okay {
		t.Errorf("%+v", s)
	}
	refusedCertificates(t, address, dir)
	c = overTLS(t, address, dir, 10*time.Second, func(tc *radius.TLSConfig) { tc.RADIUS11 = radius.RADIUS11Require })
	if _, res := c.Start(context.Background(), aaa.Request{User: "plain", Password: "pw6"}); res.Kind != aaa.Silent ||
		!strings.Contains(res.Reason, "does not support RADIUS/1.1") {
		t.Errorf("%+v", res)
	}
}

func TestPeerRadsecproxy(t *testing.T) {
	t.Parallel()
	ca := authority(t)
	dir := certificates(t, ca)
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{})
	address := aaatest.StartRadsecproxy(t, ca, f)
	c := overTLS(t, address, dir, time.Minute, nil)
	// the proxy drops what exceeds its queue of 256, and sends a lost datagram again only after seconds
	loginsOverTLS(t, c, f, 64)
	refusedCertificates(t, address, dir)
}

// refusedCertificates connects to a running server with certificates that the server or the client must refuse.
func refusedCertificates(t *testing.T, address, dir string) {
	t.Helper()
	other := certificates(t, authority(t))
	expired := t.TempDir()
	if err := authority(t).WriteFiles(expired, servers.Certificate{Name: "nas", Client: true,
		Expired: true}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, want string
		set        func(*radius.TLSConfig)
	}{
		{"wrong name", "check server_name", func(c *radius.TLSConfig) { c.ServerName = "radius.other" }},
		{"wrong authority", "check ca_file", func(c *radius.TLSConfig) { c.CAFile = filepath.Join(other, "ca.pem") }},
		{"no certificate", "cert", func(c *radius.TLSConfig) { c.CertFile, c.KeyFile = "", "" }},
		{"certificate of another authority", "cert", func(c *radius.TLSConfig) {
			c.CertFile, c.KeyFile = filepath.Join(other, "nas.pem"), filepath.Join(other, "nas.key")
		}},
		{"expired certificate", "cert", func(c *radius.TLSConfig) {
			c.CertFile, c.KeyFile = filepath.Join(expired, "nas.pem"), filepath.Join(expired, "nas.key")
		}},
	} {
		c := overTLS(t, address, dir, 10*time.Second, tt.set)
		_, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "plain", Password: "pw6"})
		if res.Kind != aaa.Silent || !strings.Contains(res.Reason, tt.want) {
			t.Errorf("%s: %+v", tt.name, res)
		}
	}
}
