package dialer

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/chat"
)

func TestLastWords(t *testing.T) {
	sent := chat.Entry{Dir: chat.Sent, Text: `ATDT 84001\r`}
	event := chat.Entry{Dir: chat.Event, Text: "no CONNECT within 45s"}
	in := func(text string) chat.Entry { return chat.Entry{Dir: chat.Received, Text: text} }
	for _, tc := range []struct {
		name string
		all  []chat.Entry
		want string
	}{
		{"nothing", nil, ""},
		{"silence", []chat.Entry{in(`\r\nHELLO\r\n`), sent, event}, ""},
		{"before the dial", []chat.Entry{in(`\r\nHELLO\r\n`), sent, in(`\r\n`), event}, ""},
		{"a text that is no result code", []chat.Entry{sent, in(`ATDT 84001\r\r\nLINE BLOCKED\r\n`), event}, "LINE BLOCKED"},
		{"the last of them", []chat.Entry{sent, in(`\r\nRINGING\r\n\r\nSORRY\r\n`), event}, "SORRY"},
		{"not yet whole", []chat.Entry{sent, in(`\r\nSOR`), event}, "SOR"},
		{"in several entries", []chat.Entry{sent, in(`\r\nSORRY\r`), in(`\n`), event}, "SORRY"},
		{"a result code after it", []chat.Entry{sent, in(`\r\nSORRY\r\n\r\nOK\r\n\r\nno carrier\r\nCONNECT 9600\r\n`),
			event}, "SORRY"},
		{"echo", []chat.Entry{sent, in(`atdt 84001\r`), event}, ""},
		{"octets that are no text", []chat.Entry{sent, in(`\r\na\\b\016c"d\\r\r\n`), event}, `a\\b\016c"d\\r`},
		{"a backslash at the end", []chat.Entry{sent, in(`x\`), event}, `x\`},
		{"long", []chat.Entry{sent, in(strings.Repeat("x", 600)), event}, strings.Repeat("x", 80) + "…"},
		{"secret", []chat.Entry{sent, in(`\r\nPIN [secret]\r\n`), event}, "PIN [secret]"},
	} {
		if got := lastWords(tc.all); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestWithLastWordsOnce(t *testing.T) {
	all := []chat.Entry{{Dir: chat.Sent}, {Dir: chat.Received, Text: `\r\nSORRY\r\n`}}
	if got := withLastWords(`no answer; the modem said SORRY`, all); got != `no answer; the modem said SORRY` {
		t.Error(got)
	}
}
