package atprompt

import (
	"fmt"
	"strconv"
	"strings"
)

// command is one command of a line.
type command struct {
	entry  *entry
	value  int    // of a letter; of a register if it is set
	reg    int    // the register of S
	query  bool   // S7?
	number string // of D
}

const (
	// maxCommands bounds what one line can print.
	maxCommands = 40
	maxNumber   = 40
	// numberChars may stand in a number besides digits: the number plan skips them, or takes + for the international
	// prefix.
	numberChars = "+-()."
)

// parse reads the body of a command line: upper case, no spaces and no control characters. It does not share the
// tokenizer of lines/modem, which must find what any maker's modem might do with an operator's line; here everything
// that is not in the table is an error.
func parse(body string) (all []command, err error) {
	for rest := body; rest != ""; {
		if len(all) == maxCommands {
			return nil, fmt.Errorf("the line has more than %d commands", maxCommands)
		}
		var c command
		if c, rest, err = parseOne(rest); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func parseOne(s string) (c command, rest string, err error) {
	switch s[0] {
	case 'D':
		c.entry = find("D")
		c.number, err = dialNumber(s[1:])
		return c, "", err
	case 'S':
		return parseRegister(s)
	case '+':
		name, rest, _ := strings.Cut(s, ";")
		if c.entry = find(name); c.entry == nil {
			return c, "", unknown(name)
		}
		return c, rest, nil
	case '&':
		c.entry = find(s[:min(2, len(s))])
	default:
		c.entry = find(s[:1])
	}
	if c.entry == nil {
		return c, "", unknown(s[:min(2, len(s))])
	}
	text, rest := digits(s[len(c.entry.name):])
	if c.value, err = number(text); err != nil || c.value > c.entry.most || strings.Contains(c.entry.not, text) &&
		text != "" {
		return c, "", fmt.Errorf("AT%s%s: the values are %s", c.entry.name, text, c.entry.values())
	}
	return c, rest, nil
}

func parseRegister(s string) (c command, rest string, err error) {
	c.entry = find("S")
	text, rest := digits(s[1:])
	c.reg, err = number(text)
	reg := registerOf(c.reg)
	if err != nil || text == "" || reg == nil {
		return c, "", fmt.Errorf("ATS%s: there is no such register (AT$ lists them)", text)
	}
	switch {
	case strings.HasPrefix(rest, "?"):
		c.query = true
		return c, rest[1:], nil
	case !strings.HasPrefix(rest, "="):
		return c, "", fmt.Errorf("ATS%d: write ATS%d=VALUE or ATS%d?", c.reg, c.reg, c.reg)
	}
	text, rest = digits(rest[1:])
	if c.value, err = number(text); err != nil || c.value < reg.least || c.value > reg.most {
		return c, "", fmt.Errorf("ATS%d=%s: the values are %d to %d", c.reg, text, reg.least, reg.most)
	}
	return c, rest, nil
}

// dialNumber returns the number of a dial string. T and P may begin it; the line's template says how it is dialed. All
// other modifiers are rejected: they would dial, pause or signal what no policy has seen.
func dialNumber(s string) (string, error) {
	s = strings.TrimLeft(s, "TP")
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', strings.IndexByte(numberChars, c) >= 0:
		case c == 'L' || c == 'S':
			return "", fmt.Errorf("ATD%c: there are no stored numbers: dial ATD and the number", c)
		case c == ';':
			return "", fmt.Errorf("ATD: a semicolon is not allowed: this prompt places data calls only, one on a line")
		default:
			return "", fmt.Errorf("ATD: %q is not allowed in a number: dial digits only", c)
		}
	}
	switch text, _ := digits(strings.TrimLeft(s, numberChars)); {
	case text == "":
		return "", fmt.Errorf("ATD: no number")
	case len(s) > maxNumber:
		return "", fmt.Errorf("ATD: the number is longer than %d characters", maxNumber)
	}
	return s, nil
}

func unknown(name string) error {
	return fmt.Errorf("AT%s: unknown command (AT$ lists the commands)", name)
}

func digits(s string) (text, rest string) {
	rest = strings.TrimLeft(s, "0123456789")
	return s[:len(s)-len(rest)], rest
}

// number reads the digits of a value; none are 0 (V.250 §5.3.1).
func number(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	return strconv.Atoi(text)
}
