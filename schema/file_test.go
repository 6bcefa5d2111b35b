package schema

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReadFile: only regular files of the size are read, and each error says what to do.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(in("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"loop": "loop", "zero": "/dev/zero", "link": "file"} {
		if err := os.Symlink(target, in(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(in("file"), []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "link"} {
		if data, info, err := ReadFile(in(name), 10); err != nil || string(data) != "0123456789" || info.Size() != 10 {
			t.Errorf("%s: %q, %v, %v", name, data, info, err)
		}
	}
	for name, want := range map[string]string{
		"fifo":   "not a regular file (give a file; a directory, a FIFO or a device cannot be read here)",
		"zero":   "not a regular file (give a file; a directory, a FIFO or a device cannot be read here)",
		"":       "not a regular file (give a file; a directory, a FIFO or a device cannot be read here)",
		"file":   "larger than 9 octets (check that it is the right file, or divide it)",
		"loop":   "too many levels of symbolic links (its symbolic links point to each other: remove them)",
		"none":   "no such file or directory (check the path)",
		"file/x": "not a directory (give a directory)",
	} {
		_, _, err := ReadFile(in(name), 9)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if got := FileProblem(in(name), err).String(); !strings.HasSuffix(got, ": "+want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
