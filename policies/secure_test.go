package policies

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/texts"
)

// With callback: secure only numbers that AAA fixed are called, whatever other sources a policy has, and each decision
// on leg one is for the operator alone.
func TestSecure(t *testing.T) {
	guarded := open
	guarded.Callback, guarded.OnRequest = Secure, true
	noAAA := guarded
	noAAA.Numbers.From = []Source{FromCaller, FromCallerID}
	ani := aaa.Authorization{Callback: true, CallerID: true}
	for _, tt := range []struct {
		name   string
		policy Policy
		r      Request
		want   Outcome
		reason string
	}{
		{"fixed", guarded, Request{Auth: fixed}, CallBack, "at 84001"},
		{"a place", guarded, Request{Auth: aaa.Authorization{CallbackID: "paris"}}, CallBack, "at 84022"},
		{"NULL", guarded, Request{Auth: null}, Refuse, "does not fix the number"},
		{"NULL, typed", guarded, Request{Auth: null, FromCaller: ptr("84007")}, Refuse, "does not fix the number"},
		{"the calling number", guarded, Request{Auth: ani, Caller: "84007", Line: Line{Trusted: true}}, Refuse,
			"does not fix the number"},
		{"none", guarded, Request{Auth: plain}, Refuse, "requires a callback, but AAA gives none"},
		{"on request", guarded, Request{Auth: plain, Service: aaa.PPP}, Refuse, "but AAA gives none"},
		{"without the source aaa", noAAA, Request{Auth: fixed}, Refuse, "numbers.from of group default has no aaa"},
		{"what cannot be honored", guarded, Request{Auth: aaa.Authorization{Refuse: "x"}}, Refuse, "be honored"},
		{"leg two", guarded, Request{Auth: fixed, Leg: 2}, Admit, "the call that the callback made"},
	} {
		if tt.r.Service == "" {
			tt.r.Service = aaa.EXEC
		}
		d, trace := mustNew(t, tt.policy).Evaluate(tt.r)
		if d.Outcome != tt.want || !strings.Contains(d.Reason, tt.reason) {
			t.Errorf("%s: %s: %s\n%s", tt.name, d.Outcome, d.Reason, trace)
		}
		if secure := tt.r.Leg != 2; d.Secure != secure || (d.Text == texts.CallbackSecure) != secure {
			t.Errorf("%s: %+v", tt.name, d)
		}
	}
}

// A callback at a number that the caller chose is not dialed when the group's policy is secure by now.
func TestRecheckSecure(t *testing.T) {
	guarded := open
	guarded.Callback = Secure
	for _, tt := range []struct {
		r    Request
		want Outcome
	}{
		{Request{Auth: null, Service: aaa.EXEC, FromCaller: ptr("84007")}, Refuse},
		{Request{Auth: fixed, Service: aaa.EXEC}, CallBack},
	} {
		then, _ := mustNew(t, open).Evaluate(tt.r)
		tt.r.Promised = &then
		if d, trace := mustNew(t, guarded).Evaluate(tt.r); d.Outcome != tt.want || d.Secure {
			t.Errorf("%+v\n%s", d, trace)
		}
	}
}

// A caller that several groups claim learns nothing if one of them is secure.
func TestSecureAmongSeveralGroups(t *testing.T) {
	for _, mode := range []CallbackMode{Secure, Required} {
		s := mustNew(t, Policy{Group: "a", Match: Match{Prefixes: []string{"k"}}},
			Policy{Group: "b", Match: Match{Suffixes: []string{"m"}}, Callback: mode})
		d, _ := s.Evaluate(Request{Identity: aaa.Identity{User: "kim"}, Auth: fixed, Service: aaa.EXEC})
		if d.Outcome != Refuse || d.Secure != (mode == Secure) {
			t.Errorf("%s: %+v", mode, d)
		}
	}
}

func TestSecureFile(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"numbers: {from: [aaa]}\n": "",
		"numbers: {from: [aaa, caller], allow: ['84*']}\n": "g.yaml:3:17: numbers.from: callback: secure calls only " +
			"numbers that AAA fixed (write numbers: {from: [aaa]})",
		"numbers: {from_caller: allow, allow: ['84*']}\n": "g.yaml:3:24: numbers.from_caller: callback: secure calls " +
			"only numbers that AAA fixed (write numbers: {from: [aaa]})",
	} {
		_, problems := loadText(map[string]string{"g.yaml": "group: g\ncallback: secure\n" + text})
		var got string
		if len(problems) > 0 {
			got = problems[0].String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
