package atprompt

import "time"

const (
	backspace = '\b'
	del       = 0x7f
)

// typed takes one character of a command line (V.250 §5.2).
func (m *Modem) typed(now time.Time, c byte) {
	end, erase := m.set.s[3], m.set.s[5]
	if c == erase || c == del && erase == backspace {
		m.erase()
		return
	}
	if m.set.echo {
		m.say(string(rune(c)))
	}
	switch {
	case c == end:
		body, complete, overlong := string(m.body), m.prefix == 'T', m.overlong
		m.clearLine()
		if c == '\r' {
			m.ended = '\n'
		}
		switch {
		case !complete:
		case overlong:
			m.last = ""
			m.failed("the command line is longer than 255 characters")
		default:
			m.line(now, body)
		}
	case m.prefix == 'T':
		switch {
		case c <= ' ': // V.250 §5.2.1: control characters and spaces have no meaning
		case len(m.body) == maxLine:
			m.overlong = true
		default:
			m.body = append(m.body, upper(c))
		}
	case upper(c) == 'A':
		m.prefix = 'A'
	case m.prefix == 'A' && upper(c) == 'T':
		m.prefix = 'T'
	case m.prefix == 'A' && c == '/': // V.250 §5.2.4: no end of line is needed
		m.clearLine()
		m.ended = '\r'
		m.line(now, m.last)
	default:
		m.prefix = 0
	}
}

// erase deletes the character before (V.250 §5.2.2). The AT cannot be deleted.
func (m *Modem) erase() {
	if m.prefix != 'T' || len(m.body) == 0 {
		return
	}
	m.body = m.body[:len(m.body)-1]
	if m.set.echo {
		m.say("\b \b")
	}
}

func (m *Modem) clearLine() { m.prefix, m.body, m.overlong = 0, nil, false }

// line runs the commands of a line. A line with a command that is not in the table does nothing at all.
func (m *Modem) line(now time.Time, body string) {
	m.last = body
	commands, err := parse(body)
	if err != nil {
		m.failed(err.Error())
		return
	}
	m.rest = commands
	m.run(now)
}

// run runs commands until one needs an order, ends the line with a result, or none is left.
func (m *Modem) run(now time.Time) {
	for len(m.rest) > 0 {
		c := m.rest[0]
		m.rest = m.rest[1:]
		switch done := c.entry.do(m, now, c); {
		case done.waits:
			return
		case done.ends:
			m.rest = nil
			if done.result.Code != none {
				m.result(done.result)
			}
			return
		}
	}
	m.result(Result{Code: OK})
}

func (m *Modem) failed(why string) { m.result(Result{Code: Error, Why: why}) }

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}
