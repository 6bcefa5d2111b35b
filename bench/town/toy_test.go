package main

import (
	"testing"
	"time"
)

// TestToyModem talks to the modem as ringback's driver does.
func TestToyModem(t *testing.T) {
	const ok = "\r\nOK\r\n"
	type step struct {
		after time.Duration
		send  string
		want  string
	}
	for name, steps := range map[string][]step{
		"settings":        {{0, "ATE0Q0V1S0=0\r", ok}, {0, "ATE0Q0V1&C1&D2S0=0\r", ok}},
		"escape's values": {{0, "ATS2=14S12=50S2?S12?\r", "\r\n014\r\n\r\n050\r\n" + ok}},
		"proof written":   {{0, "ATS18=1S25=2S26=3S18?S25?S26?\r", "\r\n001\r\n\r\n002\r\n\r\n003\r\n" + ok}},
		"proof read": {{0, "ATS18=201\r", ok}, {0, "ATS0=0S18?S25?S26?\r", "\r\n201\r\n\r\n000\r\n\r\n000\r\n" +
			ok}},
		"reset":          {{0, "ATS18=201\r", ok}, {0, "ATZ\r", ok}, {0, "ATS18?\r", "\r\n000\r\n" + ok}},
		"lower case":     {{0, "ats18=7s18?\r", "\r\n007\r\n" + ok}},
		"too large":      {{0, "ATS18=256\r", "\r\nERROR\r\n"}},
		"no register":    {{0, "ATS18\r", "\r\nERROR\r\n"}},
		"no command":     {{0, "+++\rATS2\b\b\r", ok}},
		"dial":           {{0, "ATDT 5551234\r", "\r\nCONNECT\r\n"}, {0, "ATH\r", ""}},
		"dial in a line": {{0, "ATS7=60DT5\r", "\r\nCONNECT\r\n"}},
		"answer":         {{0, "ATA\r", "\r\nCONNECT\r\n"}},
	} {
		m := newToyModem(nil)
		now := time.Now()
		for _, s := range steps {
			now = now.Add(s.after)
			m.take([]byte(s.send), now)
			if got := string(m.out); got != s.want {
				t.Errorf("%s: %q says %q, not %q", name, s.send, got, s.want)
			}
			m.out = m.out[:0]
		}
	}
}

// TestToyModemEscapes: three escape characters between silence and CR.
func TestToyModemEscapes(t *testing.T) {
	const ok = "\r\nOK\r\n"
	for _, c := range []struct {
		name   string
		before string
		after  time.Duration // since the previous one
		send   string
		want   string
	}{
		{"the profile's", "ATD5\rhello", 20 * time.Millisecond, "+++\rAT\r", ok},
		{"another", "ATS2=14S12=5D5\rhello", 100 * time.Millisecond, "\x0e\x0e\x0e\rATS2?\r", "\r\n014\r\n" + ok},
		{"no data before it", "ATD5\r", 0, "+++\rAT\r", ok},
		{"too soon", "ATD5\rhello", 19 * time.Millisecond, "+++\rAT\r", ""},
		{"another character", "ATS2=14D5\r", 0, "+++\rAT\r", ""},
		{"one more", "ATD5\r", 0, "++++\rAT\r", ""},
		{"one less", "ATD5\r", 0, "++\rAT\r", ""},
		{"after data", "ATD5\r", 0, "x+++\rAT\r", ""},
		{"before data", "ATD5\r", 0, "+++x\rAT\r", ""},
	} {
		m := newToyModem(nil)
		now := time.Now()
		m.take([]byte(c.before), now)
		m.out = nil
		m.take([]byte(c.send), now.Add(c.after))
		if got := string(m.out); got != c.want {
			t.Errorf("%s: %q, not %q", c.name, got, c.want)
		}
	}
}
