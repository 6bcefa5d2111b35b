package dialects

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/schema"
)

var update = flag.Bool("update", false, "rewrite the printed document; then read the diff")

func TestFamilies(t *testing.T) {
	all := Families()
	if len(all) < 19 {
		t.Fatalf("%d families", len(all))
	}
	seen := map[string]bool{}
	for _, m := range all {
		if seen[m.Family] {
			t.Errorf("%s: twice", m.Family)
		}
		seen[m.Family] = true
		if m.Source == "" || m.About == "" || !strings.HasPrefix(m.Connect, "CONNECT") {
			t.Errorf("%s: %+v", m.Family, m)
		}
		if err := exchange.CheckDialect(m.Dialect); err != nil {
			t.Errorf("%s: %v", m.Family, err)
		}
	}
}

// Each family has a profile, and each profile a family: the town of all modems tests every profile.
func TestFamiliesAndProfiles(t *testing.T) {
	entries, err := os.ReadDir("../../lines/modem/profiles/shipped")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, n := range Names() {
		names[n+".yaml"] = true
	}
	for _, e := range entries {
		if !names[e.Name()] {
			t.Errorf("profile %s has no family in families.yaml", e.Name())
		}
		delete(names, e.Name())
	}
	for n := range names {
		t.Errorf("the family of %s has no profile", n)
	}
}

func TestParse(t *testing.T) {
	lines, err := Parse("m.yaml", []byte(`lines:
  - family: usr-courier
    profile: generic
    results: {BUSY: ENGAGED}
    registers: {S2: read_only, S25: missing}
    slow: 2s
    dcd: stuck_off
    blacklist_after: 3
    connect: CONNECT 9600
  - {family: zyxel, caller_id: {none: true}}
  - {family: rockwell, caller_id: {order: before_first_ring}, deaf: 100ms, commands: []}
`))
	if err != nil {
		t.Fatal(err)
	}
	l := lines[0]
	if l.Profile != "generic" || l.Connect != "CONNECT 9600" || l.Dialect.Texts["BUSY"] != "ENGAGED" ||
		l.Dialect.Texts["NO DIALTONE"] != "NO DIAL TONE" || !l.Dialect.Registers[2].ReadOnly ||
		!l.Dialect.Registers[25].Missing || l.Fault.DelayOK.String() != "2s" || !l.Fault.DCDStuckOff ||
		l.Fault.DCDStuckOn || l.Dialect.BlacklistAfter != 3 || l.Dialect.CallerIDCommand != "#CID=1" {
		t.Errorf("%+v", l)
	}
	if l := lines[1]; l.Profile != "zyxel" || l.ShowsCaller || !l.Dialect.NoCallerID ||
		l.Dialect.CallerIDCommand != "" {
		t.Errorf("%+v", l)
	}
	if l := lines[2]; l.Dialect.CallerIDTime != exchange.BeforeFirstRing || l.Dialect.CallerIDCommand != "#CID=1" ||
		l.Dialect.Deaf.String() != "100ms" || l.Dialect.Commands == nil || len(l.Dialect.Commands) != 0 {
		t.Errorf("%+v", l)
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"lines: []":                   "lines",
		"lines: [{family: courier}]":  "usr-courier",
		"lines: [{profile: generic}]": "family",
		"lines: [{family: zyxel, registers: {S100: fixed}}]": "S0 to S99",
		"lines: [{family: zyxel, registers: {2: fixed}}]":    "S0 to S99",
		"lines: [{family: zyxel, registers: {S2: gone}}]":    "missing",
		"lines: [{family: zyxel, connect: OK}]":              "does not begin with CONNECT",
		"lines: [{family: zyxel, results: {BUSSY: X}}]":      `no result code "BUSSY"`,
		`lines: [{family: zyxel, caller_id: {text: [N]}}]`:   "needs %s",
		`lines: [{family: zyxel, results: {BUSY: "A\r"}}]`:   "printable ASCII",
		"lines: [{family: zyxel, slow: 2m}]":                 "slow",
		"lines: [{family: zyxel, colour: red}]":              "colour",
		"lines: [{family: zyxel, profile: nope}]":            `m.yaml:1:34: lines[0].profile: there is no profile "nope"`,
		`lines: [{family: zyxel, commands: ["D"]}]`:          "every modem of the lab has this command",
		`lines: [{family: zyxel, commands: ["&K", S]}]`:      "every modem of the lab has this command",
		`lines: [{family: zyxel, commands: ["DT"]}]`:         `"DT" is not the name of a command`,
	} {
		_, err := Parse("m.yaml", []byte(text), "generic", "zyxel")
		if err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "m.yaml") {
			t.Errorf("%s: %v\nmust say %s", text, err, want)
		}
	}
}

// The parser never panics, and a town takes each file that it accepts.
func FuzzParse(f *testing.F) {
	f.Add("lines: [{family: usr-courier, results: {BUSY: ENGAGED}, registers: {S2: fixed}}]")
	f.Add("lines: [{family: zyxel, caller_id: {text: [\"RING;%s\"], order: with_ring}}]")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := Parse("m.yaml", []byte(text))
		if err != nil {
			return
		}
		x := exchange.New(exchange.Config{})
		defer x.Close()
		for _, l := range lines {
			x.AddModem(exchange.ModemConfig{Number: "1", Dialect: l.Dialect, ConnectText: l.Connect})
		}
	})
}

// TestReference prints docs/reference/lab-modems.md.
func TestReference(t *testing.T) {
	const path = "../../docs/reference/lab-modems.md"
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, m := range Families() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.Family, m.About, strings.ReplaceAll(m.Source, "|", `\|`))
	}
	b.WriteString("\n## Keys\n\n" + schema.Markdown(Keys(), 2))
	want := strings.TrimRight(b.String(), "\n") + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s is stale (%v): go test ./lab/dialects -run Reference -update, then read the difference", path, err)
	}
}

const referenceHead = `<!-- Printed by TestReference of lab/dialects from families.yaml and the table of keys. -->
# Modems of the lab

` + "`ringback lab --modems FILE`" + ` gives the lines of the town the modems of a YAML file. Each is a rotary of its
own, so that the line that was called also calls back. ` + "`--modems all`" + ` has a line for each family,
and ` + "`--sample-modems`" + ` prints that file. With ` + "`--play`" + `, a scenario is played for each line: a login at
the line's own number (5555 and the number of the tty in three digits: 5555065), a callback, and the
caller ID. A line whose modem does not come into service within 20 s is named, and the town begins
without it.

The dialects are written from the documents below, and not from the [profiles](modems.md) that they test.
A modem accepts the commands of V.250 and those of its family; all others are an ERROR.

## Families

| family | modem | source |
|---|---|---|
`
