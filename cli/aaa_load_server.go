package cli

import (
	"context"
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

// loadServerFlags are the flags of `aaa load` that select the server.
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
	fl.StringVarP(&f.config, "config", "c", "/etc/ringback/ringback.yaml", "configuration file that names the server")
	fl.StringVar(&f.server, "server", "", "name of the server in the configuration (default: the only one)")
	fl.StringVar(&f.address, "address", "", "server that is not in a configuration: host or host:port")
	fl.StringVar(&f.secret, "secret-file", "", "of --address: file that contains only the shared secret")
	fl.StringVar(&f.protocol, "protocol", load.ProtocolRADIUS, "of --address: radius or tacacs")
	fl.DurationVar(&f.timeout, "timeout", 0,
		"of --address: wait before the first retransmission (RADIUS, 2s) or for an answer (TACACS+, 5s)")
	fl.IntVar(&f.retries, "retries", 3, "of --address: retransmissions (RADIUS)")
	fl.StringVar(&f.messageAuthenticator, "message-authenticator", radius.Require,
		"of --address: Message-Authenticator of replies: require, auto or off (RADIUS)")
	fl.BoolVar(&f.insecure, "insecure", false, "of --address: accept a secret shorter than 16 octets")
}

func (f *loadServerFlags) check() error {
	switch {
	case f.address == "" && f.secret != "":
		return misused("--secret-file is for --address; a server of the configuration has its own")
	case f.address != "" && f.server != "":
		return misused("--server and --address exclude each other")
	case f.address != "" && f.secret == "":
		return misused("--address needs --secret-file (make one: openssl rand -base64 24)")
	case f.protocol != load.ProtocolRADIUS && f.protocol != load.ProtocolTACACS:
		return misused("--protocol %s: must be radius or tacacs", f.protocol)
	case !slices.Contains([]string{radius.Require, radius.Auto, radius.Off}, f.messageAuthenticator):
		return misused("--message-authenticator %s: must be require, auto or off", f.messageAuthenticator)
	case f.timeout < 0 || f.retries < 0:
		return misused("--timeout and --retries must be 0 or greater")
	}
	return nil
}

// target creates the client of the server. Problems of a configuration are printed to stderr.
func (f *loadServerFlags) target(ctx context.Context, stderr io.Writer) (*load.Target, error) {
	if f.address == "" {
		return f.configured(stderr)
	}
	secret, err := readSecretFile(ctx, f.secret)
	if err != nil {
		return nil, err
	}
	if len(secret) < 16 && !f.insecure {
		return nil, fmt.Errorf("%s: the secret has %d octets: use 16 or more (make one: openssl rand -base64 24; or "+
			"--insecure)", f.secret, len(secret))
	}
	if f.protocol == load.ProtocolTACACS {
		return load.TACACS(tacplus.Config{}, tacplus.ServerConfig{Address: f.address, Secret: secret,
			Timeout: f.timeout, SingleConnection: true, Insecure: true})
	}
	retries := f.retries
	if retries == 0 {
		retries = -1 // the client takes 0 as its default
	}
	return load.RADIUS(radius.Config{}, radius.ServerConfig{
		Address: f.address, Secret: secret, Timeout: f.timeout, Retries: retries,
		MessageAuthenticator: f.messageAuthenticator,
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
		return nil, fmt.Errorf("%s has several servers; name one with --server: %s", f.config,
			strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("%s has no server %q; valid servers: %s", f.config, name, strings.Join(names, ", "))
}
