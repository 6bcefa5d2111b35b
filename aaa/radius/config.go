// Package radius is the client of RADIUS servers (RFC 2865, 2866, 2869): the login method and accountant "radius". It has its own
// transport and its own authenticators; packets and attributes are layeh.com/radius's. What a reply's attributes grant stands in one
// table, in table.go. It decides nothing about callbacks: that is what the policies do with the aaa.Authorization.
package radius

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/ringback/ringback/aaa"
)

// What is demanded of a reply's Message-Authenticator. A wrong or doubled one is never taken.
const (
	Require = "require" // Accept, Reject and Challenge must carry it
	Auto    = "auto"    // as off, until the server has sent a good one; from then on as require
	Off     = "off"     // a reply without it is taken: open to forgery by who stands on the way (CVE-2024-3596)
)

// ServerConfig is one RADIUS server.
type ServerConfig struct {
	Name                 string        // for people and for aaa.Result.Server; "" is Address
	Address              string        // host:port of authentication; without port 1812
	Accounting           string        // host:port of accounting, without port 1813; "" does no accounting
	Secret               aaa.Secret    // shared secret; 16 octets or more (RFC 2865 §3)
	Timeout              time.Duration // before the first retransmission; 0 is 2 s. Each further wait doubles, up to twice Timeout
	Retries              int           // retransmissions after the first; 0 is 3, negative none
	MessageAuthenticator string        // Require, Auto or Off; "" is Require
	Source               string        // local address, IP or IP:port; "" the system's choice
}

// Config is a group of servers, asked in order.
type Config struct {
	Name          string // the method-list entry; "" is "radius"
	Servers       []ServerConfig
	NASIdentifier string        // NAS-Identifier; "" sends none
	NASAddress    netip.Addr    // NAS-IP-Address or NAS-IPv6-Address; the zero Addr is the socket's own address
	DeadTime      time.Duration // how long a silent server is passed over while another is not; 0 is 30 s

	// Dial opens the connected datagram socket; nil is net.Dialer. Each Write must be one datagram, and each Read.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Trace, where set, is called with each packet sent and taken, its secrets masked. It must not block.
	Trace func(Event)
}

// Event is one packet or remark for `debug aaa` and `aaa test`.
type Event struct {
	Server string   // its name
	Sent   bool     // by us
	What   string   // "Access-Request id 7", "no answer in 2.1s, sending again"
	Lines  []string // its attributes, as Describe has them
}

func (s ServerConfig) withDefaults() ServerConfig {
	if s.Name == "" {
		s.Name = s.Address
	}
	if s.Timeout <= 0 {
		s.Timeout = 2 * time.Second
	}
	switch {
	case s.Retries == 0:
		s.Retries = 3
	case s.Retries < 0:
		s.Retries = 0
	}
	if s.MessageAuthenticator == "" {
		s.MessageAuthenticator = Require
	}
	s.Address = withPort(s.Address, "1812")
	if s.Accounting != "" {
		s.Accounting = withPort(s.Accounting, "1813")
	}
	return s
}

func withPort(address, port string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(address, port)
}

// Check says what cannot work in s; nil where all can.
func (s ServerConfig) Check() error {
	var errs []error
	if s.Address == "" {
		errs = append(errs, errors.New("no address"))
	}
	if s.Secret == "" {
		errs = append(errs, errors.New("no secret (an empty one is forbidden by RFC 2865 §3)"))
	}
	switch s.MessageAuthenticator {
	case "", Require, Auto, Off:
	default:
		errs = append(errs, fmt.Errorf("message_authenticator %q: not require, auto or off", s.MessageAuthenticator))
	}
	if _, err := s.localAddr(); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("radius server %s: %w", s.withDefaults().Name, err)
	}
	return nil
}

// Warnings has what works but should not stay so.
func (s ServerConfig) Warnings() []string {
	var w []string
	name := s.withDefaults().Name
	if n := len(s.Secret); n < 16 {
		w = append(w, fmt.Sprintf("radius server %s: a secret of %d octets can be guessed; use 24 random ones or more", name, n))
	}
	if s.MessageAuthenticator == Off {
		w = append(w, fmt.Sprintf("radius server %s: message_authenticator is off, so that replies can be forged by who stands on the way (CVE-2024-3596)", name))
	}
	return w
}

func (s ServerConfig) localAddr() (*net.UDPAddr, error) {
	if s.Source == "" {
		return nil, nil
	}
	if ip, err := netip.ParseAddr(s.Source); err == nil {
		return net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)), nil
	}
	ap, err := netip.ParseAddrPort(s.Source)
	if err != nil {
		return nil, fmt.Errorf("source %q: not an IP address, nor one with a port", s.Source)
	}
	return net.UDPAddrFromAddrPort(ap), nil
}
