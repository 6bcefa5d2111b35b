package cli

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lab/servers"
)

// labAAA has the running servers.
type labAAA struct {
	radius []*servers.RADIUS
	tacacs []*servers.TACACS
	print  *labAAAPrinter
	run    []func(context.Context) error
	detail *os.File // nil: none
}

func (f *labAAAFlags) run(ctx context.Context, w io.Writer) error {
	if err := f.check(); err != nil {
		return err
	}
	l := &labAAA{print: &labAAAPrinter{w: w, json: f.output == "json", packets: map[string]int{}}}
	defer func() {
		if l.detail != nil {
			l.detail.Close()
		}
	}()
	if err := errors.Join(f.startRADIUS(ctx, l), f.startTACACS(ctx, l)); err != nil {
		return fmt.Errorf("lab aaa: %w", err)
	}
	l.print.ready()
	err := l.serve(ctx)
	l.print.summary(l)
	return err
}

// serve runs all servers until ctx or one of them ends.
func (l *labAAA) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make(chan error, len(l.run))
	for _, run := range l.run {
		wg.Go(func() {
			errs <- run(ctx)
			cancel()
		})
	}
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

func (f *labAAAFlags) at(port int) string { return net.JoinHostPort(f.listen, strconv.Itoa(port)) }

func (f *labAAAFlags) startRADIUS(ctx context.Context, l *labAAA) error {
	if f.users == "" {
		return nil
	}
	users, err := readFileWith(ctx, f.users, servers.ParseUsers)
	if err != nil {
		return err
	}
	secret, err := f.theSecret(ctx)
	if err != nil {
		return err
	}
	c := servers.RADIUSConfig{Secret: secret, Users: users, Lenient: !f.strict, RawAscend: f.rawAscend,
		Trace: l.print.event}
	if f.detail != "" {
		if l.detail, err = os.OpenFile(f.detail, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return err
		}
		c.Detail = l.detail
	}
	s, err := servers.NewRADIUS(c)
	if err != nil {
		return err
	}
	s.SetFaults(servers.Faults{Delay: f.delay, DropPercent: f.drop, Forge: f.forge, ForgeAs: "mixed",
		Unsigned: f.unsigned, AskFirst: f.challenge})
	if err := s.Listen(f.at(f.authPort), f.at(f.acctPort)); err != nil {
		return portHint(err)
	}
	l.radius = append(l.radius, s)
	l.run = append(l.run, s.Run)
	l.print.serves("RADIUS authentication", "udp", s.AuthAddr(), secret)
	l.print.serves("RADIUS accounting", "udp", s.AcctAddr(), secret)
	if f.cert == "" {
		return nil
	}
	return f.startRadSec(ctx, l)
}

// startRadSec serves the same users over TLS. It is a server of its own because RadSec has its own secret.
func (f *labAAAFlags) startRadSec(ctx context.Context, l *labAAA) error {
	config, err := f.tls(ctx)
	if err != nil {
		return err
	}
	users, err := readFileWith(ctx, f.users, servers.ParseUsers)
	if err != nil {
		return err
	}
	s, err := servers.NewRADIUS(servers.RADIUSConfig{Secret: radsecSecret, Users: users, Lenient: !f.strict,
		RawAscend: f.rawAscend, Trace: l.print.event})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.at(f.radsecPort))
	if err != nil {
		return portHint(err)
	}
	config.NextProtos = []string{"radius/1.1", "radius/1.0"} // RFC 9765
	l.radius = append(l.radius, s)
	l.run = append(l.run, func(ctx context.Context) error {
		return s.ServeRadSec(ctx, listener,
			servers.RadSec{TLS: config})
	})
	l.print.serves("RadSec", "tls", listener.Addr().String(), radsecSecret)
	return nil
}

// radsecSecret is the secret required by RFC 6614 §2.3.
const radsecSecret = aaa.Secret("radsec")

func (f *labAAAFlags) startTACACS(ctx context.Context, l *labAAA) error {
	if f.tacacs == "" {
		return nil
	}
	profiles, err := readFileWith(ctx, f.tacacs, servers.ParseTACACS)
	if err != nil {
		return err
	}
	key := profiles.Key
	if key == "" || f.secretFile != "" {
		if key, err = f.theSecret(ctx); err != nil {
			return err
		}
	}
	if err := f.serveTACACS(l, servers.TACACSConfig{Key: key, Profiles: profiles}, "TACACS+", "tcp",
		f.tacacsPort); err != nil || f.cert == "" {
		return err
	}
	config, err := f.tls(ctx)
	if err != nil {
		return err
	}
	return f.serveTACACS(l, servers.TACACSConfig{TLS: config, Profiles: profiles}, "TACACS+ over TLS", "tls", f.tlsPort)
}

func (f *labAAAFlags) serveTACACS(l *labAAA, c servers.TACACSConfig, name, network string, port int) error {
	c.Trace = l.print.event
	s, err := servers.NewTACACS(c)
	if err != nil {
		return err
	}
	s.SetFaults(servers.TACACSFaults{Delay: f.delay, DropPercent: f.drop, AskFirst: f.challenge})
	if err := s.Listen(f.at(port)); err != nil {
		return portHint(err)
	}
	l.tacacs = append(l.tacacs, s)
	l.run = append(l.run, s.Run)
	l.print.serves(name, network, s.Addr(), c.Key)
	return nil
}

// portHint adds to an error how to get a port.
func portHint(err error) error {
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w (ports below 1024 need root)", err)
	case strings.Contains(err.Error(), "address already in use"):
		return fmt.Errorf("%w (another server uses it: stop that server, or choose other ports with --auth-port, "+
			"--acct-port, --tacacs-port, --radsec-port, --tacacs-tls-port; 0 = a free port)", err)
	}
	return err
}

// theSecret reads the secret's file, or generates a secret; once, for both servers.
func (f *labAAAFlags) theSecret(ctx context.Context) (aaa.Secret, error) {
	if f.secret != "" {
		return f.secret, nil
	}
	if f.secretFile == "" {
		f.secret = aaa.Secret(rand.Text()[:24])
		return f.secret, nil
	}
	b, err := readInput(ctx, f.secretFile, maxLoadFile)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", fmt.Errorf("--secret-file %s: its first line is empty", f.secretFile)
	}
	f.secret = aaa.Secret(line)
	return f.secret, nil
}

func (f *labAAAFlags) tls(ctx context.Context) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", f.cert, f.key, err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if f.clientCA == "" {
		return c, nil
	}
	pem, err := readInput(ctx, f.clientCA, maxLoadFile)
	if err != nil {
		return nil, err
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--tls-client-ca %s: no certificate in it", f.clientCA)
	}
	return c, nil
}

// readFileWith parses a file; its errors contain the file's name.
func readFileWith[T any](ctx context.Context, path string, parse func(io.Reader) (T, error)) (T, error) {
	file, err := openInput(ctx, path)
	if err != nil {
		var zero T
		return zero, err
	}
	defer file.Close()
	return parse(file)
}
