package config

import (
	"net"

	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/schema"
)

// Console configures the operator's page.
type Console struct {
	Listen string            // host:port; "": there is no page
	TLS    certs.ServerFiles // without CertFile, it is served without TLS, on loopback only
	Login  string            // login list that authenticates operators; "": none
}

var consoleKeys = []schema.Key{
	{Name: "listen", Check: checkAnyListen, Example: "127.0.0.1:8443",
		Doc: "Address of the page. Without `tls`, it must be one of this machine's loopback; port 0: one " +
			"that the system chooses and the log names. Default: none, there is " +
			"no page."},
	{Name: "login", Check: schema.NotEmpty, Example: "default",
		Doc: "Method list of `aaa.lists.login` that authenticates operators by name and password; what the server " +
			"grants gives the role (see [Roles](../how-to/console-page.md#roles)). Default: none, operators need a " +
			"certificate of `api.roles`, or a link of `ringback page`."},
	{Name: "tls", Type: schema.Object, Doc: "Certificates of the page, for `https://`. A change needs a restart.",
		Keys: []schema.Key{
			{Name: "cert_file", Check: checkFileName, Example: "page.crt",
				Doc: "Certificate of the page, in PEM. Requests must be for one of its names."},
			{Name: "key_file", Check: checkFileName, Example: "page.key", Doc: "Its key, in PEM."},
			{Name: "client_ca_file", Check: checkFileName, Example: "operators-ca.crt",
				Doc: "Certificates of the authorities that sign those of operators, in PEM: their browsers log in by " +
					"certificate, with the role of `api.roles`. Default: none."},
		}},
}

// console reads `console`, after the method lists.
func (l *loader) console() {
	c := &l.cfg.Console
	c.Listen = l.text("console.listen")
	v := l.v.Get("console")
	if c.Listen == "" {
		if v.IsSet() && !l.broken("console") {
			l.warnAt(v, "add console.listen: 127.0.0.1:8443, or remove it", "settings of a page that is not served")
		}
		return
	}
	if c.Login = l.text("console.login"); c.Login != "" {
		l.consoleLogin(v.Get("login"), c.Login)
	}
	files := v.Get("tls")
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && !files.IsSet() && !Loopback(host) {
		l.errorAt(v.Get("listen"), "add console.tls: {cert_file: page.crt, key_file: page.key}, or write 127.0.0.1",
			"%s without TLS: the network could read passwords and give orders", c.Listen)
	}
	if files.IsSet() && !l.broken("console") {
		l.consoleFiles(files)
	}
}

// consoleLogin checks the list of the page's logins.
func (l *loader) consoleLogin(v *schema.Value, name string) {
	list, ok := l.cfg.Lists.Find("login", name)
	if !ok {
		if !l.broken("aaa.lists") {
			l.errorAt(v, "name a list of aaa.lists.login", "there is no login list %q", name)
		}
		return
	}
	for _, m := range list.Methods {
		if m == MethodNone {
			l.errorAt(v, "name a list without none", "the list %q has the method none, which would admit everybody to "+
				"the page", name)
		}
	}
}

// consoleFiles reads the certificates of the page.
func (l *loader) consoleFiles(v *schema.Value) {
	cert, key := v.Get("cert_file"), v.Get("key_file")
	if !cert.IsSet() || !key.IsSet() {
		l.errorAt(v, "add cert_file and key_file", "the page over TLS needs a certificate and its key")
		return
	}
	l.cfg.Console.TLS = l.serverFiles(v)
}
