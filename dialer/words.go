package dialer

import (
	"strings"

	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/lines"
)

// maxWords bounds the modem's text in a detail.
const maxWords = 80

// withLastWords adds to why the modem's last line, if it is no result code: a modem with its own texts for a failure
// does not end a dial with them, and the operator must see them.
func withLastWords(why string, transcript []chat.Entry) string {
	said := lastWords(transcript)
	if said == "" || strings.Contains(why, said) {
		return why
	}
	return why + `; the modem last said "` + said + `"`
}

// lastWords returns the last line that was received after the last that was sent, without echoes and result codes; ""
// if there is none.
func lastWords(transcript []chat.Entry) string {
	for i := len(transcript) - 1; i >= 0 && transcript[i].Dir != chat.Sent; i-- {
		if transcript[i].Dir != chat.Received {
			continue
		}
		said := splitLines(transcript[i].Text)
		for j := len(said) - 1; j >= 0; j-- {
			if informative(said[j]) {
				return clip(said[j])
			}
		}
	}
	return ""
}

// informative reports whether a line is neither empty, nor our echo, nor a result code.
func informative(line string) bool {
	upper := strings.ToUpper(line)
	if line == "" || strings.HasPrefix(upper, "AT") || strings.HasPrefix(upper, string(lines.Connected)) ||
		upper == string(lines.OK) {
		return false
	}
	_, ends := outcomeOf(lines.ResultCode(upper))
	return !ends
}

// splitLines cuts an entry's text, where control characters are written as in a script, into trimmed lines.
func splitLines(text string) []string {
	var all []string
	var line strings.Builder
	end := func() {
		all = append(all, strings.TrimSpace(line.String()))
		line.Reset()
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			line.WriteByte(text[i])
			continue
		}
		i++
		if text[i] == 'r' || text[i] == 'n' {
			end()
			continue
		}
		line.WriteString(text[i-1 : i+1])
	}
	end()
	return all
}

func clip(s string) string {
	if len(s) > maxWords {
		return s[:maxWords] + "…"
	}
	return s
}
