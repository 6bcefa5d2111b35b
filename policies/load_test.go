package policies

import (
	"cmp"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
)

func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const sample = `# users that may be called back
group: default
users: [austin-01, "austin 02"]
callback: required
no_verify: allow
numbers: {from_caller: allow, allow: ["84*"], deny: ["849*"]}
attempts: {max: 3, retry_wait: 1m30s}
callback_on_request: allow
`

func TestParse(t *testing.T) {
	p, problems := Parse("default.yaml", []byte(sample))
	want := Policy{Group: "default", Users: []string{"austin-01", "austin 02"}, Callback: Required, NoVerify: true,
		Numbers:  Numbers{From: AnySource(), Allow: []string{"84*"}, Deny: []string{"849*"}},
		Attempts: Attempts{Max: 3, RetryWait: 90 * time.Second}, OnRequest: true}
	if len(problems) > 0 || !reflect.DeepEqual(p, want) {
		t.Errorf("%+v\n%v", p, problems)
	}
	p, problems = Parse("x.yaml", []byte("group: x\n"))
	want = Policy{Group: "x", Attempts: Attempts{Max: 1, RetryWait: 30 * time.Second}}
	if len(problems) > 0 || !reflect.DeepEqual(p, want) {
		t.Errorf("%+v\n%v", p, problems)
	}
}

// Every key is in the canonical text and no two keys set the same field: a file with another value has another
// digest.
func TestCanonicalSaysEveryKey(t *testing.T) {
	base := Policy{Group: "g"}
	// Keys whose example is the default, and one that is invalid without another key.
	other := map[string]string{"group": "h", "numbers.from_caller": "allow, allow: [\"84*\"]",
		"numbers.from":          "[aaa, caller_list], list: {kim: [\"84007\"]}",
		"numbers.list":          "{kim: [\"84007\"]}, from: [caller_list]",
		"callback_on_request":   "allow\nnumbers: {from_caller: allow, allow: [\"84*\"]}",
		"callback_on_ring":      "allow\nlimits: {user: {hour: {calls: 2}}}",
		"hours.zone":            "Europe/Paris, weekdays: [mon 07:00-19:00]",
		"profile.base":          "2}\nmatch: {called: [\"1\"]",
		"login.delay_after":     "2}\nusers: [kim]\nmatch: {prefix: [x]",
		"login.lock_user_after": "3}\nusers: [kim]\nmatch: {prefix: [x]",
		"login.lock_time":       "1h}\nusers: [kim]\nmatch: {prefix: [x]",
		"profile.overflow":      "2, base: 1}\nmatch: {called: [\"1\"]",
		"hours.weekdays":        "[mon 07:00-19:00], zone: UTC", "limits.user": "{concurrent: 1}",
		"limits.number": "{hour: {calls: 3}}", "limits.group": "{day: {money: 5}}",
		"limits.line":      "{month: {failures: 9}}",
		"access.approvals": "2, window: none", "access.max": "8h, window: none",
		"access.sessions": "continue, window: none",
		"hours.dates":     "[2026-12-24 07:00-12:00], zone: UTC"}
	for _, c := range causeKeys {
		other["attempts."+c.name] = "{retry: no}"
	}
	for _, k := range table {
		if k.text == nil {
			continue
		}
		value := cmp.Or(other[k.path()], k.Example)
		text := k.Name + ": " + value
		if k.in != "" {
			text = k.in + ": {" + text + "}"
		}
		if k.path() != "group" {
			text += "\ngroup: g"
		}
		p, problems := Parse("g.yaml", []byte(text))
		if len(problems) > 0 {
			t.Fatalf("%s: %v", text, problems)
		}
		said := map[string]bool{}
		for _, line := range strings.Split(base.Canonical(), "\n") {
			said[line] = true
		}
		differs := false
		for _, line := range strings.Split(p.Canonical(), "\n") {
			differs = differs || !said[line] && strings.HasPrefix(line, k.path()+": ")
		}
		if !differs || p.Digest() == base.Digest() {
			t.Errorf("%s is not in\n%s", text, p.Canonical())
		}
	}
}

// TestLoneTests: a file whose name makes it one of tests is not ignored if it may be a policy.
func TestLoneTests(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lab.test.yaml")
	if err := os.WriteFile(path, []byte("group: lab.test\ncallback: off\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, problems := LoadDir(dir, site)
	if s != nil || !strings.Contains(problems.String(), "lab.test.yaml: there is no policy file lab.yaml") {
		t.Errorf("%v", problems)
	}
	if _, problems := Parse("x.yaml", []byte("group: lab.test\n")); !strings.Contains(problems.String(),
		`"lab.test" is not a group name: files with tests end in .test.yaml`) {
		t.Errorf("%v", problems)
	}
}

func TestParseProblems(t *testing.T) {
	editors := compiled(t)
	var names []string
	for _, k := range Keys() {
		names = append(names, k.Name)
	}
	slices.Sort(names)
	keys := strings.Join(names, ", ")
	for _, tt := range []struct {
		text string
		want string
	}{
		{"", "g.yaml:1:1: group: is required (write group: default)"},
		{"group:\n", "g.yaml:1:7: group: has no value (write a value or remove the key)"},
		{"group: g\ncallbak: off\n", `g.yaml:2:1: callbak: unknown key (did you mean "callback"?)`},
		{"group: g\nfrobnicate: 1\n",
			`g.yaml:2:1: frobnicate: unknown key (valid keys: KEYS)`},
		{"group: g\ncallback: of\n",
			`g.yaml:2:11: callback: "of" is not "off", "optional", "required", "secure" or "when_cheaper" (did you mean "off"?)`},
		{"group: g\ncallback: false\n", `g.yaml:2:11: callback: "false" is not "off", "optional", "required", "secure" or "when_cheaper"`},
		{"group: g\nno_verify: yes\n", `g.yaml:2:12: no_verify: "yes" is not "allow" or "deny"`},
		{"group: g\nno_verify: {}\n", `g.yaml:2:12: no_verify: expected "allow" or "deny", got a map of keys`},
		{"group: g\ngroup: h\n", `g.yaml:2:1: group: already set on line 1 (remove one of the two)`},
		{"group: g\nusers: kim\n", `g.yaml:2:8: users: expected a list, got the text "kim" (write [kim])`},
		{"group: g\nusers: [\"kim \"]\n", "g.yaml:2:9: users[0]: user name begins or ends with a space"},
		{"group: g\nusers: [\"ki\\u200bm\"]\n", `g.yaml:2:9: users[0]: "ki\u200bm" has a character that cannot be seen (type the name again)`},
		{"group: g\nnumbers: {from: [caller_list], list: {\"kim \": [\"84007\"]}}\n", `g.yaml:2:39: numbers.list."kim ": user name begins or ends with a space`},
		{"group: g\nmatch: {}\n",
			"g.yaml:2:8: match: has no key, so it claims nobody (write match: {prefix: [vendor-]}, or remove match)"},
		{"group: g\nusers: [kim, 7]\n", `g.yaml:2:14: users[1]: expected text, got the number 7 (quote it: "7")`},
		{"group: g\nnumbers: {allow: [0841]}\n",
			`g.yaml:2:19: numbers.allow[0]: expected text, got the number 0841 (quote it: "0841")`},
		{"group: g\nnumbers: {allow: ['8*4']}\n",
			`g.yaml:2:19: numbers.allow[0]: '*' at position 2 is neither a digit nor a * at the end`},
		{"group: g\nnumbers: {denny: []}\n", `g.yaml:2:11: numbers.denny: unknown key (did you mean "deny"?)`},
		{"group: g\nnumbers: {from_caller: allow}\n",
			`g.yaml:2:24: numbers.from_caller: allows callers' numbers, but numbers.allow is empty (add allow: ["84*"]; ["*"] allows any number)`},
		{"group: g\nnumbers: {from: [aaa, caller, caller_id], from_caller: allow, allow: ['*']}\n",
			`g.yaml:2:56: numbers.from_caller: from has the sources already (remove from_caller; from_caller: allow is from: [aaa, caller, caller_id])`},
		{"group: g\nnumbers: {from: []}\n",
			`g.yaml:2:17: numbers.from: has no source, so no number could be called (write from: [aaa], or callback: off)`},
		{"group: g\nnumbers: {from: [caller_id]}\n",
			`g.yaml:2:17: numbers.from: allows callers' numbers, but numbers.allow is empty (add allow: ["84*"]; ["*"] allows any number)`},
		{"group: g\nnumbers: {from: [callers]}\n",
			`g.yaml:2:18: numbers.from[0]: "callers" is not "aaa", "caller", "caller_list" or "caller_id" (did you mean "caller"?)`},
		{"group: g\nnumbers: {from: [caller_list]}\n",
			`g.yaml:2:17: numbers.from: has caller_list, but numbers.list is empty (add list: {kim: ["84007"]})`},
		{"group: g\nnumbers: {list: {kim: ['84007']}}\n",
			`g.yaml:2:17: numbers.list: is not used, because from has no caller_list (add caller_list to from, or remove the list)`},
		{"group: g\nnumbers: {from: [caller_list], list: {kim: ['84*']}}\n",
			`g.yaml:2:45: numbers.list.kim[0]: has a * (write the whole number: a list names numbers, allow has patterns)`},
		{"group: g\ncallback_on_request: allow\n",
			`g.yaml:2:22: callback_on_request: allows callbacks on request, but callers may give no number (write numbers: {from: [aaa, caller], allow: ["84*"]})`},
		{"group: g\ncallback: off\ncallback_on_request: allow\nnumbers: {from_caller: allow, allow: ['*']}\n",
			`g.yaml:3:22: callback_on_request: allows callbacks on request, but callback is off (write callback: optional or required)`},
		{"group: g\nattempts: {max: 11}\n", `g.yaml:2:17: attempts.max: 11 is not between 1 and 10`},
		{"group: g\nattempts: {max: 0}\n", `g.yaml:2:17: attempts.max: 0 is not between 1 and 10`},
		{"group: g\nattempts: {max: two}\n",
			`g.yaml:2:17: attempts.max: expected an integer, got the text "two" (write the number without quotes)`},
		{"group: g\nattempts: {max: 99999999999999999999}\n",
			`g.yaml:2:17: attempts.max: expected an integer, got the number 99999999999999999999`},
		{"group: g\nattempts: {retry_wait: 30}\n",
			`g.yaml:2:24: attempts.retry_wait: expected a duration, got the number 30 (add the unit: 30s)`},
		{"group: g\nattempts: {retry_wait: soon}\n",
			`g.yaml:2:24: attempts.retry_wait: "soon" is not a duration (write 5s, 1m30s or 500ms)`},
		{"group: g\nattempts: {retry_wait: -1s}\n",
			`g.yaml:2:24: attempts.retry_wait: -1s is not between 1s and 1h0m0s`},
		{"group: '../x'\n",
			`g.yaml:1:8: group: "../x" is not a group name (use letters, digits, - _ and . but not first)`},
		{"group: g\nusers: &a [x]\n",
			`g.yaml:2:8: users: anchors (&) and aliases (*) are not supported (write the value in full)`},
		{"- group\n",
			`g.yaml:1:1: expected keys, got a list (valid keys: KEYS)`},
		{"group: g\n---\ngroup: h\n",
			`g.yaml:2:1: the file has a second YAML document (remove everything from the --- line on)`},
		{"group: g\n\tusers: x\n",
			`g.yaml:2:1: invalid YAML: found a tab character that violates indentation (check indentation, colons and quotes on this line and the one before it; tabs are not allowed)`},
		{"group: g\n? [a]\n: b\n", `g.yaml:2:3: a key must be a plain word`},
		{"group: g\n\"a\\x1bb.c\": 1\n",
			`g.yaml:2:1: "a\x1bb.c": unknown key (valid keys: KEYS)`},
	} {
		judgeAlike(t, editors, tt.text)
		_, problems := Parse("g.yaml", []byte(tt.text))
		if got := strings.Replace(problems.String(), keys, "KEYS", 1); got != tt.want {
			t.Errorf("%q:\ngot  %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// All problems are reported together.
func TestParseTellsAll(t *testing.T) {
	_, problems := Parse("g.yaml",
		[]byte("grup: g\ncallback: maybe\nusers: [1]\nnumbers: {deny: [x], from_caller: 1}\nattempts: {max: 0, "+
			"wait: 1s}\n"))
	if len(problems) != 8 {
		t.Errorf("%d problems:\n%v", len(problems), problems)
	}
}

func TestLoadDir(t *testing.T) {
	dir := write(t, map[string]string{"default.yaml": "group: default\n", "staff.yaml": "group: staff\nusers: [kim]\n",
		"README": "x", ".hidden.yaml": "x: ["})
	s, problems := LoadDir(dir, site)
	if len(problems) > 0 || !reflect.DeepEqual(s.Groups(), []string{"default", "staff"}) || len(s.Warnings()) > 0 {
		t.Fatalf("%v %v %v", s, problems, s.Warnings())
	}
	kim := Request{Identity: aaa.Identity{User: "kim"}, Auth: aaa.Authorization{Callback: true, CallbackID: "paris"},
		Service: aaa.EXEC}
	if d, _ := s.Evaluate(kim); d.Group != "staff" || d.Number != number("84022") { // the site's place
		t.Errorf("%+v", d)
	}
	if p, ok := s.Group("staff"); !ok || !reflect.DeepEqual(p.Users, []string{"kim"}) {
		t.Errorf("%+v, %v", p, ok)
	}
	if p, ok := s.Group("nobody"); ok || p.Group != "" {
		t.Errorf("%+v, %v", p, ok)
	}
	s, problems = LoadDir(filepath.Join(dir, "not-there"), site)
	if len(problems) > 0 || len(s.Warnings()) != 1 {
		t.Errorf("%v %v", s, problems)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "zero.yaml")); err != nil {
		t.Fatal(err)
	}
	if s, problems := LoadDir(dir, site); s != nil ||
		!strings.Contains(problems.String(), "zero.yaml: not a regular file") {
		t.Errorf("a device for a file: %v %v", s, problems)
	}
	s, problems = LoadDir(filepath.Join(dir, "README"), site)
	if s != nil || !problems.HasErrors() {
		t.Errorf("a file for a directory: %v %v", s, problems)
	}
}

func TestLoadDirProblems(t *testing.T) {
	dir := write(t, map[string]string{
		"a.yaml": "group: a\nusers: [kim, lee]\n",
		"b.yaml": "group: bee\nusers: [lee, kim, kim]\n",
		"c.yml":  "group: c\n",
		"e.YAML": "group: e\n",
		"d.yaml": "group: d\nuser: [x]\n",
	})
	s, problems := LoadDir(dir, site)
	if s != nil {
		t.Error("a Set despite errors")
	}
	got := strings.ReplaceAll(problems.String(), dir+string(filepath.Separator), "")
	const want = `b.yaml:1:8: group: group "bee" does not match the file name (rename the file to bee.yaml, or write group: b)
b.yaml:2:9: users[0]: user "lee" is already claimed at a.yaml:2 (a user belongs to one group: remove one of the two)
b.yaml:2:14: users[1]: user "kim" is already claimed at a.yaml:2 (a user belongs to one group: remove one of the two)
b.yaml:2:19: users[2]: user "kim" is already claimed at a.yaml:2 (a user belongs to one group: remove one of the two)
c.yml: not a policy file (rename it to c.yaml)
d.yaml:2:1: user: unknown key (did you mean "users"?)
e.YAML: not a policy file (rename it to e.yaml)`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("group: [a, {b: c}]\n? x\n: *y\n"))
	f.Add([]byte("a: &a [*a]\n<<: *a\n"))
	editors := compiled(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		judgeAlike(t, editors, string(data))
		p, problems := Parse("f.yaml", data)
		if problems.HasErrors() {
			for _, pr := range problems {
				if strings.ContainsAny(pr.String(), "\x00\x1b\r") {
					t.Fatalf("%q could break a terminal", pr)
				}
			}
			return
		}
		if p.Group == "" || p.Attempts.Max < 1 || p.Attempts.Max > 10 {
			t.Fatalf("%+v out of %q", p, data)
		}
		if _, err := New(site, p); err != nil {
			t.Fatal(err)
		}
	})
}

// A directory with the name of a policy file is an error: its group would silently have other terms.
func TestDirectoryAsFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "home.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	set, problems := LoadDir(dir, Site{})
	if set != nil || len(problems) != 1 || problems[0].Msg != "not a regular file" {
		t.Errorf("%v", problems)
	}
}
