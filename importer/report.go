// Package importer is what the importers of other products' configurations have in common: the text that they read, the
// report about each of its lines, and the files that they write. It knows no product and no key of the configuration.
package importer

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Kind is what became of a line.
type Kind string

// The kinds of a Row.
const (
	Imported    Kind = "imported"    // the files written have it
	Harmless    Kind = "harmless"    // nothing is lost without it
	Unsupported Kind = "unsupported" // the files written lack it; the note has the reason
)

// Row is one line of the input. A Report has one for each, also for blank lines.
type Row struct {
	File string `json:"file,omitempty"` // of several inputs
	Line int    `json:"line"`           // from 1
	Text string `json:"text"`           // secrets are replaced by Hidden
	Kind Kind   `json:"kind"`
	Note string `json:"note"`              // what the line became, or why not
	Warn string `json:"warning,omitempty"` // what the operator must know or decide about it
}

// Hidden replaces a secret in a Report.
const Hidden = "[secret]"

// Report says what became of each line of an input.
type Report struct {
	Format   string   `json:"format"` // "ios", …
	File     string   `json:"file"`
	Warnings []string `json:"warnings"` // about the whole, not one line
	Rows     []Row    `json:"rows"`
}

// Count returns the number of rows of a kind.
func (r *Report) Count(k Kind) (n int) {
	for i := range r.Rows {
		if r.Rows[i].Kind == k {
			n++
		}
	}
	return n
}

// Print writes the report as text: rows with a warning, unsupported and imported ones; all of them if harmless ones are
// requested too. The end has the warnings about the whole and the sums.
func (r *Report) Print(w io.Writer, harmless bool) {
	width, file := len(strconv.Itoa(len(r.Rows))), ""
	for _, row := range r.Rows {
		if row.File != file {
			file = row.File
			fmt.Fprintf(w, "%s:\n", file)
		}
		if row.Kind == Harmless && row.Warn == "" && !harmless {
			continue
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%*d  %-11s  %s", width, row.Line, row.Kind, row.Text), " "))
		indent := strings.Repeat(" ", width+2)
		fmt.Fprintf(w, "%s-> %s\n", indent, row.Note)
		if row.Warn != "" {
			fmt.Fprintf(w, "%swarning: %s\n", indent, row.Warn)
		}
	}
	for _, text := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", text)
	}
	fmt.Fprintf(w, "%s: %d lines: %d imported, %d harmless, %d unsupported\n", r.File, len(r.Rows), r.Count(Imported),
		r.Count(Harmless), r.Count(Unsupported))
}

// Error is a line on which an import stops. Nothing is written then: half of a configuration may allow more than the
// whole. It never has a part of the input that may be a secret.
type Error struct {
	Line int    // from 1; 0: the whole input
	Msg  string // what is wrong
	Want string // what was expected; "": obvious
	Hint string // how to get a proper input; "": none
}

func (e *Error) Error() string {
	text := e.Msg
	if e.Line > 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, e.Msg)
	}
	if e.Want != "" {
		text += "; expected " + e.Want
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}
