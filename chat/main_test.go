package chat

import (
	"flag"
	"os"
	"testing"
)

// TestMain runs more parallel tests than there are CPUs: they wait for peers most of the time.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", "12") // the command line overrides this
	os.Exit(m.Run())
}
