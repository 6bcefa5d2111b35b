package atprompt

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the printed document; then read the diff")

// TestReference prints docs/reference/at-prompt.md from the tables.
func TestReference(t *testing.T) {
	const path = "../../docs/reference/at-prompt.md"
	want := reference()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is stale (%v): go test ./lines/atprompt -run Reference -update, then read the difference", path,
			err)
	}
}

func reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, e := range table() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(e.written(), "|", "\\|"), e.text)
	}
	b.WriteString("\n## S registers\n\n| register | values | default | meaning |\n|---|---|---|---|\n")
	for _, r := range registers {
		fmt.Fprintf(&b, "| S%d | %d to %d | %d | %s |\n", r.number, r.least, r.most, r.value, r.text)
	}
	b.WriteString("\n## Result codes\n\n| word (`V1`) | number (`V0`) |\n|---|---|\n")
	for c := OK; c <= NoAnswer; c++ {
		if text := c.String(); text != "" {
			fmt.Fprintf(&b, "| `%s` | %d |\n", text, int(c))
		}
	}
	return b.String()
}

const referenceHead = `# AT prompt

<!-- Printed from lines/atprompt: go test ./lines/atprompt -run Reference -update -->

A network user of a line ([console server](../how-to/console-server.md)) meets an emulated modem with
the command line of ITU-T V.250. The line's own modem never sees what the user types: it gets the
operator's dial template with the digits of a number that AAA, the policy, the number plan and the
ceilings have allowed.

* A line with a command that is not in the table, or a value that is not allowed, is an ` + "`ERROR`" + ` and
  does nothing at all: no command before the error is carried out.
* ` + "`A/`" + ` runs the line before again. A dial in it is a new order: it is decided, counted and reserved
  like the first one.
* During a dial, any character ends it, and so does a break or DTR; characters of the first 125 ms do
  not, since they belong to the end of the line (V.250 §5.6.1).
* During a call, ` + "`+++`" + ` with a second of silence before and after it returns to the command line; the
  call stays up. The characters go to the call too. What the far end sends (` + "`+++`, `AT`, `NO CARRIER`" + `)
  is data.
* For people (Telnet and SSH), a sentence before the result code says why a command failed, unless
  ` + "`V0`, `X0` or `Q1`" + ` is set. A CONNECT has the text of the line's modem.
* Spaces and control characters have no meaning, upper and lower case are the same, and the parity bit
  is ignored. A line has at most 255 characters and 40 commands.

## Commands

| command | meaning |
|---|---|
`
