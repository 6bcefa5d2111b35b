package policies

import (
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
)

// inFrance is a site whose numbers are canonical numbers of E.164.
var inFrance = Site{Callback: site.Callback, Plan: numbers.Plan{
	Country: numbers.Country{Code: "33", Digits: []int{9}, International: []string{"00"}, National: []string{"0"},
		Private: []string{"84*"}},
	Own: []string{"33140205099"},
}}

func TestCanonicalLists(t *testing.T) {
	s := mustServe(t, inFrance, Policy{Numbers: Numbers{From: []Source{FromCaller}, Allow: []string{"3314020*"}}})
	for typed, want := range map[string]Outcome{
		"0140205051x":    InvalidNumber,
		"01 40 20 50 51": CallBack, "+33 (0)1-40-20-50-51": CallBack, "0033140205051": CallBack,
		"0899123456": InvalidNumber, "+84912345678": InvalidNumber, "33140205051": InvalidNumber,
		"01 40 20 50 99": InvalidNumber, // the site's own
	} {
		d, trace := s.Evaluate(Request{Auth: null, Service: aaa.EXEC, FromCaller: &typed})
		if d.Outcome != want || d.Outcome == CallBack && d.Number != number("33140205051") {
			t.Errorf("%s: %+v\n%s", typed, d, trace)
		}
		if d.Text == TextBadNumber {
			t.Errorf("%s: the caller reads %q, but +33 is valid", typed, d.Text)
		}
	}
}

// A caller may give a listed number in any notation.
func TestCanonicalList(t *testing.T) {
	s := mustServe(t, inFrance, Policy{Numbers: Numbers{From: []Source{FromList},
		List: map[string][]string{"kim": {"33140205051"}}}})
	for typed, want := range map[string]Outcome{"01 40 20 50 51": CallBack, "+33140205051": CallBack,
		"0140205052": InvalidNumber} {
		d, trace := s.Evaluate(Request{Identity: aaa.Identity{User: "kim"}, Auth: null, Service: aaa.EXEC,
			FromCaller: &typed})
		if d.Outcome != want {
			t.Errorf("%s: %+v\n%s", typed, d, trace)
		}
	}
}

// A promised number is canonical: it is not read as if it was typed, and must still be one of the plan.
func TestPromisedCanonical(t *testing.T) {
	typed := "01 40 20 50 51"
	r := Request{Auth: null, Service: aaa.EXEC, FromCaller: &typed}
	policy := Policy{Numbers: Numbers{From: []Source{FromCaller}, Allow: []string{"3314020*"}}}
	then, _ := mustServe(t, inFrance, policy).Evaluate(r)
	elsewhere := inFrance
	elsewhere.Plan.Country.Digits = []int{10}
	own := inFrance
	own.Plan.Own = []string{"3314020505*"}
	for _, renewed := range []bool{false, true} {
		r.Promised, r.Renewed, r.FromCaller = &then, renewed, nil
		if d, trace := mustServe(t, inFrance, policy).Evaluate(r); d.Outcome != CallBack || d.Number != then.Number {
			t.Errorf("renewed %v: %+v\n%s", renewed, d, trace)
		}
		for _, site := range []Site{elsewhere, own} {
			if d, trace := mustServe(t, site, policy).Evaluate(r); d.Outcome != Refuse {
				t.Errorf("another plan, renewed %v: %+v\n%s", renewed, d, trace)
			}
		}
	}
}
