package policies

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ringback/ringback/schema"
)

// Formatted is a policy file in the canonical style.
type Formatted struct {
	Path     string
	Old, New string // the file as it is, and as it should be
}

// Format returns the policy files with these paths in the canonical style (schema.Format), with `from` instead of
// `from_caller`. It writes none. If there are problems there are no files: one of them is broken, or the new files
// would mean something else. That is checked together with the files that they extend and those that extend them.
func Format(paths ...string) ([]Formatted, schema.Problems) {
	family := kin(paths)
	before, problems := digests(family, nil)
	if problems.HasErrors() {
		return nil, problems
	}
	var out []Formatted
	texts := map[string]string{}
	for _, path := range paths {
		data, _, err := schema.ReadFile(path, schema.MaxSize)
		if err != nil {
			return nil, schema.Problems{schema.FileProblem(path, err)}
		}
		text, problems := format(path, data)
		if problems.HasErrors() {
			return nil, problems
		}
		texts[path] = text
		out = append(out, Formatted{path, string(data), text})
	}
	after, problems := digests(family, texts)
	if problems.HasErrors() || !slices.Equal(before, after) {
		return nil, append(problems, schema.Problem{File: strings.Join(paths, ", "),
			Msg:  "formatted alone, the files would mean something else",
			Hint: "format the whole directory: from_caller is rewritten as from, in all files that extend each other"})
	}
	return out, nil
}

// format formats one file.
func format(path string, data []byte) (string, schema.Problems) {
	text, problems := schema.Format(path, data, Keys())
	if problems.HasErrors() {
		return "", problems
	}
	v, _ := schema.Parse(path, []byte(text), Keys())
	old := v.Get("numbers", "from_caller")
	if !old.IsSet() {
		return text, nil
	}
	var p Policy
	readFromCaller(&p, old)
	lines := strings.SplitAfter(text, "\n") // from_caller has a line of its own
	lines[old.Line-1] = strings.Replace(lines[old.Line-1], "from_caller: "+old.Text(),
		"from: "+p.Numbers.sourceText(), 1)
	return schema.Format(path, []byte(strings.Join(lines, "")), Keys()) // from is before other keys
}

// digests returns the policies of files, with other texts for some of them.
func digests(paths []string, texts map[string]string) ([]string, schema.Problems) {
	l := loader{files: map[string]*policyFile{}, texts: texts}
	for _, path := range paths {
		l.file(filepath.Dir(path), filepath.Base(path))
	}
	s, problems := l.set(SiteOfFiles())
	var out []string
	for _, g := range s.Groups() {
		out = append(out, s.groups[g].Canonical())
	}
	return out, problems
}

// kin returns the paths with those of the valid files beside them that they extend or that extend them.
func kin(paths []string) []string {
	extended := map[string]string{} // by path: the path of the file that it extends
	for _, path := range paths {
		dir := filepath.Dir(path)
		entries, _ := os.ReadDir(dir) // the files themselves are read again
		for _, e := range entries {
			if other := filepath.Join(dir, e.Name()); IsFile(e.Name()) && extended[other] == "" {
				extended[other] = parentOf(other)
			}
		}
	}
	all := map[string]bool{}
	for _, path := range paths {
		all[path] = true
	}
	for n := 0; n < len(all); {
		n = len(all)
		for child, parent := range extended {
			if parent != "" && (all[child] || all[parent]) {
				all[child], all[parent] = true, true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// parentOf returns the path of the file that a valid file extends; "": none.
func parentOf(path string) string {
	data, _, err := schema.ReadFile(path, schema.MaxSize)
	if err != nil {
		return ""
	}
	v, problems := schema.Parse(path, data, Keys())
	if e := v.Get(extends); e.IsSet() && !problems.HasErrors() {
		return filepath.Join(filepath.Dir(path), e.Text()+".yaml")
	}
	return ""
}
