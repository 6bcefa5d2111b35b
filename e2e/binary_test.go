package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBinarySize checks the size of the released program. docs/explanation/dependencies.md lists what may enlarge it
// unnoticed.
func TestBinarySize(t *testing.T) {
	t.Parallel()
	const limit = 51_800_000
	path := filepath.Join(t.TempDir(), "ringback")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "../cmd/ringback")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if t.Logf("%d octets", info.Size()); info.Size() > limit {
		t.Errorf("the stripped binary has %d octets, %d at most", info.Size(), limit)
	}
}
