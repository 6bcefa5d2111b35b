package policies

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/ringback/ringback/schema"
)

// MaxTexts is the maximum number of files of LoadTexts.
const MaxTexts = 1000

// LoadTexts is LoadDir with the texts of some files, by name (GROUP.yaml), which are not on the disk: instead of the
// files of these names, or in addition to them. If alone, the directory has no others. The texts may come from anybody:
// of the other files that policies can name, such as holidays, a text may name only others. In problems, a text has its
// name as its file.
func LoadTexts(dir string, site Site, texts map[string]string, alone bool, others []string) (*Set, schema.Problems) {
	l := loader{files: map[string]*policyFile{}, texts: map[string]string{}, others: append([]string{}, others...)}
	var entries []fs.DirEntry
	if !alone {
		var err error
		if entries, err = os.ReadDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, schema.Problems{schema.FileProblem(dir, err)}
		}
	}
	if len(texts) > MaxTexts {
		return nil, schema.Problems{{File: dir, Msg: "more policy files than can be loaded"}}
	}
	var added []string
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if !IsFile(name) || filepath.Base(name) != name {
			l.problem(schema.Problem{File: name, Msg: "not the name of a policy file",
				Hint: "name it after its group, GROUP.yaml"})
			continue
		}
		l.texts[filepath.Join(dir, name)] = texts[name]
		if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name }) {
			added = append(added, name)
		}
	}
	l.entries(dir, entries)
	for _, name := range added {
		l.file(dir, name)
	}
	set, problems := l.set(site)
	for i, p := range problems {
		if _, ok := l.texts[p.File]; ok {
			problems[i].File = filepath.Base(p.File)
		}
	}
	return set, problems
}
