package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// errSyntax is the error of a command that the modem does not know: ERROR.
var errSyntax = errors.New("not a command of this modem")

// maxNumber limits the number after a command letter.
const maxNumber = 9999

// command is one command of a command line.
type command struct {
	name string // "E", "S", "&C", "+VCID", "D" …; "=" and "?" for the last chosen register
	n    int    // the number after the letter, 0 if there is none
	op   byte   // 0, '=' or '?' for S registers and extended commands; ';' for a dial string that ends with it
	arg  string // the dial string, or the text after '=' of an extended command
	val  int    // the number after '=' of an S register
	bare bool   // no number was given
	bit  string // ".2" of S40.2: one bit of a register
}

// target is what a command sets: "S153", "S40.2", "+CLIP".
func (c command) target() string {
	if c.name == "S" {
		return fmt.Sprintf("S%d%s", c.n, c.bit)
	}
	return c.name
}

// value is what a command sets its target to.
func (c command) value() string {
	if c.name == "S" {
		return strconv.Itoa(c.val)
	}
	return c.arg
}

// scanner reads commands from the body of a command line, the part after AT. It skips spaces, except in dial strings,
// which are recorded as typed.
type scanner struct{ b []byte }

func (s *scanner) peek() byte {
	s.b = bytes.TrimLeft(s.b, " ")
	if len(s.b) == 0 {
		return 0
	}
	return upper(s.b[0])
}

func (s *scanner) next() byte {
	c := s.peek()
	if c != 0 {
		s.b = s.b[1:]
	}
	return c
}

// number reads digits; bare reports that there were none.
func (s *scanner) number() (n int, bare bool, err error) {
	bare = true
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.next()
		bare = false
		if n = n*10 + int(c-'0'); n > maxNumber {
			return 0, false, errSyntax
		}
	}
	return n, bare, nil
}

// nextCommand reads the first command of a line and returns the rest. A command without a name is the end.
func nextCommand(line []byte) (command, []byte, error) {
	s := scanner{line}
	c := s.next()
	var cmd command
	var err error
	switch {
	case c == 0 && len(s.b) == 0:
		return command{}, nil, nil
	case c == 'D':
		cmd, s.b = dialCommand(s.b)
	case c == 'S':
		cmd, err = s.register()
	case c == '=':
		cmd = command{name: "=", op: '='}
		cmd.val, cmd.bare, err = s.number()
	case c == '?':
		cmd = command{name: "?", op: '?'}
	case c == '+' || c == '#':
		cmd, err = s.extended(c)
	case c == '&' || c == '\\' || c == '%':
		l := s.next()
		if l < 'A' || l > 'Z' {
			return command{}, nil, errSyntax
		}
		cmd = command{name: string([]byte{c, l})}
		cmd.n, cmd.bare, err = s.number()
	case c >= 'A' && c <= 'Z':
		cmd = command{name: string(rune(c))}
		cmd.n, cmd.bare, err = s.number()
	default:
		err = errSyntax
	}
	if err != nil {
		return command{}, nil, err
	}
	return cmd, s.b, nil
}

// dialCommand takes the rest of the line, or the part up to a ';' after which more commands follow.
func dialCommand(b []byte) (command, []byte) {
	if i := bytes.IndexByte(b, ';'); i >= 0 {
		return command{name: "D", op: ';', arg: string(b[:i])}, b[i+1:]
	}
	return command{name: "D", arg: string(b)}, nil
}

// register reads what follows an S: a number, then '=' and a value, or '?', or nothing.
func (s *scanner) register() (command, error) {
	cmd := command{name: "S"}
	var err error
	if cmd.n, cmd.bare, err = s.number(); err != nil || cmd.bare {
		return cmd, errSyntax
	}
	if s.peek() == '.' { // one bit of it (ZyXEL)
		s.next()
		n, bare, err := s.number()
		if err != nil || bare || n > 7 {
			return cmd, errSyntax
		}
		cmd.bit = fmt.Sprintf(".%d", n)
	}
	switch s.peek() {
	case '?':
		s.next()
		cmd.op = '?'
	case '=':
		s.next()
		cmd.op = '='
		cmd.val, _, err = s.number() // V.250 §5.3.2: a missing value is 0
	}
	return cmd, err
}

// extended reads +NAME, +NAME=…, +NAME? or +NAME=?, up to ';' or the end of the line.
func (s *scanner) extended(prefix byte) (command, error) {
	body := s.b
	if i := bytes.IndexByte(body, ';'); i >= 0 {
		body, s.b = body[:i], body[i+1:]
	} else {
		s.b = nil
	}
	body = bytes.ToUpper(bytes.ReplaceAll(body, []byte(" "), nil))
	cmd := command{}
	name := body
	if i := bytes.IndexAny(body, "=?"); i >= 0 {
		name, cmd.op, cmd.arg = body[:i], body[i], string(body[i+1:])
	}
	if len(name) == 0 {
		return cmd, errSyntax
	}
	cmd.name = string(prefix) + string(name)
	return cmd, nil
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}
