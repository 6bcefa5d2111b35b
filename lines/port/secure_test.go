package port

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/lab/servers"
	"github.com/ringback/ringback/lines"
)

// site is a directory with certificates in PEM: ca.pem and other.pem are authorities. The server's are for 127.0.0.1
// and console.example.
type site struct {
	dir string
	ca  *servers.Authority
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir()}
	var err error
	if s.ca, err = servers.NewAuthority("ca"); err != nil {
		t.Fatal(err)
	}
	other, err := servers.NewAuthority("other")
	if err != nil {
		t.Fatal(err)
	}
	hosts := []string{"127.0.0.1", "console.example"}
	for _, w := range []struct {
		a *servers.Authority
		c servers.Certificate
	}{
		{other, servers.Certificate{Name: "stranger"}},
		{s.ca, servers.Certificate{Name: "server", Hosts: hosts}},
		{s.ca, servers.Certificate{Name: "expired", Hosts: hosts, Expired: true}},
		{s.ca, servers.Certificate{Name: "future", Hosts: hosts, Future: true}},
		{s.ca, servers.Certificate{Name: "client", Client: true}},
	} {
		cert, key, err := w.a.Issue(w.c)
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, w.c.Name+".pem", cert)
		s.write(t, w.c.Name+".key", key)
	}
	s.write(t, "ca.pem", s.ca.PEM())
	s.write(t, "other.pem", other.PEM())
	return s
}

func (s *site) write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// client returns the files of a client with the certificate name.
func (s *site) client(name string) certs.Files {
	return certs.Files{CAFile: filepath.Join(s.dir, "ca.pem"), CertFile: filepath.Join(s.dir, name+".pem"),
		KeyFile: filepath.Join(s.dir, name+".key")}
}

// server returns the configuration of a server with the certificate name.
func (s *site) server(t *testing.T, name string) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(s.dir, name+".pem"), filepath.Join(s.dir, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

// listenTLS serves one connection with f.
func listenTLS(t *testing.T, c *tls.Config, f func(net.Conn)) (host string) {
	t.Helper()
	return listen(t, func(raw net.Conn) { f(tls.Server(raw, c)) })
}

func echo(c net.Conn) { io.Copy(c, c) }

func TestTLS(t *testing.T) {
	s := newSite(t)
	config := s.server(t, "server")
	config.ClientCAs, config.ClientAuth = s.ca.Pool(), tls.RequireAndVerifyClientCert
	files := s.client("client")
	ended := make(chan error, 1)
	host := listenTLS(t, config, func(c net.Conn) {
		_, err := io.Copy(c, c)
		ended <- err
	})
	p := mustOpen(t, Address{Scheme: TCPTLS, Host: host}, Options{TLS: &files})
	if p.String() != "tcps://"+host || p.HasSignals() {
		t.Errorf("%s: HasSignals %v", p, p.HasSignals())
	}
	all := make([]byte, 3*256)
	for i := range all {
		all[i] = byte(i)
	}
	if n, err := p.Write(all); n != len(all) || err != nil {
		t.Fatal(n, err)
	}
	got := make([]byte, len(all))
	if _, err := io.ReadFull(p, got); err != nil || !bytes.Equal(got, all) {
		t.Errorf("echo: %v, equal %v", err, bytes.Equal(got, all))
	}
	p.SetReadDeadline(time.Unix(1, 0))
	if _, err := p.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v, want a timeout", err)
	}
	p.SetReadDeadline(time.Time{})
	if _, err := p.Write([]byte("AT")); err != nil {
		t.Fatal(err)
	}
	p.Await()
	p.Await() // the octet that the first one read is still there
	wantRead(t, p, "AT")
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the server sees the end as %v", err)
	}
	if _, err := p.Read(got); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
}

// An error says what is wrong with the certificates and which key to check.
func TestTLSErrors(t *testing.T) {
	s := newSite(t)
	ca := certs.Files{CAFile: filepath.Join(s.dir, "ca.pem")}
	with := func(edit func(*certs.Files)) certs.Files { f := ca; edit(&f); return f }
	old := func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }
	demands := func(c *tls.Config) { c.ClientCAs, c.ClientAuth = s.ca.Pool(), tls.RequireAndVerifyClientCert }
	for name, tt := range map[string]struct {
		certificate string
		server      func(*tls.Config)
		files       certs.Files
		want        string // "" success
	}{
		"good":    {"server", nil, ca, ""},
		"by name": {"server", nil, with(func(f *certs.Files) { f.ServerName = "console.example" }), ""},
		"expired": {"expired", nil, ca, "expired or not yet valid"},
		"not yet": {"future", nil, ca, "expired or not yet valid"},
		"another name": {"server", nil, with(func(f *certs.Files) { f.ServerName = "x.example" }),
			"(check server_name)"},
		"another CA": {"server", nil, with(func(f *certs.Files) { f.CAFile = s.dir + "/other.pem" }),
			"(check ca_file)"},
		"system's CAs":   {"server", nil, certs.Files{}, "(check ca_file)"},
		"insecure":       {"expired", nil, certs.Files{Insecure: true}, ""},
		"TLS 1.2":        {"server", old, ca, "min_version"},
		"TLS 1.2 is ok":  {"server", old, with(func(f *certs.Files) { f.MinTLS12 = true }), ""},
		"no certificate": {"server", demands, ca, "(set cert_file and key_file"},
		"a stranger's":   {"server", demands, s.client("stranger"), "signed by an authority that the server trusts"},
		"no file":        {"server", nil, certs.Files{CAFile: s.dir + "/none.pem"}, "none.pem: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			config := s.server(t, tt.certificate)
			if tt.server != nil {
				tt.server(config)
			}
			host := listenTLS(t, config, echo)
			a := Address{Scheme: TCPTLS, Host: host}
			err := hello(a, &tt.files)
			if tt.want == "" && err != nil {
				t.Fatal(err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v; want …%s…", err, tt.want)
			}
		})
	}
	host := listen(t, func(c net.Conn) { c.Write([]byte("Username: ")); io.Copy(io.Discard, c) })
	err := hello(Address{Scheme: RFC2217TLS, Host: host}, &ca)
	if want := "rfc2217s://" + host + ": the server does not speak TLS on this port"; err == nil ||
		!strings.HasPrefix(err.Error(), want) {
		t.Error(err)
	}
}

// hello opens the port and has an octet echoed.
func hello(a Address, files *certs.Files) error {
	p, err := a.Open(context.Background(), Options{TLS: files})
	if err != nil {
		return err
	}
	defer p.Close()
	if _, err := p.Write([]byte("x")); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	_, err = p.Read(make([]byte, 1))
	return err
}

// The files are read at each connection: a renewed certificate needs no reload.
func TestTLSRenewed(t *testing.T) {
	s, next := newSite(t), newSite(t)
	files := s.client("client")
	a := Address{Scheme: TCPTLS, Host: listenTLS(t, s.server(t, "server"), echo)}
	if err := hello(a, &files); err != nil {
		t.Fatal(err)
	}
	a.Host = listenTLS(t, next.server(t, "server"), echo)
	if err := hello(a, &files); err == nil {
		t.Fatal("a server of another authority was accepted")
	}
	s.write(t, "ca.pem", next.ca.PEM())
	a.Host = listenTLS(t, next.server(t, "server"), echo)
	if err := hello(a, &files); err != nil {
		t.Fatal(err)
	}
}

// secured is a connection over TLS in a bubble, and the server's end of it.
func secured(t *testing.T) (*secure, *tls.Conn) {
	t.Helper()
	near, far := net.Pipe()
	s := newSite(t)
	server := tls.Server(far, s.server(t, "server"))
	done := make(chan error, 1)
	go func() { done <- server.Handshake() }()
	c, err := handshake(t.Context(), near, Address{Scheme: TCPTLS, Host: "127.0.0.1:1"}, &certs.Files{
		CAFile: filepath.Join(s.dir, "ca.pem")})
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	return c, server
}

// A deadline that cuts a record does not end the connection: what was counted as written arrives once and in order.
func TestTLSWriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, server := secured(t)
		text := bytes.Repeat([]byte("0123456789"), 200)
		sent := 0
		for range 5 { // nobody reads
			c.SetWriteDeadline(time.Now().Add(time.Second))
			n, err := c.Write(text[sent:])
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("write: %d, %v", n, err)
			}
			sent += n
		}
		if sent == 0 || sent > chunk {
			t.Errorf("%d octets are counted as sent, with one record of %d held back", sent, chunk)
		}
		got := make(chan []byte)
		go func() {
			all, err := io.ReadAll(server)
			if err != nil {
				t.Error(err)
			}
			got <- all
		}()
		c.SetWriteDeadline(time.Time{})
		if n, err := c.Write(text[sent:]); n != len(text)-sent || err != nil {
			t.Fatal(n, err)
		}
		go io.Copy(io.Discard, c)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if all := <-got; !bytes.Equal(all, text) {
			t.Errorf("%d octets arrived, equal %v", len(all), bytes.Equal(all, text))
		}
	})
}

// Close does not wait for a server that reads nothing.
func TestTLSCloseToDeafServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, server := secured(t)
		defer server.NetConn().Close()
		written := make(chan error, 1)
		go func() { _, err := c.Write(make([]byte, 4096)); written <- err }()
		synctest.Wait()
		began := time.Now()
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if err := <-written; err == nil {
			t.Error("the write succeeded")
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("Close took %v", d)
		}
	})
}

// A server that accepts the connection and says nothing has until the limit; Close and the end of the context end the
// wait at once.
func TestTLSSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		go io.Copy(io.Discard, far)
		defer far.Close()
		ctx, cancel := context.WithTimeout(t.Context(), connectLimit)
		defer cancel()
		began := time.Now()
		_, err := handshake(ctx, near, Address{Scheme: TCPTLS, Host: "console.example:1"}, nil)
		if err == nil || !strings.Contains(err.Error(), "does the server speak TLS on this port?") ||
			time.Since(began) != connectLimit {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// The line over TLS has the same signals as one without.
func TestTLSSignals(t *testing.T) {
	s := newSite(t)
	host := listenTLS(t, s.server(t, "server"), func(c net.Conn) {
		c.Write(append(append([]byte{}, agreed...), dsrCTS...))
		io.Copy(io.Discard, c)
	})
	files := certs.Files{CAFile: filepath.Join(s.dir, "ca.pem")}
	p := mustOpen(t, Address{Scheme: RFC2217TLS, Host: host}, Options{TLS: &files})
	if !p.HasSignals() || !p.Signals().Has(lines.DSR|lines.CTS) {
		t.Errorf("HasSignals %v, Signals %b", p.HasSignals(), p.Signals())
	}
}
