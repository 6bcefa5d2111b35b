package pairs

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// masked stands for a secret.
const masked = "[secret]"

// Masked is a pair as it may be told: the value is masked where its name speaks of a secret, known or not.
func Masked(s string) string {
	name, _, _ := Split(s)
	switch end := secretWord(name); {
	case end < 0:
		return s
	case end < len(name):
		return name[:end] + masked
	}
	return s[:min(len(s), len(name)+1)] + masked
}

// MaskedName is a pair's name as it may be told. Of one that speaks of a secret it is what goes before anything
// odd: who forgets the sign has the secret stand there.
func MaskedName(name string) string {
	if end := secretWord(name); end >= 0 && end < len(name) {
		return name[:end] + masked
	}
	return name
}

// secretWord is where the word of a pair's name that speaks of a secret ends; -1: none does.
func secretWord(name string) int {
	for i := range len(name) {
		if c := name[i] | 0x20; c != 's' && c != 'p' && c != 'k' { // the words' first letters
			continue
		}
		for _, word := range [...]string{"secret", "passw", "key"} {
			if len(name)-i < len(word) || !strings.EqualFold(name[i:i+len(word)], word) {
				continue
			}
			end := i
			for end < len(name) && plainOctet(name[end]) {
				end++
			}
			return end
		}
	}
	return -1
}

func plainOctet(c byte) bool {
	return c == '-' || c == '_' || c == '#' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// Printable quotes what a terminal would obey.
func Printable(s string) string {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return strconv.QuoteToASCII(s)
		}
	}
	return s
}

// Quoted keeps the server's octets from moving the terminal's cursor.
func Quoted(s string) string {
	if !utf8.ValidString(s) {
		return strconv.QuoteToASCII(s)
	}
	return strconv.Quote(s)
}

// OneLine refuses control characters: what follows a CR would be another command to a modem, what follows a NUL is
// hidden.
func OneLine[T ~string | ~[]byte](s T) error {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return fmt.Errorf("the control character %#02x in it", s[i])
		}
	}
	return nil
}

// maxGroup bounds the name of a group.
const maxGroup = 64

// plainName is what is taken for the name of a group. A name without a letter is an access list's number.
var plainName = regexp.MustCompile(`^[0-9_-]*[A-Za-z][A-Za-z0-9_-]*$`)

// IsGroup reports whether s can be the name of a group.
func IsGroup(s string) bool { return len(s) <= maxGroup && plainName.MatchString(s) }
