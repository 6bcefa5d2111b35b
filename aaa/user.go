package aaa

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxUser is the maximum length of a user name in octets: the size of one RADIUS attribute (RFC 2865 §5).
const MaxUser = 253

// maxPassword is the maximum length of a password in octets for any method: TACACS+ has one octet for its length (RFC
// 8907 §5.1).
const maxPassword = 254

// CheckUser returns an error if a user name, as typed, must not be used. The canonical user name is the name exactly as
// typed, including letter case. A name that AAA servers could interpret differently is refused, not corrected: a name
// with space before or after it, with control characters, not UTF-8, empty, or longer than MaxUser octets.
func CheckUser(name string) error {
	switch {
	case name == "":
		return errors.New("user name is empty")
	case len(name) > MaxUser:
		return errors.New("user name is longer than 253 octets")
	case !utf8.ValidString(name):
		return errors.New("user name is not UTF-8")
	case strings.TrimSpace(name) != name:
		return errors.New("user name begins or ends with a space")
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("user name contains a control character")
	}
	return nil
}

// FoldUser returns a user name without its letter case. There are AAA servers that ignore it, so that one account has
// many spellings: what limits a user counts them together. What grants something compares names exactly. It does not
// allocate for a name in small ASCII letters.
func FoldUser(name string) string {
	if !strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf || r >= 'A' && r <= 'Z' }) {
		return name
	}
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return unicode.ToLower(least)
	}, name)
}
