package servers

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
	dictfile "layeh.com/radius/dictionary"
)

// Attribute is a RADIUS attribute as text, with FreeRADIUS's names: Service-Type, Callback-NAS-Prompt. The dictionary
// has all dialects with callback: the RFCs, Cisco, Ascend (X-Ascend-… are its types outside of a VSA), Lucent, USR,
// Acc, Zyxel, Shiva, Annex, Microsoft, and the names of 1997; `Attr-N = 0x…` is any other attribute.
type Attribute struct{ Name, Value string }

func (a Attribute) String() string { return a.Name + " = " + a.Value }

// Encode returns the octets of a; nothing is encrypted.
func (a Attribute) Encode() (radius.Type, radius.Attribute, error) { return a.encodeFor(nil, "") }

// encodeFor is encode for the reply to a request, whose authenticator and secret encrypt the attributes that the
// dictionary marks.
func (a Attribute) encodeFor(auth []byte, secret aaa.Secret) (radius.Type, radius.Attribute, error) {
	if n, ok := cutPrefixFold(a.Name, "Attr-"); ok {
		t, err := strconv.ParseUint(n, 10, 8)
		if err != nil {
			return 0, nil, fmt.Errorf("%s: the type must be 0 to 255", a.Name)
		}
		v, err := octets(a.Value)
		if err == nil && len(v) > 253 {
			err = fmt.Errorf("%s: longer than 253 octets", a.Name)
		}
		return radius.Type(t), v, err
	}
	e := lookup(a.Name)
	if e == nil {
		return 0, nil, fmt.Errorf("%s: unknown attribute%s (use Attr-N = 0x… for any other)", a.Name,
			didYouMean(a.Name, dictionary().names))
	}
	v, err := e.encode(a.Value)
	if err != nil {
		return 0, nil, fmt.Errorf("%s: %w", a.Name, err)
	}
	if e.encrypt == 3 && auth != nil {
		v = ascendSecret(v, auth, secret)
	}
	return e.wrap(v)
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

// wrap puts a value into a Vendor-Specific attribute in the vendor's format, if the entry has a vendor.
func (e *entry) wrap(v []byte) (radius.Type, radius.Attribute, error) {
	longest := 253
	if e.vendor != 0 {
		longest -= 4 + e.typeOctets + e.lenOctets
	}
	if len(v) > longest {
		return 0, nil, fmt.Errorf("%s: longer than %d octets", e.name, longest)
	}
	if e.vendor == 0 {
		return radius.Type(e.number), v, nil
	}
	b := binary.BigEndian.AppendUint32(nil, e.vendor)
	switch e.typeOctets {
	case 4:
		b = binary.BigEndian.AppendUint32(b, e.number)
	case 2:
		b = binary.BigEndian.AppendUint16(b, uint16(e.number))
	default:
		b = append(b, byte(e.number))
	}
	if e.lenOctets == 1 {
		b = append(b, byte(e.typeOctets+1+len(v)))
	}
	return 26, append(b, v...), nil
}

// ascendSecret hides Ascend-Send-Secret and -Receive-Secret: one block, MD5 over authenticator and secret.
func ascendSecret(v, auth []byte, secret aaa.Secret) []byte {
	pad := md5.Sum([]byte(string(auth) + string(secret)))
	out := make([]byte, 16)
	copy(out, v)
	for i := range out {
		out[i] ^= pad[i]
	}
	return out
}

// encode returns the octets of a value of the entry's kind.
func (e *entry) encode(s string) ([]byte, error) {
	switch e.kind {
	case dictfile.AttributeInteger, dictfile.AttributeSigned:
		n, err := e.integer(s, 32)
		return binary.BigEndian.AppendUint32(nil, uint32(n)), err
	case dictfile.AttributeShort:
		n, err := e.integer(s, 16)
		return binary.BigEndian.AppendUint16(nil, uint16(n)), err
	case dictfile.AttributeByte:
		n, err := e.integer(s, 8)
		return []byte{byte(n)}, err
	case dictfile.AttributeInteger64:
		n, err := e.integer(s, 64)
		return binary.BigEndian.AppendUint64(nil, n), err
	case dictfile.AttributeDate:
		return encodeDate(s)
	case dictfile.AttributeIPAddr, dictfile.AttributeIPv6Addr:
		return e.address(s)
	case dictfile.AttributeIPv6Prefix:
		return encodePrefix(s)
	case dictfile.AttributeIFID:
		return encodeInterfaceID(s)
	case dictfile.AttributeEther:
		return net.ParseMAC(s)
	case dictfile.AttributeOctets, dictfile.AttributeABinary:
		return octets(s)
	}
	return []byte(s), nil
}

// integer reads a name, a decimal or a hexadecimal number.
func (e *entry) integer(s string, bits int) (uint64, error) {
	if n, ok := e.values[strings.ToLower(s)]; ok {
		return uint64(n), nil
	}
	digits, base := s, 10
	if h, ok := cutPrefixFold(s, "0x"); ok {
		digits, base = h, 16
	}
	n, err := strconv.ParseUint(digits, base, bits)
	if err != nil && e.kind == dictfile.AttributeSigned {
		signed, serr := strconv.ParseInt(s, 10, 32)
		return uint64(uint32(signed)), serr
	}
	if err == nil {
		return n, nil
	}
	var names []string
	for _, name := range e.names {
		names = append(names, name)
	}
	return 0, fmt.Errorf("%q is neither a number nor a known value%s", s, didYouMean(s, names))
}

func integerOctets(k dictfile.AttributeType) int {
	switch k {
	case dictfile.AttributeByte:
		return 1
	case dictfile.AttributeShort:
		return 2
	case dictfile.AttributeInteger64:
		return 8
	}
	return 4
}

func (e *entry) address(s string) ([]byte, error) {
	ip, err := netip.ParseAddr(s)
	if err != nil || ip.Is4() != (e.kind == dictfile.AttributeIPAddr) {
		return nil, fmt.Errorf("%q is not an address", s)
	}
	return ip.AsSlice(), nil
}

// encodeDate reads seconds since 1970, or a date as FreeRADIUS prints it.
func encodeDate(s string) ([]byte, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		t, terr := time.Parse("Jan _2 2006 15:04:05 MST", s)
		if terr != nil {
			return nil, fmt.Errorf("%q is neither seconds since 1970 nor a date as Jan  2 2006 15:04:05 UTC", s)
		}
		n = uint64(t.Unix())
	}
	return binary.BigEndian.AppendUint32(nil, uint32(n)), nil
}

// encodePrefix encodes RFC 3162 §2.3.
func encodePrefix(s string) ([]byte, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is6() {
		return nil, fmt.Errorf("%q is not an IPv6 prefix", s)
	}
	a := p.Masked().Addr().As16()
	return append([]byte{0, byte(p.Bits())}, a[:(p.Bits()+7)/8]...), nil
}

// encodeInterfaceID reads four groups of hexadecimal digits (RFC 3162 §2.2).
func encodeInterfaceID(s string) ([]byte, error) {
	var b []byte
	groups := strings.Split(s, ":")
	for _, g := range groups {
		n, err := strconv.ParseUint(g, 16, 16)
		if err != nil || len(groups) != 4 {
			return nil, fmt.Errorf("%q is not an interface id of the form 1:2:3:4", s)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	}
	return b, nil
}

// octets decodes hexadecimal after 0x, and returns any other text unchanged.
func octets(s string) ([]byte, error) {
	h, ok := strings.CutPrefix(s, "0x")
	if !ok {
		return []byte(s), nil
	}
	b, err := hex.DecodeString(h)
	if err != nil {
		return nil, fmt.Errorf("%q is not hexadecimal", s)
	}
	return b, nil
}

// decode returns a received attribute as text.
func decode(t radius.Type, v radius.Attribute) Attribute {
	if t == 26 && len(v) > 4 {
		if e, value := unwrap(v); e != nil {
			return Attribute{e.name, e.decode(value)}
		}
	}
	if e := dictionary().byNumber[number{0, uint32(t)}]; e != nil {
		return Attribute{e.name, e.decode(v)}
	}
	return Attribute{fmt.Sprintf("Attr-%d", t), "0x" + hex.EncodeToString(v)}
}

// unwrap finds the one vendor attribute in a Vendor-Specific attribute; nil if there is none, more than one, or an
// unknown one.
func unwrap(v []byte) (*entry, []byte) {
	vendor, b := binary.BigEndian.Uint32(v), v[4:]
	for _, form := range []struct{ typeOctets, lenOctets int }{{1, 1}, {2, 1}, {4, 0}} {
		head := form.typeOctets + form.lenOctets
		if len(b) < head {
			continue
		}
		var n uint32
		for _, o := range b[:form.typeOctets] {
			n = n<<8 | uint32(o)
		}
		e := dictionary().byNumber[number{vendor, n}]
		if e == nil || e.typeOctets != form.typeOctets || e.lenOctets != form.lenOctets {
			continue
		}
		if form.lenOctets == 1 && int(b[form.typeOctets]) != len(b) {
			continue
		}
		return e, b[head:]
	}
	return nil, nil
}

func (e *entry) decode(v []byte) string {
	switch e.kind {
	case dictfile.AttributeString:
		if e.encrypt != 0 {
			break
		}
		return string(v)
	case dictfile.AttributeInteger, dictfile.AttributeShort, dictfile.AttributeByte, dictfile.AttributeDate,
		dictfile.AttributeInteger64:
		if len(v) != integerOctets(e.kind) {
			break
		}
		var n uint64
		for _, o := range v {
			n = n<<8 | uint64(o)
		}
		if name := e.names[uint32(n)]; name != "" && n>>32 == 0 {
			return name
		}
		return strconv.FormatUint(n, 10)
	case dictfile.AttributeSigned:
		if len(v) == 4 {
			return strconv.Itoa(int(int32(binary.BigEndian.Uint32(v))))
		}
	case dictfile.AttributeIPAddr, dictfile.AttributeIPv6Addr:
		if ip, ok := netip.AddrFromSlice(v); ok {
			return ip.String()
		}
	case dictfile.AttributeIPv6Prefix:
		if len(v) >= 2 && len(v) <= 18 && v[1] <= 128 {
			var a [16]byte
			copy(a[:], v[2:])
			return netip.PrefixFrom(netip.AddrFrom16(a), int(v[1])).String()
		}
	case dictfile.AttributeIFID:
		if len(v) == 8 {
			return fmt.Sprintf("%x:%x:%x:%x", binary.BigEndian.Uint16(v), binary.BigEndian.Uint16(v[2:]),
				binary.BigEndian.Uint16(v[4:]), binary.BigEndian.Uint16(v[6:]))
		}
	}
	return "0x" + hex.EncodeToString(v)
}

// quotedKind reports whether the value of an attribute of that name is written in quotes.
func quotedKind(name string) bool {
	e := lookup(name)
	return e == nil && !strings.HasPrefix(name, "Attr-") || e != nil && e.kind == dictfile.AttributeString &&
		e.encrypt == 0
}

// Known reports whether the dictionary has an attribute, under any of its names; so it has all that are written Attr-N.
func Known(name string) bool {
	_, number := cutPrefixFold(name, "Attr-")
	return number || lookup(name) != nil
}
