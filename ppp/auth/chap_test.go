package auth_test

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/auth"
)

const (
	md5Challenge = "10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f"
	anyResponse  = "02 07 00 1b 10 " + md5Challenge + " 'austin'"
)

func chapEngine(t testing.TB) *engine {
	return newEngine(t, auth.Config{Method: auth.CHAP, Name: "nas"}, octets("07"+md5Challenge)...)
}

// A peer computes its response from our challenge (RFC 1994 §2), and AAA can verify it with what it is asked.
func TestCHAP(t *testing.T) {
	e := chapEngine(t)
	challenge := "01 07 00 18 10 " + md5Challenge + " 'nas'"
	e.expect("start", e.start(), send(challenge), "start timer 3s")

	sum := md5.Sum([]byte("\x07" + "secret" + string(octets(md5Challenge))))
	response := append(octets("02 07 00 1b 10"), append(sum[:], "austin"...)...)
	e.expect("response", e.do(e.a.Receive(0xc223, response)), "stop timer", "ask austin")
	for i := range response {
		response[i] = 0 // Receive does not keep it
	}
	c := e.asked.CHAP
	if c == nil || md5.Sum([]byte(string([]byte{c.ID})+"secret"+string(c.Challenge))) != [16]byte(c.Response) {
		t.Fatalf("asked with %+v", c)
	}
	e.expect("success", e.answer(aaa.Result{Kind: aaa.Granted, Message: "hello"}), send("03 07 00 09 'hello'"),
		"granted")
	e.expect("repeated with other octets", e.receive(anyResponse), send("03 07 00 09 'hello'"))
	e.expect("of another challenge", e.receive("02 08 00 1b 10 "+md5Challenge+" 'austin'"), "")
	if e.questions != 1 {
		t.Errorf("%d questions", e.questions)
	}
}

// The second challenge while AAA works kills logins of real peers (SoftEther, pppd): there is none.
func TestCHAPSlowAAA(t *testing.T) {
	e := chapEngine(t)
	e.start()
	e.receive(anyResponse)
	for range 10 {
		e.expect("late timer", e.do(e.a.Timeout()), "")
		e.expect("repeated response", e.receive(anyResponse), "")
	}
	e.expect("refused", e.answer(refused("")), send("04 07 00 11 'Access denied'"), "failed: "+string(auth.Refused))
	e.expect("repeated", e.receive(anyResponse), send("04 07 00 11 'Access denied'"))
	e.expect("late answer", e.do(e.a.Answer(granted("austin"))), "")
	if e.why.Detail != "wrong password" {
		t.Errorf("reason %v", e.why)
	}
}

// 10 challenges, 3 s apart, all alike: a response to any of them is valid.
func TestCHAPRetransmits(t *testing.T) {
	e := chapEngine(t)
	first := e.start()
	for range 9 {
		e.expect("again", e.timeout(), first)
	}
	e.expect("enough", e.timeout(), "failed: "+string(auth.PeerSilent))
	if len(e.sent) != 10 {
		t.Errorf("%d challenges", len(e.sent))
	}
	e.expect("late response", e.receive(anyResponse), "")

	e = chapEngine(t)
	e.start()
	e.timeout()
	e.expect("response to the first", e.receive(anyResponse), "stop timer", "ask austin")
}

func TestCHAPReflected(t *testing.T) {
	e := chapEngine(t)
	e.start()
	e.expect("a challenge to us", e.receive("01 01 00 06 01 aa"), "")
	e.expect("our own challenge", e.receive("01 01 00 15 10 "+md5Challenge),
		"stop timer", send("04 07 00 11 'Access denied'"), "failed: "+string(auth.Reflected))

	e = newEngine(t, auth.Config{Method: auth.MSCHAPv2}, octets("01"+v2Challenge)...)
	e.start()
	e.receive("02 01 00 3a 31 " + v2Challenge + strings.Repeat("00", 8) + v2NT + "00 'User'")
	if e.why.Cause != auth.Reflected || e.questions != 0 {
		t.Errorf("our challenge as the peer's: %v, %d questions", e.why, e.questions)
	}
}

func TestCHAPDiscards(t *testing.T) {
	for name, packet := range map[string]string{
		"no value size":        "02 07 00 04",
		"empty value":          "02 07 00 0b 00 'austin'",
		"value beyond the end": "02 07 00 0b 10 'austin'",
		"length beyond it":     "02 07 00 ff 10" + md5Challenge + " 'austin'",
		"another identifier":   "02 08 00 1b 10 " + md5Challenge + " 'austin'",
		"Success to us":        "03 07 00 06 01 aa",
		"Failure to us":        "04 07 00 06 01 aa",
		"Change-Password":      "07 07 00 06 01 aa",
	} {
		e := chapEngine(t)
		e.start()
		e.expect(name, e.receive(packet), "")
		e.expect(name+", then a good one", e.receive(anyResponse), "stop timer", "ask austin")
	}
	e := chapEngine(t)
	e.start()
	e.expect("15 octets", e.receive("02 07 00 1a 0f "+md5Challenge[:len(md5Challenge)-3]+" 'austin'"),
		"stop timer", send("04 07 00 11 'Access denied'"), "failed: "+string(auth.BadResponse))
}

// The octets of RFC 2433 appendix B.2 and RFC 2759 §9.2.
const (
	v1Challenge = "10 2D B5 DF 08 5D 30 41 "
	v1NT        = "4E 9D 3C 8F 9C FD 38 5D 5B F4 D3 24 67 91 95 6C A4 C3 51 AB 40 9A 3D 61 "
	v2Challenge = "5B 5D 7C 7D 7B 3F 2F 3E 3C 2C 60 21 32 26 26 28 "
	v2Peer      = "21 40 23 24 25 5E 26 2A 28 29 5F 2B 3A 33 7C 7E "
	v2NT        = "82 30 9E CD 8D 70 8B 5E A0 8F AA 39 81 CD 83 54 42 33 11 4A 3D 85 D6 DF "
	v2Proof     = "S=407A5589115FD0D6209F510FE9C04566932CDA56"
)

func TestMSCHAPv1(t *testing.T) {
	e := newEngine(t, auth.Config{Method: auth.MSCHAPv1}, octets("01"+v1Challenge)...)
	e.expect("start", e.start(), send("01 01 00 0d 08 "+v1Challenge), "start timer 3s")
	value := strings.Repeat("00", 24) + v1NT + "01"
	e.expect("response", e.receive("02 01 00 3a 31 "+value+"'MyPw'"), "stop timer", "ask MyPw")
	m := e.asked.MSCHAP
	if m == nil || m.Version != 1 || m.ID != 1 || !bytes.Equal(m.Challenge, octets(v1Challenge)) ||
		!bytes.Equal(m.Response, octets(value)) || e.asked.CHAP != nil || e.asked.Password != "" {
		t.Fatalf("asked with %+v", e.asked)
	}
	e.expect("success", e.answer(granted("MyPw")), send("03 01 00 04"), "granted")
}

func v2Engine(t testing.TB) *engine {
	return newEngine(t, auth.Config{Method: auth.MSCHAPv2, Name: "nas"}, octets("01"+v2Challenge)...)
}

const v2Value = v2Peer + "00 00 00 00 00 00 00 00" + v2NT + "00"

func v2Response(id byte) string { return fmt.Sprintf("02 %02x 00 3a 31 %s 'User'", id, v2Value) }

func TestMSCHAPv2(t *testing.T) {
	e := v2Engine(t)
	e.expect("start", e.start(), send("01 01 00 18 10 "+v2Challenge+"'nas'"), "start timer 3s")
	e.expect("response", e.receive(v2Response(1)), "stop timer", "ask User")
	m := e.asked.MSCHAP
	if m == nil || m.Version != 2 || m.ID != 1 || !bytes.Equal(m.Challenge, octets(v2Challenge)) ||
		!bytes.Equal(m.Response, octets(v2Value)) {
		t.Fatalf("asked with %+v", m)
	}
	res := granted("User")
	res.Success = v2Proof + " M=welcome"
	success := "03 01 00 38 '" + v2Proof + " M=welcome'"
	e.expect("success", e.answer(res), send(success), "granted")
	e.expect("repeated", e.receive(v2Response(1)), send(success))
}

// A peer ends the session for a Success without S= (RFC 2759 §5): better to say why.
func TestMSCHAPv2WithoutProof(t *testing.T) {
	for _, proof := range []string{"", "hello", "S=407A", v2Proof + "00", "S=" + strings.Repeat("G", 40), "E=691 R=1"} {
		e := v2Engine(t)
		e.start()
		e.receive(v2Response(1))
		res := granted("User")
		res.Success = proof
		e.expect(proof, e.answer(res), send("04 01 00 44 'E=691 R=0 C=000102030405060708090A0B0C0D0E0F V=3 "+
			"M=Access denied'"), "failed: "+string(auth.Refused))
		if !strings.Contains(e.why.Detail, "S=") {
			t.Errorf("%q: %v", proof, e.why)
		}
	}
}

// RFC 2759 §9.1.4: success after a retry, with the next identifier and the challenge of the Failure.
func TestMSCHAPRetry(t *testing.T) {
	e := v2Engine(t)
	e.start()
	e.receive(v2Response(1))
	wrong := refused("")
	wrong.Success = "E=691 R=1 C=FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF V=3 M=wrong password" // FreeRADIUS
	failure := "04 01 00 45 'E=691 R=1 C=000102030405060708090A0B0C0D0E0F V=3 M=wrong password'"
	e.expect("failure", e.answer(wrong), send(failure), "start timer 1m0s")
	e.expect("the Failure was lost", e.receive(v2Response(1)), send(failure))
	e.expect("another identifier", e.receive(v2Response(3)), "")
	e.expect("retry", e.receive(v2Response(2)), "stop timer", "ask User")
	e.expect("repeated", e.receive(v2Response(2)), "")
	e.expect("repeated old one", e.receive(v2Response(1)), "")
	next := octets("00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f")
	if m := e.asked.MSCHAP; m.ID != 2 || !bytes.Equal(m.Challenge, next) {
		t.Errorf("asked with %+v", m)
	}
	res := granted("User")
	res.Success = v2Proof
	e.expect("success", e.answer(res), send("03 02 00 2e '"+v2Proof+"'"), "granted")
}

// RFC 2759 §9.1.5: three attempts.
func TestMSCHAPThreeAttempts(t *testing.T) {
	for m, want := range map[auth.Method][]string{
		auth.MSCHAPv1: {"E=691 R=1 C=0001020304050607 V=2", "E=691 R=1 C=08090A0B0C0D0E0F V=2",
			"E=691 R=0 C=1011121314151617 V=2"},
		auth.MSCHAPv2: {"E=691 R=1 C=000102030405060708090A0B0C0D0E0F V=3 M=Access denied",
			"E=691 R=1 C=101112131415161718191A1B1C1D1E1F V=3 M=Access denied",
			"E=691 R=0 C=202122232425262728292A2B2C2D2E2F V=3 M=Access denied"},
	} {
		first := octets("fe" + v2Challenge)
		if m == auth.MSCHAPv1 {
			first = first[:9]
		}
		e := newEngine(t, auth.Config{Method: m, RetryWait: time.Minute}, first...)
		e.start()
		for i, text := range want {
			id := byte(0xfe + i) // 0xfe, 0xff, 0
			e.receive(v2Response(id))
			res := refused("")
			res.Success = "E=691 R=1"
			after := "start timer 1m0s"
			if i == 2 {
				after = "failed: " + string(auth.Refused)
			}
			e.expect(text, e.answer(res), fmt.Sprintf("send 04%02x%04x%x", id, 4+len(text), text), after)
		}
	}
}

// A caller without another try has no retry, whatever AAA permits; AAA's error and message stay.
func TestMSCHAPLastTry(t *testing.T) {
	e := v2Engine(t)
	e.start()
	e.receive(v2Response(1))
	e.a.LastTry()
	res := refused("")
	res.Success = "E=691 R=1 R=1 V=3 M=no, R=1"
	failure := "04 01 00 3e 'E=691 R=0 C=000102030405060708090A0B0C0D0E0F V=3 M=no, R=1'"
	e.expect("failure", e.answer(res), send(failure), "failed: "+string(auth.Refused))
}

func TestMSCHAPFailureTexts(t *testing.T) {
	const challenge = "C=000102030405060708090A0B0C0D0E0F V=3"
	for _, tt := range []struct{ aaa, message, want string }{
		{"", "", "E=691 R=0 " + challenge + " M=Access denied"},
		{"", "bad luck", "E=691 R=0 " + challenge + " M=bad luck"},
		{"E=691 R=0", "", "E=691 R=0 " + challenge + " M=Access denied"},
		{"E=648 R=1 V=3 M=expired", "", "E=648 R=0 " + challenge + " M=expired"}, // no retry helps
		{"E=649", "", "E=649 R=0 " + challenge + " M=Access denied"},
		{"E=646 R=1", "too late", "E=646 R=0 " + challenge + " M=too late"},
		{"E=69x R=1", "", "E=691 R=0 " + challenge + " M=Access denied"},
		{"E=12345678901 R=1", "", "E=691 R=0 " + challenge + " M=Access denied"},
		{"E= R=1", "", "E=691 R=0 " + challenge + " M=Access denied"},
		{"R=1 E=691", "", "E=691 R=0 " + challenge + " M=Access denied"},
		{v2Proof, "", "E=691 R=0 " + challenge + " M=Access denied"}, // a grant that the engine has lowered
		{"E=647 R=0 M=line\r\nline R=1", "", "E=647 R=0 " + challenge + " M=line  line R=1"},
	} {
		e := v2Engine(t)
		e.start()
		e.receive(v2Response(1))
		res := refused(tt.message)
		res.Success = tt.aaa
		e.answer(res)
		if got := string(e.sent[len(e.sent)-1][4:]); got != tt.want || e.ended != 1 {
			t.Errorf("%q: %q, want %q; ended %d", tt.aaa, got, tt.want, e.ended)
		}
	}
	// Without an answer of AAA there is no retry, whatever else it says.
	e := v2Engine(t)
	e.start()
	e.receive(v2Response(1))
	e.answer(aaa.Result{Success: "E=691 R=1"})
	if got := string(e.sent[len(e.sent)-1][4:]); !strings.HasPrefix(got, "E=691 R=0") ||
		e.why.Cause != auth.Unanswered {
		t.Errorf("AAA silent: %q, %v", got, e.why)
	}
}

// A user who types no other password fails for the reason of the first one.
func TestMSCHAPRetryGivenUp(t *testing.T) {
	e := v2Engine(t)
	e.start()
	e.receive(v2Response(1))
	res := refused("")
	res.Success = "E=691 R=1"
	e.answer(res)
	e.expect("60 s", e.timeout(), "failed: "+string(auth.Refused))
	if e.why.Detail != "wrong password" {
		t.Errorf("reason %v", e.why)
	}
}
