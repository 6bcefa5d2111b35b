package console

import (
	"fmt"
	"io"
	"strings"
)

// Table lays out rows in aligned columns, two spaces apart, under a line of heads. Cells are cleaned of what is not printable.
type Table struct {
	Heads []string
	Right []bool // columns that are set flush right; nil or short: the rest is flush left

	rows [][]string
}

// Row adds a row. A cell too many is dropped, one too few is empty.
func (t *Table) Row(cells ...any) {
	row := make([]string, len(t.Heads))
	for i := range row {
		if i < len(cells) {
			row[i] = Clean(fmt.Sprint(cells[i]))
		}
	}
	t.rows = append(t.rows, row)
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// WriteTo writes the heads and the rows in one Write.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, t.String())
	return int64(n), err
}

func (t *Table) String() string {
	widths := make([]int, len(t.Heads))
	for i, h := range t.Heads {
		widths[i] = Width(h)
	}
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], Width(cell))
		}
	}
	var b strings.Builder
	t.write(&b, t.Heads, widths)
	for _, row := range t.rows {
		t.write(&b, row, widths)
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
