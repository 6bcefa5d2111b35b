package aaa

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxUser is the longest user name in octets: what one RADIUS attribute holds (RFC 2865 §5).
const MaxUser = 253

// maxPassword is the longest password in octets that any method takes: TACACS+ has one octet for its length (RFC 8907 §5.1).
const maxPassword = 254

// CheckUser says what is wrong with a user name as it was typed; nil where it may be used. The canonical user name is the name exactly
// as typed, letter case too. What two AAA servers could read as two names, or as one where there are two, is refused rather than
// mended: a name with space before or after it, with control characters, not UTF-8, empty, or longer than MaxUser octets.
func CheckUser(name string) error {
	switch {
	case name == "":
		return errors.New("user name: it is empty")
	case len(name) > MaxUser:
		return errors.New("user name: longer than 253 octets")
	case !utf8.ValidString(name):
		return errors.New("user name: not UTF-8")
	case strings.TrimSpace(name) != name:
		return errors.New("user name: a space before or after it")
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("user name: a control character in it")
	}
	return nil
}
