package dialer

import (
	"strings"

	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/lines"
)

// maxWords bounds what a detail repeats of the modem's words.
const maxWords = 80

// withLastWords adds to why what the modem said last, where that is no result code: a modem that has words of its own for a failure does
// not end a dial with them, and the operator has to see them.
func withLastWords(why string, transcript []chat.Entry) string {
	said := lastWords(transcript)
	if said == "" || strings.Contains(why, said) {
		return why
	}
	return why + `; the modem last said "` + said + `"`
}

// lastWords returns the last line that was received after the last that was sent, without echoes and result codes; "" where there is none.
func lastWords(transcript []chat.Entry) string {
	for i := len(transcript) - 1; i >= 0 && transcript[i].Dir != chat.Sent; i-- {
		if transcript[i].Dir != chat.Received {
			continue
		}
		said := splitLines(transcript[i].Text)
		for j := len(said) - 1; j >= 0; j-- {
			if tells(said[j]) {
				return clip(said[j])
			}
		}
	}
	return ""
}

// tells reports whether a line is neither empty, nor our echo, nor a result code.
func tells(line string) bool {
	upper := strings.ToUpper(line)
	if line == "" || strings.HasPrefix(upper, "AT") || strings.HasPrefix(upper, string(lines.Connected)) || upper == string(lines.OK) {
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
