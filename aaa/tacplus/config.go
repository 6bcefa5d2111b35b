// Package tacplus is the client of TACACS+ servers (RFC 8907, over TLS RFC 9887): the login and enable method,
// authorizer and accountant "tacacs". It implements the protocol itself; its tests compare its packets with tacquito's.
// What an authorization grants is defined in one table, in aaa/pairs. The package decides nothing about callbacks: the
// policies do, with the aaa.Authorization.
package tacplus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/certs"
)

// How EXEC logins are authenticated.
const (
	ASCII = "ascii" // as a conversation: the server asks for what it needs, also for one-time passwords
	PAP   = "pap"   // user name and password in one packet
)

// minSecret is the length of the shortest accepted secret, in octets (RFC 8907 §10.5.1).
const minSecret = 16

// Config lists the servers, asked in order, and says how they are asked.
type Config struct {
	Name           string // the method-list entry of all servers; "" is "tacacs"
	Servers        []ServerConfig
	Authentication string // of EXEC logins: ASCII or PAP; "" is ASCII
	// user field of accounting-on and -off; "" none. tacquito rejects a record without a user that it knows
	SystemUser string
	DeadTime   time.Duration // how long a silent server is skipped while another is not; 0 is 30 s
	// how long a conversation waits for the caller's answer before it is aborted; 0 is 2 minutes
	Patience time.Duration

	// From is the Client that this one replaces after a reload: the health of a server with the same name and address
	// is kept. nil: no health is known.
	From *Client
	// Dial opens a TCP connection; nil is net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Trace, if not nil, is called with each packet sent and received, secrets masked. It must not block.
	Trace func(Event)
	// Traced, if not nil, reports whether anyone reads the trace of such an exchange at the moment; if not, its packets
	// are not described.
	Traced func(aaa.About) bool
	// Observe, if not nil, is called with each exchange with a server. It must not block.
	Observe func(aaa.Exchange)
}

// ServerConfig is one TACACS+ server.
type ServerConfig struct {
	Name    string // for people and for aaa.Result.Server; "" is Address
	Address string // host:port; without port 49, over TLS 300
	// obfuscates the packets; 16 octets or more. Not used over TLS (RFC 9887 §4)
	Secret           aaa.Secret
	Timeout          time.Duration // for the connection, for its TLS, and for each answer; 0 is 5 s
	SingleConnection bool          // asks the server to carry all sessions over one connection (RFC 8907 §4.3)
	// TLS 1.3 (RFC 9887); nil is plain TCP. The client never falls back from one to the other
	TLS      *certs.Files
	Insecure bool // allow a shorter secret
}

// Event is one packet or remark for `debug aaa` and `aaa test`.
type Event struct {
	Server string // its name
	Sent   bool   // sent by this client
	Remark bool   // no packet: the outcome of one, or a change of the server
	About  aaa.About
	What   string   // "Authentication START, sequence 1", "no answer in 5s"
	Lines  []string // its fields, secrets masked
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "tacacs"
	}
	if c.Authentication == "" {
		c.Authentication = ASCII
	}
	if c.DeadTime <= 0 {
		c.DeadTime = 30 * time.Second
	}
	if c.Patience <= 0 {
		c.Patience = 2 * time.Minute
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	return c
}

func (s ServerConfig) withDefaults() ServerConfig {
	if s.Name == "" {
		s.Name = s.Address
	}
	if s.Timeout <= 0 {
		s.Timeout = 5 * time.Second
	}
	port := "49"
	if s.TLS != nil {
		port = "300"
	}
	if _, _, err := net.SplitHostPort(s.Address); err != nil {
		s.Address = net.JoinHostPort(s.Address, port)
	}
	return s
}

// Check returns what cannot work in s, or nil. It reads no file.
func (s ServerConfig) Check() error {
	var errs []error
	if s.Address == "" {
		errs = append(errs, errors.New("no address"))
	}
	switch {
	case s.TLS != nil && s.Secret != "":
		errs = append(errs, errors.New("both a secret and TLS: TLS has no obfuscation (RFC 9887 §4); remove "+
			"the secret"))
	case s.TLS == nil && s.Secret == "":
		errs = append(errs, errors.New("neither a secret nor TLS: passwords would be sent in the clear"))
	case s.TLS == nil && len(s.Secret) < minSecret && !s.Insecure:
		errs = append(errs, fmt.Errorf("a secret of %d octets can be guessed: use %d or more random octets, or set "+
			"insecure: true", len(s.Secret), minSecret))
	}
	if s.TLS != nil {
		errs = append(errs, s.TLS.Check())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("tacacs server %s: %w", s.withDefaults().Name, err)
	}
	return nil
}

// Warnings lists settings that work but are not secure.
func (s ServerConfig) Warnings() []string {
	var w []string
	name := s.withDefaults().Name
	if s.TLS == nil && len(s.Secret) < minSecret {
		w = append(w, fmt.Sprintf("tacacs server %s: a secret of %d octets can be guessed; use %d or more "+
			"random octets", name, len(s.Secret), minSecret))
	}
	if s.TLS == nil {
		w = append(w, fmt.Sprintf("tacacs server %s: obfuscation with a secret is not encryption (RFC 8907 §10.1); "+
			"use TLS or a trusted network", name))
	}
	if s.TLS != nil && s.TLS.CertFile == "" {
		w = append(w, fmt.Sprintf("tacacs server %s: no tls.cert_file: servers that follow RFC 9887 §3.4 require a "+
			"client certificate", name))
	}
	return w
}
