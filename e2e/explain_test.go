package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
)

// `aaa test` reports what would happen to a user with every kind of AAA server; the tutorial quotes one of these
// sentences.
func TestExplain(t *testing.T) {
	t.Parallel()
	const fixed = "called back at 84001 from tty 66, 67, 68 (first idle line), 5s after hang-up or later, without a " +
		"second login"
	if !strings.Contains(readFile(t, "../docs/tutorial/lab.md"), "`"+strings.Replace(fixed, "68 (the", "68\n(the", 1)+
		"`") {
		t.Errorf("the tutorial does not say %q", fixed)
	}
	for _, kind := range lab.AllAAA {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			l := startTown(t, lab.Options{AAA: kind})
			config := filepath.Join(l.Dir(), "ringback.yaml")
			dialect := "RFC 2865  Callback-Number"
			if kind == lab.ByTACACS || kind == lab.ByTACACSTLS {
				dialect = "TACACS+  callback-dialstring"
			}
			for _, tt := range []struct {
				user, password string
				status         int
				want           []string
			}{
				{"austin-01", "maui-1993", 0, []string{"result: " + fixed, dialect,
					"number lists       84001 from aaa", "forced_wait of tty 65 to 68: 5s"}},
				{"austin-02", "hana-1993", 0, []string{"result: asked for a callback number"}},
				{"kihei-03", "wailea-03", 0, []string{"called back at 84003 from tty 66",
					"then the user must log in again"}},
				{"paia-04", "hookipa-4", 0, []string{"result: admitted without a callback: EXEC at " +
					"privilege level 1"}},
				{"austin-01", "wrong", 1, []string{"result: rejected, no callback"}},
			} {
				out, status := ringback(t, tt.password+"\n", "aaa", "test", tt.user, "-c", config, "--line", "65",
					"--explain")
				if status != tt.status {
					t.Errorf("%s: status %d:\n%s", tt.user, status, out)
				}
				for _, want := range tt.want {
					if !strings.Contains(out, want) {
						t.Errorf("%s: no %q in\n%s", tt.user, want, out)
					}
				}
				if strings.Contains(out, tt.password) {
					t.Errorf("%s: the password is in\n%s", tt.user, out)
				}
			}
			out, status := ringback(t, "maui-1993\n", "aaa", "test", "austin-01", "-c", config, "--line", "65",
				"--caller", "84001", "-o", "json")
			var r struct {
				Result, Outcome, Server string
				Line                    int
				Dialers                 []int
				Authorization           struct {
					Callback bool
					Readings []aaa.Reading
				}
				Decision struct{ Number string }
				Trace    []any
				Packets  []any
			}
			if err := json.Unmarshal([]byte(out), &r); err != nil || status != 0 {
				t.Fatalf("status %d, %v:\n%s", status, err, out)
			}
			if r.Result != "granted" || r.Server != "town" || r.Line != 65 || len(r.Dialers) != 3 ||
				!r.Authorization.Callback || len(r.Authorization.Readings) < 2 ||
				r.Decision.Number != "84001" || len(r.Trace) < 10 || len(r.Packets) < 2 ||
				!strings.HasPrefix(r.Outcome, fixed) {
				t.Errorf("%s", out)
			}
		})
	}
}

// `show aaa` lists the servers of the active configuration, and their state after a request.
func TestShowAAA(t *testing.T) {
	t.Parallel()
	for kind, want := range map[lab.AAA][]string{
		lab.ByRADIUS: {"radius udp", "okay", "auth", "acct"}, lab.ByRadSec: {"radius tls", "okay", "auth+acct"},
		lab.ByTACACS: {"tacacs tcp", "alive"}, lab.ByTACACSTLS: {"tacacs tls", "alive"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			l := startTown(t, lab.Options{AAA: kind})
			play(t, l, parse(t, login("paia-04", "hookipa-4")+"see maui-nas-04>\nhangup\n-- callback --\nnone\n"))
			out, status := ringback(t, "", "show", "aaa", "--socket", l.Town().Socket)
			for _, text := range append(want, "town", "127.0.0.1:") {
				if status != 0 || !strings.Contains(out, text) {
					t.Errorf("status %d, no %q in\n%s", status, text, out)
				}
			}
			var servers []client.AAAServer
			out, _ = ringback(t, "", "show", "aaa", "--socket", l.Town().Socket, "-o", "json")
			if err := json.Unmarshal([]byte(out), &servers); err != nil || len(servers) == 0 ||
				servers[0].Name != "town" {
				t.Errorf("%v:\n%s", err, out)
			}
		})
	}
}

func TestExplainFlags(t *testing.T) {
	t.Parallel()
	l := startTown(t, lab.Options{})
	config := filepath.Join(l.Dir(), "ringback.yaml")
	for _, tt := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"--service", "slip"}, 2, "--service slip: must be exec, ppp or outbound"},
		{[]string{"--auth", "mschap"}, 2, "--auth mschap: must be pap, chap, ms-chap, ms-chap-v2 or eap"},
		{[]string{"--auth", "chap"}, 2, "--auth chap: a login that is not PPP sends a password (add --service ppp)"},
		{[]string{"--line", "99"}, 1, "--line 99: the configuration has no such line"},
		{[]string{"--list", "nowhere"}, 1, `there is no login list "nowhere" (aaa.lists.login)`},
		{[]string{"--service", "ppp", "--list", "nowhere"}, 1, `there is no ppp list "nowhere" (aaa.lists.ppp)`},
		{[]string{"-o", "xml"}, 2, "-o xml: must be table, json or yaml"},
	} {
		out, status := ringback(t, "x\n", append([]string{"aaa", "test", "austin-01", "-c", config}, tt.args...)...)
		if status != tt.status || !strings.Contains(out, tt.want) {
			t.Errorf("%v: status %d, no %q in\n%s", tt.args, status, tt.want, out)
		}
	}
}
