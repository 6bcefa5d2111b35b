package pppfront

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/lab/pppclient"
	"github.com/ringback/ringback/lab/pppdtest"
	"github.com/ringback/ringback/lab/servers"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/session"
)

// eapTLS is added to a FreeRADIUS that has EAP-MD5.
const eapTLS = `
		tls-config tls-common {
			private_key_file = @DIR@/radius.key
			certificate_file = @DIR@/radius.pem
			ca_file = @DIR@/ca.pem
			tls_min_version = "1.2"
			tls_max_version = "1.2"
			ecdh_curve = "prime256v1"
			fragment_size = 500
			@CHECK@
		}
		tls {
			tls = tls-common
		}
`

// The two ways to say who the user of a certificate is, as in the how-to.
const (
	checkName = "check_cert_cn = %{User-Name}"
	tellName  = `	if (&TLS-Client-Cert-Common-Name) {
		update reply {
			&User-Name := "%{TLS-Client-Cert-Common-Name}"
		}
	}
`
	framed = `		update reply {
			&Service-Type := Framed-User
			&Framed-Protocol := PPP
			&Framed-IP-Address := 10.8.0.77
		}
`
)

// eapServer starts a FreeRADIUS with EAP-MD5 and EAP-TLS that begins with one of them, and a login with it.
func eapServer(t *testing.T, authority *servers.Authority, method, check, postAuth string) aaa.Login {
	t.Helper()
	conf, err := os.ReadFile("../../aaa/radius/testdata/freeradius/kinds.conf.in")
	if err != nil {
		t.Fatal(err)
	}
	const md5, post, first = "\t\tmd5 {\n\t\t}\n", "\tpost-auth {\n", "default_eap_type = md5"
	text := string(conf)
	for _, mark := range []string{md5, post, first} {
		if strings.Count(text, mark) != 1 {
			t.Fatalf("the configuration has no single %q", mark)
		}
	}
	text = strings.Replace(text, md5, md5+strings.Replace(eapTLS, "@CHECK@", check, 1), 1)
	text = strings.Replace(text, first, "default_eap_type = "+method, 1)
	text = strings.Replace(text, post, post+framed+postAuth, 1)
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Config: text, Authority: authority,
		Users: "kim\tCleartext-Password := \"sesame\"\n"})
	c, err := radius.New(radius.Config{Name: "radius", NASIdentifier: "maui-nas-04",
		Servers: []radius.ServerConfig{{Name: "freeradius", Address: f.Auth, Accounting: f.Acct, Secret: f.Secret,
			Timeout: 5 * time.Second, Retries: 3}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return aaa.Login{Authentication: aaa.Lists{aaa.PPP: {Name: "default", Entries: []aaa.Method{c}}}}
}

// TestPeerEAPTLS: pppd's EAP-TLS client and FreeRADIUS agree through the front end. The user is that of the
// certificate: another certificate does not answer leg two under the first user's name.
func TestPeerEAPTLS(t *testing.T) {
	t.Parallel()
	lib := pppdtest.Shim(t)
	authority, err := servers.NewAuthority("ringback test CA")
	if err != nil {
		t.Fatal(err)
	}
	certs := t.TempDir()
	if err := authority.WriteFiles(certs, servers.Certificate{Name: "kim", Client: true},
		servers.Certificate{Name: "eve", Client: true}); err != nil {
		t.Fatal(err)
	}
	kim := session.Leg{Number: 2, CallbackID: "cb1", Service: aaa.PPP,
		Identity: aaa.Identity{Entry: "radius", User: "kim"}}
	for _, tt := range []struct {
		name, check, post string
		cert              string // of the caller, who says "kim"
		leg               session.Leg
		identity          string // "": rejected
		lastFail          string
	}{
		{name: "own certificate", post: tellName, cert: "kim", identity: "kim"},
		{name: "own certificate on leg two", post: tellName, cert: "kim", leg: kim, identity: "kim"},
		{name: "another certificate", post: tellName, cert: "eve", identity: "eve"},
		{name: "another certificate on leg two", post: tellName, cert: "eve", leg: kim,
			lastFail: "eve by radius logged in on the callback of kim by radius"},
		{name: "own certificate checked by the server", check: checkName, cert: "kim", identity: "kim"},
		{name: "another certificate checked by the server", check: checkName, cert: "eve", leg: kim,
			lastFail: `radius server freeradius refused "kim"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			login := eapServer(t, authority, "tls", tt.check, tt.post)
			b := &fakeBroker{}
			until := ""
			if tt.identity != "" {
				until = hasAddress
			}
			out, p := callPPPD(t, lib, pppdCall{auth: []lcp.Auth{lcp.EAP}, login: login, broker: b, leg: tt.leg,
				until: until, options: []string{"ca", filepath.Join(certs, "ca.pem"),
					"cert", filepath.Join(certs, tt.cert+".pem"), "key", filepath.Join(certs, tt.cert+".key")}})
			if out.Identity.User != tt.identity || !strings.Contains(out.LastFail, tt.lastFail) ||
				(out.Kind == session.SessionEnded) != (tt.identity != "") {
				t.Errorf("%+v\n%s", out, p.log.String())
			}
			if tt.identity != "" && (b.asked[0].Auth.Framed == nil || b.asked[0].Auth.Framed.Address != "10.8.0.77") {
				t.Errorf("%+v", b.asked[0].Auth)
			}
			if !strings.Contains(p.log.String(), "EAP-TLS") {
				t.Errorf("pppd does not mention EAP-TLS:\n%s", p.log.String())
			}
		})
	}
}

// TestPeerMethods: pppd passes by each method, with FreeRADIUS and with a local user, and not with a wrong password. It
// checks the proof of MS-CHAPv2.
func TestPeerMethods(t *testing.T) {
	t.Parallel()
	lib := pppdtest.Shim(t)
	authority, err := servers.NewAuthority("ringback test CA")
	if err != nil {
		t.Fatal(err)
	}
	local, err := aaa.NewLocal([]aaa.User{{Name: "kim", Password: "sesame"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, login := range map[string]aaa.Login{"FreeRADIUS": eapServer(t, authority, "md5", "", ""),
		"local": {Authentication: aaa.Lists{aaa.PPP: {Name: "default", Entries: []aaa.Method{local}}}}} {
		for _, m := range []lcp.Auth{lcp.PAP, lcp.CHAP, lcp.MSCHAPv1, lcp.MSCHAPv2, lcp.EAP} {
			t.Run(fmt.Sprintf("%s %v", name, m), func(t *testing.T) {
				b := &fakeBroker{}
				c := pppdCall{auth: []lcp.Auth{m}, login: login, broker: b, until: hasAddress}
				if out, p := callPPPD(t, lib, c); out.Identity.User != "kim" || out.Kind != session.SessionEnded ||
					b.asked[0].PPPAuth != m.String() {
					t.Errorf("%+v\n%s", out, p.log.String())
				}
				c = pppdCall{auth: c.auth, login: login, broker: &fakeBroker{}, options: []string{"password", "wrong"}}
				if out, p := callPPPD(t, lib, c); out.Kind != session.NotAdmitted || out.LastFail == "" ||
					p.ProcessState.ExitCode() != 19 {
					t.Errorf("%+v\n%s", out, p.log.String())
				}
			})
		}
	}
}

// TestPeerRetry: after a wrong password FreeRADIUS permits another attempt by MS-CHAPv2, whose challenge is ours.
func TestPeerRetry(t *testing.T) {
	t.Parallel()
	authority, err := servers.NewAuthority("ringback test CA")
	if err != nil {
		t.Fatal(err)
	}
	login := eapServer(t, authority, "md5", "", "")
	const trying = "link open; the password is wrong: trying another one; "
	for again, want := range map[string]string{"sesame": trying + "logged in by ms-chap-v2; address 10.8.0.10",
		"wrongly": trying + `ms-chap-v2: the server refused the login: "E=691 R=1 C=`} {
		t.Run(again, func(t *testing.T) {
			t.Parallel()
			told, out := labCall{auth: []lcp.Auth{lcp.MSCHAPv2}, login: login, broker: &fakeBroker{},
				client: pppclient.Config{Password: "wrong", Again: again}}.run(t)
			if !strings.HasPrefix(told, want) || (out.Identity.User == "kim") != (again == "sesame") {
				t.Errorf("it tells\n%s, must begin with\n%s; %+v", told, want, out)
			}
		})
	}
}

// The how-to says what these tests try.
func TestHowToOfEAP(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/how-to/freeradius.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{checkName, tellName} {
		if !strings.Contains(string(doc), want) {
			t.Errorf("docs/how-to/freeradius.md does not have\n%s", want)
		}
	}
}
