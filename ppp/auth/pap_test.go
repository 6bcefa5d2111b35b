package auth_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/auth"
)

// papRequest is a request as RFC 1334 §2.2.1 draws it: user "austin", password "secret", identifier 5.
const papRequest = "01 05 00 12  06 'austin' 06 'secret'"

func papEngine(t testing.TB) *engine { return newEngine(t, auth.Config{Method: auth.PAP}) }

func TestPAP(t *testing.T) {
	e := papEngine(t)
	e.expect("start", e.start(), "start timer 30s")
	e.expect("request", e.receive(papRequest), "stop timer", "ask austin")
	if e.asked.Password != "secret" || e.asked.CHAP != nil || e.asked.MSCHAP != nil || e.asked.EAP != nil {
		t.Errorf("asked with %+v", e.asked)
	}
	e.expect("accept", e.answer(granted("austin")), send("02 05 00 05 00"), "granted")
	e.expect("request repeated while IP is up", e.receive(papRequest), send("02 05 00 05 00"))
	// RFC 1334 §2.2.1: the same code, whatever the repeated request has.
	e.expect("another user", e.receive("01 09 00 08 01 'x' 01 'y'"), send("02 09 00 05 00"))
	if e.questions != 1 {
		t.Errorf("%d questions", e.questions)
	}
}

func TestPAPRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		res  aaa.Result
		nak  string
		end  auth.Cause
	}{
		{"refused", refused(""), "03 05 00 12 0d 'Access denied'", auth.Refused},
		{"with a text", refused("go\r\naway"), "03 05 00 0d 08 'go  away'", auth.Refused},
		{"AAA silent", aaa.Result{Message: "x"}, "03 05 00 1a 15 'Service not available'", auth.Unanswered},
		// RFC 2865 §4.4: a challenge that cannot be answered is a reject.
		{"question", aaa.Result{Kind: aaa.Prompt, Message: "code?"}, "03 05 00 12 0d 'Access denied'", auth.Refused},
	} {
		e := papEngine(t)
		e.start()
		e.receive(papRequest)
		e.expect(tt.name, e.answer(tt.res), send(tt.nak), "failed: "+string(tt.end))
		e.expect(tt.name+" again", e.receive(papRequest), send(tt.nak))
	}
}

// AAA takes 20 s: repeated requests are ignored, and the answer has the identifier of the newest copy, which some peers
// (FreeBSD) insist on.
func TestPAPSlowAAA(t *testing.T) {
	e := papEngine(t)
	e.start()
	e.receive(papRequest)
	for _, id := range []string{"06", "07", "08"} {
		e.expect("repeated", e.receive(strings.Replace(papRequest, "01 05", "01 "+id, 1)), "")
		e.expect("late timer", e.do(e.a.Timeout()), "")
	}
	e.expect("another request", e.receive("01 09 00 08 01 'x' 01 'y'"), "")
	e.expect("accept", e.answer(granted("austin")), send("02 08 00 05 00"), "granted")
}

func TestPAPSilentPeer(t *testing.T) {
	e := papEngine(t)
	e.start()
	e.expect("30 s", e.timeout(), "failed: "+string(auth.PeerSilent))
	e.expect("late", e.receive(papRequest), "")
}

func TestPAPDiscards(t *testing.T) {
	for name, packet := range map[string]string{
		"empty":                 "",
		"no length":             "01 05 00",
		"length below header":   "01 05 00 03 00 00",
		"length beyond the end": "01 05 00 13 06 'austin' 06 'secret'",
		"no name length":        "01 05 00 04",
		"name beyond the end":   "01 05 00 08 09 'abc'",
		"no password length":    "01 05 00 08 03 'abc'",
		"password beyond end":   "01 05 00 0a 03 'abc' 02 'x'",
		"Ack to us":             "02 05 00 05 00",
		"Nak to us":             "03 05 00 05 00",
		"code 0":                "00 05 00 06 01 'x' 00",
	} {
		e := papEngine(t)
		e.start()
		e.expect(name, e.receive(packet), "")
		for _, protocol := range []uint16{0, 0xc021, 0xc223, 0xc227, 0x0021} {
			if out := e.a.Receive(protocol, octets(papRequest)); out != nil {
				t.Errorf("%04x: %v", protocol, out)
			}
		}
		e.expect(name+", then a good one", e.receive(papRequest), "stop timer", "ask austin")
	}
	e := papEngine(t)
	e.expect("before the start", e.receive(papRequest), "")
	e.start()
	e.expect("start twice", e.start(), "")
	e.expect("answer to nothing", e.do(e.a.Answer(granted("austin"))), "")
	e.expect("padding", e.receive(papRequest+"00 00"), "stop timer", "ask austin")
}

// Names that no AAA server can take for another one.
func TestBadNames(t *testing.T) {
	long := strings.Repeat("n", 254)
	for _, name := range []string{"", "aus\x00tin", "austin\x00", " austin", "aus\ntin", "\xff", long} {
		for _, m := range []auth.Method{auth.PAP, auth.CHAP, auth.MSCHAPv1, auth.MSCHAPv2, auth.EAP} {
			e := newEngine(t, auth.Config{Method: m})
			e.start()
			got := e.do(e.a.Receive(m.Protocol(), login(m, 0, name)))
			if e.why.Cause != auth.BadName || e.questions != 0 || len(e.sent) == 0 {
				t.Errorf("%v with name %.20q: %s", m, name, got)
				continue
			}
			failure := byte(4)
			if m == auth.PAP {
				failure = 3
			}
			if last := e.sent[len(e.sent)-1]; last[0] != failure {
				t.Errorf("%v with name %.20q sent % x", m, name, last)
			}
		}
	}
}

// login is the packet with which a peer answers the first request of a method.
func login(m auth.Method, id byte, name string) []byte {
	p := []byte{2, id, 0, 0}
	switch m {
	case auth.PAP:
		p[0] = 1
		p = append(append(p, byte(len(name))), name...)
		p = append(p, 1, 'x')
	case auth.EAP:
		p = append(append(p, 1), name...)
	default:
		n := 49
		if m == auth.CHAP {
			n = 16
		}
		p = append(p, byte(n))
		p = append(p, bytes.Repeat([]byte{0xee}, n)...)
		p = append(p, name...)
	}
	p[2], p[3] = byte(len(p)>>8), byte(len(p))
	return p
}
