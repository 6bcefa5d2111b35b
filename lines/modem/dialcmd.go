package modem

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// dialAt returns the position of the D in a command line that may make a modem dial, or -1, and whether each modem
// would: false if others take the D for a part of another command, as in `AT:DT5`. After AT, the D of &D2, \D, or of
// the name of an extended command is none (V.250 §5.3, §5.4, §6.3.1).
func dialAt(line string) (at int, plain bool) { return commandAt(line, 'D') }

// commandAt returns the position of a command of one letter in a command line, or -1, and whether it is one for each
// modem. Behind a D all is the number, to the next semicolon.
func commandAt(line string, letter byte) (at int, plain bool) {
	text, pos := heard(line)
	if erases(line) { // which characters they delete depends on S5 and on the modem
		_, behind, _ := strings.Cut(text, "A")
		if i := strings.IndexByte(behind, letter); i >= 0 {
			return pos[len(text)-len(behind)+i], false
		}
		return -1, true
	}
	for _, c := range commandsIn(text) {
		switch {
		case c.prefix == 0 && c.letter == letter:
			return pos[c.at], true
		case c.prefix == plus && hides(c.text[1:], letter):
			return pos[c.at], false
		case c.prefix != 0 && c.prefix != plus && mayBe(c.prefix, text[c.at+1:], letter):
			return pos[c.at], false
		}
	}
	return -1, true
}

// mayBe reports whether some modem takes the letter behind a prefix for a command of its own, or the command dials
// without one. text is what follows the prefix.
func mayBe(prefix byte, text string, letter byte) bool {
	return prefix == '#' && letter == 'D' && strings.HasPrefix(text, "VTS") ||
		text != "" && text[0] == letter && !setting(prefix, text)
}

// setting reports whether a letter behind a prefix is a setting of modems, such as &D2, and could not be a dial command
// with a number. For the letter D, text begins with it.
func setting(prefix byte, text string) bool {
	if strings.IndexByte(`&%\`, prefix) < 0 {
		return false
	}
	if text[0] != 'D' {
		return true
	}
	rest := text[1:]
	if rest != "" && '0' <= rest[0] && rest[0] <= '9' {
		rest = rest[1:]
	} else if strings.HasPrefix(rest, "T") || strings.HasPrefix(rest, "P") {
		return false
	}
	return rest == "" || 'A' <= rest[0] && rest[0] <= 'Z' || strings.IndexByte(`&%\+*#-~$:;?`, rest[0]) >= 0
}

// keyNames begin the names of extended commands that dial, or order something of the network, without D: the keys of a
// cellular modem, the tones of a modem that is off hook, a voice call; deflection and forwarding of calls, requests of
// services, short messages (3GPP TS 27.007, 27.005).
var keyNames = []string{"CKPD", "VTS", "CDV", "CTFR", "CCFC", "CUSD", "CMG", "CMSS"}

// hides reports whether an extended command, behind its plus, has a command of one letter in it for some modem: one
// that takes what follows a value for the next command, or skips the plus. A letter within quotes is text.
func hides(s string, letter byte) bool {
	value := strings.TrimLeft(s, nameChars)
	name := s[:len(s)-len(value)]
	if letter == 'D' && slices.ContainsFunc(keyNames, func(key string) bool { return strings.HasPrefix(name, key) }) {
		return true
	}
	if letter == 'D' && name == "VCID" && len(digitsAt(strings.TrimPrefix(value, "="))) > 1 {
		return true // tcpser takes its D for a dial command; a setting has one digit
	}
	if _, behind, ok := strings.Cut(name, string(letter)); ok && !slices.Contains([]string{"DR", "DS", "DS44"}, name) {
		if strings.ContainsAny(behind, "0123456789") || letter == 'D' && name[0] == 'D' {
			return true
		}
	}
	quoted, ended := false, false // ended: a semicolon within the quotes, which some modems take for the end
	for i := range len(value) {
		switch c := value[i]; {
		case c == '"':
			quoted, ended = !quoted, false
		case c == ';' && !quoted:
			return false
		case c == ';':
			ended = true
		case c == letter && (!quoted || ended || !strings.Contains(value[i:], `"`)):
			return true
		}
	}
	return false
}

// dialsStored reports whether a command line has the command N, which dials a stored number with a modem whose profile
// has StoredNumbers. For other modems N is a setting.
func dialsStored(line string) bool {
	at, _ := commandAt(line, 'N')
	return at >= 0
}

// CheckStored returns an error if one of the command lines dials a stored number with a modem whose profile has
// StoredNumbers.
func CheckStored(texts ...string) error {
	for _, text := range texts {
		if dialsStored(text) {
			return fmt.Errorf("%s dials a number that is stored in the modem, which is never allowed", text)
		}
	}
	return nil
}

// repeats are the characters that order a modem to repeat a command, behind an A without a carriage return: A/ (V.250
// §5.2.4), A> and A: (U.S. Robotics, ZyXEL: up to ten dials). A > at the end of a line does, too.
const repeats = "/>:"

// isRepeat reports whether a command line repeats the last one, or itself.
func isRepeat(line string) bool {
	text, _ := heard(line)
	for _, c := range repeats {
		if strings.Contains(text, "A"+string(c)) {
			return true
		}
	}
	return strings.Contains(text, ">")
}

// dialsAgain reports whether a second dial command follows the first, with which line begins.
func dialsAgain(line string) bool {
	_, behind, more := strings.Cut(line, ";")
	return more && Dials("AT"+behind)
}

// numberChars are the characters that may precede the dial string in a dial command (V.250 §6.3.1). L and S= dial a
// number that is stored in the modem, a semicolon ends the command.
const numberChars = "0123456789ABC*#+TPW,!@^$&-.() "

// CheckNumber returns an error if a line of a script that dials has a dial command without the dial string, the dial
// string outside of one, or a repeat command: the number that is dialed must be the one that was decided. before and
// after are what the line has around its first dial string, of the number of dial strings in it.
func CheckNumber(before, after string, dialstrings int) error {
	line := before + after
	if dialstrings > 0 {
		line = before + "0" + after
	}
	at, plain := dialAt(line)
	switch {
	case isRepeat(line):
		return errRepeat
	case dialstrings == 0 && at < 0:
		return nil
	case dialstrings == 0:
		return fmt.Errorf("%q dials another number than that of the callback, which is \\T", before)
	case dialstrings > 1:
		return errors.New("a line has \\T twice")
	case at < 0 || at >= len(before):
		return errors.New("\\T is not in a dial command")
	case !plain:
		return errUnclear
	case dialsAgain(line[at:]):
		return errDialTwice
	}
	if i := strings.IndexFunc(before[at+1:], func(r rune) bool {
		return !strings.ContainsRune(numberChars, unicode.ToUpper(r))
	}); i >= 0 {
		return fmt.Errorf("%q between D and \\T may dial another number", before[at+1:][i:i+1])
	}
	return nil
}

// CheckSent returns an error if no script may send one of the command lines: it has an octet above 127, a D that is a
// dial command for some modems only, or a register by which dial commands could be hidden.
func CheckSent(texts ...string) error {
	for _, text := range texts {
		if strings.IndexFunc(text, func(r rune) bool { return r > 0x7f }) >= 0 {
			return errEighthBit
		}
		if _, plain := dialAt(text); !plain {
			return errUnclear
		}
		if err := checkFraming(text); err != nil {
			return err
		}
	}
	return nil
}

// CheckCommand returns an error if a profile must not contain this command line: it is not one line of printable ASCII
// that begins with AT, it dials, or it repeats the last command.
func CheckCommand(text string) error {
	switch {
	case !strings.HasPrefix(strings.ToUpper(text), "AT"):
		return errors.New("a modem command begins with AT")
	case !printable(text):
		return errors.New("a modem command must be printable ASCII")
	case len(text) > maxCommand:
		return fmt.Errorf("a modem command has at most %d characters", maxCommand)
	case Dials(text):
		if _, plain := dialAt(text); !plain {
			return errors.New("the command dials with some modems: only chat scripts may dial (between an extended " +
				"command and the next one, write a semicolon)")
		}
		return errors.New("the command dials: only chat scripts may dial")
	case strings.Contains(text, "+++"):
		return errors.New("+++ is the escape from data to commands, not a command: remove it")
	}
	return checkFraming(text)
}

// Dials reports whether a command line may make a modem dial, or repeats a command that may have.
func Dials(line string) bool {
	at, _ := dialAt(line)
	return at >= 0 || isRepeat(line)
}
