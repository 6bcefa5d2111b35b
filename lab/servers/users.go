package servers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ringback/ringback/aaa"
)

// User is one entry of a users file. The first entry that matches answers, unless it falls through.
type User struct {
	Name     string // "DEFAULT" matches every user
	Check    []Check
	Password aaa.Secret
	// of the Access-Accept; in an Access-Reject only Reply-Message. %{Attribute} in a value is the request's attribute.
	Reply []Attribute

	// Ops are the operators of Reply, one for each: "=" adds the attribute if no earlier entry gave it, ":=" replaces
	// it, "+=" (and "") adds.
	Ops []string

	Reject      bool // Auth-Type := Reject
	Accept      bool // Auth-Type := Accept: no password is required
	FallThrough bool // Fall-Through = Yes: later entries are read too

	// Challenge, if not "", is asked after the right password; Answer is the required answer.
	Challenge string
	Answer    aaa.Secret
	Echo      bool // Prompt = Echo is sent with the challenge

	Unsigned bool // replies to this user carry no Message-Authenticator, as in stock FreeRADIUS before 3.2.5
}

// ParseUsers reads FreeRADIUS's `users` file, and its predecessor from Livingston: a name and its check items at the
// beginning of a line, its reply items indented below with commas between, comments from # on, $INCLUDE FILE. A
// backslash at a line's end joins the next line to it.
//
// Check items: Cleartext-Password := (or Password =, User-Password =), Auth-Type := Accept, Reject or the name of a
// protocol, and comparisons of any attribute of the request (==, or = as Livingston wrote it, !=, <, <=, >, >=, =~, !~,
// =*, !*). Reply items: any attribute of the dictionary with =, := or +=, and Fall-Through.
//
// Anything else is an error that names file:line; the file's name is the result of r's Name method (as of *os.File), or
// "users". Includes are relative to the directory of that file; a reader without a name has none. Each bad entry is one
// error, that of its first wrong line.
func ParseUsers(r io.Reader) ([]User, error) {
	p := usersParser{}
	p.file(r, nameOf(r, "users"), 0)
	p.finish()
	return p.users, errors.Join(p.errs...)
}

type usersParser struct {
	name    string // of the file that is read
	at      int    // its line
	users   []User
	places  []place // of users
	comma   bool    // more reply items follow
	ended   bool    // the last entry's reply items are complete
	placed  bool    // the current entry is the last of users
	skip    bool    // an error in the current entry was reported: others in it may follow from it
	include string  // the directory of includes; "" none
	errs    []error
}

// place is the position of an entry.
type place struct {
	file string
	line int
	bad  bool // an error in it was reported
}

func (p place) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

func (p *usersParser) bad(err error) {
	if err == nil {
		return
	}
	p.errs = append(p.errs, fmt.Errorf("%s:%d: %w", p.name, p.at, err))
	p.skip, p.comma = true, false
	if p.placed {
		p.places[len(p.places)-1].bad = true
	}
}

const deepest = 10 // depth of nested includes

// file reads one file to its end.
func (p *usersParser) file(r io.Reader, name string, depth int) {
	outer := *p
	p.name, p.at, p.include = name, 0, ""
	p.newEntry()
	if n, ok := r.(interface{ Name() string }); ok {
		p.include = filepath.Dir(n.Name())
	}
	text, err := io.ReadAll(io.LimitReader(r, 64<<20))
	if err != nil {
		p.at = 1
		p.bad(err)
	}
	for lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"); len(lines) > 0; {
		p.at++
		line, used := strings.TrimSuffix(lines[0], "\r"), 1
		for strings.HasSuffix(line, "\\") && used < len(lines) {
			line = line[:len(line)-1] + strings.TrimSuffix(lines[used], "\r")
			used++
		}
		p.bad(p.read(line, depth))
		lines = lines[used:]
		p.at += used - 1
	}
	if p.comma {
		p.bad(errors.New("no reply item after the last comma"))
	}
	p.name, p.at, p.include = outer.name, outer.at, outer.include
	p.newEntry()
}

// newEntry resets the state between entries.
func (p *usersParser) newEntry() { p.comma, p.ended, p.placed, p.skip = false, true, false, false }

func (p *usersParser) read(line string, depth int) error {
	toks, err := tokens(line)
	if err == nil && len(toks) == 0 {
		return nil
	}
	indented := line[0] == ' ' || line[0] == '\t'
	if !indented {
		if p.comma {
			p.bad(errors.New("the previous reply items end with a comma"))
		}
		p.newEntry()
	}
	switch {
	case p.skip:
		return nil
	case err != nil:
		return err
	case indented:
		return p.reply(toks)
	case toks[0].text == "$INCLUDE":
		return p.open(toks[1:], depth)
	}
	return p.user(toks)
}

// open reads an included file.
func (p *usersParser) open(toks []token, depth int) error {
	if len(toks) != 1 {
		return errors.New("$INCLUDE requires one file")
	}
	path := toks[0].text
	switch {
	case p.include == "":
		return fmt.Errorf("$INCLUDE %s: not supported in a text that is not a file", path)
	case depth == deepest:
		return fmt.Errorf("$INCLUDE %s: nested more than 10 deep (do the files include each other?)", path)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.include, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("$INCLUDE: %w", err)
	}
	defer f.Close()
	p.file(f, path, depth+1)
	return nil
}

// user reads a name and its check items.
func (p *usersParser) user(toks []token) error {
	u := User{Name: toks[0].text}
	items, more, err := items(toks[1:])
	if err == nil && more {
		err = errors.New("a comma after the last check item")
	}
	for _, it := range items {
		if err == nil {
			err = u.TakeCheck(it)
		}
	}
	p.users = append(p.users, u)
	p.places = append(p.places, place{p.name, p.at, false})
	p.ended, p.placed = false, true
	return err
}

// reply reads a line of reply items.
func (p *usersParser) reply(toks []token) error {
	switch {
	case !p.placed:
		return errors.New("reply items before the first user")
	case p.ended:
		return errors.New("the previous line ends without a comma")
	}
	list, more, err := items(toks)
	p.comma, p.ended = more, !more
	u := &p.users[len(p.users)-1]
	for _, it := range list {
		if err == nil {
			err = u.TakeReply(it)
		}
	}
	return err
}

// TakeReply adds a reply item to an entry, or returns what is wrong with it.
func (u *User) TakeReply(it Item) error {
	if strings.EqualFold(it.Name, "Fall-Through") {
		switch strings.ToLower(it.Value) {
		case "yes", "1":
			u.FallThrough = true
		case "no", "0":
			u.FallThrough = false
		default:
			return fmt.Errorf("Fall-Through = %s: must be Yes or No", it.Value)
		}
		return nil
	}
	if !slices.Contains([]string{"=", "+=", ":="}, it.Op) {
		return fmt.Errorf("reply item %s: operator %s is not supported (use =, := or +=)", it.Name, it.Op)
	}
	if e := lookup(it.Name); e == nil && isControl(it.Name) {
		return fmt.Errorf("%s is a check item: write it in the first line of an entry", it.Name)
	}
	a := Attribute{it.Name, it.Value}
	if err := a.checkValue(); err != nil {
		return err
	}
	u.Reply, u.Ops = append(u.Reply, a), append(u.Ops, it.Op)
	return nil
}

// finish checks what needs the whole file: entries that no request reaches, and users without a password.
func (p *usersParser) finish() {
	e := earlier{always: map[string]int{}, decided: map[string]bool{}}
	for i, u := range p.users {
		if at := p.places[i]; !at.bad {
			p.judge(u, at, e)
		}
		e.add(u, i)
	}
}

// judge checks an entry against those before it.
func (p *usersParser) judge(u User, at place, e earlier) {
	j, never := e.always[u.Name]
	switch {
	case never:
		there := "at " + p.places[j].String()
		if p.places[j].file == at.file {
			there = fmt.Sprintf("in line %d", p.places[j].line)
		}
		p.errs = append(p.errs, fmt.Errorf("%v: this entry of %s is never used: the one %s always answers (give "+
			"that one a check item, or Fall-Through = Yes)", at, u.Name, there))
	case !u.decided() && !u.FallThrough && !e.decides(u):
		p.errs = append(p.errs, fmt.Errorf(`%v: %s has neither Cleartext-Password := "…" nor Auth-Type := Reject`,
			at, u.Name))
	}
}

func (u User) decided() bool { return u.Password != "" || u.Reject || u.Accept }

// earlier is what the entries before one mean for it.
type earlier struct {
	always  map[string]int  // by name: the first entry that always answers
	decided map[string]bool // by name: an entry that falls through gives a password; "": one of any name
}

// add adds entry i.
func (e earlier) add(u User, i int) {
	if _, ok := e.always[u.Name]; !ok && len(u.Check) == 0 && !u.FallThrough {
		e.always[u.Name] = i
	}
	if u.FallThrough && u.decided() {
		e.decided[u.Name], e.decided[""] = true, true
	}
}

// decides reports whether an entry that falls through to u gives a password.
func (e earlier) decides(u User) bool {
	return e.decided[u.Name] || e.decided["DEFAULT"] || u.Name == "DEFAULT" && e.decided[""]
}
