package console

// Escape finds the commands that an operator types at the beginning of a line for this program, not for the other side
// of a call: the escape character and a period, as in cu and ssh. The zero value has none, and passes all octets on.
type Escape struct {
	Char    byte // 0: there is none
	inLine  bool // the last octet passed on did not end a line
	waiting bool // the escape character was typed at the beginning of a line
}

// Order is what an operator wants of this program.
type Order int

// The orders.
const (
	NoOrder Order = iota
	HangUp
	EscapeHelp
)

// Feed takes what was typed. It returns the octets for the other side and, if there is one, the first order, with what
// was typed behind it, which is to be fed next.
func (e *Escape) Feed(typed []byte) (pass []byte, o Order, rest []byte) {
	if e.Char == 0 {
		return typed, NoOrder, nil
	}
	pass = make([]byte, 0, len(typed)+1)
	for i, b := range typed {
		switch {
		case e.waiting && b == '.':
			e.waiting = false
			return pass, HangUp, typed[i+1:]
		case e.waiting && b == '?':
			e.waiting = false
			return pass, EscapeHelp, typed[i+1:]
		case e.waiting:
			e.waiting = false
			if b != e.Char { // the escape character twice is one
				pass = append(pass, e.Char)
			}
			pass = append(pass, b)
		case b == e.Char && !e.inLine:
			e.waiting = true
			continue
		default:
			pass = append(pass, b)
		}
		e.inLine = b != '\r' && b != '\n'
	}
	return pass, NoOrder, nil
}
