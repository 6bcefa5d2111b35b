package policies

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/schema"
)

// loadText loads files as LoadDir does: name → text.
func loadText(files map[string]string) (*Set, schema.Problems) {
	l := loader{files: map[string]*policyFile{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		l.parse(name, name, []byte(files[name]))
	}
	return l.set(site)
}

const base = `group: base
users: [kim]
callback: required
no_verify: allow
numbers:
  from_caller: allow
  allow: ["84*", "85*"]
  deny: ["849*"]
attempts: {max: 3, retry_wait: 1m}
`

// A file has the values of the one that it extends, unless it has its own.
func TestExtends(t *testing.T) {
	s, problems := loadText(map[string]string{
		"base.yaml": base,
		"mid.yaml":  "group: mid\nextends: base\nno_verify: deny\nnumbers: {deny+: [\"855*\"]}\nattempts: {max: 1}\n",
		"leaf.yaml": "group: leaf\nextends: mid\nusers: [lee]\nnumbers:\n  allow: [\"845*\"]\n  deny+: [\"8451\"]\n",
		"none.yaml": "group: none\nextends: base\nnumbers: {from_caller: deny, allow: []}\n",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for group, text := range map[string]string{
		"mid": `group: mid
callback: required
numbers: {from_caller: allow, allow: ["84*", "85*"], deny: ["849*", "855*"]}
attempts: {max: 1, retry_wait: 1m}
`,
		"leaf": `group: leaf
users: [lee]
callback: required
numbers: {from_caller: allow, allow: ["845*"], deny: ["849*", "855*", "8451"]}
attempts: {max: 1, retry_wait: 1m}
`,
		"none": `group: none
callback: required
no_verify: allow
numbers: {deny: ["849*"]}
attempts: {max: 3, retry_wait: 1m}
`,
	} {
		want, problems := Parse(group+".yaml", []byte(text))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if got, _ := s.Group(group); got.Canonical() != want.Canonical() || got.Digest() != want.Digest() {
			t.Errorf("%s:\n%s\nwant\n%s", group, got.Canonical(), want.Canonical())
		}
	}
	if d, _ := s.Evaluate(Request{Identity: aaa.Identity{User: "kim"}}); d.Group != "base" {
		t.Errorf("kim is in %s", d.Group)
	}
}

func TestExtendsProblems(t *testing.T) {
	deep := map[string]string{}
	for i := range 18 {
		deep[fmt.Sprintf("g%02d.yaml", i)] = fmt.Sprintf("group: g%02d\nextends: g%02d\n", i, i+1)
	}
	deep["g18.yaml"] = "group: g18\n"
	chain := "g01.yaml -> g02.yaml -> g03.yaml -> g04.yaml -> g05.yaml -> g06.yaml -> g07.yaml -> g08.yaml -> " +
		"g09.yaml -> g10.yaml -> g11.yaml -> g12.yaml -> g13.yaml -> g14.yaml -> g15.yaml -> g16.yaml -> g17.yaml"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"itself", map[string]string{"a.yaml": "group: a\nextends: a\n"},
			`a.yaml:2:10: extends: the file extends itself: a.yaml -> a.yaml (remove one of the keys)`},
		{"a cycle, and a file that leads to it", map[string]string{"a.yaml": "group: a\nextends: b\n",
			"b.yaml": "group: b\nextends: a\n", "c.yaml": "group: c\nextends: a\n"},
			`a.yaml:2:10: extends: the file extends itself: a.yaml -> b.yaml -> a.yaml (remove one of the keys)
b.yaml:2:10: extends: the file extends itself: b.yaml -> a.yaml -> b.yaml (remove one of the keys)`},
		{"no such file", map[string]string{"a.yaml": "group: a\nextends: staf\n", "b.yaml": "group: b\nextends: a\n",
			"staff.yaml": "group: staff\n"},
			`a.yaml:2:10: extends: there is no file staf.yaml (did you mean "staff"?)`},
		{"too many", deep, `g00.yaml:2:10: extends: more than 16 files follow each other: g00.yaml -> ` + chain +
			` (write the values into fewer files)
g01.yaml:2:10: extends: more than 16 files follow each other: ` + chain +
			` -> g18.yaml (write the values into fewer files)`},
		{"nothing to add to", map[string]string{"a.yaml": "group: a\nnumbers: {deny+: ['1']}\n",
			"b.yaml": "group: b\nextends: a\n"},
			`a.yaml:2:18: numbers.deny+: the file extends no other, so there is no list to add to (remove the + or write extends: GROUP)`},
		{"both", map[string]string{"a.yaml": "group: a\nextends: b\nnumbers: {deny: ['2'], deny+: ['1']}\n",
			"b.yaml": "group: b\n"},
			`a.yaml:3:31: numbers.deny+: the file also has numbers.deny (keep deny to replace the other file's list, or deny+ to add to it)`},
		{"users are not inherited", map[string]string{"a.yaml": "group: a\nextends: b\nusers+: [kim]\n",
			"b.yaml": "group: b\n"}, `a.yaml:3:1: users+: unknown key (did you mean "users"?)`},
		{"a pattern", map[string]string{"a.yaml": "group: a\nextends: b\nnumbers: {deny+: [x]}\n",
			"b.yaml": "group: b\n"},
			`a.yaml:3:19: numbers.deny+[0]: 'x' at position 1 is neither a digit nor a * at the end`},
		{"a contradiction with the other file", map[string]string{"a.yaml": "group: a\nextends: b\n" +
			"numbers: {allow: []}\n", "b.yaml": "group: b\nnumbers: {from_caller: allow, allow: ['8*']}\n"},
			`b.yaml:2:24: numbers.from_caller: allows callers' numbers, but numbers.allow is empty (add allow: ["84*"]; ["*"] allows any number)`},
		{"a name", map[string]string{"a.yaml": "group: a\nextends: ../b\n"},
			`a.yaml:2:10: extends: "../b" is not a group name (use letters, digits, - _ and . but not first)`},
	} {
		s, problems := loadText(tt.files)
		if got := problems.String(); s != nil || got != tt.want {
			t.Errorf("%s: Set %v,\ngot  %s\nwant %s", tt.name, s != nil, got, tt.want)
		}
	}
	if _, problems := Parse("a.yaml", []byte("group: a\nextends: b\n")); !problems.HasErrors() {
		t.Error("Parse knows the other file")
	}
}

// Each value is shown with its place, in whichever file that is.
func TestFlat(t *testing.T) {
	dir := write(t, map[string]string{"base.yaml": base,
		"leaf.yaml": "group: leaf\nextends: base\nnumbers:\n  allow+: [\"86*\"]\n  deny: []\n"})
	s, problems := LoadDir(dir, site)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	flat, ok := s.Flat("leaf")
	got := map[string]string{}
	for _, f := range flat {
		file := strings.TrimPrefix(f.File, dir+string(filepath.Separator))
		got[f.Key] = fmt.Sprintf("%s %s:%d", f.Value, file, f.Line)
	}
	for key, want := range map[string]string{"group": "leaf leaf.yaml:1", "extends": "base leaf.yaml:2",
		"users": "[] :0", "callback": "required base.yaml:3", "no_verify": "allow base.yaml:4",
		"numbers.from_caller": "allow base.yaml:6",
		"numbers.allow[0]":    "84* base.yaml:7", "numbers.allow[1]": "85* base.yaml:7",
		"numbers.allow[2]": "86* leaf.yaml:4", "numbers.deny": "[] leaf.yaml:5", "attempts.max": "3 base.yaml:9",
		"attempts.retry_wait": "1m base.yaml:9", "reauthorize": "never :0"} {
		if got[key] != want {
			t.Errorf("%s: %s, want %s", key, got[key], want)
		}
	}
	if !ok || len(got) != len(flat) || flat[0].Key != "group" {
		t.Errorf("%v, %v", ok, flat)
	}
	if _, ok := s.Flat("nobody"); ok {
		t.Error("a group without a file has values")
	}
	if _, ok := (*Set)(nil).Flat("leaf"); ok {
		t.Error("no Set has values")
	}
}

// A file that has only narrower values than the one that it extends never admits more.
func TestNarrowerNeverAdmitsMore(t *testing.T) {
	patterns := rapid.SliceOfN(rapid.StringMatching(`"[0-4]{1,3}\*?"`), 1, 4)
	yaml := func(patterns []string) string { return "[" + strings.Join(patterns, ", ") + "]" }
	rapid.Check(t, func(t *rapid.T) {
		parent := "group: parent\nno_verify: allow\ncallback: " +
			rapid.SampledFrom([]string{"optional", "required"}).Draw(t, "callback") + "\ncallback_on_request: " +
			rapid.SampledFrom([]string{"allow", "deny"}).Draw(t, "on request") +
			fmt.Sprintf("\nnumbers: {from_caller: allow, allow: %s, deny: %s}\nattempts: {max: 3}\n",
				yaml(append(patterns.Draw(t, "allow"), `"1*"`)), yaml(patterns.Draw(t, "deny")))
		child := "group: child\nextends: parent\n"
		secure := rapid.Bool().Draw(t, "secure")
		if secure {
			child += "callback: secure\ncallback_on_request: deny\nnumbers: {from_caller: deny}\n"
		}
		for _, narrower := range []string{"callback: required\n", "no_verify: deny\n", "callback_on_request: deny\n",
			"attempts: {max: 2}\n", "reauthorize: before_dial\n",
			fmt.Sprintf("numbers: {allow: [\"1*\"], deny+: %s}\n", yaml(patterns.Draw(t, "more")))} {
			key, _, _ := strings.Cut(narrower, ":")
			if rapid.Bool().Draw(t, narrower) && !strings.Contains(child, "\n"+key+":") {
				child += narrower
			}
		}
		s, problems := loadText(map[string]string{"parent.yaml": parent, "child.yaml": child})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		r := Request{Service: rapid.SampledFrom([]aaa.Service{aaa.EXEC, aaa.PPP}).Draw(t, "service"),
			Auth: aaa.Authorization{Callback: rapid.Bool().Draw(t, "demanded"), NoVerify: true}}
		if rapid.Bool().Draw(t, "set") {
			r.Auth.Dialstring = aaa.DialstringOf(rapid.StringMatching(`[0-4]{0,5}`).Draw(t, "dialstring"))
		}
		if rapid.Bool().Draw(t, "typed") {
			r.FromCaller = ptr(rapid.StringMatching(`[0-4]{1,5}`).Draw(t, "number"))
		}
		r.Auth.Groups = []string{"parent"}
		wide, _ := s.Evaluate(r)
		asked := r
		asked.FromCaller = nil
		before, _ := s.Evaluate(asked) // a caller who gives a wrong number may still decline
		r.Auth.Groups = []string{"child"}
		d, trace := s.Evaluate(r)
		admitted := func(d Decision) bool { return d.Outcome == Admit || d.MayDecline }
		switch {
		case admitted(d) && !admitted(wide) && !admitted(before):
			t.Fatalf("admitted: %+v\n%s", d, trace)
		case d.Outcome == CallBack && (wide.Outcome != CallBack || wide.Number != d.Number ||
			d.NoVerify && !wide.NoVerify || d.Attempts.Max > wide.Attempts.Max):
			t.Fatalf("called back: %+v, not %+v\n%s", d, wide, trace)
		case d.Outcome == AskNumber && wide.Outcome != AskNumber:
			t.Fatalf("asked: %+v, not %+v\n%s", d, wide, trace)
		}
	})
}

// No text of two files makes the loader fail or hang; a Set has no list with a plus sign.
func FuzzExtends(f *testing.F) {
	f.Add("extends: b\nnumbers: {deny+: ['1']}\n", "numbers: {deny: ['2']}\n")
	f.Add("extends: b\n", "extends: a\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		s, problems := loadText(map[string]string{"a.yaml": "group: a\n" + a, "b.yaml": "group: b\n" + b})
		if (s == nil) != problems.HasErrors() {
			t.Fatalf("Set %v, but %v", s != nil, problems)
		}
		flat, _ := s.Flat("a")
		for _, setting := range flat {
			if strings.Contains(setting.Key, "+") {
				t.Fatalf("%v", setting)
			}
		}
	})
}
