package policies

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
)

// What each source of numbers permits, and that no other does.
func TestSources(t *testing.T) {
	place := aaa.Authorization{Callback: true, CallbackID: "paris"}
	ani := aaa.Authorization{Callback: true, CallerID: true}
	for _, tt := range []struct {
		name   string
		from   string // the key, as in a file
		auth   aaa.Authorization
		user   string
		typed  string
		want   Outcome
		number string
		reason string
	}{
		{"aaa, fixed", "[aaa]", fixed, "", "", CallBack, "84001", ""},
		{"aaa, place", "[aaa]", place, "", "", CallBack, "84022", ""},
		{"aaa, NULL", "[aaa]", null, "", "84007", Refuse, "", "lets the caller choose the number"},
		{"aaa, caller ID", "[aaa]", ani, "", "", Refuse, "", "the caller ID"},
		{"no aaa, fixed", "[caller]", fixed, "", "84007", Refuse, "", "numbers.from of group g has no aaa"},
		{"no aaa, place", "[caller, caller_id]", place, "", "", Refuse, "", "numbers.from of group g has no aaa"},
		{"caller", "[caller]", null, "", "84007", CallBack, "84007", ""},
		{"caller, not asked yet", "[caller]", null, "", "-", AskNumber, "", ""},
		{"caller, no pattern", "[caller]", null, "", "5551234", InvalidNumber, "", "must match an allow pattern"},
		{"caller, caller ID", "[aaa, caller]", ani, "", "", Refuse, "", "the caller ID"},
		{"caller_id", "[caller_id]", ani, "", "", CallBack, "84008", ""},
		{"caller_id, NULL", "[aaa, caller_id]", null, "", "84007", Refuse, "", "lets the caller choose"},
		{"caller_list", "[caller_list]", null, "kim", "5551234", CallBack, "5551234", ""},
		{"caller_list, not asked yet", "[caller_list]", null, "kim", "-", AskNumber, "", ""},
		{"caller_list, another number", "[caller_list]", null, "kim", "84007", InvalidNumber, "",
			`user "kim" has no such number`},
		{"caller_list, another user", "[caller_list]", null, "lee", "5551234", InvalidNumber, "", "no such number"},
		{"caller_list, another case", "[caller_list]", null, "Kim", "5551234", InvalidNumber, "", "no such number"},
		{"caller_list, longer", "[caller_list]", null, "kim", "55512345", InvalidNumber, "", "no such number"},
		{"caller_list, denied", "[caller_list]", null, "kim", "84901", InvalidNumber, "", `deny "849*"`},
		{"caller_list, emergency", "[caller_list]", null, "kim", "911", InvalidNumber, "", "emergency"},
		{"both, by list", "[caller, caller_list]", null, "kim", "5551234", CallBack, "5551234", ""},
		{"both, by pattern", "[caller, caller_list]", null, "kim", "84007", CallBack, "84007", ""},
		{"both, neither", "[caller, caller_list]", null, "lee", "5551234", InvalidNumber, "", "allow pattern"},
	} {
		text := "group: g\nusers: [kim, lee, Kim]\nnumbers: {from: " + tt.from + ", allow: ['84*'], deny: ['849*']"
		if strings.Contains(tt.from, "caller_list") {
			text += ", list: {kim: ['5551234', '84901', '911']}"
		}
		p, problems := Parse("g.yaml", []byte(text+"}\n"))
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		r := Request{Auth: tt.auth, Service: aaa.EXEC, Caller: "84008", Line: trusted}
		if r.Identity.User = tt.user; r.Identity.User == "" {
			r.Identity.User = "kim"
		}
		if tt.typed != "-" {
			r.FromCaller = &tt.typed
		}
		if d, trace := mustNew(t, p).Evaluate(r); d.Outcome != tt.want || d.Number.String() != tt.number ||
			!strings.Contains(d.Reason, tt.reason) {
			t.Errorf("%s: %+v\n%s", tt.name, d, trace)
		}
	}
}

// A pending callback ends when its source is no longer allowed.
func TestSourceIsCheckedAgain(t *testing.T) {
	wide := Policy{Numbers: Numbers{From: []Source{FromAAA, FromCaller, FromList, FromCallerID}, Allow: []string{"84*"},
		List: map[string][]string{"kim": {"5551234"}}}}
	for _, tt := range []struct {
		name  string
		auth  aaa.Authorization
		typed string
		now   []Source
		want  Outcome
	}{
		{"fixed", fixed, "", []Source{FromAAA}, CallBack},
		{"fixed, no longer", fixed, "", []Source{FromCaller, FromCallerID}, Refuse},
		{"typed", null, "84007", []Source{FromCaller}, CallBack},
		{"typed, no longer", null, "84007", []Source{FromAAA, FromCallerID}, Refuse},
		{"typed, by list only", null, "84007", []Source{FromList}, Refuse},
		{"listed", null, "5551234", []Source{FromList}, CallBack},
		{"listed, no longer", null, "5551234", []Source{FromCaller}, Refuse},
		{"caller ID", aaa.Authorization{Callback: true, CallerID: true}, "", []Source{FromCallerID}, CallBack},
		{"caller ID, no longer", aaa.Authorization{Callback: true, CallerID: true}, "", []Source{FromAAA, FromCaller},
			Refuse},
	} {
		r := Request{Identity: aaa.Identity{User: "kim"}, Auth: tt.auth, Service: aaa.EXEC, Caller: "84008",
			Line: trusted, FromCaller: &tt.typed}
		then, trace := mustNew(t, wide).Evaluate(r)
		if then.Outcome != CallBack {
			t.Fatalf("%s: %+v\n%s", tt.name, then, trace)
		}
		narrow := wide
		narrow.Numbers.From = tt.now
		for _, renewed := range []bool{false, true} {
			r.FromCaller, r.Promised, r.Renewed = nil, &then, renewed
			if d, trace := mustNew(t, narrow).Evaluate(r); d.Outcome != tt.want {
				t.Errorf("%s, renewed %v: %+v\n%s", tt.name, renewed, d, trace)
			}
		}
	}
}

// Files from before `from` and what they are short for are one policy, with the digest from before.
func TestFromCallerIsShort(t *testing.T) {
	for _, tt := range []struct{ old, from, digest string }{
		{"from_caller: allow", "from: [caller_id, aaa, caller]",
			"86e2ab779bf0c085e243d18d26af68375bd6726f3db432987bdac5c8e40a3b57"},
		{"from_caller: deny", "from: [aaa]",
			"1880889b5fa5344e51dbf838d1f5702061b2b08df7cdd57a332626601943f5cf"},
	} {
		for _, numbers := range []string{tt.old, tt.from} {
			p, problems := Parse("g.yaml", []byte("group: g\nnumbers: {allow: ['84*'], "+numbers+"}\n"))
			if len(problems) > 0 || p.Digest() != tt.digest {
				t.Errorf("%s: %s %v", numbers, p.Digest(), problems)
			}
		}
	}
}

// A file has one key of the sources: the default of the other one would contradict it.
func TestFlatSources(t *testing.T) {
	s, problems := loadText(map[string]string{
		"new.yaml":  "group: new\nnumbers: {from: [aaa, caller], allow: [\"84*\"]}\n",
		"old.yaml":  "group: old\nnumbers: {from_caller: allow, allow: [\"84*\"]}\n",
		"none.yaml": "group: none\n",
	})
	if s == nil {
		t.Fatal(problems)
	}
	for group, want := range map[string]string{
		"new":  "numbers.from[0]: aaa, numbers.from[1]: caller",
		"old":  "numbers.from_caller: allow",
		"none": "numbers.from: [aaa], numbers.from_caller: deny",
	} {
		var got []string
		flat, _ := s.Flat(group)
		for _, row := range flat {
			if strings.HasPrefix(row.Key, "numbers.from") {
				got = append(got, row.Key+": "+row.Value)
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %s", group, got, want)
		}
	}
}
