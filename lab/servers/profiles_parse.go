package servers

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/ringback/ringback/aaa"
)

// ParseTACACS reads a configuration in the manner of tac_plus: `key`, `default authorization`, `accounting file`
// (accepted, nothing is written), `user = NAME { … }` and `group = NAME { … }` with login, pap, chap, ms-chap, global
// and enable (cleartext only), name, message, member, `default service`, `service = NAME [protocol = NAME] { … }` and
// `cmd = NAME { permit REGEX … }`; and one extension, `challenge = "QUESTION" "ANSWER"`, asked after the right
// password. An error names file:line; the file's name is the result of r's Name method, or "tac_plus.conf". Each bad
// user or group is one error; up to ten are reported.
func ParseTACACS(r io.Reader) (Profiles, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return Profiles{}, err
	}
	p := &profilesParser{scanner: scanner{file: nameOf(r, "tac_plus.conf"), text: string(text), line: 1}}
	for len(p.errs) < 10 && p.statement() {
	}
	p.finish()
	if len(p.errs) > 0 {
		return Profiles{}, errors.Join(p.errs...)
	}
	return p.out, nil
}

// nameOf is the result of r's Name method, as *os.File has it.
func nameOf(r io.Reader, otherwise string) string {
	if n, ok := r.(interface{ Name() string }); ok {
		return n.Name()
	}
	return otherwise
}

type profilesParser struct {
	scanner
	out     Profiles
	members []member
	errs    []error
	inside  bool // a user or a group
	told    bool // an error in that one was recorded: others in it may follow from it
}

// member refers to a group that must exist at the end.
type member struct {
	line        int
	user, group string
}

// bad records an error at a line, one per user or group.
func (p *profilesParser) bad(line int, format string, args ...any) {
	if p.inside && p.told {
		return
	}
	p.told = true
	p.errs = append(p.errs, fmt.Errorf("%s:%d: %w", p.file, line, fmt.Errorf(format, args...)))
}

// read returns the next word; after an error, which it records, it returns the end of the file.
func (p *profilesParser) read() word { return p.take(false) }

func (p *profilesParser) take(raw bool) word {
	w, err := p.next(raw)
	if err != nil {
		p.bad(w.line, "%w", err)
		p.text = ""
		return word{line: w.line}
	}
	return w
}

// end reports whether w is the end of the file, and records an error then, because wanted must follow.
func (p *profilesParser) end(w word, wanted string) bool {
	if w.text != "" || w.quoted {
		return false
	}
	if len(p.errs) == 0 {
		p.bad(w.line, "unexpected end of file, expected %s", wanted)
	}
	return true
}

// want reads one of the bare words { } =.
func (p *profilesParser) want(bare, after string) bool {
	w := p.read()
	if w.bare && w.text == bare {
		return true
	}
	if !p.end(w, bare) {
		p.bad(w.line, "unexpected %s, expected %s after %s", w.text, bare, after)
		p.text = "" // the rest cannot be parsed
	}
	return false
}

// value reads `= WORD`.
func (p *profilesParser) value(of string) (word, bool) {
	if !p.want("=", of) {
		return word{}, false
	}
	w := p.read()
	if w.bare {
		p.bad(w.line, "unexpected %s, expected the value of %s", w.text, of)
		p.text = ""
		return w, false
	}
	return w, !p.end(w, "the value of "+of)
}

var topWords = []string{"key", "user", "group", "default", "accounting"}

// statement reads one top-level statement; false at the end of the file.
func (p *profilesParser) statement() bool {
	w := p.read()
	if w.text == "" && !w.quoted {
		return false
	}
	switch w.text {
	case "key":
		v, ok := p.value("key")
		p.out.Key = aaa.Secret(v.text)
		if ok && v.text == "" {
			p.bad(v.line, "the key is empty")
		}
	case "default":
		p.defaultOf("authorization", func(permit bool) { p.out.Permit = permit })
	case "accounting":
		if f := p.read(); f.text != "file" {
			p.bad(f.line, "accounting %s: only `accounting file = …` is supported", f.text)
			return false
		}
		p.value("accounting file")
	case "user", "group":
		p.profile(w)
	default:
		p.unknown(w, "here", topWords)
		return false
	}
	return true
}

func (p *profilesParser) unknown(w word, where string, known []string) {
	p.bad(w.line, "unknown word %s %s%s (valid: %s)", w.text, where, didYouMean(w.text, known),
		strings.Join(known, ", "))
	p.text = ""
}

// defaultOf reads `default WHAT = permit|deny`, after its first word.
func (p *profilesParser) defaultOf(what string, set func(permit bool)) {
	w := p.read()
	if w.text != what {
		p.bad(w.line, "default %s: only `default %s = permit` or `deny` is allowed here", w.text, what)
		p.text = ""
		return
	}
	v, ok := p.value("default " + what)
	switch {
	case !ok:
	case v.text == "permit" || v.text == "deny":
		set(v.text == "permit")
	default:
		p.bad(v.line, "default %s = %s: must be permit or deny", what, v.text)
	}
}

// profile reads a user or a group.
func (p *profilesParser) profile(kind word) {
	p.inside, p.told = true, false
	defer func() { p.inside = false }()
	name, ok := p.value(kind.text)
	if !ok || !p.want("{", kind.text+" = "+name.text) {
		return
	}
	list := &p.out.Users
	if kind.text == "group" {
		list = &p.out.Groups
	}
	if _, there := findProfile(*list, name.text); there {
		p.bad(name.line, "%s %s is defined twice", kind.text, name.text)
	}
	u := Profile{Name: name.text}
	body := p.scanner
	for {
		w := p.read()
		if w.bare && w.text == "}" {
			break
		}
		if p.end(w, "the } of "+kind.text+" "+name.text) || !p.word(&u, w) {
			p.scanner = body
			p.skip()
			break
		}
	}
	*list = append(*list, u)
}

// skip reads to the } of a profile that cannot be parsed, so that the entries after it are checked too.
func (p *profilesParser) skip() {
	for depth := 1; depth > 0; {
		w, err := p.next(false)
		switch {
		case err != nil || w.text == "" && !w.quoted:
			p.text = ""
			return
		case w.bare && w.text == "{":
			depth++
		case w.bare && w.text == "}":
			depth--
		}
	}
}

var profileWords = []string{"login", "pap", "chap", "ms-chap", "global", "enable", "name", "message", "member",
	"challenge", "default", "service", "cmd", "opap", "arap"}

// word reads one statement of a profile; false if the rest of it cannot be parsed.
func (p *profilesParser) word(u *Profile, w word) bool {
	before := len(p.errs)
	switch w.text {
	case "login", "pap", "chap", "ms-chap", "global", "enable", "opap", "arap":
		p.password(u, w)
	case "name", "message", "member":
		v, ok := p.value(w.text)
		switch {
		case !ok:
		case w.text == "message":
			u.Message = v.text
		case w.text == "member":
			u.Member = v.text
			p.members = append(p.members, member{v.line, u.Name, v.text})
		}
	case "challenge":
		p.challenge(u)
	case "default":
		p.defaultOf("service", func(permit bool) { u.Default = map[bool]string{true: "permit", false: "deny"}[permit] })
	case "service":
		p.service(u)
	case "cmd":
		p.command(u)
	default:
		p.unknown(w, "in the profile of "+u.Name, profileWords)
	}
	return len(p.errs) == before || p.text != ""
}

// password reads `= cleartext X` or `= nopassword`; anything else is an error.
func (p *profilesParser) password(u *Profile, w word) {
	how, ok := p.value(w.text)
	if !ok {
		return
	}
	switch {
	case how.text == "nopassword" && w.text == "login":
		u.NoPassword = true
		return
	case how.text == "cleartext":
	default:
		p.bad(how.line, "%s = %s: only `cleartext PASSWORD` is supported, because CHAP requires it", w.text, how.text)
		rest := p.scanner
		if arg, err := rest.next(false); err == nil && !arg.bare && arg.line == how.line {
			p.scanner = rest
		}
		return
	}
	v := p.read()
	if p.end(v, "the password of "+w.text) {
		return
	}
	if v.bare || v.text == "" || len(v.text) > 254 {
		p.bad(v.line, "%s = cleartext: the password must have 1 to 254 octets", w.text)
		return
	}
	u.setPassword(w.text, aaa.Secret(v.text))
}

func (u *Profile) setPassword(kind string, v aaa.Secret) {
	switch kind {
	case "login":
		u.Login = v
	case "pap":
		u.PAP = v
	case "chap":
		u.CHAP = v
	case "ms-chap":
		u.MSCHAP = v
	case "enable":
		u.Enable = v
	case "global":
		for _, f := range []*aaa.Secret{&u.Login, &u.PAP, &u.CHAP, &u.MSCHAP} {
			if *f == "" {
				*f = v
			}
		}
	} // opap and arap are accepted and ignored
}

func (p *profilesParser) challenge(u *Profile) {
	q, ok := p.value("challenge")
	if !ok {
		return
	}
	a := p.read()
	if p.end(a, "the answer to the challenge") {
		return
	}
	if a.bare || a.text == "" || q.text == "" {
		p.bad(q.line, `challenge: must be challenge = "QUESTION" "ANSWER"`)
		return
	}
	u.Question, u.Answer = q.text, aaa.Secret(a.text)
}

// service reads `= NAME [protocol = NAME] { … }`.
func (p *profilesParser) service(u *Profile) {
	name, ok := p.value("service")
	if !ok {
		return
	}
	sv := ServiceProfile{Service: name.text}
	if sv.Service == "shell" {
		sv.Service = "exec"
	}
	w := p.read()
	if w.text == "protocol" && !w.bare {
		v, ok := p.value("protocol")
		if !ok {
			return
		}
		sv.Protocol = v.text
		w = p.read()
	}
	if !w.bare || w.text != "{" {
		if !p.end(w, "{") {
			p.bad(w.line, "unexpected %s, expected { after service = %s", w.text, name.text)
			p.text = ""
		}
		return
	}
	for {
		w := p.read()
		if w.bare && w.text == "}" {
			u.Services = append(u.Services, sv)
			return
		}
		if p.end(w, "the } of service = "+name.text) || !p.pair(&sv, w) {
			return
		}
	}
}

// pair reads `[optional] NAME = VALUE` or `default attribute = permit`.
func (p *profilesParser) pair(sv *ServiceProfile, w word) bool {
	before := len(p.errs)
	if w.text == "default" {
		p.defaultOf("attribute", func(permit bool) { sv.Permit = permit })
		return len(p.errs) == before
	}
	var pair Pair
	if w.text == "optional" {
		pair.Optional = true
		w = p.read()
	}
	if w.bare || w.text == "" {
		if !p.end(w, "an attribute") {
			p.bad(w.line, "unexpected %q, expected an attribute", w.text)
			p.text = ""
		}
		return false
	}
	pair.Name = w.text
	v, ok := p.value(pair.Name)
	pair.Value = v.text
	switch {
	case !ok:
		return false
	case strings.ContainsAny(pair.Name, "=*"):
		p.bad(w.line, "attribute %s: write `optional %s = …`", w.text, strings.ReplaceAll(w.text, "*", ""))
	case len(pair.String()) > 255:
		p.bad(w.line, "attribute %s: longer than 255 octets", w.text)
	case len(sv.Pairs) == 200:
		p.bad(w.line, "attribute %s: more than 200 in one service", w.text)
	default:
		sv.Pairs = append(sv.Pairs, pair)
	}
	return true
}

// command reads `= NAME { permit REGEX deny REGEX … }`.
func (p *profilesParser) command(u *Profile) {
	name, ok := p.value("cmd")
	if !ok || !p.want("{", "cmd = "+name.text) {
		return
	}
	c := CommandProfile{Command: name.text}
	for {
		w := p.read()
		if w.bare && w.text == "}" {
			u.Commands = append(u.Commands, c)
			return
		}
		if p.end(w, "the } of cmd = "+name.text) {
			return
		}
		if w.text != "permit" && w.text != "deny" {
			p.unknown(w, "in cmd = "+name.text, []string{"permit", "deny"})
			return
		}
		v := p.take(true)
		if p.end(v, "a regular expression") {
			return
		}
		re, err := regexp.Compile(v.text)
		if err != nil {
			p.bad(v.line, "%s %s: %v", w.text, v.text, err)
			continue
		}
		c.Rules = append(c.Rules, CommandRule{w.text == "permit", re})
	}
}

// finish checks what can only be checked at the end of the file.
func (p *profilesParser) finish() {
	var groups []string
	for _, g := range p.out.Groups {
		groups = append(groups, g.Name)
	}
	for _, m := range p.members {
		if _, ok := findProfile(p.out.Groups, m.group); !ok && len(p.errs) == 0 {
			p.bad(m.line, "%s is a member of %s: there is no such group%s", m.user, m.group,
				didYouMean(m.group, groups))
		}
	}
}
