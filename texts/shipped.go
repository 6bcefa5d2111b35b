package texts

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed en/*.yaml zh-Hant/*.yaml
var files embed.FS

var shipped = sync.OnceValue(func() *Dictionary {
	d := &Dictionary{texts: map[Language]map[Key]text{}}
	for _, l := range Languages() {
		all, err := readAll(files, l)
		if err != nil {
			panic("texts: " + err.Error()) // a test reads them
		}
		d.texts[l] = all
	}
	return d
})

// Shipped returns the dictionary of the binary.
func Shipped() *Dictionary { return shipped() }

// readAll reads the files of a language.
func readAll(from fs.FS, l Language) (map[Key]text, error) {
	all := map[Key]text{}
	names, err := fs.Glob(from, path.Join(string(l), "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		rows := map[Key]string{}
		if err := yaml.Unmarshal(data, &rows); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for k, s := range rows {
			t, err := parse(s)
			if _, twice := all[k]; twice {
				err = fmt.Errorf("is in another file, too")
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, k, err)
			}
			all[k] = t
		}
	}
	return all, nil
}
