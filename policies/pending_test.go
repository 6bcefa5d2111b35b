package policies

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringback/ringback/aaa"
)

func TestRecheck(t *testing.T) {
	req := Request{Auth: with(fixed, func(a *aaa.Authorization) { a.NoVerify = true }), Service: aaa.EXEC}
	then, _ := mustNew(t, open).Evaluate(req)
	typed := Request{Auth: null, Service: aaa.EXEC, FromCaller: ptr("84007")}
	thenTyped, _ := mustNew(t, open).Evaluate(typed)
	deny := open
	deny.Numbers.Deny = []string{"84*"}
	noCaller := open
	noCaller.Numbers.From = nil
	verify := open
	verify.NoVerify, verify.Attempts = false, Attempts{Max: 1}
	for _, tt := range []struct {
		name   string
		policy Policy
		r      Request
		d      Decision
		site   Site
		want   Outcome
	}{
		{"the same", open, req, then, site, CallBack},
		{"the same, typed", open, typed, thenTyped, site, CallBack},
		{"the number is denied now", deny, req, then, site, Refuse},
		{"the typed number is denied now", deny, typed, thenTyped, site, Refuse},
		{"callers may not choose any more", noCaller, typed, thenTyped, site, Refuse},
		{"switched off", open, req, then, Site{}, Refuse},
		{"group off", Policy{Callback: Off}, req, then, site, Refuse},
		{"nothing was decided", open, req, Decision{}, site, Refuse},
	} {
		r := tt.r
		r.Promised, r.FromCaller = &tt.d, nil
		if d, trace := mustServe(t, tt.site, tt.policy).Evaluate(r); d.Outcome != tt.want || d.Reason == "" {
			t.Errorf("%s: %+v\n%s", tt.name, d, trace)
		}
	}
	again := req
	again.Promised = &then
	d, _ := mustNew(t, verify).Evaluate(again)
	if d.NoVerify || d.Attempts.Max != 1 || d.Number != number("84001") {
		t.Errorf("a narrower policy: %+v", d)
	}
	narrow, _ := mustNew(t, verify).Evaluate(req)
	again.Promised = &narrow
	if d, _ := mustNew(t, open).Evaluate(again); d.NoVerify || d.Attempts.Max != 1 {
		t.Errorf("a wider policy widens what was decided: %+v", d)
	}
}

// Laws 4 and 6: whatever the files, the configuration and AAA say later, a pending callback is refused or stays
// within its promise.
func TestAgainNeverWidens(t *testing.T) {
	auths := rapid.SampledFrom([]aaa.Authorization{fixed, null, plain, {Callback: true, CallerID: true},
		{Callback: true, CallbackID: "paris"},
		{Callback: true, Dialstring: aaa.DialstringOf("84002"), NoVerify: true},
		{Callback: true, Dialstring: aaa.DialstringOf("84001"), NoVerify: true, Lines: []int{65}},
		{Callback: true, Dialstring: aaa.DialstringOf("84001"), Rotary: ptr(2)},
		{Callback: true, Dialstring: aaa.DialstringOf("84001"), Refuse: "x"}})
	draw := func(t *rapid.T, when string) (*Set, aaa.Authorization) {
		p := Policy{
			Callback: rapid.SampledFrom([]CallbackMode{Optional, Optional, Required, Off}).Draw(t, "callback "+when),
			NoVerify: rapid.Bool().Draw(t, "no_verify "+when),
			Numbers: Numbers{From: anySources.Draw(t, "from "+when), Allow: []string{"84*"},
				List: anyList.Draw(t, "list "+when),
				Deny: rapid.SampledFrom([][]string{nil, {"84007"}, {"84*"}}).Draw(t, "deny "+when)},
			Attempts: Attempts{After: rapid.SampledFrom([]Retries{{}, {Busy: {Never: true}},
				{Busy: {Wait: time.Second}}}).Draw(t, "after "+when), Max: rapid.IntRange(1, 10).Draw(t, "max "+when),
				RetryWait: time.Duration(rapid.IntRange(1, 60).Draw(t, "wait "+when)) * time.Second},
			Reauthorize: rapid.Bool().Draw(t, "reauthorize "+when),
		}
		return mustServe(t, Site{Places: map[string]string{"paris": "84022"},
			Callback: map[aaa.Service]bool{aaa.EXEC: rapid.Bool().Draw(t, "on "+when)}}, p), auths.Draw(t, "auth "+when)
	}
	rapid.Check(t, func(t *rapid.T) {
		s, auth := draw(t, "then")
		r := Request{Auth: auth, Service: aaa.EXEC, FromCaller: ptr("84007"), Caller: "84008", Line: trusted}
		then, _ := s.Evaluate(r)
		s, auth = draw(t, "now")
		r.FromCaller, r.Promised, r.Renewed = nil, &then, rapid.Bool().Draw(t, "renewed")
		if r.Renewed {
			r.Auth = auth
		}
		now, trace := s.Evaluate(r)
		switch {
		case now.Outcome == Refuse:
			if !now.Number.IsZero() || now.NoVerify || now.Reason == "" {
				t.Fatalf("refused with %+v", now)
			}
		case now.Outcome != CallBack || then.Outcome != CallBack:
			t.Fatalf("%s after %s\n%s", now.Outcome, then.Outcome, trace)
		case now.Number != then.Number || now.Origin != then.Origin || now.NoVerify && !then.NoVerify ||
			!reflect.DeepEqual(now.Lines, then.Lines) || !reflect.DeepEqual(now.Rotary, then.Rotary),
			now.Attempts.Max > then.Attempts.Max, now.Attempts.RetryWait < then.Attempts.RetryWait, then.Reauthorize &&
				!now.Reauthorize, now.Attempts.After != then.Attempts.After:
			t.Fatalf("%+v is more than %+v\n%s", now, then, trace)
		}
	})
}
