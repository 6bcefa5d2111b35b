package node

import (
	"context"
	"os"
	"testing"
	"time"
)

// patience is how long a test waits for what happens beside it. A busy machine may need most of it; only a failure
// takes all.
const patience = 2 * time.Minute

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// eventually asks until ok says yes, for as long as patience lasts.
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
