package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa/aaatest/tacquito"
	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/servers"
)

// tacquitoKey is shared by the daemon and tacquito.
const tacquitoKey = "the-town's-own-secret-of-30-oct"

// tacquitoUsers are the town's users as an operator writes them for tacquito.
func tacquitoUsers(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`log: &log {name: file, type: 3}
fixed: &fixed
  name: shell
  set_values:
    - {name: callback-dialstring, values: ["84001"]}
    - {name: nocallback-verify, values: ["1"]}
any: &any
  name: shell
  set_values:
    - {name: callback-dialstring, values: [""]}
users:
  - {name: maui-nas-04, scopes: [town], accounter: *log}
`)
	for _, u := range []struct{ name, password, service string }{{"austin-01", "maui-1993", "fixed"},
		{"austin-02", "hana-1993", "any"}} {
		hash, err := tacquito.Hash(u.password)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "  - {name: %s, scopes: [town], services: [*%s], accounter: *log, authenticator: {type: 1, "+
			"options: {hash: %q}}}\n", u.name, u.service, hash)
	}
	fmt.Fprintf(&b, `secrets:
  - name: town
    secret: {group: town, key: %q}
    handler: {type: 1}
    type: 1
    options:
      prefixes: |
        ["127.0.0.0/8"]
`, tacquitoKey)
	return b.String()
}

// Both scenarios with tacquito's server, obfuscated by its key over TCP and over TLS 1.3; its records have both legs.
func TestPeerTacquitoScenarios(t *testing.T) {
	t.Parallel()
	for _, kind := range []lab.AAA{lab.ByTACACS, lab.ByTACACSTLS} {
		for _, scenario := range []string{"no-verify", "any-number"} {
			t.Run(string(kind)+"/"+scenario, func(t *testing.T) {
				t.Parallel()
				server, edit := tacquitoTown(t, kind)
				l := startTown(t, lab.Options{AAA: kind, Edit: edit})
				play(t, l, shipped(t, scenario))
				if d := lineDials(l); len(d) != 1 || d[0].Number != "84001" {
					t.Errorf("dial commands of the lines: %+v, must be one to 84001", d)
				}
				eventually(t, "the Stop of leg two", func() bool { return len(server.Accounting()) >= 5 })
				accountedByTACACS(t, server.Accounting(),
					map[string]string{"no-verify": "austin-01", "any-number": "austin-02"}[scenario])
			})
		}
	}
}

var tacacsAddress = regexp.MustCompile(`(name: town, address: )\S+,`)

// tacquitoTown starts tacquito, and returns the edit of the town's files that makes the daemon use it.
func tacquitoTown(t *testing.T, kind lab.AAA) (*tacquito.Server, func(name, text string) string) {
	t.Helper()
	options := tacquito.Options{Config: tacquitoUsers(t)}
	ca := ""
	if kind == lab.ByTACACSTLS {
		authority, err := servers.NewAuthority("the site's authority")
		if err != nil {
			t.Fatal(err)
		}
		cert, err := authority.TLS(servers.Certificate{Name: "tacquito", Hosts: []string{"127.0.0.1"}, Server: true})
		if err != nil {
			t.Fatal(err)
		}
		options.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}
		ca = filepath.Join(t.TempDir(), "site.pem")
		if err := os.WriteFile(ca, authority.PEM(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := tacquito.Start(t, options)
	return server, func(name, text string) string {
		switch name {
		case "ringback.yaml":
			text = tacacsAddress.ReplaceAllString(text, "${1}"+server.Addr+",")
			text = strings.ReplaceAll(text, "ca_file: ca.pem, cert_file: ringback.pem, key_file: ringback.key",
				"ca_file: "+ca)
			return strings.Replace(text, "  lists:\n", "  tacacs_system_user: maui-nas-04\n  lists:\n", 1)
		case "tacacs.secret":
			return tacquitoKey + "\n"
		}
		return text
	}
}

// accountedByTACACS compares the records of a scenario with the expected ones: On, Start and Stop of each leg.
func accountedByTACACS(t *testing.T, lines []string, user string) {
	t.Helper()
	const start, stop = 2, 4 // flags (RFC 8907 §7.1)
	want := []struct {
		flags      int
		user, port string
		args       []string
	}{
		{start, "maui-nas-04", "", []string{"service=system", "event=sys_acct"}},
		{start, user, "tty65", []string{"service=shell"}},
		{stop, user, "tty65", []string{"service=shell", "callback-dialstring=84001", "disc-cause=16",
			"disc-cause-ext=1102"}},
		{start, user, "tty66", []string{"service=shell", "callback-dialstring=84001"}},
		{stop, user, "tty66", []string{"service=shell", "callback-dialstring=84001", "disc-cause=2"}},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d records, must be %d:\n%s", len(lines), len(want), strings.Join(lines, "\n"))
	}
	for i, w := range want {
		var r struct {
			Flags      int
			User, Port string
			Args       []string
		}
		if err := json.Unmarshal([]byte(lines[i]), &r); err != nil {
			t.Fatalf("record %d: %v:\n%s", i, err, lines[i])
		}
		good := r.Flags == w.flags && r.User == w.user && r.Port == w.port
		for _, a := range w.args {
			good = good && slices.Contains(r.Args, a)
		}
		if !good {
			t.Errorf("record %d must be %+v:\n%s", i, w, lines[i])
		}
	}
}
