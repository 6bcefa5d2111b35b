// Package examples has the policy files of a site, with their tests. `ringback lab` uses them.
package examples

import (
	"embed"
	"strings"
)

// Policies has the policy files, their tests and the holidays.
//
//go:embed *.yaml holidays.txt
var Policies embed.FS

//go:embed site/ringback.yaml
var configuration string

// Numbers is the key `numbers` of the site's configuration, with its keys.
func Numbers() string {
	return configuration[strings.Index(configuration, "\nnumbers:")+1:]
}
