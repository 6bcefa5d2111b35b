// Package e2e tests the program from outside: the daemon, the commands, real peers and crashes. It has tests only.
package e2e

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ringback/ringback/cli"
)

// TestMain makes this test binary also the program: called as ringback it is the command line. A copy with that name is
// first in PATH, for the scripts, for the towns of the tests and the daemons that they start. So the program under test
// has the race detector if the tests have it, and `go test` knows what a cached result depends on.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", "12") // these tests mostly wait; the command line may override it
	testscript.Main(withReleases{m}, map[string]func(){"ringback": func() { os.Exit(cli.Run("", os.Args[1:])) }})
}

// withReleases removes the releases that the tests have built.
type withReleases struct{ *testing.M }

func (m withReleases) Run() int {
	defer removeMade(&releases)
	defer removeMade(&debians)
	return m.M.Run()
}
