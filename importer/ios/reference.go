package ios

import (
	"fmt"
	"strings"
)

const head = `# Import from IOS

<!-- Printed from the tables in importer/ios: go test ./importer/ios -run Reference -update -->

` + "`ringback import ios RUNNING-CONFIG`" + ` reads the output of ` + "`show running-config`" + `
([how-to](../how-to/from-ios.md)). Each line of it has one row in the report: *imported*, *harmless*
(nothing is lost without it) or *unsupported* (with the reason). What a row says may differ from these
tables, because it depends on the whole text: a script that no line can use, for example, is unsupported.

* A command that is in no table is unsupported, and so are the indented lines below it. Blank lines and
  comments (` + "`!`" + `) are harmless.
* ` + "`no COMMAND` and `default COMMAND`" + ` are harmless, except where a table has them.
* Capital letters stand for arguments, ` + "`…`" + ` for further ones, ` + "`a|b`" + ` for alternatives.
* A known command with other arguments, with words behind its end or without its end is an error, as in a
  text in which lines were joined or wrapped. So is one in whose words another command begins, except
  free text (` + "`description`, `remark`, `banner`" + `), a line that is no command, and a text without
  ` + "`end`" + ` (except with ` + "`--fragment`" + `). Nothing is written after an error.
* Texts are UTF-8, or UTF-16 with a byte order mark, of at most 8 MiB.
`

// Markdown prints the tables of commands as a reference.
func Markdown() string {
	var b strings.Builder
	b.WriteString(head)
	for _, section := range []struct {
		mode  mode
		title string
	}{
		{global, "Global commands"}, {lineMode, "Lines"}, {interfaceMode, "Interfaces"}, {groupMode, "Server groups"},
		{radiusMode, "RADIUS servers"}, {tacacsMode, "TACACS+ servers"}, {mapMode, "Map classes"},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| command | usually | becomes, or the reason |\n|---|---|---|\n", section.title)
		for _, c := range commands() {
			if c.mode == section.mode {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.ReplaceAll(c.syntax, "|", `\|`), c.kind, c.note)
			}
		}
	}
	b.WriteString("\n## Options of `username`\n\n`password`, `secret`: types 0 and 7 are stored in a file, which " +
		"CHAP needs; 5, 8 and 9 are " +
		"used as hashes; 4 and 6 are unsupported.\n\n")
	var names []string
	for _, o := range userOptions {
		names = append(names, "`"+o.word+"`")
	}
	b.WriteString("Known options: " + strings.Join(names, ", ") +
		", `callback-line`. A user that cannot be imported as it is on the router " +
		"is not imported at all,\nand cannot log in.\n")
	return b.String()
}
