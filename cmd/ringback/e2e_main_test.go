package main

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the program too: called by the name ringback it is main. A copy of that name stands first in PATH, for the
// scripts, for the towns of the tests and the daemons that they start.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", "12") // these tests wait, they do not compute; the command line may say otherwise
	testscript.Main(m, map[string]func(){"ringback": func() { os.Exit(run(os.Args[1:])) }})
}
