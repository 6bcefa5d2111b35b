package radius

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
	"layeh.com/radius"
)

// Tables, one per vendor, define the meaning of each attribute of an Access-Accept: dialect_*.go. This file defines
// their types. For a new attribute add a row, for a new vendor a table; the reference page, the tests with invalid
// input and the explanations are generated from the rows.

// form is the format of an attribute's value.
type form int

const (
	text form = iota // one line: no control characters
	// lines for the caller, without NULs: servers written in C may send the NUL that ends a string
	prose
	octets      // anything
	integer     // four octets
	address     // four octets
	address6    // sixteen octets
	prefix6     // RFC 3162 §2.3: a zero, the prefix length, the octets of the prefix
	interfaceID // eight octets
	date        // four octets, seconds since 1970
)

// valueNames are the names of integer values, as in the dictionary.
type valueNames map[uint32]string

// rule is one attribute of one vendor.
type rule struct {
	n      uint32 // RADIUS type, or vendor type
	name   string // as in FreeRADIUS
	form   form
	field  string // of aaa.Authorization, as its JSON names it
	check  string // checks in addition to those of all attributes; for a row without apply, why it is ignored
	source string // "" : the row is for printing only and is not in the reference

	enum   valueNames
	known  bool // values that are not in enum are refused
	secret bool // its value prints as [secret]
	many   bool // may be repeated
	// may be repeated if the server sends several numbers (Dialects.SeveralNumbers)
	several bool
	only    aaa.Service // the kind of session it applies to; "": all, except that callback_* is not for a dial-out
	out     bool        // it applies to a dial-out too
	apply   func(r *reading, v value) error
}

// serves reports whether the attribute applies to a kind of session.
func (r *rule) serves(session aaa.Service) bool {
	switch {
	case session == aaa.Outbound && r.only == "":
		return r.out || !strings.HasPrefix(r.field, "callback")
	case session == aaa.Outbound:
		return r.out || r.only == session
	}
	return r.only == "" || r.only == session
}

// dialect is the table of one vendor.
type dialect struct {
	name   string
	vendor uint32 // 0: the attributes of the RFCs
	prefix string // for the names of attributes without a row
	types  int    // octets of a vendor type; 0 means 1, as in RFC 2865 §5.26
	bare   bool   // no length after the type: one attribute per Vendor-Specific
	rules  []rule

	byType map[uint32]*rule
}

// value is an attribute's value, decoded.
type value struct {
	s string // "" for integers and dates
	n uint32
}

// indexed returns d with its index by type.
func indexed(d dialect) *dialect {
	d.byType = make(map[uint32]*rule, len(d.rules))
	for i := range d.rules {
		d.byType[d.rules[i].n] = &d.rules[i]
	}
	return &d
}

// dialects lists all tables, in the order of the reference.
var dialects = []*dialect{rfc, cisco, ascend, lucent, usr, acc, zyxel, shiva, bay, microsoft}

// vendors maps vendor numbers to tables.
var vendors = byVendor(dialects)

func byVendor(all []*dialect) map[uint32]*dialect {
	m := make(map[uint32]*dialect, len(all))
	for _, d := range all {
		if d.vendor != 0 {
			m[d.vendor] = d
		}
	}
	return m
}

// read checks and decodes the octets.
func (f form) read(b radius.Attribute) (value, error) {
	switch {
	case len(b) == 0:
		return value{}, errors.New("it is empty (RFC 2865 §5)")
	case len(b) > 253:
		return value{}, fmt.Errorf("it has %d octets; the maximum is 253", len(b))
	}
	switch f {
	case integer, date:
		if err := exactly(b, 4); err != nil {
			return value{}, err
		}
		return value{n: binary.BigEndian.Uint32(b)}, nil
	case address:
		return valueOf(f.text(b)), exactly(b, 4)
	case address6:
		return valueOf(f.text(b)), exactly(b, 16)
	case interfaceID:
		return valueOf(f.text(b)), exactly(b, 8)
	case prefix6:
		p, err := ipv6Prefix(b)
		return value{s: p}, err
	case text:
		return value{s: string(b)}, pairs.OneLine(b)
	case prose:
		return value{s: strings.ReplaceAll(string(b), "\x00", "")}, nil
	}
	return value{s: string(b)}, nil
}

func valueOf(s string) value { return value{s: s} }

func exactly(b []byte, n int) error {
	if len(b) != n {
		return fmt.Errorf("it has %d octets, not %d", len(b), n)
	}
	return nil
}

// ipv6Prefix reads RFC 3162 §2.3.
func ipv6Prefix(b []byte) (string, error) {
	if len(b) < 2 || len(b) > 18 || b[0] != 0 || b[1] > 128 || len(b) < 2+int(b[1]+7)/8 {
		return "", errors.New("not an IPv6 prefix (RFC 3162 §2.3)")
	}
	var a [16]byte
	copy(a[:], b[2:])
	p, err := netip.AddrFrom16(a).Prefix(int(b[1]))
	return p.String(), err
}

// prefixOctets writes an IPv6 prefix as RFC 3162 §2.3 has it: without the octets after its length.
func prefixOctets(p netip.Prefix) radius.Attribute {
	a := p.Masked().Addr().As16()
	return append(radius.Attribute{0, byte(p.Bits())}, a[:(p.Bits()+7)/8]...)
}

// interfaceOctets reads an interface ID in the text form of RFC 3162 §2.2: four numbers of up to four hexadecimal
// digits.
func interfaceOctets(s string) (radius.Attribute, bool) {
	groups := strings.Split(s, ":")
	if len(groups) != 4 {
		return nil, false
	}
	var out radius.Attribute
	for _, g := range groups {
		n, err := strconv.ParseUint(g, 16, 16)
		if err != nil {
			return nil, false
		}
		out = binary.BigEndian.AppendUint16(out, uint16(n))
	}
	return out, true
}

// text prints octets of this form; invalid octets are printed in hexadecimal.
func (f form) text(b []byte) string {
	switch {
	case f == text || f == prose:
		return pairs.Quoted(string(b))
	case f == integer && len(b) == 4:
		return strconv.FormatUint(uint64(binary.BigEndian.Uint32(b)), 10)
	case f == date && len(b) == 4:
		return time.Unix(int64(binary.BigEndian.Uint32(b)), 0).UTC().Format(time.RFC3339)
	case f == address && len(b) == 4, f == address6 && len(b) == 16:
		ip, _ := netip.AddrFromSlice(b)
		return ip.String()
	case f == interfaceID && len(b) == 8:
		h := hex.EncodeToString(b)
		return h[:4] + ":" + h[4:8] + ":" + h[8:12] + ":" + h[12:]
	case f == prefix6:
		if p, err := ipv6Prefix(b); err == nil {
			return p
		}
	}
	return "0x" + hex.EncodeToString(b)
}
