package ios

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/importer"
)

// TestCopied: texts as they come out of documents (lines joined and wrapped, prose and comments between them) are
// errors that name the line, and say what was expected and how to get a proper text.
func TestCopied(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		line       int
		want       string
	}{
		{"prose", "This page shows how callers are called back.\nversion 12.0\nend\n", 1, "it is prose"},
		{"title", "Configuration\nversion 12.0\nend\n", 1, "commands begin with a small letter"},
		{"another script", "version 12.0\n回叫存取伺服器\nend\n", 2, "not ASCII"},
		{"a bell", "version 12.0\nno-such \a command\nend\n", 2, "a control character"},
		{"a comment wrapped", "version 12.0\n!--- lets callers be called\nback by the server\nend\n", 3, ""},
		{"a comment behind a command", "hostname maui !--- the name\nend\n", 1, "words follow it"},
		{"a command behind a comment", "version 12.0\n!--- the name of the server. hostname maui\nend\n", 2,
			"a command follows this comment"},
		{"a command behind an empty comment", "! ! hostname maui\nend\n", 1, "a command follows this comment"},
		{"commands joined", "version 12.0\nhostname maui line con 0\nend\n", 2, "words follow it"},
		{"commands joined by a comment", "service timestamps log datetime ! hostname maui\nend\n", 1,
			"a comment or another command follows it"},
		{"lines joined", "version 12.0\nline 65 70 line aux 0\nend\n", 2, "are two lines joined"},
		{"settings joined", "line 1\n modem InOut login local\nend\n", 2, "words follow it"},
		{"a user wrapped before its options", "username kim\nnocallback-verify password 0 pw\nend\n", 1, "wrapped"},
		{"a user wrapped before the password", "username kim callback-dialstring 84001 password 0\npw\nend\n", 1,
			"the password is missing"},
		{"a user wrapped before a dialstring", "username kim callback-dialstring\n84001 password 0 pw\nend\n", 1,
			"nothing follows"},
		{"a user joined with a comment", "username kim password 0 pw !--- a user\nend\n", 1, "joined"},
		{"users joined", "username kim password 0 pw username lee password 0 pw\nend\n", 1, "joined"},
		{"a script wrapped in a quote", "chat-script a \"\" \"ATDT\n\\T\" CONNECT \\c\nend\n", 1,
			"a quote is not closed"},
		{"a script wrapped", "chat-script a \"\" \"ATDT \\T\" TIMEOUT 45\nCONNECT \\c\nend\n", 2, "small letter"},
		{"a dialogue", "version 12.0\nats0=1\nend\n", 2, "not that of a command"},
		{"a prompt", "version 12.0\nUsername: kim\nend\n", 2, ""},
		{"text behind the end", "version 12.0\nend\nWhen you configure the modem\n", 3, "text after `end`"},
		{"pages of a terminal", "version 12.0\n --More-- \nend\n", 2, "--More--"},
		{"a banner without its end", "banner motd ^C\nhello\nend\n", 1, "has no end"},
		{"nothing", "!\n! nothing\n", 0, "no commands"},
		{"a sentence of commands", "enable password and callback for your users, as below.\nend\n", 1, ""},
	} {
		site, _, err := Import([]byte(tt.text), Options{})
		e, ok := err.(*importer.Error)
		if !ok || site != nil {
			t.Errorf("%s: error %v, want an *importer.Error", tt.name, err)
			continue
		}
		if e.Line != tt.line || !strings.Contains(e.Error(), tt.want) || !strings.Contains(e.Error(),
			"show running-config") ||
			e.Want == "" {
			t.Errorf("%s: line %d, %v; want line %d, %q", tt.name, e.Line, e, tt.line, tt.want)
		}
		if strings.Contains(e.Error(), "pw") {
			t.Errorf("%s: the error has the password: %v", tt.name, e)
		}
	}
}
