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

// What an attribute of an Access-Accept means is said in tables, one a vendor: dialect_*.go. This file has their shape.
// A further attribute is a further row, a further vendor a further table; the reference page, the tests of bad input
// and the explanations are made from the rows.

// form is how an attribute's octets are read.
type form int

const (
	text form = iota // one line: no control characters
	// lines for the caller, NULs dropped: servers written in C send the one that ends their string
	prose
	octets      // anything
	integer     // four octets
	address     // four octets
	address6    // sixteen octets
	prefix6     // RFC 3162 §2.3: a zero, a length, as many octets as it takes
	interfaceID // eight octets
	date        // four octets, seconds since 1970
)

// valueNames are the values of an integer as its dictionary spells them.
type valueNames map[uint32]string

// rule is one attribute of one vendor.
type rule struct {
	n      uint32 // RADIUS type, or the vendor's
	name   string // as FreeRADIUS spells it
	form   form
	field  string // of aaa.Authorization, as its JSON names it
	check  string // what is refused beside what all attributes are checked for; of a row without apply, why it is left
	source string // "" : the row is for printing only and the reference leaves it out

	enum   valueNames
	known  bool        // values that enum lacks are refused
	secret bool        // its value prints as [secret]
	many   bool        // may come more than once
	only   aaa.Service // the kind of session it counts for; "" all
	apply  func(r *reading, v value) error
}

// dialect is the table of one vendor.
type dialect struct {
	name   string
	vendor uint32 // 0: the attributes of the RFCs
	prefix string // of the names of attributes that have no row
	types  int    // octets of a vendor type; 0 is 1, as RFC 2865 §5.26 has it
	bare   bool   // no length behind the type: one attribute in one Vendor-Specific
	rules  []rule

	byType map[uint32]*rule
}

// value is an attribute's content in its form.
type value struct {
	s string // of integers and dates, ""
	n uint32
}

// indexed makes d's rows findable.
func indexed(d dialect) *dialect {
	d.byType = make(map[uint32]*rule, len(d.rules))
	for i := range d.rules {
		d.byType[d.rules[i].n] = &d.rules[i]
	}
	return &d
}

// dialects has every table, in the order of the reference.
var dialects = []*dialect{rfc, cisco, ascend, lucent, usr, acc, zyxel, shiva, bay, microsoft}

// vendors finds a vendor's table.
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

// read checks the octets against the form.
func (f form) read(b radius.Attribute) (value, error) {
	switch {
	case len(b) == 0:
		return value{}, errors.New("it is empty (RFC 2865 §5)")
	case len(b) > 253:
		return value{}, fmt.Errorf("it has %d octets, an attribute at most 253", len(b))
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

// text prints octets of this form; those that are not of it are printed in hexadecimal.
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
