package chat

import (
	"bytes"
	"slices"
)

// maxWays bounds the ways through a script that Lines follows.
const maxWays = 1000

// Lines returns the lines that the script may send, without their carriage returns, for a check of what it may make a
// modem do before it runs: one send may end the line that another began, and each alternative of an expect is a way of
// its own. The dial string is shown as a 0. A line without a carriage return at the end of the script is the last one.
// false means that there are too many ways to follow.
func (s *Script) Lines() (all []string, ok bool) {
	ways := map[string]bool{"": true} // the lines begun
	seen := map[string]bool{}
	add := func(line []byte) {
		if text := string(line); len(text) > 0 && !seen[text] {
			seen[text], all = true, append(all, text)
		}
	}
	after := func(from map[string]bool, s *send) map[string]bool {
		to := map[string]bool{}
		for way := range from {
			parts := bytes.Split(append([]byte(way), s.text()...), []byte{'\r'})
			for _, line := range parts[:len(parts)-1] {
				add(line)
			}
			to[string(parts[len(parts)-1])] = true
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
		if len(ways) > maxWays || len(all) > maxWays {
			return all, false
		}
	}
	for way := range ways {
		add([]byte(way))
	}
	slices.Sort(all)
	return all, true
}

func union(a, b map[string]bool) map[string]bool {
	all := map[string]bool{}
	for _, set := range []map[string]bool{a, b} {
		for way := range set {
			all[way] = true
		}
	}
	return all
}

// text returns the octets of a send.
func (s *send) text() (all []byte) {
	for _, o := range s.ops {
		switch o.kind {
		case opLiteral:
			all = append(all, o.bytes...)
		case opDial:
			all = append(all, '0')
		}
	}
	return all
}
