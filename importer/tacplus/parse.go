package tacplus

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/lab/servers"
)

// block is a user or a group.
type block struct {
	kind, name string
	line       int
	ends       []int // lines of its braces
	member     value // "" none
	permit     string
	permitAt   int
	passwords  []password
	services   []service
	others     []other // in the order of the file
	expires    value
}

// value is a text and its line.
type value struct {
	text string
	line int
}

// password is `login = cleartext TEXT` and the like.
type password struct {
	of   string // login, pap, …
	how  string // cleartext, des, file, …
	text string
	line int
}

// service is `service = NAME [protocol = NAME] { … }`.
type service struct {
	name, protocol string
	line           int
	ends           []int
	pairs          []pair
}

type pair struct {
	name, value string
	optional    bool
	line        int
}

// other is a statement that does not become a part of a local user.
type other struct {
	text  string // in words, for the report
	lines []int
	// blocks: without it the user could do more than before
	blocks bool
	why    string
}

// file is a whole configuration.
type file struct {
	blocks []block
	others []other // outside of blocks
}

// parser reads a configuration. It records no line: what became of it is known later.
type parser struct {
	words  *servers.Words
	ledger *importer.Ledger
	starts []int // where each line begins in the text
	err    *importer.Error
	behind bool // the last word may be a part of a password: it is not shown
	first  int  // line of the current statement
	parts  map[int]int
}

// fail records the first error.
func (p *parser) fail(line int, msg, want string) {
	if p.err == nil {
		p.err = &importer.Error{Line: line, Msg: msg, Want: want, Hint: "the import reads tac_plus.conf of tac_plus F4"}
	}
}

func (p *parser) next(raw bool) servers.Word {
	if p.err != nil {
		return servers.Word{}
	}
	w, err := p.words.Next(raw)
	if err != nil {
		p.fail(w.Line, err.Error(), "")
		return servers.Word{}
	}
	if _, ok := p.parts[w.Line]; !ok && !w.End() {
		p.parts[w.Line] = p.first
	}
	return w
}

// begin notes that the next word begins a statement.
func (p *parser) begin(raw bool) servers.Word {
	p.first = 0
	w := p.next(raw)
	p.first = w.Line
	return w
}

// shown is a word for an error; one that may be a part of a password is not shown.
func (p *parser) shown(w servers.Word) string {
	switch {
	case w.End():
		return "the end of the file"
	case w.Quoted || p.behind:
		return "another text"
	}
	return fmt.Sprintf("%.40q", w.Text)
}

// want reads one of the bare words { } =.
func (p *parser) want(bare, after string) servers.Word {
	w := p.next(false)
	if p.err == nil && !(w.Bare && w.Text == bare) {
		p.fail(w.Line, fmt.Sprintf("%s after %s", p.shown(w), after), bare)
	}
	return w
}

// text reads a word that is not { } =.
func (p *parser) text(of string) servers.Word {
	w := p.next(false)
	if p.err == nil && (w.Bare || w.End()) {
		p.fail(w.Line, fmt.Sprintf("%s after %s", p.shown(w), of), "its value")
	}
	return w
}

// value reads `= TEXT`.
func (p *parser) value(of string) servers.Word {
	p.want("=", of)
	return p.text(of + " =")
}

// hide keeps a word out of the report.
func (p *parser) hide(w servers.Word) {
	if p.err == nil && w.To > w.From {
		start := p.starts[w.Line-1]
		p.ledger.Hide(w.Line, w.From-start, w.To-start)
	}
}

// parse reads the whole text.
func (p *parser) parse() (f file) {
	for {
		p.behind = false
		w := p.begin(false)
		if p.err != nil || w.End() {
			return f
		}
		switch {
		case w.Text == "user" && !w.Bare, w.Text == "group":
			f.blocks = append(f.blocks, p.block(w))
		case w.Text == "id":
			p.fail(w.Line, "id begins a configuration of tac_plus-ng", "user = NAME { … } of tac_plus F4")
		default:
			f.others = append(f.others, p.top(w))
		}
	}
}

// top reads a statement outside of users and groups.
func (p *parser) top(w servers.Word) other {
	o := other{text: w.Text, lines: []int{w.Line}}
	switch w.Text {
	case "key":
		p.hide(p.value("key"))
		o.why = "-the key between access servers and tac_plus: local users need no server"
	case "accounting":
		o.text += " " + p.fileOrWord()
		o.why = "-ringback records calls in its journal, and writes them to a file with cdr: {file}"
	case "logging":
		p.value("logging")
		o.why = "-the log is that of ringback (log, log.syslog)"
	case "default":
		what := p.text("default")
		o.text += " " + what.Text
		how := p.value("default " + what.Text)
		switch {
		case what.Text == "authentication":
			p.text("default authentication = file")
			o.why = "users who are not in the file are not imported: their passwords are in another file"
		case what.Text == "authorization" && how.Text == "permit":
			o.why = "users who are not in the file are rejected"
		case what.Text == "authorization":
			o.why = "-users who are not in the file are rejected"
		default:
			p.fail(what.Line, "default is not followed by authentication or authorization", "")
		}
	case "host":
		o.text += " = " + p.value("host").Text
		o.lines = append(o.lines, p.skip("host")...)
		o.why = "-the key of an access server: local users need no server"
	case "acl":
		o.text += " = " + p.value("acl").Text
		o.lines = append(o.lines, p.skip("acl")...)
		o.why = "a list of access servers: ringback is one of them and does not know whether it is listed"
	default:
		p.fail(w.Line, p.shown(w)+" is not a statement", "user, group, key, host, acl, default, accounting or logging")
	}
	return o
}

// fileOrWord reads `file = NAME` or a word.
func (p *parser) fileOrWord() string {
	w := p.text("accounting")
	if w.Text == "file" {
		p.value("accounting file")
	}
	return w.Text
}

// skip reads a block { … }, in which no word is shown, and returns its lines.
func (p *parser) skip(of string) (lines []int) {
	lines = append(lines, p.want("{", of).Line)
	for depth := 1; depth > 0 && p.err == nil; {
		w := p.next(false)
		switch {
		case w.End():
			p.fail(w.Line, "the end of the file in "+of, "}")
		case w.Bare && w.Text == "{":
			depth++
		case w.Bare && w.Text == "}":
			depth--
		case !w.Bare && w.Text != "key" && w.Text != "permit" && w.Text != "deny":
			p.hide(w)
		}
		lines = append(lines, w.Line)
	}
	return lines
}

// block reads a user or a group.
func (p *parser) block(kind servers.Word) block {
	name := p.value(kind.Text)
	b := block{kind: kind.Text, name: name.Text, line: kind.Line}
	b.ends = append(b.ends, name.Line, p.want("{", kind.Text+" = NAME").Line)
	for p.err == nil {
		w := p.begin(false)
		switch {
		case p.err != nil:
		case w.Bare && w.Text == "}":
			b.ends = append(b.ends, w.Line)
			return b
		case w.End():
			p.fail(w.Line, fmt.Sprintf("the end of the file in the %s that begins in line %d", b.kind, b.line), "}")
		default:
			p.statement(&b, w)
		}
	}
	return b
}

// passwordWords are the statements that have a password.
var passwordWords = []string{"login", "pap", "chap", "ms-chap", "opap", "arap", "global", "enable"}

// statement reads one statement of a user or a group.
func (p *parser) statement(b *block, w servers.Word) {
	switch {
	case slices.Contains(passwordWords, w.Text):
		p.password(b, w)
		return
	case w.Text == "service":
		p.behind = false
		b.services = append(b.services, p.service(w))
		return
	case w.Text == "cmd":
		p.behind = false
		p.command(b, w)
		return
	}
	o := other{text: w.Text, lines: []int{w.Line}}
	switch w.Text {
	case "name":
		p.value("name")
		o.why = "-a person's name"
	case "member":
		p.once(b.member.line, w)
		v := p.value("member")
		b.member = value{v.Text, w.Line}
	case "expires":
		p.once(b.expires.line, w)
		v := p.value("expires")
		b.expires = value{v.Text, w.Line}
	case "default":
		p.defaultService(b, w)
	case "maxsess":
		p.value("maxsess")
		o.why = "a local user has no limit of simultaneous sessions"
	case "message":
		p.value("message")
		o.why = "a local user has no text that is shown after the login"
	case "acl", "enableacl":
		p.value(w.Text)
		o.why = "it limits the user to some access servers, and ringback does not know whether it is one of them " +
			"(remove the line if it is)"
		o.blocks = w.Text == "acl"
	case "before", "after":
		p.text(w.Text) // authorization
		p.text(w.Text + " authorization")
		o.text += " authorization"
		o.why = "a program decides what the user may have"
		o.blocks = true
	default:
		p.fail(w.Line, fmt.Sprintf("%s is not a statement of a %s", p.shown(w), b.kind),
			"login, pap, chap, global, member, service, cmd, … or }")
		return
	}
	p.behind = false
	if o.why != "" {
		b.others = append(b.others, o)
	}
}

// once fails if a statement was there before, in that line.
func (p *parser) once(before int, w servers.Word) {
	if before > 0 {
		p.fail(w.Line, fmt.Sprintf("%s is in line %d too", w.Text, before), "it once")
	}
}

func (p *parser) defaultService(b *block, w servers.Word) {
	p.once(b.permitAt, w)
	what := p.text("default")
	how := p.value("default " + what.Text)
	switch {
	case p.err != nil:
	case what.Text != "service":
		p.fail(what.Line, "default is not followed by service", "default service = permit or deny")
	case how.Text != "permit" && how.Text != "deny":
		p.fail(how.Line, "default service has another value", "permit or deny")
	default:
		b.permit, b.permitAt = how.Text, w.Line
	}
}

// bareWays are the ways of a password that have no text.
var bareWays = []string{"nopassword", "skey", "pam"}

func (p *parser) password(b *block, w servers.Word) {
	for _, x := range b.passwords {
		if x.of == w.Text {
			p.once(x.line, w)
		}
	}
	how := p.value(w.Text)
	x := password{of: w.Text, how: strings.ToLower(how.Text), line: w.Line}
	switch {
	case p.err != nil:
	case slices.Contains(bareWays, x.how):
	case x.how == "cleartext" || x.how == "des" || x.how == "file":
		v := p.text(w.Text + " = " + x.how)
		p.hide(v)
		x.text = v.Text
	default:
		p.fail(how.Line, w.Text+" has an unknown kind of password", "cleartext, des, file, PAM, skey or nopassword")
	}
	p.behind = true
	b.passwords = append(b.passwords, x)
}

func (p *parser) service(w servers.Word) service {
	name := p.value("service")
	s := service{name: name.Text, line: w.Line}
	if s.name == "shell" {
		s.name = "exec"
	}
	open := p.next(false)
	if open.Text == "protocol" && !open.Bare {
		s.protocol = p.value("protocol").Text
		open = p.next(false)
	}
	if p.err == nil && !(open.Bare && open.Text == "{") {
		p.fail(open.Line, p.shown(open)+" after service = NAME", "protocol = NAME or {")
	}
	s.ends = append(s.ends, open.Line)
	for p.err == nil {
		w := p.begin(false)
		switch {
		case p.err != nil:
		case w.Bare && w.Text == "}":
			s.ends = append(s.ends, w.Line)
			return s
		case w.End() || w.Bare:
			p.fail(w.Line, p.shown(w)+" in service = NAME", "NAME = VALUE or }")
		default:
			s.pairs = append(s.pairs, p.pair(w))
		}
	}
	return s
}

// pair reads `[optional] NAME = VALUE`, or `default attribute = permit`, which is about pairs that are asked for.
func (p *parser) pair(w servers.Word) pair {
	x := pair{line: w.Line}
	switch w.Text {
	case "optional":
		x.optional = true
		w = p.text("optional")
	case "default":
		if what := p.text("default"); p.err == nil && what.Text != "attribute" {
			p.fail(what.Line, "default is not followed by attribute", "default attribute = permit or deny")
		}
		w.Text, x.optional = "default attribute", true
	}
	v := p.value("an attribute")
	x.name, x.value = w.Text, v.Text
	if name := strings.ToLower(x.name); strings.Contains(name, "secret") || strings.Contains(name, "pass") {
		p.hide(v)
	}
	return x
}

// command reads `cmd = NAME { permit REGEX deny REGEX … }`.
func (p *parser) command(b *block, w servers.Word) {
	name := p.value("cmd")
	o := other{text: "cmd = " + name.Text, lines: []int{w.Line}, why: "ringback does not authorize single commands " +
		"of local users: limit them with exec: {commands} in the policy file of the group"}
	o.lines = append(o.lines, p.want("{", "cmd = NAME").Line)
	for p.err == nil {
		w := p.next(false)
		o.lines = append(o.lines, w.Line)
		switch {
		case p.err != nil:
		case w.Bare && w.Text == "}":
			b.others = append(b.others, o)
			return
		case w.Text == "permit" || w.Text == "deny":
			if re := p.next(true); p.err == nil && re.End() {
				p.fail(re.Line, "the end of the file after "+w.Text, "a regular expression")
			}
		default:
			p.fail(w.Line, p.shown(w)+" in cmd = NAME", "permit, deny or }")
		}
	}
}
