package tables

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
)

// A problem may quote a policy file, which decides nothing about the operator's terminal.
func TestHealthIsHarmless(t *testing.T) {
	var b strings.Builder
	Health(&b, client.Health{Problems: []string{"the last reload failed: a.yaml:1:1: \x1b[2Jx: unknown key"}},
		time.Now())
	if got := b.String(); strings.Contains(got, "\x1b") ||
		!strings.HasPrefix(got, "problem: the last reload failed: a.yaml:1:1: [2Jx: unknown key\n") {
		t.Errorf("%q", got)
	}
}
