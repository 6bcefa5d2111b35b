package policies

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/texts"
	"github.com/ringback/ringback/trunks"
)

// inFrance is a site whose numbers are canonical numbers of E.164.
var inFrance = Site{Callback: site.Callback, Plan: numbers.Plan{
	Country: numbers.Country{Code: "33", Digits: []int{9}, International: []string{"00"}, National: []string{"0"},
		Private: numbers.PatternsOf("84*")},
	Own: numbers.PatternsOf("33140205099"),
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
		if d.Text == texts.RefusedNumberDigits {
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
	own.Plan.Own = numbers.PatternsOf("3314020505*")
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

func TestNumberClasses(t *testing.T) {
	any := Numbers{From: []Source{FromAAA, FromCaller}, Allow: []string{"*"}}
	lifted, narrow, both, forged := any, any, any, any
	lifted.AllowClasses = []string{"premium"}
	narrow.DenyClasses = []string{"mobile", "international"}
	both.AllowClasses, both.DenyClasses = []string{"premium"}, []string{"premium"}
	forged.AllowClasses = []string{"unknown"} // no file can say this
	for _, tt := range []struct {
		numbers Numbers
		number  string
		want    Outcome
	}{
		{any, "0899123456", InvalidNumber}, {any, "+881612345678", InvalidNumber}, {any, "0612345678", CallBack},
		{any, "+442079460000", CallBack}, {any, "84001", CallBack}, {lifted, "0899123456", CallBack},
		{any, "+447012345678", InvalidNumber}, {any, "+2101234567", InvalidNumber},
		{any, "+871123456789", InvalidNumber}, {forged, "+2101234567", InvalidNumber},
		{lifted, "+881612345678", InvalidNumber}, {narrow, "0612345678", InvalidNumber},
		{narrow, "+14085551212", InvalidNumber}, {narrow, "+442079460000", InvalidNumber},
		{narrow, "84001", CallBack}, {both, "0899123456", InvalidNumber},
	} {
		s := mustServe(t, inFrance, Policy{Numbers: tt.numbers})
		d, trace := s.Evaluate(Request{Auth: null, Service: aaa.EXEC, FromCaller: &tt.number})
		if d.Outcome != tt.want {
			t.Errorf("%+v, %s: %+v\n%s", tt.numbers, tt.number, d, trace)
		}
		fixed := aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf(tt.number)}
		want := map[Outcome]Outcome{CallBack: CallBack, InvalidNumber: Refuse}[tt.want]
		if d, trace := s.Evaluate(Request{Auth: fixed, Service: aaa.EXEC}); d.Outcome != want {
			t.Errorf("%+v, %s from AAA: %+v\n%s", tt.numbers, tt.number, d, trace)
		}
	}
	if _, err := New(Site{}, Policy{Numbers: narrow}); err == nil {
		t.Error("classes without a country are accepted")
	}
}

// A policy with fewer allowed classes or more denied ones admits nothing that the wider one does not.
func TestNarrowerClasses(t *testing.T) {
	typed := []string{"0899123456", "0820123456", "0612345678", "0140205051", "84001", "+881612345678", "+19005551212",
		"+14085551212", "+447012345678", "+4917612345678", "+2101234567", "+80012345678"}
	rapid.Check(t, func(t *rapid.T) {
		some := func(from []numbers.Class, label string) (all, fewer []string) {
			for _, c := range from {
				switch rapid.IntRange(0, 2).Draw(t, label) {
				case 1:
					all = append(all, string(c))
				case 2:
					all, fewer = append(all, string(c)), append(fewer, string(c))
				}
			}
			return all, fewer
		}
		wide := Numbers{From: []Source{FromCaller}, Allow: []string{"*"}}
		narrow := wide
		wide.AllowClasses, narrow.AllowClasses = some(numbers.DeniedClasses(), "allow")
		narrow.DenyClasses, wide.DenyClasses = some(numbers.Deniable(), "deny")
		number := rapid.SampledFrom(typed).Draw(t, "number")
		r := Request{Auth: null, Service: aaa.EXEC, FromCaller: &number}
		decide := func(n Numbers) Outcome {
			s, err := New(inFrance, Policy{Numbers: n})
			if err != nil {
				t.Fatal(err)
			}
			d, _ := s.Evaluate(r)
			return d.Outcome
		}
		if decide(narrow) == CallBack && decide(wide) != CallBack {
			t.Fatalf("%+v admits %s, %+v does not", narrow, number, wide)
		}
	})
}

// A number that no trunk takes is rejected before it is promised, and the trace names the trunks.
func TestTrunks(t *testing.T) {
	template, err := numbers.ParseTemplate("9,{national}")
	if err != nil {
		t.Fatal(err)
	}
	here := inFrance
	here.Trunks = trunks.List{{Name: "pbx", Template: template}}
	s := mustServe(t, here, Policy{Numbers: Numbers{From: []Source{FromCaller}, Allow: []string{"*"}}})
	for typed, want := range map[string]struct {
		outcome Outcome
		trace   string
	}{
		"0140205051":    {CallBack, "33140205051  pbx"},
		"+442079460000": {InvalidNumber, "no trunk takes the number: trunk pbx: 442079460000 is no number for"},
		"84001":         {InvalidNumber, "84001 is no number for {national}"},
	} {
		d, trace := s.Evaluate(Request{Auth: null, Service: aaa.EXEC, FromCaller: &typed})
		text := strings.Join(strings.Fields(trace.String()), " ")
		if d.Outcome != want.outcome || !strings.Contains(text, strings.ReplaceAll(want.trace, "  ", " ")) {
			t.Errorf("%s: %+v\n%s", typed, d, trace)
		}
	}
}
