package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/config"
)

// loadServerFlags say which server `aaa load` asks.
type loadServerFlags struct {
	config, server       string
	address, secret      string
	protocol             string
	timeout              time.Duration
	retries              int
	messageAuthenticator string
	insecure             bool
}

func (f *loadServerFlags) add(fl *pflag.FlagSet) {
	fl.StringVarP(&f.config, "config", "c", "/etc/ringback/ringback.yaml", "the configuration file whose server is asked")
	fl.StringVar(&f.server, "server", "", "its name in the configuration (default: the only one there)")
	fl.StringVar(&f.address, "address", "", "a server that no configuration has: host or host:port")
	fl.StringVar(&f.secret, "secret-file", "", "file with the secret shared with it, alone")
	fl.StringVar(&f.protocol, "protocol", "radius", "of --address: radius or tacacs")
	fl.DurationVar(&f.timeout, "timeout", 0, "of --address: before the first retransmission of RADIUS (2s), or for an answer of TACACS+ (5s)")
	fl.IntVar(&f.retries, "retries", 3, "of --address: retransmissions (RADIUS)")
	fl.StringVar(&f.messageAuthenticator, "message-authenticator", radius.Require, "of --address: what replies must carry: require, auto or off (RADIUS)")
	fl.BoolVar(&f.insecure, "insecure", false, "of --address: take a secret of less than 16 octets")
}

var loadProtocols = []string{"radius"}

func (f *loadServerFlags) check() error {
	switch {
	case f.address == "" && f.secret != "":
		return errors.New("--secret-file is for --address; a server of the configuration has its own")
	case f.address != "" && f.server != "":
		return errors.New("either --server, out of the configuration, or --address")
	case f.address != "" && f.secret == "":
		return errors.New("--address needs --secret-file (make one: openssl rand -base64 24)")
	case !slices.Contains(loadProtocols, f.protocol):
		return fmt.Errorf("--protocol %s: there are %s", f.protocol, strings.Join(loadProtocols, " and "))
	case f.timeout < 0 || f.retries < 0:
		return errors.New("--timeout and --retries are not negative")
	}
	return nil
}

// loadTarget is one server as a login method. Whoever has it closes it.
type loadTarget struct {
	aaa.Method
	io.Closer
	protocol, server string
	dropped          func() uint64 // datagrams that were no authentic reply
}

// target makes the client of the one server. Problems of a configuration go to stderr.
func (f *loadServerFlags) target(stderr io.Writer) (*loadTarget, error) {
	if f.address == "" {
		return f.configured(stderr)
	}
	secret, err := readSecretFile(f.secret)
	if err != nil {
		return nil, err
	}
	if len(secret) < 16 && !f.insecure {
		return nil, fmt.Errorf("%s: the secret has %d octets, and RFC 2865 wants 16 or more (make one: openssl rand -base64 24; or --insecure)", f.secret, len(secret))
	}
	retries := f.retries
	if retries == 0 {
		retries = -1 // to the client zero is its default
	}
	return radiusTarget(radius.Config{}, radius.ServerConfig{
		Address: f.address, Secret: secret, Timeout: f.timeout, Retries: retries, MessageAuthenticator: f.messageAuthenticator,
	})
}

// configured finds the server in the configuration.
func (f *loadServerFlags) configured(stderr io.Writer) (*loadTarget, error) {
	cfg, problems := config.Load(f.config, nil)
	if cfg == nil {
		printProblems(stderr, problems)
		return nil, exitStatus(1)
	}
	var names []string
	for _, s := range cfg.RADIUS.Servers {
		if names = append(names, s.Name); s.Name == f.server || f.server == "" && len(cfg.RADIUS.Servers) == 1 {
			return radiusTarget(cfg.RADIUS, s)
		}
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("%s has no AAA server (aaa.radius); name one with --address", f.config)
	case f.server == "":
		return nil, fmt.Errorf("%s has several servers: which --server? There are %s", f.config, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("%s has no server %q: there are %s", f.config, f.server, strings.Join(names, ", "))
}

// radiusTarget is a client of s alone.
func radiusTarget(c radius.Config, s radius.ServerConfig) (*loadTarget, error) {
	c.Servers, c.Trace = []radius.ServerConfig{s}, nil
	client, err := radius.New(c)
	if err != nil {
		return nil, err
	}
	name := s.Name
	if name == "" {
		name = s.Address
	}
	return &loadTarget{Method: client, Closer: client, protocol: "radius", server: name, dropped: client.Dropped}, nil
}
