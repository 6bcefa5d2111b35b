package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/aaa"
)

// labAAAFlags are the flags of `lab aaa`.
type labAAAFlags struct {
	users, tacacs, secretFile, detail, output string

	listen                                              string
	authPort, acctPort, tacacsPort, radsecPort, tlsPort int
	cert, key, clientCA                                 string

	secret aaa.Secret // "" until it is read or generated

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
		Short: "run only the RADIUS and TACACS+ test servers",
		Long: `Starts a RADIUS server with a FreeRADIUS users file, a TACACS+ server with a tac_plus configuration, or both, prints their addresses and
secrets, and then a line for each packet that comes and goes: its attributes, secrets masked, and whether its authenticators are good. Ctrl-C ends
it with a summary. It is for tests of access servers, not for service: passwords are kept in clear text, and any client with the secret is
served.

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
		Example: "  ringback lab aaa --users users --listen 192.0.2.1\n  ringback lab aaa --users users --tacacs " +
			"tac_plus.conf --drop 30 --delay 500ms",
		Args: cobra.NoArgs,
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
	fl.StringVar(&f.secretFile, "secret-file", "",
		"a file whose first line is the shared secret (default: a new one, which is printed; TACACS+: the key of "+
			"its file)")
	fl.StringVar(&f.cert, "tls-cert", "", "a certificate in PEM: RadSec and TACACS+ over TLS are served too")
	fl.StringVar(&f.key, "tls-key", "", "the certificate's private key")
	fl.StringVar(&f.clientCA, "tls-client-ca", "",
		"clients must show a certificate that one of these authorities signed")
	fl.IntVar(&f.radsecPort, "radsec-port", 2083, "TCP port of RadSec")
	fl.IntVar(&f.tlsPort, "tacacs-tls-port", 4950, "TCP port of TACACS+ over TLS (300, its own, needs root)")
	fl.StringVar(&f.detail, "detail", "", "a file to add RADIUS accounting to, as FreeRADIUS's detail files have it")
	fl.DurationVar(&f.delay, "delay", 0, "answer late")
	fl.IntVar(&f.drop, "drop", 0, "drop this percentage of packets at random")
	fl.IntVar(&f.forge, "forge", 0,
		"send this many forged Access-Accepts before each answer, of all kinds that an attacker may make")
	fl.BoolVar(&f.unsigned, "no-message-authenticator", false, "sign no RADIUS reply, as servers before 2024")
	fl.StringVar(&f.challenge, "challenge", "", "ask this after the right password; any answer passes")
	fl.BoolVar(&f.strict, "require-message-authenticator", false,
		"drop Access-Requests whose first attribute is not a Message-Authenticator")
	fl.BoolVar(&f.rawAscend, "raw-ascend", false, "send Ascend-… attributes outside of a VSA, as Ascend's old code did")
	fl.StringVarP(&f.output, "output", "o", "table", "table or json (an object a line)")
}

func (f *labAAAFlags) check() error {
	switch {
	case f.users == "" && f.tacacs == "":
		return errors.New("lab aaa: no server given: use --users FILE (RADIUS) or --tacacs FILE (TACACS+) (`ringback " +
			"lab aaa --help` has a sample of both)")
	case f.output != "table" && f.output != "json":
		return fmt.Errorf("-o %s: must be table or json", f.output)
	case f.drop < 0 || f.drop > 100:
		return fmt.Errorf("--drop %d: must be 0 to 100 (percent)", f.drop)
	case f.users == "" && (f.forge > 0 || f.unsigned):
		return errors.New("--forge and --no-message-authenticator require a RADIUS server: give --users too")
	case f.forge < 0 || f.forge > 100_000 || f.delay < 0:
		return errors.New("--forge must be 0 to 100000, --delay 0 or greater")
	case (f.cert == "") != (f.key == ""):
		return errors.New("--tls-cert and --tls-key must be given together")
	case f.clientCA != "" && f.cert == "":
		return errors.New("--tls-client-ca requires --tls-cert and --tls-key")
	}
	return nil
}
