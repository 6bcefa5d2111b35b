package schema

import (
	"fmt"
	"sort"
	"strings"
)

// Severity tells whether a Problem forbids the use of the file.
type Severity int

const (
	Error   Severity = iota // the file cannot be used; the zero value, so that nothing forgotten passes
	Warning                 // it can, and somebody should know
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// MarshalText writes "error" or "warning".
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Problem is one thing that is wrong in a file.
type Problem struct {
	File     string   `json:"file"`
	Line     int      `json:"line,omitempty"`   // from 1; 0: the file as a whole
	Column   int      `json:"column,omitempty"` // from 1
	Key      string   `json:"key,omitempty"`    // path of the key, `aaa.radius[0].secret_file`
	Msg      string   `json:"msg"`
	Hint     string   `json:"hint,omitempty"` // how to mend it
	Severity Severity `json:"severity"`
}

// String is the form for people: `ringback.yaml:3:5: api.sokcet: unknown key (did you mean "socket"?)`; a warning says so.
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

// Problems is all that is wrong, errors and warnings.
type Problems []Problem

// HasErrors reports whether one of them is an Error.
func (ps Problems) HasErrors() bool { return len(ps.Only(Error)) > 0 }

// Only returns those of one severity.
func (ps Problems) Only(s Severity) Problems {
	var out Problems
	for _, p := range ps {
		if p.Severity == s {
			out = append(out, p)
		}
	}
	return out
}

// Err returns nil where there is no Error, else an error that holds all of them, a line each.
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

// Sort orders by file and position, for people read from the top.
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
