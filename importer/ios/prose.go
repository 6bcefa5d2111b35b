package ios

import (
	"strings"

	"github.com/ringback/ringback/importer"
)

// unknown adds the row of a command that no table has, unless it looks like a part of a document.
func (p *parser) unknown(in *input, indented bool) error {
	inside := p.indent && indented
	if why := prose(in, inside && p.kindOf == importer.Unsupported); why != "" && !(inside && p.whole) {
		return &importer.Error{Line: in.line, Msg: why, Want: "a command of a running configuration, with its whole " +
			"text on a line of its own", Hint: hintRunning}
	}
	if p.another(in, 1) {
		return &importer.Error{Line: in.line, Msg: "another command begins in it: are two lines joined?",
			Want: "each command on a line of its own", Hint: hintRunning}
	}
	switch {
	case inside:
		p.add(in.line, mask(in.raw), result{kind: p.kindOf, note: "a part of the block above, which is not imported"})
	case strings.EqualFold(in.words[0].text, "no") || strings.EqualFold(in.words[0].text, "default"):
		p.add(in.line, mask(in.raw), harmless("it turns off what is not imported"))
	case indented && p.mode != "":
		p.add(in.line, mask(in.raw), unsupported("the import does not know this command of %s", p.mode))
	default:
		p.leave()
		p.indent, p.kindOf, p.whole, p.inside = true, importer.Unsupported, false, nil
		p.freeBlock = false
		p.add(in.line, mask(in.raw), unsupported("the import does not know this command"))
	}
	return nil
}

// pasted rejects a line that continues with a comment or another line, as texts do that were copied from a document.
func (p *parser) pasted(pt pattern, in *input) error {
	if in.used > 0 || strings.HasPrefix(pt.syntax, "banner") {
		return nil
	}
	for _, w := range in.words[1:] {
		if w.text == "!" && !freeText(in) || strings.HasPrefix(w.text, "!--") {
			return in.wrong(pt, "a comment or another command follows it: are lines joined?")
		}
		if i := strings.IndexFunc(w.text, func(r rune) bool { return r > 0x7e || r < ' ' }); i >= 0 && !freeText(in) {
			return in.wrong(pt, "it has a character that is not ASCII")
		}
	}
	return nil
}

// freeText reports whether the words of a line are not IOS's.
func freeText(in *input) bool {
	return oneOf(in.words[0].text, []string{"description", "remark", "banner", "snmp-server", "location", "alias",
		"menu",
		"vacant-message", "refuse-message", "title", "name"})
}

// swallows reports whether a comment has a command behind a sentence or another comment, as where a document was
// copied.
func swallows(raw string) bool {
	words := split(raw)
	for i := 1; i < len(words); i++ {
		before := words[i-1].text
		if ends := strings.HasSuffix(before, ".") || i > 1 && before == "!"; !ends {
			continue
		}
		for _, m := range []mode{global, lineMode, interfaceMode} {
			pt, ok := find(m, words[i:])
			n := len(words) - i - len(pt.literals)
			if ok && (pt.do != nil || len(pt.literals) > 1) && n >= pt.args && words[i].text == pt.literals[0][0] {
				return true
			}
		}
	}
	return false
}

// function are words of English that begin no command, and words that are arguments only: a line that begins with one
// is prose, or the end of a wrapped line.
var function = strings.Fields(`a an and are as at be before by can client callback-dialstring callback-line
	callback-rotary datetime device do does for from has have if in into is it its may msec must nocallback-verify not of
	on or please problems requires return same see string that the these this those to use used user users using verify
	when where which will with you your inout during-login forced-wait modem-off-hook offhook password secret nopassword nohangup
	noescape auth-port acct-port start-stop stop-only wait-start single-connection local none if-authenticated if-needed`)

// english are words that stand in no command, except in texts.
var english = strings.Fields("an and are has have is it that the this which will with you your")

// prose says why a line that is no known command is no command at all; "" if it may be one. Inside a block that is not
// known, it may begin with any word.
func prose(in *input, inside bool) string {
	first := in.words[0].text
	for i := range len(in.raw) {
		if c := in.raw[i]; (c > 0x7e || c < ' ' && c != '\t') && !freeText(in) {
			if c < ' ' || c == 0x7f {
				return "it has a control character: it is no command"
			}
			return "it has a character that is not ASCII: it is no command"
		}
	}
	for _, w := range in.words[1:] {
		if w.text == "!" && !freeText(in) || strings.HasPrefix(w.text, "!--") {
			return "a comment stands behind other text: are lines joined or wrapped?"
		}
	}
	for _, w := range in.words[1:] {
		if !freeText(in) && oneOf(w.text, english) {
			return "it has words of English that no command has: it is prose"
		}
	}
	last := in.raw[len(in.raw)-1]
	switch {
	case !inside && oneOf(first, function):
		return "it begins with a word that begins no command: it is prose, or the end of a wrapped line"
	case !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789", rune(in.raw[0])) && !hexadecimal(first):
		return "it begins no command: commands begin with a small letter"
	case strings.Trim(first, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:+") != "" ||
		strings.HasSuffix(first, ":") || strings.HasSuffix(first, "."):
		return "its first word is not that of a command"
	case len(in.words) > 3 && strings.ContainsRune(".,:;?", rune(last)) && !freeText(in):
		return "it ends like a sentence: it is prose"
	}
	return ""
}

// hexadecimal reports whether a word may be a part of a certificate.
func hexadecimal(w string) bool { return len(w) >= 2 && strings.Trim(w, "0123456789ABCDEF") == "" }
