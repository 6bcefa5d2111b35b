package sms

import "strings"

// basic is the GSM 7 bit default alphabet (3GPP TS 23.038, 6.2.1); 0x1b leads to the extension table.
var basic = []rune("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")

const escape = 0x1b

// extension is the extension table (6.2.1.1). A character that it does not have is that of the basic table.
var extension = map[byte]rune{0x0a: '\f', 0x14: '^', 0x28: '{', 0x29: '}', 0x2f: '\\', 0x3c: '[', 0x3d: '~', 0x3e: ']',
	0x40: '|', 0x65: '€', escape: ' '}

// septets unpacks n septets (6.1.2.1.1) from the given one on. It stops at the end of b.
func septets(b []byte, from, n int) string {
	var text strings.Builder
	escaped := false
	for i := from; i < from+n && (i*7+7+7)/8 <= len(b); i++ {
		at, shift := i*7/8, i*7%8
		v := uint16(b[at]) >> shift
		if shift > 1 {
			v |= uint16(b[at+1]) << (8 - shift)
		}
		c := byte(v & 0x7f)
		switch r, ok := extension[c]; {
		case escaped && ok:
			text.WriteRune(r)
			escaped = false
		case c == escape && !escaped:
			escaped = true
		default:
			text.WriteRune(basic[c])
			escaped = false
		}
	}
	return text.String()
}
