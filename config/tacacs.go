package config

import (
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/schema"
)

func (l *loader) tacacs() {
	l.cfg.TACACS = tacplus.Config{Name: MethodTACACS, DeadTime: l.duration("aaa.dead_time"),
		Authentication: l.text("aaa.tacacs_login"), SystemUser: l.text("aaa.tacacs_system_user")}
	for _, v := range l.v.Get("aaa", "tacacs").Items() {
		l.serverName(v)
		l.tacacsServer(v)
	}
}

func (l *loader) tacacsServer(v *schema.Value) {
	defaults := schema.Defaults(tacacsKeys)
	get := func(name string) *schema.Value { return or(v, defaults, name) }
	s := tacplus.ServerConfig{
		Name: get("name").Text(), Address: get("address").Text(), Timeout: get("timeout").Duration(),
		SingleConnection: get("single_connection").Bool(false), Insecure: get("insecure").Bool(false),
	}
	file, at := v.Get("secret_file"), v.Get("tls")
	switch {
	case file.IsSet() && at.IsSet():
		l.errorAt(file, "remove one of the two",
			"a key and tls exclude each other: over TLS nothing is obfuscated (RFC 9887)")
		return
	case !file.IsSet() && !at.IsSet():
		l.errorAt(v, "write secret_file: tacacs.secret",
			"neither a key nor tls: anyone on the path could read the traffic")
		return
	case at.IsSet():
		c, ok := l.certificates(at)
		if !ok {
			return
		}
		s.TLS = &c
		l.overTLS(v, s.Warnings())
	default:
		secret, ok := l.secret(file)
		if !ok {
			return
		}
		s.Secret = secret
		l.secretLength(file, len(secret), s.Insecure, "RFC 8907")
	}
	l.cfg.TACACS.Servers = append(l.cfg.TACACS.Servers, s)
}
