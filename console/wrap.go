package console

import "strings"

// Wrap breaks a text into rows of at most first columns for the first one and rest columns for the others, at least 2
// each. It breaks at spaces, and within a word only if that does not fit into a row. The space at a break is left out,
// and nothing else. "" is one empty row.
func Wrap(text string, first, rest int) (rows []string) {
	for width := max(first, 2); ; width = max(rest, 2) {
		end := fits(text, width)
		if end == len(text) {
			return append(rows, text)
		}
		next := end
		if space := strings.LastIndexByte(text[:end+1], ' '); space > 0 && strings.Trim(text[:space], " ") != "" {
			end, next = space, space+1
		}
		rows, text = append(rows, text[:end]), text[next:]
		if text == "" {
			return rows
		}
	}
}

// fits returns the length in octets of the longest part at the beginning of text that has at most width columns.
func fits(text string, width int) int {
	columns := 0
	for i, r := range text {
		if columns += runeWidth(r); columns > width {
			return i
		}
	}
	return len(text)
}
