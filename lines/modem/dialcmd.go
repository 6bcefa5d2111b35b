package modem

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// dialAt returns the position of the D in a command line that may make a modem dial, or -1, and whether each modem
// would: false if others take the D for a part of another command, as in `AT:DT5`. After AT, the D of &D2, \D, or of
// the name of an extended command is none (V.250 §5.3, §5.4, §6.3.1).
func dialAt(line string) (at int, plain bool) { return commandAt(line, 'D') }

// commandAt returns the position of a command of one letter in a command line, or -1, and whether it is one for each
// modem. Behind a D all is the number, to the next semicolon.
func commandAt(line string, letter byte) (at int, plain bool) {
	text, pos := heard(line)
	if strings.ContainsAny(line, "\b\x7f") { // which characters they delete depends on S5 and on the modem
		_, behind, _ := strings.Cut(text, "A")
		if i := strings.IndexByte(behind, letter); i >= 0 {
			return pos[len(text)-len(behind)+i], false
		}
		return -1, true
	}
	begin := strings.Index(text, "AT")
	if begin < 0 {
		return -1, true
	}
	for i := begin + 2; i < len(text); i++ {
		rest := text[i+1:]
		switch c := text[i]; {
		case c == letter:
			return pos[i], true
		case c == 'D':
			end := strings.IndexByte(rest, ';')
			if end < 0 {
				return -1, true
			}
			i += end + 1
		case c == '+':
			n, found := extended(rest, letter)
			if found {
				return pos[i], false
			}
			i += n
		case strings.IndexByte(`&%\*#-~$:`, c) >= 0: // the next letter belongs to it, or a name
			if c == '#' && letter == 'D' && strings.HasPrefix(rest, "VTS") ||
				rest != "" && rest[0] == letter && !setting(c, rest) {
				return pos[i], false
			}
			i += max(1, named(rest))
		}
	}
	return -1, true
}

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

// nameChars are the characters of the names of extended commands (V.250 §5.4.1).
const nameChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!%-./:_"

// keyNames are extended commands that dial without D: the keys of a cellular modem, the tones of a modem that is off
// hook, and a voice call.
var keyNames = []string{"CKPD", "VTS", "CDV"}

// extended reads an extended command behind its plus. It returns the length, with the semicolon that ends it, and
// whether it has a command of one letter in it for some modem: one that takes what follows a value for the next
// command, or skips the plus. A letter within quotes is text.
func extended(s string, letter byte) (n int, found bool) {
	value := strings.TrimLeft(s, nameChars)
	name := s[:len(s)-len(value)]
	if letter == 'D' && slices.ContainsFunc(keyNames, func(key string) bool { return strings.HasPrefix(name, key) }) {
		return 0, true
	}
	if _, behind, ok := strings.Cut(name, string(letter)); ok && !slices.Contains([]string{"DR", "DS", "DS44"}, name) {
		if strings.ContainsAny(behind, "0123456789") || letter == 'D' && name[0] == 'D' {
			return 0, true
		}
	}
	quoted, ended := false, false // ended: a semicolon within the quotes, which some modems take for the end
	for i := range len(value) {
		switch c := value[i]; {
		case c == '"':
			quoted, ended = !quoted, false
		case c == ';' && !quoted:
			return len(name) + i + 1, false
		case c == ';':
			ended = true
		case c == letter && (!quoted || ended || !strings.Contains(value[i:], `"`)):
			return 0, true
		}
	}
	return len(s), false
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

// resets reports whether a command line loads a profile (Z, &F) or changes a setting of the driver: the result
// format, auto-answer, the escape, or a proof register. It may also report lines that do not.
func resets(line string, registers []int) bool {
	up := strings.ReplaceAll(strings.ToUpper(line), " ", "")
	for _, s := range []string{"Z", "&F", "V0", "Q1", "Q2", "S0=", "S2=", "S3=", "S4=", "S5=", "S12="} {
		if strings.Contains(up, s) {
			return true
		}
	}
	for _, r := range registers {
		if strings.Contains(up, "S"+strconv.Itoa(r)) {
			return true
		}
	}
	return false
}

// isRepeat reports whether a command line is A/, which repeats the last one.
func isRepeat(line string) bool {
	text, _ := heard(line)
	return strings.Contains(text, "A/")
}

// dialsAgain reports whether a second dial command follows the first, with which line begins.
func dialsAgain(line string) bool {
	_, behind, more := strings.Cut(line, ";")
	return more && Dials("AT"+behind)
}

// CheckSent returns an error if no script may send one of the command lines: it has an octet above 127, or a D that is
// a dial command for some modems only.
func CheckSent(texts ...string) error {
	for _, text := range texts {
		if strings.IndexFunc(text, func(r rune) bool { return r > 0x7f }) >= 0 {
			return errEighthBit
		}
		if _, plain := dialAt(text); !plain {
			return errUnclear
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
	}
	return nil
}

// CheckSetting is CheckCommand for a command that must leave the driver's own settings as they are: no reset, no result
// format, no auto-answer, no escape character.
func CheckSetting(text string) error {
	if err := CheckCommand(text); err != nil {
		return err
	}
	if resets(text, nil) {
		return errors.New("the command resets the modem or changes a setting of the driver (Z, &F, V, Q, S0, S2 to " +
			"S5, S12): put it into init")
	}
	return nil
}

// Dials reports whether a command line may make a modem dial, or repeats a command that may have.
func Dials(line string) bool {
	at, _ := dialAt(line)
	return at >= 0 || isRepeat(line)
}
