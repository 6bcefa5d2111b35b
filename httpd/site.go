package httpd

import (
	"net"
	"net/url"
	"strings"
)

// HostOf returns the name or address in a Host header, without its port and without the brackets of an IPv6 address.
func HostOf(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		return host
	}
	return strings.Trim(header, "[]")
}

// SameOrigin reports whether an Origin header (RFC 6454) names the host and port of the Host header of its request.
func SameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}
