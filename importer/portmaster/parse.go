package portmaster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/importer"
)

// user is an entry of the user table.
type user struct {
	name     string
	net      bool // a network user; otherwise a login user
	password string
	line     int
	settings map[string]setting // the last of each
	gone     bool               // deleted
}

// setting is a value of a user or a location, and its line.
type setting struct {
	value string
	line  int
}

// location is an entry of the location table.
type location struct {
	name      string
	line      int
	telephone setting
	gone      bool // deleted
}

// word is a word of a command, and its octets From … To (not included) in the line.
type word struct {
	text     string
	from, to int
}

// parser reads commands.
type parser struct {
	*importer.Ledger
	users     []*user
	locations []*location
	byName    map[string]*user // of users
	places    map[string]*location
	prompts   bool // the input is the record of a session: lines without a prompt are output
}

const prompt = "Command>"

func fail(line int, msg, want string) *importer.Error {
	return &importer.Error{Line: line, Msg: msg, Want: want,
		Hint: "the import reads commands of ComOS, as pmconsole and pmreadconf back them up"}
}

// verbs are the commands of ComOS that change none of the two tables.
var verbs = []string{"attach", "dial", "done", "erase", "exit", "help", "ifconfig", "ping", "ptrace", "quit", "reboot",
	"reset", "rlogin", "save", "show", "telnet", "traceroute", "version"}

func (p *parser) parse(lines []string) *importer.Error {
	p.prompts = slices.ContainsFunc(lines, func(s string) bool { return strings.HasPrefix(s, prompt) })
	for i, text := range lines {
		if p.Has(i + 1) {
			continue // blank, or a comment
		}
		text, prompted := strings.CutPrefix(text, prompt)
		if p.prompts && !prompted {
			p.Harmless(i+1, "output of the PortMaster")
			continue
		}
		offset := len(lines[i]) - len(text)
		words, err := split(text, offset)
		if err != nil {
			return fail(i+1, err.Error(), "a quote at the end of the text")
		}
		if len(words) == 0 {
			p.Harmless(i+1, "a prompt")
			continue
		}
		if err := p.command(i+1, words); err != nil {
			return err
		}
	}
	if len(p.users)+len(p.locations) == 0 {
		return fail(0, "there are no users and no locations", "add user, add netuser, add location and set commands")
	}
	return nil
}

// split splits a command at blanks; a text in double quotes is one word.
func split(text string, offset int) (words []word, err error) {
	for i := 0; i < len(text); {
		switch {
		case text[i] == ' ' || text[i] == '\t':
			i++
		case text[i] == '"':
			n := strings.IndexByte(text[i+1:], '"')
			if n < 0 {
				return nil, fmt.Errorf("a quote is open")
			}
			words = append(words, word{text[i+1 : i+1+n], offset + i, offset + i + n + 2})
			i += n + 2
		default:
			n := strings.IndexAny(text[i:], " \t\"")
			if n < 0 {
				n = len(text) - i
			}
			words = append(words, word{text[i : i+n], offset + i, offset + i + n})
			i += n
		}
	}
	return words, nil
}

// command reads one command.
func (p *parser) command(line int, w []word) *importer.Error {
	verb := strings.ToLower(w[0].text)
	what := ""
	if len(w) > 1 {
		what = strings.ToLower(w[1].text)
	}
	p.hide(line, w)
	switch {
	case verb == "username:" || strings.HasSuffix(verb, "username:"):
		return fail(line, "this is the output of show user, which has no passwords", "add user NAME password …")
	case verb == "add" && (what == "user" || what == "netuser"):
		return p.addUser(line, what == "netuser", w[2:])
	case verb == "add" && what == "location":
		return p.addLocation(line, w[2:])
	case verb == "set" && what == "user":
		return p.setUser(line, w[2:])
	case verb == "set" && what == "location":
		return p.setLocation(line, w[2:])
	case verb == "delete" && (what == "user" || what == "location"):
		return p.remove(line, what, w[2:])
	case (verb == "add" || verb == "set" || verb == "delete") && what != "":
		p.Unsupported(line, "it is about neither the user table nor the location table: lines and the rest of the "+
			"configuration are ringback's own")
	case slices.Contains(verbs, verb):
		p.Harmless(line, verb+" changes no table")
	default:
		return fail(line, "it does not begin with a command of ComOS", "add, set, delete, save, …")
	}
	return nil
}

// hide keeps what follows a word such as password out of the report, and what a script sends.
func (p *parser) hide(line int, w []word) {
	for i, x := range w {
		switch strings.ToLower(x.text) {
		case "password", "secret", "script", "readcommunity", "writecommunity", "community", "chap", "pap":
			if i+1 < len(w) && i > 0 {
				p.Hide(line, w[i+1].from, w[len(w)-1].to)
				return
			}
		}
	}
}

func (p *parser) find(name string) *user { return p.byName[name] }

func (p *parser) findLocation(name string) *location { return p.places[name] }

func (p *parser) addUser(line int, net bool, w []word) *importer.Error {
	switch {
	case len(w) != 1 && len(w) != 3 || len(w) == 3 && strings.ToLower(w[1].text) != "password":
		return fail(line, "it is not complete, or has more words", "add user NAME password PASSWORD")
	case p.find(w[0].text) != nil:
		return fail(line, fmt.Sprintf("user %.40q is in line %d too", w[0].text, p.find(w[0].text).line),
			"each name once")
	}
	u := &user{name: w[0].text, net: net, line: line, settings: map[string]setting{}}
	if len(w) == 3 {
		u.password = w[2].text
	}
	p.users, p.byName[u.name] = append(p.users, u), u
	return nil
}

func (p *parser) addLocation(line int, w []word) *importer.Error {
	switch {
	case len(w) != 1:
		return fail(line, "it is not complete, or has more words", "add location NAME")
	case p.findLocation(w[0].text) != nil:
		return fail(line, fmt.Sprintf("location %.40q is in line %d too", w[0].text, p.findLocation(w[0].text).line),
			"each name once")
	}
	l := &location{name: w[0].text, line: line}
	p.locations, p.places[l.name] = append(p.locations, l), l
	return nil
}

// remove reads `delete user NAME` and `delete location NAME`.
func (p *parser) remove(line int, what string, w []word) *importer.Error {
	if len(w) != 1 {
		return fail(line, "it is not complete, or has more words", "delete "+what+" NAME")
	}
	u, l := p.find(w[0].text), p.findLocation(w[0].text)
	switch {
	case what == "user" && u != nil:
		p.gone(u, fmt.Sprintf("line %d deletes the user", line))
		u.gone = true
		delete(p.byName, u.name)
	case what == "location" && l != nil:
		for _, at := range []int{l.line, l.telephone.line} {
			if at > 0 {
				p.Harmless(at, fmt.Sprintf("line %d deletes the location", line))
			}
		}
		l.gone = true
		delete(p.places, l.name)
	}
	p.Harmless(line, "what it deletes is not imported")
	return nil
}

// gone records the lines of a user who is not imported, and lacks nothing.
func (p *parser) gone(u *user, why string) {
	p.Harmless(u.line, why)
	for _, s := range u.settings {
		p.Harmless(s.line, why)
	}
}

// setUser reads `set user NAME KEY VALUE…`.
func (p *parser) setUser(line int, w []word) *importer.Error {
	if len(w) < 3 {
		return fail(line, "it is not complete", "set user NAME KEY VALUE")
	}
	u := p.find(w[0].text)
	if u == nil {
		return fail(line, fmt.Sprintf("there is no user %.40q before it", w[0].text),
			"add user or add netuser before it")
	}
	key := strings.ToLower(w[1].text)
	if key == "callback" {
		key = "dialback"
	}
	if key == "address" {
		key = "destination"
	}
	if old, ok := u.settings[key]; ok {
		p.Harmless(old.line, fmt.Sprintf("line %d sets another value", line))
	}
	u.settings[key] = setting{joined(w[2:]), line}
	return nil
}

func joined(w []word) string {
	var all []string
	for _, x := range w {
		all = append(all, x.text)
	}
	return strings.Join(all, " ")
}

// dialout are the keys of a location that are about calls to it.
var dialout = "it is about dial-out to the location, not about callbacks"

// setLocation reads `set location NAME KEY VALUE…`.
func (p *parser) setLocation(line int, w []word) *importer.Error {
	if len(w) < 2 {
		return fail(line, "it is not complete", "set location NAME telephone NUMBER")
	}
	l := p.findLocation(w[0].text)
	switch key := strings.ToLower(w[1].text); {
	case l == nil:
		return fail(line, fmt.Sprintf("there is no location %.40q before it", w[0].text), "add location before it")
	case key == "telephone" && len(w) < 3:
		return fail(line, "it is not complete", "set location NAME telephone NUMBER")
	case key == "telephone":
		if l.telephone.line > 0 {
			p.Harmless(l.telephone.line, fmt.Sprintf("line %d sets another number", line))
		}
		l.telephone = setting{joined(w[2:]), line}
	case key == "script":
		p.Unsupported(line, dialout+" (a script after the answer of a callback is system_script of a policy file)")
	default:
		p.Unsupported(line, dialout)
	}
	return nil
}
