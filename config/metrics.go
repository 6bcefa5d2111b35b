package config

import (
	"errors"
	"net"
	"net/netip"
	"strconv"

	"github.com/ringback/ringback/schema"
)

// Metrics configures the listener for Prometheus and load balancers.
type Metrics struct {
	Listen string // host:port, port 0: the system chooses one; "": nobody is served
}

var metricsKeys = []schema.Key{
	{Name: "listen", Check: checkMetricsListen, Example: "127.0.0.1:9823",
		Doc: "Address and port for `GET /metrics` (Prometheus), `/healthz` and `/readyz`; port 0: one that the " +
			"system chooses and the log names. Default: none. Everyone who reaches it can read, without a password, " +
			"the names of servers, lists, groups and pools and how much is going on, but no users and numbers."},
}

func checkMetricsListen(s string) error {
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
	if c.Listen == "" || l.broken("metrics") {
		return
	}
	if host, _, _ := net.SplitHostPort(c.Listen); !loopback(host) {
		l.warnAt(l.v.Get("metrics", "listen"), "write 127.0.0.1, or use a network of its own for monitoring",
			"%s can be read by everyone who reaches it, and on the way", c.Listen)
	}
}

// loopback reports whether only this machine reaches a host.
func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}
