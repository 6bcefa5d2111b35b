package doctor

import (
	"io"
	"maps"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ringback/ringback/lines"
)

// The answers are in the forms of the families; their values are made for this test.
const (
	// U.S. Robotics, Courier and Sportster manuals, ATI4 and ATI5
	usrI4 = "U.S. Robotics 56K FAX EXT Settings...\r\n\r\n   B0  E0  F1  M1  Q0  V1  X4  Y1\r\n" +
		"   BAUD=57600  PARITY=N  WORDLEN=8\r\n   DIAL=TONE   ON HOOK\r\n\r\n" +
		"   &A3  &B1  &C1  &D2  &G0  &H1  &I0  &K1\r\n   &M4  &N0  &P0  &R2  &S0  &T5  &U6  &Y1\r\n\r\n" +
		"   S00=000  S01=000  S02=043  S03=013  S04=010  S05=008  S06=002\r\n\r\nOK\r\n"
	usrI5 = "U.S. Robotics 56K FAX EXT NVRAM Settings...\r\n\r\n   Template Y0\r\n\r\n" +
		"   DIAL=TONE   B0  F1  M1  X4\r\n" +
		"   &A3  &B1  &C1  &D2\r\n   S00=000  S02=043\r\n\r\n   Template Y1\r\n\r\n   DIAL=TONE   B0  F1  M1  X3\r\n" +
		"   BAUD=9600  PARITY=N  WORDLEN=8\r\n   &A3  &B1  &C0  &D0\r\n   S00=001  S02=043\r\n\r\n" +
		"   STORED PHONE #0: 5551234\r\n            #1:\r\n\r\nOK\r\n"
	usrOld = "USRobotics Courier HST NVRAM Settings...\r\n" +
		"   DIAL=TONE B0 F1 M1 X7\r\n   &A3 &B1\r\n   S00=002\r\nOK\r\n"
	// Quectel M95 AT Commands Manual, AT&V
	quectel = "AT&V\r\r\nACTIVE PROFILE\r\nE: 0\r\nQ: 0\r\nV: 1\r\nX: 4\r\nS0: 3\r\nS3: 13\r\n+CR: 0\r\n" +
		"+CBST: 7,0,1\r\n&C: 1\r\n&D: 0\r\n+CSCS: \"GSM\"\r\n\r\nOK\r\n"
	// SIM800 Series AT Command Manual, AT&V: the defaults are no stored profile
	sim800 = "DEFAULT PROFILE\r\nS0: 5\r\n&C: 0\r\nACTIVE PROFILE\r\nS0: 0\r\n&C: 1\r\n&D: 1\r\nOK\r\n"
	hayes  = "ACTIVE PROFILE:\r\nB1 E1 L2 M1 P Q0 V1 X4 Y0 &C1 &D2 &G0\r\nS00:000\r\n\r\n" +
		"STORED PROFILE 0:\r\nB1 E1 Q1 V1 X4 &C0\r\nS00:001\r\n\r\nTELEPHONE NUMBERS:\r\n0=T5551234X4 1=\r\nOK\r\n"
	prose = "U.S. Robotics Courier V.34 X2 is a modem, see the manual S0\r\nOK\r\n"
)

func TestSettings(t *testing.T) {
	for name, tt := range map[string]struct {
		text           string
		active, stored map[string]int
	}{
		"usr":     {usrI4, map[string]int{"Q": 0, "X": 4, "Y": 1, "&C": 1, "&D": 2, "S0": 0, "S2": 43}, nil},
		"quectel": {quectel, map[string]int{"Q": 0, "X": 4, "&C": 1, "&D": 0, "S0": 3}, nil},
		"sim800":  {sim800, map[string]int{"&C": 1, "&D": 1, "S0": 0}, nil},
		"hayes":   {hayes, map[string]int{"&C": 1, "&D": 2, "S0": 0}, map[string]int{"Q": 1, "&C": 0, "S0": 1}},
		"prose":   {prose, nil, nil},
		"":        {},
	} {
		active, stored := settings(tt.text)
		for part, pair := range map[string][2]map[string]int{"active": {active, tt.active},
			"stored": {stored, tt.stored}} {
			if got := only(pair[0], pair[1]); !maps.Equal(got, pair[1]) || len(pair[1]) == 0 && len(pair[0]) > 0 {
				t.Errorf("%s, %s: %v, want %v", name, part, pair[0], pair[1])
			}
		}
	}
	for name, tt := range map[string]struct {
		text string
		n    int
		want int // S0; -1: not known
	}{
		"template 0": {usrI5, 0, 0}, "template 1": {usrI5, 1, 1}, "of the factory": {usrI5, 2, -1},
		"one template": {usrOld, 0, 2}, "one template, Y1": {usrOld, 1, 2},
		"one template, the factory's": {usrOld, 3, -1},
	} {
		s0, ok := template(tt.text, tt.n)["S0"]
		if ok != (tt.want >= 0) || ok && s0 != tt.want {
			t.Errorf("%s: S0=%d, %v", name, s0, ok)
		}
	}
}

// only returns the entries of m for the keys of want.
func only(m, want map[string]int) map[string]int {
	some := map[string]int{}
	for k := range want {
		if v, ok := m[k]; ok {
			some[k] = v
		}
	}
	return some
}

// TestInquire: the commands that each family needs, and no others; the stored profile is that which ATZ loads.
func TestInquire(t *testing.T) {
	const refused = "\r\nERROR\r\n"
	for name, tt := range map[string]struct {
		answers map[string]string
		sent    string
		s0      int // active; -1: not known
		stored  int // S0; -1: not known
	}{
		"hayes":   {map[string]string{"AT&V": hayes}, "AT&V", 0, 1},
		"usr":     {map[string]string{"AT&V": refused, "ATI4": usrI4, "ATI5": usrI5}, "AT&V ATI4 ATI5", 0, 1},
		"quectel": {map[string]string{"AT&V": quectel}, "AT&V", 3, -1},
		"registers in a form of its own": {map[string]string{"AT&V": "S000 = $00\r\nOK\r\n", "ATI4": refused,
			"ATS0?": "\r\n002\r\n\r\nOK\r\n"}, "AT&V ATI4 ATS0?", 2, -1},
		"knows nothing": {map[string]string{"AT&V": refused, "ATI4": refused, "ATS0?": refused}, "AT&V ATI4 ATS0?",
			-1, -1},
		"falls silent": {nil, "AT&V", -1, -1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				var sent []string
				done := make(chan struct{})
				go func() {
					defer close(done)
					b := make([]byte, 100)
					for {
						n, err := far.Read(b)
						if err != nil {
							return
						}
						command := strings.TrimSpace(string(b[:n]))
						sent = append(sent, command)
						io.WriteString(far, tt.answers[command])
					}
				}()
				active, stored := inquire(modemPort{Conn: near, sig: lines.DSR})
				near.Close()
				<-done
				for part, pair := range map[string][2]int{"active": {value(active, "S0"), tt.s0},
					"stored": {value(stored, "S0"), tt.stored}} {
					if pair[0] != pair[1] {
						t.Errorf("%s S0=%d, want %d", part, pair[0], pair[1])
					}
				}
				if got := strings.Join(sent, " "); got != tt.sent {
					t.Errorf("sent %s, want %s", got, tt.sent)
				}
			})
		})
	}
}

func value(m map[string]int, key string) int {
	if v, ok := m[key]; ok {
		return v
	}
	return -1
}
