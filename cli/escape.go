package cli

// escape finds the commands that an operator types at the beginning of a line for this program, not for the other side
// of a call: the escape character and a period, as in cu and ssh. The zero value has none, and passes all octets on.
type escape struct {
	char    byte // 0: there is none
	inLine  bool // the last octet passed on did not end a line
	waiting bool // the escape character was typed at the beginning of a line
}

// order is what an operator wants of this program.
type order int

const (
	noOrder order = iota
	hangUp
	help
)

// feed takes what was typed. It returns the octets for the other side and, if there is one, the first order, with what
// was typed behind it, which is to be fed next.
func (e *escape) feed(typed []byte) (pass []byte, o order, rest []byte) {
	if e.char == 0 {
		return typed, noOrder, nil
	}
	pass = make([]byte, 0, len(typed)+1)
	for i, b := range typed {
		switch {
		case e.waiting && b == '.':
			e.waiting = false
			return pass, hangUp, typed[i+1:]
		case e.waiting && b == '?':
			e.waiting = false
			return pass, help, typed[i+1:]
		case e.waiting:
			e.waiting = false
			if b != e.char { // the escape character twice is one
				pass = append(pass, e.char)
			}
			pass = append(pass, b)
		case b == e.char && !e.inLine:
			e.waiting = true
			continue
		default:
			pass = append(pass, b)
		}
		e.inLine = b != '\r' && b != '\n'
	}
	return pass, noOrder, nil
}
