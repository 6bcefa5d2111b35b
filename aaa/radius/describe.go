package radius

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// look is how an attribute is printed.
type look int

const (
	asText look = iota
	asNumber
	asAddress
	asOctets
	asDate
	asSecret
)

type face struct {
	name string
	look look
	enum map[uint32]string
}

const masked = "[secret]"

// Describe prints a packet's attributes for people, one a line, `Name = value` as FreeRADIUS writes them. Passwords, Class and State
// print as [secret]: the first are nobody's business, the others are the server's own.
func Describe(p *radius.Packet) []string {
	var lines []string
	for _, a := range p.Attributes {
		if a.Type == rfc2865.VendorSpecific_Type {
			lines = append(lines, describeVendor(a.Attribute)...)
			continue
		}
		f, ok := faces[a.Type]
		if !ok {
			f = face{name: fmt.Sprintf("Attr-%d", a.Type), look: asOctets}
		}
		lines = append(lines, f.name+" = "+f.value(a.Attribute))
	}
	return lines
}

func (f face) value(v radius.Attribute) string {
	switch f.look {
	case asText:
		return quoted(string(v))
	case asNumber, asDate:
		n, err := radius.Integer(v)
		if err != nil {
			break
		}
		if f.look == asDate {
			return time.Unix(int64(n), 0).UTC().Format(time.RFC3339)
		}
		if name, ok := f.enum[n]; ok {
			return name
		}
		return strconv.FormatUint(uint64(n), 10)
	case asAddress:
		if ip, ok := netip.AddrFromSlice(v); ok {
			return ip.String()
		}
	case asSecret:
		return masked
	}
	return "0x" + hex.EncodeToString(v)
}

// quoted keeps the server's octets from moving the terminal's cursor.
func quoted(s string) string {
	if !utf8.ValidString(s) {
		return strconv.QuoteToASCII(s)
	}
	return strconv.Quote(s)
}

func describeVendor(octets radius.Attribute) []string {
	id, data, err := radius.VendorSpecific(octets)
	if err != nil {
		return []string{"Vendor-Specific = 0x" + hex.EncodeToString(octets)}
	}
	if id != ciscoVendor {
		return []string{fmt.Sprintf("Vendor-%d = %s", id, masked)} // some vendors send keys
	}
	var lines []string
	for len(data) >= 2 && data[1] >= 2 && int(data[1]) <= len(data) {
		lines = append(lines, describeCisco(data[0], string(data[2:data[1]])))
		data = data[data[1]:]
	}
	if len(data) > 0 {
		lines = append(lines, fmt.Sprintf("Cisco-Attr = 0x%x (cut)", []byte(data)))
	}
	return lines
}

func describeCisco(t byte, s string) string {
	if t != ciscoAVPair {
		return fmt.Sprintf("Cisco-Attr-%d = %s", t, quoted(s))
	}
	name, _, _ := cutPair(s)
	low := strings.ToLower(name)
	if strings.Contains(low, "secret") || strings.Contains(low, "passw") || strings.Contains(low, "key") {
		return "Cisco-AVPair = " + quoted(s[:min(len(s), len(name)+1)]+masked)
	}
	return "Cisco-AVPair = " + quoted(s)
}

// faces has the attributes that ringback sends and reads, and those that it meets often.
var faces = map[radius.Type]face{
	1: {name: "User-Name"}, 2: {"User-Password", asSecret, nil}, 3: {"CHAP-Password", asSecret, nil},
	4: {"NAS-IP-Address", asAddress, nil}, 5: {"NAS-Port", asNumber, nil},
	6: {"Service-Type", asNumber, map[uint32]string{1: "Login-User", 2: "Framed-User", 3: "Callback-Login-User", 4: "Callback-Framed-User", 5: "Outbound-User",
		6: "Administrative-User", 7: "NAS-Prompt-User", 8: "Authenticate-Only", 9: "Callback-NAS-Prompt", 10: "Call-Check", 11: "Callback-Administrative"}},
	7: {"Framed-Protocol", asNumber, map[uint32]string{1: "PPP", 2: "SLIP", 3: "ARAP"}}, 8: {"Framed-IP-Address", asAddress, nil}, 9: {"Framed-IP-Netmask", asAddress, nil},
	10: {"Framed-Routing", asNumber, nil}, 11: {name: "Filter-Id"}, 12: {"Framed-MTU", asNumber, nil}, 13: {"Framed-Compression", asNumber, nil},
	14: {"Login-IP-Host", asAddress, nil}, 15: {"Login-Service", asNumber, map[uint32]string{0: "Telnet", 1: "Rlogin", 2: "TCP-Clear", 3: "PortMaster", 4: "LAT"}},
	16: {"Login-TCP-Port", asNumber, nil}, 18: {name: "Reply-Message"}, 19: {name: "Callback-Number"}, 20: {name: "Callback-Id"}, 22: {name: "Framed-Route"},
	24: {"State", asSecret, nil}, 25: {"Class", asSecret, nil}, 27: {"Session-Timeout", asNumber, nil}, 28: {"Idle-Timeout", asNumber, nil},
	29: {"Termination-Action", asNumber, nil}, 30: {name: "Called-Station-Id"}, 31: {name: "Calling-Station-Id"}, 32: {name: "NAS-Identifier"}, 33: {"Proxy-State", asOctets, nil},
	40: {"Acct-Status-Type", asNumber, map[uint32]string{1: "Start", 2: "Stop", 3: "Interim-Update", 7: "Accounting-On", 8: "Accounting-Off"}},
	41: {"Acct-Delay-Time", asNumber, nil}, 42: {"Acct-Input-Octets", asNumber, nil}, 43: {"Acct-Output-Octets", asNumber, nil}, 44: {name: "Acct-Session-Id"},
	45: {"Acct-Authentic", asNumber, map[uint32]string{1: "RADIUS", 2: "Local", 3: "Remote"}}, 46: {"Acct-Session-Time", asNumber, nil},
	49: {"Acct-Terminate-Cause", asNumber, map[uint32]string{1: "User-Request", 2: "Lost-Carrier", 4: "Idle-Timeout", 5: "Session-Timeout", 6: "Admin-Reset", 9: "NAS-Error", 10: "NAS-Request", 11: "NAS-Reboot", 16: "Callback"}},
	50: {name: "Acct-Multi-Session-Id"}, 52: {"Acct-Input-Gigawords", asNumber, nil}, 53: {"Acct-Output-Gigawords", asNumber, nil}, 55: {"Event-Timestamp", asDate, nil},
	60: {"CHAP-Challenge", asOctets, nil}, 61: {"NAS-Port-Type", asNumber, map[uint32]string{0: "Async"}}, 62: {"Port-Limit", asNumber, nil},
	69: {"Tunnel-Password", asSecret, nil}, 76: {"Prompt", asNumber, map[uint32]string{0: "No-Echo", 1: "Echo"}}, 77: {name: "Connect-Info"}, 79: {"EAP-Message", asOctets, nil},
	80: {"Message-Authenticator", asOctets, nil}, 87: {name: "NAS-Port-Id"}, 95: {"NAS-IPv6-Address", asAddress, nil},
}
