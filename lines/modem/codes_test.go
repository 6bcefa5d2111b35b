package modem

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/lines"
)

func TestIsDial(t *testing.T) {
	for line, want := range map[string]bool{
		"ATD5551": true, "atdt5551": true, "AT D T 5551": true, "ATX4DT5551": true, "AT&FDT5551": true,
		"ATS7=60DP5551": true, "ATDL": true,
		"AT+MS=11;DT5551": true, "AT&C1&D2DT5": true, "xxATDT5": true, "ATE0Q0V1&C1&D2S0=0DT1": true,
		"AT#CID=1DT5": true, "AT#CIDT5": true, "AT#CIDT=5": true, "AT%CCID=1D5": true,
		"AT#CID=1": false, "AT%CCID=1": false, "AT#CID?": false, "AT&FS7=60#CID=1": false, "AT#CLS=8#CID=1": false,
		"AT": false, "ATZ": false, "AT&D2": false, "AT&C1&D2S0=0": false, "AT+VCID=1": false, "AT+FCLASS=0;H": false,
		`AT\D1`: false, "AT%D0": false,
		"ATH1": false, "ATA": false, "D5551": false, "": false, "AT*D3": false,
	} {
		if got := dialAt(line) >= 0; got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// TestStored: N is a command of its own, not a part of another one or of a number.
func TestStored(t *testing.T) {
	for line, want := range map[string]bool{
		"ATN0": true, "atn9": true, "AT N 3": true, "ATX4N1": true, "ATN1N2": true, "AT&FN0": true, "ATN": true,
		"AT&C1&D2N0": true, "AT+MS=11;N0": true, "xxATN0": true,
		`AT\N3`: false, "AT&N6": false, "AT%N1": false, "ATDT5551N3": false, "AT+MS=V34;": false, "ATS7=60": false,
		"AT": false, "N0": false, "": false, "AT#CID=1": false, "AT&E1&E4": false,
	} {
		if got := dialsStored(line); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// TestBuffered: a line end that is held back for a moment counts as there; the beginning of a NO CARRIER does not.
func TestBuffered(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "exit\r": 5, "exit\r\n": 6, "exit\r\nNO": 4, "\r\rx": 3} {
		d := New(Options{Config: &lines.Config{}})
		d.port, d.host, d.phase = &fakePort{f: newFake(false)}, noHost{}, connected
		c := d.newConn(event{text: "CONNECT"}, false)
		d.conn = c
		c.feed([]byte(text))
		if got := c.Buffered(); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// FuzzSplit: the distribution of bytes over reads changes neither lines nor events, and a splitter never holds more
// than its limit.
func FuzzSplit(f *testing.F) {
	f.Add("\r\nRING\r\n\r\nNMBR = 0555\r\n\r\nCONNECT 9600\r\n", uint(3))
	f.Add("ATDT5551\r\r\nNO CARRIER\r\n0\r2\r", uint(1))
	f.Add(strings.Repeat("x", 600)+"\rOK\r", uint(7))
	f.Fuzz(func(t *testing.T, text string, chunk uint) {
		whole := events(t, text, len(text)+1)
		parts := events(t, text, int(chunk%64)+1)
		if !slices.Equal(whole, parts) {
			t.Errorf("whole %q\nin pieces %q", whole, parts)
		}
	})
}

func events(t *testing.T, text string, chunk int) []string {
	var s splitter
	var all []string
	known := newCodes(nil, nil)
	for b := []byte(text); len(b) > 0; {
		part := b[:min(chunk, len(b))]
		b = b[len(part):]
		for len(part) > 0 {
			n, line, cr := s.next(part)
			if n <= 0 {
				t.Fatalf("took %d bytes", n)
			}
			part = part[n:]
			if line != nil {
				all = append(all, fmt.Sprintf("%+v %v", known.parse(line, true), cr))
			}
		}
		if len(s.line) > maxLine {
			t.Fatalf("holds %d bytes", len(s.line))
		}
	}
	return all
}

// noHost ignores all reports.
type noHost struct{ lines.Host }

func (noHost) Phase(lines.State) {}

// FuzzData: however the input is cut into pieces, a call's data is what was sent, except a NO CARRIER at the very
// end.
func FuzzData(f *testing.F) {
	f.Add("\r\nNO CARRIER\r\nNO CARRIER\r\n", uint(1))
	f.Add("\r\r\n\r\nNO CARR\r\nNO CARRIER\r", uint(4))
	f.Fuzz(func(t *testing.T, text string, chunk uint) {
		text = text[:min(len(text), queueSize)]
		d := New(Options{Config: &lines.Config{}})
		d.port, d.host, d.phase = &fakePort{f: newFake(false)}, noHost{}, connected
		c := d.newConn(event{text: "CONNECT"}, false)
		d.conn = c
		for b := []byte(text); len(b) > 0; {
			n := min(int(chunk%32)+1, len(b))
			if rest := c.feed(b[:n]); d.conn == nil { // for example a RING after NO CARRIER
				if !strings.Contains(text, noCarrier) {
					t.Fatalf("%q ended the call", text)
				}
				return
			} else if len(rest) > 0 {
				t.Fatalf("%q was not accepted", rest)
			}
			b = b[n:]
		}
		held := noCarrier[:c.held] + string(c.behind)
		if !strings.HasSuffix(text, held) {
			t.Fatalf("holds %q back of %q", held, text)
		}
		got := make([]byte, queueSize)
		n := 0
		if want := len(text) - len(held); want > 0 {
			n, _ = c.in.read(got)
		}
		if string(got[:n]) != strings.TrimSuffix(text, held) {
			t.Fatalf("%q became %q and %q", text, got[:n], held)
		}
		if strings.HasSuffix(text, noCarrier) && c.held != len(noCarrier) {
			t.Fatalf("%q: holds %q", text, held)
		}
	})
}
