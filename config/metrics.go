package config

import (
	"errors"
	"net"
	"net/netip"
	"strconv"

	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/schema"
)

// Metrics configures the listener for Prometheus and load balancers.
type Metrics struct {
	Listen string             // host:port, port 0: the system chooses one; "": nobody is served
	TLS    *certs.ServerFiles // nil: plain HTTP
}

var metricsKeys = []schema.Key{
	{Name: "listen", Check: checkAnyListen, Example: "127.0.0.1:9823",
		Doc: "Address and port for `GET /metrics` (Prometheus), `/healthz` and `/readyz`; port 0: one that the " +
			"system chooses and the log names. Default: none. Everyone who reaches it can read, without a password, " +
			"the names of servers, lists, groups and pools and how much is going on, but no users and numbers."},
	{Name: "tls", Type: schema.Object, Reload: schema.AtOnce,
		Doc: "Certificates for `listen`, which then speaks HTTPS only; a reload reads the files again, and a restart " +
			"begins or ends HTTPS. Default: plain HTTP.", Keys: []schema.Key{
			{Name: "cert_file", Check: checkFileName, Example: "metrics.crt",
				Doc: "Certificate of the daemon, in PEM."},
			{Name: "key_file", Check: checkFileName, Example: "metrics.key", Doc: "Its key, in PEM."},
			{Name: "client_ca_file", Check: checkFileName, Example: "monitoring-ca.crt",
				Doc: "Certificates of the authorities that sign those of the clients, in PEM: all that they have " +
					"signed are served. Default: clients need no certificate."},
		}},
}

func checkAnyListen(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New("must be HOST:PORT, such as 127.0.0.1:9823")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("the port must be a number from 0 to 65535")
	}
	return nil
}

// metrics reads `metrics`.
func (l *loader) metrics() {
	c := &l.cfg.Metrics
	c.Listen = l.text("metrics.listen")
	v := l.v.Get("metrics", "tls")
	cert, key, ca := v.Get("cert_file").IsSet(), v.Get("key_file").IsSet(), v.Get("client_ca_file").IsSet()
	switch {
	case l.broken("metrics"):
		return
	case c.Listen == "" && v.IsSet():
		l.warnAt(v, "add metrics.listen: 127.0.0.1:9823, or remove it", "certificates without an address for clients")
	case c.Listen == "":
	case cert && key:
		files := l.serverFiles(v)
		c.TLS = &files
	case v.IsSet():
		l.errorAt(v, "add metrics.tls: {cert_file: metrics.crt, key_file: metrics.key}",
			"tls: set cert_file and key_file")
	}
	if host, _, _ := net.SplitHostPort(c.Listen); c.Listen != "" && !Loopback(host) && !ca {
		l.warnAt(l.v.Get("metrics", "listen"), "write 127.0.0.1, set tls with client_ca_file, or use a network of its "+
			"own for monitoring", "%s can be read by everyone who reaches it%s", c.Listen,
			map[bool]string{false: ", and on the way"}[c.TLS != nil])
	}
}

// Loopback reports whether only this machine reaches a host.
func Loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}
