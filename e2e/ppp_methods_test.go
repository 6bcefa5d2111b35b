package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab"
)

// pppUser is a user of PPP without a callback, in the files of both AAA servers. The daemon's own users have it too.
const (
	pppUserRADIUS = "\nmakawao-06	Cleartext-Password := \"paniolo-06\"\n	Service-Type = Framed-User,\n" +
		"	Framed-Protocol = PPP\n"
	pppUserTACACS = "\nuser = makawao-06 {\n	pap = cleartext \"paniolo-06\"\n	chap = cleartext \"paniolo-06\"\n" +
		"	ms-chap = cleartext \"paniolo-06\"\n	service = ppp protocol = lcp { }\n" +
		"	service = ppp protocol = ip { }\n}\n"
)

// TestPPPMethods: the lab's computer logs in by each method with each kind of AAA, or the log says why not.
func TestPPPMethods(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		aaa  lab.AAA
		fail map[string]string // why a method does not work
	}{
		{"radius", lab.ByRADIUS, nil},
		{"radsec", lab.ByRadSec, nil},
		{"tacacs", lab.ByTACACS, map[string]string{
			"ms-chap-v2": "it passed without the S= that an MS-CHAPv2 client requires and RFC 8907 has no field for",
			"eap":        "TACACS+ does not support EAP"}},
		{"local", lab.ByRADIUS, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			password := filepath.Join(dir, "makawao-06.password")
			if err := os.WriteFile(password, []byte("paniolo-06\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			l := startTown(t, lab.Options{Dir: dir, AAA: tt.aaa, Edit: func(name, text string) string {
				switch name {
				case "users":
					return text + pppUserRADIUS
				case "tacacs.conf":
					return text + pppUserTACACS
				case "ringback.yaml":
					text = strings.Replace(text, "address: 10.8.0.1, pool: town}",
						"address: 10.8.0.1, pool: town, authentication: [eap, ms-chap-v2, chap, pap]}", 1)
					text = strings.Replace(text, "users:",
						"users:\n  - {name: makawao-06, password_file: makawao-06.password}", 1)
					if tt.name == "local" {
						text = strings.Replace(text, "ppp: {default: [radius]}", "ppp: {default: [local]}", 1)
					}
				}
				return text
			}})
			for _, method := range []string{"pap", "chap", "ms-chap-v2", "eap"} {
				s := parse(t, "-- at kihei-03 --\ntype atdt 55555\nsee CONNECT\n"+
					"ppp user=makawao-06 password=paniolo-06 methods="+method+"\nsee logged in by "+method+"\n"+
					"fetch http://10.8.0.1/\nsee The surf\nhangup\nsee NO CARRIER\n-- callback --\nnone\n")
				r, err := l.Play(t.Context(), s, nil)
				if err != nil {
					t.Fatal(err)
				}
				why := tt.fail[method]
				log := readFile(t, filepath.Join(l.Dir(), "ringback.log"))
				if r.OK() != (why == "") || !strings.Contains(log, why) {
					t.Errorf("%s: %q, log must say %q", method, r.Problems, why)
				}
			}
		})
	}
}
