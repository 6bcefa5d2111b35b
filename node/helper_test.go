package node

import (
	"context"
	"flag"
	"os"
	"testing"
	"time"
)

// patience limits how long a test waits for another goroutine or process. A busy machine may need most of it;
// only a failure uses it up.
const patience = 2 * time.Minute

var update = flag.Bool("update", false, "rewrite the printed documents")

// compareDocument compares a printed document with what the code prints now.
func compareDocument(t *testing.T, path, test, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := readFile(t, path); got != want {
		t.Errorf("%s is stale: go test ./node -run %s -update, then read the diff", path, test)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// eventually polls until ok returns true; after patience the test fails.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}
