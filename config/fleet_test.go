package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/numbers"
)

// The sample of an ISP has no problem, and its cheap trunk leads to lines of another node.
func TestFleetSample(t *testing.T) {
	dir := samples(t)
	c, problems := Load(filepath.Join(dir, "isp-fleet.yaml"), nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	f := c.Fleet
	if f.Node != "lyon-1" || f.Durability != DurabilityReplicated || !slices.Equal(f.Rotaries, []int{7}) ||
		f.OnLoss != OnLossLocal || f.LocalCalls != 20 || f.Takeover != 15*time.Second || f.History != 90*24*time.Hour {
		t.Errorf("%+v", f)
	}
	p := f.Postgres
	if !slices.Equal(p.Addresses, []string{"db1.example.net:5432", "db2.example.net:5432"}) ||
		p.Password != "not-a-secret" || p.Database != "ringback" || p.User != "ringback" ||
		*p.TLS != (certs.Files{CAFile: filepath.Join(dir, "ca.pem"), ServerName: "db.example.net"}) {
		t.Errorf("%+v", p)
	}
	site := c.Policies.Site()
	n, err := site.Plan.Canonical("+33140205051", numbers.OriginAAA)
	if err != nil {
		t.Fatal(err)
	}
	if taking, why := site.Trunks.Taking(site.Plan, n); strings.Join(taking.Names(), " ") != "cheap lyon" {
		t.Errorf("through %v (%s)", taking.Names(), why)
	}
	cheap, _ := site.Trunks.Named("cheap")
	if cheap.Rotary == nil || *cheap.Rotary != 7 || cheap.Lines == nil || len(cheap.Lines) != 0 {
		t.Errorf("the cheap trunk: %+v", cheap)
	}
}

const testedFleet = testedLines + "fleet: "

func TestFleetNode(t *testing.T) {
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	machine, _, _ = strings.Cut(strings.ToLower(machine), ".")
	const rest = "key_file: radius.secret.long, postgres: {addresses: [/run/postgresql]}}"
	for _, tt := range []struct{ before, node, want string }{
		{"", "node: lyon-1, ", "lyon-1"},
		{"hostname: Lyon-2.example.net\n", "", "lyon-2"},
		{"hostname: Lyon-2.example.net\n", "node: lyon-3, ", "lyon-3"},
		{"", "", machine},
	} {
		f, problems := loadFleet(t, tt.before+testedFleet+"{"+tt.node+rest)
		if f == nil || f.Node != tt.want {
			t.Errorf("%q, %q: %+v %s", tt.before, tt.node, f, problems)
		}
	}
	if c, _, _ := loadText(t, testedLines, nil); c == nil || c.Fleet != nil {
		t.Error("a fleet without the key")
	}
}

// loadFleet loads a text beside a key that is long enough.
func loadFleet(t *testing.T, text string) (*Fleet, string) {
	t.Helper()
	_, _, dir := loadText(t, text, nil)
	key := []byte(strings.Repeat("0123456789abcdef", 4) + "\n")
	if err := os.WriteFile(filepath.Join(dir, "radius.secret.long"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	spaces := []byte(strings.Repeat(" ", 40) + "\n")
	if err := os.WriteFile(filepath.Join(dir, "spaces.secret"), spaces, 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := Load(filepath.Join(dir, "ringback.yaml"), nil)
	text = strings.ReplaceAll(problems.String(), dir+string(filepath.Separator), "")
	if c == nil {
		return nil, text
	}
	return c.Fleet, text
}

func TestFleetProblems(t *testing.T) {
	const key, socket = "key_file: radius.secret.long, ", "postgres: {addresses: [/run/postgresql]}"
	with := func(postgres string) string { return "{" + key + "postgres: {" + postgres + "}}" }
	and := func(more string) string { return "{" + key + socket + ", " + more + "}" }
	for text, want := range map[string]string{
		"{" + socket + "}":                                                   "fleet.key_file: is required",
		"{" + key + "}":                                                      "fleet.postgres: is required",
		"{" + key + "postgres: {}}":                                          "fleet.postgres.addresses: is required",
		with("addresses: []"):                                                "there is no address",
		with("addresses: [db1.example.net]"):                                 "db1.example.net is another machine",
		with(`addresses: ["192.0.2.1:0"]`):                                   "is not a port number",
		with("addresses: [run/postgresql]"):                                  "the absolute directory of a socket",
		with(`addresses: ["[2001:db8::1]:5432"]`):                            "is another machine, and there is no tls",
		with("addresses: [/run/postgresql], tls: {ca_file: kim.password}"):   "there is no certificate in it",
		with("addresses: [/run/postgresql], tls: {}"):                        "has no TLS",
		with("addresses: [db1.example.net], tls: {}, insecure: true"):        "there is tls",
		with("addresses: [db1.example.net], tls: {cert_file: kim.password}"): "a certificate without its key",
		with("addresses: [/run/postgresql], password_file: gone"):            "gone: no such file",
		"{key_file: spaces.secret, " + socket + "}":                          "only 1 different octets",
		"{key_file: sixteen.secret, " + socket + "}":                         "16 octets, and must have 32",
		and("node: Lyon"):                                                    `"Lyon" is not the name of a node`,
		and("node: lyon-"):                                                   `"lyon-" is not the name of a node`,
		and("node: " + strings.Repeat("a", 64)):                              "is not the name of a node",
		and("takeover: 1s"):                                                  "fleet.takeover: ",
		and("rotaries: [101]"):                                               "fleet.rotaries",
		and("rotaries: [7, 7]"):                                              "rotary 7 is given twice",
		and("on_loss: guess"):                                                "fleet.on_loss",
		and("durability: none"):                                              "fleet.durability",
		and("on_loss: local, local_calls: 0"):                                "fleet.local_calls",
		and("nodes: 3"):                                                      "fleet.nodes",
	} {
		if f, problems := loadFleet(t, testedFleet+text); f != nil || !strings.Contains(problems, want) {
			t.Errorf("%s: %q, want %q", text, problems, want)
		}
	}
	const host = "hostname: 10.example_net\n"
	if f, problems := loadFleet(t, host+testedFleet+"{"+key+socket+"}"); f == nil || f.Node != "10" {
		t.Errorf("%+v %s", f, problems)
	}
}

func TestFleetWarnings(t *testing.T) {
	const key = "{key_file: radius.secret.long, "
	for text, want := range map[string]string{
		"postgres: {addresses: [192.0.2.1], insecure: true}}":                    "192.0.2.1 is reached without TLS",
		"postgres: {addresses: [/run/postgresql]}, local_calls: 5}":              "it has no effect",
		"postgres: {addresses: [/run/postgresql]}, rotaries: [7]}":               "no line of this node is in rotary 7",
		"postgres: {addresses: [localhost, 127.0.0.1, \"[::1]:6432\"]}}":         "",
		"postgres: {addresses: [db1.example.net], tls: {min_version: \"1.2\"}}}": "",
	} {
		f, problems := loadFleet(t, testedFleet+key+text)
		if f == nil || !strings.Contains(problems, want) || want == "" && strings.Contains(problems, "fleet") {
			t.Errorf("%s: %q, want %q", text, problems, want)
		}
	}
	f, _ := loadFleet(t, testedFleet+key+
		"postgres: {addresses: [localhost, \"::1\", \"[::1]:6432\", /run/postgresql]}}")
	want := []string{"localhost:5432", "[::1]:5432", "[::1]:6432", "/run/postgresql"}
	if f == nil || !slices.Equal(f.Postgres.Addresses, want) {
		t.Errorf("%+v, want %q", f, want)
	}
	if f.Durability != DurabilityReplicated || f.OnLoss != OnLossRefuse || f.Postgres.TLS != nil {
		t.Errorf("defaults: %+v", f)
	}
}

// Callbacks of a fleet's rotary may be dialed by other nodes only; of another rotary, they are an error.
func TestFleetRotaryElsewhere(t *testing.T) {
	const fleet = "fleet: {key_file: radius.secret.long, postgres: {addresses: [/run/postgresql]}, rotaries: [7]}\n"
	text := strings.Replace(testedLines, "password_file: kim.password}",
		"password_file: kim.password, callback: {dialstring: \"84001\", rotary: 7}}", 1)
	if _, problems := loadFleet(t, text); !strings.Contains(problems, "no line of rotary 7 dials") {
		t.Errorf("alone: %q", problems)
	}
	if f, problems := loadFleet(t, text+fleet); f == nil || strings.Contains(problems, "no line of rotary 7 dials") {
		t.Errorf("in a fleet: %q", problems)
	}
}

// Lines of a node that only answer in a rotary of the fleet are called back by other nodes.
func TestFleetAnswersOnly(t *testing.T) {
	const key = "key_file: radius.secret.long, postgres: {addresses: [/run/postgresql]}, rotaries: [7]}\n"
	text := "aaa: {lists: {login: {default: [local]}}}\nusers: [{name: kim, password_file: kim.password}]\n" +
		"exec: {callback: true}\nlines: [{tty: 65, port: \"tcp://127.0.0.1:7001\", modem: callin, rotary: 7}]\n"
	for fleet, want := range map[string]bool{"": true, "fleet: {" + key: false} {
		_, problems := loadFleet(t, text+fleet)
		if got := strings.Contains(problems, "callers on tty 65 cannot be called back"); got != want {
			t.Errorf("%q: %q", fleet, problems)
		}
		if strings.Contains(problems, "no line of this node is in rotary 7") {
			t.Errorf("%q: %q", fleet, problems)
		}
	}
}
