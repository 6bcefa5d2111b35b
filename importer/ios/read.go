package ios

import (
	"regexp"
	"strings"

	"github.com/ringback/ringback/importer"
)

// heads are lines that a terminal or IOS prints around a configuration.
var heads = regexp.MustCompile(`^(Building configuration\.\.\.|Current configuration *:.*|Using [0-9]+ out of [0-9]+ bytes.*|` +
	`[A-Za-z0-9][A-Za-z0-9._-]*(\([a-z-]+\))?[#>] *((en|enable|sh|show|more|write|wr|copy|term|terminal|exit)( .*)?)?|` +
	`User Access Verification|Trying .*|Connected to .*|Escape character is .*)$`)

// asked is a question of a login, with its answer, as a recorded session has them.
var asked = regexp.MustCompile(`^(Username|Password|login): *`)

// logged is a message that a router printed between the lines of a recorded text.
var logged = regexp.MustCompile(`^([*.]?([A-Z][a-z]{2} +[0-9]+ )?[0-9:.wdhmy]+[^%]{0,12}: *)?` +
	`%[A-Z][A-Z0-9_]*-[0-7]-[A-Z0-9_]+:`)

// line reads a line, and those after it that belong to it. It returns how many lines it has read.
func (p *parser) line(n int, lines []string) (int, error) {
	text := lines[0]
	raw := strings.Trim(text, " \t")
	in := &input{line: n, raw: raw, more: lines[1:]}
	switch {
	case raw == "":
		p.add(n, "", harmless("a blank line"))
		return 1, nil
	case raw[0] == '!' && swallows(raw):
		return 0, &importer.Error{Line: n, Msg: "a command follows this comment: are lines joined?",
			Want: "the command on a line of its own", Hint: hintRunning}
	case raw[0] == '!':
		p.add(n, mask(raw), harmless("a comment"))
		return 1, nil
	case logged.MatchString(raw):
		return 0, &importer.Error{Line: n, Msg: "a message of the router's console stands in the text",
			Want: "commands only", Hint: "remove the line; `terminal no monitor` keeps messages out of a recorded text"}
	case strings.Contains(raw, "--More--"):
		return 0, &importer.Error{Line: n, Msg: "it has the --More-- of a terminal", Want: "the text in one piece",
			Hint: hintRunning}
	case (p.commands == 0 || p.ended) && heads.MatchString(raw):
		p.add(n, raw, harmless("printed around the configuration"))
		return 1, nil
	case p.commands == 0 && asked.MatchString(raw):
		text := asked.FindString(raw)
		if len(text) < len(raw) {
			text += importer.Hidden
		}
		p.add(n, text, harmless("printed before the configuration"))
		return 1, nil
	}
	in.words = split(raw)
	if p.ended && !strings.EqualFold(raw, "end") {
		return 0, &importer.Error{Line: n, Msg: "there is text after `end`", Want: "the end of the text, or a prompt",
			Hint: "remove what does not belong to the configuration, such as the output of other commands; " +
				hintRunning}
	}
	p.commands++
	indented := text[0] == ' ' || text[0] == '\t'
	pt, known := p.find(in.words, indented)
	if p.indent && !indented && oneOf(in.words[0].text, p.inside) {
		indented, known = true, false // its indentation was lost
	}
	if !known {
		return 1, p.unknown(in, indented)
	}
	if err := p.known(pt, in); err != nil {
		return 0, err
	}
	return 1 + in.used, nil
}

// find returns the command that a line is, in the block that it is in or, if it ends that, at the outermost level.
func (p *parser) find(words []word, indented bool) (pattern, bool) {
	if p.indent && indented {
		return pattern{}, false
	}
	outer, ok := find(global, words)
	if p.mode == "" {
		return outer, ok
	}
	inner, found := find(p.mode, words)
	switch {
	case found && (indented || !ok || inner.do != nil || len(inner.literals) > len(outer.literals)):
		return inner, true
	case ok && indented && !outer.anywhere:
		return pattern{}, false
	}
	return outer, ok
}

// known does a command of the tables.
func (p *parser) known(pt pattern, in *input) error {
	for _, w := range in.words[len(pt.literals):] {
		in.args = append(in.args, w.text)
	}
	if pt.mode == global {
		p.leave()
	}
	if pt.do == nil && oneOf(in.words[0].text, []string{"no", "default"}) {
		if err := p.undoes(pt, in); err != nil {
			return err
		}
	}
	switch n := len(in.args); {
	case n < pt.args:
		return in.wrong(pt, "it ends too early: is the line wrapped?")
	case n > pt.args && !pt.more:
		return in.wrong(pt, "words follow it: are two lines joined?")
	}
	if err := p.pasted(pt, in); err != nil {
		return err
	}
	if pt.more && p.another(in, len(pt.literals)+pt.args) {
		return in.wrong(pt, "another command begins in it: are two lines joined?")
	}
	r := result{kind: pt.kind, note: pt.note}
	text := in.raw
	switch {
	case pt.hide != nil:
		text = pt.hide(in)
	case pt.do == nil:
		text = mask(in.raw)
	}
	in.row = p.add(in.line, text, r)
	if pt.do != nil {
		if r = pt.do(p, in); r.wrong != "" {
			return in.wrong(pt, "%s", r.wrong)
		}
		p.set(in.row, r)
		p.did(pt, in)
	}
	if p.onLine != nil {
		p.onLine.rows = append(p.onLine.rows, in.row)
	}
	if pt.opens != "" {
		p.mode = pt.opens
	}
	if p.indent = pt.mode == global && pt.do == nil; p.indent {
		p.kindOf, p.inside = p.rows[in.row].Kind, subcommands[pt.syntax]
		p.whole, p.freeBlock = p.kindOf == importer.Unsupported, oneOf(in.words[0].text, freeTail)
	}
	return nil
}

// set fills in the row of a command; what the result leaves open is that of the table.
func (p *parser) set(row int, r result) {
	at := &p.rows[row]
	if r.kind != "" {
		at.Kind = r.kind
	}
	if r.note != "" {
		at.Note = r.note
	}
	if r.warn != "" {
		at.Warn = joined(at.Warn, r.warn)
	}
}

// leave ends the block.
func (p *parser) leave() {
	p.mode, p.onLine, p.onIf, p.onGroup, p.onHost = "", nil, nil, nil, nil
}

// wrong is the error of a command with another syntax. It repeats nothing of the line that may be secret.
func (in *input) wrong(pt pattern, format string, args ...any) error {
	var words []string
	for i := range pt.literals {
		words = append(words, in.words[i].text)
	}
	return &importer.Error{Line: in.line, Msg: "`" + strings.Join(words, " ") + "`: " + wrong(format, args...).wrong,
		Want: "`" + pt.syntax + "`", Hint: hintRunning}
}
