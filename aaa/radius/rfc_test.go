package radius

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const rfcSecret = "xyzzy5461"

// examples are the packets of RFC 2865 §7; none has a Message-Authenticator. In the reply of 7.2, Framed-Routing is 2:
// the printed Response Authenticator is correct for 2, not for the printed value 0.
var examples = []struct {
	section, request, reply string
	password                string // PAP; "" if the request has none that is compared
}{
	{"7.1 User Telnet to Specified Host",
		`01 00 00 38 0f 40 3f 94 73 97 80 57 bd 83 d5 cb 98 f4 22 7a 01 06 6e 65 6d 6f 02 12 0d be 70 8d
		93 d4 13 ce 31 96 e4 3f 78 2a 0a ee 04 06 c0 a8 01 10 05 06 00 00 00 03`,
		`02 00 00 26 86 fe 22 0e 76 24 ba 2a 10 05 f6 bf 9b 55 e0 b2 06 06 00 00 00 01 0f 06 00 00 00 00 0e 06 c0 a8 01 03`, "arctangent"},
	{"7.2 Framed User Authenticating with CHAP",
		`01 01 00 47 2a ee 86 f0 8d 0d 55 96 9c a5 97 8e 0d 33 67 a2 01 08 66 6c 6f 70 73 79 03 13 16 e9
		75 57 c3 16 18 58 95 f2 93 ff 63 44 07 72 75 04 06 c0 a8 01 10 05 06 00 00 00 14 06 06 00 00 00 02 07 06 00 00 00 01`,
		`02 01 00 38 15 ef bc 7d ab 26 cf a3 dc 34 d9 c0 3c 86 01 a4 06 06 00 00 00 02 07 06 00 00 00 01
		08 06 ff ff ff fe 0a 06 00 00 00 02 0d 06 00 00 00 01 0c 06 00 00 05 dc`, ""},
	{"7.3 User with Challenge-Response card",
		`01 02 00 39 f3 a4 7a 1f 6a 6d 76 71 0b 94 7a b9 30 41 a0 39 01 07 6d 6f 70 73 79 02 12 33 65 75
		73 77 82 89 b5 70 88 5e 15 08 48 25 c5 04 06 c0 a8 01 10 05 06 00 00 00 07`,
		`0b 02 00 4e 36 f3 c8 76 4a e8 c7 11 57 40 3c 0c 71 ff 9c 45 12 30 43 68 61 6c 6c 65 6e 67 65 20
		33 32 37 36 39 34 33 30 2e 20 20 45 6e 74 65 72 20 72 65 73 70 6f 6e 73 65 20 61 74 20 70 72 6f
		6d 70 74 2e 18 0a 33 32 37 36 39 34 33 30`, "challenge"},
}

func TestRFC2865Examples(t *testing.T) {
	for _, tt := range examples {
		request, reply := unhex(t, tt.request), unhex(t, tt.reply)
		auth := authenticator(request[4:20])
		p, err := radius.Parse(request, nil)
		if err != nil {
			t.Fatal(tt.section, err)
		}
		if tt.password != "" {
			got, err := radius.NewUserPassword([]byte(tt.password), []byte(rfcSecret), auth[:])
			if want := p.Get(rfc2865.UserPassword_Type); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: password hidden as %x, want %x", tt.section, got, want)
			}
		}
		testExampleReply(t, tt.section, reply, auth)
		testExampleRequest(t, tt.section, request, p)
	}
}

func testExampleReply(t *testing.T, section string, reply []byte, auth authenticator) {
	if f, signed := checkReply(reply, &slot{auth: auth, keys: newKeyed([]byte(rfcSecret))}, false); f != good ||
		signed {
		t.Errorf("%s: reply is %v, signed %v", section, f, signed)
	}
	if f, _ := checkReply(reply, &slot{auth: auth, keys: newKeyed([]byte(rfcSecret))}, true); f != noMAC {
		t.Errorf("%s: with a Message-Authenticator required: %v", section, f)
	}
	if f, _ := checkReply(reply, &slot{auth: auth, keys: newKeyed([]byte("xyzzy5462"))}, false); f != badDigest {
		t.Errorf("%s: with another secret: %v", section, f)
	}
	for i := range reply {
		if i == 1 || i == 2 || i == 3 {
			continue // the identifier and Length are checked before
		}
		bad := append([]byte(nil), reply...)
		bad[i] ^= 0x10
		if f, _ := checkReply(bad, &slot{auth: auth, keys: newKeyed([]byte(rfcSecret))}, false); f == good {
			t.Errorf("%s: octet %d changed, and the reply is good", section, i)
		}
	}
}

// Our request is the example's with a Message-Authenticator first: same attributes, same order, same octets.
func testExampleRequest(t *testing.T, section string, request []byte, p *radius.Packet) {
	b, err := encodeAccess(&slot{id: uint32(p.Identifier), auth: p.Authenticator, keys: newKeyed([]byte(rfcSecret))},
		p.Attributes)
	if err != nil {
		t.Fatal(section, err)
	}
	if len(b) != len(request)+18 || b[20] != 80 || b[21] != 18 {
		t.Fatalf("%s: Message-Authenticator is not first: %x", section, b)
	}
	unsigned := append(append([]byte(nil), b[:20]...), b[38:]...)
	unsigned[3] -= 18
	if !bytes.Equal(unsigned, request) {
		t.Errorf("%s:\n got %x\nwant %x", section, unsigned, request)
	}
}

// FuzzCheckReply checks that no packet made without the secret is accepted, and that none causes a panic.
func FuzzCheckReply(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x14aaaaaaaaaaaaaaaa"))
	f.Add([]byte("\x02\x00\x00\x26aaaaaaaaaaaaaaaaP\x12bbbbbbbbbbbbbbbb"))
	f.Add([]byte("\x02\x00\x00\x16aaaaaaaaaaaaaaaaP\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := cut(b)
		if !ok {
			return
		}
		at := &slot{auth: authenticator{1}, keys: newKeyed([]byte("a secret of 24 octets..."))}
		if fl, signed := checkReply(p, at, false); fl == good || signed {
			t.Fatalf("%x is good", b)
		}
		if checkAccounting(p, at) == good {
			t.Fatalf("%x is good", b)
		}
	})
}
