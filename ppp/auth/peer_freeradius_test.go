package auth_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/ppp/auth"
)

// freeRADIUS starts a FreeRADIUS with the users of the matrix, and a login with it.
func freeRADIUS(t *testing.T) aaa.Login {
	t.Helper()
	conf, err := os.ReadFile("../../aaa/radius/testdata/freeradius/kinds.conf.in")
	must(t, err)
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Config: string(conf),
		Users: matrixUser + "\tCleartext-Password := \"" + matrixPassword + "\"\n\n" +
			matrixUserV1 + "\tCleartext-Password := \"" + matrixV1 + "\"\n"})
	c, err := radius.New(radius.Config{NASIdentifier: "maui-nas-04", Servers: []radius.ServerConfig{
		{Name: "freeradius", Address: f.Auth, Secret: f.Secret, Timeout: 5 * time.Second, Retries: 3}}})
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return aaa.Login{Authentication: aaa.Lists{aaa.PPP: {Name: "default", Entries: []aaa.Method{c}}}}
}

// TestPeerFreeRADIUSMethods is the column RADIUS of the matrix with a real server.
func TestPeerFreeRADIUSMethods(t *testing.T) {
	t.Parallel()
	login := freeRADIUS(t)
	for m := auth.PAP; m <= auth.EAP; m++ {
		if why := logsIn(t, login, m, true); why != "" {
			t.Errorf("%v: %s", m, why)
		}
		if why := logsIn(t, login, m, false); !strings.Contains(why, "refused") {
			t.Errorf("%v with a wrong password: %q", m, why)
		}
	}
}

// TestPeerFreeRADIUSRetry: after a wrong MS-CHAPv2 response, FreeRADIUS lets the peer try again. The Failure has a new
// challenge, and the peer's next response answers that one, with the next identifier (RFC 2759 §6, §9.2).
func TestPeerFreeRADIUSRetry(t *testing.T) {
	t.Parallel()
	login := freeRADIUS(t)
	first := octets("06 00112233445566778899aabbccddeeff") // identifier and challenge
	e := newEngine(t, auth.Config{Method: auth.MSCHAPv2}, append(first, randomV2[1:]...)...)
	e.start()
	e.receive(strings.Replace(responseV2, "02 07", "02 06", 1)) // it answers another challenge
	_, res := login.Start(t.Context(), e.asked.Request(aaa.Request{Service: aaa.PPP, TTY: 65}))
	if res.Kind != aaa.Refused || !strings.HasPrefix(res.Success, "E=691 R=1 C=") {
		t.Fatalf("%+v", res)
	}
	got := e.answer(res)
	failure := string(e.sent[len(e.sent)-1][4:])
	if !strings.HasPrefix(failure, "E=691 R=1 C=5B5D7C7D7B3F2F3E3C2C602132262628 V=3 M=") ||
		!strings.HasSuffix(got, "start timer 1m0s") {
		t.Fatalf("%s, %q", got, failure)
	}
	e.receive(responseV2)
	_, res = login.Start(t.Context(), e.asked.Request(aaa.Request{Service: aaa.PPP, TTY: 65}))
	e.answer(res)
	if last := e.sent[len(e.sent)-1]; e.a.State() != auth.Passed || last[0] != 3 ||
		!strings.HasPrefix(string(last[4:]), "S=407A5589115FD0D6209F510FE9C04566932CDA56") {
		t.Errorf("%v, %q", e.a.State(), last)
	}
}
