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

// Tariff is the price list of the site, tariff.csv.
//
//go:embed site/tariff.csv
var Tariff []byte

// Configuration has the keys of the site's ringback.yaml that concern the policies, except policies_dir.
func Configuration() string {
	return configuration[strings.Index(configuration, "\nnumbers:")+1:]
}
