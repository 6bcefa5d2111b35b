package policies

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ringback/ringback/schema"
)

// TestSuffix ends the names of files with tests of a policy, `GROUP.test.yaml`. LoadDir does not read them, but reports
// those without a policy file.
const TestSuffix = ".test.yaml"

// AllFiles is the file that a problem names if it is of the files as a whole and the site.
const AllFiles = "policy files"

// LoadDir reads all policy files `GROUP.yaml` of a directory, for a site. A missing or empty directory gives a Set with
// the built-in policy and a warning. The Set is nil if there are errors: invalid policies call nobody back. All
// problems are reported at once.
func LoadDir(dir string, site Site) (*Set, schema.Problems) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Problems{schema.FileProblem(dir, err)}
	}
	l := loader{files: map[string]*policyFile{}}
	l.entries(dir, entries)
	return l.set(site)
}

// entries reads the policy files of a directory.
func (l *loader) entries(dir string, entries []fs.DirEntry) {
	for _, e := range entries {
		name := e.Name()
		switch ext := filepath.Ext(name); {
		case strings.HasPrefix(name, "."), e.IsDir() && !IsFile(name):
		case strings.HasSuffix(name, TestSuffix):
			l.tests(dir, name, entries)
		case IsFile(name):
			l.file(dir, name)
		case strings.EqualFold(ext, ".yaml"), strings.EqualFold(ext, ".yml"): // .YAML: another file than .yaml
			hint := "rename it to " + strings.TrimSuffix(name, ext) + ".yaml"
			l.problem(schema.Problem{File: filepath.Join(dir, name), Msg: "not a policy file", Hint: hint})
		}
	}
}

// IsFile reports whether a file's name is that of a policy.
func IsFile(name string) bool {
	return strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, TestSuffix) && !strings.HasPrefix(name, ".")
}

// tests reports a file of tests without a policy file: users of a group would silently be in another one.
func (l *loader) tests(dir, name string, entries []fs.DirEntry) {
	policy := strings.TrimSuffix(name, TestSuffix) + ".yaml"
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == policy }) {
		l.problem(schema.Problem{File: filepath.Join(dir, name), Msg: "there is no policy file " + policy,
			Hint: "tests of a group are in GROUP" + TestSuffix +
				", beside GROUP.yaml; if it is a policy file, rename it"})
	}
}

// LoadFiles is LoadDir for the policy files with these paths and those that they extend, from the same directory.
// A file that is named twice is read once.
func LoadFiles(site Site, paths ...string) (*Set, schema.Problems) {
	l := loader{files: map[string]*policyFile{}}
	paths = distinct(paths)
	for _, path := range paths {
		l.file(filepath.Dir(path), filepath.Base(path))
	}
	for _, path := range paths {
		l.extended(filepath.Dir(path), strings.TrimSuffix(filepath.Base(path), ".yaml"))
	}
	return l.set(site)
}

// distinct returns the paths without those that name a file again.
func distinct(paths []string) (out []string) {
	seen := map[string]bool{}
	for _, path := range paths {
		name := path
		if abs, err := filepath.Abs(path); err == nil {
			name = abs
		}
		if !seen[name] {
			out = append(out, path)
		}
		seen[name] = true
	}
	return out
}

// Parse reads one policy file that extends no other; file is only its name. If there are errors the Policy must not be
// used.
func Parse(file string, data []byte) (Policy, schema.Problems) {
	v, problems := schema.Parse(file, data, Keys())
	if e := v.Get(extends); e.IsSet() {
		problems = append(problems, problemAt(e, "the other file is not known here", "load the directory"))
	}
	if more := v.Plus(); more.IsSet() {
		problems = append(problems, plusProblem(more))
	}
	if h := v.Get("hours", "holidays"); h.Text() != "" {
		problems = append(problems, problemAt(h, "the file is not known here", "load the directory"))
	}
	p := policyOf(v)
	problems = append(problems, new(conditions).read(&p, v)...)
	if !problems.HasErrors() {
		problems = append(problems, check(p, v)...)
	}
	return p, problems
}

// policyOf reads the flat values of a policy file.
func policyOf(v *schema.Value) Policy {
	var p Policy
	for _, k := range table {
		if k.read != nil {
			k.read(&p, k.value(v))
		}
	}
	p.Attempts = p.Attempts.orDefault()
	return p
}

// problemAt is an error about a value, in the file that has it.
func problemAt(at *schema.Value, msg, hint string) schema.Problem {
	return schema.Problem{File: at.File, Line: at.Line, Column: at.Column, Key: at.Path, Msg: msg, Hint: hint}
}

// check reports valid values that contradict each other. v has the flat values of p.
func check(p Policy, v *schema.Value) (problems schema.Problems) {
	problem := func(at *schema.Value, msg, hint string) { problems = append(problems, problemAt(at, msg, hint)) }
	if at := v.Get("match"); at.IsSet() && p.Match.isZero() {
		problem(at, "has no key, so it claims nobody", "write match: {prefix: [vendor-]}, or remove match")
	}
	p.checkProfile(v, problem)
	p.checkLogins(v, problem)
	p.checkSources(v, problem)
	p.checkHours(v.Get("hours"), problem)
	p.checkSecure(v, problem)
	p.checkLimits(v.Get("limits"), problem)
	checkAccess(v.Get("access"), problem)
	checkChoices(v.Get("callback_lines"), problem)
	p.checkCheaper(v, problem)
	p.checkAttempts(v.Get("attempts"), problem)
	p.checkOnRing(v, problem)
	p.checkTriggers(v, problem)
	switch at := v.Get(onRequest); {
	case p.OnRequest && p.Callback == Off:
		problem(at, "allows callbacks on request, but callback is off", "write callback: optional or required")
	case p.OnRequest && !p.Numbers.given():
		problem(at, "allows callbacks on request, but callers may give no number",
			`write numbers: {from: [aaa, caller], allow: ["84*"]}`)
	}
	return problems
}

// loader collects the policies of a directory and their problems.
type loader struct {
	files    map[string]*policyFile // by the group's name
	texts    map[string]string      // by path: instead of the file
	others   []string               // the only other files that a text of texts may name; nil: any
	problems schema.Problems
	unread   []string          // groups whose file cannot be read: reported
	claims   map[string]string // user → where the user is claimed

	holidayFiles map[string][]holiday // by path
	conditions   conditions
}

func (l *loader) problem(p schema.Problem) { l.problems = append(l.problems, p) }

func (l *loader) file(dir, name string) {
	path := filepath.Join(dir, name)
	if text, ok := l.texts[path]; ok {
		l.parse(path, name, []byte(text))
		return
	}
	data, _, err := schema.ReadFile(path, schema.MaxSize)
	if err != nil {
		l.problem(schema.FileProblem(path, err))
		l.unread = append(l.unread, strings.TrimSuffix(name, ".yaml"))
		return
	}
	l.parse(path, name, data)
}

// parse reads the data of one file.
func (l *loader) parse(path, name string, data []byte) {
	v, problems := schema.Parse(path, data, Keys())
	l.problems = append(l.problems, problems...)
	want := strings.TrimSuffix(name, ".yaml")
	if g := v.Get("group"); g.IsSet() && g.Text() != want {
		l.problem(schema.Problem{File: path, Line: g.Line, Column: g.Column, Key: g.Path,
			Msg:  fmt.Sprintf("group %q does not match the file name", g.Text()),
			Hint: fmt.Sprintf("rename the file to %s.yaml, or write group: %s", g.Text(), want)})
	}
	for _, u := range v.Get("users").Items() {
		l.claim(path, u)
	}
	if other := l.files[want]; other != nil {
		l.problem(schema.Problem{File: path, Msg: fmt.Sprintf("group %q has two policies", want),
			Hint: "keep this one or " + other.path})
		return
	}
	l.files[want] = &policyFile{Value: v, path: path, broken: problems.HasErrors()}
}

// claim reports a user that is claimed twice.
func (l *loader) claim(path string, u *schema.Value) {
	if l.claims == nil {
		l.claims = map[string]string{}
	}
	if first, ok := l.claims[u.Text()]; ok {
		l.problem(schema.Problem{File: path, Line: u.Line, Column: u.Column, Key: u.Path,
			Msg:  fmt.Sprintf("user %q is already claimed at %s", u.Text(), first),
			Hint: "a user belongs to one group: remove one of the two"})
		return
	}
	l.claims[u.Text()] = fmt.Sprintf("%s:%d", path, u.Line)
}

// set returns the Set of the flat policies.
func (l *loader) set(site Site) (*Set, schema.Problems) {
	var policies []Policy
	flat := map[string][]Setting{}
	for _, name := range slices.Sorted(maps.Keys(l.files)) {
		v := l.flatten(name)
		if v == nil {
			continue
		}
		p := policyOf(v)
		l.holidays(&p, v)
		l.problems = append(l.problems, l.conditions.read(&p, v)...)
		l.problems = append(l.problems, check(p, v)...)
		site.checkLines(v.Get("callback_lines"), l.problem)
		site.checkPPP(v.Get("ppp"), l.problem)
		site.checkScript(v.Get("script"), l.problem)
		policies, flat[name] = append(policies, p), withoutTwin(settings(Keys(), "", v))
	}
	l.ambiguous(policies)
	l.sameNumbers(policies)
	l.problems.Sort()
	l.problems = slices.Compact(l.problems) // files that extend another one have its problems
	if l.problems.HasErrors() {
		return nil, l.problems
	}
	s, err := New(site, policies...)
	if err != nil { // the file's name and the claims were checked above
		l.problem(schema.Problem{File: AllFiles, Msg: err.Error()})
		return nil, l.problems
	}
	for name, f := range flat {
		g := s.groups[name]
		g.written = newWritten(f)
		s.groups[name] = g
	}
	s.flat, s.files = flat, slices.Sorted(maps.Keys(l.holidayFiles))
	return s, l.problems
}
