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
		"staff.yaml":   "group: staff\nusers: [kim@Example.com]\n",
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
		{"kim@Example.com", "local", "isp", "staff"},
		{"kim@example.com", "radius", "", "isp"},
		{"kim@example.com", "radius", "vendor", "vendor"},
		{"kim@example.com", "radius", "no-such", "isp"},
		{`EXAMPLE.net\kim`, "radius", "", "isp"},
		{`example.net\kim@other`, "radius", "", "default"},
		{"kim@example.com@other", "radius", "", "default"},
		{"example.com", "radius", "", "default"},
		{"vendor-1", "local", "", "vendor"},
		{"vendor-1", "radius", "", "default"},
		{"Vendor-1", "local", "", "default"},
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
		{"{}", "{realm: [x]}", false},
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
