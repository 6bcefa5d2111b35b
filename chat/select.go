package chat

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Select returns the first script whose name matches every pattern. Patterns are regular expressions, unanchored as in
// IOS; empty ones are ignored, and it is an error if all are empty.
func Select(scripts []*Script, patterns ...string) (*Script, error) {
	var asked []namePattern
	for _, p := range patterns {
		if p == "" {
			continue
		}
		re, err := newNamePattern(p)
		if err != nil {
			return nil, fmt.Errorf("chat script name %q is not a regular expression: %w", p, err)
		}
		asked = append(asked, re)
	}
	if len(asked) == 0 {
		return nil, fmt.Errorf("no matching chat script found: no name was given (%s)", defined(scripts))
	}
	for _, s := range scripts {
		if s != nil && matchesAll(s.Name, asked) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("no matching chat script found for %s (%s)", quoted(asked), defined(scripts))
}

// namePattern is a pattern of a line. Most are plain names, which need no regular expression.
type namePattern struct {
	text string
	re   *regexp.Regexp // nil: text is a literal
}

func newNamePattern(text string) (namePattern, error) {
	if regexp.QuoteMeta(text) == text && utf8.ValidString(text) {
		return namePattern{text: text}, nil
	}
	re, err := regexp.Compile(text)
	return namePattern{text, re}, err
}

func (p namePattern) matches(name string) bool {
	if p.re == nil {
		return strings.Contains(name, p.text)
	}
	return p.re.MatchString(name)
}

func matchesAll(name string, asked []namePattern) bool {
	for _, p := range asked {
		if !p.matches(name) {
			return false
		}
	}
	return true
}

func quoted(asked []namePattern) string {
	var names []string
	for _, p := range asked {
		names = append(names, strconv.Quote(p.text))
	}
	return strings.Join(names, " and ")
}

func defined(scripts []*Script) string {
	var names []string
	for _, s := range scripts {
		if s != nil {
			names = append(names, s.Name)
		}
	}
	if names == nil {
		return "none is defined"
	}
	return "defined: " + strings.Join(names, ", ")
}

// Shipped returns ringback's built-in scripts: exec-callback and ppp-callback dial, offhook keeps the modem busy
// before the callback.
func Shipped() []*Script {
	const dial = `ABORT ERROR ABORT BUSY ABORT "NO ANSWER" ABORT "NO CARRIER" ABORT "NO DIALTONE" "" "ATZ" OK "ATDT \T" TIMEOUT 30 CONNECT \c`
	return []*Script{
		mustParse("exec-callback", dial),
		mustParse("ppp-callback", dial),
		mustParse("offhook", `"" "ATH1" OK`),
	}
}

// mustParse parses a script of this file.
func mustParse(name, text string) *Script {
	s, err := Parse(name, text)
	if err != nil {
		panic(err)
	}
	return s
}
