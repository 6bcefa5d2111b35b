package radius

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"
)

// builder gathers the attributes of a request. The first error stands; an empty string adds nothing, since an empty
// attribute must not be sent (RFC 2865 §5).
//
// Make one with newBuilder, and free it when the packet is made: what a usual request has lies in one piece of memory,
// which the next one uses again, since a login is cheap or dear by its allocations.
type builder struct {
	attrs  radius.Attributes
	err    error
	octets []byte // the values
	space  struct {
		list   [24]*radius.AVP
		pairs  [24]radius.AVP
		octets [320]byte
	}
}

var builders = sync.Pool{New: func() any { return new(builder) }}

func newBuilder() *builder {
	b := builders.Get().(*builder)
	b.attrs, b.octets = b.space.list[:0], b.space.octets[:0]
	return b
}

// free ends the use of the attributes.
func (b *builder) free() {
	*b = builder{}
	builders.Put(b)
}

// add adds an attribute whose value is the builder's own or never changes.
func (b *builder) add(t radius.Type, value radius.Attribute) {
	n := len(b.attrs)
	if n >= len(b.space.pairs) {
		b.attrs.Add(t, value)
		return
	}
	b.space.pairs[n] = radius.AVP{Type: t, Attribute: value}
	b.attrs = append(b.attrs, &b.space.pairs[n])
}

// since has what was appended to the octets since there were n.
func (b *builder) since(n int) radius.Attribute {
	return radius.Attribute(b.octets[n:len(b.octets):len(b.octets)])
}

func (b *builder) text(t radius.Type, name, s string) {
	switch {
	case s == "":
	case len(s) > maxAttrLen:
		if b.err == nil {
			b.err = fmt.Errorf("%s of %d octets: an attribute holds at most %d", name, len(s), maxAttrLen)
		}
	default:
		n := len(b.octets)
		b.octets = append(b.octets, s...)
		b.add(t, b.since(n))
	}
}

func (b *builder) integer(t radius.Type, v uint32) {
	n := len(b.octets)
	b.octets = binary.BigEndian.AppendUint32(b.octets, v)
	b.add(t, b.since(n))
}

// access adds all of an Access-Request but what proves the user and State. A lookup is a Call-Check.
func (b *builder) access(c Config, r aaa.Request, lookup bool, local net.Addr) {
	switch {
	case r.Enable > 0:
		b.text(rfc2865.UserName_Type, "User-Name", enableUser(r.Enable))
	default:
		b.text(rfc2865.UserName_Type, "User-Name", r.User)
	}
	b.nas(c, local)
	b.port(r.TTY)
	switch {
	case lookup:
		b.integer(rfc2865.ServiceType_Type, callCheck)
	case r.Enable > 0:
		b.integer(rfc2865.ServiceType_Type, uint32(rfc2865.ServiceType_Value_AdministrativeUser))
	default:
		b.service(r.Service)
	}
	b.stations(r.Called, r.Caller, r.Connect)
	b.text(rfc2866.AcctSessionID_Type, "Acct-Session-Id", told(r.CallID))
}

// stations has what the telephone network and the modem said of the call.
func (b *builder) stations(called, caller, connect string) {
	b.text(rfc2865.CalledStationID_Type, "Called-Station-Id", told(called))
	b.text(rfc2865.CallingStationID_Type, "Calling-Station-Id", told(caller))
	b.text(rfc2869.ConnectInfo_Type, "Connect-Info", told(connect))
}

// told is s as an attribute can carry it, for what comes from outside and only informs: its beginning where it is too
// long. Control characters and what is not UTF-8 become question marks rather than vanish: "555" with an odd octet
// inside must not turn into another caller's number.
func told(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == utf8.RuneError {
			return '?'
		}
		return c
	}, s)
	for len(s) > maxAttrLen {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// nas says who asks. RFC 2865 §4.1 wants an address or an identifier.
func (b *builder) nas(c Config, local net.Addr) {
	b.text(rfc2865.NASIdentifier_Type, "NAS-Identifier", c.NASIdentifier)
	ip := c.NASAddress
	if u, ok := local.(interface{ AddrPort() netip.AddrPort }); ok && !ip.IsValid() { // of UDP or TCP
		ip = u.AddrPort().Addr()
	}
	ip = ip.Unmap().WithZone("")
	switch {
	case !ip.IsValid() || ip.IsUnspecified():
		if c.NASIdentifier == "" {
			b.text(rfc2865.NASIdentifier_Type, "NAS-Identifier", "ringback")
		}
	case ip.Is4():
		b.address(rfc2865.NASIPAddress_Type, ip)
	default:
		b.address(rfc3162.NASIPv6Address_Type, ip)
	}
}

func (b *builder) address(t radius.Type, ip netip.Addr) {
	n := len(b.octets)
	b.octets, _ = ip.AppendBinary(b.octets) // it never fails
	b.add(t, b.since(n))
}

// port names the line; TTY 0 is no line.
func (b *builder) port(tty int) {
	if tty <= 0 {
		return
	}
	b.integer(rfc2865.NASPort_Type, uint32(tty))
	b.text(rfc2869.NASPortID_Type, "NAS-Port-Id", "tty"+strconv.Itoa(tty))
	b.integer(rfc2865.NASPortType_Type, uint32(rfc2865.NASPortType_Value_Async))
}

// service hints at what the caller seems to want (RFC 2865 §5.6); the server need not heed it. It is never a Callback
// type: the group's policy says whether a caller may ask for one, not the caller.
func (b *builder) service(s aaa.Service) {
	switch s {
	case aaa.EXEC:
		b.integer(rfc2865.ServiceType_Type, uint32(rfc2865.ServiceType_Value_NASPromptUser))
	case aaa.PPP:
		b.integer(rfc2865.ServiceType_Type, uint32(rfc2865.ServiceType_Value_FramedUser))
		b.integer(rfc2865.FramedProtocol_Type, uint32(rfc2865.FramedProtocol_Value_PPP))
	}
}
