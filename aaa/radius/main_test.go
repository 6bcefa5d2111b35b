package radius_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain lets more tests than there are CPUs run at once: those in parallel wait for peers, they do not compute.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", "8") // the command line may say otherwise
	os.Exit(m.Run())
}
