package lab

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lab/servers"
)

// AAA is the kind of the town's AAA server.
type AAA string

// The kinds of AAA servers.
const (
	ByRADIUS    AAA = "radius"
	ByRadSec    AAA = "radsec" // RADIUS over TLS
	ByTACACS    AAA = "tacacs"
	ByTACACSTLS AAA = "tacacs-tls"
)

// AllAAA are the kinds, the default first.
var AllAAA = []AAA{ByRADIUS, ByRadSec, ByTACACS, ByTACACSTLS}

// Check returns an error for a kind that does not exist.
func (a AAA) Check() error {
	if !slices.Contains(AllAAA, a) {
		return fmt.Errorf("--aaa %q: must be radius, radsec, tacacs or tacacs-tls", a)
	}
	return nil
}

func (a AAA) tacacs() bool { return a == ByTACACS || a == ByTACACSTLS }

func (a AAA) tls() bool { return a == ByRadSec || a == ByTACACSTLS }

// usersFile is the name of the file with the server's users.
func (a AAA) usersFile() string {
	if a.tacacs() {
		return "tacacs.conf"
	}
	return "users"
}

// secretFile is the name of the file with the secret that server and daemon share; "" over TLS.
func (a AAA) secretFile() string {
	switch a {
	case ByRADIUS:
		return "radius.secret"
	case ByTACACS:
		return "tacacs.secret"
	}
	return ""
}

// startAAA starts the town's AAA server on its sockets.
func (l *Lab) startAAA(ctx context.Context) error {
	if l.opt.RADIUS != nil {
		return nil
	}
	var certificates *tls.Config
	if l.opt.AAA.tls() {
		var err error
		if certificates, err = l.writeCertificates(); err != nil {
			return fmt.Errorf("lab: certificates: %w", err)
		}
	}
	detail, err := os.OpenFile(filepath.Join(l.dir, "detail"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	l.logs = append(l.logs, detail)
	users, err := os.Open(filepath.Join(l.dir, l.opt.AAA.usersFile()))
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	defer users.Close()
	secret, err := l.secret()
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	if l.opt.AAA.tacacs() {
		err = l.startTACACS(ctx, users, secret, certificates, detail)
	} else {
		err = l.startRADIUS(ctx, users, secret, certificates, detail)
	}
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	return nil
}

func (l *Lab) secret() (aaa.Secret, error) {
	name := l.opt.AAA.secretFile()
	if name == "" {
		return "", nil
	}
	data, err := os.ReadFile(filepath.Join(l.dir, name))
	return aaa.Secret(strings.TrimSpace(string(data))), err
}

func (l *Lab) startRADIUS(ctx context.Context, users *os.File, secret aaa.Secret, certificates *tls.Config,
	detail *os.File) error {
	parsed, err := servers.ParseUsers(users)
	if err != nil {
		return err
	}
	if certificates != nil {
		secret = "radsec" // RFC 6614 §2.3
	}
	server, err := servers.NewRADIUS(servers.RADIUSConfig{Secret: secret, Users: parsed, Detail: detail})
	if err != nil {
		return err
	}
	if certificates != nil {
		l.wg.Go(func() { server.ServeRadSec(ctx, l.sockets.stream, servers.RadSec{TLS: certificates}) })
		return nil
	}
	l.wg.Go(func() { server.Serve(ctx, l.sockets.auth, l.sockets.acct) })
	return nil
}

func (l *Lab) startTACACS(ctx context.Context, users *os.File, secret aaa.Secret, certificates *tls.Config,
	detail *os.File) error {
	parsed, err := servers.ParseTACACS(users)
	if err != nil {
		return err
	}
	server, err := servers.NewTACACS(servers.TACACSConfig{Key: secret, Profiles: parsed, TLS: certificates,
		Trace: func(e servers.Event) {
			if e.Kind == "accounting" && !e.Sent {
				// one write, because several sessions account at the same time
				fmt.Fprintf(detail, "%s\n\t%s\n\n", e.Time.Format(time.ANSIC), strings.Join(e.Attributes, "\n\t"))
			}
		}})
	if err != nil {
		return err
	}
	l.wg.Go(func() { server.Serve(ctx, l.sockets.stream) })
	return nil
}

// writeCertificates makes an authority, the server's certificate, and the daemon's with its key, again at each start.
// The authority's key is not stored.
func (l *Lab) writeCertificates() (*tls.Config, error) {
	const year = 365 * 24 * time.Hour
	town, err := servers.NewAuthority("the town's authority")
	if err != nil {
		return nil, err
	}
	server, err := town.TLS(servers.Certificate{Name: "the town's AAA server", Hosts: []string{"127.0.0.1"},
		Server: true, Valid: year})
	if err != nil {
		return nil, err
	}
	if err := town.WriteFiles(l.dir, servers.Certificate{Name: "ringback", Client: true, Valid: year}); err != nil {
		return nil, err
	}
	if err := os.Chmod(filepath.Join(l.dir, "ringback.key"), 0o600); err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert,
		ClientCAs: town.Pool(), MinVersion: tls.VersionTLS13,
		NextProtos: l.opt.AAA.protocols()}, nil
}

// protocols are the names that the server offers inside TLS (ALPN).
func (a AAA) protocols() []string {
	if a == ByRadSec {
		return []string{"radius/1.1", "radius/1.0"}
	}
	return nil
}
