package lines

import (
	"strconv"
	"strings"
)

// ConnectSpeed returns the first separate number of a CONNECT line, in bit/s: 33600 for "CONNECT 33600/V34/LAPM", 0 for
// "CONNECT V32". The text after a semicolon is the other side's number.
func ConnectSpeed(text string) int {
	text, _, _ = strings.Cut(text, ";")
	for _, f := range strings.FieldsFunc(text, func(r rune) bool {
		return r == ' ' || r == '/' || r == ',' || r == ':'
	}) {
		if n, err := strconv.Atoi(f); err == nil && n >= 75 {
			return n
		}
	}
	return 0
}
