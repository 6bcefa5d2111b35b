package radius

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/tty"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"
	"layeh.com/radius/rfc3162"
)

// builder collects the attributes of a request. It keeps the first error. An empty string adds nothing, because an
// empty attribute must not be sent (RFC 2865 §5).
//
// Create one with newBuilder, and free it after the packet is encoded. The attributes of a usual request are in one
// block of memory that the next request reuses, because allocations dominate the cost of a login.
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

// free releases the memory; the attributes must not be used afterwards.
func (b *builder) free() {
	*b = builder{}
	builders.Put(b)
}

// add adds an attribute whose value belongs to the builder or never changes.
func (b *builder) add(t radius.Type, value radius.Attribute) {
	n := len(b.attrs)
	if n >= len(b.space.pairs) {
		b.attrs.Add(t, value)
		return
	}
	b.space.pairs[n] = radius.AVP{Type: t, Attribute: value}
	b.attrs = append(b.attrs, &b.space.pairs[n])
}

// since returns the octets from index n.
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

// access adds all attributes of an Access-Request except the user's credential and State. A lookup is a Call-Check.
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
		b.service(r.Service, 0)
	}
	b.stations(r.Called, r.Caller, r.Connect)
	b.text(rfc2866.AcctSessionID_Type, "Acct-Session-Id", told(r.CallID))
}

// stations adds what the telephone network and the modem reported about the call.
func (b *builder) stations(called, caller, connect string) {
	b.text(rfc2865.CalledStationID_Type, "Called-Station-Id", told(called))
	b.text(rfc2865.CallingStationID_Type, "Calling-Station-Id", told(caller))
	b.text(rfc2869.ConnectInfo_Type, "Connect-Info", told(connect))
}

// told returns s in a form that an attribute can carry, for informative text from outside; a long s is truncated.
// Control characters and invalid UTF-8 become question marks and are not dropped: "555" with a bad octet inside must
// not become another caller's number.
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

// nas identifies this access server. RFC 2865 §4.1 requires an address or an identifier.
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
	b.octets, _ = ip.AppendBinary(b.octets) // it never returns an error
	b.add(t, b.since(n))
}

// port adds the line; TTY 0 means none.
func (b *builder) port(line int) {
	if line <= 0 {
		return
	}
	n, kind := line, rfc2865.NASPortType_Value_Async
	if vty, ok := tty.IsVTY(line); ok {
		n, kind = vty, rfc2865.NASPortType_Value_Virtual
	}
	b.integer(rfc2865.NASPort_Type, uint32(n))
	b.text(rfc2869.NASPortID_Type, "NAS-Port-Id", tty.Port(line))
	b.integer(rfc2865.NASPortType_Type, uint32(kind))
}

// service adds the Service-Type that was granted. 0 means none yet: what is added then is a hint about the requested
// service, which the server may ignore (RFC 2865 §5.6). It is never a Callback type: the group's policy, not the
// caller, decides whether a callback may be requested.
func (b *builder) service(s aaa.Service, granted int) {
	switch {
	case granted > 0:
		b.integer(rfc2865.ServiceType_Type, uint32(granted))
	case s == aaa.EXEC:
		b.integer(rfc2865.ServiceType_Type, uint32(rfc2865.ServiceType_Value_NASPromptUser))
	case s == aaa.PPP:
		b.integer(rfc2865.ServiceType_Type, uint32(rfc2865.ServiceType_Value_FramedUser))
	case s == aaa.Outbound:
		b.integer(rfc2865.ServiceType_Type, uint32(outboundUser))
	}
	if s == aaa.PPP {
		b.integer(rfc2865.FramedProtocol_Type, uint32(rfc2865.FramedProtocol_Value_PPP))
	}
}
