package node

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/lab/servers"
)

var securePageAt = regexp.MustCompile(`the operator's page is served\s+\{"url": "https://([^"]+)"\}`)

// withCertificates is a configuration whose page lets holders of certificates in. CERTS is their directory.
const withCertificates = `hostname: maui
state_dir: state
api:
  socket: DIR/s
  roles: {operate: {certificates: [alice]}, read: {certificates: [bob]}}
console:
  listen: "127.0.0.1:0"
  tls: {cert_file: CERTS/page.pem, key_file: CERTS/page.key, client_ca_file: CERTS/ca.pem}
aaa: {lists: {login: {default: [local]}}}
users: [{name: kim, password_file: secret}]
lines: [{tty: 1, port: "tcp://127.0.0.1:1"}]
`

// certified runs a daemon with such a page, and returns the directory of the certificates.
func certified(t *testing.T) (m *monitored, dir string) {
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
	err = own.WriteFiles(dir, servers.Certificate{Name: "page", Hosts: []string{"127.0.0.1"}, Server: true},
		servers.Certificate{Name: "alice", Client: true}, servers.Certificate{Name: "bob", Client: true},
		servers.Certificate{Name: "mallory", Client: true},
		servers.Certificate{Name: "late", Client: true, Expired: true},
		servers.Certificate{Name: "server", Server: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "page.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := other.WriteFiles(foreign, servers.Certificate{Name: "alice", Client: true}); err != nil {
		t.Fatal(err)
	}
	m = running(t, strings.ReplaceAll(withCertificates, "CERTS", dir), securePageAt)
	m.url = strings.Replace(m.url, "http:", "https:", 1)
	return m, dir
}

// shows returns the TLS of a browser that shows the certificate NAME; "" none.
func shows(t *testing.T, dir, name string) *tls.Config {
	t.Helper()
	files := certs.Files{CAFile: dir + "/ca.pem", MinTLS12: true}
	c, err := files.Config("")
	if err != nil {
		t.Fatal(err)
	}
	if name == "" {
		return c
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	// as a browser whose user has chosen this certificate, whatever the server asks for
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	return c
}

// TestPageCertificates: the holder of a valid certificate with a role is logged in, with that role; without a role, or
// without a certificate, there is the login; what does not verify gets no page at all.
func TestPageCertificates(t *testing.T) {
	t.Parallel()
	m, dir := certified(t)
	for _, c := range []struct {
		name string
		role string // "": none
		fail bool   // the connection is refused
	}{
		{"alice", "operate", false}, {"bob", "read", false}, {"mallory", "", false}, {"", "", false},
		{"late", "", true}, {"server", "", true}, {"foreign/alice", "", true},
	} {
		status, body, err := operatorAt(t, m.url, shows(t, dir, c.name)).try("/", nil)
		switch {
		case (err != nil) != c.fail:
			t.Errorf("certificate %q: status %d, %v", c.name, status, err)
		case err == nil && (roleOn(body) != c.role || status != http.StatusOK):
			t.Errorf("certificate %q: status %d, role %q, want %q", c.name, status, roleOn(body), c.role)
		case err == nil && c.role == "" && !strings.Contains(body, "has not shown a certificate that has a role"):
			t.Errorf("certificate %q: the login does not say what is missing:\n%s", c.name, body)
		}
	}
	alice := operatorAt(t, m.url, shows(t, dir, "alice"))
	_, body := alice.get("/lockdown")
	order := form(t, body, url.Values{"reason": {"a drill"}, "confirm": {"yes"}})
	status, body := alice.post("/lockdown", order)
	if status != http.StatusOK || !strings.Contains(body, "is in force") {
		t.Errorf("lockdown: %d %s", status, body)
	}
	l, err := client.New(filepath.Join(m.dir, "s")).Lockdown(t.Context())
	if err != nil || !l.Active || !strings.HasPrefix(l.By, "certificate alice (page, 127.0.0.1:") {
		t.Errorf("the lockdown: %+v %v", l, err)
	}
	bob := operatorAt(t, m.url, shows(t, dir, "bob"))
	if _, body := bob.get("/"); roleOn(body) != "read" {
		t.Fatalf("bob: %s", body)
	}
	page, err := url.Parse(m.url)
	if err != nil {
		t.Fatal(err)
	}
	thief := operatorAt(t, m.url, shows(t, dir, "bob"))
	thief.http.Jar.SetCookies(page, alice.http.Jar.Cookies(page))
	if _, body := thief.get("/"); roleOn(body) != "read" {
		t.Errorf("with the cookie of another certificate: role %q", roleOn(body))
	}
	thief = operatorAt(t, m.url, shows(t, dir, ""))
	thief.http.Jar.SetCookies(page, alice.http.Jar.Cookies(page))
	if _, body := thief.get("/"); roleOn(body) != "" {
		t.Errorf("with the cookie alone: role %q", roleOn(body))
	}
}

// TestPageRoleIsTakenAway: the next request after a reload has the role that the certificate has now, or none.
func TestPageRoleIsTakenAway(t *testing.T) {
	t.Parallel()
	m, dir := certified(t)
	alice := operatorAt(t, m.url, shows(t, dir, "alice"))
	_, body := alice.get("/lockdown")
	order := form(t, body, url.Values{"reason": {"a drill"}, "confirm": {"yes"}})
	for _, c := range []struct{ roles, want string }{
		{"{read: {certificates: [alice]}}", "read"}, {"{read: {certificates: [bob]}}", ""},
		{"{admin: {certificates: [alice]}}", "admin"},
	} {
		path := filepath.Join(m.dir, "ringback.yaml")
		text := regexp.MustCompile(`roles: .*`).ReplaceAllString(readFile(t, path), "roles: "+c.roles)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := client.New(filepath.Join(m.dir, "s")).Reload(t.Context()); err != nil || !r.Applied {
			t.Fatalf("reload: %+v %v", r, err)
		}
		if c.want != "admin" {
			if status, _ := alice.post("/lockdown", order); status == http.StatusOK {
				t.Errorf("roles %s: alice orders a lockdown", c.roles)
			}
		}
		if _, body := alice.get("/"); roleOn(body) != c.want {
			t.Errorf("roles %s: alice has %q, want %q", c.roles, roleOn(body), c.want)
		}
	}
	if l, err := client.New(filepath.Join(m.dir, "s")).Lockdown(t.Context()); err != nil || l.Active {
		t.Errorf("the lockdown: %+v %v", l, err)
	}
}
