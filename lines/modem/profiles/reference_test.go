package profiles

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ringback/ringback/schema"
)

var update = flag.Bool("update", false, "rewrite the printed document; then read the diff")

// TestReference prints docs/reference/modems.md from the shipped profiles.
func TestReference(t *testing.T) {
	const path = "../../../docs/reference/modems.md"
	want := reference(Shipped())
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is stale (%v): go test ./lines/modem/profiles -run Reference -update, then read the difference",
			path, err)
	}
}

func reference(s *Set) string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, name := range s.Names() {
		p := s.Get(name)
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", name, name, p.About)
	}
	b.WriteString(referenceKeys)
	b.WriteString(schema.Markdown(Keys(), 3))
	b.WriteString("## Values\n\nA key that is not listed has the value of the profile that is extended.\n\n")
	for _, name := range s.Names() {
		section(&b, s.Get(name))
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// section has the values that a file itself has, each with its document.
func section(b *strings.Builder, p *Profile) {
	fmt.Fprintf(b, "### %s\n\n%s.", p.Name, p.About)
	if p.Extends != "" {
		fmt.Fprintf(b, " Extends `%s`.", p.Extends)
	}
	b.WriteString("\n\n")
	rows := 0
	for _, k := range Keys() {
		v := p.own.Get(k.Name)
		if !v.IsSet() || k.Name == keyAbout || k.Name == keyExtends || k.Name == keySources {
			continue
		}
		if rows++; rows == 1 {
			b.WriteString("| key | value | from |\n|---|---|---|\n")
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", k.Name, plain(k, v), cmp.Or(p.Sources[k.Name], "-"))
	}
	if rows == 0 {
		b.WriteString("It has no values of its own.\n")
	}
	b.WriteString("\n")
}

// plain prints a value as a file could have it.
func plain(k schema.Key, v *schema.Value) string {
	return "`" + strings.ReplaceAll(flow(k, v), "|", `\|`) + "`"
}

func flow(k schema.Key, v *schema.Value) string {
	var parts []string
	switch k.Type {
	case schema.Object:
		for _, f := range k.Keys {
			if in := v.Get(f.Name); in.IsSet() {
				parts = append(parts, f.Name+": "+flow(f, in))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case schema.List:
		for _, item := range v.Items() {
			parts = append(parts, flow(*k.Elem, item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case schema.Dict:
		for _, name := range v.Names() {
			parts = append(parts, name+": "+flow(*k.Elem, v.Get(name)))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return v.Text()
}

const referenceHead = `# Modem profiles

<!-- Printed from lines/modem/profiles/shipped: go test ./lines/modem/profiles -run Reference -update -->

A profile has what is different for one family of modems: how it is recognized, its commands, how it
reports the calling number, its result texts. The key ` + "`profile`" + ` of a line selects one:

` + "```yaml" + `
lines:
  - {tty: 65, port: "serial:///dev/ttyUSB0", profile: usr-courier}
` + "```" + `

Without it a line has the profile ` + "`generic`" + `. The keys ` + "`init`, `result_codes`, `proof_registers`" + ` and
` + "`timing`" + ` of a line take precedence over its profile, and the profile over the driver's tables.

**Not proven by tests.** The values are those of the documents named below. No test has used one of
these modems: the transcripts in ` + "`lines/modem/profiles/testdata`" + ` are made from the text of the
documents, and say so.

| profile | for |
|---|---|
`

const referenceKeys = `
## Files

` + "`modems_dir`" + ` of the [configuration](configuration.md) names a directory of files ` + "`NAME.yaml`" + `, which
are read like the configuration: an unknown key, a wrong type or an invalid command is an error with file, line
and column. A file replaces the shipped profile of the same name, or, with ` + "`extends`" + ` and its own name,
changes it. ` + "`generic`" + ` cannot be changed. A reload applies a change to the lines that have the profile,
after their calls.

` + "```yaml" + `
# modems.d/usr-courier.yaml: our Couriers have firmware with another caller ID command
about: our Couriers
extends: usr-courier
caller_id: {command: AT+VCID=1}
` + "```" + `

### Commands of lines and profiles

A command may not dial, answer, hang up or escape, except that ` + "`answer`" + ` ends with A. These are
errors, with file, line and what to write instead:

| in | error | why |
|---|---|---|
| any command | ` + "`D`, `A/`, `A>`, `+++`" + ` | only chat scripts dial, and each dial is counted |
| any command, scripts | ` + "`S3`, `S4`, `S5`" + `, = without a register | they change how the modem reads a command line, so that it could dial by another command |
| ` + "`init`" + ` | ` + "`A`, `O`, `H1`" + ` | the modem must be on hook |
| ` + "`init`" + ` | ` + "`E1`, `Q1`, `Q2`, `V0`" + ` | the driver needs result codes, as words and without echo |
| ` + "`init`" + ` | ` + "`Z`" + ` with other commands, ` + "`&F`" + ` behind other commands | the reset undoes the others; ATZ was sent before ` + "`init`" + ` |
| ` + "`init`" + ` | ` + "`S2=`, `S12=`" + ` | the driver sets them |
| ` + "`init`" + ` of a line on a port with modem signals | ` + "`&C0`, `&D0`, `&D1`" + ` | DCD and DTR would not show and end calls |
| other commands | ` + "`A`, `H`, `O`, `Z`, `&F`, `E1`, `Q1`, `V0`, `S0`, `S2`, `S12`, `&C0`, `&D0`" + ` | they would undo ` + "`init`" + ` |

A warning is given for ` + "`S0=1`" + ` and more (the modem answers by itself: its calls cannot be screened) and
for ` + "`&W`" + ` (it writes the modem's memory at each start).

`
