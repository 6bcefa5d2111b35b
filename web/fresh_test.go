package web

import (
	"bytes"
	"flag"
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/a-h/templ/generator"
	"github.com/a-h/templ/parser/v2"
)

var update = flag.Bool("update", false, "generate the *_templ.go files")

// TestTemplatesAreFresh: each *_templ.go file is what its .templ file generates.
func TestTemplatesAreFresh(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.templ")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v %v", files, err)
	}
	for _, file := range files {
		tree, err := parser.Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := generator.Generate(tree, &b, generator.WithVersion(templ.Version()),
			generator.WithFileName("web/"+file)); err != nil {
			t.Fatal(err)
		}
		code, err := format.Source(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		path := strings.TrimSuffix(file, ".templ") + "_templ.go"
		if *update {
			if err := os.WriteFile(path, code, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, code) {
			t.Errorf("%s is not that of %s (%v): go test ./web -run Fresh -update", path, file, err)
		}
	}
}
