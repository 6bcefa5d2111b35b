// Package e2e tests the program from outside: the daemon, the commands, real peers and crashes. It has tests only.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ringback/ringback/cli"
)

// TestMain makes the program under test the first `ringback` in PATH, for the scripts, for the towns of the tests and
// the daemons that they start. It is built as users run it. RINGBACK_RACE=1 makes it this test binary under its other
// name, which has the race detector if the tests have it: three times the work.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", "12") // these tests mostly wait; the command line may override it
	testscript.Main(tests{m}, map[string]func(){"ringback": func() { os.Exit(cli.Run("", os.Args[1:])) }})
}

// tests builds the program before the tests, and removes the releases that they have built.
type tests struct{ *testing.M }

func (m tests) Run() int {
	defer removeMade(&releases)
	defer removeMade(&debians)
	if os.Getenv("RINGBACK_RACE") != "1" {
		dir, err := build()
		defer os.RemoveAll(dir)
		if err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			return 1
		}
		os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	return m.M.Run()
}

// build builds the program, in a new directory that the caller removes.
func build() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "ringback"); err != nil {
		return "", err
	}
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(dir, "ringback"),
		"../cmd/ringback")
	c.Env = append(os.Environ(), "CGO_ENABLED=0") // as in scripts/dist, which then finds compiled packages
	if out, err := c.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
}
