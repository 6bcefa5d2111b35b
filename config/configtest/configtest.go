// Package configtest loads configurations for tests.
package configtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ringback/ringback/config"
)

// Secret is what the file `secret` beside a configuration of Load holds.
const Secret = "a secret of 24 octets, or more"

// Load is the configuration of a text, which finds the files `secret`, with Secret, and `password`, with pw1, beside
// it. The test fails where it has a mistake.
func Load(t testing.TB, text string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"secret": Secret, "password": "pw1", "ringback.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, problems := config.Load(filepath.Join(dir, "ringback.yaml"), nil)
	if cfg == nil {
		t.Fatal(problems)
	}
	return cfg
}
