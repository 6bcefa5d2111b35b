package aaatest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"layeh.com/radius"
)

// Attribute is a RADIUS attribute in words, spelled as FreeRADIUS spells it: Service-Type, Callback-NAS-Prompt.
type Attribute struct{ Name, Value string }

func (a Attribute) String() string { return a.Name + " = " + a.Value }

// kind is how an attribute's value is written.
type kind int

const (
	str kind = iota
	num
	addr
	raw
)

type entry struct {
	name   string
	typ    byte
	kind   kind
	values []string // names of numbers, "name number"
}

// dictionary has what callback servers and access servers say to one another. `Attr-N = 0x…` stands for all else.
var dictionary = []entry{
	{"User-Name", 1, str, nil}, {"User-Password", 2, raw, nil}, {"NAS-IP-Address", 4, addr, nil}, {"NAS-Port", 5, num, nil},
	{"Service-Type", 6, num, []string{"Login-User 1", "Framed-User 2", "Callback-Login-User 3", "Callback-Framed-User 4", "Outbound-User 5", "Administrative-User 6",
		"NAS-Prompt-User 7", "Authenticate-Only 8", "Callback-NAS-Prompt 9", "Call-Check 10", "Callback-Administrative 11"}},
	{"Framed-Protocol", 7, num, []string{"PPP 1", "SLIP 2", "ARAP 3"}}, {"Framed-IP-Address", 8, addr, nil}, {"Framed-IP-Netmask", 9, addr, nil},
	{"Filter-Id", 11, str, nil}, {"Framed-MTU", 12, num, nil}, {"Framed-Compression", 13, num, []string{"None 0", "Van-Jacobson-TCP-IP 1"}},
	{"Login-IP-Host", 14, addr, nil}, {"Login-Service", 15, num, []string{"Telnet 0", "Rlogin 1", "TCP-Clear 2", "PortMaster 3"}}, {"Login-TCP-Port", 16, num, []string{"Telnet 23"}},
	{"Reply-Message", 18, str, nil}, {"Callback-Number", 19, str, nil}, {"Callback-Id", 20, str, nil}, {"State", 24, raw, nil}, {"Class", 25, raw, nil},
	{"Session-Timeout", 27, num, nil}, {"Idle-Timeout", 28, num, nil}, {"Called-Station-Id", 30, str, nil}, {"Calling-Station-Id", 31, str, nil}, {"NAS-Identifier", 32, str, nil},
	{"Acct-Status-Type", 40, num, []string{"Start 1", "Stop 2", "Interim-Update 3", "Accounting-On 7", "Accounting-Off 8"}}, {"Acct-Delay-Time", 41, num, nil},
	{"Acct-Input-Octets", 42, num, nil}, {"Acct-Output-Octets", 43, num, nil}, {"Acct-Session-Id", 44, str, nil}, {"Acct-Authentic", 45, num, []string{"RADIUS 1", "Local 2", "Remote 3"}},
	{"Acct-Session-Time", 46, num, nil},
	{"Acct-Terminate-Cause", 49, num, []string{"User-Request 1", "Lost-Carrier 2", "Lost-Service 3", "Idle-Timeout 4", "Session-Timeout 5", "Admin-Reset 6", "Admin-Reboot 7", "Port-Error 8",
		"NAS-Error 9", "NAS-Request 10", "NAS-Reboot 11", "Callback 16"}},
	{"Acct-Multi-Session-Id", 50, str, nil}, {"Acct-Input-Gigawords", 52, num, nil}, {"Acct-Output-Gigawords", 53, num, nil}, {"Event-Timestamp", 55, num, nil},
	{"NAS-Port-Type", 61, num, []string{"Async 0"}}, {"Port-Limit", 62, num, nil}, {"Prompt", 76, num, []string{"No-Echo 0", "Echo 1"}}, {"Connect-Info", 77, str, nil},
	{"Message-Authenticator", 80, raw, nil}, {"NAS-Port-Id", 87, str, nil}, {"NAS-IPv6-Address", 95, addr, nil},
}

const ciscoPair = "Cisco-AVPair"

// encode writes a in its octets.
func (a Attribute) encode() (radius.Type, radius.Attribute, error) {
	if strings.EqualFold(a.Name, ciscoPair) {
		if len(a.Value) > 247 {
			return 0, nil, fmt.Errorf("%s: longer than 247 octets", a.Name)
		}
		v := append([]byte{0, 0, 0, 9, 1, byte(len(a.Value) + 2)}, a.Value...)
		return 26, v, nil
	}
	if n, ok := strings.CutPrefix(a.Name, "Attr-"); ok {
		t, err := strconv.ParseUint(n, 10, 8)
		if err != nil {
			return 0, nil, fmt.Errorf("%s: not a type of 0 to 255", a.Name)
		}
		v, err := octets(a.Value)
		return radius.Type(t), v, err
	}
	for _, e := range dictionary {
		if strings.EqualFold(e.name, a.Name) {
			v, err := e.encode(a.Value)
			if err == nil && len(v) > 253 {
				err = fmt.Errorf("longer than 253 octets")
			}
			if err != nil {
				return 0, nil, fmt.Errorf("%s: %w", a.Name, err)
			}
			return radius.Type(e.typ), v, nil
		}
	}
	return 0, nil, fmt.Errorf("%s: an unknown attribute (Attr-N = 0x… takes any)", a.Name)
}

func (e entry) encode(s string) ([]byte, error) {
	switch e.kind {
	case num:
		n, err := e.number(s)
		return binary.BigEndian.AppendUint32(nil, n), err
	case addr:
		ip, err := netip.ParseAddr(s)
		if err != nil {
			return nil, fmt.Errorf("%q is not an address", s)
		}
		return ip.AsSlice(), nil
	case raw:
		return octets(s)
	}
	return []byte(s), nil
}

func (e entry) number(s string) (uint32, error) {
	for _, v := range e.values {
		name, n, _ := strings.Cut(v, " ")
		if strings.EqualFold(name, s) {
			s = n
		}
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is neither a number nor one of its names", s)
	}
	return uint32(n), nil
}

// octets reads 0x… in hexadecimal, all else as it stands.
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

// decode writes a received attribute in words.
func decode(t radius.Type, v radius.Attribute) Attribute {
	if t == 26 && len(v) > 6 && binary.BigEndian.Uint32(v) == 9 && v[4] == 1 && int(v[5]) == len(v)-4 {
		return Attribute{ciscoPair, string(v[6:])}
	}
	for _, e := range dictionary {
		if radius.Type(e.typ) == t {
			return Attribute{e.name, e.decode(v)}
		}
	}
	return Attribute{fmt.Sprintf("Attr-%d", t), "0x" + hex.EncodeToString(v)}
}

func (e entry) decode(v []byte) string {
	switch {
	case e.kind == num && len(v) == 4:
		n := strconv.FormatUint(uint64(binary.BigEndian.Uint32(v)), 10)
		for _, val := range e.values {
			if name, m, _ := strings.Cut(val, " "); m == n {
				return name
			}
		}
		return n
	case e.kind == addr:
		if ip, ok := netip.AddrFromSlice(v); ok {
			return ip.String()
		}
	case e.kind == str:
		return string(v)
	}
	return "0x" + hex.EncodeToString(v)
}
