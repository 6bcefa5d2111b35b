package policies

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/texts"
)

// TestCallerID: the calling number is dialed only if the group lets callers choose and its lists allow the
// number.
func TestCallerID(t *testing.T) {
	deny := open
	deny.Numbers = Numbers{Allow: []string{"84*"}}
	ani := aaa.Authorization{Callback: true, CallerID: true}
	for _, tt := range []struct {
		name   string
		policy *Policy
		auth   aaa.Authorization
		caller string
		want   Outcome
		reason string
	}{
		{"allowed", &open, ani, "84007", CallBack, "at 84007"},
		{"AAA forgets the demand", &open, aaa.Authorization{CallerID: true}, "84007", CallBack, "at 84007"},
		{"no policy files", nil, ani, "84007", Refuse, "does not allow one (caller_id)"},
		{"callers may not choose", &deny, ani, "84007", Refuse, "does not allow one (caller_id)"},
		{"unknown", &open, ani, "", Refuse, "it is unknown"},
		{"denied", &open, ani, "84901", Refuse, `deny "849*"`},
		{"not allowed", &open, ani, "5551234", Refuse, "must match an allow pattern"},
		{"an emergency number", &Policy{Numbers: Numbers{From: AnySource(), Allow: []string{"*"}}}, ani, "911", Refuse,
			"emergency"},
		{"a forged command", &open, ani, "84007;ATH", Refuse, "is not a digit"},
		{"a plus", &open, ani, "+84007", Refuse, "is not a digit"},
		{"and a number", &open, with(ani, func(a *aaa.Authorization) { a.Dialstring = aaa.DialstringOf("84001") }),
			"84007", Refuse, "both a number and a callback to the caller ID"},
		{"and a place", &open, with(ani, func(a *aaa.Authorization) { a.CallbackID = "paris" }), "84007", Refuse,
			"both a number and a callback to the caller ID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := mustNew(t)
			if tt.policy != nil {
				s = mustNew(t, *tt.policy)
			}
			d, trace := s.Evaluate(Request{Auth: tt.auth, Service: aaa.EXEC, Caller: tt.caller, Line: trusted})
			if d.Outcome != tt.want || !strings.Contains(d.Reason, tt.reason) || tt.want == CallBack &&
				(d.Origin != numbers.OriginCallerID || d.Number.String() != tt.caller) {
				t.Errorf("%+v\n%s", d, trace)
			}
			if tt.want != CallBack {
				return
			}
			if now, _ := s.Evaluate(Request{Auth: tt.auth, Service: aaa.EXEC, Promised: &d}); now.Outcome != CallBack ||
				now.Number != d.Number || now.Origin != numbers.OriginCallerID {
				t.Errorf("recheck: %+v", now)
			}
			tighter := mustNew(t, deny)
			if now, _ := tighter.Evaluate(Request{Auth: tt.auth, Service: aaa.EXEC,
				Promised: &d}); now.Outcome != Refuse {
				t.Errorf("recheck after callers may no longer choose: %+v", now)
			}
		})
	}
}

// TestGroupHints: the trace reports which hint of AAA chose the group, and which hints have no policy.
func TestGroupHints(t *testing.T) {
	s := mustNew(t, Policy{Group: "staff", Users: []string{"root"}}, Policy{Group: "guests"}, Policy{Group: "default"})
	for _, tt := range []struct {
		user  string
		hints []string
		group string
		want  string
	}{
		{"a", []string{"nosuch", "guests", "staff"}, "guests",
			`AAA's group hint "guests"; no policy for AAA's group hints ["nosuch"]`},
		{"a", []string{"staff\x1b"}, "default",
			`no other group claims this user; no policy for AAA's group hints ["staff\x1b"]`},
		{"root", []string{"guests"}, "staff", "the group lists this user"},
		{"a", nil, "default", "no other group claims this user"},
	} {
		d, trace := s.Evaluate(Request{Identity: aaa.Identity{User: tt.user},
			Auth: aaa.Authorization{Groups: tt.hints}})
		if d.Group != tt.group || trace[0].Result != "policy of group "+tt.group+": "+tt.want {
			t.Errorf("%s %q: group %s, %q", tt.user, tt.hints, d.Group, trace[0].Result)
		}
	}
}

// TestReauthorized: AAA's grant right before the dial narrows the promised callback and never widens it.
func TestReauthorized(t *testing.T) {
	reauth := open
	reauth.Reauthorize = true
	s := mustNew(t, reauth)
	promise := func(auth aaa.Authorization, typed *string, caller string) Decision {
		d, trace := s.Evaluate(Request{Auth: auth, Service: aaa.EXEC, FromCaller: typed, Caller: caller,
			Line: trusted})
		if d.Outcome != CallBack || !d.Reauthorize {
			t.Fatalf("no promise: %+v\n%s", d, trace)
		}
		return d
	}
	verified := with(fixed, func(a *aaa.Authorization) { a.NoVerify = true })
	onLine := with(fixed, func(a *aaa.Authorization) { a.Lines = []int{65} })
	onRotary := with(fixed, func(a *aaa.Authorization) { a.Rotary = ptr(3) })
	byPlace := aaa.Authorization{Callback: true, CallbackID: "paris"}
	ani := aaa.Authorization{Callback: true, CallerID: true}
	other := with(fixed, func(a *aaa.Authorization) { a.Dialstring = aaa.DialstringOf("84002") })
	for _, tt := range []struct {
		name   string
		then   Decision
		now    aaa.Authorization
		want   Outcome
		reason string
	}{
		{"the same", promise(fixed, nil, ""), fixed, CallBack, ""},
		{"another number", promise(fixed, nil, ""), other, Refuse, "the number changed"},
		{"no callback any more", promise(fixed, nil, ""), plain, Refuse, "no longer requires"},
		{"left to the caller", promise(fixed, nil, ""), null, Refuse, "no longer gives the number"},
		{"typed, and still the caller's", promise(null, ptr("84007"), ""), null, CallBack, ""},
		{"typed, and fixed now", promise(null, ptr("84007"), ""), fixed, Refuse, "the number changed"},
		{"the same place", promise(byPlace, nil, ""), byPlace, CallBack, ""},
		{"a place that moved", promise(byPlace, nil, ""), fixed, Refuse, "the number changed"},
		{"the caller ID", promise(ani, nil, "84007"), ani, CallBack, ""},
		{"on a certain line now", promise(fixed, nil, ""), onLine, Refuse, "the line"},
		{"on another rotary now", promise(fixed, nil, ""), onRotary, Refuse, "the line"},
		{"the same line", promise(onLine, nil, ""), onLine, CallBack, ""},
		{"no line named any more", promise(onLine, nil, ""), fixed, CallBack, ""},
		{"cannot be honored", promise(fixed, nil, ""), with(fixed, func(a *aaa.Authorization) { a.Refuse = "x" }),
			Refuse, "cannot be honored"},
		{"no-verify only now", promise(fixed, nil, ""), verified, CallBack, ""},
		{"no-verify no more", promise(verified, nil, ""), fixed, CallBack, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now, trace := s.Evaluate(Request{Auth: tt.now, Service: aaa.EXEC, Caller: "84007", Line: trusted,
				Promised: &tt.then, Renewed: true})
			if now.Outcome != tt.want || tt.reason != "" && !strings.Contains(now.Reason, tt.reason) {
				t.Fatalf("%+v\n%s", now, trace)
			}
			if now.Outcome == CallBack && (now.Number != tt.then.Number || now.NoVerify &&
				!(tt.then.NoVerify && tt.now.NoVerify) || len(now.Lines) != len(tt.then.Lines)) {
				t.Errorf("wider than promised: %+v", now)
			}
		})
	}
	if d, _ := s.Evaluate(Request{Auth: fixed, Service: aaa.EXEC, Promised: &Decision{Outcome: Admit},
		Renewed: true}); d.Outcome != Refuse {
		t.Error("a callback that was never decided")
	}
	if a, b := (Policy{}).Digest(), (Policy{Reauthorize: true}).Digest(); a == b {
		t.Error("the digest hides reauthorize")
	}
	p, problems := Parse("g.yaml", []byte("group: g\nreauthorize: before_dial\n"))
	if problems.HasErrors() || !p.Reauthorize {
		t.Error(p, problems)
	}
}

// TestUntrustedCaller: a caller on a line without modem signals can write any calling number. It is not dialed,
// even if AAA requests that right before the dial.
func TestUntrustedCaller(t *testing.T) {
	s := mustNew(t, open)
	r := Request{Auth: aaa.Authorization{Callback: true, CallerID: true}, Service: aaa.EXEC, Caller: "84007",
		Line: trusted}
	then, _ := s.Evaluate(r)
	if then.Outcome != CallBack {
		t.Fatalf("%+v", then)
	}
	r.Line.Trusted = false
	for name, f := range map[string]func() (Decision, Trace){
		"at the login": func() (Decision, Trace) { return s.Evaluate(r) },
		"at the dial": func() (Decision, Trace) {
			again := r
			again.Promised, again.Renewed = &then, true
			return s.Evaluate(again)
		},
	} {
		if d, _ := f(); d.Outcome != Refuse || !d.Number.IsZero() || d.Text != texts.RefusedCallback ||
			!strings.Contains(d.Reason, "no modem signals") {
			t.Errorf("%s: %+v", name, d)
		}
	}
	r.Auth = aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("84007")}
	if d, _ := s.Evaluate(r); d.Outcome != CallBack {
		t.Errorf("AAA's own number: %+v", d)
	}
}
