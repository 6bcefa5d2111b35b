package modem

// maxLine is the number of octets of a line that are examined; the rest is dropped. It is that of the longest short
// message in hexadecimal digits.
const maxLine = 352

// splitter divides the modem's output into lines. CR and LF each end a line, so a missing LF, a doubled CR and the
// boundaries of reads make no difference.
type splitter struct {
	line []byte
}

// next consumes bytes of b up to the end of a line. It returns their number and the line without its end, which is
// valid until the next call; the line is nil if b ends first. Empty lines are skipped. cr reports that a CR ended the
// line: an LF may follow.
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

// reset discards a partial line.
func (s *splitter) reset() { s.line = s.line[:0] }

// shrink frees the memory, if there is no partial line.
func (s *splitter) shrink() {
	if len(s.line) == 0 {
		s.line = nil
	}
}
