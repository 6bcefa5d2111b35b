package policies

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
)

// The trace says in which file and line the values are written that each rule looked at, and of a list the element that
// decided.
func TestTraceSaysWhereValuesAreWritten(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"base": "group: base\ncallback: required\nnumbers:\n  from: [aaa, caller]\n  allow: [\"84*\"]\n" +
			"  deny:\n    - \"848*\"\n    - \"849*\"\nlimits:\n  user:\n    day: {calls: 9}\n  session_time: 1h\n",
		"eng": "group: eng\nextends: base\nusers:\n  - ann\n  - kim\nnumbers:\n  allow+:\n    - \"8490*\"\n",
		"sub": "group: sub\nmatch: {prefix: [sub-]}\nnumbers:\n  from: [caller_list]\n  list:\n" +
			"    sub-1: [\"84001\"]\n    \"sub-[2\":\n      - \"84002\"\n      - \"84003\"\n",
		"odd":     "group: odd\nmatch:\n  suffix: [\"-1\"]\n",
		"default": "group: default\ncallback: off\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, problems := LoadDir(dir, site)
	if s == nil {
		t.Fatal(problems)
	}
	tests := []struct {
		name, user, typed string
		groups            []string
		rule, at          string
	}{
		{"a user of the list", "kim", "84001", nil, "group", "eng.yaml:5"},
		{"a group hint", "lee", "84001", []string{"eng"}, "group", "eng.yaml:1"},
		{"no group", "lee", "84001", nil, "group", "default.yaml:1"},
		{"match", "sub-2", "84001", nil, "group", "sub.yaml:2"},
		{"two groups", "sub-1", "84001", nil, "group", "odd.yaml:3, sub.yaml:2"},
		{"a value of the other file", "kim", "84001", nil, "callback policy", "base.yaml:2"},
		{"a default", "kim", "84001", nil, "no_verify", ""},
		{"a rule without keys", "kim", "84001", nil, "number plan", ""},
		{"an allow pattern", "kim", "84001", nil, "number lists", "base.yaml:5"},
		{"one that was added", "kim", "84907", []string{}, "number lists", "eng.yaml:8"},
		{"a deny pattern", "kim", "84991", nil, "number lists", "base.yaml:8"},
		{"no pattern", "kim", "99001", nil, "number lists", "base.yaml:5, eng.yaml:8, base.yaml:7"},
		{"a number of the list", "sub-[2", "84003", nil, "number lists", "sub.yaml:9"},
		{"not in the user's list", "sub-[2", "84001", nil, "number lists", "sub.yaml:8"},
		{"limits", "kim", "84001", nil, "limits", "base.yaml:11"},
	}
	for _, tt := range tests {
		r := Request{Identity: aaa.Identity{User: tt.user}, Auth: null, Service: aaa.EXEC, FromCaller: &tt.typed}
		r.Auth.Groups = tt.groups
		_, trace := s.Evaluate(r)
		i := slices.IndexFunc(trace, func(s Step) bool { return s.Rule == tt.rule })
		if i < 0 || trace[i].At != tt.at {
			t.Errorf("%s: rule %q is not at %q:\n%s", tt.name, tt.rule, tt.at, trace)
			continue
		}
		line := strings.Split(trace.String(), "\n")[i]
		if tt.at != "" && !strings.HasSuffix(line, "  ("+tt.at+")") {
			t.Errorf("%s: %q does not end with where it is written", tt.name, line)
		}
	}
}

// A list of thousands of elements does not make the trace longer.
func TestTraceOfLongList(t *testing.T) {
	s, problems := LoadDir(large(t), site)
	if s == nil {
		t.Fatal(problems)
	}
	_, trace := s.Evaluate(largeRequest())
	for _, step := range trace {
		if len(step.At) > 64 {
			t.Errorf("rule %s: %d octets say where its values are written", step.Rule, len(step.At))
		}
	}
}

// Every key that a rule names exists, so that a renamed key is not lost.
func TestKeysOfRules(t *testing.T) {
	for _, r := range rules {
		for _, name := range r.keys {
			if !slices.ContainsFunc(table, func(k key) bool { return k.path() == name || k.in == name }) {
				t.Errorf("rule %s: there is no key %s", r.name, name)
			}
		}
	}
}
