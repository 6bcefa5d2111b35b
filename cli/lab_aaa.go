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
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lab/servers"
)

// labAAAFlags are the flags of `lab aaa`.
type labAAAFlags struct {
	users, tacacs, secretFile, detail, output string

	listen                                              string
	authPort, acctPort, tacacsPort, radsecPort, tlsPort int
	cert, key, clientCA                                 string

	secret aaa.Secret // "" until it is read or made up

	delay       time.Duration
	drop, forge int
	unsigned    bool
	strict      bool
	rawAscend   bool
	challenge   string
}

func newLabAAA() *cobra.Command {
	var f labAAAFlags
	c := &cobra.Command{
		Use:   "aaa [--users FILE] [--tacacs FILE]",
		Short: "the test servers alone, RADIUS and TACACS+, for testing an access server of your own",
		Long: `Starts a RADIUS server with a FreeRADIUS users file, a TACACS+ server with a tac_plus configuration, or both, prints their addresses and
secrets, and then a line for each packet that comes and goes: its attributes, secrets masked, and whether its authenticators are good. Ctrl-C ends
it with a summary. It is for tests of access servers, not for service: passwords are kept as they are, and whoever has the secret is served.

A users file:

  # called back at a fixed number, without a second login
  austin-01	Cleartext-Password := "maui-1993"
  	Service-Type = Callback-NAS-Prompt,
  	Callback-Number = "84001",
  	Cisco-AVPair += "shell:nocallback-verify=1"

  # another answer for calls from one number
  austin-02	Cleartext-Password := "hana-1993", Calling-Station-Id == "84002"
  	Service-Type = Callback-NAS-Prompt,
  	Cisco-AVPair += "shell:callback-dialstring="

  DEFAULT	Auth-Type := Reject
  	Reply-Message = "Login incorrect"

Cisco-, Ascend- (X-Ascend- outside of a VSA), Lucent-, USR-, Acc-, Zyxel-, Shiva-, Annex- and MS- attributes have their names, and so have those of
1997 (Dialback-No). Attr-200 = 0x01 stands for any other. Passwords are taken by PAP, CHAP, MS-CHAPv1 and v2 and EAP-MD5.

A TACACS+ configuration:

  key = "a shared secret of 24 octets"
  user = austin-01 {
  	login = cleartext "maui-1993"
  	chap = cleartext "maui-1993"
  	service = exec { callback-dialstring = "84001" nocallback-verify = 1 optional noescape = true }
  	service = ppp protocol = lcp { callback-dialstring = "84001" }
  	cmd = show { deny "run.*" permit .* }
  }

Faults on demand show what your access server does about a bad network and a bad server: --delay, --drop, --forge,
--no-message-authenticator, --challenge. docs/how-to/test-your-nas.md goes through them.`,
		Example: "  ringback lab aaa --users users --listen 192.0.2.1\n  ringback lab aaa --users users --tacacs tac_plus.conf --drop 30 --delay 500ms",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilHangUp(cmd.Context())
			defer stop()
			return f.run(ctx, cmd.OutOrStdout())
		},
	}
	f.add(c)
	return c
}

func (f *labAAAFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.users, "users", "", "a FreeRADIUS users file: starts the RADIUS server")
	fl.StringVar(&f.tacacs, "tacacs", "", "a tac_plus configuration: starts the TACACS+ server")
	fl.StringVar(&f.listen, "listen", "127.0.0.1", "the address to listen on; 0.0.0.0 is all of this machine's")
	fl.IntVar(&f.authPort, "auth-port", 1812, "UDP port of authentication; 0 a free one, as for all ports")
	fl.IntVar(&f.acctPort, "acct-port", 1813, "UDP port of accounting")
	fl.IntVar(&f.tacacsPort, "tacacs-port", 4949, "TCP port of TACACS+ (49, its own, needs root)")
	fl.StringVar(&f.secretFile, "secret-file", "", "a file whose first line is the shared secret (default: a new one, which is printed; TACACS+: the key of its file)")
	fl.StringVar(&f.cert, "tls-cert", "", "a certificate in PEM: RadSec and TACACS+ over TLS are served too")
	fl.StringVar(&f.key, "tls-key", "", "the certificate's private key")
	fl.StringVar(&f.clientCA, "tls-client-ca", "", "clients must show a certificate that one of these authorities signed")
	fl.IntVar(&f.radsecPort, "radsec-port", 2083, "TCP port of RadSec")
	fl.IntVar(&f.tlsPort, "tacacs-tls-port", 4950, "TCP port of TACACS+ over TLS (300, its own, needs root)")
	fl.StringVar(&f.detail, "detail", "", "a file to add RADIUS accounting to, as FreeRADIUS's detail files have it")
	fl.DurationVar(&f.delay, "delay", 0, "answer late")
	fl.IntVar(&f.drop, "drop", 0, "answer this many of a hundred packets not at all, by chance")
	fl.IntVar(&f.forge, "forge", 0, "send this many forged Access-Accepts before each answer, of all kinds that an attacker may make")
	fl.BoolVar(&f.unsigned, "no-message-authenticator", false, "sign no RADIUS reply, as servers before 2024")
	fl.StringVar(&f.challenge, "challenge", "", "ask this after the right password; any answer passes")
	fl.BoolVar(&f.strict, "require-message-authenticator", false, "drop Access-Requests whose first attribute is not a Message-Authenticator")
	fl.BoolVar(&f.rawAscend, "raw-ascend", false, "send Ascend-… attributes outside of a VSA, as Ascend's old code did")
	fl.StringVarP(&f.output, "output", "o", "table", "table or json (an object a line)")
}

func (f *labAAAFlags) check() error {
	switch {
	case f.users == "" && f.tacacs == "":
		return errors.New("lab aaa: which server? --users FILE starts RADIUS, --tacacs FILE TACACS+ (`ringback lab aaa --help` has a sample of both)")
	case f.output != "table" && f.output != "json":
		return fmt.Errorf("-o %s: there are table and json", f.output)
	case f.drop < 0 || f.drop > 100:
		return fmt.Errorf("--drop %d: of a hundred packets, 0 to 100", f.drop)
	case f.users == "" && (f.forge > 0 || f.unsigned):
		return errors.New("--forge and --no-message-authenticator are RADIUS's: give it its --users too")
	case f.forge < 0 || f.forge > 100_000 || f.delay < 0:
		return errors.New("--forge is 0 to 100000, --delay not less than 0")
	case (f.cert == "") != (f.key == ""):
		return errors.New("--tls-cert and --tls-key belong together")
	case f.clientCA != "" && f.cert == "":
		return errors.New("--tls-client-ca wants --tls-cert and --tls-key")
	}
	return nil
}

// labAAA is the servers that run.
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
	if err := errors.Join(f.startRADIUS(l), f.startTACACS(l)); err != nil {
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

func (f *labAAAFlags) startRADIUS(l *labAAA) error {
	if f.users == "" {
		return nil
	}
	users, err := readFileWith(f.users, servers.ParseUsers)
	if err != nil {
		return err
	}
	secret, err := f.theSecret()
	if err != nil {
		return err
	}
	c := servers.RADIUSConfig{Secret: secret, Users: users, Lenient: !f.strict, RawAscend: f.rawAscend, Trace: l.print.event}
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
	s.SetFaults(servers.Faults{Delay: f.delay, DropPercent: f.drop, Forge: f.forge, ForgeAs: "mixed", Unsigned: f.unsigned, AskFirst: f.challenge})
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
	return f.startRadSec(l)
}

// startRadSec serves the same users inside TLS: another server, because RadSec has a secret of its own.
func (f *labAAAFlags) startRadSec(l *labAAA) error {
	config, err := f.tls()
	if err != nil {
		return err
	}
	users, err := readFileWith(f.users, servers.ParseUsers)
	if err != nil {
		return err
	}
	s, err := servers.NewRADIUS(servers.RADIUSConfig{Secret: radsecSecret, Users: users, Lenient: !f.strict, RawAscend: f.rawAscend, Trace: l.print.event})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.at(f.radsecPort))
	if err != nil {
		return portHint(err)
	}
	config.NextProtos = []string{"radius/1.1", "radius/1.0"} // RFC 9765
	l.radius = append(l.radius, s)
	l.run = append(l.run, func(ctx context.Context) error { return s.ServeRadSec(ctx, listener, servers.RadSec{TLS: config}) })
	l.print.serves("RadSec", "tls", listener.Addr().String(), radsecSecret)
	return nil
}

// radsecSecret is that of RFC 6614 §2.3.
const radsecSecret = aaa.Secret("radsec")

func (f *labAAAFlags) startTACACS(l *labAAA) error {
	if f.tacacs == "" {
		return nil
	}
	profiles, err := readFileWith(f.tacacs, servers.ParseTACACS)
	if err != nil {
		return err
	}
	key := profiles.Key
	if key == "" || f.secretFile != "" {
		if key, err = f.theSecret(); err != nil {
			return err
		}
	}
	if err := f.serveTACACS(l, servers.TACACSConfig{Key: key, Profiles: profiles}, "TACACS+", "tcp", f.tacacsPort); err != nil || f.cert == "" {
		return err
	}
	config, err := f.tls()
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

// portHint tells what may be done about a port that cannot be had.
func portHint(err error) error {
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w (ports below 1024 need root)", err)
	case strings.Contains(err.Error(), "address already in use"):
		return fmt.Errorf("%w (another server has it: stop that, or take other ports with --auth-port, --acct-port, --tacacs-port, --radsec-port, --tacacs-tls-port; 0 is a free one)", err)
	}
	return err
}

// theSecret reads the secret's file, or makes one up; once, for both servers.
func (f *labAAAFlags) theSecret() (aaa.Secret, error) {
	if f.secret != "" {
		return f.secret, nil
	}
	if f.secretFile == "" {
		f.secret = aaa.Secret(rand.Text()[:24])
		return f.secret, nil
	}
	b, err := os.ReadFile(f.secretFile)
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

func (f *labAAAFlags) tls() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", f.cert, f.key, err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if f.clientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(f.clientCA)
	if err != nil {
		return nil, err
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--tls-client-ca %s: no certificate in it", f.clientCA)
	}
	return c, nil
}

// readFileWith parses a file, whose name its errors have.
func readFileWith[T any](path string, parse func(io.Reader) (T, error)) (T, error) {
	file, err := os.Open(path)
	if err != nil {
		var zero T
		return zero, err
	}
	defer file.Close()
	return parse(file)
}
