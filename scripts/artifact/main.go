// Command artifact makes the parts of a release that no ordinary tool makes: man pages, completion scripts, the list of
// what is in the binaries (SBOM), and the container image. scripts/dist calls it. The same input gives the same octets.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/cli"
)

const usage = `usage:
  artifact man DIR               write the man pages, compressed
  artifact completion DIR        write the completion scripts
  artifact sbom FILE BINARY…     write a CycloneDX document of what is in the binaries
  artifact image FILE DIR ARCH=BINARY…   write an OCI image of the binaries, with DIR/ringback.yaml
The environment has VERSION, REVISION and SOURCE_DATE_EPOCH.`

func main() {
	flag.Usage = func() { fmt.Fprintln(os.Stderr, usage) }
	flag.Parse()
	if err := run(flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "artifact: %v\n", err)
		os.Exit(1)
	}
}

// release says of what the parts are.
type release struct {
	version, revision string
	date              time.Time // of the commit
}

func run(args []string) error {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("$SOURCE_DATE_EPOCH: %w", err)
	}
	r := release{os.Getenv("VERSION"), os.Getenv("REVISION"), time.Unix(seconds, 0).UTC()}
	if r.version == "" || r.revision == "" {
		return errors.New("$VERSION and $REVISION must be set")
	}
	switch {
	case len(args) == 2 && args[0] == "man":
		return r.manPages(cli.New(r.version), args[1])
	case len(args) == 2 && args[0] == "completion":
		return completions(args[1])
	case len(args) >= 3 && args[0] == "sbom":
		return r.sbom(args[1], args[2:])
	case len(args) >= 4 && args[0] == "image":
		return r.image(args[1], args[2], args[3:])
	}
	return fmt.Errorf("unknown arguments %q\n%s", args, usage)
}

// completions writes the completion scripts under the names that the shells expect.
func completions(dir string) error {
	for shell, name := range map[string]string{"bash": "ringback", "zsh": "_ringback", "fish": "ringback.fish"} {
		root := cli.New("")
		var text strings.Builder
		root.SetOut(&text)
		root.SetArgs([]string{"completion", shell})
		if err := root.Execute(); err != nil {
			return err
		}
		if err := write(filepath.Join(dir, shell, name), []byte(text.String())); err != nil {
			return err
		}
	}
	return nil
}

// write writes a file and its directory.
func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
