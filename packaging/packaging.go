// Package packaging has what is installed with the binary and what the binary itself must know of it.
package packaging

import _ "embed"

// Sample is the configuration that the packages install: a daemon without lines. `ringback init` replaces it.
//
//go:embed ringback.yaml
var Sample []byte
