package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ringback/ringback/lab"
)

// brokenFile is a way to break a file of the configuration in place.
type brokenFile struct {
	name, file string
	broken     func(path string, text []byte) error
	want       string // of the answer: the file and what is wrong with it
}

func fileWritten(text string) func(string, []byte) error {
	return func(path string, _ []byte) error { return os.WriteFile(path, []byte(text), 0o600) }
}

func fileGone(path string, _ []byte) error { return os.Remove(path) }

// fileReplaced replaces the file by what make creates at its path.
func fileReplaced(create func(path string) error) func(string, []byte) error {
	return func(path string, _ []byte) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return create(path)
	}
}

// TestBrokenReloads: each reload of a broken configuration is rejected with the file and what is wrong with it, never
// waits, and leaves the session that is open as it is; so do 20 reloads in a row.
func TestBrokenReloads(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	l := startTown(t, lab.Options{Dir: dir, Edit: edits(t, waits("1s"))})
	p := sitDown(t, l, "austin-01")
	p.promised("austin-01", "maui-1993")
	p.answer()
	p.see(prompt)
	fifo := fileReplaced(func(path string) error { return syscall.Mkfifo(path, 0o600) })
	directory := fileReplaced(func(path string) error { return os.Mkdir(path, 0o700) })
	half := func(path string, text []byte) error { return os.WriteFile(path, text[:len(text)/2], 0o600) }
	const main, rules, secret = "ringback.yaml", "policies.d/default.yaml", "radius.secret"
	for _, tt := range []brokenFile{
		{"empty", main, fileWritten(""), "the file has no keys: it is empty, or was cut off"},
		{"half", main, half, "ringback.yaml"},
		{"no YAML", main, fileWritten("lines: [\n"), "invalid YAML"},
		{"gone", main, fileGone, "ringback.yaml: no such file or directory"},
		{"FIFO", main, fifo, "ringback.yaml: not a regular file"},
		{"directory", main, directory, "ringback.yaml: not a regular file"},
		{"endless", main, fileReplaced(func(path string) error { return os.Symlink("/dev/zero", path) }),
			"ringback.yaml: not a regular file"},
		{"no lines and no AAA", main, fileWritten("hostname: maui\n"), "ringback.yaml"},
		{"policy with an unknown key", rules, fileWritten("group: default\nnumbers: {alow: [\"84*\"]}\n"),
			`default.yaml:2:11: numbers.alow: unknown key (did you mean "allow"?)`},
		{"policy is a FIFO", rules, fifo, "default.yaml: not a regular file"},
		{"secret gone", secret, fileGone, "secret_file"},
		{"secret is empty", secret, fileWritten(""), "the file is empty"},
		{"secret is a FIFO", secret, fifo, "not a regular file"},
		{"policies gone", "policies.d", func(path string, _ []byte) error { return os.Rename(path, path+".away") },
			"policies_dir: policies.d: there is no such directory"},
	} {
		path := filepath.Join(dir, tt.file)
		text, noFile := os.ReadFile(path)
		if err := tt.broken(path, text); err != nil {
			t.Fatal(err)
		}
		out, code := ringback(t, "", "reload", "--socket", filepath.Join(dir, "ringback.sock"))
		if code != 1 || !strings.Contains(out, tt.want) || !strings.Contains(out, "NOT reloaded") {
			t.Errorf("%s: status %d\n%s\nwant %q", tt.name, code, out, tt.want)
		}
		p.run("show clock", "UTC")
		var err error
		if noFile != nil {
			err = os.Rename(path+".away", path)
		} else if err = os.RemoveAll(path); err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, main)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 { // each waits for a second until the file has settled
		text := bytes.ReplaceAll(good, []byte("forced_wait: 1s"), []byte("forced_wait: "+[]string{"2s", "x"}[i%2]))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if answer, err := l.Client().Reload(t.Context()); err != nil || answer.Applied != (i%2 == 0) {
			t.Fatalf("reload %d: %+v, %v", i, answer, err)
		}
	}
	p.run("show clock", "UTC")
	p.hangUp()
}
