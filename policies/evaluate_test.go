package policies

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/texts"
	"pgregory.net/rapid"
)

func ptr[T any](v T) *T { return &v }

// site allows callbacks for all services used in the tests and has two places.
var site = Site{
	Places:   map[string]string{"paris": "(840) 22", "bad": "555;ATH"},
	Callback: map[aaa.Service]bool{aaa.EXEC: true, aaa.PPP: true, "ara": true, "": true},
}

func mustNew(t interface{ Fatal(...any) }, ps ...Policy) *Set { return mustServe(t, site, ps...) }

func mustServe(t interface{ Fatal(...any) }, site Site, ps ...Policy) *Set {
	s, err := New(site, ps...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var (
	fixed = aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("84001"), Kind: "Callback-NAS-Prompt"}
	null  = aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("")}
	plain = aaa.Authorization{}
	open  = Policy{NoVerify: true, Numbers: Numbers{From: AnySource(), Allow: []string{"84*"}, Deny: []string{"849*"}},
		Attempts: Attempts{Max: 3, RetryWait: time.Minute}}
)

// trusted is a line with modem signals.
var trusted = Line{Trusted: true}

func with(a aaa.Authorization, f func(*aaa.Authorization)) aaa.Authorization { f(&a); return a }

func TestEvaluate(t *testing.T) {
	off, required := open, open
	off.Callback, required.Callback = Off, Required
	prefixed, silent := site, site
	prefixed.Plan.TrunkPrefixes, silent.Callback = []string{"9,"}, nil
	for _, tt := range []struct {
		name   string
		policy *Policy // nil: no policy files
		auth   aaa.Authorization
		r      Request // the rest of the request
		site   *Site   // nil: site
		want   Outcome
		number string
		reason string // a part of it that must occur
		text   texts.Key
	}{
		{name: "no callback demanded", auth: plain, want: Admit, reason: "requires no callback"},
		{name: "fixed number without policy files", auth: fixed, want: CallBack, number: "84001", reason: "at 84001"},
		{name: "NULL without policy files", auth: null, want: Refuse, reason: "but group default does not",
			text: texts.RefusedCallback},
		{name: "a grant that cannot be honored", policy: &open,
			auth: with(fixed, func(a *aaa.Authorization) { a.Refuse = "PPP is not served" }), want: Refuse,
			reason: "PPP is not served", text: texts.RefusedAccess},
		{name: "that on leg two", auth: aaa.Authorization{Refuse: "x"}, r: Request{Leg: 2}, want: Refuse,
			reason: "cannot be honored: x"},
		{name: "leg two causes no callback", policy: &open, auth: fixed, r: Request{Leg: 2}, want: Admit,
			reason: "the call that the callback made"},
		{name: "leg two, NULL", policy: &open, auth: null, r: Request{Leg: 2}, want: Admit},
		{name: "leg two where a callback is required", policy: &required, auth: plain, r: Request{Leg: 2}, want: Admit},
		{name: "leg three", policy: &open, auth: plain, r: Request{Leg: 3}, want: Refuse,
			reason: "only the legs 1 and 2"},
		{name: "switched off", policy: &open, auth: fixed, site: &silent, want: Refuse,
			reason: "exec.callback is false", text: texts.RefusedCallback},
		{name: "switched off, nothing demanded", policy: &open, auth: plain, site: &silent, want: Admit},
		{name: "policy off", policy: &off, auth: fixed, want: Refuse, reason: "group default does not allow one",
			text: texts.RefusedCallback},
		{name: "policy off, nothing demanded", policy: &off, auth: plain, want: Admit},
		{name: "required, nothing demanded", policy: &required, auth: plain, want: Refuse,
			reason: "requires a callback", text: texts.RefusedCallback},
		{name: "required, a number", policy: &required, auth: fixed, want: CallBack, number: "84001"},
		{name: "required and switched off", policy: &required, auth: plain, site: &silent, want: Refuse},
		{name: "unknown mode", policy: &Policy{Callback: "of"}, auth: fixed, want: Refuse},

		{name: "demanded without a number", policy: &open, auth: aaa.Authorization{Callback: true}, want: Refuse,
			reason: "gives no number", text: texts.RefusedCallback},
		{name: "a number without a demand", policy: &open,
			auth: aaa.Authorization{Dialstring: aaa.DialstringOf("84001")}, want: CallBack, number: "84001"},
		{name: "denied fixed number", policy: &open,
			auth: with(fixed, func(a *aaa.Authorization) { a.Dialstring = aaa.DialstringOf("84901") }), want: Refuse,
			reason: `deny "849*"`, text: texts.RefusedCallback},
		{name: "fixed number that no list names", policy: &open,
			auth: with(fixed, func(a *aaa.Authorization) { a.Dialstring = aaa.DialstringOf("555-1234") }),
			want: CallBack, number: "5551234"},
		{name: "AAA sends a command", policy: &open,
			auth: with(fixed, func(a *aaa.Authorization) { a.Dialstring = aaa.DialstringOf("5551234;ATH") }),
			want: Refuse, reason: "';' at position 8", text: texts.RefusedCallback},
		{name: "AAA sends an emergency number", policy: &open,
			auth: with(fixed, func(a *aaa.Authorization) { a.Dialstring = aaa.DialstringOf("9-1-1") }), want: Refuse,
			reason: `emergency number "911*"`},
		{name: "after a trunk prefix", policy: &open,
			auth: with(fixed, func(a *aaa.Authorization) { a.Dialstring = aaa.DialstringOf("9,911") }), site: &prefixed,
			want: Refuse, reason: "emergency"},
		{name: "trunk prefix", policy: &open,
			auth: with(fixed, func(a *aaa.Authorization) { a.Dialstring = aaa.DialstringOf("9,84001") }),
			site: &prefixed, want: CallBack, number: "84001"},
		{name: "a typed number does not replace a fixed one", policy: &open, auth: fixed,
			r: Request{FromCaller: ptr("84007")}, want: CallBack, number: "84001"},

		{name: "place", policy: &open, auth: aaa.Authorization{Callback: true, CallbackID: "paris"}, want: CallBack,
			number: "84022"},
		{name: "place without policy files", auth: aaa.Authorization{Callback: true, CallbackID: "paris"},
			want: CallBack, number: "84022"},
		{name: "place and NULL", policy: &open, auth: with(null, func(a *aaa.Authorization) { a.CallbackID = "paris" }),
			want: CallBack, number: "84022"},
		{name: "unknown place", policy: &open, auth: aaa.Authorization{Callback: true, CallbackID: "rome\x1b"},
			want: Refuse, reason: `"rome\x1b" is not a known place`, text: texts.RefusedCallback},
		{name: "place with a command", policy: &open, auth: aaa.Authorization{Callback: true, CallbackID: "bad"},
			want: Refuse, reason: "';' at position 4"},
		{name: "place and number", policy: &open,
			auth: with(fixed, func(a *aaa.Authorization) { a.CallbackID = "paris" }), want: Refuse,
			reason: "both a number and a Callback-Id"},

		{name: "NULL asks", policy: &open, auth: null, want: AskNumber, reason: "lets the caller choose the number"},
		{name: "typed", policy: &open, auth: null, r: Request{FromCaller: ptr("84007")}, want: CallBack,
			number: "84007"},
		{name: "typed badly", policy: &open, auth: null, r: Request{FromCaller: ptr("84-007")}, want: InvalidNumber,
			reason: "'-' at position 3", text: texts.RefusedNumberDigits},
		{name: "typed nothing", policy: &open, auth: null, r: Request{FromCaller: ptr("")}, want: InvalidNumber,
			reason: "empty", text: texts.RefusedNumberDigits},
		{name: "typed a denied number", policy: &open, auth: null, r: Request{FromCaller: ptr("84901")},
			want: InvalidNumber, reason: `deny "849*"`, text: texts.RefusedNumberDenied},
		{name: "typed a number that is not allowed", policy: &open, auth: null, r: Request{FromCaller: ptr("5551234")},
			want: InvalidNumber, reason: "must match an allow pattern", text: texts.RefusedNumberDenied},
		{name: "typed an emergency number",
			policy: &Policy{Numbers: Numbers{From: AnySource(), Allow: []string{"*", "911"}}}, auth: null,
			r: Request{FromCaller: ptr("911")}, want: InvalidNumber, reason: "emergency",
			text: texts.RefusedNumberDenied},
		{name: "typed unasked", auth: null, r: Request{FromCaller: ptr("84007")}, want: Refuse},
		{name: "from_caller without an allow list rejects all numbers",
			policy: &Policy{Numbers: Numbers{From: AnySource()}},
			auth:   null, r: Request{FromCaller: ptr("84007")}, want: InvalidNumber},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var all []Policy
			if tt.policy != nil {
				all = append(all, *tt.policy)
			}
			s := mustServe(t, *cmp.Or(tt.site, &site), all...)
			r := tt.r
			r.Auth, r.Service = tt.auth, aaa.EXEC
			r.Identity = aaa.Identity{Entry: "radius", User: "austin-01"}
			d, trace := s.Evaluate(r)
			if d.Outcome != tt.want || d.Number.String() != tt.number || !strings.Contains(d.Reason, tt.reason) ||
				tt.text != "" && d.Text != tt.text ||
				(d.Outcome == Refuse || d.Outcome == InvalidNumber) != (d.Text != "") {
				t.Errorf("%+v\n%s", d, trace)
			}
			if d.Group != DefaultGroup || len(d.Digest) != 64 || d.Reason == "" {
				t.Errorf("group %q, digest %q, reason %q", d.Group, d.Digest, d.Reason)
			}
			if last := trace[len(trace)-1]; !strings.Contains(last.Result, d.Reason) {
				t.Errorf("the trace ends in %q and not in the reason %q", last.Result, d.Reason)
			}
		})
	}
}

func TestNoVerify(t *testing.T) {
	for _, tt := range []struct {
		aaa, policy bool
		service     aaa.Service
		want        bool
	}{
		{true, true, aaa.EXEC, true},
		{true, true, "ara", true},
		{true, true, aaa.PPP, false}, // law 5: EXEC and ARA only
		{true, true, "", false},
		{true, false, aaa.EXEC, false},
		{false, true, aaa.EXEC, false},
	} {
		s := mustNew(t, Policy{NoVerify: tt.policy})
		d, _ := s.Evaluate(Request{Auth: with(fixed, func(a *aaa.Authorization) { a.NoVerify = tt.aaa }),
			Service: tt.service})
		if d.Outcome != CallBack || d.NoVerify != tt.want {
			t.Errorf("%+v: %+v", tt, d)
		}
	}
	if d, _ := mustNew(t).Evaluate(Request{Auth: with(fixed, func(a *aaa.Authorization) { a.NoVerify = true }),
		Service: aaa.EXEC}); d.Outcome != CallBack || d.NoVerify {
		t.Error("the built-in policy skips the second login")
	}
}

func TestGroups(t *testing.T) {
	s := mustNew(t, Policy{Group: "default"}, Policy{Group: "staff", Users: []string{"kim"}}, Policy{Group: "night"})
	for _, tt := range []struct {
		user  string
		hints []string
		want  string
	}{
		{"kim", nil, "staff"},
		{"kim", []string{"night"}, "staff"}, // the operator's file takes precedence over AAA's hint
		{"lee", []string{"ghosts", "night", "staff"}, "night"},
		{"lee", []string{"ghosts"}, "default"},
		{"", nil, "default"},
	} {
		d, trace := s.Evaluate(Request{Identity: aaa.Identity{User: tt.user},
			Auth: aaa.Authorization{Groups: tt.hints}})
		if d.Group != tt.want || trace[0].Rule != "group" ||
			!strings.HasPrefix(trace[0].Result, "policy of group "+tt.want+": ") {
			t.Errorf("%s %q: group %s (%v), want %s", tt.user, tt.hints, d.Group, trace[0], tt.want)
		}
	}
	if _, err := New(site, Policy{Group: "a", Users: []string{"kim"}},
		Policy{Group: "b", Users: []string{"kim"}}); err == nil ||
		!strings.Contains(err.Error(), `user "kim" is claimed by the groups "a" and "b"`) {
		t.Error(err)
	}
	if _, err := New(site, Policy{}, Policy{Group: "default"}); err == nil {
		t.Error("two policies of one group are accepted")
	}
	if w := mustNew(t, Policy{Group: "a"}).Warnings(); len(w) != 1 ||
		!strings.Contains(w[0], "no policy file for the group default") {
		t.Error(w)
	}
	for _, s := range []*Set{nil, {}, mustNew(t)} {
		if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0], "no policy files") {
			t.Errorf("%q", w)
		}
	}
	if w := mustNew(t, Policy{}).Warnings(); len(w) != 0 {
		t.Error(w)
	}
}

func TestDigest(t *testing.T) {
	a, b := open, open
	a.Users, b.Users = []string{"x", "y"}, []string{"y", "x"}
	if a.Digest() != b.Digest() {
		t.Error("the order of users changes the digest")
	}
	if (Policy{}).Digest() != (Policy{Group: "default", Callback: Optional,
		Attempts: Attempts{Max: 1, RetryWait: 30 * time.Second}}).Digest() {
		t.Error("an explicit default changes the digest")
	}
	c := open
	c.Numbers.Deny = nil
	if c.Digest() == open.Digest() || mustNew(t, c).Digest() == mustNew(t, open).Digest() {
		t.Error("a removed deny list does not change the digest")
	}
	const want = `group: "default"
users: []
callback: optional
no_verify: deny
numbers.from_caller: deny
numbers.allow: []
numbers.deny: []
attempts.max: 1
attempts.retry_wait: 30s
`
	if got := (Policy{}).Canonical(); got != want {
		t.Errorf("%s", got)
	}
}

func TestTraceForms(t *testing.T) {
	s := mustNew(t, open)
	_, trace := s.Evaluate(Request{Identity: aaa.Identity{User: "austin-02"}, Auth: null, Service: aaa.EXEC,
		FromCaller: ptr("84007")})
	const want = ` 1  group              user "austin-02"                                                 policy of group default: no other group claims this user
 2  authorization      no Service-Type                                                  can be honored
 3  leg                leg 1                                                            the caller's own call
 4  callback demanded  AAA requires callback: yes                                       continue
 5  callback enabled   exec.callback true                                               continue
 6  callback policy    callback: optional                                               continue
 7  number from        dialstring NULL, Callback-Id "", from: [aaa, caller, caller_id]  the caller gave it
 8  number plan        "84007"                                                          84007
 9  emergency numbers  84007                                                            not an emergency number
10  number lists       84007 from caller                                                allow "84*" is the longest match
11  sessions           0 sessions, no Port-Limit                                        one more is allowed
12  no_verify          AAA: no, policy: allow, service exec                             second login required
13  line               AAA gives no line or rotary                                      any line of the called line's rotary
14  attempts           max 3, retry_wait 1m0s                                           call back: at 84007, allowed by group default
`
	if got := trace.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	j, err := json.Marshal(trace[:2])
	if err != nil ||
		string(j) != `[{"rule":"group","input":"user \"austin-02\"","result":"policy of group default: no other group claims this user"},{"rule":"authorization","input":"no Service-Type","result":"can be honored"}]` {
		t.Errorf("%s, %v", j, err)
	}
}

func TestAttemptsJSON(t *testing.T) {
	d := Decision{Outcome: CallBack, Attempts: Attempts{Max: 3, RetryWait: 90 * time.Second}}
	b, err := json.Marshal(d)
	if err != nil || !strings.Contains(string(b), `"attempts":{"max":3,"retry_wait":"1m30s"}`) {
		t.Fatalf("%s, %v", b, err)
	}
	var back Decision
	if err := json.Unmarshal(b, &back); err != nil || back.Attempts != d.Attempts {
		t.Errorf("%+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"attempts":{"max":3,"retry_wait":"soon"}}`), &back); err == nil {
		t.Error("an invalid wait is accepted")
	}
}

// The text for the caller contains no policy, server or number.
func TestCallersTextLeaksNothing(t *testing.T) {
	for _, key := range []texts.Key{texts.RefusedAccess, texts.RefusedCallback, texts.RefusedNumberDigits,
		texts.RefusedNumberUnreadable, texts.RefusedPlace, texts.RefusedNumberDenied} {
		text := key.English()
		for _, leak := range []string{"group", "policy", "AAA", "RADIUS", "84", "deny", "emergency", "place"} {
			if strings.Contains(text, leak) {
				t.Errorf("%q reveals %q", text, leak)
			}
		}
	}
}

func TestDecisionJSON(t *testing.T) {
	d, _ := mustNew(t, open).Evaluate(Request{Auth: with(fixed,
		func(a *aaa.Authorization) { a.Lines, a.Rotary = []int{7}, ptr(3) }), Service: aaa.EXEC})
	j, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back Decision
	if err := json.Unmarshal(j, &back); err != nil || !reflect.DeepEqual(back, d) {
		t.Errorf("%s\n%+v\n%+v", j, d, back)
	}
	if d.Lines[0] != 7 || *d.Rotary != 3 || d.Attempts != (Attempts{Max: 3, RetryWait: time.Minute}) {
		t.Errorf("%+v", d)
	}
}

// Law 4: whatever AAA and the caller send, no decision allows more than the group's policy.
func TestNothingWidens(t *testing.T) {
	pattern := rapid.StringMatching(`[0-4]{1,3}\*?`)
	raw := rapid.OneOf(rapid.StringMatching(`[0-4]{1,6}`), rapid.StringMatching(`9,[0-4 .()-]{1,8}`),
		rapid.SampledFrom([]string{"", "112", "9,112", "555;ATH"}), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{
			Callback: rapid.SampledFrom([]CallbackMode{"", Off, Optional, Required, Secure}).Draw(t, "callback"),
			NoVerify: rapid.Bool().Draw(t, "no_verify"),
			Numbers: Numbers{From: anySources.Draw(t, "from"),
				Allow: rapid.SliceOfN(pattern, 0, 4).Draw(t, "allow"),
				Deny:  rapid.SliceOfN(pattern, 0, 4).Draw(t, "deny"), List: anyList.Draw(t, "list")},
			Attempts:  Attempts{Max: rapid.IntRange(0, 10).Draw(t, "max")},
			OnRequest: rapid.Bool().Draw(t, "on_request"), OnRing: rapid.Bool().Draw(t, "on_ring"),
			Services: Services{rapid.Bool().Draw(t, "no exec"), rapid.Bool().Draw(t, "no ppp")},
		}
		a := aaa.Authorization{Callback: rapid.Bool().Draw(t, "demanded"), NoVerify: rapid.Bool().Draw(t, "noverify"),
			ServiceType: rapid.IntRange(0, 20).Draw(t, "st"), PrivLevel: rapid.IntRange(0, 15).Draw(t, "priv"),
			Groups:     rapid.SliceOf(rapid.String()).Draw(t, "groups"),
			CallbackID: rapid.SampledFrom([]string{"", "paris", "rome"}).Draw(t, "id"),
			Refuse:     rapid.SampledFrom([]string{"", "", "", "no"}).Draw(t, "refuse")}
		if rapid.Bool().Draw(t, "set") {
			a.Dialstring = aaa.DialstringOf(raw.Draw(t, "dialstring"))
		}
		r := Request{Auth: a, Service: rapid.SampledFrom([]aaa.Service{aaa.EXEC, aaa.PPP, "ara"}).Draw(t, "service"),
			Leg: rapid.IntRange(1, 2).Draw(t, "leg")}
		r.Identity.User = rapid.SampledFrom([]string{"kim", "lee"}).Draw(t, "user")
		enabled := rapid.Bool().Draw(t, "enabled")
		site := Site{Places: map[string]string{"paris": raw.Draw(t, "paris")},
			Plan: numbers.Plan{TrunkPrefixes: []string{"9,"}}, Callback: map[aaa.Service]bool{r.Service: enabled}}
		if rapid.Bool().Draw(t, "typed") {
			r.FromCaller = ptr(raw.Draw(t, "number"))
		}
		r.Place = rapid.SampledFrom([]string{"", "paris", "rome"}).Draw(t, "place")
		d, trace := mustServe(t, site, p).Evaluate(r)
		switch {
		case len(trace) == 0 || len(trace) > len(rules):
			t.Fatalf("trace of %d steps", len(trace))
		case a.Refuse != "" && d.Outcome != Refuse:
			t.Fatalf("a refused authorization ends in %s", d.Outcome)
		case r.Leg == 2 && d.Outcome == CallBack:
			t.Fatal("a callback causes a callback")
		case d.Secure != (p.Callback == Secure && r.Leg == 1) || d.Secure && d.Text != texts.CallbackSecure:
			t.Fatal("the caller would learn of the decision")
		case d.Secure && d.Outcome != Refuse && (d.Outcome != CallBack || d.Origin == numbers.OriginCaller):
			t.Fatal("called back at another number than that of AAA, or asked")
		case r.Leg == 1 && d.Outcome == Admit && (p.required() || a.Callback || a.Dialstring.IsSet() ||
			a.CallbackID != ""):
			t.Fatal("admitted without the callback")
		case d.Outcome != CallBack:
			if d.MayDecline && (p.required() || d.Outcome != AskNumber) {
				t.Fatalf("%s may be declined", d.Outcome)
			}
			if !d.Number.IsZero() || d.NoVerify {
				t.Fatalf("%s with the number %q", d.Outcome, d.Number)
			}
			return
		}
		switch {
		case r.Service == aaa.EXEC && p.Services.NoEXEC, r.Service == aaa.PPP && p.Services.NoPPP:
			t.Fatal("called back for a denied service")
		case !enabled || p.Callback == Off:
			t.Fatal("called back although callbacks are off")
		case d.NoVerify && !(p.NoVerify && a.NoVerify && r.Service != aaa.PPP):
			t.Fatal("no-verify is not both granted and allowed")
		case d.Origin == numbers.OriginAAA && p.Numbers.From != nil && !slices.Contains(p.Numbers.From, "aaa"):
			t.Fatal("AAA's number, which is not in from")
		case d.Origin == numbers.OriginCaller && (!slices.Contains(p.Numbers.From, "caller") &&
			!slices.Contains(p.Numbers.From, "caller_list") || !a.Dialstring.IsNull() &&
			!(d.OnRequest && p.OnRequest && r.Service == aaa.PPP)):
			t.Fatal("the caller chose a number without permission")
		case d.OnRequest && (a.Callback || a.Dialstring.IsSet()):
			t.Fatal("a callback that AAA requires counts as requested")
		case !naive(p.Numbers, d.Number, d.Origin, r.Identity.User):
			t.Fatalf("%s is denied by %+v", d.Number, p.Numbers)
		case strings.Trim(d.Number.String(), "0123456789") != "" || d.Number.IsZero() || len(d.Number.String()) > 15 ||
			strings.HasPrefix(d.Number.String(), "112"):
			t.Fatalf("number %q", d.Number)
		case d.Attempts.Max > max(p.Attempts.Max, 1):
			t.Fatalf("%d attempts", d.Attempts.Max)
		}
	})
}

// A zero Set, and a configuration that enables callbacks for no service, call nobody back.
func TestNoSite(t *testing.T) {
	for name, s := range map[string]*Set{"nil": nil, "zero": {}, "no services": mustServe(t, Site{}, open)} {
		if d, _ := s.Evaluate(Request{Auth: fixed, Service: aaa.EXEC}); d.Outcome != Refuse ||
			!strings.Contains(d.Reason, "exec.callback is false") {
			t.Errorf("%s: %+v", name, d)
		}
		if d, _ := s.Evaluate(Request{Auth: plain, Service: aaa.EXEC}); d.Outcome != Admit {
			t.Errorf("%s, without a demand: %+v", name, d)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	s := mustNew(b, open)
	r := Request{Identity: aaa.Identity{User: "austin-01"}, Auth: fixed, Service: aaa.EXEC}
	for b.Loop() {
		if d, _ := s.Evaluate(r); d.Outcome != CallBack {
			b.Fatal(d)
		}
	}
}
