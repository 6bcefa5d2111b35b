package radius

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/tty"
	"layeh.com/radius"
)

// The CHAP-Password of RFC 2865 §7.2; its challenge is the example's Request Authenticator.
func TestCHAPCredential(t *testing.T) {
	c, err := credentialOf(aaa.Request{CHAP: &aaa.CHAP{ID: 0x16,
		Challenge: unhex(t, "2a ee 86 f0 8d 0d 55 96 9c a5 97 8e 0d 33 67 a2"),
		Response:  unhex(t, "e9 75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75")}})
	if err != nil || c.typed || c.interactive() {
		t.Fatal(c, err)
	}
	got, err := (&radius.Packet{Attributes: c.attrs}).MarshalBinary()
	if want := unhex(t, "03 13 16 e9 75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75 3c 12 2a ee 86 f0 8d 0d 55 96 9c "+
		"a5 97 8e 0d 33 67 a2"); err != nil || !bytes.Equal(got[20:], want) {
		t.Errorf("%x, want %x", got[20:], want)
	}
}

// The layouts of RFC 2548 §2.1.3 and §2.3.2: identifier and flags are before the other fields; in PPP the flags are
// after them.
func TestMSCHAPCredential(t *testing.T) {
	v1, v2 := bytes.Repeat([]byte{0xaa}, 49), append(append(bytes.Repeat([]byte{0xbb}, 16), make([]byte, 8)...),
		bytes.Repeat([]byte{0xcc}, 25)...)
	v1[48], v2[48] = 1, 0
	for _, tt := range []struct {
		m    aaa.MSCHAP
		want string
	}{
		{aaa.MSCHAP{Version: 1, ID: 9, Challenge: []byte("12345678"), Response: v1},
			"1a 10 00000137 0b 0a 3132333435363738 1a 3a 00000137 01 34 09 01" + strings.Repeat("aa", 48)},
		{aaa.MSCHAP{Version: 2, ID: 9, Challenge: []byte("1234567812345678"), Response: v2},
			"1a 18 00000137 0b 12 31323334353637383132333435363738 1a 3a 00000137 19 34 09 00" +
				strings.Repeat("bb", 16) + strings.Repeat("00", 8) + strings.Repeat("cc", 24)},
	} {
		c, err := credentialOf(aaa.Request{MSCHAP: &tt.m})
		if err != nil {
			t.Fatal(err)
		}
		got, err := (&radius.Packet{Attributes: c.attrs}).MarshalBinary()
		if want := unhex(t, tt.want); err != nil || !bytes.Equal(got[20:], want) {
			t.Errorf("v%d:\n%x, want\n%x", tt.m.Version, got[20:], want)
		}
	}
}

// eapPacket is a response of n octets of type 13.
func eapPacket(n int) []byte {
	b := bytes.Repeat([]byte{7}, n)
	b[0], b[1], b[2], b[3] = 2, 5, byte(n>>8), byte(n)
	return b
}

func TestEAPCredential(t *testing.T) {
	for _, tt := range []struct {
		packet []byte
		parts  []int // lengths of the EAP-Messages
	}{
		{[]byte{}, []int{0}},
		{eapPacket(5), []int{5}},
		{append(eapPacket(6), 0, 0), []int{6}}, // with link padding
		{eapPacket(253), []int{253}},
		{eapPacket(254), []int{253, 1}},
		{eapPacket(1000), []int{253, 253, 253, 241}},
		{eapPacket(3000), []int{253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 253, 217}},
	} {
		c, err := credentialOf(aaa.Request{EAP: tt.packet})
		if err != nil || !c.eap || !c.interactive() {
			t.Fatal(len(tt.packet), err)
		}
		var parts []int
		var joined []byte
		for _, v := range values(c.attrs, 79) {
			parts, joined = append(parts, len(v)), append(joined, v...)
		}
		if len(parts) != len(tt.parts) || !bytes.HasPrefix(tt.packet, joined) {
			t.Errorf("%d octets: %v", len(tt.packet), parts)
			continue
		}
		for i := range parts {
			if parts[i] != tt.parts[i] {
				t.Errorf("%d octets: %v, want %v", len(tt.packet), parts, tt.parts)
			}
		}
	}
}

// A request that cannot be sent is refused before anything is sent.
func TestCheckRequest(t *testing.T) {
	chap := &aaa.CHAP{ID: 1, Challenge: make([]byte, 16), Response: make([]byte, 16)}
	ms := func(version, challenge, response int, flags byte) *aaa.MSCHAP {
		r := make([]byte, response)
		if response > 0 {
			r[response-1] = flags
		}
		return &aaa.MSCHAP{Version: version, Challenge: make([]byte, challenge), Response: r}
	}
	reserved := ms(2, 16, 49, 0)
	reserved.Response[20] = 1
	for _, tt := range []struct {
		r    aaa.Request
		want string // "": it can be sent
	}{
		{aaa.Request{User: "u"}, ""},
		{aaa.Request{User: "u", Password: "p"}, ""},
		{aaa.Request{User: "u", CHAP: chap}, ""},
		{aaa.Request{User: "u", MSCHAP: ms(1, 8, 49, 1)}, ""},
		{aaa.Request{User: "u", MSCHAP: ms(2, 16, 49, 0)}, ""},
		{aaa.Request{User: "u", EAP: eapPacket(9)}, ""},
		{aaa.Request{Password: "p", Enable: 15}, ""}, // a session without a user name
		{aaa.Request{}, "user name"},
		{aaa.Request{User: "u", Password: "p", CHAP: chap}, "a password and CHAP"},
		{aaa.Request{User: "u", CHAP: chap, MSCHAP: ms(1, 8, 49, 1)}, "CHAP and MS-CHAP"},
		{aaa.Request{User: "u", Password: "p", EAP: eapPacket(9)}, "a password and EAP"},
		{aaa.Request{User: "u", EAP: eapPacket(9), MSCHAP: ms(1, 8, 49, 1)}, "MS-CHAP and EAP"},
		{aaa.Request{User: "u", CHAP: chap, Enable: 15}, "a password is required"},
		{aaa.Request{User: "u", Password: "p", Enable: 16}, "privilege level 16"},
		{aaa.Request{User: "u", Password: "p", Enable: -1}, "privilege level -1"},
		{aaa.Request{User: "u\rv", Password: "p", Enable: 15}, "control character"},
		{aaa.Request{User: "u", Password: aaa.Secret(strings.Repeat("p", 129))}, "129 octets"},
		{aaa.Request{User: "u", Password: "p\x00q"}, "NUL"},
		{aaa.Request{User: "u", CHAP: &aaa.CHAP{Challenge: make([]byte, 4), Response: make([]byte, 16)}},
			"challenge of 4"},
		{aaa.Request{User: "u", CHAP: &aaa.CHAP{Challenge: make([]byte, 254), Response: make([]byte, 16)}},
			"challenge of 254"},
		{aaa.Request{User: "u", CHAP: &aaa.CHAP{Challenge: make([]byte, 16), Response: make([]byte, 15)}},
			"response of 15"},
		{aaa.Request{User: "u", MSCHAP: ms(0, 8, 49, 1)}, "version 0"},
		{aaa.Request{User: "u", MSCHAP: ms(1, 16, 49, 1)}, "challenge of 16 octets, expected 8"},
		{aaa.Request{User: "u", MSCHAP: ms(2, 8, 49, 0)}, "challenge of 8 octets, expected 16"},
		{aaa.Request{User: "u", MSCHAP: ms(2, 16, 48, 0)}, "response of 48"},
		{aaa.Request{User: "u", MSCHAP: ms(1, 8, 49, 2)}, "flags 0x02"},
		{aaa.Request{User: "u", MSCHAP: ms(2, 16, 49, 1)}, "flags 0x01"},
		{aaa.Request{User: "u", MSCHAP: reserved}, "reserved"},
		{aaa.Request{User: "u", EAP: []byte{2, 1, 0}}, "shorter than its header (4)"},
		{aaa.Request{User: "u", EAP: []byte{2, 1, 0, 4}}, "less than 5"},
		{aaa.Request{User: "u", EAP: []byte{2, 1, 0, 3, 1}}, "less than 5"},
		{aaa.Request{User: "u", EAP: []byte{2, 1, 0, 9, 1, 'u'}}, "EAP length 9, but the packet has 6 octets"},
		{aaa.Request{User: "u", EAP: []byte{1, 1, 0, 5, 1}}, "code 1 from the peer"},
		{aaa.Request{User: "u", EAP: []byte{3, 1, 0, 4}}, "code 3 from the peer"},
		{aaa.Request{User: "u", EAP: eapPacket(3001)}, "3001 octets"},
		{aaa.Request{User: "u", EAP: eapPacket(4097)}, "4097 octets"},
	} {
		_, err := checked(tt.r)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%q: %v", tt.want, err)
		}
	}
}

func TestTold(t *testing.T) {
	for s, want := range map[string]string{"5551": "5551", "": "", "555\x001": "555?1", "555\r1": "555?1",
		"55\xff1": "55?1", "Zürich": "Zürich", "a\u0085b": "a?b",
		strings.Repeat("é", 200): strings.Repeat("é", 126), strings.Repeat("9", 300): strings.Repeat("9", 253)} {
		if got := told(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

// The attributes that identify the access server, the line and the kind of request.
func TestAccessAttributes(t *testing.T) {
	udp, tcp := net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.9:1024")),
		net.TCPAddrFromAddrPort(netip.MustParseAddrPort("[2001:db8::9]:1024"))
	nas := Config{NASIdentifier: "maui"}
	line := `NAS-Port = 65, NAS-Port-Id = "tty65", NAS-Port-Type = Async, `
	for _, tt := range []struct {
		c      Config
		r      aaa.Request
		lookup bool
		local  net.Addr
		want   string
	}{
		{nas, aaa.Request{User: "u", Service: aaa.EXEC, TTY: tty.VTY(0), Caller: "192.0.2.7", CallID: "c"}, false, udp,
			`User-Name = "u", NAS-Identifier = "maui", NAS-IP-Address = 192.0.2.9, NAS-Port = 0, ` +
				`NAS-Port-Id = "vty0", NAS-Port-Type = Virtual, Service-Type = NAS-Prompt-User, ` +
				`Calling-Station-Id = "192.0.2.7", Acct-Session-Id = "c"`},
		{nas, aaa.Request{User: "u", Service: aaa.EXEC, TTY: 65, Called: "2", Caller: "1", Connect: "33600",
			CallID: "c"}, false, udp, `User-Name = "u", NAS-Identifier = "maui", NAS-IP-Address = 192.0.2.9, ` + line +
			`Service-Type = NAS-Prompt-User, Called-Station-Id = "2", Calling-Station-Id = "1", Connect-Info = "33600", Acct-Session-Id = "c"`},
		{nas, aaa.Request{User: "u", Service: aaa.PPP}, false, tcp,
			`User-Name = "u", NAS-Identifier = "maui", NAS-IPv6-Address = 2001:db8::9, Service-Type = Framed-User, Framed-Protocol = PPP`},
		{Config{NASAddress: netip.MustParseAddr("192.0.2.1")}, aaa.Request{User: "u"}, false, udp,
			`User-Name = "u", NAS-IP-Address = 192.0.2.1`},
		{Config{}, aaa.Request{User: "u"}, false, nil, `User-Name = "u", NAS-Identifier = "ringback"`},
		{nas, aaa.Request{User: "bob", Service: aaa.EXEC, TTY: 65, Enable: 15}, false, nil,
			`User-Name = "$enab15$", NAS-Identifier = "maui", ` + line + `Service-Type = Administrative-User`},
		{nas, aaa.Request{User: "1", Service: aaa.PPP, TTY: 65, Caller: "1"}, true, nil,
			`User-Name = "1", NAS-Identifier = "maui", ` + line +
				`Service-Type = Call-Check, Calling-Station-Id = "1"`},
	} {
		b := newBuilder()
		b.access(tt.c, tt.r, tt.lookup, tt.local)
		if got := strings.Join(describe(&radius.Packet{Attributes: b.attrs}), ", "); b.err != nil || got != tt.want {
			t.Errorf("%v\n got %s\nwant %s", b.err, got, tt.want)
		}
	}
}
