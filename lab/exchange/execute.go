package exchange

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// verdict is the effect of a command on the rest of its line.
type verdict uint8

const (
	goOn   verdict = iota // the next command, or OK at the end
	refuse                // ERROR, the rest is not executed
	took                  // the command sends its own result, the rest is not executed
)

// handler is one command: its largest number, and its action.
type handler struct {
	max int
	do  func(m *Modem, c command) verdict
}

func ignored(*Modem, command) verdict { return goOn }

// handlerOf finds a command of this modem. Commands that only a real data pump needs are accepted without effect,
// because init strings contain them: those of the dialect, or those of many manufacturers.
func (m *Modem) handlerOf(name string) (handler, bool) {
	d := &m.cfg.Dialect
	if _, ok := d.Identify[name]; ok {
		return handler{0, (*Modem).doDescribe}, true
	}
	if h, ok := handlerOf(name); ok {
		return h, true
	}
	if h, ok := messageCommand(name); ok && d.Messages {
		return h, true
	}
	if slices.Contains(d.Commands, name) || d.Commands == nil && manufacturers(name) {
		return handler{maxNumber, ignored}, true
	}
	return handler{}, false
}

// handlerOf is the table of the commands of V.250 and of the Hayes manuals.
func handlerOf(name string) (handler, bool) {
	switch name {
	case "A":
		return handler{0, (*Modem).doAnswer}, true
	case "D":
		return handler{0, (*Modem).doDial}, true
	case "E":
		return handler{1, func(m *Modem, c command) verdict { m.profile.echo = c.n == 1; return goOn }}, true
	case "H":
		return handler{1, (*Modem).doHook}, true
	case "I":
		return handler{9, (*Modem).doIdentify}, true
	case "O":
		return handler{1, (*Modem).doOnline}, true
	case "Q":
		return handler{1, func(m *Modem, c command) verdict { m.profile.quiet = c.n == 1; return goOn }}, true
	case "S", "=", "?":
		return handler{numRegisters - 1, (*Modem).doRegister}, true
	case "V":
		return handler{1, func(m *Modem, c command) verdict { m.profile.verbose = c.n == 1; return goOn }}, true
	case "X":
		return handler{4, func(m *Modem, c command) verdict { m.profile.x = c.n; return goOn }}, true
	case "Z":
		return handler{1, (*Modem).doReset}, true
	case "&C":
		return handler{1, func(m *Modem, c command) verdict { m.profile.dcd = c.n; m.updateSignals(); return goOn }},
			true
	case "&D":
		return handler{3, func(m *Modem, c command) verdict { m.profile.dtr = c.n; return goOn }}, true
	case "&F":
		return handler{1, func(m *Modem, _ command) verdict { m.factory(); m.updateSignals(); return goOn }}, true
	case "&V":
		return handler{1, (*Modem).doView}, true
	case "&W":
		return handler{1, func(m *Modem, _ command) verdict { m.stored = m.profile; return goOn }}, true
	case "+VCID", "#CID":
		return handler{0, (*Modem).doCallerID}, true
	case "+FCLASS":
		return handler{0, (*Modem).doClass}, true
	case "B", "L", "M", "N", "P", "T", "W", "Y":
		return handler{99, ignored}, true
	}
	return handler{}, false
}

// manufacturers reports whether a command is one of those that differ between manufacturers: &K, \N, %C.
func manufacturers(name string) bool {
	switch name[0] {
	case '\\', '%':
		return true
	case '&':
		return strings.Contains("ABGHIJKLMNPQRSTUXY", name[1:])
	}
	return false
}

// run executes the commands of a line in order. The first that fails ends it; earlier commands keep their effect.
func (m *Modem) run(line []byte) {
	for {
		c, rest, err := nextCommand(line)
		if err != nil {
			m.finish(resultError)
			return
		}
		if c.name == "" {
			m.finish(resultOK)
			return
		}
		if m.switches(c) {
			line = rest
			continue
		}
		h, ok := m.handlerOf(c.name)
		if !ok || c.n > h.max {
			m.finish(resultError)
			return
		}
		m.rest = rest
		if c.name != "S" && c.op != '?' {
			m.showAnswers()
		}
		switch h.do(m, c) {
		case refuse:
			m.finish(resultError)
			return
		case took:
			return
		}
		line = rest
	}
}

// finish ends a command line with its result.
func (m *Modem) finish(r result) {
	m.showAnswers()
	m.say(r)
}

// showAnswers sends the line of information that was collected for Dialect.OneLine.
func (m *Modem) showAnswers() {
	if len(m.answers) > 0 {
		m.inform("%s", strings.Join(m.answers, m.cfg.Dialect.OneLine))
		m.answers = nil
	}
}

// doAnswer executes the A command, unless a fault ignores it.
func (m *Modem) doAnswer(command) verdict {
	if m.fault.LosesATA > 0 {
		m.fault.LosesATA--
		return took
	}
	m.answer()
	return took
}

func (m *Modem) doHook(c command) verdict {
	if c.n == 0 {
		m.hangUp()
		return goOn
	}
	if m.state == Connected || m.state == Escaped {
		return refuse
	}
	m.goOffHook()
	if c := m.call; c != nil && c.to == m && (c.phase == seized || c.phase == ringing) {
		m.x.pickUp(c)
		m.updateSignals()
	}
	return goOn
}

// doDescribe answers an extended command of Dialect.Identify.
func (m *Modem) doDescribe(c command) verdict {
	if c.op != 0 {
		return refuse
	}
	m.describe(c.name)
	return goOn
}

// describe sends the lines of Dialect.Identify.
func (m *Modem) describe(name string) {
	for _, line := range m.cfg.Dialect.Identify[name] {
		m.inform("%s", line)
	}
}

func (m *Modem) doIdentify(c command) verdict {
	if m.cfg.Dialect.Identify == nil && c.n > 4 {
		return refuse
	}
	if m.cfg.Dialect.Identify != nil {
		m.describe(fmt.Sprintf("I%d", c.n))
		return goOn
	}
	switch c.n {
	case 0:
		m.inform("560")
	case 1:
		m.inform("000")
	case 3:
		m.inform("ringback exchange modem")
	case 4:
		m.inform("%s %s", m.cfg.Name, m.cfg.Number)
	}
	return goOn // I2 is the self test: OK
}

// doOnline returns from the on-line command state to the data.
func (m *Modem) doOnline(command) verdict {
	if m.state != Escaped {
		m.say(resultNoCarrier)
		return took
	}
	m.state = Connected
	m.escape = escape{last: now()}
	m.sayConnect()
	held := m.unread
	m.unread = nil
	m.send(held)
	return took
}

func (m *Modem) doRegister(c command) verdict {
	if c.bit != "" {
		return refuse // only that of Dialect.CallerIDCommand is known
	}
	if c.name == "S" {
		m.register = c.n
	}
	own := m.cfg.Dialect.Registers[m.register]
	switch c.op {
	case '=':
		ok, changes := own.takes(c.val)
		if !ok || changes && !m.profile.setRegister(m.register, c.val) {
			return refuse
		}
	case '?':
		if own.Missing {
			return refuse
		}
		m.showRegister(m.profile.s[m.register])
	}
	return goOn
}

// showRegister answers Sn?: immediately, or in one line with the others of its command line.
func (m *Modem) showRegister(v byte) {
	text := m.cfg.Dialect.number(v)
	if m.cfg.Dialect.OneLine == "" {
		m.inform("%s", text)
		return
	}
	m.answers = append(m.answers, text)
}

func (m *Modem) doReset(command) verdict {
	m.hangUp()
	m.restore()
	m.say(resultOK)
	return took
}

func (m *Modem) doView(command) verdict {
	for _, l := range m.profile.lines() {
		m.inform("%s", l)
	}
	return goOn
}

func (m *Modem) doCallerID(c command) verdict {
	switch {
	case m.cfg.Dialect.NoCallerID, m.cfg.Dialect.CallerIDCommand != "", m.cfg.Dialect.CallerIDAlways:
		return refuse // or the dialect has another command
	case c.op == '?':
		n := 0
		if m.profile.callerID {
			n = 1
		}
		m.inform("%d", n)
	case c.op == '=' && c.arg == "?":
		m.inform("(0,1)")
	case c.op == '=' && (c.arg == "0" || c.arg == "1"):
		m.profile.callerID = c.arg == "1"
	default:
		return refuse
	}
	return goOn
}

// doClass reports a data modem: class 0 and no other.
func (m *Modem) doClass(c command) verdict {
	switch {
	case c.op == '=' && c.arg == "?", c.op == '?':
		m.inform("%s", strconv.Itoa(0))
	case c.op == '=' && c.arg == "0":
	default:
		return refuse
	}
	return goOn
}
