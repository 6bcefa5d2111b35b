package modem

import "strings"

// isDial reports whether a command line makes the modem dial. Of the letters after AT only a D that is a command of its own counts, not
// that of &D2, \D or an extended command's name (V.250 §5.3, §5.4, §6.3.1).
func isDial(line string) bool {
	at := strings.Index(strings.ToUpper(line), "AT")
	if at < 0 {
		return false
	}
	body := strings.ToUpper(line[at+2:])
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == 'D':
			return true
		case c == '+': // extended: to the next semicolon
			end := strings.IndexByte(body[i:], ';')
			if end < 0 {
				return false
			}
			i += end
		case strings.IndexByte(`&%\*#-~$:`, c) >= 0: // the next letter belongs to it
			i++
		}
	}
	return false
}

// resets reports whether a command line loads a profile (Z, &F) or sets the escape character. It may say so of a line that does not.
func resets(line string) bool {
	up := strings.ToUpper(line)
	return strings.Contains(up, "Z") || strings.Contains(up, "&F") || strings.Contains(up, "S2=")
}

// isRepeat reports whether a command line is A/, which does the last one again.
func isRepeat(line string) bool { return strings.Contains(strings.ToUpper(line), "A/") }
