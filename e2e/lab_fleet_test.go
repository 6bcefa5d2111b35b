package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/postgres"
)

// TestPeerLabFleet plays the story of `ringback lab --nodes 3 --play`: each of its steps happens, and is told in lines
// of at most 80 columns.
func TestPeerLabFleet(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	l, err := lab.Start(t.Context(), lab.Options{Dir: dir, Pace: pace, S7: 255, Binary: program(t), Quiet: true,
		Nodes: 3, Edit: func(_, text string) string {
			return strings.ReplaceAll(text, "forced_wait: 10s", "forced_wait: 30s") // for a busy machine
		}})
	if errors.Is(err, postgres.ErrMissing) && os.Getenv("RINGBACK_REQUIRE_PEERS") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var told strings.Builder
	if err := l.TellStory(t.Context(), &told); err != nil {
		t.Errorf("%v\n%s", err, told.String())
		for _, n := range l.Nodes() {
			t.Logf("%s:\n%s", n.Name, readFile(t, filepath.Join(dir, n.Name+".log")))
		}
		return
	}
	for line := range strings.Lines(told.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if n := strings.Count(told.String(), "\n=== "); n != 5 || strings.Contains(told.String(), "Left out") {
		t.Errorf("%d chapters\n%s", n, told.String())
	}
}
