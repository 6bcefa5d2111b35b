package config

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/ringback/ringback/lines/modem/profiles"
	"github.com/ringback/ringback/schema"
)

// profiles reads the profiles of modems: the shipped ones and those of modems_dir.
func (l *loader) profiles() {
	var files []profiles.File
	if dir := l.filePath("modems_dir"); dir != "" && !l.broken("modems_dir") {
		files = l.profileFiles(dir)
	}
	set, problems := profiles.New(files...)
	l.problems = append(l.problems, problems...)
	l.cfg.Profiles = set
}

// profileFiles reads the files of modems_dir. They have commands that modems get, so others must not write them.
func (l *loader) profileFiles(dir string) (files []profiles.File) {
	at := l.v.Get("modems_dir")
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.errorAt(at, "create the directory, or remove the key", "%s: %s", dir, schema.Reason(err))
		return nil
	}
	l.trustDir(dir)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."), e.IsDir():
			continue
		case filepath.Ext(e.Name()) == ".yml":
			l.problem(Problem{File: path, Msg: "not a profile",
				Hint: "rename it to " + strings.TrimSuffix(e.Name(), ".yml") + profiles.Suffix})
			continue
		case filepath.Ext(e.Name()) != profiles.Suffix:
			continue
		}
		data, access, err := l.read(path, schema.MaxSize)
		if err != nil {
			l.problem(Problem{File: path, Msg: schema.Reason(err), Hint: "may this user read it?"})
			continue
		}
		l.trust(nil, path, access, noWrite)
		l.files = append(l.files, data...)
		files = append(files, profiles.File{Path: path, Data: data})
	}
	return files
}
