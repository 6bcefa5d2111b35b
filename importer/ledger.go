package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Ledger collects what became of the statements of an input, for formats in which a line may have several statements
// and a statement several lines. Create one with NewLedger. Lines are numbered from 1.
type Ledger struct {
	lines   []string
	entries []entry
	hidden  map[int][][2]int
}

type entry struct {
	kind  Kind
	notes []string
	warns []string
	more  bool // further notes were left out
}

// maxNotes is the number of notes of a line that a report has: a line of a group may be about thousands of users.
const maxNotes = 12

// NewLedger returns a ledger of lines, as Lines returns them. Blank lines, and those that begin with a comment sign
// after blanks, are harmless. A sign is a text such as "#".
func NewLedger(lines []string, sign string) *Ledger {
	l := &Ledger{lines: lines, entries: make([]entry, len(lines)), hidden: map[int][][2]int{}}
	for i, text := range lines {
		switch text = strings.TrimSpace(text); {
		case text == "":
			l.Harmless(i+1, "blank")
		case strings.HasPrefix(text, sign):
			l.Harmless(i+1, "comment")
			l.hideComment(i + 1)
		}
	}
	return l
}

// secretWord finds what stands before a secret in a line that was turned into a comment.
var secretWord = regexp.MustCompile(`(?i)\b(cleartext|des|key|global|[a-z-]*(secret|passw(or)?d|-pwd))\b[ \t:=]*|` +
	`\$[0-9a-z]{1,4}\$`) // and what begins a hash of crypt(3)

// hideComment hides what may be a secret in a comment.
func (l *Ledger) hideComment(line int) {
	text := l.lines[line-1]
	if at := secretWord.FindStringIndex(text); at != nil && at[1] < len(text) {
		l.Hide(line, at[1], len(text))
	}
}

// Imported, Harmless and Unsupported record what became of a statement on a line. Of several statements, the worst
// decides the kind of the line, and all notes remain.
func (l *Ledger) Imported(line int, note string) { l.set(line, Imported, note) }

// Harmless records a statement without which nothing is lost.
func (l *Ledger) Harmless(line int, note string) { l.set(line, Harmless, note) }

// Unsupported records a statement that the files lack, with the reason.
func (l *Ledger) Unsupported(line int, why string) { l.set(line, Unsupported, why) }

// Warn adds what the operator must know or decide about a line.
func (l *Ledger) Warn(line int, text string) {
	if e := &l.entries[line-1]; !slices.Contains(e.warns, text) && len(e.warns) < maxNotes {
		e.warns = append(e.warns, text)
	}
}

// Has reports whether something was recorded of a line.
func (l *Ledger) Has(line int) bool { return l.entries[line-1].kind != "" }

// Follow records that a line continues the statement of another one, unless something was recorded of it.
func (l *Ledger) Follow(line, first int) {
	if e := &l.entries[line-1]; e.kind == "" && first > 0 {
		l.set(line, l.entries[first-1].kind, fmt.Sprintf("part of line %d", first))
	}
}

func (l *Ledger) set(line int, kind Kind, note string) {
	e := &l.entries[line-1]
	worse := rank(kind) > rank(e.kind)
	if worse {
		e.kind = kind
	}
	switch {
	case slices.Contains(e.notes, note):
	case len(e.notes) < maxNotes || worse && kind == Unsupported:
		e.notes = append(e.notes, note)
	default:
		e.more = true
	}
}

func rank(k Kind) int { return slices.Index([]Kind{"", Harmless, Imported, Unsupported}, k) }

// Hide replaces the octets from … to (not included) of a line by Hidden in the report.
func (l *Ledger) Hide(line, from, to int) { l.hidden[line] = append(l.hidden[line], [2]int{from, to}) }

// HideLast replaces a text at the end of a line, and what follows it.
func (l *Ledger) HideLast(line int, text string) {
	if at := strings.LastIndex(l.lines[line-1], text); text != "" && at >= 0 {
		l.Hide(line, at, len(l.lines[line-1]))
	}
}

// Report returns the rows. A line of which nothing was recorded is unsupported: no line is ever missing.
func (l *Ledger) Report(format string) *Report {
	r := &Report{Format: format, Warnings: []string{}, Rows: make([]Row, len(l.lines))}
	for i := range l.lines {
		e := &l.entries[i]
		if e.kind == "" {
			l.Unsupported(i+1, "not read")
		}
		if e.more {
			e.notes = append(e.notes, "and more")
		}
		r.Rows[i] = Row{Line: i + 1, Text: printable(l.text(i + 1)), Kind: e.kind,
			Note: printable(strings.Join(e.notes, "; ")), Warn: printable(strings.Join(e.warns, "; "))}
	}
	return r
}

// printable replaces what would act on the terminal of the reader of the report.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// text is a line without its secrets.
func (l *Ledger) text(line int) string {
	text, spans := l.lines[line-1], l.hidden[line]
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	var b strings.Builder
	at := 0
	for _, s := range spans {
		from, to := max(s[0], at), min(s[1], len(text))
		if from >= to {
			continue
		}
		b.WriteString(text[at:from] + Hidden)
		at = to
	}
	return b.String() + text[at:]
}
