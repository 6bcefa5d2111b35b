package policies

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/triggers"
)

// triggering is a policy that allows both triggers and typed numbers, with a list of kim's numbers.
func triggering() Policy {
	p := open
	p.Triggers, p.NoVerify = triggers.Kinds(), true
	p.Numbers = Numbers{From: []Source{FromAAA, FromCaller, FromList, FromCallerID}, Allow: []string{"*"},
		List: map[string][]string{"kim": {"84007", "84008"}}}
	return p
}

// A trigger is allowed by the group only, never without a login, and chooses a number only if it is signed.
func TestTrigger(t *testing.T) {
	closed, only := triggering(), triggering()
	closed.Triggers, only.Triggers = nil, []string{"sms"}
	noVerify := fixed
	noVerify.NoVerify = true
	typed := "84055"
	for _, tt := range []struct {
		name, trigger string
		policy        Policy
		auth          aaa.Authorization
		number        *string
		want          Outcome
		says          string // the number, or a part of the reason
	}{
		{"AAA's number", "sms", triggering(), noVerify, nil, CallBack, "84001"},
		{"AAA's number", "missed_call", triggering(), noVerify, nil, CallBack, "84001"},
		{"a group without triggers", "sms", closed, fixed, nil, Refuse, "allows no callback by the trigger sms"},
		{"the other trigger", "missed_call", only, fixed, nil, Refuse, "by the trigger missed_call"},
		{"an unknown trigger", "fax", triggering(), fixed, nil, Refuse, "by the trigger fax"},
		{"NULL, no number signed", "sms", triggering(), null, nil, AskNumber, ""},
		{"NULL, a number signed", "sms", triggering(), null, &typed, CallBack, "84055"},
		{"NULL, the user's list", "missed_call", triggering(), null, nil, CallBack, "84007"},
		{"NULL, a number of a missed call", "missed_call", triggering(), null, &typed, CallBack, "84007"},
		{"the calling number", "missed_call", triggering(), aaa.Authorization{Callback: true, CallerID: true}, nil,
			CallBack, "84007"},
		{"no callback", "sms", triggering(), plain, nil, Admit, ""},
		{"an emergency number", "sms", triggering(),
			aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("112")}, nil, Refuse, "never dialed"},
	} {
		s := mustServe(t, site, tt.policy)
		r := Request{Identity: aaa.Identity{User: "kim", Entry: "radius"}, Auth: tt.auth, Service: aaa.EXEC,
			Trigger: tt.trigger, FromCaller: tt.number, Line: Line{Trusted: true}}
		d, trace := s.Evaluate(r)
		if d.Outcome != tt.want || d.NoVerify || d.Number.String() != tt.says && !strings.Contains(d.Reason, tt.says) {
			t.Errorf("%s, %s: %s, number %q, no_verify %v: %s\n%s", tt.name, tt.trigger, d.Outcome, d.Number,
				d.NoVerify, d.Reason, trace)
		}
		if d.Outcome != CallBack {
			continue
		}
		// Before the dial the same rules apply, with the policy of that moment.
		again := Request{Identity: r.Identity, Auth: tt.auth, Service: aaa.EXEC, Promised: &d, Line: r.Line}
		if now, trace := s.Evaluate(again); now.Outcome != CallBack || now.NoVerify || now.Number != d.Number {
			t.Errorf("%s, again: %s: %s\n%s", tt.name, now.Outcome, now.Reason, trace)
		}
		if now, _ := mustServe(t, site, closed).Evaluate(again); now.Outcome != Refuse {
			t.Errorf("%s, no longer allowed: %s", tt.name, now.Outcome)
		}
	}
}

func TestTriggersNeedCeiling(t *testing.T) {
	for text, want := range map[string]string{
		"triggers: [sms]":         "",
		"triggers: [missed_call]": "nothing limits them",
		"triggers: [missed_call]\nlimits: {user: {hour: {calls: 4}}}": "",
		"callback: off\ntriggers: [sms]":                              "callback is off",
		"callback: secure\ntriggers: [sms]\nnumbers: {from: [aaa]}":   "calls back after a login only",
		"triggers: [fax]": `"fax" is not`,
	} {
		_, problems := Parse("g.yaml", []byte("group: g\n"+text+"\n"))
		if got := fmt.Sprint(problems); len(problems) > 0 != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%q: %v, want %q", text, problems, want)
		}
	}
}
