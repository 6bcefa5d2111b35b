package config

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
)

func cut(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

var (
	braces      = regexp.MustCompile(`\{[^{}]*\}?`)
	placeholder = regexp.MustCompile(`^\{(?:([0-9]{1,9})\+)?(tty|n)\}$`)
)

// expand fills in the template of a port: {tty} is the line's number, {n} its index in the range from 0,
// {7000+n} and {7000+tty} the sums.
func expand(template string, tty, n int) (string, error) {
	if !hasPlaceholder(template) {
		return template, nil
	}
	var bad error
	out := braces.ReplaceAllStringFunc(template, func(s string) string {
		m := placeholder.FindStringSubmatch(s)
		if m == nil {
			bad = fmt.Errorf("%q is not a placeholder: use {tty}, {n} (from 0), {7000+n} or {7000+tty}", cut(s))
			return s
		}
		v := n
		if m[2] == "tty" {
			v = tty
		}
		base, _ := strconv.Atoi("0" + m[1])
		return strconv.Itoa(base + v)
	})
	return out, bad
}

func hasPlaceholder(template string) bool { return strings.Contains(template, "{") }

// checkHostPort accepts host, host:port and [v6]:port.
func checkHostPort(s string) error {
	host := s
	if h, p, err := net.SplitHostPort(s); err == nil {
		host = h
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("%q is not a port number (1 to 65535)", cut(p))
		}
	}
	if host == "" {
		return errors.New("the host is missing (write 192.0.2.1:1812)")
	}
	for _, r := range host {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)
		if !letter && !(net.ParseIP(host) != nil && r == ':') {
			return fmt.Errorf("%q is not allowed in a host (write 192.0.2.1:1812)", r)
		}
	}
	return nil
}
