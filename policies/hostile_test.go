package policies

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Directories that nobody should load: a Set is the result only if all files are whole and valid, and every error names
// a file.
func TestHostileDirectories(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	chain := map[string]string{}
	for i := range 200 {
		chain[fmt.Sprintf("g%d.yaml", i)] = fmt.Sprintf("group: g%d\nextends: g%d\n", i, (i+1)%200)
	}
	one := func(text string) map[string]string { return map[string]string{"a.yaml": "group: a\n" + text} }
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"10 MiB":                           {one("users: [" + strings.Repeat("kim, ", 2<<20) + "]\n"), "larger than"},
		"200 files that extend each other": {chain, "extends"},
		"a file that extends itself":       {one("extends: a\n"), "extends"},
		"deep":                             {one("users: " + strings.Repeat("[", 5000)), ""},
		"aliases":                          {one("users: &a [kim]\nnumbers: {allow: *a}\n"), ""},
		"a bomb of conditions": {one("when: ['" + strings.Repeat("groups.exists(x, ", 40) + "true" +
			strings.Repeat(")", 40) + "']\n"), "when"},
		"a long condition":        {one("when: ['user == \"" + long + "\"']\n"), "when"},
		"an expensive expression": {one("when: ['user.matches(\"(a*)*\" + user)']\n"), "when"},
		"not text":                {one("\x00\xff\n"), ""},
		"one file of two": {map[string]string{"a.yaml": "group: a\nusers: [kim]\n",
			"b.yaml": "group: b\nusers: ["}, "b.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			set, problems := LoadDir(write(t, tt.files), site)
			if set != nil || !problems.HasErrors() || !strings.Contains(problems.String(), tt.want) {
				t.Errorf("%.400s", problems)
			}
			for _, p := range problems {
				if p.File == "" {
					t.Errorf("no file: %v", p)
				}
			}
		})
	}
}

// Half-written files: the files of a site, each cut at many places. Nothing panics, and a Set has all groups or is nil.
func TestHalfWritten(t *testing.T) {
	paths, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(paths) < 5 {
		t.Fatal(paths, err)
	}
	holidays, err := os.ReadFile("examples/holidays.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, TestSuffix) {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(data); n += 13 {
			dir := write(t, map[string]string{"holidays.txt": string(holidays), "field.yaml": "group: field\n",
				filepath.Base(path): string(data[:n])})
			if set, problems := LoadDir(dir, SiteOfFiles()); (set == nil) != problems.HasErrors() {
				t.Errorf("%s cut after %d octets: %v", path, n, problems)
			}
		}
	}
}
