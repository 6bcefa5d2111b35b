package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ringback/ringback/aaa/load"
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
	fl.StringVar(&f.protocol, "protocol", load.ProtocolRADIUS, "of --address: radius or tacacs")
	fl.DurationVar(&f.timeout, "timeout", 0, "of --address: before the first retransmission of RADIUS (2s), or for an answer of TACACS+ (5s)")
	fl.IntVar(&f.retries, "retries", 3, "of --address: retransmissions (RADIUS)")
	fl.StringVar(&f.messageAuthenticator, "message-authenticator", radius.Require, "of --address: what replies must carry: require, auto or off (RADIUS)")
	fl.BoolVar(&f.insecure, "insecure", false, "of --address: take a secret of less than 16 octets")
}

func (f *loadServerFlags) check() error {
	switch {
	case f.address == "" && f.secret != "":
		return errors.New("--secret-file is for --address; a server of the configuration has its own")
	case f.address != "" && f.server != "":
		return errors.New("either --server, out of the configuration, or --address")
	case f.address != "" && f.secret == "":
		return errors.New("--address needs --secret-file (make one: openssl rand -base64 24)")
	case f.protocol != load.ProtocolRADIUS && f.protocol != load.ProtocolTACACS:
		return fmt.Errorf("--protocol %s: there are radius and tacacs", f.protocol)
	case f.timeout < 0 || f.retries < 0:
		return errors.New("--timeout and --retries are not negative")
	}
	return nil
}

// target makes the client of the one server. Problems of a configuration go to stderr.
func (f *loadServerFlags) target(stderr io.Writer) (*load.Target, error) {
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
	if f.protocol == load.ProtocolTACACS {
		return load.TACACS(tacplus.Config{}, tacplus.ServerConfig{Address: f.address, Secret: secret, Timeout: f.timeout, SingleConnection: true, Insecure: true})
	}
	retries := f.retries
	if retries == 0 {
		retries = -1 // to the client zero is its default
	}
	return load.RADIUS(radius.Config{}, radius.ServerConfig{
		Address: f.address, Secret: secret, Timeout: f.timeout, Retries: retries, MessageAuthenticator: f.messageAuthenticator,
	})
}

// configured finds the server in the configuration.
func (f *loadServerFlags) configured(stderr io.Writer) (*load.Target, error) {
	cfg, problems := config.Load(f.config, nil)
	if cfg == nil {
		printProblems(stderr, problems)
		return nil, exitStatus(1)
	}
	targets := map[string]func() (*load.Target, error){}
	for _, s := range cfg.RADIUS.Servers {
		targets[s.Name] = func() (*load.Target, error) { return load.RADIUS(cfg.RADIUS, s) }
	}
	for _, s := range cfg.TACACS.Servers {
		targets[s.Name] = func() (*load.Target, error) { return load.TACACS(cfg.TACACS, s) }
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
