// Package sms reads the short messages that a cellular modem reports in PDU mode (3GPP TS 27.005): SMS-DELIVER of 3GPP
// TS 23.040 in the alphabets of 3GPP TS 23.038. It is pure.
package sms

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// Deliver is a short message. All of it is written by others: the text by the sender, and the number too, if the
// network lets them.
type Deliver struct {
	From  string // the sender: digits, with a plus if it is international, or a name; "" none
	Named bool   // From is a name, which anybody may choose
	Sent  time.Time
	Text  string // may have any characters
	// of a longer text: Part from 1 to Parts; both 1 if it is whole
	Part, Parts int
}

// MaxHex is the longest PDU in hexadecimal digits: twelve octets of the service centre, and a TPDU of 164.
const MaxHex = 2 * (12 + 164)

// The errors of Parse for messages that are whole and not read.
var (
	ErrNotDeliver = errors.New("not an SMS-DELIVER, but a report")
	ErrCompressed = errors.New("compressed text is not supported")
	ErrLanguage   = errors.New("a national language table is not supported")
)

var errShort = errors.New("the PDU is cut off")

// Parse reads a PDU in hexadecimal digits, with the address of the service centre before it. tpdu is the number of
// octets behind that address, as the modem reports it in the line before; 0: not known.
func Parse(digits string, tpdu int) (Deliver, error) {
	if len(digits) > MaxHex {
		return Deliver{}, fmt.Errorf("a PDU has at most %d hexadecimal digits, not %d", MaxHex, len(digits))
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return Deliver{}, errors.New("the PDU is not hexadecimal")
	}
	r := &reader{b: b}
	r.take(int(r.octet())) // the service centre
	if r.short {
		return Deliver{}, errShort
	}
	if left := len(r.b); tpdu > 0 && left != tpdu {
		return Deliver{}, fmt.Errorf("the PDU has %d octets behind the service centre, not %d", left, tpdu)
	}
	return r.deliver()
}

// reader takes octets from the front of b.
type reader struct {
	b     []byte
	short bool // there were not enough
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.short = true
		n = len(r.b)
	}
	part := r.b[:n]
	r.b = r.b[n:]
	return part
}

func (r *reader) octet() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// deliver reads the TPDU (TS 23.040, 9.2.2.1).
func (r *reader) deliver() (m Deliver, err error) {
	first := r.octet()
	if r.short {
		return m, errShort
	}
	if first&3 != 0 { // TP-Message-Type-Indicator
		return m, ErrNotDeliver
	}
	if m.From, m.Named, err = r.address(); err != nil {
		return m, err
	}
	r.octet() // TP-Protocol-Identifier
	scheme := r.octet()
	if m.Sent, err = stamp(r.take(7)); err != nil && !r.short {
		return m, err
	}
	length := int(r.octet())
	if r.short {
		return m, errShort
	}
	return m, m.userData(r.b, alphabetOf(scheme), length, first&0x40 != 0)
}

// address reads TP-Originating-Address (TS 23.040, 9.1.2.5).
func (r *reader) address() (text string, named bool, err error) {
	semi := int(r.octet())
	kind := r.octet()
	if semi > 20 {
		return "", false, fmt.Errorf("an address has at most 20 semi-octets, not %d", semi)
	}
	b := r.take((semi + 1) / 2)
	if r.short {
		return "", false, errShort
	}
	switch kind >> 4 & 7 {
	case 5: // alphanumeric
		return strings.TrimRight(septets(b, 0, semi*4/7), "\x00"), true, nil
	case 1:
		text = "+"
	}
	for i := range semi {
		d := b[i/2] >> (4 * (i % 2)) & 0xf
		if d == 0xf {
			return "", false, errors.New("the sender's number ends before its length")
		}
		text += string("0123456789*#abc"[d])
	}
	if semi == 0 {
		text = ""
	}
	return text, false, nil
}

// stamp reads TP-Service-Centre-Time-Stamp (TS 23.040, 9.2.3.11).
func stamp(b []byte) (time.Time, error) {
	if len(b) != 7 {
		return time.Time{}, errShort
	}
	var n [6]int
	for i := range n {
		tens, ones := int(b[i]&0xf), int(b[i]>>4)
		if tens > 9 || ones > 9 {
			return time.Time{}, errors.New("the time stamp has a digit that is none")
		}
		n[i] = tens*10 + ones
	}
	quarters := int(b[6]&7)*10 + int(b[6]>>4)
	if b[6]&8 != 0 {
		quarters = -quarters
	}
	zone := time.FixedZone("", quarters*15*60)
	return time.Date(2000+n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, zone), nil
}

// alphabet is how the user data is coded.
type alphabet int

const (
	gsm7 alphabet = iota
	octets
	ucs2
	compressed
)

// alphabetOf reads TP-Data-Coding-Scheme (TS 23.038, 4). What is reserved is the default alphabet.
func alphabetOf(scheme byte) alphabet {
	switch group := scheme >> 4; {
	case group < 8 && scheme&0x20 != 0:
		return compressed
	case group < 8:
		return [4]alphabet{gsm7, octets, ucs2, gsm7}[scheme>>2&3]
	case group == 0xe:
		return ucs2
	case group == 0xf && scheme&4 != 0:
		return octets
	}
	return gsm7
}

// maxUserData is the most octets of TP-User-Data.
const maxUserData = 140

// userData reads TP-User-Data. length counts septets of the default alphabet, otherwise octets; the header counts too.
func (m *Deliver) userData(b []byte, a alphabet, length int, header bool) error {
	if a == compressed {
		return ErrCompressed
	}
	size := length
	if a == gsm7 {
		size = (length*7 + 7) / 8
	}
	switch {
	case size > maxUserData:
		return fmt.Errorf("the text has %d octets; at most %d are possible", size, maxUserData)
	case len(b) < size:
		return errShort
	case len(b) > size:
		return fmt.Errorf("%d octets follow the text", len(b)-size)
	}
	m.Part, m.Parts = 1, 1
	skip := 0
	if header {
		if len(b) == 0 || int(b[0])+1 > len(b) {
			return errors.New("the header of the text is longer than the text")
		}
		skip = int(b[0]) + 1
		if err := m.elements(b[1:skip]); err != nil {
			return err
		}
	}
	switch a {
	case gsm7:
		from := (skip*8 + 6) / 7 // fill bits end at a septet
		m.Text = septets(b, from, length-from)
	case ucs2:
		text := b[skip:]
		if len(text)%2 != 0 {
			return errors.New("half a character of UCS-2 is at the end of the text")
		}
		units := make([]uint16, len(text)/2)
		for i := range units {
			units[i] = uint16(text[2*i])<<8 | uint16(text[2*i+1])
		}
		m.Text = string(utf16.Decode(units))
	default: // 8 bit: no alphabet is said, and only ASCII is the same in all
		m.Text = strings.Map(func(r rune) rune {
			if r >= 0x80 {
				return utf8Unknown
			}
			return r
		}, latin(b[skip:]))
	}
	return nil
}

// utf8Unknown stands for a character that is not known.
const utf8Unknown = '\uFFFD'

func latin(b []byte) string {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}

// The information elements of a header that are understood (TS 23.040, 9.2.3.24).
const (
	elementConcatenated   = 0x00
	elementConcatenated16 = 0x08
	elementLockingShift   = 0x25
)

// elements reads the header of the text.
func (m *Deliver) elements(b []byte) error {
	for len(b) > 0 {
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return errors.New("an element of the text's header is cut off")
		}
		id, data := b[0], b[2:2+int(b[1])]
		b = b[2+len(data):]
		switch {
		case id == elementConcatenated && len(data) == 3:
			m.Parts, m.Part = int(data[1]), int(data[2])
		case id == elementConcatenated16 && len(data) == 4:
			m.Parts, m.Part = int(data[2]), int(data[3])
		case id == elementLockingShift:
			return ErrLanguage
		}
	}
	return nil
}
