package modem

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the printed documents; then read the diff")

// TestReferenceResultCodes prints docs/reference/result-codes.md from the data file.
func TestReferenceResultCodes(t *testing.T) {
	const path = "../../docs/reference/result-codes.md"
	want := reference(mustTable(t))
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is stale (%v): go test ./lines/modem -run ResultCodes -update, then read the difference", path,
			err)
	}
}

func reference(file *table) string {
	var b strings.Builder
	b.WriteString(referenceHead)
	b.WriteString("## Texts\n\nA `*` at the end matches any text that follows. The longest text that matches a line " +
		"counts. Case\nis ignored.\n\n")
	section := func(rows []codeRow) {
		b.WriteString("| text | means | sent by |\n|---|---|---|\n")
		for _, r := range rows {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Text, r.Means, makers(r.Said))
		}
	}
	section(file.Codes)
	b.WriteString("\n## Numbers\n\nA modem that sends numbers (`ATV0`) is understood until it confirms `V1`, which " +
		"the driver's\ninitialization sets. From 10 on, each maker has its own numbers: 11 is `CONNECT 4800` for one " +
		"and\n`RINGING` for another. A two-digit number that is not in this table is a CONNECT.\n\n")
	section(file.Numbers)
	b.WriteString("\n## Caller ID\n\nA calling number is 1 to 32 digits, with at most a `+` before them. If anything " +
		"else is in its place\n(a comma, a space, a letter such as `P` for private), the caller is unknown.\n\n" +
		"| line | form | sent by |\n|---|---|---|\n")
	for _, r := range file.Callers {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Text, formText[r.Form], makers(r.Said))
	}
	b.WriteString("\n## Documents\n\n")
	for _, s := range slices.Sorted(maps.Keys(file.Sources)) {
		fmt.Fprintf(&b, "* `%s`: %s\n", s, file.Sources[s])
	}
	return b.String()
}

var formText = map[string]string{
	"tag": "`=` or `:`, the number", "clip": "`: \"number\",type`, with or without quotes and type",
	"semicolon": "the caller, `;`, the called number",
	"slash":     "the called number", "third": "type, `DN` and the called number's place, the caller",
}

func makers(said map[string]string) string {
	var all []string
	for _, m := range slices.Sorted(maps.Keys(said)) {
		all = append(all, fmt.Sprintf("%s (`%s`)", m, said[m]))
	}
	return strings.Join(all, ", ")
}

const referenceHead = `# Result codes

<!-- Printed from lines/modem/resultcodes.yaml: go test ./lines/modem -run ResultCodes -update -->

The texts that modems send, by maker, and their meaning for ringback. During a dial, these texts end
the attempt: each text below with a meaning other than progress, each text to which the line's
configuration gives such a meaning, and any other line that begins with ` + "`NO `" + `, as NO CARRIER.
Other texts never end a dial. If the dial times out, the last of them is shown with the cause.

If a modem sends other texts, or uses a text with another meaning, describe it with ` + "`result_codes`" + ` of
its line ([configuration](configuration.md)) or of its [profile](modems.md):

` + "```yaml" + `
lines:
  - tty: 65
    port: "serial:///dev/ttyS0"
    result_codes: {"LINE BLOCKED*": BLACKLISTED, RRING: RING, "NO POWER SAVE": progress}
` + "```" + `

` + "`OK`, `ERROR`, texts that begin with `CONNECT` or `AT`, numbers" + `, and lines that report the calling
number, which has words of the caller, cannot be given a meaning. ` + "`RING`, `BUSY`, `NO CARRIER`, `NO ANSWER`" + `
and ` + "`NO DIALTONE`" + ` keep theirs, and a text below that ends a dial cannot become ` + "`OK`, `CONNECT`" + ` or
` + "`RING`" + `.

| means | outcome of a dial |
|---|---|
| CONNECT | connected |
| BUSY, NO ANSWER, NO CARRIER, NO DIALTONE | busy, no answer, no carrier, no dialtone |
| VOICE, FAX | voice, fax: a person or a fax machine answered, and the modem was hung up |
| BLACKLISTED, DELAYED | blacklisted, delayed: the modem rejects the number; with a time at the end of the line, such as DELAYED 00:59:02 (hours, minutes, seconds), the line does not dial it before |
| ERROR | modem error |
| RING | glare: a call came in while the line dialed |
| OK, progress | the dial continues |

`
