package recordings

import (
	"strings"
	"unicode/utf8"
)

// Charsets are the character sets of hosts: asciicast has UTF-8 only. The first one is the default.
var Charsets = []string{"utf-8", "iso-8859-1", "cp437"}

// decoder makes UTF-8 of octets in a character set, also where a character is split over writes.
type decoder struct {
	charset string // "": UTF-8
	begun   []byte // octets of a character of UTF-8 that is not complete
}

// cp437 has the characters from 0x80 on (IBM code page 437, as in Unicode's mapping table CP437.TXT).
var cp437 = []rune("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
	"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0")

// text returns the characters that are complete. What is none of the character set is U+FFFD.
func (d *decoder) text(p []byte) string {
	var b strings.Builder
	switch d.charset {
	case "iso-8859-1":
		for _, c := range p {
			b.WriteRune(rune(c))
		}
		return b.String()
	case "cp437":
		for _, c := range p {
			if c < 0x80 {
				b.WriteByte(c)
			} else {
				b.WriteRune(cp437[c-0x80])
			}
		}
		return b.String()
	}
	p = append(d.begun, p...)
	for len(p) > 0 && utf8.FullRune(p) {
		r, n := utf8.DecodeRune(p)
		b.WriteRune(r)
		p = p[n:]
	}
	d.begun = append([]byte(nil), p...)
	return b.String()
}

// end returns what stands for a character that was never completed.
func (d *decoder) end() string {
	left := strings.Repeat(string(utf8.RuneError), min(len(d.begun), 1))
	d.begun = nil
	return left
}
