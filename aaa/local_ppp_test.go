package aaa

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// octets reads hexadecimal digits, with spaces.
func octets(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pppUsers are the users of the RFCs' examples, and others.
func pppUsers(t testing.TB) *Local {
	t.Helper()
	l, err := NewLocal([]User{
		{Name: "kim", Password: "sesame", Groups: []string{"ppp"}},
		{Name: "hashed", PasswordHash: "$1$abcd$2hDGYdE0UrwK2pqoiF6BB1"}, // of "cisco",
		{Name: "old", Password: "MyPw"},                                  // RFC 2433 §B.2
		{Name: "User", Password: "clientPass"},                           // RFC 2759 §9.2
		{Name: `BIGCO\User`, Password: "clientPass"},
		{Name: "latin1", Password: "caf\xe9"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const proofV2 = "S=407A5589115FD0D6209F510FE9C04566932CDA56" // RFC 2759 §9.2

// examples returns the examples of RFC 2433 §B.2 and RFC 2759 §9.2.
func examples(t testing.TB) (v1, v2 MSCHAP) {
	v1, v2 = MSCHAP{Version: 1, ID: 9}, MSCHAP{Version: 2, ID: 3}
	v1.Challenge = octets(t, "10 2D B5 DF 08 5D 30 41")
	v1.Response = octets(t, strings.Repeat("00", 24)+
		"4E 9D 3C 8F 9C FD 38 5D 5B F4 D3 24 67 91 95 6C A4 C3 51 AB 40 9A 3D 61 01")
	v2.Challenge = octets(t, "5B5D7C7D7B3F2F3E3C2C602132262628")
	v2.Response = octets(t, "21402324255E262A28295F2B3A337C7E 0000000000000000"+
		"82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF 00")
	return v1, v2
}

// changed returns m with one octet of its response changed.
func (m MSCHAP) changed(at int, to byte) *MSCHAP {
	m.Response = bytes.Clone(m.Response)
	m.Response[at] = to
	return &m
}

// CHAP and MS-CHAP need the password itself, and tell the peer nothing about which users have one.
func TestLocalResponses(t *testing.T) {
	t.Parallel()
	l := pppUsers(t)
	v1, v2 := examples(t)
	// MD5 of 07, sesame, the challenge: computed by md5sum
	chap := CHAP{ID: 7, Challenge: []byte("0123456789abcdef"), Response: octets(t, "690295c9075262c16a249565c01be419")}
	wrong, short := chap, chap
	wrong.Challenge, short.Response = []byte("0123456789abcdeg"), chap.Response[:15]
	for _, tt := range []struct {
		name, user string
		r          Request
		kind       Kind
		success    string
		reason     string
	}{
		{"CHAP", "kim", Request{CHAP: &chap}, Granted, "", ""},
		{"CHAP, wrong", "kim", Request{CHAP: &wrong}, Refused, "", `wrong password for "kim"`},
		{"CHAP, short", "kim", Request{CHAP: &short}, Refused, "", "wrong password"},
		{"CHAP, empty", "kim", Request{CHAP: &CHAP{}}, Refused, "", "wrong password"},
		{"CHAP, another user", "old", Request{CHAP: &chap}, Refused, "", "wrong password"},
		{"CHAP, no user", "nobody", Request{CHAP: &chap}, Refused, "", `no user "nobody"`},
		{"CHAP, a hash", "hashed", Request{CHAP: &chap}, Refused, "",
			`CHAP cannot be checked for "hashed": only a password hash is known (use PAP, or password_file`},
		{"CHAP, a bad name", "kim\x00", Request{CHAP: &chap}, Refused, "", "control character"},
		{"MS-CHAPv1", "old", Request{MSCHAP: &v1}, Granted, "", ""},
		{"MS-CHAPv1, wrong", "old", Request{MSCHAP: v1.changed(24, 1)}, Refused, "E=691 R=1", "wrong password"},
		{"MS-CHAPv1, LAN Manager only", "old", Request{MSCHAP: v1.changed(48, 0)}, Refused, "E=691 R=1",
			"only a LAN Manager response"},
		{"MS-CHAPv1, flags", "old", Request{MSCHAP: v1.changed(48, 2)}, Refused, "", "flags 0x02"},
		{"MS-CHAPv2", "User", Request{MSCHAP: &v2}, Granted, proofV2, ""},
		{"MS-CHAPv2 with a domain", `BIGCO\User`, Request{MSCHAP: &v2}, Granted, proofV2, ""},
		{"MS-CHAPv2, wrong", "User", Request{MSCHAP: v2.changed(47, 1)}, Refused, "E=691 R=1", "wrong password"},
		{"MS-CHAPv2, another user", "kim", Request{MSCHAP: &v2}, Refused, "E=691 R=1", "wrong password"},
		{"MS-CHAPv2, no user", "nobody", Request{MSCHAP: &v2}, Refused, "E=691 R=1", "no user"},
		{"MS-CHAPv2, a hash", "hashed", Request{MSCHAP: &v2}, Refused, "E=691 R=1", "MS-CHAP cannot be checked"},
		{"MS-CHAPv2, not UTF-8", "latin1", Request{MSCHAP: &v2}, Refused, "E=691 R=1", "is not UTF-8"},
		{"MS-CHAPv2, reserved", "User", Request{MSCHAP: v2.changed(16, 1)}, Refused, "", "reserved octets"},
		{"MS-CHAP, version 3", "User", Request{MSCHAP: &MSCHAP{Version: 3}}, Refused, "", "version 3"},
		{"MS-CHAP, empty", "User", Request{MSCHAP: &MSCHAP{Version: 2}}, Refused, "", "challenge of 0 octets"},
		{"PAP", "kim", Request{Password: "sesame"}, Granted, "", ""},
		{"PAP, a hash", "hashed", Request{Password: "cisco"}, Granted, "", ""},
	} {
		tt.r.Service, tt.r.User = PPP, tt.user
		c, res := l.Start(t.Context(), tt.r)
		if c != nil || res.Kind != tt.kind || res.Success != tt.success || !strings.Contains(res.Reason, tt.reason) {
			t.Errorf("%s: %+v", tt.name, res)
		}
		if granted := res.Identity == (Identity{"local", tt.user}); granted != (tt.kind == Granted) {
			t.Errorf("%s: identity %v", tt.name, res.Identity)
		}
		for _, secret := range []string{"sesame", "MyPw", "clientPass", "caf"} {
			if strings.Contains(res.Reason+res.Message, secret) {
				t.Errorf("%s: a password in %q", tt.name, res.Reason)
			}
		}
	}
}

// What a peer sends and expects is what the RFCs' examples have.
func TestMSCHAPAnswer(t *testing.T) {
	t.Parallel()
	v1, v2 := examples(t)
	for _, tt := range []struct {
		m              MSCHAP
		user           string
		password, want string
	}{{v1, "any", "MyPw", ""}, {v2, "User", "clientPass", proofV2}, {v2, `A\User`, "clientPass", proofV2}} {
		nt, proof, err := tt.m.Answer(tt.user, Secret(tt.password))
		if err != nil || proof != tt.want || !slices.Equal(nt, tt.m.Response[24:48]) {
			t.Errorf("version %d: %x %s %v", tt.m.Version, nt, proof, err)
		}
	}
}

// EAP-MD5 (RFC 3748 §5.4): every user is challenged, and no challenge is used twice.
func TestLocalEAP(t *testing.T) {
	t.Parallel()
	l := pppUsers(t)
	answer := func(user, password string, change func(response []byte) []byte) Result {
		c, res := l.Start(t.Context(), Request{Service: PPP, User: user,
			EAP: append(append([]byte{2, 255, 0, byte(5 + len(user)), 1}, user...), 0, 0)})
		if res.Kind != Prompt || len(res.EAP) != 22 || !bytes.HasPrefix(res.EAP, []byte{1, 0, 0, 22, 4, 16}) {
			t.Fatalf("%+v", res)
		}
		sum := CHAP{ID: 0, Challenge: res.EAP[6:]}.Answer(Secret(password))
		response := append(append([]byte{2, 0, 0, byte(22 + len(user)), 4, 16}, sum...), user...)
		if change != nil {
			response = change(response)
		}
		res = c.Answer(t.Context(), Secret(response))
		if again := c.Answer(t.Context(), Secret(response)); again.Kind != Refused {
			t.Errorf("answered twice: %+v", again)
		}
		return res
	}
	if res := answer("kim", "sesame", nil); res.Kind != Granted || !bytes.Equal(res.EAP, []byte{3, 0, 0, 4}) ||
		res.Identity != (Identity{"local", "kim"}) || res.Auth.Groups[0] != "ppp" {
		t.Errorf("%+v", res)
	}
	for _, tt := range []struct {
		user, password string
		change         func([]byte) []byte
		reason         string
	}{
		{"kim", "wrong", nil, "wrong password"},
		{"nobody", string(nobody), nil, "no user"},
		{"hashed", "cisco", nil, "EAP-MD5 cannot be checked"},
		{"hashed", string(nobody), nil, "EAP-MD5 cannot be checked"},
		{"kim", "sesame", func([]byte) []byte { return []byte{2, 0, 0, 6, 3, 13} },
			"an EAP method other than MD5"},
		{"kim", "sesame", func(b []byte) []byte { b[1] = 1; return b }, "not a response to"},
		{"kim", "sesame", func(b []byte) []byte { b[5] = 15; return b }, "not a response to"},
		{"kim", "sesame", func(b []byte) []byte { b[3] = 21; return b }, "not a response to"},
		{"kim", "sesame", func(b []byte) []byte { return b[:20] }, "not a response to"},
		{"kim", "sesame", func(b []byte) []byte { b[0] = 1; return b }, "not a response to"},
		{"kim", "sesame", func([]byte) []byte { return nil }, "not a response to"},
	} {
		res := answer(tt.user, tt.password, tt.change)
		if res.Kind != Refused || res.EAP != nil || res.Identity != (Identity{}) ||
			!strings.Contains(res.Reason, tt.reason) {
			t.Errorf("%s, want %q: %+v", tt.user, tt.reason, res)
		}
	}
	for _, first := range [][]byte{{}, {2, 1, 0, 5, 4}, {1, 1, 0, 5, 1}, {2, 1, 0, 4}, {2, 1, 0, 99, 1}} {
		if c, res := l.Start(t.Context(), Request{Service: PPP, User: "kim", EAP: first}); c != nil ||
			res.Kind != Refused || !strings.Contains(res.Reason, "does not begin with an EAP identity") {
			t.Errorf("%x: %+v", first, res)
		}
	}
}
