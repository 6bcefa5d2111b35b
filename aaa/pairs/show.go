package pairs

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// masked replaces a secret.
const masked = "[secret]"

// Masked returns a pair as it may be shown: the value is masked if the name, known or not, contains a secret's word.
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

// MaskedName returns a pair's name as it may be shown. If it contains a secret's word, it is cut before the first
// unusual character: without the sign, the secret would be part of the name.
func MaskedName(name string) string {
	if end := secretWord(name); end >= 0 && end < len(name) {
		return name[:end] + masked
	}
	return name
}

// secretWord returns the index after the word for a secret in a pair's name; -1 if there is none.
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

// Printable quotes text that a terminal would interpret.
func Printable(s string) string {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return strconv.QuoteToASCII(s)
		}
	}
	return s
}

// Quoted keeps the server's octets from controlling the terminal.
func Quoted(s string) string {
	if !utf8.ValidString(s) {
		return strconv.QuoteToASCII(s)
	}
	return strconv.Quote(s)
}

// OneLine refuses control characters: text after a CR would be another command to a modem, text after a NUL is
// hidden.
func OneLine[T ~string | ~[]byte](s T) error {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return fmt.Errorf("contains the control character %#02x", s[i])
		}
	}
	return nil
}

// maxGroup limits the length of a group name.
const maxGroup = 64

// plainName matches the name of a group. A name without a letter is the number of an access list.
var plainName = regexp.MustCompile(`^[0-9_-]*[A-Za-z][A-Za-z0-9_-]*$`)

// IsGroup reports whether s can be the name of a group.
func IsGroup(s string) bool { return len(s) <= maxGroup && plainName.MatchString(s) }
