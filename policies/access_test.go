package policies

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/texts"
)

const vendorFile = "group: vendor\nusers: [acme]\naccess: {window: required, approvals: 2, max: 8h}\n"

// vendorAsks is a request of the vendor's user, whose number AAA has fixed.
func vendorAsks() Request {
	return Request{Identity: aaa.Identity{User: "acme"}, Service: aaa.EXEC, Time: time.Unix(1_000_000, 0),
		Auth: aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("84001")}}
}

func TestRuleAccess(t *testing.T) {
	s := mustLoad(t, map[string]string{"vendor.yaml": vendorFile})
	now := vendorAsks().Time
	open := func(d time.Duration, operators int) map[string]AccessWindow {
		return map[string]AccessWindow{"vendor": {Until: now.Add(d), Operators: operators}}
	}
	for name, tt := range map[string]struct {
		change func(*Request)
		want   Outcome
		reason string
	}{
		"no window": {func(*Request) {}, Refuse, "no access window of group vendor is open"},
		"of another": {func(r *Request) { r.Windows = map[string]AccessWindow{"Vendor": {now.Add(1), 2}} }, Refuse,
			"no access"},
		"open": {func(r *Request) { r.Windows = open(1, 2) }, CallBack, "at 84001"},
		"over": {func(r *Request) { r.Windows = open(0, 2) }, Refuse, "the access window of group vendor is over"},
		"one operator": {func(r *Request) { r.Windows = open(time.Hour, 1) }, Refuse,
			"one operator has opened the access window of group vendor, and two are required"},
		"clock set back": {func(r *Request) { r.Windows, r.Latest = open(time.Hour, 2), now.Add(time.Hour) }, Refuse,
			"is over"},
		"without a callback": {func(r *Request) { r.Auth = aaa.Authorization{} }, Refuse, "no access window"},
		"admitted": {func(r *Request) { r.Auth, r.Windows = aaa.Authorization{}, open(1, 2) }, Admit,
			"no callback"},
		"leg two":       {func(r *Request) { r.Leg = 2 }, Refuse, "no access window"},
		"leg two, open": {func(r *Request) { r.Leg, r.Windows = 2, open(1, 2) }, Admit, ""},
		"pending":       {func(r *Request) { r.Promised = promisedToVendor(t) }, Refuse, "no access window"},
		"pending, open": {func(r *Request) { r.Promised, r.Windows = promisedToVendor(t), open(1, 2) }, CallBack,
			"at 84001"},
	} {
		r := vendorAsks()
		tt.change(&r)
		d, trace := s.Evaluate(r)
		if d.Outcome != tt.want || !strings.Contains(d.Reason, tt.reason) ||
			(d.Outcome == Refuse) != (trace.Decided() == RuleAccess) {
			t.Errorf("%s: %s: %s\n%s", name, d.Outcome, d.Reason, trace)
		}
		if d.Outcome == Refuse && d.Text != texts.RefusedAccess && d.Text != texts.RefusedCallback {
			t.Errorf("%s: the caller reads %q", name, d.Text)
		}
	}
}

// The trace of a decision has the window in which it was made.
func TestTraceWindow(t *testing.T) {
	s := mustLoad(t, map[string]string{"vendor.yaml": vendorFile})
	r := vendorAsks()
	if _, trace := s.Evaluate(r); len(trace) == 0 {
		t.Error("no trace")
	} else if w, ok := trace.Window(); ok {
		t.Errorf("no window is open: %+v", w)
	}
	r.Windows = map[string]AccessWindow{"vendor": {Until: r.Time.Add(time.Millisecond), Operators: 2}}
	_, trace := s.Evaluate(r)
	w, ok := trace.Window()
	if !ok || w.Operators != 2 || !w.Until.After(r.Time) || w.Until.After(r.Time.Add(time.Second)) {
		t.Errorf("%+v %v\n%s", w, ok, trace)
	}
	for _, input := range []string{"", "none", "until then, by 2 of 2 operators", "until 2026-11-02T08:00:00Z, by all",
		"until 2026-11-02T08:00:00Z"} {
		if w, ok := (Trace{{Rule: RuleAccess, Input: input}}).Window(); ok {
			t.Errorf("%q: %+v", input, w)
		}
	}
	if w, ok := (Trace{{Rule: RuleHours, Input: "until 2026-11-02T08:00:00Z, by 1 of 1 operators"}}).Window(); ok {
		t.Errorf("of another rule: %+v", w)
	}
}

func promisedToVendor(t *testing.T) *Decision {
	t.Helper()
	n, err := numbers.Plan{}.Canonical("84001", numbers.OriginAAA)
	if err != nil {
		t.Fatal(err)
	}
	return &Decision{Outcome: CallBack, Number: n, Origin: numbers.OriginAAA}
}

// Access windows only ever take away: what is decided with them is what is decided without, or a refusal; and a file
// that requires more operators never admits more.
func TestAccessOnlyNarrows(t *testing.T) {
	free, err := New(Site{Callback: map[aaa.Service]bool{aaa.EXEC: true}})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := vendorAsks()
		r.Leg = rapid.IntRange(1, 2).Draw(t, "leg")
		if rapid.Bool().Draw(t, "no callback") {
			r.Auth = aaa.Authorization{}
		}
		r.Latest = r.Time.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "latest")) * time.Minute)
		if rapid.Bool().Draw(t, "window") {
			r.Windows = map[string]AccessWindow{"vendor": {
				Until:     r.Time.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "until")) * time.Minute),
				Operators: rapid.IntRange(0, 3).Draw(t, "operators")}}
		}
		var outcomes []Outcome
		for n := range 3 { // approvals; 0: no window is required
			p := Policy{Group: "vendor", Users: []string{"acme"}, Access: Access{Required: n > 0, Approvals: n}}
			set, err := New(free.site, p)
			if err != nil {
				t.Fatal(err)
			}
			d, _ := set.Evaluate(r)
			outcomes = append(outcomes, d.Outcome)
		}
		for n := range 2 {
			if wide, narrow := outcomes[n], outcomes[n+1]; narrow != wide && narrow != Refuse {
				t.Fatalf("%v with %d approvals, %v with %d", wide, n, narrow, n+1)
			}
		}
	})
}

func TestAccessFiles(t *testing.T) {
	for text, want := range map[string]string{
		"access: {approvals: 2}":                   "has no window, so users may come in at any time (write window: ",
		"access: {window: optional}":               `"optional" is not`,
		"access: {window: required, approvals: 3}": "3 is not between 1 and 2",
		"access: {window: required, max: 30s}":     "30s is not between 1m0s and 720h0m0s",
		"access: {window: required, sessions: no}": "sessions",
	} {
		_, problems := Parse("vendor.yaml", []byte("group: vendor\n"+text+"\n"))
		if got := problems.String(); !strings.Contains(got, want) || !strings.Contains(got, "vendor.yaml:2:") {
			t.Errorf("%s: %s", text, got)
		}
	}
	s := mustLoad(t, map[string]string{"vendor.yaml": vendorFile, "other.yaml": "group: other\nextends: vendor\n" +
		"access: {window: none}\n", "plain.yaml": "group: plain\n"})
	v, _ := s.Group("vendor")
	if a := v.Access; !a.Required || a.Operators() != 2 || a.Longest() != 8*time.Hour || a.Continue {
		t.Errorf("%+v", a)
	}
	if o, _ := s.Group("other"); o.Access.Required || o.Access.Operators() != 2 {
		t.Errorf("%+v", o.Access)
	}
	p, _ := s.Group("plain")
	if strings.Contains(p.Canonical(), "access") || !strings.HasSuffix(v.Canonical(), "access.window: required\n"+
		"access.approvals: 2\naccess.max: 8h0m0s\n") {
		t.Errorf("canonical texts:\n%s\n%s", p.Canonical(), v.Canonical())
	}
}
