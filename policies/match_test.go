package policies

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
)

// A group claims by its users, then by AAA's hints, then by its match, then by being the default.
func TestMatch(t *testing.T) {
	s, problems := loadText(map[string]string{
		"default.yaml": "group: default\n",
		"staff.yaml":   "group: staff\nusers: [lee@Example.com]\n",
		"isp.yaml":     "group: isp\nmatch: {realm: [Example.COM, example.net]}\n",
		"vendor.yaml":  "group: vendor\nmatch: {prefix: [vendor-, v-], entry: [local]}\n",
		"field.yaml":   "group: field\nextends: vendor\nmatch: {suffix: [-field]}\n",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, tt := range []struct {
		user, entry, hint, want string
	}{
		{"lee@Example.com", "local", "isp", "staff"},
		{"kim@example.com", "radius", "", "isp"},
		{"kim@example.com", "radius", "vendor", "vendor"},
		{"kim@example.com", "radius", "no-such", "isp"},
		{`EXAMPLE.net\kim`, "radius", "", "isp"},
		{`example.net\kim@other`, "radius", "", "default"},
		{"kim@example.com@other", "radius", "", "default"},
		{"example.com", "radius", "", "default"},
		{"vendor-1", "local", "", "vendor"},
		{"vendor-1", "radius", "", "default"},
		{"lee-field", "radius", "", "field"},
		{"", "", "", "default"},
		{"v-lee-field", "local", "", ""},
		{"kim-field@example.com", "local", "", "isp"},
	} {
		r := Request{Identity: aaa.Identity{User: tt.user, Entry: tt.entry}}
		if tt.hint != "" {
			r.Auth.Groups = []string{tt.hint}
		}
		d, trace := s.Evaluate(r)
		switch {
		case tt.want == "" && (d.Outcome != Refuse || d.Group != "" ||
			!strings.Contains(d.Reason, "groups field, vendor claim")):
			t.Errorf("%+v: %+v\n%s", tt, d, trace)
		case tt.want != "" && d.Group != tt.want:
			t.Errorf("%+v: group %s\n%s", tt, d.Group, trace)
		}
	}
}

// For an AAA server that ignores letter case, a name has many spellings. None of them gives a user the terms of another
// group; the letter case of a realm never counts.
func TestNameInOtherLetterCase(t *testing.T) {
	s, problems := loadText(map[string]string{
		"default.yaml": "group: default\n",
		"staff.yaml":   "group: staff\nusers: [kim, Lee, LEE, \"élise\"]\n",
		"ops.yaml":     "group: ops\nusers: [root-1]\ncallback: secure\n",
		"vendor.yaml":  "group: vendor\nmatch: {prefix: [vendor-], entry: [local]}\n",
		"field.yaml":   "group: field\nmatch: {suffix: [-Field], realm: [a.example]}\n",
		"watch.yaml":   "group: watch\nmatch: {prefix: [w-]}\ncallback: secure\n",
		"WATCH.yaml":   "group: WATCH\nmatch: {prefix: [W-]}\n",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, tt := range []struct {
		user, entry, hint string
		want              string // the group, or a part of the reason
		secure            bool
	}{
		{"kim", "local", "", "staff", false},
		{"Kim", "local", "", `from "kim" only in letter case, and group staff lists`, false},
		{"\u212aim", "local", "", `from "kim" only in letter case`, false}, // the sign for kelvin
		{"KIM", "local", "vendor", `from "kim" only in letter case`, false},
		{"Lee", "local", "", "staff", false},
		{"LEE", "local", "", "staff", false},
		{"lee", "local", "", "only in letter case", false},
		{"ÉLISE", "local", "", "only in letter case", false},
		{"Root-1", "local", "", "only in letter case", true},
		{"vendor-1", "local", "", "vendor", false},
		{"Vendor-1", "local", "", "only in letter case from those that group vendor claims", false},
		{"Vendor-1", "radius", "", "default", false},
		{"Vendor-1", "local", "staff", "staff", false}, // AAA's hint comes before match
		{"max-field@A.example", "local", "", "default", false},
		{`A.example\max-field`, "local", "", "group field claims", false},
		{`A.example\max-Field`, "local", "", "field", false},
		{"w-1", "local", "", "watch", true},
		{"W-1", "local", "", "WATCH", false},
	} {
		r := Request{Identity: aaa.Identity{User: tt.user, Entry: tt.entry}}
		if tt.hint != "" {
			r.Auth.Groups = []string{tt.hint}
		}
		d, trace := s.Evaluate(r)
		if d.Secure != tt.secure ||
			d.Group != tt.want && (d.Group != "" || d.Outcome != Refuse || !strings.Contains(d.Reason, tt.want)) {
			t.Errorf("%+v: %+v\n%s", tt, d, trace)
		}
	}
}

// Groups that claim the same callers are an error that names both files, as far as the files alone show it.
func TestMatchAmbiguity(t *testing.T) {
	for _, tt := range []struct {
		a, b  string
		error bool
	}{
		{"{realm: [x, y]}", "{realm: [z, Y]}", true},
		{"{realm: [x]}", "{realm: [y]}", false},
		{"{realm: [x]}", "{realm: [x], prefix: [p]}", true},
		{"{realm: [x], entry: [local]}", "{realm: [x], prefix: [p]}", false},
		{"{realm: [x], entry: [local]}", "{realm: [x], entry: [radius]}", false},
		{"{prefix: [ab]}", "{prefix: [abc]}", true},
		{"{prefix: [ab]}", "{prefix: [ba]}", false},
		{"{suffix: [ab]}", "{suffix: [b]}", true},
		{"{suffix: [ab]}", "{prefix: [ab]}", false},
		{"{called: ['5550*']}", "{called: ['55501']}", true},
		{"{called: ['55501']}", "{called: ['5550*', '1']}", true},
		{"{called: ['5550*']}", "{called: ['555*']}", true},
		{"{called: ['*']}", "{called: ['1']}", true},
		{"{called: ['5550*']}", "{called: ['5551*', '5550']}", true},
		{"{called: ['5550*']}", "{called: ['5551*', '555']}", false},
		{"{called: ['1']}", "{calling: ['1']}", false},
		{"{line: [1, 65-70]}", "{line: [70-80]}", true},
		{"{line: [65-70]}", "{line: [71-80, 64]}", false},
		{"{line: [065]}", "{line: ['65']}", true},
		{"{rotary: [1, 2]}", "{rotary: [02]}", true},
		{"{rotary: [1]}", "{line: [1]}", false},
	} {
		s, problems := loadText(map[string]string{"a.yaml": "group: a\nmatch: " + tt.a + "\n",
			"b.yaml": "group: b\nmatch: " + tt.b + "\n"})
		const want = "b.yaml:2:8: match: claims callers that a.yaml:2 claims too (a caller belongs to one group: " +
			"make the values differ)"
		if (s == nil) != tt.error || tt.error && problems.String() != want {
			t.Errorf("%s, %s: %v", tt.a, tt.b, problems)
		}
	}
}

// A group may claim callers by their call. Numbers count only on a line that reports them, and two groups that look at
// different facts claim a caller of both for neither.
func TestMatchCall(t *testing.T) {
	s, problems := loadText(map[string]string{
		"default.yaml": "group: default\n",
		"acme.yaml":    "group: acme\nmatch: {called: ['5550100', '55502*']}\n",
		"berlin.yaml":  "group: berlin\nmatch: {calling: ['84*']}\n",
		"console.yaml": "group: console\nmatch: {line: [65, 70-72], entry: [local]}\n",
		"modems.yaml":  "group: modems\nmatch: {rotary: [0, 7], called: ['9']}\n",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, tt := range []struct {
		r    Request
		want string
	}{
		{Request{Called: "5550100", Line: trusted}, "acme"},
		{Request{Called: "+5550100", Line: trusted}, "acme"},
		{Request{Called: "5550299", Line: trusted}, "acme"},
		{Request{Called: "5550101", Line: trusted}, "default"},
		{Request{Called: "5550100"}, "default"},
		{Request{Line: trusted}, "default"},
		{Request{Caller: "84007", Line: trusted}, "berlin"},
		{Request{Caller: "84007"}, "default"},
		{Request{Caller: "84x", Line: trusted}, "default"},
		{Request{Caller: "84007", Called: "5550100", Line: trusted}, ""},
		{Request{TTY: 65, Identity: aaa.Identity{Entry: "local"}}, "console"},
		{Request{TTY: 72, Identity: aaa.Identity{Entry: "local"}}, "console"},
		{Request{TTY: 73, Identity: aaa.Identity{Entry: "local"}}, "default"},
		{Request{TTY: 65, Identity: aaa.Identity{Entry: "radius"}}, "default"},
		{Request{Called: "9", Line: Line{Rotary: ptr(0), Trusted: true}}, "modems"},
		{Request{Called: "9", Line: Line{Rotary: ptr(1), Trusted: true}}, "default"},
		{Request{Called: "9", Line: trusted}, "default"},
	} {
		d, trace := s.Evaluate(tt.r)
		if d.Group != tt.want || tt.want == "" && (d.Outcome != Refuse ||
			!strings.Contains(trace.String(), "called 5550100, calling 84007  refuse: the groups acme, berlin claim")) {
			t.Errorf("%+v: group %q\n%s", tt.r, d.Group, trace)
		}
	}
}

// With the site's country, a calling number in any notation is the canonical one.
func TestMatchCallingCanonical(t *testing.T) {
	s := mustServe(t, inFrance, Policy{Group: "paris", Match: Match{Calling: []string{"331*"}}})
	for _, caller := range []string{"+33140205051", "0140205051", "0033140205051"} {
		if d, trace := s.Evaluate(Request{Caller: caller, Line: trusted}); d.Group != "paris" {
			t.Errorf("%s:\n%s", caller, trace)
		}
	}
}
