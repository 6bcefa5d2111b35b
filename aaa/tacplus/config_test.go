package tacplus_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/certs"
)

func TestNew(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.pem")
	if err := os.WriteFile(bad, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := func(s tacplus.ServerConfig) tacplus.Config {
		if s.Address == "" {
			s.Address = "192.0.2.1"
		}
		return tacplus.Config{Servers: []tacplus.ServerConfig{s}}
	}
	twice := s(tacplus.ServerConfig{Secret: secret})
	twice.Servers = append(twice.Servers, twice.Servers...)
	odd := s(tacplus.ServerConfig{Secret: secret})
	odd.Authentication = "chap"
	for want, c := range map[string]tacplus.Config{
		"tacacs: no server": {},
		"tacacs server 192.0.2.1: neither a secret nor TLS": s(tacplus.ServerConfig{}),
		"a secret of 15 octets can be guessed: use 16":      s(tacplus.ServerConfig{Secret: "123456789012345"}),
		"TLS has no obfuscation": s(tacplus.ServerConfig{Secret: secret,
			TLS: &certs.Files{}}),
		"cert_file and key_file: set both or " +
			"neither": s(tacplus.ServerConfig{TLS: &certs.Files{CertFile: "x"}}),
		"tls.ca_file: open " +
			"/nowhere": s(tacplus.ServerConfig{TLS: &certs.Files{CAFile: "/nowhere"}}),
		"no certificate in it (is " +
			"it PEM?)": s(tacplus.ServerConfig{TLS: &certs.Files{CAFile: bad}}),
		"tls.cert_file " +
			bad: s(tacplus.ServerConfig{TLS: &certs.Files{CertFile: bad, KeyFile: bad}}),
		"tacacs server 192.0.2.1: defined twice": twice,
		`unknown authentication "chap"`:          odd,
		"no address":                             {Servers: []tacplus.ServerConfig{{Secret: secret}}},
	} {
		cl, err := tacplus.New(c)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%v; want %q", err, want)
		}
		if cl != nil {
			t.Error("New returned a client")
		}
	}
	good := tacplus.Config{Servers: []tacplus.ServerConfig{
		{Address: "192.0.2.1", Secret: "short", Insecure: true}, {Address: "host:4949", Secret: secret},
		{Address: "2001:db8::1", TLS: &certs.Files{}},
	}}
	cl, err := tacplus.New(good)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for i, want := range []string{"192.0.2.1:49", "host:4949", "[2001:db8::1]:300"} {
		if got := cl.Servers()[i].Address; got != want {
			t.Errorf("address %s, want %s", got, want)
		}
	}
	for i, want := range []string{"can be guessed", "not encryption", "no tls.cert_file"} {
		if w := strings.Join(good.Servers[i].Warnings(), "\n"); !strings.Contains(w, want) {
			t.Errorf("warnings %q; want %q", w, want)
		}
	}
}
