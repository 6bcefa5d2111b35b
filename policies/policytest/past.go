package policytest

import (
	"fmt"
	"slices"
	"time"

	"github.com/ringback/ringback/aaa"
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

// ParseRequest reads a request alone, a JSON object with the keys of `request` in a file of tests; name is used in
// problems. A request without a time is one of now.
func ParseRequest(name string, data []byte, now time.Time) (a Asked, problems schema.Problems) {
	v, problems := schema.ParseJSON(name, 1, data, requestKeys)
	if problems.HasErrors() {
		return a, problems
	}
	if a = asked(v); !v.Get("time").IsSet() {
		a.Time = now
	}
	for _, key := range []string{"auth", "address"} {
		if v.Get(key).IsSet() && a.Service != aaa.PPP {
			problems = append(problems, schema.Problem{File: name, Line: 1, Key: key,
				Msg: fmt.Sprintf("%s is of PPP", key), Hint: "set service to ppp"})
		}
	}
	if v.Get("number").IsSet() && v.Get("numbers").IsSet() {
		problems = append(problems, schema.Problem{File: name, Line: 1, Key: "numbers",
			Msg: "number is set too", Hint: "put all numbers into numbers"})
	}
	return a, problems
}
