package exchange

// defaultMaxLine is the longest command line, spaces and AT not counted.
const defaultMaxLine = 255

// edit says what a byte did to the command line.
type edit uint8

const (
	editNone   edit = iota
	editLine        // a line is complete: editor.line
	editTooBig      // a line is complete that was longer than the modem holds
	editRepeat      // A/: do the last line again
)

// stages of the prefix: V.250 §5.2.1 takes AT and at, not At or aT.
const (
	stageIdle uint8 = iota
	stageUpperA
	stageLowerA
	stageBody
)

// editor puts a command line together, byte by byte. The zero value waits for a prefix.
type editor struct {
	line  []byte // the body, behind AT; the last one until the next prefix comes
	size  int    // without spaces
	stage uint8
	over  bool
}

// feed takes one byte and returns what to echo (if echo is on) and what happened.
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

// erase takes back one character, never the AT.
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

// reset forgets a line that was begun, and keeps a complete one for A/.
func (e *editor) reset() {
	if e.stage == stageBody {
		e.line = nil
	}
	e.stage = stageIdle
}
