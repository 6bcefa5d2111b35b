package ios

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/importer"
)

// list is a method list of the text.
type list struct {
	kind, name string // kind as the key of aaa.lists
	methods    []string
	record     string // of accounting
	commands   bool
	row        int
	used       bool
}

func aaaTable() []command {
	return []command{
		{mode: global, syntax: "aaa new-model", kind: importer.Imported, note: "method lists apply to the lines",
			do: func(p *parser, _ *input) result { p.newModel = true; return result{} }},
		{mode: global, syntax: "aaa authentication login|ppp|enable NAME …", kind: importer.Imported,
			note: "aaa: {lists}",
			do:   doList},
		{mode: global, syntax: "aaa authentication arap|nasi …", kind: importer.Unsupported, note: reasonARAP,
			hide: asWritten},
		{mode: global, syntax: "aaa authentication attempts login N", kind: importer.Imported, note: "login: {tries}",
			do: doAttempts},
		{mode: global, syntax: "aaa authentication username-prompt TEXT …", kind: importer.Imported,
			note: "prompts: {username}", do: doPrompt},
		{mode: global, syntax: "aaa authentication password-prompt TEXT …", kind: importer.Imported,
			note: "prompts: {password}", do: doPrompt},
		{mode: global, syntax: "aaa authentication banner|fail-message …", kind: importer.Unsupported,
			note: "there is one banner, before the login", do: doDelimited},
		{mode: global, syntax: "aaa authentication …", kind: importer.Unsupported, note: "there is no such service",
			hide: asWritten},
		{mode: global, syntax: "aaa authorization exec|network NAME …", kind: importer.Imported, note: "aaa: {lists}",
			do: doList},
		{mode: global, syntax: "aaa authorization commands LEVEL NAME …", kind: importer.Imported,
			note: "aaa: {lists: {commands}}", do: doCommandsList},
		{mode: global, syntax: "aaa authorization …", kind: importer.Unsupported, note: "there is no such service",
			hide: asWritten},
		{mode: global, syntax: "aaa accounting exec|network NAME …", kind: importer.Imported,
			note: "aaa: {lists: {accounting}}", do: doAccounting},
		{mode: global, syntax: "aaa accounting commands LEVEL NAME …", kind: importer.Imported,
			note: "aaa: {lists: {accounting: {commands}}}", do: doAccounting},
		{mode: global, syntax: "aaa accounting update …", kind: importer.Imported,
			note: "aaa: {lists: {accounting: {interim}}}", do: doInterim},
		{mode: global, syntax: "aaa accounting system …", kind: importer.Harmless,
			note: "start and stop of the daemon are accounted with the sessions", hide: asWritten},
		{mode: global, syntax: "aaa accounting …", kind: importer.Unsupported, note: "there are no such records",
			hide: asWritten},
		{mode: global, syntax: "aaa group server radius NAME", kind: importer.Imported, note: "aaa: {groups}",
			do: doGroup, opens: groupMode},
		{mode: global, syntax: "aaa group server tacacs+ NAME", kind: importer.Imported, note: "aaa: {groups}",
			do: doGroup, opens: groupMode},
		{mode: global, syntax: "aaa group …", kind: importer.Unsupported, note: "only RADIUS and TACACS+ are used",
			hide: asWritten},
		{mode: global, syntax: "aaa server radius dynamic-author …", kind: importer.Unsupported,
			note: "write aaa: {dynamic_author}"},
		{mode: global, syntax: "aaa session-id|processes|memory|max-sessions …", kind: importer.Harmless,
			note: "concerns the router itself", hide: asWritten},
		{mode: global, syntax: "aaa …", kind: importer.Unsupported, note: "the keys of `aaa` have nothing for it"},
	}
}

// methodWords are the methods of IOS that are methods here. Server groups have names of their own.
var methodWords = map[string]string{"radius": "radius", "tacacs+": "tacacs", "local": "local", "local-case": "local",
	"none": "none", "if-authenticated": "if-authenticated", "enable": "enable"}

// missingMethods are those that are not, with the reason.
var missingMethods = map[string]string{"line": "lines have no password", "krb5": "Kerberos is not used",
	"krb5-telnet": "Kerberos is not used", "krb5-instance": "Kerberos is not used", "guest": reasonARAP,
	"auth-guest": reasonARAP, "if-needed": "a user who changes to PPP authenticates again",
	"cache": "nothing is cached",
	"ldap":  "LDAP is not used", "broadcast": "records go to the first server that acknowledges them"}

// methodsFor are the methods that a kind of list may have, besides servers.
var methodsFor = map[string][]string{"login": {"local", "none"}, "ppp": {"local", "none"}, "enable": {"enable", "none"},
	"exec": {"local", "none", "if-authenticated"}, "network": {"local", "none", "if-authenticated"},
	"commands": {"none", "if-authenticated"}, "accounting": nil}

// maxMethods is the maximum number of words of a list; IOS has at most four methods, with `group` before each.
const maxMethods = 16

// admits reports whether a method lets in users that the methods before it might reject.
func admits(method string) bool { return method == "none" || method == "if-authenticated" }

const reasonAdmits = "without the methods before it, it would let everyone in"

// methods reads the methods of a list. What admits everyone is left out behind a method that is.
func methods(kind string, args []string) (out []string, r result) {
	lost := false
	if len(args) > maxMethods {
		return nil, wrong("it has more methods than a list of IOS can have: are two lines joined?")
	}
	for i := 0; i < len(args); i++ {
		word := strings.ToLower(args[i])
		if word == "group" {
			if i++; i == len(args) {
				return nil, wrong("the name of the group is missing: is the line wrapped?")
			}
			word = strings.ToLower(args[i])
			if methodWords[word] == "" {
				out = appendOnce(out, "group "+args[i])
				continue
			}
		}
		own := methodWords[word]
		switch why := missingMethods[word]; {
		case why != "":
			lost = lost || word != "if-needed" && word != "broadcast" && word != "cache"
			r = r.warning("the method %s is not imported: %s", word, why)
		case lost && admits(own):
			r = r.warning("the method %s is not imported: %s", word, reasonAdmits)
		case own == "":
			return nil, wrong("it has a method that IOS does not have: are two lines joined?")
		case own != "radius" && own != "tacacs" && !contains(methodsFor[kind], own):
			lost = true
			r = r.warning("the method %s is not imported: a list of %s cannot have it", word, kind)
		default:
			out = appendOnce(out, own)
		}
	}
	return out, r
}

func appendOnce(list []string, text string) []string {
	if contains(list, text) {
		return list
	}
	return append(list, text)
}

// listName matches the names that lists and groups may have in the site.
var listName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)

// addList adds a list; one that is there already is replaced, as in IOS.
func (p *parser) addList(l *list) result {
	if !listName.MatchString(l.name) {
		return unsupported("its name is not accepted: letters, digits, . _ and - are")
	}
	if l.name == localList {
		return unsupported("the import uses this name itself, for lines whose list is not imported")
	}
	for i, other := range p.lists[l.kind] {
		if other.name == l.name {
			p.amend(other.row, harmless("line %d defines the list again", p.rows[l.row].Line))
			p.lists[l.kind][i] = l
			return result{}
		}
	}
	if len(p.lists[l.kind]) >= maxNamed {
		return tooMany("lists")
	}
	p.lists[l.kind] = append(p.lists[l.kind], l)
	return result{}
}

func doList(p *parser, in *input) result {
	kind := strings.ToLower(in.words[2].text)
	if len(in.args) < 2 {
		return wrong("its methods are missing: is the line wrapped?")
	}
	found, r := methods(kind, in.args[1:])
	if r.wrong != "" {
		return r
	}
	added := p.addList(&list{kind: kind, name: in.args[0], methods: found, row: in.row})
	added.warn = joined(added.warn, r.warn)
	return added
}

func doCommandsList(p *parser, in *input) result {
	if len(in.args) < 3 {
		return wrong("its methods are missing: is the line wrapped?")
	}
	found, r := methods("commands", in.args[2:])
	if r.wrong != "" {
		return r
	}
	added := p.addList(&list{kind: "commands", name: in.args[1], methods: found, row: in.row})
	added.warn = joined(added.warn, r.warn)
	return added.warning("the list authorizes the commands of all levels, not only of level %s", in.args[0])
}

// doAccounting reads `aaa accounting exec|network|commands LEVEL NAME RECORD METHODS`. There is one list for all that
// happens on a line.
func doAccounting(p *parser, in *input) result {
	args, commands := in.args, strings.EqualFold(in.words[2].text, "commands")
	if commands {
		args = args[1:]
	}
	if len(args) == 1 {
		return p.accountingBlock(in)
	}
	if len(args) < 2 {
		return wrong("the kind of records is missing: is the line wrapped?")
	}
	record := strings.ToLower(args[1])
	if !oneOf(record, []string{"start-stop", "stop-only", "wait-start", "none"}) {
		return wrong("it has no kind of records")
	}
	found, r := methods("accounting", args[2:])
	if r.wrong != "" {
		return r
	}
	if len(found) == 0 && record != "none" {
		return unsupported("no method receives the records").warning("%s", r.warn)
	}
	for _, l := range p.lists["accounting"] {
		if l.name != args[0] {
			continue
		}
		if strings.Join(l.methods, " ") != strings.Join(found, " ") || !commands && !l.commands && l.record != record {
			return unsupported("line %d has the list %s for all that happens on a line", p.rows[l.row].Line, l.name)
		}
		l.commands = l.commands || commands
		return result{}
	}
	added := p.addList(&list{kind: "accounting", name: args[0], methods: found, record: record, commands: commands,
		row: in.row})
	added.warn = joined(added.warn, r.warn)
	return added
}

func doInterim(p *parser, in *input) result {
	for i, a := range in.args {
		if strings.EqualFold(a, "periodic") && i+1 < len(in.args) {
			n, err := strconv.Atoi(in.args[i+1])
			if err != nil || n < 1 || n > 1440 {
				return wrong("it has no number of minutes")
			}
			p.interim = time.Duration(n) * time.Minute
			return result{}
		}
	}
	return harmless("records tell of news when they are sent")
}

func doAttempts(p *parser, in *input) result {
	n, err := strconv.Atoi(in.args[0])
	if err != nil || n < 1 {
		return wrong("it has no number")
	}
	p.tries = min(n, 10)
	return result{}
}

func doPrompt(p *parser, in *input) result {
	text := in.args[0]
	if len(in.args) > 1 {
		text = strings.Trim(in.rest(0), `"`)
	}
	if text == "" {
		return unsupported("the prompt is empty")
	}
	if strings.EqualFold(in.words[2].text, "username-prompt") {
		p.promptUser = text
	} else {
		p.promptPassword = text
	}
	return result{}
}
