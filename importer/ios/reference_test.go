package ios

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "print the reference again")

const page = "../../docs/reference/import-ios.md"

// TestReference compares the page with the tables: go test ./importer/ios -run Reference -update.
func TestReference(t *testing.T) {
	if *update {
		if err := os.WriteFile(page, []byte(Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != Markdown() {
		t.Errorf("%s is stale: go test ./importer/ios -run Reference -update, then read the diff", page)
	}
}
