package config

import (
	"time"

	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/schema"
)

// Lengths of shared secrets, in octets.
const (
	minSecret  = 16 // RFC 2865 §3, RFC 8907 §10.5.1
	goodSecret = 24
)

func (l *loader) radius() {
	l.cfg.RADIUS = radius.Config{Name: MethodRADIUS, NASIdentifier: l.cfg.Hostname,
		DeadTime: l.duration("aaa.dead_time")}
	for _, v := range l.v.Get("aaa", "radius").Items() {
		l.serverName(v)
		l.radiusServer(v)
	}
}

// serverName reports a name used by another server of any protocol: groups and traces identify servers by name.
func (l *loader) serverName(v *schema.Value) {
	name := v.Get("name")
	if !name.IsSet() {
		return
	}
	if first, ok := l.servers[name.Text()]; ok {
		l.errorAt(name, "give it another name", "server %q is already on line %d", name.Text(), first.Line)
		return
	}
	l.servers[name.Text()] = name
}

func (l *loader) radiusServer(v *schema.Value) {
	defaults := schema.Defaults(radiusKeys)
	get := func(name string) *schema.Value { return or(v, defaults, name) }
	s := radius.ServerConfig{
		Name: get("name").Text(), Address: get("address").Text(), Accounting: get("accounting").Text(),
		Timeout: get("timeout").Duration(), Retries: get("retries").Int(),
		MessageAuthenticator: get("message_authenticator").Text(), Source: get("source").Text(),
		Insecure:     get("insecure").Bool(false),
		StatusServer: get("status_server").Text(), Dialects: get("dialects").Texts(),
		ClassGroups: get("class_groups").Bool(false), SeveralNumbers: get("several_numbers").Bool(false),
	}
	if s.Retries == 0 {
		s.Retries = -1 // the client takes 0 as its default
	}
	ok := true
	if get("transport").Text() == radius.TLS {
		ok = l.radsec(v, &s)
	} else {
		l.overUDP(v, s)
	}
	if file := v.Get("secret_file"); file.IsSet() {
		secret, read := l.secret(file)
		if ok = ok && read; read && s.Transport != radius.TLS {
			l.secretLength(file, len(secret), s.Insecure, "RFC 2865")
		}
		s.Secret = secret
	} else if s.Transport != radius.TLS {
		l.problem(Problem{File: l.file, Line: v.Line, Column: v.Column, Key: v.Path + ".secret_file",
			Msg: "is required", Hint: "write secret_file: radius.secret"})
		ok = false
	}
	if !ok {
		return
	}
	l.patience(v, s)
	if err := s.Check(); err != nil && v.Get("address").IsSet() && s.Name != "" && !l.broken(v.Path) {
		l.errorAt(v, "", "%v", err)
	}
	l.cfg.RADIUS.Servers = append(l.cfg.RADIUS.Servers, s)
}

// patience warns of a server whose timeouts exceed the login timeout: the next method is then never tried.
func (l *loader) patience(v *schema.Value, s radius.ServerConfig) {
	wait, all := s.Timeout, time.Duration(0)
	for range max(s.Retries, 0) + 1 {
		all += wait
		wait = min(2*wait, 2*s.Timeout)
	}
	if all = min(all, 30*time.Second); all >= l.duration("login.timeout") {
		l.warnAt(v, "fewer retries, a shorter timeout, or a longer login.timeout",
			"while %s is silent login.timeout (%v) expires before the next server or method is tried (%v)",
			s.Name, l.duration("login.timeout"), all)
	}
}

// overUDP warns of unsafe settings without TLS, and rejects settings for TLS.
func (l *loader) overUDP(v *schema.Value, s radius.ServerConfig) {
	if s.MessageAuthenticator == radius.Off {
		l.warnAt(v.Get("message_authenticator"), "update the server, then write require",
			"replies of %s can be forged by an on-path attacker (CVE-2024-3596)", s.Name)
	}
	if at := v.Get("tls"); at.IsSet() {
		l.errorAt(at, "write transport: tls, or remove it", "only valid with transport: tls")
	}
}

// radsec reads the additional keys of a server with transport TLS.
func (l *loader) radsec(v *schema.Value, s *radius.ServerConfig) bool {
	s.Transport = radius.TLS
	at := v.Get("tls")
	c, ok := l.certificates(at)
	s.TLS = &radius.TLSConfig{Files: c, RADIUS11: at.Get("radius11").Text()}
	l.overTLS(v, s.Warnings())
	return ok
}

func (l *loader) secretLength(file *schema.Value, n int, insecure bool, rfc string) {
	const hint = "make one: openssl rand -base64 24"
	switch {
	case n < minSecret && !insecure:
		l.errorAt(file, hint+"; or set insecure: true", "the shared secret has %d octets, but %s requires %d or more",
			n, rfc, minSecret)
	case n < goodSecret:
		l.warnAt(file, hint, "the shared secret has %d octets; under %d it can be guessed from one packet", n,
			goodSecret)
	}
}
