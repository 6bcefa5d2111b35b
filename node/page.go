package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
	"github.com/ringback/ringback/web"
)

// pageLoginTime is how long a login at the page may take, with the delay after failures.
const pageLoginTime = 45 * time.Second

// page is the operator's page, while it is served.
type page struct {
	base   string // https://HOST:PORT
	server *web.Server
	texts  atomic.Pointer[texts.Printer] // of the configuration in force
}

// configured takes over the texts of a configuration. p may be nil.
func (p *page) configured(cfg *config.Config) {
	if p != nil {
		p.texts.Store(&texts.Printer{Dictionary: cfg.Exec.Texts, Language: cfg.Locale.Language})
	}
}

// openPage starts to listen for browsers, if the configuration says so, and returns what serves them until ctx ends;
// nil if nobody is served.
func (d *daemon) openPage(ctx context.Context) (func(), error) {
	c := d.cfg.Console
	if c.Listen == "" {
		return nil, nil
	}
	var certificates *tls.Config
	if c.TLS.CertFile != "" {
		var err error
		if certificates, err = c.TLS.Config(); err != nil {
			return nil, fmt.Errorf("console.%w", err)
		}
		if c.TLS.ClientCAFile != "" { // a browser may also log in by other means
			certificates.ClientAuth = tls.VerifyClientCertIfGiven
		}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("console.listen: %w (set another address)", err)
	}
	p := &page{}
	p.configured(d.cfg)
	wc := web.Config{API: d.pageAPI, Secure: certificates != nil, Log: d.log, Host: loopbackName,
		Texts: func() texts.Printer { return *p.texts.Load() }}
	if c.Login != "" {
		wc.Login = d.pageLogin
	}
	base := "http://" + l.Addr().String()
	l = api.Limited(l)
	if certificates != nil {
		leaf := certificates.Certificates[0].Leaf
		wc.Host = func(name string) bool { return leaf.VerifyHostname(name) == nil }
		base = "https://" + pageName(leaf, l.Addr())
		if c.TLS.ClientCAFile != "" {
			wc.Certificate = d.pageCertificate
		}
		l = tls.NewListener(l, certificates)
	}
	p.base, p.server = base, web.New(wc)
	d.page = p
	d.log.Info("the operator's page is served", zap.String("url", base))
	return func() {
		if err := d.page.server.Serve(ctx, l); err != nil {
			d.log.Error("the operator's page", zap.Error(err))
		}
	}, nil
}

// pageName returns a name of the page's certificate with the port of the page.
func pageName(leaf *x509.Certificate, addr net.Addr) string {
	host, port, _ := net.SplitHostPort(addr.String())
	if len(leaf.DNSNames) > 0 && !strings.HasPrefix(leaf.DNSNames[0], "*") {
		host = leaf.DNSNames[0]
	}
	return net.JoinHostPort(host, port)
}

// loopbackName reports whether a name is one of this machine alone, so that no other site can lead a browser here.
func loopbackName(name string) bool { return config.Loopback(name) }

// pageAPI returns the admin API for an operator of the page.
func (d *daemon) pageAPI(o web.Operator, remote string) web.API {
	return d.inside.Client(api.User{Account: o.Name, Name: fmt.Sprintf("%s (page, %s)", o.Name, remote),
		Role: api.RoleOf(o.Role)})
}

// pageCertificate returns the operator of a certificate, by the roles in force.
func (d *daemon) pageCertificate(c *x509.Certificate) (web.Operator, bool) {
	name, role := d.access.roles.Load().OfCertificate(c)
	return web.Operator{Name: name, Role: role.String()}, role != api.NoRole
}

// pageLink returns an address that logs a client of the admin API in, once.
func (d *daemon) pageLink(name string, role api.Role, by string) (string, error) {
	if d.page == nil {
		return "", fmt.Errorf("this daemon serves no page (set console: {listen: 127.0.0.1:8443} and restart it)")
	}
	d.broker.Happened(events.PageLinked{Role: role.String(), By: by})
	return d.page.base + d.page.server.Link(web.Operator{Name: name, Role: role.String()}), nil
}

// pageLogin authenticates an operator by the list of console.login. Failures count as those of callers do, with the
// address in place of the calling number.
func (d *daemon) pageLogin(ctx context.Context, user, password, remote string) (web.Operator, error) {
	ctx, cancel := context.WithTimeout(ctx, pageLoginTime)
	defer cancel()
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return web.Operator{}, fmt.Errorf("the address of the browser: %w", err)
	}
	guess := session.Guess{Call: &lines.Call{ID: "page", Caller: host}, Leg: 1, User: user}
	guard := d.broker.Guard()
	wait, locked := guard.Before(guess)
	if locked != "" {
		guard.After(guess, session.GuessLocked, locked)
		return web.Operator{}, web.Refused(texts.PageLoginLocked)
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return web.Operator{}, context.Cause(ctx)
	}
	login, err := d.inForce().Login(config.Line{Lists: config.ListNames{"login": d.cfg.Console.Login}})
	if err != nil {
		return web.Operator{}, err
	}
	_, res := login.Start(ctx, aaa.Request{Service: aaa.EXEC, User: user, Password: aaa.Secret(password), Leg: 1,
		CallID: guess.Call.ID, Caller: host, Connect: "page"})
	switch res.Kind {
	case aaa.Silent:
		guard.After(guess, session.GuessRefused, res.Reason)
		return web.Operator{}, fmt.Errorf("no AAA server answered")
	case aaa.Prompt:
		guard.After(guess, session.GuessRefused, "the server asks for more than a password")
		return web.Operator{}, web.Refused(texts.PageLoginAsksMore)
	case aaa.Granted:
	default:
		guard.After(guess, session.GuessWrong, res.Reason)
		return web.Operator{}, web.Refused(texts.PageLoginWrong)
	}
	role := pageRole(user, res.Auth)
	if role == api.NoRole {
		guard.After(guess, session.GuessRefused, "no attribute gives the user a role at the page")
		return web.Operator{}, web.Refused(texts.PageLoginNoRole)
	}
	guess.Identity = res.Identity
	guard.After(guess, session.GuessRight, "")
	return web.Operator{Name: res.Identity.User, Role: role.String()}, nil
}

// pageRole returns the role that AAA granted: by a group ringback-ROLE, or by the privilege level. Everybody who may
// dial in has level 1, which is no role. A group that is in the typed name does not count: a realm is a group too.
func pageRole(user string, a aaa.Authorization) api.Role {
	role := api.NoRole
	switch {
	case a.PrivLevel >= 15:
		role = api.Operate
	case a.PrivLevel > 1:
		role = api.Read
	}
	for r := api.Read; r <= api.Admin; r++ {
		group := "ringback-" + r.String()
		if slices.Contains(a.Groups, group) && !strings.Contains(strings.ToLower(user), group) {
			role = max(role, r)
		}
	}
	return role
}
