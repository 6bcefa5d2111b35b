package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// patience limits how long a test waits for another goroutine or process. A busy machine may need most of it;
// only a failure uses it up.
const patience = 2 * time.Minute

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// needs returns the path of a peer; without it the test is skipped, or fails if RINGBACK_REQUIRE_PEERS is 1.
func needs(t *testing.T, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		msg := "needs " + program + ": apt-get install " + pkg
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal(msg)
		}
		t.Skip(msg)
	}
	return path
}

// fileDir returns a directory with these files, by their paths in it.
func fileDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
