package exchange

// defaultMaxLine is the longest command line, without spaces and AT.
const defaultMaxLine = 255

// edit is the effect of a byte on the command line.
type edit uint8

const (
	editNone   edit = iota
	editLine        // a line is complete: editor.line
	editTooBig      // a complete line is longer than the modem allows
	editRepeat      // A/: repeat the last line
)

// stages of the prefix: V.250 §5.2.1 accepts AT and at, not At or aT.
const (
	stageIdle uint8 = iota
	stageUpperA
	stageLowerA
	stageBody
)

// editor assembles a command line byte by byte. The zero value waits for a prefix.
type editor struct {
	line  []byte // the body, after AT; the last one until the next prefix comes
	size  int    // without spaces
	stage uint8
	over  bool
}

// feed adds one byte and returns what to echo (if echo is on) and the effect.
func (e *editor) feed(c byte, p *profile, limit int) ([]byte, edit) {
	if e.stage != stageBody {
		return []byte{c}, e.prefix(c)
	}
	switch {
	case c == p.s[3]:
		e.stage = stageIdle
		if e.over {
			e.line = nil
			return []byte{c}, editTooBig
		}
		return []byte{c}, editLine
	case c == p.s[5] && p.s[5] <= 127:
		return e.erase(c), editNone
	case c < ' ' || c == 0x7f:
		return []byte{c}, editNone // V.250 §5.2.2: other controls are ignored
	}
	e.add(c, limit)
	return []byte{c}, editNone
}

func (e *editor) prefix(c byte) edit {
	was := e.stage
	e.stage = stageIdle
	switch {
	case c == '/' && was != stageIdle:
		return editRepeat
	case c == 'A':
		e.stage = stageUpperA
	case c == 'a':
		e.stage = stageLowerA
	case c == 'T' && was == stageUpperA, c == 't' && was == stageLowerA:
		*e = editor{line: e.line[:0], stage: stageBody}
	}
	return editNone
}

func (e *editor) add(c byte, limit int) {
	if c != ' ' {
		e.size++
	}
	if e.over = e.over || e.size > limit || len(e.line) > 2*limit; !e.over {
		e.line = append(e.line, c)
	}
}

// erase removes one character, but never the AT.
func (e *editor) erase(bs byte) []byte {
	if e.over || len(e.line) == 0 {
		return nil
	}
	last := e.line[len(e.line)-1]
	e.line = e.line[:len(e.line)-1]
	if last != ' ' {
		e.size--
	}
	return []byte{bs, ' ', bs}
}

// reset discards an incomplete line, and keeps a complete one for A/.
func (e *editor) reset() {
	if e.stage == stageBody {
		e.line = nil
	}
	e.stage = stageIdle
}
