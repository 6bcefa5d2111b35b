package radius_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
)

// freePort is a TCP port of loopback that is free now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// certificates makes a directory that everybody may read, with an authority's ca.pem, and radius.pem and nas.pem signed by it.
func certificates(t *testing.T) string {
	t.Helper()
	ca, err := aaatest.NewAuthority("ringback test authority")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for d := dir; d != filepath.Clean(os.TempDir()) && len(d) > 1; d = filepath.Dir(d) { // the servers run as somebody else
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := ca.WriteFiles(dir, aaatest.Certificate{Name: "radius", Hosts: []string{"radius.example", "127.0.0.1"}, Server: true},
		aaatest.Certificate{Name: "nas", Hosts: []string{"nas.example"}, Client: true}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// radsecFreeRADIUS is FreeRADIUS with a listener inside TLS, and the address of that.
func radsecFreeRADIUS(t *testing.T, dir string) (*aaatest.FreeRADIUS, string) {
	t.Helper()
	b, err := os.ReadFile("../../testdata/peers/freeradius/radiusd.conf.in")
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	listen := strings.NewReplacer("@PORT@", port, "@CERTS@", dir).Replace(`server ringback {
	listen {
		type = auth+acct
		proto = tcp
		ipaddr = 127.0.0.1
		port = @PORT@
		clients = radsec
		limit {
			max_connections = 16
			lifetime = 0
			idle_timeout = 60
		}
		tls {
			private_key_file = @CERTS@/radius.key
			certificate_file = @CERTS@/radius.pem
			ca_file = @CERTS@/ca.pem
			cipher_list = "DEFAULT"
			tls_min_version = "1.2"
			tls_max_version = "1.3"
			require_client_cert = yes
		}
	}
`)
	conf := strings.Replace(string(b), "server ringback {\n", listen, 1)
	if conf == string(b) {
		t.Fatal("radiusd.conf.in has no server ringback")
	}
	conf = strings.Replace(conf, "modules {\n", `clients radsec {
	client 127.0.0.1 {
		ipaddr = 127.0.0.1
		proto = tls
		secret = radsec
	}
}
modules {
`, 1)
	return aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Config: conf}), "127.0.0.1:" + port
}

// radsecProxy starts a radsecproxy that takes TLS and asks f by UDP, and returns its address.
func radsecProxy(t *testing.T, dir string, f *aaatest.FreeRADIUS) string {
	t.Helper()
	const program = "/usr/sbin/radsecproxy"
	if _, err := os.Stat(program); err != nil {
		const needs = "needs radsecproxy: apt-get install radsecproxy"
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal(needs)
		}
		t.Skip(needs)
	}
	_, auth, err1 := net.SplitHostPort(f.Auth)
	_, acct, err2 := net.SplitHostPort(f.Acct)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	port := freePort(t)
	conf := strings.NewReplacer("@PORT@", port, "@CERTS@", dir, "@AUTH@", auth, "@ACCT@", acct, "@SECRET@", string(f.Secret)).Replace(`ListenTLS 127.0.0.1:@PORT@
LogLevel 2
LoopPrevention off
tls default {
	CACertificateFile @CERTS@/ca.pem
	CertificateFile @CERTS@/radius.pem
	CertificateKeyFile @CERTS@/radius.key
}
client nas {
	host 127.0.0.1
	type tls
	secret radsec
	tls default
	CertificateNameCheck off
	MatchCertificateAttribute SubjectAltName:DNS:/^nas\.example$/
}
server auth {
	host 127.0.0.1
	port @AUTH@
	type udp
	secret @SECRET@
}
server acct {
	host 127.0.0.1
	port @ACCT@
	type udp
	secret @SECRET@
}
realm * {
	server auth
	accountingServer acct
}
`)
	path := filepath.Join(t.TempDir(), "radsecproxy.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd := exec.Command(program, "-f", "-c", path)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("radsecproxy says:\n%s", said.String())
		}
	})
	address := "127.0.0.1:" + port
	for end := time.Now().Add(5 * time.Second); ; {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			c.Close()
			return address
		}
		if time.Now().After(end) {
			t.Fatalf("radsecproxy: %v\n%s", err, said.String())
		}
	}
}

// overTLS is a client of a server at address by the certificates in dir, its TLS as set leaves it.
func overTLS(t *testing.T, address, dir string, set func(*radius.TLSConfig)) *radius.Client {
	t.Helper()
	tc := &radius.TLSConfig{CAFile: filepath.Join(dir, "ca.pem"), CertFile: filepath.Join(dir, "nas.pem"), KeyFile: filepath.Join(dir, "nas.key"), ServerName: "radius.example"}
	if set != nil {
		set(tc)
	}
	c, err := radius.New(radius.Config{NASIdentifier: "maui-nas-04", Servers: []radius.ServerConfig{
		{Name: "tls", Transport: radius.TLS, Address: address, Accounting: address, TLS: tc, Timeout: time.Second, Retries: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// loginsOverTLS is what must work whoever is on the other side.
func loginsOverTLS(t *testing.T, c *radius.Client, f *aaatest.FreeRADIUS) {
	t.Helper()
	ask := func(user, password string) aaa.Result {
		_, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: user, Password: aaa.Secret(password), TTY: 65})
		return res
	}
	if res := ask("austin-01", "pw1"); res.Kind != aaa.Granted || res.Auth.Dialstring.Value() != "84001" {
		t.Fatalf("%+v", res)
	}
	if res := ask("austin-01", "wrong"); res.Kind != aaa.Refused {
		t.Errorf("%+v", res)
	}
	if res := ask("noma", "pw9"); res.Kind != aaa.Granted { // unsigned: inside TLS that is no fault
		t.Errorf("%+v", res)
	}
	if err := c.Send(context.Background(), aaa.Record{ID: "1", Type: aaa.Start, Time: time.Now(), SessionID: "s-over-tls", User: "austin-01"}); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(f.Detail); err != nil || !strings.Contains(string(b), "s-over-tls") {
		t.Errorf("%v\n%s", err, b)
	}
	// 300 at once, over more identifiers than one connection has.
	done := make(chan aaa.Result)
	for range 300 {
		go func() { done <- ask("plain", "pw6") }()
	}
	for range 300 {
		if res := <-done; res.Kind != aaa.Granted {
			t.Errorf("%+v", res)
		}
	}
}

func TestPeerFreeRADIUSRadSec(t *testing.T) {
	t.Parallel()
	dir := certificates(t)
	f, address := radsecFreeRADIUS(t, dir)
	c := overTLS(t, address, dir, nil)
	loginsOverTLS(t, c, f)
	// FreeRADIUS 3.2.1 knows no ALPN: this is RADIUS/1.0.
	if s := c.Servers()[0]; s.Version != "RADIUS/1.0" || s.State != radius.Okay {
		t.Errorf("%+v", s)
	}
	refusedCertificates(t, address, dir)
	c = overTLS(t, address, dir, func(tc *radius.TLSConfig) { tc.RADIUS11 = radius.RADIUS11Require })
	if _, res := c.Start(context.Background(), aaa.Request{User: "plain", Password: "pw6"}); res.Kind != aaa.Silent || !strings.Contains(res.Reason, "does not speak RADIUS/1.1") {
		t.Errorf("%+v", res)
	}
}

func TestPeerRadsecproxy(t *testing.T) {
	t.Parallel()
	dir := certificates(t)
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{})
	address := radsecProxy(t, dir, f)
	c := overTLS(t, address, dir, nil)
	loginsOverTLS(t, c, f)
	refusedCertificates(t, address, dir)
}

// refusedCertificates meets a server that runs with what it or we must refuse.
func refusedCertificates(t *testing.T, address, dir string) {
	t.Helper()
	other := certificates(t)
	expired := t.TempDir()
	ca, err := aaatest.NewAuthority("x")
	if err != nil {
		t.Fatal(err)
	}
	if err := ca.WriteFiles(expired, aaatest.Certificate{Name: "nas", Client: true, Expired: true}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, want string
		set        func(*radius.TLSConfig)
	}{
		{"wrong name", "is server_name right?", func(c *radius.TLSConfig) { c.ServerName = "radius.other" }},
		{"wrong authority", "is ca_file right?", func(c *radius.TLSConfig) { c.CAFile = filepath.Join(other, "ca.pem") }},
		{"no certificate", "cert", func(c *radius.TLSConfig) { c.CertFile, c.KeyFile = "", "" }},
		{"certificate of another authority", "cert", func(c *radius.TLSConfig) {
			c.CertFile, c.KeyFile = filepath.Join(other, "nas.pem"), filepath.Join(other, "nas.key")
		}},
		{"expired certificate", "cert", func(c *radius.TLSConfig) {
			c.CertFile, c.KeyFile = filepath.Join(expired, "nas.pem"), filepath.Join(expired, "nas.key")
		}},
	} {
		c := overTLS(t, address, dir, tt.set)
		_, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "plain", Password: "pw6"})
		if res.Kind != aaa.Silent || !strings.Contains(res.Reason, tt.want) {
			t.Errorf("%s: %+v", tt.name, res)
		}
	}
}
