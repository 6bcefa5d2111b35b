package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPeerSystemdUnit checks the unit of the how-to with systemd.
func TestPeerSystemdUnit(t *testing.T) {
	analyze := needs(t, "systemd-analyze", "systemd")
	unit := strings.Replace(fenced(t, "../docs/how-to/first-modem.md", "ini")[0], "/usr/local/bin/ringback",
		"/bin/true", 1)
	path := filepath.Join(t.TempDir(), "ringback.service")
	if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(analyze, "verify", path).CombinedOutput()
	for line := range strings.Lines(string(said)) { // it reads other units too, and reports their defects
		if strings.Contains(line, "ringback.service") {
			t.Errorf("systemd-analyze verify: %s", line)
		}
	}
	if err != nil {
		t.Logf("systemd-analyze verify: %v\n%s", err, said)
	}
}
