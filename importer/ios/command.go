package ios

import (
	"strings"

	"github.com/ringback/ringback/importer"
)

// mode is where a command is valid.
type mode string

const (
	global        mode = "global"
	lineMode      mode = "line"
	interfaceMode mode = "interface"
	groupMode     mode = "aaa group server"
	radiusMode    mode = "radius server"
	tacacsMode    mode = "tacacs server"
	mapMode       mode = "map-class"
)

// command is a row of a table.
type command struct {
	mode mode
	// syntax has the words of the command: literal ones, alternatives `a|b`, and what follows: NAME is an argument, `…`
	// stands for further ones. Without `…` the command has exactly these arguments.
	syntax string
	kind   importer.Kind // what it usually becomes
	note   string        // what it becomes, or the reason why it becomes nothing: for the report and the reference
	// do imports the command. Nil: nothing is to be done; the row has kind and note.
	do func(p *parser, in *input) result
	// hide returns the line as it may be shown. Nil: as written if there is a do; otherwise a secret may be in it.
	hide func(in *input) string
	// opens: it begins a block of this mode.
	opens mode
	// anywhere: it ends the block that it is in, also if it is indented.
	anywhere bool
}

// pattern is a compiled syntax.
type pattern struct {
	*command
	literals [][]string // alternatives of the words before the first argument
	args     int        // exact number of arguments
	more     bool       // or more
}

func compile(c *command) (pt pattern) {
	pt.command = c
	for _, w := range strings.Fields(c.syntax) {
		switch {
		case w == "…":
			pt.more = true
		case strings.ToUpper(w) == w && strings.ContainsAny(w, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
			pt.args++
		default:
			pt.literals = append(pt.literals, strings.Split(w, "|"))
		}
	}
	return pt
}

// begins reports whether a line begins with the words of the command. IOS ignores letter case.
func (pt pattern) begins(words []word) bool {
	if len(words) < len(pt.literals) {
		return false
	}
	for i, alternatives := range pt.literals {
		if !oneOf(words[i].text, alternatives) {
			return false
		}
	}
	return true
}

func oneOf(text string, words []string) bool {
	for _, w := range words {
		if strings.EqualFold(text, w) {
			return true
		}
	}
	return false
}

// patterns has the commands by mode and first word, those with more words first.
var patterns = index(commands())

func index(tables []command) map[mode]map[string][]pattern {
	all := map[mode]map[string][]pattern{}
	for i := range tables {
		pt := compile(&tables[i])
		by := all[pt.mode]
		if by == nil {
			by = map[string][]pattern{}
			all[pt.mode] = by
		}
		for _, first := range pt.literals[0] {
			list := by[strings.ToLower(first)]
			at := 0
			for at < len(list) && len(list[at].literals) >= len(pt.literals) {
				at++
			}
			by[strings.ToLower(first)] = append(list[:at:at], append([]pattern{pt}, list[at:]...)...)
		}
	}
	return all
}

// find returns the command of a mode that a line is: the one with most of its words, and its number of arguments.
func find(m mode, words []word) (pattern, bool) {
	if len(words) == 0 {
		return pattern{}, false
	}
	var best pattern
	found := false
	for _, pt := range patterns[m][strings.ToLower(words[0].text)] {
		if !pt.begins(words) || found && len(pt.literals) < len(best.literals) {
			continue
		}
		if n := len(words) - len(pt.literals); n == pt.args || n > pt.args && pt.more {
			return pt, true
		}
		if !found {
			best, found = pt, true
		}
	}
	return best, found
}

// commands returns the rows of all tables.
func commands() (all []command) {
	for _, table := range [][]command{globalTable(), usersTable(), aaaTable(), serversTable(), lineTable(),
		interfaceTable(), otherTable()} {
		all = append(all, table...)
	}
	return all
}
