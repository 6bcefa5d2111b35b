package cli

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSupportBundle: a part that the daemon cannot answer is replaced by the reason, and the file has all parts, for
// this user only.
func TestSupportBundle(t *testing.T) {
	files := bundle(t.Context(), capturing(t), "1.2.3")
	text := map[string]string{}
	for _, b := range files {
		text[b.name] = string(b.data)
	}
	for name, want := range map[string]string{"lines.json": `"tty": 65`, "fleet.json": `"node": ""`,
		"config.error.txt":   "this daemon does not show its configuration",
		"rotaries.error.txt": "internal error, see the log of the daemon"} {
		if !strings.Contains(text[name], want) {
			t.Errorf("%s has %q, want %q", name, text[name], want)
		}
	}
	path := filepath.Join(t.TempDir(), "bundle.tar.gz")
	if err := writeBundle(path, files, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := writeBundle(path, files, time.Unix(1, 0)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name, _ := strings.CutPrefix(h.Name, "ringback-support/")
		if data, err := io.ReadAll(archive); err != nil || string(data) != text[name] {
			t.Errorf("%s: %q, %v", h.Name, data, err)
		}
		names = append(names, name)
	}
	if len(names) != len(files) || !slices.Contains(names, "lines.json") {
		t.Errorf("%q", names)
	}
}
