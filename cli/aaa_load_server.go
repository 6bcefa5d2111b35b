package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/aaa/tacplus"
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
	fl.StringVar(&f.protocol, "protocol", protoRADIUS, "of --address: radius or tacacs")
	fl.DurationVar(&f.timeout, "timeout", 0, "of --address: before the first retransmission of RADIUS (2s), or for an answer of TACACS+ (5s)")
	fl.IntVar(&f.retries, "retries", 3, "of --address: retransmissions (RADIUS)")
	fl.StringVar(&f.messageAuthenticator, "message-authenticator", radius.Require, "of --address: what replies must carry: require, auto or off (RADIUS)")
	fl.BoolVar(&f.insecure, "insecure", false, "of --address: take a secret of less than 16 octets")
}

// The protocols of AAA servers.
const (
	protoRADIUS = "radius"
	protoTACACS = "tacacs"
)

func (f *loadServerFlags) check() error {
	switch {
	case f.address == "" && f.secret != "":
		return errors.New("--secret-file is for --address; a server of the configuration has its own")
	case f.address != "" && f.server != "":
		return errors.New("either --server, out of the configuration, or --address")
	case f.address != "" && f.secret == "":
		return errors.New("--address needs --secret-file (make one: openssl rand -base64 24)")
	case f.protocol != protoRADIUS && f.protocol != protoTACACS:
		return fmt.Errorf("--protocol %s: there are radius and tacacs", f.protocol)
	case f.timeout < 0 || f.retries < 0:
		return errors.New("--timeout and --retries are not negative")
	}
	return nil
}

// loadTarget is one server that logs users in. Whoever has it closes it.
type loadTarget struct {
	loginMethod
	io.Closer
	protocol, server string
	dropped          func() uint64 // datagrams that were no authentic reply; nil: there are none
}

// loginMethod logs users in: an aaa.Method, or an aaa.Login where what they may have is asked apart.
type loginMethod interface {
	Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result)
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
		return nil, fmt.Errorf("%s: the secret has %d octets: take 16 or more (make one: openssl rand -base64 24; or --insecure)", f.secret, len(secret))
	}
	if f.protocol == protoTACACS {
		return tacacsTarget(tacplus.Config{}, tacplus.ServerConfig{Address: f.address, Secret: secret, Timeout: f.timeout, SingleConnection: true, Insecure: true})
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
	targets := map[string]func() (*loadTarget, error){}
	for _, s := range cfg.RADIUS.Servers {
		targets[s.Name] = func() (*loadTarget, error) { return radiusTarget(cfg.RADIUS, s) }
	}
	for _, s := range cfg.TACACS.Servers {
		targets[s.Name] = func() (*loadTarget, error) { return tacacsTarget(cfg.TACACS, s) }
	}
	names := slices.Sorted(maps.Keys(targets))
	name := f.server
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	target, ok := targets[name]
	switch {
	case ok:
		return target()
	case len(names) == 0:
		return nil, fmt.Errorf("%s has no AAA server (aaa.radius, aaa.tacacs); name one with --address", f.config)
	case name == "":
		return nil, fmt.Errorf("%s has several servers: which --server? There are %s", f.config, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("%s has no server %q: there are %s", f.config, name, strings.Join(names, ", "))
}

// radiusTarget is a client of s alone.
func radiusTarget(c radius.Config, s radius.ServerConfig) (*loadTarget, error) {
	c.Servers, c.Trace = []radius.ServerConfig{s}, nil
	client, err := radius.New(c)
	if err != nil {
		return nil, err
	}
	return &loadTarget{loginMethod: client, Closer: client, protocol: protoRADIUS, server: nameOf(s.Name, s.Address), dropped: client.Dropped}, nil
}

// tacacsTarget is a client of s alone. A login is what it is to the daemon: authentication, then the authorization of an EXEC.
func tacacsTarget(c tacplus.Config, s tacplus.ServerConfig) (*loadTarget, error) {
	c.Servers, c.Trace = []tacplus.ServerConfig{s}, nil
	client, err := tacplus.New(c)
	if err != nil {
		return nil, err
	}
	login := aaa.Login{Authentication: aaa.Lists{aaa.EXEC: {Name: "load", Entries: []aaa.Method{client}}}}
	return &loadTarget{loginMethod: login, Closer: client, protocol: protoTACACS, server: nameOf(s.Name, s.Address)}, nil
}

func nameOf(name, address string) string {
	if name == "" {
		return address
	}
	return name
}
