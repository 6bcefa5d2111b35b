package console

import "strings"

// historySize is how many lines a terminal remembers.
const historySize = 20

// history remembers the lines typed on one terminal. A nil history remembers nothing.
type history struct {
	lines   []string // oldest first
	at      int      // index of the line shown; len(lines) is the one being typed
	pending string   // the line being typed while an older one is shown
}

// add remembers a line, unless it is blank or the same as the last, and begins anew at the end.
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
