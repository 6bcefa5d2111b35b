package modem

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/lines"
)

// TestDialects: what modems say, with whose way it is.
func TestDialects(t *testing.T) {
	for _, tc := range []struct {
		line           string
		kind           kind
		code           lines.ResultCode
		caller, called string
		speed          int
	}{
		{"OK", result, lines.OK, "", "", 0},                                           // V.250 §5.7.1
		{"\x00\xffOK ", result, lines.OK, "", "", 0},                                  // after line noise
		{"NO DIALTONE", result, lines.NoDialtone, "", "", 0},                          // V.250
		{"NO DIAL TONE", result, lines.NoDialtone, "", "", 0},                         // USR
		{"BLACKLISTED", result, lines.Blacklisted, "", "", 0},                         // Rockwell, countries with dialling restrictions
		{"DELAYED 00:01:30", result, lines.Delayed, "", "", 0},                        // Rockwell
		{"VOICE", result, lines.Voice, "", "", 0},                                     // USR
		{"RINGING", info, "", "", "", 0},                                              // USR: the other side's ring
		{"RRING", info, "", "", "", 0},                                                // Telebit
		{"CARRIER 33600", info, "", "", "", 0},                                        // Rockwell, W1
		{"PROTOCOL: LAP-M", info, "", "", "", 0},                                      // Rockwell
		{"CONNECT", result, lines.Connected, "", "", 0},                               // V.250
		{"CONNECT 9600", result, lines.Connected, "", "", 9600},                       // Hayes
		{"CONNECT 33600/ARQ/V34/LAPM/V42BIS", result, lines.Connected, "", "", 33600}, // USR
		{"CONNECT/ARQ", result, lines.Connected, "", "", 0},                           // USR
		{"CONNECT 14400 V.32bis", result, lines.Connected, "", "", 14400},             // ZyXEL
		{"CONNECT FAST/KERM", result, lines.Connected, "", "", 0},                     // Telebit
		{"CONNECTION", info, "", "", "", 0},                                           // none of them
		{"RING", result, lines.Ring, "", "", 0},                                       // V.250
		{"RING 1", result, lines.Ring, "", "", 0},                                     // ZyXEL, distinctive ring
		{"RING A", result, lines.Ring, "", "", 0},                                     // USR, distinctive ring
		{"RING;707070;999", result, lines.Ring, "707070", "999", 0},                   // ELSA
		{"RING;707070", result, lines.Ring, "707070", "", 0},                          // ELSA
		{"RING/0666", result, lines.Ring, "0666", "", 0},                              // isdn4linux
		{"RING: 3 DN9 8888", result, lines.Ring, "8888", "", 0},                       // ISDN adapters
		{"RING: 3 DN9", result, lines.Ring, "", "", 0},                                // ISDN adapters, caller withheld
		{"+CRING: REL ASYNC", result, lines.Ring, "", "", 0},                          // 3GPP TS 27.007
		{"+CME ERROR: 30", result, lines.Error, "", "", 0},                            // 3GPP TS 27.007
		{"NMBR = 0555", caller, "", "0555", "", 0},                                    // V.253, Rockwell
		{"NMBR=5551234", caller, "", "5551234", "", 0},                                // V.253
		{"NMBR = P", caller, "", "", "", 0},                                           // V.253: private
		{"NMBR = O", caller, "", "", "", 0},                                           // V.253: out of area
		{"NMBR = (800) 555-1212", caller, "", "8005551212", "", 0},                    // written out
		{"CALLER NUMBER: 2232", caller, "", "2232", "", 0},                            // ZyXEL, isdn4linux
		{"Caller ID: 5551234", caller, "", "5551234", "", 0},                          // some USB modems
		{`+CLIP: "+4989123",145,,,,0`, caller, "", "+4989123", "", 0},                 // 3GPP TS 27.007
		{`+CLIP: "",128`, caller, "", "", "", 0},                                      // withheld
		{"NAME = WILE E", info, "", "", "", 0},                                        // V.253
		{"DATE = 0321", info, "", "", "", 0},                                          // V.253
		{"ATDT5551234", echo, "", "", "", 0},                                          // our own, echoed
		{"at&f", echo, "", "", "", 0},                                                 // likewise
		{"\x80garb\x01age", noise, "", "", "", 0},                                     // line noise
		{"RING\x01;5", noise, "", "", "", 0},
		{"2", info, "", "", "", 0}, // the answer to a query: no ring where the modem speaks in words
	} {
		got := parse([]byte(tc.line), false)
		if got.kind != tc.kind || got.code != tc.code || got.caller != tc.caller || got.called != tc.called || got.speed != tc.speed {
			t.Errorf("%q: %+v, want %+v", tc.line, got, tc)
		}
	}
}

func TestNumericCodes(t *testing.T) {
	for text, want := range map[string]lines.ResultCode{
		"0": lines.OK, "1": lines.Connected, "2": lines.Ring, "3": lines.NoCarrier, "4": lines.Error, "5": lines.Connected, "6": lines.NoDialtone,
		"7": lines.Busy, "8": lines.NoAnswer, "10": lines.Connected, "18": lines.Connected, "24": lines.Delayed, "32": lines.Blacklisted,
		"9": "", "255": "", "043": "", "00": "", "OK": lines.OK,
	} {
		if got := parse([]byte(text), true); got.code != want {
			t.Errorf("%q: %+v, want %q", text, got, want)
		}
	}
}

func TestIsDial(t *testing.T) {
	for line, want := range map[string]bool{
		"ATD5551": true, "atdt5551": true, "AT D T 5551": true, "ATX4DT5551": true, "AT&FDT5551": true, "ATS7=60DP5551": true, "ATDL": true,
		"AT+MS=11;DT5551": true, "AT&C1&D2DT5": true, "xxATDT5": true, "ATE0Q0V1&C1&D2S0=0DT1": true,
		"AT": false, "ATZ": false, "AT&D2": false, "AT&C1&D2S0=0": false, "AT+VCID=1": false, "AT+FCLASS=0;H": false, `AT\D1`: false, "AT%D0": false,
		"ATH1": false, "ATA": false, "D5551": false, "": false, "AT*D3": false,
	} {
		if got := dialAt(line) >= 0; got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// FuzzSplit: how the bytes are spread over reads changes neither lines nor events, and nothing is held beyond the bound.
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
				all = append(all, fmt.Sprintf("%+v %v", parse(line, true), cr))
			}
		}
		if len(s.line) > maxLine {
			t.Fatalf("holds %d bytes", len(s.line))
		}
	}
	return all
}

// FuzzData: whatever comes in whatever pieces, a call's data is what was sent, but for a NO CARRIER at the very end.
func FuzzData(f *testing.F) {
	f.Add("\r\nNO CARRIER\r\nNO CARRIER\r\n", uint(1))
	f.Add("\r\r\n\r\nNO CARR\r\nNO CARRIER\r", uint(4))
	f.Fuzz(func(t *testing.T, text string, chunk uint) {
		text = text[:min(len(text), queueSize)]
		d := New(Options{})
		d.port = &fakePort{f: newFake(false)}
		c := d.newConn(event{text: "CONNECT"}, false)
		for b := []byte(text); len(b) > 0; {
			n := min(int(chunk%32)+1, len(b))
			if rest := c.feed(b[:n]); len(rest) > 0 {
				t.Fatalf("%q was not taken", rest)
			}
			b = b[n:]
		}
		held := noCarrier[:c.held]
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
		if strings.HasSuffix(text, noCarrier) != (c.held == len(noCarrier)) {
			t.Fatalf("%q: holds %q", text, held)
		}
	})
}
