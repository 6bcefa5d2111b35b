package config

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/schema"
)

// DynamicAuthor configures the clients that may end sessions and callbacks, and the port for their requests
// (RFC 5176).
type DynamicAuthor struct {
	Listen  string // host:port
	Clients []DynamicClient
	Window  time.Duration // maximum difference between Event-Timestamp and the local clock
}

// DynamicClient is a client that may send requests.
type DynamicClient struct {
	Source netip.Prefix
	Secret aaa.Secret
}

func (l *loader) dynamicAuthor() {
	v := l.v.Get("aaa", "dynamic_author")
	if !v.IsSet() {
		return
	}
	d := &DynamicAuthor{Listen: v.Get("listen").Text(),
		Window: or(v, schema.Defaults(dynamicAuthorKeys), "window").Duration()}
	if _, _, err := net.SplitHostPort(d.Listen); err != nil && d.Listen != "" {
		d.Listen = net.JoinHostPort(d.Listen, "3799")
	}
	clients := v.Get("clients")
	if len(clients.Items()) == 0 && clients.IsSet() {
		l.errorAt(clients, "write [{source: 192.0.2.1, secret_file: coa.secret}]", "no client is allowed")
	}
	for _, c := range clients.Items() {
		source, err := prefix(c.Get("source").Text())
		if err != nil {
			continue // reported by the table
		}
		if slices.ContainsFunc(d.Clients, func(c DynamicClient) bool { return c.Source == source }) {
			l.errorAt(c.Get("source"), "keep one of them", "%s is listed twice", source)
		}
		if source.Bits() == 0 {
			l.warnAt(c.Get("source"), "write the address of your server",
				"any host that knows the secret may end sessions")
		}
		file := c.Get("secret_file")
		if !file.IsSet() {
			continue
		}
		secret, ok := l.secret(file)
		if !ok {
			continue
		}
		l.secretLength(file, len(secret), c.Get("insecure").Bool(false), "RFC 2865")
		d.Clients = append(d.Clients, DynamicClient{source, secret})
		sum := sha256.Sum256([]byte(secret))
		l.named[clients.Path] += hex.EncodeToString(sum[:])
	}
	l.cfg.DynamicAuthor = d
}
