package modem

// maxLine is the longest line of a modem that is examined; the rest of the line is dropped.
const maxLine = 256

// splitter cuts what a modem says into lines. CR and LF both end one, so that a missing LF, a doubled CR and
// the division of bytes into reads change nothing.
type splitter struct {
	line []byte
}

// next consumes bytes of b up to the end of a line. It returns how many, and the line without its end, valid until the
// next call, or nil if b ends before it. Empty lines are skipped. cr reports that CR ended it: an LF may follow.
func (s *splitter) next(b []byte) (n int, line []byte, cr bool) {
	for i, c := range b {
		if c != '\r' && c != '\n' {
			if len(s.line) < maxLine {
				s.line = append(s.line, c)
			}
			continue
		}
		if len(s.line) == 0 {
			continue
		}
		line = s.line
		s.line = s.line[:0]
		return i + 1, line, c == '\r'
	}
	return len(b), nil, false
}

// reset forgets the line begun.
func (s *splitter) reset() { s.line = s.line[:0] }

// shrink gives up the memory of a line that has not begun.
func (s *splitter) shrink() {
	if len(s.line) == 0 {
		s.line = nil
	}
}
