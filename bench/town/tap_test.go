package main

import (
	"slices"
	"testing"
	"time"

	"github.com/ringback/ringback/bench/wire"
)

// TestEar: a dial script begins at the last AT before its dial command.
func TestEar(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	type heard struct {
		ms   int
		text string
	}
	for name, c := range map[string]struct {
		heard []heard
		want  []wire.Dial
	}{
		"a script": {[]heard{{1, "AT\r"}, {3, "ATDT 84007\r"}},
			[]wire.Dial{{Number: "84007", Began: at(1), Dial: at(3), Time: at(3)}}},
		"in pieces": {[]heard{{1, "A"}, {2, "T\r"}, {3, "ATDT 8"}, {4, "4007\r"}},
			[]wire.Dial{{Number: "84007", Began: at(1), Dial: at(3), Time: at(4)}}},
		"after a probe": {[]heard{{1, "AT\r"}, {5, "AT\r"}, {6, "ATDT 84007\r"}},
			[]wire.Dial{{Number: "84007", Began: at(5), Dial: at(6), Time: at(6)}}},
		"with the proof": {[]heard{{1, "AT\r"}, {2, "ATS0=0S18?\r"}, {3, "ATDT 84007\r"}},
			[]wire.Dial{{Number: "84007", Began: at(1), Dial: at(3), Time: at(3)}}},
		"over Telnet": {[]heard{{0, "\xff\xfa\x2c\x05\x08\xff\xf0AT\r"}, {2, "ATDT 1\r"}},
			[]wire.Dial{{Number: "1", Began: at(0), Dial: at(2), Time: at(2)}}},
		"data": {[]heard{{1, "Username: \r\n"}, {2, "ATH\r"}}, nil},
	} {
		var got []wire.Dial
		e := ear{dialed: func(d wire.Dial) { got = append(got, d) }}
		for _, h := range c.heard {
			e.hear([]byte(h.text), at(h.ms))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}

// TestSeen: connections and commands are counted until they are reported.
func TestSeen(t *testing.T) {
	var s seen
	first := s.connected(3)
	second := s.connected(5)
	third := s.connected(7)
	at := time.Now()
	second(at)
	second(at.Add(time.Second))
	first(at)
	opened, commands := s.report()
	if commands != 3 || len(opened) != 2 || opened[0].Line != 3 || opened[1].Line != 5 || !opened[1].Command.Equal(at) {
		t.Errorf("%d commands, %v", commands, opened)
	}
	first(at)
	third(at)
	if opened, commands = s.report(); commands != 2 || len(opened) != 1 || opened[0].Line != 7 {
		t.Errorf("then %d commands, %v", commands, opened)
	}
}
