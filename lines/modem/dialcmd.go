package modem

import (
	"strconv"
	"strings"
)

// dialAt returns the position of the D in a command line that makes the modem dial, or -1. After AT, only a D that is
// a command of its own counts, not that of &D2, \D or the name of an extended command (V.250 §5.3, §5.4, §6.3.1).
func dialAt(line string) int {
	at := strings.Index(strings.ToUpper(line), "AT")
	if at < 0 {
		return -1
	}
	body := strings.ToUpper(line[at+2:])
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == 'D':
			return at + 2 + i
		case c == '+': // extended: to the next semicolon
			end := strings.IndexByte(body[i:], ';')
			if end < 0 {
				return -1
			}
			i += end
		case strings.IndexByte(`&%\*#-~$:`, c) >= 0: // the next letter belongs to it
			i++
		}
	}
	return -1
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
