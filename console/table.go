package console

import (
	"fmt"
	"io"
	"strings"
)

// Table formats rows in aligned columns, two spaces apart, under a header line. Cells are printed with Clean.
type Table struct {
	Heads []string
	Right []bool // right-aligned columns; others are left-aligned. May be nil or short

	rows []row
}

type row struct {
	cells []string
	notes []string
}

// noteWidth is the width to which notes are wrapped, that of a standard terminal.
const noteWidth = 80

// noteIndent is the indentation of notes.
const noteIndent = "     "

// Row adds a row. Excess cells are dropped; missing cells are empty.
func (t *Table) Row(cells ...any) {
	r := row{cells: make([]string, len(t.Heads))}
	for i := range r.cells {
		if i < len(cells) {
			r.cells[i] = Clean(fmt.Sprint(cells[i]))
		}
	}
	t.rows = append(t.rows, r)
}

// Note adds text below the last row, for text too long for a column. It is wrapped at blanks to 80 columns, but not
// truncated. An empty text adds nothing.
func (t *Table) Note(text string) {
	if text = Clean(text); text != "" {
		last := &t.rows[len(t.rows)-1]
		last.notes = append(last.notes, text)
	}
}

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// WriteTo writes header and rows with one Write.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, t.String())
	return int64(n), err
}

func (t *Table) String() string {
	widths := make([]int, len(t.Heads))
	for i, h := range t.Heads {
		widths[i] = Width(h)
	}
	for _, r := range t.rows {
		for i, cell := range r.cells {
			widths[i] = max(widths[i], Width(cell))
		}
	}
	var b strings.Builder
	t.write(&b, t.Heads, widths)
	for _, r := range t.rows {
		t.write(&b, r.cells, widths)
		for _, note := range r.notes {
			writeNote(&b, note)
		}
	}
	return b.String()
}

func (t *Table) write(b *strings.Builder, cells []string, widths []int) {
	var line strings.Builder
	for i, cell := range cells {
		if i > 0 {
			line.WriteString("  ")
		}
		pad := strings.Repeat(" ", widths[i]-Width(cell))
		if i < len(t.Right) && t.Right[i] {
			line.WriteString(pad + cell)
		} else {
			line.WriteString(cell + pad)
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

func writeNote(b *strings.Builder, text string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && Width(noteIndent)+Width(line)+1+Width(word) > noteWidth {
			b.WriteString(noteIndent + line + "\n")
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	b.WriteString(noteIndent + line + "\n")
}
