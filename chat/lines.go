package chat

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// maxWays bounds the ways through a script that Lines follows.
const maxWays = 1000

// Line is a line that a script may send, without its carriage return.
type Line struct {
	Before      string // what precedes the dial string; the whole line if it has none
	After       string // what follows it
	Dialstrings int    // the number of \T; those behind the first are a 0 in After
}

// String returns the line with a 0 for the dial string.
func (l Line) String() string {
	if l.Dialstrings == 0 {
		return l.Before
	}
	return l.Before + "0" + l.After
}

// Lines returns the lines that the script may send, for a check of what it may make a modem do before it runs: one send
// may end the line that another began, and each alternative of an expect is a way of its own. A line without a carriage
// return at the end of the script is the last one. false means that there are too many ways to follow.
func (s *Script) Lines() (all []Line, ok bool) { return s.lines, !s.manyWays }

// pin is a run of digits that may be a PIN, or the command that gives one to the card of a mobile modem.
var pin = regexp.MustCompile(`[0-9]{4}|\+CPIN=`)

// Public reports whether the script sends nothing but commands of a modem, without a number that may be a PIN: it may
// be shown to users who must not see passwords.
func (s *Script) Public() bool {
	sent, ok := s.Lines()
	return ok && !slices.ContainsFunc(sent, func(l Line) bool {
		text := strings.ToUpper(strings.TrimSpace(l.String()))
		return text != "" && !strings.HasPrefix(text, "AT") && !strings.HasPrefix(text, "+++") || pin.MatchString(text)
	})
}

// follow finds the lines of a parsed script.
func (s *Script) follow() {
	ways := map[Line]bool{{}: true} // the lines begun
	seen := map[Line]bool{}
	add := func(l Line) {
		if l != (Line{}) && !seen[l] {
			seen[l], s.lines = true, append(s.lines, l)
		}
	}
	after := func(from map[Line]bool, sent *send) map[Line]bool {
		to := map[Line]bool{}
		for way := range from {
			to[way.with(sent, add)] = true
		}
		return to
	}
	for _, st := range s.steps {
		if st.send != nil {
			ways = after(ways, st.send)
		}
		tried := ways
		for _, a := range st.alts {
			if a.send == nil {
				continue
			}
			tried = after(tried, a.send)
			ways = union(ways, tried)
		}
		if s.manyWays = len(ways) > maxWays || len(s.lines) > maxWays; s.manyWays {
			return
		}
	}
	for way := range ways {
		add(way)
	}
	slices.SortFunc(s.lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.String(), b.String()), cmp.Compare(a.Dialstrings, b.Dialstrings),
			cmp.Compare(a.Before, b.Before))
	})
}

// with returns the line that is begun after a send, and passes the complete ones to add.
func (l Line) with(s *send, add func(Line)) Line {
	for _, o := range s.ops {
		switch o.kind {
		case opDial:
			if l.Dialstrings++; l.Dialstrings > 1 {
				l.After += "0"
			}
		case opLiteral:
			parts := bytes.Split(o.bytes, []byte{'\r'})
			for _, part := range parts[:len(parts)-1] {
				add(l.and(part))
				l = Line{}
			}
			l = l.and(parts[len(parts)-1])
		}
	}
	return l
}

func (l Line) and(text []byte) Line {
	if l.Dialstrings > 0 {
		l.After += string(text)
	} else {
		l.Before += string(text)
	}
	return l
}

// adds returns what a line dials besides its dial string: what precedes it behind the command D, and what follows it;
// "" without one.
func (l Line) adds() (before, after string) {
	if l.Dialstrings == 0 {
		return "", ""
	}
	before = l.Before
	if i := strings.LastIndexAny(before, "Dd"); i >= 0 {
		before = strings.TrimLeft(before[i+1:], "TtPp ")
	}
	return strings.TrimLeft(before, " "), strings.TrimSpace(l.After)
}

func union(a, b map[Line]bool) map[Line]bool {
	all := map[Line]bool{}
	for _, set := range []map[Line]bool{a, b} {
		for way := range set {
			all[way] = true
		}
	}
	return all
}
