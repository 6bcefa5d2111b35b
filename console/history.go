package console

import "strings"

// historySize is the number of lines in the history.
const historySize = 20

// history is the command history of one terminal. A nil history is always empty.
type history struct {
	lines   []string // oldest first
	at      int      // index of the line shown; len(lines) is the line being typed
	pending string   // the line being typed while an older one is shown
}

// add appends a line, unless it is blank or equal to the last one, and moves to the end of the history.
func (h *history) add(line string) {
	if h == nil {
		return
	}
	if strings.TrimSpace(line) != "" && (len(h.lines) == 0 || h.lines[len(h.lines)-1] != line) {
		h.lines = append(h.lines, line)
		if len(h.lines) > historySize {
			h.lines = append(h.lines[:0], h.lines[1:]...)
		}
	}
	h.rewind()
}

func (h *history) rewind() {
	if h == nil {
		return
	}
	h.at, h.pending = len(h.lines), ""
}

func (h *history) older(current string) (string, bool) {
	if h == nil || h.at == 0 {
		return "", false
	}
	if h.at == len(h.lines) {
		h.pending = current
	}
	h.at--
	return h.lines[h.at], true
}

func (h *history) newer() (string, bool) {
	if h == nil || h.at >= len(h.lines) {
		return "", false
	}
	h.at++
	if h.at == len(h.lines) {
		return h.pending, true
	}
	return h.lines[h.at], true
}
