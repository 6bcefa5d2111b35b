package exchange

import (
	"cmp"
	"fmt"
	"slices"
)

// Behavior is the behavior of a number without a modem.
type Behavior uint8

// The behaviors of a number.
const (
	Subscriber   Behavior = iota // the modems of that number, if there are any
	Busy                         // always busy
	NoAnswer                     // rings without end
	Voice                        // a person answers after the first ring: no modem
	OutOfService                 // an announcement: no ring, no modem
)

// String returns the name as text.
func (b Behavior) String() string {
	switch b {
	case Busy:
		return "busy"
	case NoAnswer:
		return "no answer"
	case Voice:
		return "voice"
	case OutOfService:
		return "out of service"
	}
	return "subscriber"
}

// Entry is one number of the directory.
type Entry struct {
	Number   string
	Modems   []string // names, in the order in which the exchange hunts for an idle one
	Behavior Behavior
}

// subscription is an Entry in the switch.
type subscription struct {
	modems   []*Modem
	behavior Behavior
}

// AddModem installs a modem, on hook and without DTE. Modems with one number form a hunt group in the order of adding.
// A modem without a number can only call out. An empty Name becomes the number; names should be unique. It panics if
// the Dialect is invalid.
func (x *Exchange) AddModem(cfg ModemConfig) *Modem {
	if cfg.Name == "" {
		cfg.Name = cmp.Or(cfg.Number, "modem")
	}
	if cfg.ConnectText == "" {
		cfg.ConnectText = "CONNECT"
	}
	if cfg.MaxLine <= 0 {
		cfg.MaxLine = defaultMaxLine
	}
	if err := cfg.Dialect.check(); err != nil {
		panic(fmt.Sprintf("exchange: modem %s: %v", cfg.Name, err))
	}
	m := &Modem{x: x, cfg: cfg}
	m.room.L = &x.mu
	x.lock()
	defer x.unlock()
	m.factory()
	m.stored = m.profile
	if cfg.Profile != "" {
		m.run([]byte(cfg.Profile))
		m.stored = m.profile
	}
	m.lastSignals = m.circuits()
	x.modems = append(x.modems, m)
	for _, number := range []string{cfg.Number, cfg.Direct} {
		if number != "" {
			s := x.subscription(number)
			s.modems = append(s.modems, m)
		}
	}
	return m
}

// Reserve gives a number a behavior, which overrides its modems until Reserve(number, Subscriber) removes it.
func (x *Exchange) Reserve(number string, b Behavior) {
	x.lock()
	defer x.unlock()
	s := x.subscription(number)
	s.behavior = b
	if b == Subscriber && len(s.modems) == 0 {
		delete(x.numbers, number)
	}
}

// Directory returns all numbers, sorted. No other number is ever connected.
func (x *Exchange) Directory() []Entry {
	x.lock()
	defer x.unlock()
	out := make([]Entry, 0, len(x.numbers))
	for n, s := range x.numbers {
		e := Entry{Number: n, Behavior: s.behavior}
		for _, m := range s.modems {
			e.Modems = append(e.Modems, m.cfg.Name)
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Number, b.Number) })
	return out
}

func (x *Exchange) subscription(number string) *subscription {
	s := x.numbers[number]
	if s == nil {
		s = new(subscription)
		x.numbers[number] = s
	}
	return s
}
