package servers

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"net"
	"strings"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// The values of the examples in RFC 2759 §9.2 and RFC 2433.
func TestMSCHAPVectors(t *testing.T) {
	challenge, peer := unhex(t, "5B5D7C7D7B3F2F3E3C2C602132262628"), unhex(t, "21402324255E262A28295F2B3A337C7E")
	if got := hex.EncodeToString(ntHash("clientPass")); got != "44ebba8d5312b8d611474411f56989ae" {
		t.Error("NT hash", got)
	}
	if got := hex.EncodeToString(challengeHash(peer, challenge, `DOMAIN\User`)); got != "d02e4386bce91226" {
		t.Error("challenge hash", got)
	}
	nt := "82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df"
	value := append(append(append(peer, make([]byte, 8)...), unhex(t, nt)...), 0)
	success, ok := mschap2("User", "clientPass", challenge, value)
	if !ok || success != "S=407A5589115FD0D6209F510FE9C04566932CDA56" {
		t.Error(success, ok)
	}
	for _, tt := range []struct{ user, password string }{{"user", "clientPass"}, {"User", "clientpass"}} {
		if _, ok := mschap2(tt.user, "x", challenge, value); ok {
			t.Error(tt)
		}
	}
	// RFC 2433 §B: challenge, password MyPw, NT response
	v1 := append(append(make([]byte, 24), unhex(t, "4E9D3C8F9CFD385D5BF4D3246791956CA4C351AB409A3D61")...), 1)
	if !mschap1("MyPw", unhex(t, "102DB5DF085D3041"), v1) || mschap1("MyPW", unhex(t, "102DB5DF085D3041"), v1) {
		t.Error("MS-CHAPv1")
	}
	v1[48] = 0
	if mschap1("MyPw", unhex(t, "102DB5DF085D3041"), v1) {
		t.Error("a LAN Manager response alone was accepted")
	}
}

// signed completes a packet: Message-Authenticator replaces its 16 zeros, with layeh's encoding and the standard
// library's HMAC.
func signed(t *testing.T, code radius.Code, attrs ...Attribute) []byte {
	t.Helper()
	p := radius.New(code, []byte(testSecret))
	p.Add(80, make([]byte, 16))
	for _, a := range attrs {
		typ, v, err := a.Encode()
		if err != nil {
			t.Fatal(err)
		}
		p.Add(typ, v)
	}
	if pw := p.Get(2); pw != nil {
		p.Del(2)
		if err := rfc2865.UserPassword_Set(p, pw); err != nil {
			t.Fatal(err)
		}
	}
	b, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	copy(b[22:], sign(b, testSecret))
	return b
}

func get(t *testing.T, packet []byte, name string) string {
	t.Helper()
	p, err := radius.Parse(packet, []byte(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range p.Attributes {
		if d := decode(a.Type, a.Attribute); d.Name == name {
			return d.Value
		}
	}
	return ""
}

func TestProofs(t *testing.T) {
	_, auth, _ := real(t, RADIUSConfig{Users: []User{{Name: "User", Password: "clientPass"},
		{Name: "5552001", Accept: true}, {Name: "DEFAULT", Reject: true}}})
	chap := func(password string) string {
		sum := md5.Sum([]byte("\x05" + password + "0123456789abcdef"))
		return "0x05" + hex.EncodeToString(sum[:])
	}
	v2 := "0x0100" + "21402324255E262A28295F2B3A337C7E" + "0000000000000000" +
		"82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF"
	for i, tt := range []struct {
		code  byte
		attrs []Attribute
	}{
		{2, []Attribute{{"User-Password", "clientPass"}}},
		{3, []Attribute{{"User-Password", "clientpass"}}},
		{3, nil},
		{2, []Attribute{{"CHAP-Password", chap("clientPass")}, {"CHAP-Challenge", "0123456789abcdef"}}},
		{3, []Attribute{{"CHAP-Password", chap("clientPass")}, {"CHAP-Challenge", "0123456789abcdeg"}}},
		{3, []Attribute{{"CHAP-Password", chap("clientPass")}}},
		{3, []Attribute{{"CHAP-Password", "0x05"}}},
		{2, []Attribute{{"MS-CHAP2-Response", v2}, {"MS-CHAP-Challenge", "0x5B5D7C7D7B3F2F3E3C2C602132262628"}}},
		{3, []Attribute{{"MS-CHAP2-Response", v2}, {"MS-CHAP-Challenge", "0x5B5D7C7D7B3F2F3E3C2C602132262629"}}},
		{3, []Attribute{{"MS-CHAP2-Response", "0x01"}}},
		{3, []Attribute{{"MS-CHAP-Response", v2}, {"MS-CHAP-Challenge", "0x5B5D7C7D7B3F2F3E"}}},
	} {
		reply := exchange(t, auth, signed(t, radius.CodeAccessRequest,
			append([]Attribute{{"User-Name", "User"}}, tt.attrs...)...))
		if reply[0] != tt.code {
			t.Errorf("%d: code %d, want %d", i, reply[0], tt.code)
		}
		switch i {
		case 7:
			if s := get(t, reply, "MS-CHAP2-Success"); s != "0x01"+
				hex.EncodeToString([]byte("S=407A5589115FD0D6209F510FE9C04566932CDA56")) {
				t.Errorf("MS-CHAP2-Success = %s", s)
			}
		case 8, 10:
			if s := get(t, reply, "MS-CHAP-Error"); !strings.HasPrefix(s, "\x01E=691 R=0") {
				t.Errorf("MS-CHAP-Error = %q", s)
			}
		}
	}
	// Call-Check: no password at all
	if reply := exchange(t, auth, signed(t, radius.CodeAccessRequest, Attribute{"User-Name", "5552001"},
		Attribute{"Service-Type", "Call-Check"})); reply[0] != 2 {
		t.Errorf("Auth-Type := Accept: code %d", reply[0])
	}
}

func TestEAPMD5(t *testing.T) {
	_, auth, _ := real(t, RADIUSConfig{Users: []User{{Name: "bob", Password: "pw",
		Reply: []Attribute{{"Callback-Number", "84001"}}}}})
	for _, tt := range []struct {
		password string
		edit     func(b []byte)
		code     byte
	}{{"pw", nil, 2}, {"no", nil, 3}, {"pw", func(b []byte) { b[1]++ }, 3}, {"pw", func(b []byte) { b[4] = 3 }, 3}} {
		reply := exchange(t, auth, signed(t, radius.CodeAccessRequest, Attribute{"User-Name", "bob"},
			Attribute{"EAP-Message", "0x0209000801626f62"}))
		state, ask := get(t, reply, "State"), unhex(t, strings.TrimPrefix(get(t, reply, "EAP-Message"), "0x"))
		if reply[0] != 11 || len(ask) != 22 || ask[0] != 1 || ask[1] != 10 || ask[4] != 4 || ask[5] != 16 {
			t.Fatalf("code %d, EAP % x", reply[0], ask)
		}
		sum := md5.Sum([]byte("\x0a" + tt.password + string(ask[6:])))
		said := append([]byte{2, 10, 0, 22, 4, 16}, sum[:]...)
		if tt.edit != nil {
			tt.edit(said)
		}
		reply = exchange(t, auth, signed(t, radius.CodeAccessRequest, Attribute{"User-Name", "bob"},
			Attribute{"State", state}, Attribute{"EAP-Message", "0x" + hex.EncodeToString(said)}))
		end := get(t, reply, "EAP-Message")
		if want := map[byte]string{2: "0x030a0004", 3: "0x04"}[tt.code]; reply[0] != tt.code ||
			!strings.HasPrefix(end, want) {
			t.Errorf("%+v: code %d, EAP %s", tt, reply[0], end)
		}
	}
}

// statusServer is a Status-Server request with its Message-Authenticator.
func statusServer(id byte) []byte {
	b := make([]byte, 38)
	b[0], b[1], b[3], b[20], b[21] = 12, id, 38, 80, 18
	rand.Read(b[4:20])
	copy(b[22:], sign(b, testSecret))
	return b
}

func TestStatusServer(t *testing.T) {
	_, auth, acct := real(t, RADIUSConfig{})
	request := statusServer(7)
	for conn, code := range map[net.Conn]byte{auth: 2, acct: 5} {
		if reply := exchange(t, conn, request); reply[0] != code ||
			!radius.IsAuthenticResponse(reply, request, []byte(testSecret)) {
			t.Errorf("% x", reply)
		}
	}
}

func TestAskFirst(t *testing.T) {
	s, auth, _ := real(t, RADIUSConfig{Users: []User{{Name: "bob", Password: "pw"}}})
	s.SetFaults(Faults{AskFirst: "Code: "})
	if reply := exchange(t, auth, login(t, "bob", "no")); reply[0] != 3 {
		t.Errorf("code %d", reply[0])
	}
	reply := exchange(t, auth, login(t, "bob", "pw"))
	state := get(t, reply, "State")
	if reply[0] != 11 || get(t, reply, "Reply-Message") != "Code: " {
		t.Errorf("code %d", reply[0])
	}
	for _, tt := range []struct {
		state string
		code  byte
	}{{"0x00", 3}, {state, 2}, {state, 3}} {
		if reply := exchange(t, auth, signed(t, radius.CodeAccessRequest, Attribute{"User-Name", "bob"},
			Attribute{"User-Password", "any"}, Attribute{"State", tt.state})); reply[0] != tt.code {
			t.Errorf("State %s: code %d, want %d", tt.state, reply[0], tt.code)
		}
	}
}

// The effect of each fault on a reply; layeh's own check verifies the Response Authenticator.
func TestFaults(t *testing.T) {
	signature := func(b []byte, request []byte) (count int, good bool) {
		plain := append([]byte(nil), b...)
		copy(plain[4:20], request[4:20])
		var mac []byte
		for i := 20; i < len(b); i += int(b[i+1]) {
			if b[i] == 80 {
				count++
				mac = b[i+2 : i+int(b[i+1])]
				clear(plain[i+2 : i+int(b[i+1])])
			}
		}
		return count, string(mac) == string(sign(plain, testSecret))
	}
	for _, tt := range []struct {
		name             string
		f                Faults
		count            int
		good, authentic  bool
		code, idOffset   byte
		length, received int // differ if octets follow Length; 0 not compared
	}{
		{"none", Faults{}, 1, true, true, 2, 0, 38, 38},
		{"unsigned", Faults{Unsigned: true}, 0, false, true, 2, 0, 20, 20},
		{"wrong", Faults{WrongMAC: true}, 1, false, true, 2, 0, 38, 38},
		{"double", Faults{DoubleMAC: true}, 2, true, true, 2, 0, 56, 56},
		{"short", Faults{ShortMAC: true}, 1, false, true, 2, 0, 37, 37},
		{"authenticator", Faults{WrongAuth: true}, 1, true, false, 2, 0, 38, 38},
		{"padding", Faults{Padding: true}, 1, true, true, 2, 0, 38, 56},
		{"id", Faults{WrongID: true}, 1, true, true, 2, 1, 38, 38},
		{"code", Faults{WrongCode: true}, 1, true, true, 5, 0, 38, 38},
		{"port", Faults{WrongPort: true}, 1, true, true, 2, 0, 38, 38},
	} {
		s, auth, _ := real(t, RADIUSConfig{Users: []User{{Name: "bob", Password: "pw"}}})
		s.SetFaults(tt.f)
		request := login(t, "bob", "pw")
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.WriteTo(request, auth.RemoteAddr()); err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		buf := make([]byte, 4096)
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			t.Fatal(tt.name, err)
		}
		length := int(buf[2])<<8 | int(buf[3])
		b := buf[:min(n, length)]
		count, good := signature(b, request)
		if count != tt.count || good != tt.good ||
			radius.IsAuthenticResponse(b, request, []byte(testSecret)) != tt.authentic || b[0] != tt.code ||
			b[1] != request[1]+tt.idOffset || length != tt.length || n != tt.received ||
			(from.String() == auth.RemoteAddr().String()) == tt.f.WrongPort {
			t.Errorf("%s: %d signatures, good %v, from %v: % x", tt.name, count, good, from, buf[:n])
		}
	}
}

// Forged replies come before the genuine one; each kind has the flaw in its name, and none is signed.
func TestForgeries(t *testing.T) {
	s, auth, _ := real(t, RADIUSConfig{Users: []User{{Name: "bob", Password: "pw"}}})
	s.SetFaults(Faults{Forge: 12, ForgeAs: "mixed"})
	request := login(t, "bob", "no")
	reply := exchange(t, auth, request)
	rightMD5 := 0
	for range 12 {
		if reply[0] != 2 {
			t.Fatalf("% x", reply)
		}
		if radius.IsAuthenticResponse(reply[:int(reply[2])<<8|int(reply[3])], request, []byte(testSecret)) {
			rightMD5++
		}
		auth.SetReadDeadline(time.Now().Add(time.Minute))
		buf := make([]byte, 4096)
		n, err := auth.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		reply = buf[:n]
	}
	if reply[0] != 3 || !radius.IsAuthenticResponse(reply, request, []byte(testSecret)) || rightMD5 != 10 {
		t.Errorf("%d with a right MD5, then % x", rightMD5, reply)
	}
}

// A lenient server accepts requests of older access servers and reports what is wrong with them.
func TestLenient(t *testing.T) {
	var events []Event
	c := RADIUSConfig{Secret: testSecret, Lenient: true, Users: []User{{Name: "bob", Password: "pw"}},
		Trace: func(e Event) { events = append(events, e) }}
	s, err := NewRADIUS(c)
	if err != nil {
		t.Fatal(err)
	}
	bare := radius.New(radius.CodeAccessRequest, []byte(testSecret))
	bare.Add(1, []byte("bob"))
	bare.Add(2, []byte("0123456789abcdef"))
	plain, err := bare.Encode()
	if err != nil {
		t.Fatal(err)
	}
	bare.Add(80, make([]byte, 16))
	last, err := bare.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	wrong := append([]byte(nil), last...)
	copy(last[len(last)-16:], sign(last, testSecret))
	bare.Add(79, []byte("\x02\x09\x00\x05\x01"))
	bare.Del(80)
	eap, err := bare.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		packet  []byte
		taken   bool
		verdict string
	}{
		{plain, true, "Message-Authenticator missing"},
		{last, true, "Message-Authenticator good, but not the first attribute"},
		{login(t, "bob", "pw"), true, "Message-Authenticator good"},
		{wrong, false, "Message-Authenticator wrong (different secret?)"},
		{eap, false, "Message-Authenticator missing"},
	} {
		p, err := s.verify(tt.packet, radius.CodeAccessRequest)
		e := s.seenEvent(&net.UDPAddr{}, tt.packet, p)
		if (err == nil) != tt.taken || len(e.Judged) != 1 || e.Judged[0] != tt.verdict {
			t.Errorf("%v, %q, want %q", err, e.Judged, tt.verdict)
		}
		if text := strings.Join(e.Attributes, "\n"); !strings.Contains(text, "User-Password = [secret]") ||
			strings.Contains(text, "0x") {
			t.Error(text)
		}
	}
	strict, err := NewRADIUS(RADIUSConfig{Secret: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{plain, last} {
		if _, err := strict.verify(b, radius.CodeAccessRequest); err == nil {
			t.Error("a strict server accepted it")
		}
	}
}
