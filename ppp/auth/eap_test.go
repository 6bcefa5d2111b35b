package auth_test

import (
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/auth"
)

func eapEngine(t testing.TB) *engine { return newEngine(t, auth.Config{Method: auth.EAP}, 0x41) }

const (
	eapIdentity  = "02 41 00 0b 01 'austin'"
	eapChallenge = "01 42 00 16 04 10 00112233445566778899aabbccddeeff" // MD5-Challenge, RFC 3748 §5.4
	eapResponse  = "02 42 00 16 04 10 ffeeddccbbaa99887766554433221100"
)

func prompt(packet string, wait time.Duration) aaa.Result {
	return aaa.Result{Kind: aaa.Prompt, EAP: octets(packet), Wait: wait}
}

func eapResult(res aaa.Result, packet string) aaa.Result {
	res.EAP = octets(packet)
	return res
}

// EAP-MD5 through us: RFC 3748 §2.3, RFC 3579 §2.1.
func TestEAP(t *testing.T) {
	e := eapEngine(t)
	e.expect("start", e.start(), send("01 41 00 05 01"), "start timer 3s")
	e.expect("identity", e.receive(eapIdentity+"00 00"), "stop timer", "ask austin")
	if string(e.asked.EAP) != string(octets(eapIdentity)) || e.asked.Password != "" {
		t.Errorf("asked with %+v", e.asked)
	}
	e.expect("repeated", e.receive(eapIdentity), "")
	e.expect("challenge", e.answer(prompt(eapChallenge+"00", 0)), send(eapChallenge), "start timer 3s")
	e.expect("not answered", e.timeout(), send(eapChallenge), "start timer 3s")
	e.expect("identity once more", e.receive(eapIdentity), "")
	e.expect("response", e.receive(eapResponse), "stop timer",
		"continue 024200160410ffeeddccbbaa99887766554433221100")
	e.expect("accept", e.answer(eapResult(granted("austin"), "03 42 00 04")), send("03 42 00 04"), "granted")
	e.expect("repeated", e.receive(eapResponse), "")
}

func TestEAPEnds(t *testing.T) {
	failure := []string{send("04 41 00 04"), "failed: refused"}
	for _, tt := range []struct {
		name string
		res  aaa.Result
		want []string
	}{
		{"the server's Failure", eapResult(refused(""), "04 41 00 04"), failure},
		// A refusal that is not the server's: an unknown list, or a grant that the engine has lowered.
		{"no packet", refused(""), failure},
		{"lowered", eapResult(refused(""), "03 41 00 04"), failure},
		// RFC 3579 §2.1: silence becomes no Failure.
		{"AAA silent", eapResult(aaa.Result{}, "03 41 00 04"), []string{"failed: AAA gives no answer"}},
		{"no Success", granted("austin"), failure},
		{"granted with a Failure", eapResult(granted("a"), "04 41 00 04"), failure},
		{"cut Success", eapResult(granted("a"), "03 41 00"), failure},
		{"cut Request", prompt("01 42 00 16 04", 0), failure},
		{"Request without a type", prompt("01 42 00 04", 0), failure},
		{"Response as Request", prompt(eapResponse, 0), failure},
		{"no Request", prompt("", 0), failure},
	} {
		e := eapEngine(t)
		e.start()
		e.receive(eapIdentity)
		e.expect(tt.name, e.answer(tt.res), tt.want...)
		e.expect(tt.name+", repeated", e.receive(eapIdentity), "")
	}
}

// Session-Timeout of a challenge is the time until the request is repeated (RFC 2869 §2.3.2).
func TestEAPWait(t *testing.T) {
	for wait, want := range map[time.Duration]string{0: "3s", time.Second: "3s", 30 * time.Second: "30s",
		1 << 32 * time.Second: "1m0s"} {
		e := eapEngine(t)
		e.start()
		e.receive(eapIdentity)
		e.expect(wait.String(), e.answer(prompt(eapChallenge, wait)), send(eapChallenge), "start timer "+want)
	}
}

func TestEAPRetransmits(t *testing.T) {
	e := eapEngine(t)
	first := e.start()
	for range 9 {
		e.expect("again", e.timeout(), first)
	}
	e.expect("enough", e.timeout(), "failed: "+string(auth.PeerSilent)) // no Failure is made
}

// CVE-2020-8597 and its kind: lengths are checked, and what is not asked for has no effect.
func TestEAPDiscards(t *testing.T) {
	for name, packet := range map[string]string{
		"no type":              "02 41 00 04",
		"length below header":  "02 41 00 03 01",
		"length beyond it":     "02 41 00 0c 01 'austin'",
		"another identifier":   "02 42 00 0b 01 'austin'",
		"a Nak of identity":    "02 41 00 06 03 04",
		"a request to us":      "01 41 00 0b 01 'austin'",
		"a challenge to us":    eapChallenge,
		"Success to us":        "03 41 00 04",
		"Failure to us":        "04 41 00 04",
		"an unknown code":      "09 41 00 0b 01 'austin'",
		"an MD5 value of 255":  "02 41 00 07 04 ff 00",
		"a notification reply": "02 41 00 05 02",
	} {
		e := eapEngine(t)
		e.start()
		e.expect(name, e.receive(packet), "")
		e.expect(name+", then a good one", e.receive(eapIdentity), "stop timer", "ask austin")
	}
	// EAP that was not negotiated.
	for _, m := range []auth.Method{auth.PAP, auth.CHAP, auth.MSCHAPv1, auth.MSCHAPv2} {
		e := newEngine(t, auth.Config{Method: m})
		e.start()
		if out := e.a.Receive(0xc227, octets(eapChallenge)); out != nil {
			t.Errorf("%v answers EAP: %v", m, out)
		}
	}
}

func TestEAPWithoutEnd(t *testing.T) {
	e := eapEngine(t)
	e.start()
	e.receive(eapIdentity)
	for range 100 {
		e.answer(prompt(eapChallenge, 0))
		e.receive(eapResponse)
	}
	e.expect("round 101", e.answer(prompt(eapChallenge, 0)), send("04 42 00 04"), "failed: "+string(auth.TooManyRounds))
}
