// Package radius is a client for RADIUS servers (RFC 2865, 2866, 2869) over UDP or TLS (RFC 6614, RFC 9765): the login
// method and accountant "radius". It implements the transport and the authenticators itself; the packet and attribute
// types are those of layeh.com/radius. Tables, described in table.go, define what a reply's attributes grant. The
// package decides nothing about callbacks: the policies do, based on the aaa.Authorization.
package radius

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/certs"
)

// Whether a reply must carry a Message-Authenticator. A wrong or duplicate one is never accepted.
const (
	Require = "require" // Accept, Reject and Challenge must carry it
	Auto    = "auto"    // as off, until the server sends a valid one; from then on as require
	Off     = "off"     // a reply without it is accepted: an on-path attacker can forge replies (CVE-2024-3596)
)

// How a server is reached. There is no fallback from one to the other.
const (
	UDP = "udp"
	TLS = "tls" // RadSec (RFC 6614), and RADIUS/1.1 (RFC 9765) if both sides support it
)

// Whether RADIUS/1.1 (RFC 9765) is used over TLS.
const (
	RADIUS11Allow   = "allow"   // if the server supports it; the RFC's default
	RADIUS11Require = "require" // a connection without it is closed
	RADIUS11Off     = "off"     // RADIUS/1.0 only
)

// When Status-Server (RFC 5997) is sent.
const (
	StatusOn = "on" // a dead server is asked again only after it has answered Status-Server
	// a dead server is probed; if it has never answered Status-Server, requests probe it too after the dead time
	StatusAuto = "auto"
	StatusOff  = "off" // requests probe a dead server after the dead time
)

// TLSConfig configures TLS for a RadSec server. New reads the files.
type TLSConfig struct {
	certs.Files // with MinTLS12, without RADIUS/1.1
	// RADIUS11Allow, RADIUS11Require or RADIUS11Off; "" is RADIUS11Allow, or RADIUS11Off with MinTLS12
	RADIUS11 string
}

// ServerConfig is one RADIUS server.
type ServerConfig struct {
	Name      string // for people and for aaa.Result.Server; "" is Address
	Transport string // UDP or TLS; "" is UDP
	Address   string // host:port for authentication; the default port is 1812, over TLS 2083
	// host:port for accounting; the default port is 1813, over TLS 2083; "": no accounting. Over TLS, if it is the same
	// as Address, both use the same connection
	Accounting string
	// shared secret; 16 octets or more (RFC 2865 §3). Over TLS, "" is "radsec" (RFC 6614 §2.3)
	Secret       aaa.Secret
	Insecure     bool       // allows a shorter secret
	TLS          *TLSConfig // for Transport TLS; nil is the zero TLSConfig
	StatusServer string     // StatusOn, StatusAuto or StatusOff; "" is StatusAuto, over TLS StatusOn
	// time before the first retransmission; 0 is 2 s. Each further wait doubles, up to twice Timeout
	Timeout time.Duration
	Retries int // retransmissions after the first; 0 is 3, negative none
	// Require, Auto or Off; "" is Require. Over TLS it is not required, because TLS replaces it (RFC 6614 §2.4), but it
	// is checked if present
	MessageAuthenticator string
	Source               string // local address, IP or IP:port; "": chosen by the system
	// dialects in addition to RFC and vendor attributes: DialectAscend, DialectCisco
	Dialects    []string
	ClassGroups bool // its Class names a group of users (see Dialects.ClassGroups)
	// SeveralNumbers: it may send several Callback-Number (see Dialects.SeveralNumbers)
	SeveralNumbers bool
}

// Config is a group of servers, asked in order or balanced.
type Config struct {
	Name    string // the method-list entry; "" is "radius"
	Servers []ServerConfig
	// ask the server with the fewest requests in flight first, and servers with equal numbers in turn; otherwise ask in
	// order
	Balance       bool
	NASIdentifier string     // NAS-Identifier; "": none is sent
	NASAddress    netip.Addr // NAS-IP-Address or NAS-IPv6-Address; the zero Addr: the socket's local address
	// how long a silent server is skipped if another is available; 0 is 30 s. Answers to Status-Server may shorten or
	// extend it
	DeadTime time.Duration
	// interval between Status-Server packets to a suspect server, and on an idle connection (Tw of RFC 3539 §3.4.1); 0
	// is 30 s, less than 6 s is 6 s
	Watchdog time.Duration
	// the client that this one replaces. The new client inherits what it knows about the health of the same servers and
	// whether they sign. It is not closed
	From *Client

	// Dial opens the connected datagram socket; nil is net.Dialer. Each Write must be one datagram, and each Read.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Trace, if set, is called for each packet sent or received, with secrets masked. It must not block.
	Trace func(Event)
	// Traced, if not nil, reports whether anyone reads the trace of such an exchange at the moment; if not, its packets
	// are not described.
	Traced func(aaa.About) bool
	// Observe, if not nil, is called with each exchange with a server. It must not block.
	Observe func(aaa.Exchange)
}

// Event is one packet or remark for `debug aaa` and `aaa test`.
type Event struct {
	Server string // its name
	Sent   bool   // by us
	Remark bool   // not a packet, but what happened to a packet or the server
	About  aaa.About
	What   string   // "Access-Request id 7", "no answer in 2.1s, sending again"
	Lines  []string // its attributes, as FreeRADIUS writes them
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "radius"
	}
	if c.DeadTime <= 0 {
		c.DeadTime = 30 * time.Second
	}
	if c.Watchdog <= 0 {
		c.Watchdog = 30 * time.Second
	}
	c.Watchdog = max(c.Watchdog, 6*time.Second)
	return c
}

func (s ServerConfig) withDefaults() ServerConfig {
	if s.Name == "" {
		s.Name = s.Address
	}
	if s.Transport == "" {
		s.Transport = UDP
	}
	if s.StatusServer == "" {
		s.StatusServer = StatusAuto
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
	auth, acct := "1812", "1813"
	if s.Transport == TLS {
		auth, acct = "2083", "2083"
		s = s.withTLS()
	}
	s.Address = withPort(s.Address, auth)
	if s.Accounting != "" {
		s.Accounting = withPort(s.Accounting, acct)
	}
	return s
}

func (s ServerConfig) withTLS() ServerConfig {
	var t TLSConfig
	if s.TLS != nil {
		t = *s.TLS
	}
	t = t.withDefaults()
	s.TLS = &t
	if s.Secret == "" {
		s.Secret = radsecSecret
	}
	return s
}

func withPort(address, port string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(address, port)
}

// Check returns an error that joins all invalid settings of s.
func (s ServerConfig) Check() error {
	var errs []error
	if s.Address == "" {
		errs = append(errs, errors.New("no address"))
	}
	switch s.Transport {
	case "", UDP:
		errs = append(errs, s.checkSecret())
	case TLS:
		if s.TLS != nil {
			errs = append(errs, s.TLS.check())
		}
	default:
		errs = append(errs, fmt.Errorf("unknown transport %q (use udp or tls)", s.Transport))
	}
	switch s.StatusServer {
	case "", StatusOn, StatusAuto, StatusOff:
	default:
		errs = append(errs, fmt.Errorf("unknown status_server %q (use on, auto or off)", s.StatusServer))
	}
	switch s.MessageAuthenticator {
	case "", Require, Auto, Off:
	default:
		errs = append(errs, fmt.Errorf("unknown message_authenticator %q (use require, auto or off)",
			s.MessageAuthenticator))
	}
	if err := checkDialects(s.Dialects); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, s.checkSource())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("radius server %s: %w", s.withDefaults().Name, err)
	}
	return nil
}

// minSecret is RFC 2865 §3's "at least 16 octets".
const minSecret = 16

func (s ServerConfig) checkSecret() error {
	switch {
	case s.Secret == "":
		return errors.New("no secret (RFC 2865 §3 forbids an empty one)")
	case len(s.Secret) < minSecret && !s.Insecure:
		return fmt.Errorf("secret of %d octets: RFC 2865 §3 requires at least %d (create one with openssl rand "+
			"-base64 24, or set insecure: true)", len(s.Secret), minSecret)
	}
	return nil
}

// checkSource returns an error if Source cannot reach the server. It accepts a server name, which may have addresses of
// both families.
func (s ServerConfig) checkSource() error {
	local, err := s.localAddr()
	if err != nil || local == nil {
		return err
	}
	host, _, err := net.SplitHostPort(withPort(s.Address, "0"))
	if err != nil {
		return nil
	}
	remote, err := netip.ParseAddr(host)
	if source := local.AddrPort().Addr(); err == nil && remote.Unmap().Is4() != source.Unmap().Is4() {
		return fmt.Errorf("source %s cannot reach address %s: one is IPv4, the other IPv6", source, remote)
	}
	return nil
}

// Warnings describes settings that work but are not recommended.
func (s ServerConfig) Warnings() []string {
	var w []string
	name := s.withDefaults().Name
	switch {
	case s.Transport == TLS:
		return append(w, s.withTLS().TLS.warnings(name)...)
	case len(s.Secret) < minSecret:
		w = append(w, fmt.Sprintf("radius server %s: a secret of %d octets can be guessed; use 24 or more "+
			"random octets", name, len(s.Secret)))
	}
	if s.MessageAuthenticator == Off {
		w = append(w, fmt.Sprintf("radius server %s: message_authenticator is off, so replies can be forged by an "+
			"on-path attacker (CVE-2024-3596)", name))
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
		return nil, fmt.Errorf("source %q: expected IP or IP:port", s.Source)
	}
	return net.UDPAddrFromAddrPort(ap), nil
}
