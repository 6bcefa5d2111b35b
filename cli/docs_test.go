package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "print the documents again")

const cliDoc = "../docs/reference/cli.md"

const cliHead = `# The command line

<!-- Printed from the commands' own help: go test ./cli -run CLIReference -update -->

` + "`ringback COMMAND --help`" + ` prints the same.

For all commands:

* **Times** in text are local to the machine that prints them, without the date if it is today. In JSON and in logs they are
  RFC 3339 with the offset. Only RADIUS attributes that contain a time are printed as RFC 3339 in UTC.
* **Tables** fit into 80 columns if IDs, names and numbers do; these are never truncated. ` + "`-o wide`" + ` has all columns, ` + "`-o json`" + ` the output of the
  [admin API](api.md). Scripts should read JSON.
* **Exit status**: 0 success, 1 failure, which standard error explains, 2 wrong arguments or flags; then the usage of
  the command follows. A failed write to standard output is a failure.
`

// TestCLIReference compares docs/reference/cli.md with the commands' help: `go test ./cli -run CLIReference
// -update` prints it again.
func TestCLIReference(t *testing.T) {
	var b strings.Builder
	b.WriteString(cliHead)
	printCommand(&b, newRoot(""))
	if *update {
		if err := os.WriteFile(cliDoc, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(cliDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Errorf("%s is stale: go test ./cli -run CLIReference -update, then read the diff", cliDoc)
	}
}

func printCommand(b *strings.Builder, c *cobra.Command) {
	if c.Name() == "help" || c.Name() == "completion" || c.Hidden {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", c.CommandPath())
	text := c.Long
	if text == "" {
		text = c.Short
	}
	if c.Runnable() {
		fmt.Fprintf(b, "```\n%s\n```\n\n", c.UseLine())
	}
	fmt.Fprintf(b, "```text\n%s\n```\n", text)
	if flags := c.NonInheritedFlags(); flags.HasAvailableFlags() {
		b.WriteString("\n| flag | default | meaning |\n|---|---|---|\n")
		flags.VisitAll(func(f *pflag.Flag) {
			name := "`--" + f.Name + "`"
			if f.Shorthand != "" {
				name = "`-" + f.Shorthand + "`, " + name
			}
			fmt.Fprintf(b, "| %s | %s | %s |\n", name, f.DefValue, strings.ReplaceAll(f.Usage, "|", "\\|"))
		})
	}
	for _, sub := range c.Commands() {
		printCommand(b, sub)
	}
}

// TestReadmeCommands checks README's two commands: they are at the top, and the files and commands that they
// name exist.
func TestReadmeCommands(t *testing.T) {
	data, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	head := strings.Join(strings.Split(string(data), "\n")[:16], "\n")
	for _, cmd := range []string{"go run ./cmd/ringback lab", "./scripts/test"} {
		if !strings.Contains(head, cmd) {
			t.Errorf("README.md: %q is not in the first 16 lines", cmd)
		}
	}
}

// TestDocLinks follows the relative links of README.md and CONTRIBUTING.md.
func TestDocLinks(t *testing.T) {
	for _, doc := range []string{"README.md", "CONTRIBUTING.md"} {
		data, err := os.ReadFile("../" + doc)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(string(data), "](") {
			if i == 0 {
				continue
			}
			target, _, _ := strings.Cut(part, ")")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "#") {
				continue
			}
			if _, err := os.Stat("../" + target); err != nil {
				t.Errorf("%s links to %s: %v", doc, target, err)
			}
		}
	}
}
