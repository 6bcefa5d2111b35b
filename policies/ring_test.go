package policies

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
)

// ringing is a policy with callback_on_ring: allow, and a list with two numbers of kim and one of lee.
func ringing() Policy {
	p := open
	p.OnRing, p.NoVerify = true, true
	p.Numbers = Numbers{From: []Source{FromAAA, FromCaller, FromList, FromCallerID}, Allow: []string{"*"},
		List: map[string][]string{"kim": {"84007", "84008"}, "lee": {"84009"}}}
	return p
}

// A call that rings is called back at AAA's number or one of the user's list, never at one that only the calling number
// says, and never without a login. Otherwise it is answered only where AAA requires no callback, or the policy has none
// for it.
func TestRinging(t *testing.T) {
	closed, aaaOnly := ringing(), ringing()
	closed.OnRing, aaaOnly.Numbers.From = false, []Source{FromAAA}
	off := ringing()
	off.Callback = Off
	callerID := aaa.Authorization{Callback: true, CallerID: true}
	noVerify := fixed
	noVerify.NoVerify = true
	for _, tt := range []struct {
		name         string
		policy       Policy
		user, caller string
		auth         aaa.Authorization
		want         Outcome
		number       string // or a part of the reason
	}{
		{"AAA's number", ringing(), "kim", "84055", fixed, CallBack, "84001"},
		{"no_verify", ringing(), "kim", "84055", noVerify, CallBack, "84001"},
		{"no callback required", ringing(), "kim", "84007", plain, Admit, "the call is answered"},
		{"callback_on_ring: deny", closed, "kim", "84007", fixed, Admit, "calls back nobody"},
		{"callback: off", off, "kim", "84007", fixed, Refuse, "does not allow one"},
		{"no user", ringing(), "", "84007", fixed, Refuse, "names no user"},
		{"NULL, in the list", ringing(), "kim", "84008", null, CallBack, "84008"},
		{"NULL, not in the list", ringing(), "kim", "84055", null, CallBack, "84007"},
		{"NULL, another's number", ringing(), "kim", "84009", null, CallBack, "84007"},
		{"NULL, one number", ringing(), "lee", "84055", null, CallBack, "84009"},
		{"NULL, withheld", ringing(), "lee", "", null, CallBack, "84009"},
		{"NULL, no list for the user", ringing(), "max", "84007", null, Refuse, "lists none for user max"},
		{"NULL, only AAA's numbers", aaaOnly, "kim", "84007", null, Refuse, "lists none for user kim"},
		{"calling number, allowed by a pattern only", ringing(), "max", "84007", callerID, Refuse, "lists none"},
		{"calling number, in the list", ringing(), "kim", "84007", callerID, CallBack, "84007"},
		{"calling number, not a number", ringing(), "kim", "84007;ATH", callerID, CallBack, "84007"},
		{"emergency number of AAA", ringing(), "kim", "84007",
			aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("112")}, Refuse, "never dialed"},
	} {
		s := mustServe(t, site, tt.policy)
		r := Request{Identity: aaa.Identity{User: tt.user, Entry: "radius"}, Auth: tt.auth, Service: aaa.EXEC,
			Ringing: true, Caller: tt.caller, Line: Line{Trusted: true}}
		d, trace := s.Evaluate(r)
		if d.Outcome != tt.want || d.NoVerify || d.Number.String() != tt.number &&
			!strings.Contains(d.Reason, tt.number) {
			t.Errorf("%s: %s, number %q, no_verify %v: %s\n%s", tt.name, d.Outcome, d.Number, d.NoVerify, d.Reason,
				trace)
		}
		if r.Line.Trusted = false; tt.want == CallBack {
			if d, _ := s.Evaluate(r); d.Outcome != Refuse || !strings.Contains(d.Reason, "no modem signals") {
				t.Errorf("%s, without modem signals: %s: %s", tt.name, d.Outcome, d.Reason)
			}
		}
	}
}

// Before the dial the same rules apply, with the policy of that moment and AAA's new answer.
func TestRingingRecheck(t *testing.T) {
	then, _ := mustServe(t, site, ringing()).Evaluate(Request{Identity: aaa.Identity{User: "kim"}, Auth: null,
		Service: aaa.EXEC, Ringing: true, Caller: "84008", Line: Line{Trusted: true}})
	if then.Outcome != CallBack || !then.OnRing || then.Origin != numbers.OriginCaller {
		t.Fatalf("%+v", then)
	}
	noList, notNow, shorter := ringing(), ringing(), ringing()
	noList.Numbers.From, notNow.OnRing = []Source{FromAAA, FromCaller, FromCallerID}, false
	shorter.Numbers.List = map[string][]string{"kim": {"84007"}}
	for name, tt := range map[string]struct {
		policy  Policy
		auth    aaa.Authorization
		renewed bool
		want    Outcome
	}{
		"as promised":                {ringing(), null, false, CallBack},
		"asked again":                {ringing(), null, true, CallBack},
		"asked again, caller ID":     {ringing(), aaa.Authorization{Callback: true, CallerID: true}, true, CallBack},
		"asked again, other number":  {ringing(), fixed, true, Refuse},
		"asked again, no callback":   {ringing(), plain, true, Refuse},
		"no list, only patterns":     {noList, null, false, Refuse},
		"the number left the list":   {shorter, null, false, Refuse},
		"callback_on_ring: deny now": {notNow, null, false, Refuse},
	} {
		r := Request{Identity: aaa.Identity{User: "kim"}, Auth: tt.auth, Service: aaa.EXEC, Leg: 2, Caller: "84008",
			Promised: &then, Renewed: tt.renewed, Line: Line{Trusted: true}}
		d, trace := mustServe(t, site, tt.policy).Evaluate(r)
		if d.Outcome != tt.want || d.NoVerify || d.Outcome == CallBack && d.Number != then.Number {
			t.Errorf("%s: %+v\n%s", name, d, trace)
		}
	}
}

// The key needs a ceiling, because a forged number costs an attacker nothing.
func TestOnRingFile(t *testing.T) {
	const limits = "limits: {user: {day: {calls: 4}}}\n"
	for text, want := range map[string]string{
		"callback_on_ring: allow\n" + limits:                                       "",
		"callback_on_ring: deny\n":                                                 "",
		"callback_on_ring: allow\n":                                                "nothing limits them",
		"callback_on_ring: allow\nlimits: {group: {day: {calls: 4}}}\n":            "nothing limits them",
		"callback_on_ring: allow\ncallback: off\n" + limits:                        "callback is off",
		"callback_on_ring: allow\ncallback: secure\n" + limits:                     "after a login only",
		"callback_on_ring: allow\nlimits: {user: {day: {minutes: 999}}}\n":         "nothing limits them",
		"callback_on_ring: allow\ncallback: required\nno_verify: allow\n" + limits: "",
	} {
		_, problems := Parse("g.yaml", []byte("group: g\n"+text))
		if got := fmt.Sprint(problems); len(problems) > 0 != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%q: %v, want %q", text, problems, want)
		}
	}
}
