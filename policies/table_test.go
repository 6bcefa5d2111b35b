package policies

import (
	"fmt"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/texts"
)

// ways are the ways in which a caller of PPP may ask for a callback, and the columns of the table.
var ways = []struct {
	name     string
	wish     cbcp.Wish
	initiate bool
}{
	{"CBCP", cbcp.Wish{Way: cbcp.ByCBCP}, false},
	{"operation 0", cbcp.Wish{Way: cbcp.ByUser}, false},
	{"operations 1, 3", cbcp.Wish{Way: cbcp.ByNumber, Number: "84007"}, false},
	{"a denied number", cbcp.Wish{Way: cbcp.ByNumber, Number: "84901"}, false},
	{"operation 2", cbcp.Wish{Way: cbcp.ByPlace, Place: "paris"}, false},
	{"an unknown place", cbcp.Wish{Way: cbcp.ByPlace, Place: "rome"}, false},
	{"does not ask", cbcp.Wish{}, false},
	{"waits", cbcp.Wish{}, true},
}

// The rows of the table: what a caller gets in each way. A number that the caller gives is one of the policy's lists,
// or the login is rejected.
var (
	rowFixed = [...]string{"offer admin", "promise 84001", "promise 84001", "promise 84001", "promise 84001",
		"promise 84001", "reject", "promise 84001"}
	rowPlace = [...]string{"offer admin", "promise 84022", "promise 84022", "promise 84022", "promise 84022",
		"promise 84022", "reject", "promise 84022"}
	rowNULL = [...]string{"offer user", "reject", "promise 84007", "reject", "promise 84022", "reject", "reject",
		"reject"}
	rowOnRequest = [...]string{"offer none, user", "reject", "promise 84007", "reject", "promise 84022", "reject", "IP",
		"IP"}
	rowNone   = [...]string{"offer none", "terminate", "terminate", "terminate", "terminate", "terminate", "IP", "IP"}
	rowReject = [...]string{"reject", "reject", "reject", "reject", "reject", "reject", "reject", "reject"}
	rowSecure = [...]string{"disconnect", "disconnect", "disconnect", "disconnect", "disconnect", "disconnect",
		"disconnect", "disconnect"}
	rowLegTwo = [...]string{"IP", "IP", "IP", "IP", "IP", "IP", "IP", "IP"}
)

// What callers of PPP get, for each combination of what AAA requires, the policy, the way to ask and the leg.
func TestTableOfPPP(t *testing.T) {
	demands := map[string]aaa.Authorization{
		"fixed": fixed, "place": {Callback: true, CallbackID: "paris"}, "NULL": null, "none": plain,
		"no number": {Callback: true},
	}
	for demand, auth := range demands {
		for _, mode := range []CallbackMode{Optional, Required, Off, Secure, WhenCheaper} {
			for bits := range 4 {
				p := open
				p.Callback, p.Numbers.From, p.OnRequest = mode, nil, bits&2 > 0
				callers := bits&1 > 0
				if callers {
					p.Numbers.From = []Source{FromAAA, FromCaller}
				}
				on := callers && p.OnRequest
				row := rowReject
				switch {
				case mode == Secure:
					row = rowSecure
				case demand == "none" && mode == Optional && on:
					row = rowOnRequest
				case demand == "none" && mode == Required && on: // as if AAA left the number to the caller
					row = rowNULL
				case demand == "none" && mode != Required:
					row = rowNone
				case mode == Off:
				case demand == "fixed":
					row = rowFixed
				case demand == "place":
					row = rowPlace
				case demand == "NULL" && callers:
					row = rowNULL
				}
				s := mustNew(t, p)
				for i, way := range ways {
					r := Request{Auth: auth, Service: aaa.PPP, Leg: 1}
					if got := outcomeOfPPP(s, r, way.wish, way.initiate); got != row[i] {
						t.Errorf("%s, %s, from_caller %v, on request %v, %s: %s, want %s", demand, mode,
							callers, p.OnRequest, way.name, got, row[i])
					}
					r.Leg = 2
					if got := outcomeOfPPP(s, r, cbcp.Wish{}, false); got != rowLegTwo[i] {
						t.Errorf("%s, %s, %s, leg two: %s", demand, mode, way.name, got)
					}
				}
			}
		}
	}
}

// outcomeOfPPP asks as broker and front end do: the table of cbcp says what follows a decision.
func outcomeOfPPP(s *Set, r Request, w cbcp.Wish, initiate bool) string {
	d, _ := s.Evaluate(r)
	g := cbcp.Grant{Admitted: d.Outcome == Admit, Offered: d.Outcome == CallBack || d.Outcome == AskNumber,
		Fixed: d.Outcome == CallBack, MayDecline: d.MayDecline, Secure: d.Secure}
	plan := cbcp.PlanFor(g, w, initiate)
	switch plan.Do {
	case cbcp.Negotiate:
		return "offer " + plan.Offer.String()
	case cbcp.Open:
		return "IP"
	case cbcp.Promise:
		if r.Place = plan.Choice.Place; !g.Fixed && r.Place == "" {
			r.FromCaller = &plan.Choice.Number
		}
		if d, _ = s.Evaluate(r); d.Outcome != CallBack { // there is no way to ask again
			return "reject"
		}
		return fmt.Sprintf("promise %s", d.Number)
	}
	return plan.Do.String()
}

// Callbacks on request are those of PPP alone, and only while PPP calls back.
func TestOnRequest(t *testing.T) {
	p := open
	p.OnRequest = true
	required := p
	required.Callback = Required
	for _, tt := range []struct {
		name    string
		policy  Policy
		service aaa.Service
		on      bool
		want    Outcome
	}{
		{"PPP", p, aaa.PPP, true, AskNumber},
		{"EXEC", p, aaa.EXEC, true, Admit},
		{"PPP, switched off", p, aaa.PPP, false, Admit},
		{"PPP, required", required, aaa.PPP, true, AskNumber},
		{"EXEC, required", required, aaa.EXEC, true, Refuse},
		{"PPP, required, switched off", required, aaa.PPP, false, Refuse},
	} {
		on := site
		on.Callback = map[aaa.Service]bool{tt.service: tt.on}
		d, trace := mustServe(t, on, tt.policy).Evaluate(Request{Auth: plain, Service: tt.service})
		if d.Outcome != tt.want || d.MayDecline != (tt.want == AskNumber && tt.policy.Callback != Required) {
			t.Errorf("%s: %+v\n%s", tt.name, d, trace)
		}
	}
}

// A pending callback that was requested is checked again: the policy may have changed.
func TestRecheckOnRequest(t *testing.T) {
	p := open
	p.OnRequest = true
	req := Request{Auth: plain, Service: aaa.PPP, FromCaller: ptr("84007")}
	then, _ := mustNew(t, p).Evaluate(req)
	if then.Outcome != CallBack || !then.OnRequest {
		t.Fatalf("%+v", then)
	}
	denied := p
	denied.Numbers.Deny = []string{"84007"}
	off := site
	off.Callback = nil
	for _, tt := range []struct {
		name    string
		policy  Policy
		site    Site
		auth    aaa.Authorization
		renewed bool
		want    Outcome
	}{
		{"the same", p, site, plain, false, CallBack},
		{"the same, renewed", p, site, plain, true, CallBack},
		{"the key is gone", open, site, plain, false, Refuse},
		{"the key is gone, renewed", open, site, plain, true, Refuse},
		{"the number is denied", denied, site, plain, false, Refuse},
		{"switched off", p, off, plain, false, Refuse},
		{"AAA requires one now", p, site, null, true, CallBack},
		{"AAA requires another number now", p, site, fixed, true, Refuse},
	} {
		r := Request{Auth: tt.auth, Service: aaa.PPP, Promised: &then, Renewed: tt.renewed}
		if d, trace := mustServe(t, tt.site, tt.policy).Evaluate(r); d.Outcome != tt.want {
			t.Errorf("%s: %+v\n%s", tt.name, d, trace)
		}
	}
}

// A place that the caller gives is the operator's number, and the lists apply to it.
func TestPlaceOfTheCaller(t *testing.T) {
	prefixed := site
	prefixed.Plan.TrunkPrefixes = []string{"840"}
	prefixed.Places = map[string]string{"paris": "(840) 84022", "far": "555", "bad": "555;ATH", "police": "840 112"}
	for place, want := range map[string]string{
		"paris": "call_back 84022", "Paris": "invalid_number Unknown location",
		"rome": "invalid_number Unknown location",
		"far":  "invalid_number Number not allowed", "bad": "invalid_number Invalid dialstring: digits only",
		"police": "invalid_number Number not allowed", "84022": "invalid_number Unknown location",
	} {
		d, trace := mustServe(t, prefixed, open).Evaluate(Request{Auth: null, Service: aaa.PPP, Place: place})
		if got := string(d.Outcome) + " " + d.Number.String() + d.Text.English(); got != want {
			t.Errorf("%s: %s, want %s\n%s", place, got, want, trace)
		}
	}
}

// No service is a way around the callback that another one requires: on leg two, the number that was called has to be
// the one that the other service requires, too.
func TestOtherServiceOnLegTwo(t *testing.T) {
	off, required, noCaller, denied := open, open, open, open
	off.Callback, required.Callback, noCaller.Numbers.From = Off, Required, nil
	denied.Numbers.Deny = []string{"84001"}
	for _, tt := range []struct {
		name   string
		policy Policy
		auth   aaa.Authorization
		called string
		caller string
		want   Outcome
	}{
		{"no callback required", open, plain, "84001", "", Admit},
		{"the policy requires one", required, plain, "84001", "", Admit},
		{"the same number", open, fixed, "84001", "", Admit},
		{"another number", open, fixed, "84007", "", Refuse},
		{"the same place", open, aaa.Authorization{Callback: true, CallbackID: "paris"}, "84022", "", Admit},
		{"another place", open, aaa.Authorization{Callback: true, CallbackID: "paris"}, "84001", "", Refuse},
		{"NULL", open, null, "84007", "", Admit},
		{"NULL, which the policy does not allow", noCaller, null, "84007", "", Refuse},
		{"NULL, and the number is denied", denied, null, "84001", "", Refuse},
		{"the caller ID", open, aaa.Authorization{Callback: true, CallerID: true}, "84001", "84001", Admit},
		{"another caller ID", open, aaa.Authorization{Callback: true, CallerID: true}, "84001", "84002", Refuse},
		{"no callbacks", off, fixed, "84001", "", Refuse},
		{"what cannot be honored", open, with(fixed, func(a *aaa.Authorization) { a.Refuse = "x" }), "84001", "",
			Refuse},
	} {
		d, trace := mustNew(t, tt.policy).Evaluate(Request{Auth: tt.auth, Service: aaa.PPP, Leg: 2,
			CalledBack: number(tt.called), Caller: tt.caller, Line: trusted})
		if d.Outcome != tt.want || tt.want == Refuse && d.Text != texts.RefusedAccess {
			t.Errorf("%s: %+v\n%s", tt.name, d, trace)
		}
	}
}
