package config

import (
	"slices"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/port"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
)

// modemTests reads which lines may call each other to test their modems, and when they do.
func (l *loader) modemTests() {
	v := l.v.Get("modem_test")
	own := l.ownNumbers()
	if !v.IsSet() || l.broken("lines") || l.broken("numbers") {
		return
	}
	m := broker.ModemTests{Lines: map[int]broker.TestLine{}, MaxPerDay: l.int("modem_test.max_per_day"),
		QuarantineAfter: l.int("modem_test.quarantine_after")}
	called := 0
	for _, item := range v.Get("lines").Items() {
		first, last, _ := schema.ParseTTYs(item.Text()) // checked by the table
		for tty := first; tty <= last; tty++ {
			i := slices.IndexFunc(l.cfg.Lines, func(line Line) bool { return line.TTY == tty })
			if i < 0 {
				l.errorAt(item, "see the key lines; to remove a line, remove it here, too", "there is no line %d", tty)
				break
			}
			line := l.cfg.Lines[i]
			t := broker.TestLine{Number: own[tty], SevenBits: line.Address.Format.DataBits() == 7,
				XONXOFF: flowOf(line) == port.FlowSoftware}
			if line.Modem == lines.CallOut {
				t.Number = numbers.Number{} // it answers no call
			}
			if !t.Number.IsZero() {
				called++
			}
			m.Lines[tty] = t
		}
	}
	for _, item := range v.Get("numbers").Items() {
		if n, ok := l.testNumber(item); ok {
			m.Numbers = append(m.Numbers, n)
		}
	}
	if called == 0 || len(m.Lines) < 2 {
		l.errorAt(v.Get("lines"), `write number: "55565" at one of these lines, as it is dialed from the others`,
			"a test needs two lines, and the number of one that answers calls")
	}
	m.Schedule = l.testSchedule(v)
	l.cfg.ModemTests = m
}

// flowOf is the flow control of a line's port.
func flowOf(line Line) string {
	if line.Address.Flow != "" {
		return line.Address.Flow
	}
	return line.FlowControl
}

// ownNumbers reads the numbers of the lines, by TTY.
func (l *loader) ownNumbers() map[int]numbers.Number {
	own := map[int]numbers.Number{}
	by := map[numbers.Number]int{}
	for _, v := range l.v.Get("lines").Items() {
		at := v.Get("number")
		if !at.IsSet() || l.broken("numbers") {
			continue
		}
		first, last, err := schema.ParseTTYs(v.Get("tty").Text())
		n, ok := l.testNumber(at)
		switch {
		case err != nil || !ok:
			continue
		case first != last:
			l.errorAt(at, "give each line an entry of its own", "several lines have one number")
			continue
		}
		if other, taken := by[n]; taken {
			l.errorAt(at, "write the number of a rotary in modem_test.numbers", "tty %d has this number too", other)
			continue
		}
		own[first], by[n] = n, first
	}
	return own
}

// testNumber reads a number that tests dial.
func (l *loader) testNumber(at *schema.Value) (numbers.Number, bool) {
	n, err := l.site.Plan.Canonical(at.Text(), numbers.OriginAAA)
	if err == nil {
		err = l.site.Plan.Check(n)
	}
	if err != nil {
		l.errorAt(at, "write it as it is dialed from the other lines", "%v", err)
		return n, false
	}
	if p := l.site.Plan.IsEmergency(n); p != "" {
		l.errorAt(at, "", "%s matches the emergency number %s, which is never dialed", n, p)
		return n, false
	}
	return n, true
}

// testSchedule reads when tests are made without an order.
func (l *loader) testSchedule(v *schema.Value) (s broker.TestSchedule) {
	s.Every, s.AtOnce = l.duration("modem_test.every"), l.int("modem_test.at_once")
	if at, err := time.Parse("15:04", l.text("modem_test.at")); err == nil {
		s.At = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	}
	if name := l.text("modem_test.zone"); name != "" {
		s.Zone, _ = time.LoadLocation(name) // checked by the table
	}
	const day = 24 * time.Hour
	part, days := s.Every >= time.Minute && s.Every <= day && day%s.Every == 0, s.Every >= day && s.Every%day == 0
	if s.Every > 0 && !part && !days {
		l.errorAt(v.Get("every"), "write 6h, 24h or 168h",
			"%v is neither a part of a day of a minute or more, nor whole days", s.Every)
	}
	return s
}
