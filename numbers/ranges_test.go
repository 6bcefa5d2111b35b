package numbers

import (
	"strings"
	"testing"
)

func TestBuiltIn(t *testing.T) {
	if _, err := ParseRanges(builtInText); err != nil {
		t.Fatal(err)
	}
	n := number("881612345678")
	if a := testing.AllocsPerRun(100, func() { (Ranges{}).of(n.digits) }); a > 0 {
		t.Errorf("%v allocations", a)
	}
}

// A class of the file is one more class, unless the library knows none. So a file can only admit what was unknown.
func TestRanges(t *testing.T) {
	r, err := ParseRanges([]byte(`ranges:
  - {class: fraud, source: carrier, date: "2026-11-29", prefixes: ["336", "25261"]}
  - {class: mobile, source: carrier, date: "2026-11-29", prefixes: ["33612"]}
  - {class: fixed, source: regulator, date: "2026-11-29", prefixes: ["33012"]}
`))
	if err != nil {
		t.Fatal(err)
	}
	plan := france
	plan.Ranges = r
	for canonical, want := range map[string]string{
		"33622345678": "fraud, mobile", "33612345678": "mobile", "33012345678": "fixed", "33899123456": "premium",
		"252612345678": "fraud, mobile, international", "881612345678": "mobile, international",
	} {
		if got := plan.Classes(number(canonical)).String(); got != want {
			t.Errorf("%s is %q, want %q", canonical, got, want)
		}
	}
}

func TestParseRanges(t *testing.T) {
	const fraud = `ranges: [{class: fraud, source: s, date: "2026-11-29"`
	for text, want := range map[string]string{
		"":                                    "the file has no ranges",
		"ranges: []":                          "the file has no ranges",
		"range: 1":                            "field range not found",
		"ranges: []\n---\nranges: []\n":       "the file has a second document",
		"ranges: []\n--- [\n":                 "the file has a second document",
		"ranges: [{class: cheap, source: s}]": `"cheap" is not the class of a range (write one of ["fraud"`,
		"ranges: [{class: international, source: s}]":           `"international" is not the class`,
		"ranges: [{class: unknown, source: s}]":                 `"unknown" is not the class`,
		"ranges: [{class: fraud}]":                              "ranges[0]: the source is missing",
		"ranges: [{class: fraud, source: s}]":                   `"" is not the date of the source`,
		"ranges: [{class: fraud, source: s, date: 29.11.2026}]": `"29.11.2026" is not the date`,
		fraud + "}]":                   "there are no prefixes",
		fraud + `, prefixes: ["1*"]}]`: `"1*" is not a prefix`,
		fraud + `, prefixes: [""]}]`:   `"" is not a prefix`,
		fraud + `, prefixes: [1, "2"]}, {class: mobile, source: s, date: "2026-11-29", prefixes: ["1"]}]`: "ranges[1]: 1 is " +
			"in the class fraud already",
	} {
		if _, err := ParseRanges([]byte(text)); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
