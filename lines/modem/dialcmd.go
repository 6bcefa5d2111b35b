package modem

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// dialAt returns the position of the D in a command line that makes the modem dial, or -1. After AT, only a D that is
// a command of its own counts, not that of &D2, \D or the name of an extended command (V.250 §5.3, §5.4, §6.3.1).
func dialAt(line string) int { return commandAt(line, 'D') }

// commandAt returns the position of a command of one letter in a command line, or -1. Behind a D all is the number.
func commandAt(line string, letter byte) int {
	at := strings.Index(strings.ToUpper(line), "AT")
	if at < 0 {
		return -1
	}
	body := strings.ToUpper(line[at+2:])
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == letter:
			return at + 2 + i
		case c == 'D':
			return -1
		case c == '+': // extended: to the next semicolon
			end := strings.IndexByte(body[i:], ';')
			if end < 0 {
				return -1
			}
			i += end
		case strings.IndexByte(`&%\*#-~$:`, c) >= 0: // the next letter belongs to it, or a name
			i += max(1, named(body[i+1:]))
		}
	}
	return -1
}

// dialsStored reports whether a command line has the command N, which dials a stored number with a modem whose profile
// has StoredNumbers. For other modems N is a setting.
func dialsStored(line string) bool { return commandAt(line, 'N') >= 0 }

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
func isRepeat(line string) bool { return strings.Contains(strings.ToUpper(line), "A/") }

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

// Dials reports whether a command line makes the modem dial, or repeats a command that may have.
func Dials(line string) bool { return dialAt(line) >= 0 || isRepeat(line) }
