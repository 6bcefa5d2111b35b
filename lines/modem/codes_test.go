package modem

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/lines"
)

// TestDialAt: what may be a dial command for some modem. The second value is false if it is none for others.
func TestDialAt(t *testing.T) {
	type dial struct{ dials, plain bool }
	no, yes, unclear := dial{false, true}, dial{true, true}, dial{true, false}
	for line, want := range map[string]dial{
		"ATD5551": yes, "atdt5551": yes, "AT D T 5551": yes, "ATX4DT5551": yes, "AT&FDT5551": yes, "ATH0D5": yes,
		"ATS7=60DP5551": yes, "ATS7=60D": yes, "ATDL": yes, "ATDS=0": yes, `AT\NDT5`: yes, "ATS7?DT5": yes,
		"AT+MS=11;DT5551": yes, "AT&C1&D2DT5": yes, "xxATDT5": yes, "ATE0Q0V1&C1&D2S0=0DT1": yes,
		"AT#CID=1DT5": yes, "AT#CIDT5": yes, "AT#CIDT=5": yes, "AT%CCID=1D5": yes, "AT^DT5": yes, "AT&D2DT5": yes,
		"A T D T 5": yes, "a t d t 5": yes, "A\tT\x00D\x11T5": yes, "\xc1\xd4\xc4\xd4555": yes, "AT\xc4555": yes,
		"AT:DT5": unclear, "AT$DT5": unclear, "AT*DT5": unclear, "AT~D5": unclear, "AT-D5": unclear, "AT#D5": unclear,
		"AT*D3": unclear, "AT$D5": unclear, "AT: D T 5": unclear,
		"AT&DT5": unclear, "AT&DP5": unclear, "AT&D5551": unclear, `AT\DT5`: unclear, "AT%D55": unclear, "AT&D,5": unclear,
		"AT+FCLASS=0D5551": unclear, "AT+FCLASS=0 D T 5551": unclear, `AT+GCI="0"DT5`: unclear, "AT+X?DT5": unclear,
		`AT+X="DT5`: unclear, `AT+X="a;DT5"`: unclear, `AT+X="a";DT5`: yes, "AT+X=1;+Y=D5": unclear, "AT+=D5": unclear,
		"AT+DT5": unclear, "AT+D=5": unclear, "AT++DT5": unclear, "AT+VCIDT5": unclear, "AT+XDP555": unclear,
		`AT+CKPD="555s"`: unclear, "at+ckpd=5": unclear, "AT+CKPD5": unclear, "AT+CDV5551": unclear, "AT+CDV=5551": unclear,
		"AT+VTS=5,5,5": unclear, "AT#VTS=555": unclear, "ATH1+VTS=5": unclear,
		"AX\bTDT5": unclear, "AT&\bDT5": unclear, "AT&\x7fD5": unclear,
		"AT#CID=1": no, "AT%CCID=1": no, "AT#CID?": no, "AT&FS7=60#CID=1": no, "AT#CLS=8#CID=1": no,
		"AT": no, "ATZ": no,
		"AT&D2": no, "AT & D 2": no, "AT&D": no, "AT&D2&C1": no, "AT&C1&D2S0=0": no, "AT&D2+ER=1": no, "AT&DS7=60": no,
		"AT&D2T": no, "AT+VCID=1": no, "AT+VCID=1;+VCID?": no, "AT+FCLASS=0": no,
		"AT+FCLASS=0;H": no, "AT+FCLASS=?": no,
		`AT\D1`: no, "AT%D0": no, `AT\N3`: no, `AT\N3%C1`: no, "AT%C0": no, "ATS7=60": no, "AT$SB115200": no, "AT$": no,
		"AT+DR=1": no, "AT+DS=3,0": no, "AT+DS44=3": no, "AT+CHLD=2": no, `AT+CGDCONT=1,"IP","data"`: no, "AT+": no,
		"ATS40.2=1": no, "AT+CRC=1": no, "AT+CLIP=1": no, "AT+PMH=1": no, "AT+MS=V34,1,300,33600": no, "AT&": no,
		"ATH1": no, "ATA": no, "D5551": no, "": no, "AT\b": no, "x\bD": no,
	} {
		at, plain := dialAt(line)
		if got := (dial{at >= 0, plain}); got != want {
			t.Errorf("%q: %+v", line, got)
		}
		if at >= 0 && plain && line[at]&0x5f != 'D' {
			t.Errorf("%q: at %d", line, at)
		}
	}
}

// TestCheckCommand: the commands of init and of profiles, and what their errors say.
func TestCheckCommand(t *testing.T) {
	const dials, some = "the command dials: only", "the command dials with some modems: only"
	for line, want := range map[string]string{
		"AT&F1&D2+FCLASS=0;#CID=1": "", "ATA": "", "ATDT5": dials,
		"A T": "begins with AT", "AT\xc4T5": "printable ASCII",
		"AT&F1&D2+FCLASS=0#CID=1": some, "AT$DT5": some, "AT+FCLASS=0D5": some, "ATZA/": dials,
	} {
		err := CheckCommand(line)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// FuzzDialAt: spaces, control characters, letter case and the eighth bit change nothing.
func FuzzDialAt(f *testing.F) {
	for _, line := range []string{"ATDT5", `AT+X="a;D5"`, "AT&DT5;D", "AT#CID=1", "AT+", "AT&", "A/", "AT\b&D5", "ATN3"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		hidden := make([]byte, 0, 3*len(line))
		for i := range len(line) {
			c := line[i]
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			if hidden = append(hidden, ' '); c&0x7f != '\b' && c&0x7f != 0x7f {
				c ^= 0x80
			}
			hidden = append(hidden, c, '\t')
		}
		for _, letter := range []byte("DN") {
			at, plain := commandAt(line, letter)
			if at < -1 || at >= max(1, len(line)) || at == -1 && !plain {
				t.Errorf("%q: %c at %d, %v", line, letter, at, plain)
			}
			if same, also := commandAt(string(hidden), letter); same >= 0 != (at >= 0) || also != plain {
				t.Errorf("%q: %c at %d, %v; %q: at %d, %v", line, letter, at, plain, hidden, same, also)
			}
		}
		if isRepeat(line) != isRepeat(string(hidden)) {
			t.Errorf("%q repeats: %v", line, isRepeat(line))
		}
	})
}

func TestDialsAgain(t *testing.T) {
	for line, want := range map[string]bool{
		"DT5;DT6": true, "DT5;H0DT6": true, "DT5;+CKPD=6": true, "DT5; D6": true,
		"DT5": false, "DT5;": false, "DT5;H0": false, "DT5D6": false,
	} {
		if got := dialsAgain(line); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// TestCheckSent: what no script may send to a modem, whether it dials or not.
func TestCheckSent(t *testing.T) {
	for line, want := range map[string]error{
		"ATDT0": nil, "AT&D2": nil, "ATS7=60": nil, "+++": nil, "AT\x00": nil, "": nil,
		"\301\324\304\324555": errEighthBit, "ATZ\x80": errEighthBit, "ATDT0\xff": errEighthBit,
		"AT\u00e9": errEighthBit,
		"AT:DT0":   errUnclear, "AT+FCLASS=0DT0": errUnclear, "AT+CKPD=0": errUnclear,
	} {
		if err := CheckSent("AT", line); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestStored: N is a command of its own, not a part of another one or of a number.
func TestStored(t *testing.T) {
	for line, want := range map[string]bool{
		"ATN0": true, "atn9": true, "AT N 3": true, "ATX4N1": true, "ATN1N2": true, "AT&FN0": true, "ATN": true,
		"AT&C1&D2N0": true, "AT+MS=11;N0": true, "xxATN0": true, "A T N3": true, "ATDT5551;N3": true,
		"AT+FCLASS=0N3": true, "AT:N3": true,
		`AT\N3`: false, "AT&N6": false, "AT&N16": false, "AT+GMN": false, "AT%N1": false,
		"ATDT5551N3": false, "AT+MS=V34;": false, "ATS7=60": false,
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
