package schema

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Severity decides whether a Problem makes the file unusable.
type Severity int

const (
	Error   Severity = iota // the file cannot be used; the zero value, so that a forgotten severity is an error
	Warning                 // the file can be used
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// MarshalText writes "error" or "warning".
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Problem is one error or warning about a file.
type Problem struct {
	File     string   `json:"file"`
	Line     int      `json:"line,omitempty"`   // from 1; 0: the file as a whole
	Column   int      `json:"column,omitempty"` // from 1
	Key      string   `json:"key,omitempty"`    // path of the key, `aaa.radius[0].secret_file`
	Msg      string   `json:"msg"`
	Hint     string   `json:"hint,omitempty"` // how to fix it
	Severity Severity `json:"severity"`
}

// String formats the problem for people: `ringback.yaml:3:5: api.sokcet: unknown key (did you mean "socket"?)`;
// warnings are marked.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Severity == Warning {
		b.WriteString("warning: ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Msg)
	if p.Hint != "" {
		b.WriteString(" (" + p.Hint + ")")
	}
	return b.String()
}

// Problems are errors and warnings.
type Problems []Problem

// HasErrors reports whether any has the severity Error.
func (ps Problems) HasErrors() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return p.Severity == Error })
}

// Only returns the problems of one severity.
func (ps Problems) Only(s Severity) Problems {
	var out Problems
	for _, p := range ps {
		if p.Severity == s {
			out = append(out, p)
		}
	}
	return out
}

// Err returns an error that lists all problems of severity Error, one per line; nil if there are none.
func (ps Problems) Err() error {
	if errs := ps.Only(Error); len(errs) > 0 {
		return fmt.Errorf("%s", errs)
	}
	return nil
}

func (ps Problems) String() string {
	s := make([]string, len(ps))
	for i, p := range ps {
		s[i] = p.String()
	}
	return strings.Join(s, "\n")
}

// Sort sorts by file and position.
func (ps Problems) Sort() {
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i], ps[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
}
