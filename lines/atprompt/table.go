package atprompt

import (
	"fmt"
	"strings"
	"time"
)

// done is how a command has ended: the next one follows, an order waits for its end, or the line ends with a result.
type done struct {
	waits, ends bool
	result      Result
}

func ends(r Result) done { return done{ends: true, result: r} }

// entry is a command of the emulation.
type entry struct {
	name string
	most int    // the greatest value
	not  string // a value below it that is not allowed
	form string // how it is written, for the reference; "" as the name
	text string
	do   func(m *Modem, now time.Time, c command) done
}

func (e *entry) values() string {
	switch {
	case e.most == 0:
		return "0"
	case e.not != "":
		return fmt.Sprintf("0 to %d, without %s", e.most, strings.Join(strings.Split(e.not, ""), " and "))
	}
	return fmt.Sprintf("0 to %d", e.most)
}

// noEffect accepts a setting that scripts send and that has no meaning here.
func noEffect(*Modem, time.Time, command) done { return done{} }

// table has all commands, in the order of the reference. The names are unique.
func table() []entry {
	return []entry{
		{name: "D", form: "ATD[T|P]NUMBER", text: "dial a number, if AAA, the policy, the number plan and the " +
			"ceilings allow it. T and P have no effect; `+ - ( ) .` may be in the number, any other modifier " +
			"(`W , ; @ !`) is an error, and so are ATDL and ATDS. Any character ends the dial",
			do: func(m *Modem, now time.Time, c command) done {
				if m.state == Escaped {
					return ends(Result{Code: Error, Why: "a call is up: ATH hangs it up, ATO returns to it"})
				}
				m.state, m.began, m.stopping, m.reset = Dialing, now, false, false
				m.out = append(m.out, Action{Kind: Dial, Number: c.number})
				return done{waits: true}
			}},
		{name: "H", form: "ATH[0]", text: "hang up; OK after the line is on hook",
			do: func(m *Modem, _ time.Time, _ command) done {
				if m.state != Escaped {
					return done{}
				}
				m.hangUp(false)
				return done{waits: true}
			}},
		{name: "O", most: 1, form: "ATO[0|1]", text: "return to the call after an escape; NO CARRIER if there is none",
			do: func(m *Modem, now time.Time, _ command) done {
				if m.state != Escaped {
					return ends(Result{Code: NoCarrier, Why: "there is no call to return to"})
				}
				m.state, m.escape = Online, escape{last: now}
				return ends(Result{Code: Connected, Connect: m.connect})
			}},
		{name: "A", form: "ATA", text: "always NO CARRIER: the line answers no call while a user has it",
			do: func(m *Modem, _ time.Time, _ command) done {
				if m.state == Escaped {
					return ends(Result{Code: Error, Why: "a call is up: ATH hangs it up, ATO returns to it"})
				}
				return ends(Result{Code: NoCarrier, Why: "this line answers no call while you use it"})
			}},
		{name: "S", form: "ATSn=VALUE, ATSn?", text: "set or print a register. ATI4 prints all",
			do: func(m *Modem, _ time.Time, c command) done {
				if c.query {
					m.info(fmt.Sprintf("%03d", m.set.s[c.reg]))
				} else if !m.set.setRegister(c.reg, byte(c.value)) {
					return ends(Result{Code: Error, Why: "S3, S4 and S5 must differ from each other"})
				}
				return done{}
			}},
		{name: "I", most: 4, not: "12", form: "ATI[0|3|4]", text: "print the product (0, 3) or the settings (4)",
			do: func(m *Modem, _ time.Time, c command) done {
				if c.value == 4 {
					m.view()
				} else {
					m.info(printable(m.cfg.Product))
				}
				return done{}
			}},
		{name: "E", most: 1, form: "ATE0, ATE1", text: "echo of commands off, on",
			do: func(m *Modem, _ time.Time, c command) done { m.set.echo = c.value == 1; return done{} }},
		{name: "Q", most: 1, form: "ATQ0, ATQ1", text: "result codes on, off",
			do: func(m *Modem, _ time.Time, c command) done { m.set.quiet = c.value == 1; return done{} }},
		{name: "V", most: 1, form: "ATV0, ATV1", text: "result codes as numbers, as words",
			do: func(m *Modem, _ time.Time, c command) done { m.set.verbose = c.value == 1; return done{} }},
		{name: "X", most: 4, form: "ATX0 to ATX4", text: "0: CONNECT without text, no sentences; BUSY only with 3 " +
			"and 4, NO DIALTONE only with 2 and 4, otherwise NO CARRIER",
			do: func(m *Modem, _ time.Time, c command) done { m.set.extended = c.value; return done{} }},
		{name: "Z", most: 1, form: "ATZ[0|1]", text: "hang up, and set the defaults",
			do: func(m *Modem, _ time.Time, _ command) done {
				if m.state == Escaped {
					m.hangUp(true)
					return done{waits: true}
				}
				m.set = defaults()
				return done{}
			}},
		{name: "&F", most: 1, form: "AT&F[0|1]", text: "set the defaults; a call stays up",
			do: func(m *Modem, _ time.Time, _ command) done { m.set = defaults(); return done{} }},
		{name: "&C", most: 1, form: "AT&C0, AT&C1", text: "DCD is always on, or follows the call (RFC 2217)",
			do: func(m *Modem, _ time.Time, c command) done { m.set.carrier = c.value == 1; return done{} }},
		{name: "&D", most: 3, form: "AT&D0 to AT&D3", text: "when DTR goes off (RFC 2217): nothing, escape, " +
			"hang up, hang up and set the defaults",
			do: func(m *Modem, _ time.Time, c command) done { m.set.dtr = c.value; return done{} }},
		{name: "&V", form: "AT&V", text: "print the settings",
			do: func(m *Modem, _ time.Time, _ command) done { m.view(); return done{} }},
		{name: "$", form: "AT$", text: "list the commands",
			do: func(m *Modem, _ time.Time, _ command) done { m.help(); return done{} }},
		{name: "&K", most: 6, form: "AT&K0 to AT&K6", text: "flow control of the port: no effect, " +
			"the network has its own",
			do: noEffect},
		{name: "L", most: 3, form: "ATL0 to ATL3", text: "loudness of the speaker: no effect", do: noEffect},
		{name: "M", most: 3, form: "ATM0 to ATM3", text: "speaker: no effect", do: noEffect},
		{name: "P", text: "pulse dialing: no effect, the line's template says how it dials", do: noEffect},
		{name: "T", text: "tone dialing: no effect", do: noEffect},
		{name: "+GMI", text: "print the manufacturer", do: product},
		{name: "+GMM", text: "print the model", do: product},
		{name: "+GMR", text: "print the version", do: product},
		{name: "+GCAP", text: "print the capabilities",
			do: func(m *Modem, _ time.Time, _ command) done { m.info("+GCAP:"); return done{} }},
		{name: "+FCLASS?", text: "print the class of the service: 0, data",
			do: func(m *Modem, _ time.Time, _ command) done { m.info("0"); return done{} }},
		{name: "+FCLASS=?", text: "print the classes of service: 0, data",
			do: func(m *Modem, _ time.Time, _ command) done { m.info("0"); return done{} }},
		{name: "+FCLASS=0", text: "select data calls, the only class", do: noEffect},
	}
}

func product(m *Modem, _ time.Time, _ command) done {
	m.info(printable(m.cfg.Product))
	return done{}
}

func find(name string) *entry {
	for _, e := range table() {
		if e.name == name {
			return &e
		}
	}
	return nil
}

// written returns how a command is written.
func (e *entry) written() string {
	if e.form != "" {
		return e.form
	}
	return "AT" + e.name
}

// view prints the settings.
func (m *Modem) view() {
	s := m.set
	m.info(fmt.Sprintf("E%d Q%d V%d X%d &C%d &D%d", bit(s.echo), bit(s.quiet), bit(s.verbose), s.extended,
		bit(s.carrier), s.dtr))
	var all []string
	for _, r := range registers {
		all = append(all, fmt.Sprintf("S%02d:%03d", r.number, s.s[r.number]))
	}
	m.info(strings.Join(all, " "))
}

// help lists the commands.
func (m *Modem) help() {
	for _, e := range table() {
		text := strings.ReplaceAll(e.text, "`", "")
		text, _, _ = strings.Cut(text, ". ")
		m.info(fmt.Sprintf("%-18s %s", e.written(), text))
	}
	m.info(fmt.Sprintf("%-18s %s", "A/", "the line before again; +++ with a second of silence on both sides: escape"))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
