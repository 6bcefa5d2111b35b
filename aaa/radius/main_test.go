package radius_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain allows more parallel tests than CPUs: parallel tests mostly wait for peers.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", "8") // the command line can override it
	os.Exit(m.Run())
}
