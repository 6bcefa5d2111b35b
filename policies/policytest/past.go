package policytest

import (
	"slices"
	"time"

	"github.com/ringback/ringback/schema"
)

// pastKeys are the keys of a request of the past: those of a test's request, and what followed.
var pastKeys = append(slices.Clone(requestKeys), schema.Key{Name: "connected", Type: schema.Duration,
	Max: int64(31 * 24 * time.Hour)})

// ParsePast reads a request of the past, a line of a file as a JSON object with the keys of `request` in a file of
// tests; connected is how long the call of its callback lasted (`connected: "5m"`), 0 if nothing is known.
func ParsePast(file string, line int, data []byte) (a Asked, connected time.Duration, problems schema.Problems) {
	v, problems := schema.ParseJSON(file, line, data, pastKeys)
	if problems.HasErrors() {
		return a, 0, problems
	}
	return asked(v), v.Get("connected").Duration(), nil
}
