package cli

import (
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
secrets, and then a line for each packet received or sent: its attributes, secrets masked, and whether its authenticators are good. Ctrl-C ends
it with a summary. It is for tests of access servers, not for production: passwords are kept in clear text, and any client with the secret is
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

Cisco-, Ascend- (X-Ascend- outside of a VSA), Lucent-, USR-, Acc-, Zyxel-, Shiva-, Annex- and MS- attributes are written by name, and so are those of
1997 (Dialback-No). Attr-200 = 0x01 is any other attribute. Passwords are accepted with PAP, CHAP, MS-CHAPv1 and v2 and EAP-MD5.

A TACACS+ configuration:

  key = "a shared secret of 24 octets"
  user = austin-01 {
  	login = cleartext "maui-1993"
  	chap = cleartext "maui-1993"
  	service = exec { callback-dialstring = "84001" nocallback-verify = 1 optional noescape = true }
  	service = ppp protocol = lcp { callback-dialstring = "84001" }
  	cmd = show { deny "run.*" permit .* }
  }

Simulated faults show how your access server handles a bad network and a faulty server: --delay, --drop, --forge,
--no-message-authenticator, --challenge. See docs/how-to/test-your-nas.md.`,
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
	fl.StringVar(&f.listen, "listen", "127.0.0.1", "address to listen on (0.0.0.0 = all addresses of this machine)")
	fl.IntVar(&f.authPort, "auth-port", 1812, "UDP port of authentication (0 = a free port; also for the other ports)")
	fl.IntVar(&f.acctPort, "acct-port", 1813, "UDP port of accounting")
	fl.IntVar(&f.tacacsPort, "tacacs-port", 4949, "TCP port of TACACS+ (the standard port, 49, needs root)")
	fl.StringVar(&f.secretFile, "secret-file", "",
		"file whose first line is the shared secret (default: a new one, which is printed; TACACS+: the key in "+
			"its file)")
	fl.StringVar(&f.cert, "tls-cert", "", "certificate in PEM; starts RadSec and TACACS+ over TLS too")
	fl.StringVar(&f.key, "tls-key", "", "private key of the certificate, in PEM")
	fl.StringVar(&f.clientCA, "tls-client-ca", "",
		"file of CA certificates in PEM; clients must have a certificate signed by one of them")
	fl.IntVar(&f.radsecPort, "radsec-port", 2083, "TCP port of RadSec")
	fl.IntVar(&f.tlsPort, "tacacs-tls-port", 4950, "TCP port of TACACS+ over TLS (the standard port, 300, needs root)")
	fl.StringVar(&f.detail, "detail", "",
		"file to append RADIUS accounting to, in the format of FreeRADIUS's detail files")
	fl.DurationVar(&f.delay, "delay", 0, "delay of each answer")
	fl.IntVar(&f.drop, "drop", 0, "drop this percentage of packets at random")
	fl.IntVar(&f.forge, "forge", 0,
		"send this many forged Access-Accepts of different kinds before each answer")
	fl.BoolVar(&f.unsigned, "no-message-authenticator", false,
		"send RADIUS replies without Message-Authenticator, as servers before 2024")
	fl.StringVar(&f.challenge, "challenge", "",
		"prompt with this text after the right password; any answer is accepted")
	fl.BoolVar(&f.strict, "require-message-authenticator", false,
		"drop Access-Requests whose first attribute is not a Message-Authenticator")
	fl.BoolVar(&f.rawAscend, "raw-ascend", false, "send Ascend-… attributes outside of a VSA, as Ascend's old code did")
	fl.StringVarP(&f.output, "output", "o", "table", "table or json (one object per line)")
}

func (f *labAAAFlags) check() error {
	switch {
	case f.users == "" && f.tacacs == "":
		return misused("no server given: use --users FILE (RADIUS) or --tacacs FILE (TACACS+) (`ringback " +
			"lab aaa --help` has a sample of both)")
	case f.output != "table" && f.output != "json":
		return misused("-o %s: must be table or json", f.output)
	case f.drop < 0 || f.drop > 100:
		return misused("--drop %d: must be 0 to 100 (percent)", f.drop)
	case f.users == "" && (f.forge > 0 || f.unsigned):
		return misused("--forge and --no-message-authenticator require a RADIUS server (--users)")
	case f.forge < 0 || f.forge > 100_000 || f.delay < 0:
		return misused("--forge must be 0 to 100000, --delay 0 or greater")
	case (f.cert == "") != (f.key == ""):
		return misused("--tls-cert and --tls-key must be given together")
	case f.clientCA != "" && f.cert == "":
		return misused("--tls-client-ca requires --tls-cert and --tls-key")
	}
	return nil
}
