package cli

import (
	"os/exec"
	"strings"
	"testing"
)

// TestBinaryLacks: packages that only tests need, and their dependencies, are not linked into the binary.
func TestBinaryLacks(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../cmd/ringback").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(out))
	if len(linked) < 100 {
		t.Fatalf("go list names %d packages", len(linked))
	}
	unwanted := []string{
		"testing", "net/http/pprof", "github.com/facebookincubator/",
		"github.com/prometheus/client_golang/prometheus/promhttp", "github.com/klauspost/",
		"pgregory.net/", "github.com/rogpeppe/",
		"github.com/santhosh-tekuri/", "go.uber.org/goleak",
	}
	for _, name := range linked {
		for _, u := range unwanted {
			if name == u || strings.HasSuffix(u, "/") && strings.HasPrefix(name, u) {
				t.Errorf("the binary has %s (what imports it: go mod why %s)", name, name)
			}
		}
	}
}
