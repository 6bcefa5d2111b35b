package modem

import "strings"

// command is one command of a command line, as V.250 §5.3 and §5.4 and the makers of modems have them: a letter with a
// number, such as E0; a register, such as S7=60; a prefix with a letter, such as &D2; an extended command, +NAME=value.
type command struct {
	at     int    // its position in the line, as modems read it (heard)
	text   string // all of it: "S7=60", "&D2", "+VCID=1", "DT5551"
	prefix byte   // 0: a basic command
	letter byte   // the letter; a prefix may have none: 0
	number string // the digits behind the letter: the register of an S, the value of other letters
	// behind the number: '=' with its value, '?', or 0. A basic command "=" sets the last register that was used.
	op    byte
	value string
	// some modems may take it for a part of the command before it, as the S of #CLS=8
	unsure bool
}

// prefixes of commands that are not basic, except the plus (V.250 §5.4 reserves it; the others are makers').
const prefixes = `&%\*#-~$:`

// nameChars are the characters of the names of extended commands (V.250 §5.4.1).
const nameChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!%-./:_"

// commandsIn returns the commands of a line as modems read it (heard), behind its first AT; none without one. It is the
// one parser of command lines.
func commandsIn(text string) (all []command) {
	begin := strings.Index(text, "AT")
	if begin < 0 {
		return nil
	}
	unsure := false // whether a letter here may belong to a name that has begun
	for i := begin + 2; i < len(text); {
		c := commandAtStart(text[i:])
		c.at = i
		i += len(c.text)
		c.unsure = unsure && c.prefix == 0
		ends := c.number != "" || c.op != 0 || c.prefix == plus
		switch {
		case ends || strings.IndexByte(";/", c.text[0]) >= 0:
			unsure = false
		case c.prefix != 0:
			unsure = strings.IndexByte(`&%\`, c.prefix) < 0
		case c.letter < 'A' || c.letter > 'Z': // ^SCFG="a"
			unsure = true
		}
		all = append(all, c)
	}
	return all
}

// commandAtStart returns the first command of a text that is not empty. A character that begins none is one by itself.
func commandAtStart(text string) command {
	c := command{letter: text[0]}
	switch n := 1; {
	case text[0] == plus:
		c.prefix, c.letter, c.text = plus, 0, text[:1+extended(text[1:])]
		return c
	case strings.IndexByte(prefixes, text[0]) >= 0:
		c.prefix, c.letter = text[0], 0
		if len(text) > 1 {
			n, c.letter = 1+max(1, named(text[1:])), text[1]
		}
		c.text = text[:n]
	case text[0] == 'D': // all is the number, to the next semicolon
		c.text = text
		if end := strings.IndexByte(text, ';'); end >= 0 {
			c.text = text[:end+1]
		}
		return c
	case text[0] == '=': // the last register
		c.text, c.op = "=", '='
		c.value = digitsAt(text[1:])
		c.text = text[:1+len(c.value)]
		return c
	default:
		c.text = text[:1]
	}
	c.number = digitsAt(text[len(c.text):])
	c.text = text[:len(c.text)+len(c.number)]
	rest := text[len(c.text):]
	if bit := digitsAt(strings.TrimPrefix(rest, ".")); c.letter == 'S' && bit != "" && rest[0] == '.' { // S40.2=1
		c.text = text[:len(c.text)+1+len(bit)]
		rest = text[len(c.text):]
	}
	if (c.letter == 'S' || c.prefix != 0) && rest != "" && (rest[0] == '=' || rest[0] == '?') {
		c.op = rest[0]
		if c.op == '=' {
			c.value = digitsAt(rest[1:])
		}
		c.text = text[:len(c.text)+1+len(c.value)]
	}
	return c
}

func digitsAt(s string) string { return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))] }

// heard returns a command line as modems read it: seven bits (V.250 §5.1), in upper case, without spaces and control
// characters, which they skip; and the position of each octet in the line.
func heard(line string) (text string, pos []int) {
	var b []byte
	for i := range len(line) {
		c := line[i] & 0x7f
		if c <= ' ' || c == 0x7f {
			continue
		}
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		b, pos = append(b, c), append(pos, i)
	}
	return string(b), pos
}

// erases reports whether a line has a character that may delete the one before it.
func erases(line string) bool { return strings.ContainsAny(line, "\b\x7f") }

// extended returns the length of an extended command behind its plus, with the semicolon that ends it.
func extended(s string) int {
	quoted := false
	for i := len(s) - len(strings.TrimLeft(s, nameChars)); i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return i + 1
		}
	}
	return len(s)
}

// named returns the length of the caller ID setting with which a command begins, `#CID=1` (Rockwell, U.S. Robotics) or
// `%CCID=1` (Lucent); 0: it is none. Other names have no D of their own.
func named(s string) int {
	for _, name := range []string{"CID", "CCID"} {
		if rest, ok := strings.CutPrefix(s, name); ok && rest != "" && (rest[0] == '=' || rest[0] == '?') {
			return len(name)
		}
	}
	return 0
}
