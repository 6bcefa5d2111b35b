// Command ringback is a callback broker for modems: it authenticates callers with AAA, hangs up, and calls back. Its
// commands are in package cli.
package main

import (
	"os"

	"github.com/ringback/ringback/cli"
)

// version is set by the linker for a release: -ldflags "-X main.version=1.2". Without it the build's own information is
// shown.
var version = ""

func main() {
	os.Exit(cli.Run(version, os.Args[1:]))
}
