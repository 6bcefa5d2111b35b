package api

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/lab/servers"
)

// overTLS serves the API over TLS on the loopback, and returns its address and the files of its clients.
func overTLS(t *testing.T, s *Server) (address, dir string) {
	t.Helper()
	dir = t.TempDir()
	own, err := servers.NewAuthority("operators")
	if err != nil {
		t.Fatal(err)
	}
	other, err := servers.NewAuthority("others")
	if err != nil {
		t.Fatal(err)
	}
	err = own.WriteFiles(dir,
		servers.Certificate{Name: "daemon", Hosts: []string{"127.0.0.1", "nas.example"}, Server: true},
		servers.Certificate{Name: "alice", Client: true}, servers.Certificate{Name: "mallory", Client: true},
		servers.Certificate{Name: "late", Client: true, Expired: true},
		servers.Certificate{Name: "server", Server: true})
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := other.WriteFiles(foreign, servers.Certificate{Name: "alice", Client: true}); err != nil {
		t.Fatal(err)
	}
	config, err := certs.ServerFiles{CertFile: dir + "/daemon.pem", KeyFile: dir + "/daemon.key",
		ClientCAFile: dir + "/ca.pem"}.Config()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Feed, s.Roles = &Feed{}, func() Roles { return testRoles }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.ServeTLS(ctx, l, func() *tls.Config { return config }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), dir
}

// shown returns the configuration of a client that shows the certificate NAME of a directory; "": none.
func shown(t *testing.T, dir, ca, name string) *tls.Config {
	t.Helper()
	files := certs.Files{CAFile: ca + "/ca.pem", MinTLS12: true}
	if name != "" {
		files.CertFile, files.KeyFile = dir+"/"+name+".pem", dir+"/"+name+".key"
	}
	c, err := files.Config("")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTLS: only a client whose certificate is valid, signed by the right authority for clients, and has a role, is
// served; the audit names the certificate and the address.
func TestTLS(t *testing.T) {
	f := fake{cleared: make(chan string, 1), by: make(chan string, 1)}
	address, dir := overTLS(t, &Server{Daemon: f})
	foreign := filepath.Join(dir, "foreign")
	for _, tt := range []struct {
		dir, ca, name string
		old           uint16 // newest version of TLS that the client speaks
		want          string // of the error; "": none
	}{
		{dir, dir, "alice", 0, ""},
		{dir, dir, "alice", tls.VersionTLS12, ""},
		{dir, dir, "alice", tls.VersionTLS11, "protocol version"},
		{dir, dir, "mallory", 0, "certificate mallory has the role none"},
		{dir, dir, "", 0, "certificate required (--cert and --key: "},
		{dir, dir, "late", 0, "--cert and --key: "},
		{dir, dir, "server", 0, "--cert and --key: "},
		{foreign, dir, "alice", 0, "--cert and --key: "},
		{dir, foreign, "alice", 0, "(--ca: the authority"},
	} {
		config := shown(t, tt.dir, tt.ca, tt.name)
		if config.MaxVersion = tt.old; tt.old == tls.VersionTLS11 {
			config.MinVersion = tls.VersionTLS10
		}
		c, err := client.NewTLS("https://"+address, config)
		if err != nil {
			t.Fatal(err)
		}
		err = c.ClearLine(t.Context(), 65)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: %v", tt, err)
		}
		if err == nil {
			if by := <-f.by; !strings.HasPrefix(by, "certificate alice (serial ") ||
				!strings.Contains(by, ", api, 127.0.0.1:") {
				t.Errorf("the audit has %q", by)
			}
			<-f.cleared
		}
	}
}

// TestOtherHosts: a request for a name that the certificate does not have is not served, and neither is one without
// TLS.
func TestOtherHosts(t *testing.T) {
	address, dir := overTLS(t, &Server{Daemon: fake{}})
	for host, status := range map[string]int{"nas.example": 200, "nas.example:7443": 200, "evil.example": 421} {
		c, err := tls.Dial("tcp", address, func() *tls.Config {
			c := shown(t, dir, dir, "alice")
			c.ServerName = "nas.example"
			return c
		}())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET /v1/lines HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != status {
			t.Errorf("for %s: %+v, %v", host, resp, err)
		}
		c.Close()
	}
	plain, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	fmt.Fprintf(plain, "GET /v1/lines HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if answer, _ := io.ReadAll(plain); strings.Contains(string(answer), "200") ||
		strings.Contains(string(answer), "pty:") {
		t.Errorf("without TLS: %q", answer)
	}
}

// TestURL: a URL that cannot be a daemon's is an error before anything is sent.
func TestURL(t *testing.T) {
	for url, want := range map[string]string{"http://nas:7443": "https://HOST:PORT", "nas:7443": "https://HOST:PORT",
		"https://nas": "no port", "https://nas:7443/x": "https://HOST:PORT", "https://a:b@nas:1": "https://HOST:PORT",
		"https://nas:7443/": "", "https://[::1]:7443": "", "": "https://HOST:PORT"} {
		if _, err := client.NewTLS(url, &tls.Config{}); (err == nil) != (want == "") ||
			err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", url, err)
		}
	}
}
