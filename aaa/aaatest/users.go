package aaatest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ringback/ringback/aaa"
)

// User is one user of a test server.
type User struct {
	Name     string // "DEFAULT" is who no other name matches
	Password aaa.Secret
	Reply    []Attribute // of the Access-Accept; of the Access-Reject, Reply-Message alone
	Reject   bool        // Auth-Type := Reject

	// Challenge, where set, is asked after the right password; Answer is what must be answered.
	Challenge string
	Answer    aaa.Secret
	Echo      bool // Prompt = Echo comes with the challenge

	Unsigned bool // replies to this user carry no Message-Authenticator, as stock FreeRADIUS before 3.2.5
}

// ParseUsers reads a subset of FreeRADIUS's `users` file: a name and its check items (`Cleartext-Password := "x"` or
// `Auth-Type := Reject`) at the beginning of a line, its reply items indented below (`Attr = value`, `Attr += value`, commas between),
// comments from # on. All else is an error that names file:line; the file's name is what r's Name method says, else "users".
func ParseUsers(r io.Reader) ([]User, error) {
	file := "users"
	if n, ok := r.(interface{ Name() string }); ok {
		file = n.Name()
	}
	p := usersParser{file: file, line: map[string]int{}}
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		p.at++
		if err := p.read(sc.Text()); err != nil {
			p.errs = append(p.errs, fmt.Errorf("%s:%d: %w", file, p.at, err))
		}
	}
	if err := sc.Err(); err != nil {
		p.errs = append(p.errs, fmt.Errorf("%s:%d: %w", file, p.at+1, err))
	}
	if p.comma {
		p.errs = append(p.errs, fmt.Errorf("%s:%d: a comma promises a reply item that does not come", file, p.at))
	}
	return p.users, errors.Join(p.errs...)
}

type usersParser struct {
	file  string
	at    int
	users []User
	line  map[string]int // where each name stands
	comma bool           // the reply items go on
	ended bool           // the last entry's reply items are complete
	errs  []error
}

func (p *usersParser) read(line string) error {
	toks, err := tokens(line)
	if err != nil || len(toks) == 0 {
		return err
	}
	if line[0] == ' ' || line[0] == '\t' {
		return p.reply(toks)
	}
	if p.comma {
		p.comma = false
		p.ended = true
		return errors.Join(errors.New("the reply items before end with a comma"), p.user(toks))
	}
	return p.user(toks)
}

// user reads a name and its check items.
func (p *usersParser) user(toks []string) error {
	u := User{Name: toks[0]}
	p.ended = false
	if before, ok := p.line[u.Name]; ok {
		p.users = append(p.users, u) // its reply items belong to it, not to the user before
		return fmt.Errorf("%s is there already, in line %d", u.Name, before)
	}
	p.line[u.Name] = p.at
	items, more, err := items(toks[1:])
	if err == nil && more {
		err = errors.New("a comma after the last check item")
	}
	for _, it := range items {
		if e := u.check(it); e != nil && err == nil {
			err = e
		}
	}
	if err == nil && u.Password == "" && !u.Reject {
		err = fmt.Errorf(`%s has neither Cleartext-Password := "…" nor Auth-Type := Reject`, u.Name)
	}
	p.users = append(p.users, u)
	return err
}

func (u *User) check(it item) error {
	switch {
	case it.name == "Cleartext-Password" && it.op == ":=":
		u.Password = aaa.Secret(it.value)
	case it.name == "Auth-Type" && it.op == ":=" && it.value == "Reject":
		u.Reject = true
	default:
		return fmt.Errorf("check item %s %s …: only Cleartext-Password := and Auth-Type := Reject are read", it.name, it.op)
	}
	return nil
}

func (p *usersParser) reply(toks []string) error {
	switch {
	case len(p.users) == 0:
		return errors.New("reply items of nobody")
	case p.ended:
		return errors.New("the line before ends without a comma")
	}
	items, more, err := items(toks)
	p.comma, p.ended = more, !more
	u := &p.users[len(p.users)-1]
	for _, it := range items {
		if it.op != "=" && it.op != "+=" && it.op != ":=" {
			return fmt.Errorf("reply item %s: the operator %s is not read", it.name, it.op)
		}
		a := Attribute{it.name, it.value}
		if _, _, e := a.encode(); e != nil {
			return e
		}
		u.Reply = append(u.Reply, a)
	}
	return err
}

type item struct{ name, op, value string }

// items reads `name op value` with commas between; more tells that a comma stands at the end.
func items(toks []string) (list []item, more bool, err error) {
	for len(toks) > 0 {
		if len(toks) < 3 || !strings.ContainsAny(toks[1], "=") {
			return list, false, fmt.Errorf("near %q: not of the form Attribute = value", toks[0])
		}
		list = append(list, item{toks[0], toks[1], toks[2]})
		toks = toks[3:]
		more = len(toks) > 0 && toks[0] == ","
		if more {
			toks = toks[1:]
		} else if len(toks) > 0 {
			return list, false, fmt.Errorf("no comma before %s", toks[0])
		}
	}
	return list, more, nil
}

// tokens cuts a line into words, operators, commas and quoted strings, and drops its comment.
func tokens(line string) ([]string, error) {
	var toks []string
	for i := 0; i < len(line); {
		switch c := line[i]; {
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '#':
			return toks, nil
		case c == ',':
			toks = append(toks, ",")
			i++
		case c == '"':
			s, n, err := quoted(line[i:])
			if err != nil {
				return nil, err
			}
			toks = append(toks, s)
			i += n
		case strings.ContainsRune("=:+!<>~", rune(c)):
			n := len(line[i:]) - len(strings.TrimLeft(line[i:], "=:+!<>~*"))
			toks = append(toks, line[i:i+n])
			i += n
		default:
			n := strings.IndexAny(line[i:], " \t\r,#\"=+!<>~")
			if n < 0 {
				n = len(line) - i
			}
			// ':' is part of a word (fe80::1) unless it begins an operator
			if k := strings.Index(line[i:i+n], ":"); k > 0 && i+n < len(line) && line[i+n] == '=' && k == n-1 {
				n = k
			}
			toks = append(toks, line[i:i+n])
			i += n
		}
	}
	return toks, nil
}

func quoted(s string) (text string, length int, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), i + 1, nil
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(unescape(s[i]))
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0, errors.New("a quoted string without its end")
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
