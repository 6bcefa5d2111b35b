package broker

import (
	"reflect"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
)

// The request that the journal has of a promise is decided as the promise was.
func TestPastRequest(t *testing.T) {
	for name, tt := range map[string]struct {
		auth   aaa.Authorization
		number string
	}{"a place": {atHome, ""}, "typed": {anywhere, "84007"}, "fixed": {aaa.Authorization{Callback: true,
		Dialstring: aaa.DialstringOf("84 003")}, ""}} {
		atDesk(t, func(d *desk) {
			c := d.caller("c1")
			v := d.promise(c, session.Choice{Offer: d.offered(c, "kim", tt.auth).ID, Number: tt.number})
			if v.Kind != session.Promised || len(d.paper.callbacks) != 1 {
				t.Fatalf("%s: %+v", name, v)
			}
			row := d.paper.callbacks[0]
			line := func(tty int) policies.Line { return policies.Line{Trusted: tty == 65} }
			r, err := PastRequest(row, d.site.Plan, line)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, _ := d.cfg.Policies.Evaluate(r)
			var then policies.Decision
			if err := unmarshal(row.Decision, &then); err != nil {
				t.Fatal(err)
			}
			if got.Number.String() != row.Number || got.Digest != row.PolicyDigest || !r.Time.Equal(row.Created) {
				t.Errorf("%s: %+v %+v", name, r, got)
			}
			then.Number, then.Digest = got.Number, got.Digest // they have columns of their own
			if !reflect.DeepEqual(got, then) {
				t.Errorf("%s: %+v, then %+v", name, got, then)
			}
		})
	}
	for _, row := range []journal.Callback{{Authorization: "{", Decision: "{}"}, {Authorization: "{}", Decision: "["}} {
		if _, err := PastRequest(row, policies.Site{}.Plan, nil); err == nil {
			t.Errorf("%+v is read", row)
		}
	}
}

// The request has the access window that was open when the callback was promised, as it was, and no other one.
func TestPastRequestWindow(t *testing.T) {
	until := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	why := trace{Group: "vendor", Decision: policies.Trace{{Rule: policies.RuleAccess,
		Input: "until 2026-11-02T12:00:00Z, by 1 of 1 operators", Result: "open"}}}
	for text, want := range map[string]map[string]policies.AccessWindow{
		why.encode():                       {"vendor": {Until: until.Add(time.Second), Operators: 1}},
		(&trace{Group: "vendor"}).encode(): nil, "": nil,
	} {
		r, err := PastRequest(journal.Callback{Authorization: "{}", Decision: "{}", Trace: text}, policies.Site{}.Plan,
			func(int) policies.Line { return policies.Line{} })
		if err != nil || !reflect.DeepEqual(r.Windows, want) {
			t.Errorf("%s: %v %v", text, r.Windows, err)
		}
	}
}

// The journal keeps by which method a caller of PPP authenticated; one of an older version does not have it.
func TestPastRequestPPPAuth(t *testing.T) {
	for authorization, want := range map[string]string{
		grant{PPPAuth: "ms-chap-v2"}.encode(): "ms-chap-v2", `{"authorization": {}}`: policies.AnyPPPAuth} {
		r, err := PastRequest(journal.Callback{Service: "ppp", Authorization: authorization, Decision: "{}"},
			policies.Site{}.Plan, func(int) policies.Line { return policies.Line{} })
		if err != nil || r.PPPAuth != want {
			t.Errorf("%s: %q %v, want %q", authorization, r.PPPAuth, err, want)
		}
	}
}
