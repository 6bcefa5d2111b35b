package policies

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/schema"
)

func TestFormat(t *testing.T) {
	long := strings.Repeat(`"84000",`, 20)
	dir := write(t, map[string]string{
		"a.yaml": "# Site files\nusers: [kim, 'a b'] # two\nnumbers: {allow: ['84*'], # local\n" +
			"  from_caller: allow}\ngroup: a\n\nattempts: {retry_wait: 1m30s, max: 3}\n",
		"b.yaml":      "group: b\nextends: a\nnumbers: {from_caller: deny, deny+: [" + long + "]}\n",
		"c.yaml":      "group: c\nuzers: []\n",
		"a.test.yaml": "tests: []\n",
	})
	at := func(name string) string { return filepath.Join(dir, name) }
	files, problems := Format(at("a.yaml"), at("b.yaml"))
	want := []string{`# Site files
group: a
users: [kim, "a b"] # two
numbers:
  from: [aaa, caller, caller_id]
  allow: ["84*"] # local

attempts:
  max: 3
  retry_wait: 1m30s
`, "group: b\nextends: a\nnumbers:\n  from: [aaa]\n  deny+:\n" + strings.Repeat("    - \"84000\"\n", 20)}
	if len(problems) > 0 || len(files) != 2 {
		t.Fatalf("%v %v", files, problems)
	}
	for i, f := range files {
		if f.New != want[i] {
			t.Errorf("got\n%s\nwant\n%s", f.New, want[i])
		}
	}
	// A file that others extend cannot have `from` while these have `from_caller`.
	for _, name := range []string{"a.yaml", "b.yaml"} {
		if files, problems := Format(at(name)); files != nil || !strings.Contains(problems.String(),
			"formatted alone, the files would mean something else (format the whole directory") {
			t.Errorf("%s: %v %v", name, files, problems)
		}
	}
	for name, want := range map[string]string{"c.yaml": `c.yaml:2:1: uzers: unknown key (did you mean "users"?)`,
		"d.yaml": "d.yaml: no such file"} {
		if files, problems := Format(at("a.yaml"), at("b.yaml"), at(name)); files != nil ||
			!strings.Contains(problems.String(), want) {
			t.Errorf("%s: %v %v", name, files, problems)
		}
	}
}

// The formatted file is the same policy, and formatting it changes nothing.
func FuzzFormat(f *testing.F) {
	f.Add(sample)
	f.Add("group: a # x\nnumbers:\n    # here\n    list: {a b: ['1'], y: []}\n    from: [ # s\n    caller_list]\n")
	f.Add("{numbers: {from_caller: deny, allow: []}, # c\n users: ['', \"\\x1b\", yes, no], group: g}")
	f.Fuzz(func(t *testing.T, in string) {
		p, problems := Parse("g.yaml", []byte(in))
		out, failed := format("g.yaml", []byte(in))
		if problems.HasErrors() || failed.HasErrors() {
			return
		}
		same, problems := Parse("g.yaml", []byte(out))
		v, _ := schema.Parse("g.yaml", []byte(out), Keys())
		if problems.HasErrors() || same.Canonical() != p.Canonical() || v.Get("numbers", "from_caller").IsSet() {
			t.Fatalf("%q became %q: %v", in, out, problems)
		}
		if again, _ := format("g.yaml", []byte(out)); again != out {
			t.Fatalf("%q: %q, then %q", in, out, again)
		}
	})
}
