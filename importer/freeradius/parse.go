package freeradius

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/lab/servers"
)

// entry is one entry of the file.
type entry struct {
	user    servers.User // its checks, password and replies that ringback knows
	line    int
	lines   []int
	hash    string // Crypt-Password
	noPass  string // why the password cannot be imported; "" it can, or there is none
	blocks  string // without this the user could do more than before
	unknown []string
	items   []item               // in the order of the file
	matched []string             // users who are imported
	served  map[aaa.Service]bool // what they have by this entry
}

// item is one check or reply item, for the report.
type item struct {
	servers.Item
	line  int
	reply bool
	why   string // why it is not imported; one that begins with - is harmless; "" it may be
}

// parser reads a users file.
type parser struct {
	ledger  *importer.Ledger
	lines   []string
	entries []entry
	more    bool // further reply items follow
	follow  map[int]int
}

// fail returns an error that shows nothing of the line.
func fail(line int, msg, want string) *importer.Error {
	return &importer.Error{Line: line, Msg: msg, Want: want, Hint: "the import reads FreeRADIUS's users file, " +
		"mods-config/files/authorize; does radiusd -XC accept it?"}
}

// parse reads all lines.
func (p *parser) parse() *importer.Error {
	p.follow = map[int]int{}
	for i := 0; i < len(p.lines); {
		first := i
		joined, starts := p.joined(&i)
		if err := p.read(joined, first+1, starts); err != nil {
			return err
		}
	}
	if p.more {
		return fail(len(p.lines), "the last reply item ends with a comma", "another reply item")
	}
	if len(p.entries) == 0 {
		return fail(0, "there are no users", `NAME Cleartext-Password := "…"`)
	}
	return nil
}

// joined returns the line at i with those that a backslash at its end joins to it, and where each begins. It advances
// i.
func (p *parser) joined(i *int) (text string, starts []int) {
	first := *i + 1
	for {
		starts = append(starts, len(text))
		line := p.lines[*i]
		*i++
		if *i > first {
			p.follow[*i] = first
		}
		if !strings.HasSuffix(line, `\`) || *i == len(p.lines) {
			return text + line, starts
		}
		text += line[:len(line)-1]
	}
}

func (p *parser) read(text string, line int, starts []int) *importer.Error {
	name, list, more, err := servers.UsersLine(text)
	if strings.HasPrefix(text, "$INCLUDE") {
		return fail(line, "$INCLUDE names another file, whose entries may answer first",
			"one file: replace the line by the contents of that file")
	}
	switch {
	case err != nil:
		return fail(line, "it is not a list of items, or a quote is open", `Attribute = value, with commas between`)
	case name == "" && len(list) == 0:
		return nil // a comment or blank
	case name != "":
		if p.more {
			return fail(line, "the reply items before it end with a comma", "another reply item, indented")
		}
		if more {
			return fail(line, "the check items end with a comma", "no comma there")
		}
		p.entries = append(p.entries, entry{user: servers.User{Name: name}, line: line})
	case len(p.entries) == 0:
		return fail(line, "reply items before the first user", "a name at the beginning of a line")
	case !p.more && len(p.entries[len(p.entries)-1].lines) > 1:
		return fail(line, "the reply items before it do not end with a comma", "a comma between reply items")
	}
	e := &p.entries[len(p.entries)-1]
	e.lines = append(e.lines, line)
	p.more = more
	for _, it := range list {
		at := line
		for n, start := range starts {
			if it.From >= start {
				at = line + n
			}
		}
		p.hide(it, line, starts)
		e.take(item{Item: it, line: at, reply: name == ""})
	}
	return nil
}

// secretWords are parts of the names of attributes with secrets.
var secretWords = []string{"password", "secret", "passwd", "key", "auth-data"}

// secret reports whether an item's value is a secret, or has one.
func secret(it servers.Item) bool {
	name, value := strings.ToLower(it.Name), strings.ToLower(it.Value)
	for _, w := range secretWords {
		if strings.Contains(name, w) || strings.Contains(value, w) {
			return true
		}
	}
	return false
}

// hide keeps a secret out of the report.
func (p *parser) hide(it servers.Item, line int, starts []int) {
	if !secret(it) {
		return
	}
	for n, start := range starts {
		if end := start + len(p.lines[line-1+n]); it.To > start && it.From < end {
			p.ledger.Hide(line+n, max(it.From-start, 0), it.To-start)
		}
	}
}

// take reads one item into an entry.
func (e *entry) take(it item) {
	if it.reply {
		it.why = e.takeReply(it.Item)
	} else {
		it.why = e.takeCheck(it.Item)
	}
	e.items = append(e.items, it)
}

func (e *entry) block(why string) string {
	if e.blocks == "" {
		e.blocks = why
	}
	return why
}

// hashes are the passwords that no local user can have.
var hashes = []string{"md5-password", "smd5-password", "sha-password", "ssha-password", "sha1-password",
	"sha2-password", "ssha2-password", "nt-password", "lm-password", "sha256-password", "ssha256-password",
	"sha512-password", "ssha512-password", "password-with-header", "digest-ha1"}

// takeCheck returns why a check item is not imported.
func (e *entry) takeCheck(it servers.Item) string {
	name := strings.ToLower(it.Name)
	if strings.Contains(it.Value, "%{") {
		if secret(it) {
			e.noPass = "the password depends on the request (%{…})"
			return e.noPass
		}
		return e.block("its value depends on the request (%{…})")
	}
	switch name {
	case "crypt-password":
		if _, err := aaa.ParseHash(it.Value); err != nil {
			e.noPass = "only hashes of crypt(3) that begin with $1$, $2a$, $2b$ or $2y$ can be checked"
			return e.noPass
		}
		e.hash = it.Value
		return ""
	case "simultaneous-use":
		return "a local user has no limit of simultaneous sessions"
	case "pool-name":
		return "a local user has no pool: it is that of the PPP profile"
	case "expiration":
		return e.block("a local user does not expire (remove the item, and the user when the time has come)")
	case "login-time":
		return e.block("a local user has no hours of login")
	}
	if slices.Contains(hashes, name) {
		e.noPass = "a local user cannot have a " + it.Name + " (set a new password)"
		return e.noPass
	}
	before := len(e.user.Check)
	if err := e.user.TakeCheck(it); err != nil {
		if secret(it) {
			e.noPass = "the password cannot be imported"
			return e.noPass
		}
		if strings.EqualFold(it.Name, "Auth-Type") {
			return e.block("the password is checked elsewhere (Auth-Type " + it.Value + ")")
		}
		if slices.Contains([]string{":=", "+=", "="}, it.Op) {
			return "it is for other modules of FreeRADIUS, which are not imported"
		}
		return e.block("whether the entry answers is not known: it compares " + it.Name)
	}
	if len(e.user.Check) > before && !slices.Contains(known, name) {
		e.unknown = append(e.unknown, it.Name)
	}
	return ""
}

// known are the attributes of which the import knows what ringback sends. NAS-Port-Type is none of them: a local user
// logs in on lines and from the network.
var known = []string{"user-name", "service-type", "framed-protocol", "prefix", "suffix"}

// takeReply returns why a reply item is not imported.
func (e *entry) takeReply(it servers.Item) string {
	if strings.Contains(it.Value, "%{") && !strings.EqualFold(it.Name, "Reply-Message") {
		return e.block("its value depends on the request (%{…})")
	}
	if !servers.Known(it.Name) && !strings.EqualFold(it.Name, "Fall-Through") {
		return fmt.Sprintf("ringback knows no attribute %.64q, and ignores it in a reply", it.Name)
	}
	if err := e.user.TakeReply(it); err != nil {
		return e.block("a reply item that the import cannot read: " + it.Name + " " + it.Op)
	}
	return ""
}
