package policies

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/texts"
)

// A denied service has no callback, on request or required, now or when it is checked again; the other one has.
func TestServices(t *testing.T) {
	wide := open
	wide.OnRequest = true
	noEXEC, noPPP, required := wide, wide, wide
	noEXEC.Services.NoEXEC, noPPP.Services.NoPPP, required.Services.NoPPP = true, true, true
	required.Callback = Required
	for _, tt := range []struct {
		name    string
		policy  Policy
		service aaa.Service
		auth    aaa.Authorization
		want    Outcome
	}{
		{"exec denied, EXEC", noEXEC, aaa.EXEC, fixed, Refuse},
		{"exec denied, EXEC, none required", noEXEC, aaa.EXEC, plain, Admit},
		{"exec denied, PPP", noEXEC, aaa.PPP, fixed, CallBack},
		{"exec denied, PPP, on request", noEXEC, aaa.PPP, plain, CallBack},
		{"ppp denied, PPP", noPPP, aaa.PPP, fixed, Refuse},
		{"ppp denied, PPP, NULL", noPPP, aaa.PPP, null, Refuse},
		{"ppp denied, PPP, none required", noPPP, aaa.PPP, plain, Admit},
		{"ppp denied, EXEC", noPPP, aaa.EXEC, fixed, CallBack},
		{"ppp denied and a callback required", required, aaa.PPP, plain, Refuse},
	} {
		r := Request{Auth: tt.auth, Service: tt.service, FromCaller: ptr("84007")}
		d, trace := mustNew(t, tt.policy).Evaluate(r)
		if d.Outcome != tt.want || d.Outcome == Refuse && d.Text != texts.RefusedCallback {
			t.Errorf("%s: %+v\n%s", tt.name, d, trace)
		}
		then, _ := mustNew(t, wide).Evaluate(r)
		if then.Outcome != CallBack {
			continue
		}
		r.FromCaller, r.Promised = nil, &then
		again, trace := mustNew(t, tt.policy).Evaluate(r)
		if (again.Outcome == CallBack) != (tt.want == CallBack) {
			t.Errorf("%s, again: %+v\n%s", tt.name, again, trace)
		}
	}
}

// Law 6: a denied service is no way around the callback that it requires.
func TestDeniedServiceOnLegTwo(t *testing.T) {
	p := open
	p.Services.NoPPP = true
	d, trace := mustNew(t, p).Evaluate(Request{Auth: fixed, Service: aaa.PPP, Leg: 2, CalledBack: number("84001")})
	if d.Outcome != Refuse || d.Text != texts.RefusedAccess || !strings.Contains(d.Reason, "services.ppp is deny") {
		t.Errorf("%+v\n%s", d, trace)
	}
}
