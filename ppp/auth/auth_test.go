package auth_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/auth"
)

var methods = []auth.Method{auth.PAP, auth.CHAP, auth.MSCHAPv1, auth.MSCHAPv2, auth.EAP}

func TestMethods(t *testing.T) {
	for m, want := range map[auth.Method]string{0: "none 0000", auth.PAP: "pap c023", auth.CHAP: "chap c223",
		auth.MSCHAPv1: "ms-chap c223", auth.MSCHAPv2: "ms-chap-v2 c223", auth.EAP: "eap c227", 77: "unknown 0000"} {
		if got := fmt.Sprintf("%v %04x", m, m.Protocol()); got != want {
			t.Errorf("%d: %s, want %s", m, got, want)
		}
	}
}

// Nobody passes by an unknown method.
func TestNoMethod(t *testing.T) {
	for _, m := range []auth.Method{0, 77} {
		e := newEngine(t, auth.Config{Method: m})
		e.expect("start", e.start(), "failed: refused")
		e.expect("frame", e.do(e.a.Receive(0, octets(papRequest))), "")
		if res := m.Interpret(granted("austin")); res.Kind != aaa.Refused {
			t.Errorf("%d: %+v", m, res)
		}
	}
}

func TestRejected(t *testing.T) {
	for _, m := range methods {
		e := newEngine(t, auth.Config{Method: m})
		e.expect("before the start", e.do(e.a.Rejected()), "")
		e.start()
		e.expect("waiting", e.do(e.a.Rejected()), "stop timer", "failed: "+string(auth.ProtocolRejected))
		e.expect("again", e.do(e.a.Rejected()), "")

		e = newEngine(t, auth.Config{Method: m})
		e.start()
		e.do(e.a.Receive(m.Protocol(), login(m, 0, "austin")))
		e.open = false // the engine ends it
		e.expect("asking", e.do(e.a.Rejected()), "failed: "+string(auth.ProtocolRejected))
		e.expect("late answer", e.do(e.a.Answer(granted("austin"))), "")
	}
}

// What a refusal brings along grants nothing, and to interpret twice changes nothing.
func TestInterpret(t *testing.T) {
	full := aaa.Result{Message: "m", Reason: "r", Server: "s", Success: v2Proof, EAP: octets("03 41 00 04"),
		Identity: aaa.Identity{Entry: "radius", User: "austin"}, Auth: aaa.Authorization{Callback: true}}
	for _, m := range append([]auth.Method{0}, methods...) {
		for kind := aaa.Silent; kind <= aaa.Granted; kind++ {
			for _, change := range []func(*aaa.Result){func(*aaa.Result) {}, func(r *aaa.Result) { r.Success = "" },
				func(r *aaa.Result) { r.EAP = nil }, func(r *aaa.Result) { r.EAP = octets(eapChallenge) }} {
				in := full
				in.Kind = kind
				change(&in)
				once := m.Interpret(in)
				if !reflect.DeepEqual(m.Interpret(once), once) {
					t.Errorf("%v of %+v: not stable", m, in)
				}
				if once.Kind == aaa.Granted && in.Kind != aaa.Granted {
					t.Errorf("%v of %+v grants", m, in)
				}
				if once.Kind != in.Kind && (once.Kind != aaa.Refused || once.Auth.Callback || once.Reason == "" ||
					once.Identity != (aaa.Identity{}) || once.EAP != nil || once.Success != "") {
					t.Errorf("%v of %+v: %+v", m, in, once)
				}
			}
		}
	}
}

// The engine lowers a grant, for another user on leg two: the peer gets a failure, never a success.
func TestLoweredGrant(t *testing.T) {
	for _, m := range methods {
		e := newEngine(t, auth.Config{Method: m})
		e.start()
		e.do(e.a.Receive(m.Protocol(), login(m, 0, "austin")))
		res := aaa.Result{Kind: aaa.Refused, Success: v2Proof, EAP: octets("03 00 00 04"),
			Identity: aaa.Identity{User: "austin"}, Reason: "leg two wants another user"}
		e.answer(res)
		failure := byte(4)
		if m == auth.PAP {
			failure = 3
		}
		if last := e.sent[len(e.sent)-1]; last[0] != failure {
			t.Errorf("%v sent % x", m, last)
		}
		if e.why.Cause != auth.Refused || e.grant.Kind == aaa.Granted {
			t.Errorf("%v: %v", m, e.why)
		}
	}
}

// Texts for debugging show no password and no response.
func TestTextsHaveNoSecrets(t *testing.T) {
	e := papEngine(t)
	e.start()
	out := e.a.Receive(0xc023, octets(papRequest))
	for _, effect := range out {
		if s := fmt.Sprint(effect, effect.String()); strings.Contains(s, "secret") && !strings.Contains(s, "[secret]") {
			t.Errorf("%s", s)
		}
	}
	for effect, want := range map[auth.Effect]string{
		auth.StopTimer{}: "stop timer",
		auth.Failed{Reason: auth.Reason{Cause: auth.BadName,
			Detail: "a\nb"}}: `failed: the user name cannot be used: "a\nb"`,
	} {
		if effect.String() != want {
			t.Errorf("%q, want %q", effect.String(), want)
		}
	}
	p := auth.Send{Protocol: 0xc227, Packet: octets("02 42 00 0b 06 'secret'")}
	if got := p.String(); got != "c227 send Response id 66 len 11" {
		t.Error(got)
	}
	if got := (auth.Send{Protocol: 0xc023, Packet: []byte{1}}).String(); got != "c023 send a damaged packet of "+
		"1 octets" {
		t.Error(got)
	}
}

func TestCredentialsRequest(t *testing.T) {
	r := aaa.Request{Service: aaa.PPP, TTY: 65, User: "x", Password: "y", EAP: []byte{1}}
	got := auth.Credentials{User: "austin", CHAP: &aaa.CHAP{ID: 7}}.Request(r)
	if got.User != "austin" || got.Password != "" || got.EAP != nil || got.CHAP.ID != 7 || got.TTY != 65 ||
		got.Service != aaa.PPP {
		t.Errorf("%+v", got)
	}
}

func ExampleAuthenticator() {
	a := auth.New(auth.Config{
		Method: auth.CHAP, Name: "nas", Random: func(b []byte) { copy(b, "not random, for the example") },
	})
	show := func(effects []auth.Effect) {
		for _, e := range effects {
			fmt.Println(e)
		}
	}
	show(a.Start())
	show(a.Receive(0xc223, []byte("\x02n\x00\x1b\x10 sixteen octets austin")))
	fmt.Println("AAA answers")
	show(a.Answer(aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "radius", User: "austin"}}))
	// Output:
	// c223 send Challenge id 110 len 24
	// start timer 3s
	// stop timer
	// ask AAA about "austin"
	// AAA answers
	// c223 send Success id 110 len 4
	// granted to austin by radius
}

func TestStates(t *testing.T) {
	var got []string
	for s := range auth.Over + 2 {
		got = append(got, s.String())
	}
	if s := strings.Join(got, " "); s != "initial waiting asking passed over unknown" {
		t.Error(s)
	}
}
