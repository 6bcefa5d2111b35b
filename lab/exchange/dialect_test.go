package exchange

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The output of a modem of each dialect for a sequence of command lines.
func TestDialects(t *testing.T) {
	const ok, err = "\r\nOK\r\n", "\r\nERROR\r\n"
	registers := func(n int, r Register) Dialect { return Dialect{Registers: map[int]Register{n: r}} }
	tests := []struct {
		name    string
		dialect Dialect
		profile string
		says    []string // a command line, what comes back, and so on
	}{
		{"usual", Dialect{}, "", []string{"ATS18=7S25=99", ok, "ATS18?S25?S26?", "\r\n007\r\n\r\n099\r\n\r\n000\r\n" +
			ok, "ATZ", ok, "ATS18?", "\r\n000\r\n" + ok}},
		{"&F resets", Dialect{}, "", []string{"ATS18=7", ok, "AT&FE0", ok, "ATS18?", "\r\n000\r\n" + ok}},
		{"&W stores", Dialect{}, "", []string{"ATS18=7&W", ok, "ATS18=8", ok, "ATZ", ok, "ATS18?", "\r\n007\r\n" + ok}},
		{"without leading zeros", Dialect{BareNumbers: true}, "",
			[]string{"ATS18=7", ok, "ATS18?S25?", "\r\n7\r\n\r\n0\r\n" + ok}},
		{"in one line", Dialect{OneLine: ","}, "", []string{"ATS18=7", ok, "ATS18?S25?S12?", "\r\n007,000,050\r\n" + ok,
			"ATS18?*", "\r\n007\r\n" + err}},
		{"in one line before other information", Dialect{OneLine: " ", BareNumbers: true}, "",
			[]string{"ATS18?S25?I0", "\r\n0 0\r\n\r\n560\r\n" + ok}},
		{"fixed", registers(18, Register{Fixed: true, Value: 3}), "",
			[]string{"ATS18=7", ok, "ATS18?", "\r\n003\r\n" + ok}},
		{"read-only", registers(2, Register{ReadOnly: true}), "", []string{"ATS2=3", err, "ATS2?", "\r\n043\r\n" + ok}},
		{"missing", registers(25, Register{Missing: true}), "",
			[]string{"ATS25=3", err, "ATS18?S25?", "\r\n000\r\n" + err}},
		{"up to a maximum", registers(26, Register{Max: 100}), "", []string{"ATS26=101", err, "ATS26=100", ok, "ATS26?",
			"\r\n100\r\n" + ok}},
		{"no caller ID", Dialect{NoCallerID: true}, "", []string{"AT+VCID=1", err, "AT#CID=1", err, "AT+VCID?", err}},
		{"lower case", Dialect{LowerCase: true}, "", []string{"AT", "\r\nok\r\n", "AT*", "\r\nerror\r\n", "ATDT12345",
			"\r\nno carrier\r\n", "ATV0", "0\r"}},
		{"V0 in the profile", Dialect{}, "V0", []string{"AT", "0\r", "ATV1", ok, "ATZ", "0\r"}},
		{"Q1 in the profile", Dialect{}, "Q1", []string{"AT", "", "ATQ0", ok, "ATZ", "", "ATQ0", ok}},
		{"no dial tone by U.S. Robotics",
			Dialect{Texts: map[string]string{"NO DIALTONE": "NO DIAL TONE", "BUSY": "ENGAGED"}}, "",
			[]string{"ATDT666", "\r\nENGAGED\r\n", "ATV0DT666", "7\r"}},
		{"no answer by another", Dialect{Texts: map[string]string{"NO ANSWER": "NO_ANSWER"}}, "S7=3",
			[]string{"ATDT777", "\r\nNO_ANSWER\r\n"}},
		{"identification of a family",
			Dialect{Identify: map[string][]string{"I3": {"one", "two"}, "+GMM": {"V90"}}}, "",
			[]string{"ATI3", "\r\none\r\n\r\ntwo\r\n" + ok, "ATI0", ok, "AT+GMM", "\r\nV90\r\n" + ok, "AT+GMI", err,
				"AT+GMM=1", err}},
		{"commands of a family", Dialect{Commands: []string{"&K", "+PMH"}}, "",
			[]string{"AT&K3", ok, "AT+PMH=1", ok, "AT&H1", err, `AT\N3`, err, "AT&C1&D2S0=0", ok}},
		{"no commands beyond V.250", Dialect{Commands: []string{}}, "", []string{"AT&K3", err, "ATX4&C1", ok}},
		{"caller ID by another command", Dialect{CallerIDCommand: "#CID=1"}, "",
			[]string{"AT+VCID=1", err, "AT#CID=1", ok}},
		{"caller ID by a bit of a register", Dialect{CallerIDCommand: "S40.2=1"}, "",
			[]string{"ATS40.2=1", ok, "ATS40.3=1", err, "ATS40.2=0", ok, "ATS40.9=1", err}},
		{"caller ID by a register above 99", Dialect{CallerIDCommand: "S153=6"}, "",
			[]string{"ATS153=6", ok, "ATS154=6", err}},
		{"blacklisted after two failures", Dialect{BlacklistAfter: 2}, "", []string{"ATDT666",
			"\r\nBUSY\r\n", "ATDT666",
			"\r\nBUSY\r\n", "ATDT666", "\r\nBLACKLISTED\r\n", "ATDT12345", "\r\nNO CARRIER\r\n", "ATDT666",
			"\r\nBUSY\r\n"}},
		{"ringing by another", Dialect{HearsRinging: true, Texts: map[string]string{"RINGING": "RRING"}}, "S7=3",
			[]string{"ATDT777", "\r\nRRING\r\n\r\nNO ANSWER\r\n"}},
		{"a person answers", Dialect{HearsVoice: true}, "", []string{"ATDT888", "\r\nVOICE\r\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "E0" + tt.profile, Dialect: tt.dialect})
				for i := 0; i < len(tt.says); i += 2 {
					w.types("bob", tt.says[i]+"\r")
					pass(10 * time.Second)
					if got := w.got("bob"); got != tt.says[i+1] {
						t.Fatalf("%s: got %q, want %q", tt.says[i], got, tt.says[i+1])
					}
				}
			})
		})
	}
}

// Manufacturers' texts for failed dials, and the outcomes that the exchange records.
func TestNoDialtoneTexts(t *testing.T) {
	for _, text := range []string{"NO DIAL-TONE", "NO PROMPTTONE", "LINE IN USE"} {
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, Config{Instant: true},
				ModemConfig{Profile: "E0", Dialect: Dialect{Texts: map[string]string{"NO DIALTONE": text}}})
			w.bob.SetFault(Fault{NoDialtone: true})
			w.types("bob", "ATDT5551\r")
			pass(5 * time.Second)
			w.want("bob", "\r\n"+text+"\r\n")
			if got := outcomes(w.x); got != "5551 no dialtone" {
				t.Errorf("dials: %s", got)
			}
		})
	}
}

func TestCallersThatAreNoData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "E0", ConnectText: "CONNECT FAX",
			Dialect: Dialect{Texts: map[string]string{"RING": "+CRING: FAX"}}})
		w.types("alice", "ATDT5552\r")
		w.want("bob", "\r\n+CRING: FAX\r\n")
		w.types("bob", "ATA\r")
		w.want("bob", "\r\nCONNECT FAX\r\n")
	})
}

// Octets that arrive while a modem is deaf are lost: what follows is incomplete commands, or none.
func TestDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true},
			ModemConfig{Profile: "E0", Dialect: Dialect{Deaf: 100 * time.Millisecond}})
		w.types("bob", "AT\rATI0\r")
		w.want("bob", "\r\nOK\r\n")
		pass(100*time.Millisecond - 1)
		w.types("bob", "A")
		pass(1)
		w.types("bob", "T\r")
		w.want("bob", "")
		w.types("bob", "AT\r")
		w.want("bob", "\r\nOK\r\n")
		pass(time.Second)
		w.types("alice", "ATDT5552\r")
		w.want("bob", "\r\nRING\r\n")
		pass(50 * time.Millisecond)
		w.types("bob", "ATA\r") // lost
		pass(time.Second)
		w.want("bob", "")
		w.types("bob", "ATA\r")
		w.want("bob", "\r\nCONNECT\r\n")
		w.got("alice")
		w.types("bob", "Welcome") // data is not lost
		w.want("alice", "Welcome")
	})
}

func TestLosesATA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{})
		w.bob.SetFault(Fault{LosesATA: 2})
		w.types("alice", "ATDT5552\r")
		w.want("bob", "\r\nRING\r\n")
		for range 2 {
			w.types("bob", "ATA\r")
			w.want("bob", "ATA\r")
			if s := w.bob.State(); s != Ringing {
				t.Fatalf("bob is %s", s)
			}
		}
		w.types("bob", "ATA\r")
		w.want("bob", "ATA\r\r\nCONNECT\r\n")
	})
}

func TestCallerIDDialects(t *testing.T) {
	const ring = "\r\nRING\r\n"
	tests := []struct {
		name    string
		dialect Dialect
		want    string // up to the third ring
	}{
		{"before the first ring", Dialect{CallerIDTime: BeforeFirstRing, CallerIDText: "NMBR = %s"},
			"\r\nNMBR = 5551\r\n" + ring + ring + ring},
		{"between the first and the second", Dialect{CallerIDText: "CID: %s"}, ring + "\r\nCID: 5551\r\n" + ring +
			ring},
		{"after the second", Dialect{CallerIDTime: AfterSecondRing, CallerIDText: `+CLIP: "%s",129`},
			ring + ring + "\r\n+CLIP: \"5551\",129\r\n" + ring},
		{"in the first RING", Dialect{CallerIDTime: BeforeFirstRing, CallerIDText: "RING;%s"},
			strings.Repeat("\r\nRING;5551\r\n", 3)},
		{"in the second RING", Dialect{CallerIDText: "RING;%s"}, ring + strings.Repeat("\r\nRING;5551\r\n", 2)},
		{"in lower case", Dialect{CallerIDText: "RING;%s", LowerCase: true},
			"\r\nring\r\n" + strings.Repeat("\r\nring;5551\r\n", 2)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, Config{}, ModemConfig{CallerID: true, Profile: "E0+VCID=1", Dialect: tt.dialect})
				w.x.Ring(w.alice, w.bob)
				pass(13 * time.Second)
				w.want("bob", tt.want)
			})
		})
	}
}

// The number comes after the line is seized and before the first ring; an answer in between takes the call without a
// ring.
func TestAnswerBetweenNumberAndRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{}, ModemConfig{CallerID: true, SeizedBefore: time.Second, Profile: "E0+VCID=1",
			Dialect: Dialect{CallerIDTime: BeforeFirstRing, CallerIDText: "NMBR = %s"}})
		w.x.Ring(w.alice, w.bob)
		pass(time.Second - 1)
		w.want("bob", "")
		pass(1)
		w.want("bob", "\r\nNMBR = 5551\r\n")
		w.types("bob", "ATA\r")
		pass(10 * time.Second)
		w.want("bob", "\r\nCONNECT\r\n")
		if n := w.bob.Rings(); n != 0 {
			t.Errorf("%d rings", n)
		}
	})
}

// The escape sequence by dialect. Each step is a pause followed by a write of the DTE.
func TestEscapes(t *testing.T) {
	type write struct {
		pause time.Duration
		text  string
	}
	const s = time.Second
	tests := []struct {
		name   string
		escape Escape
		init   string
		writes []write
		wait   time.Duration
		want   ModemState
		says   string
	}{
		{"three in one write", EscapeGuarded, "", []write{{s, "+++"}}, s, Escaped, "\r\nOK\r\n"},
		{"one by one", EscapeGuarded, "", []write{{s, "+"}, {s / 2, "+"}, {s / 2, "+"}}, s, Escaped, "\r\nOK\r\n"},
		{"not before the guard time is over", EscapeGuarded, "", []write{{s, "+++"}}, s - 1, Connected, ""},
		{"too soon after data", EscapeGuarded, "", []write{{s, "x"}, {s - 1, "+++"}}, 2 * s, Connected, ""},
		{"in the data", EscapeGuarded, "", []write{{s, "x+++"}}, 2 * s, Connected, ""},
		{"data after it", EscapeGuarded, "", []write{{s, "+++"}, {s - 1, "x"}}, 2 * s, Connected, ""},
		{"data in the same write", EscapeGuarded, "", []write{{s, "+++x"}}, 2 * s, Connected, ""},
		{"four", EscapeGuarded, "", []write{{s, "++++"}}, 2 * s, Connected, ""},
		{"a fourth in time", EscapeGuarded, "", []write{{s, "+++"}, {s / 2, "+"}}, 2 * s, Connected, ""},
		{"two, then three", EscapeGuarded, "", []write{{s, "++"}, {s, "+++"}}, s, Escaped, "\r\nOK\r\n"},
		{"a guard between them begins again", EscapeGuarded, "", []write{{s, "+"}, {s, "++"}}, 2 * s, Connected, ""},
		{"another character", EscapeGuarded, "S2=29", []write{{s, "\x1d\x1d\x1d"}}, s, Escaped, "\r\nOK\r\n"},
		{"NUL", EscapeGuarded, "S2=0", []write{{s, "\x00\x00\x00"}}, s, Escaped, "\r\nOK\r\n"},
		{"127", EscapeGuarded, "S2=127", []write{{s, "\x7f\x7f\x7f"}}, s, Escaped, "\r\nOK\r\n"},
		{"the old one no longer", EscapeGuarded, "S2=29", []write{{s, "+++"}}, 2 * s, Connected, ""},
		{"128 switches it off", EscapeGuarded, "S2=128", []write{{s, "\x80\x80\x80"}}, 2 * s, Connected, ""},
		{"a shorter guard", EscapeGuarded, "S12=10", []write{{200 * time.Millisecond, "+++"}}, 200 * time.Millisecond,
			Escaped, "\r\nOK\r\n"},
		{"the longest guard", EscapeGuarded, "S12=255", []write{{5100 * time.Millisecond, "+++"}},
			5100 * time.Millisecond, Escaped, "\r\nOK\r\n"},
		{"no guard", EscapeGuarded, "S12=0", []write{{0, "xx+++ATI0\rATO\r"}}, 0, Connected,
			"\r\nOK\r\n\r\n560\r\n\r\nOK\r\n\r\nCONNECT\r\n"},
		{"unguarded", EscapeAtOnce, "", []write{{0, "xx++"}, {s, "+"}}, 0, Escaped, "\r\nOK\r\n"},
		{"unguarded, another character", EscapeAtOnce, "S2=29", []write{{0, "+++x\x1d\x1d\x1d"}}, 0, Escaped,
			"\r\nOK\r\n"},
		{"unguarded, switched off", EscapeAtOnce, "S2=255", []write{{0, "+++"}}, 0, Connected, ""},
		{"TIES", EscapeTIES, "", []write{{0, "xx+++ATI0\r"}}, 0, Escaped, "\r\n560\r\n\r\nOK\r\n"},
		{"TIES in pieces", EscapeTIES, "", []write{{0, "++"}, {s, "++a"}, {s, "ti0"}, {s, "\r"}}, 0, Escaped,
			"\r\n560\r\n\r\nOK\r\n"},
		{"TIES wants AT", EscapeTIES, "", []write{{0, "+++ AT\r+++At\r+++"}}, 2 * s, Connected, ""},
		{"TIES, switched off", EscapeTIES, "S2=255", []write{{0, "+++ATI0\r"}}, 2 * s, Connected, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, Config{Instant: true},
					ModemConfig{Profile: "E0S0=1", Dialect: Dialect{Escape: tt.escape}})
				w.types("bob", "AT"+tt.init+"\r")
				w.types("alice", "ATE0DT5552\r")
				pass(0)
				w.got("bob")
				w.got("alice")
				sent := ""
				for _, wr := range tt.writes {
					pass(wr.pause)
					w.types("bob", wr.text)
					sent += wr.text
				}
				pass(tt.wait)
				if got := w.bob.State(); got != tt.want {
					t.Errorf("bob is %s, want %s", got, tt.want)
				}
				w.want("bob", tt.says)
				// The far end also receives the sequence, but no command that follows it.
				if got := w.got("alice"); !strings.HasPrefix(sent, got) || tt.want == Connected && tt.says == "" &&
					got != sent {
					t.Errorf("alice got %q of %q", got, sent)
				}
			})
		})
	}
}

// In command state the escape sequence is ordinary text, alone or before a command.
func TestEscapeInCommandState(t *testing.T) {
	for _, text := range []string{"+++", "+++\r", "\x1d\x1d\x1d\r", "+++AT\r"} {
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, Config{}, ModemConfig{Profile: "E0"})
			pass(2 * time.Second)
			w.types("bob", text)
			pass(2 * time.Second)
			want := ""
			if strings.Contains(text, "AT") {
				want = "\r\nOK\r\n"
			}
			w.want("bob", want)
			w.types("bob", "\rATI0\r")
			w.want("bob", "\r\n560\r\n\r\nOK\r\n")
		})
	}
}

// A modem may hang at any time, and continue from the same state: on hook, in an incomplete command, in a call.
func TestHungAtAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "E0", CallerID: true})
		hang := func(on bool) { w.bob.SetFault(Fault{Hung: on}) }
		for range 2 {
			hang(true)
			w.types("bob", "AT\r")
			pass(time.Hour)
			w.want("bob", "")
			hang(false)
			w.types("bob", "AT\r")
			w.want("bob", "\r\nOK\r\n")
		}
		w.types("bob", "AT")
		hang(true)
		w.types("bob", "DT5551\r")
		hang(false)
		w.types("bob", "I0\r")
		w.want("bob", "\r\n560\r\n\r\nOK\r\n")
		w.types("bob", "AT+VCID=1\r")
		w.got("bob")
		hang(true)
		w.types("alice", "ATE0DT5552\r") // rings without any output
		pass(5 * time.Second)
		w.types("bob", "ATA\r")
		w.want("bob", "")
		hang(false)
		w.types("bob", "ATA\r")
		w.want("bob", "\r\nCONNECT\r\n")
		w.got("alice")
		hang(true)
		w.types("alice", "hello")
		w.types("bob", "+++")
		pass(2 * time.Second)
		w.want("bob", "")
		w.want("alice", "")
		hang(false)
		w.types("alice", "again")
		w.want("bob", "again")
		if len(w.x.Dials()) != 1 {
			t.Errorf("dials: %s", outcomes(w.x))
		}
	})
}

// A power failure in a call: the far end loses its carrier, the DTE receives nothing, and the stored profile is
// restored.
func TestPowerCycle(t *testing.T) {
	for name, cycle := range map[string]func(*Modem){
		"briefly": (*Modem).PowerCycle,
		"for a while": func(m *Modem) {
			m.SetFault(Fault{PoweredOff: true})
			if m.Signals()&^(DTR|RTS) != 0 {
				panic(fmt.Sprintf("signals %b without power", m.Signals()))
			}
			pass(time.Minute)
			m.SetFault(Fault{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "E0S0=1S18=3"})
				w.types("bob", "ATS18=77S2=29\r")
				w.types("alice", "ATE0DT5552\r")
				pass(0)
				w.got("alice")
				w.got("bob")
				if w.bob.Register(18) != 77 || w.bob.Register(2) != 29 || w.bob.Register(100) != 0 ||
					w.bob.Register(-1) != 0 {
					t.Errorf("S18 is %d", w.bob.Register(18))
				}
				cycle(w.bob)
				w.want("bob", "")
				w.want("alice", "\r\nNO CARRIER\r\n")
				if w.bob.State() != OnHook || w.bob.Register(18) != 3 || w.bob.Register(2) != '+' {
					t.Errorf("bob is %s, S18 %d, S2 %d", w.bob.State(), w.bob.Register(18), w.bob.Register(2))
				}
				w.types("bob", "AT\r") // the port is still the same
				w.want("bob", "\r\nOK\r\n")
			})
		})
	}
}

// While the power is off the line rings and nobody answers.
func TestPoweredOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "E0S0=1"})
		w.bob.SetFault(Fault{PoweredOff: true})
		w.types("bob", "AT\r")
		w.types("alice", "ATE0S7=20DT5552\r")
		w.got("alice")
		pass(20 * time.Second)
		w.want("alice", "\r\nNO ANSWER\r\n")
		w.want("bob", "")
		if w.bob.Signals().Has(DSR) || w.bob.Rings() == 0 {
			t.Errorf("signals %b, %d rings", w.bob.Signals(), w.bob.Rings())
		}
	})
}

func TestLateNoCarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "E0S0=1"})
		w.bob.SetFault(Fault{LateNoCarrier: 10 * time.Second})
		call := func() {
			w.types("alice", "ATE0DT5552\r")
			pass(0)
			w.got("bob")
		}
		call()
		w.alice.HangUp()
		pass(10*time.Second - 1)
		w.want("bob", "")
		if w.bob.State() != OnHook || w.bob.Signals().Has(DCD) {
			t.Errorf("bob is %s", w.bob.State())
		}
		pass(1)
		w.want("bob", "\r\nNO CARRIER\r\n")
		call()
		w.alice.HangUp()
		pass(time.Second)
		call() // too late for a result code from this modem
		pass(time.Minute)
		w.want("bob", "")
		w.bob.SetFault(Fault{MuteNoCarrier: true})
		w.alice.HangUp()
		pass(time.Hour)
		w.want("bob", "")
		if w.bob.State() != OnHook {
			t.Errorf("bob is %s", w.bob.State())
		}
	})
}

// The network loses a port: the DTE is gone, and a modem that stays off hook keeps the call for the next DTE.
func TestDisconnect(t *testing.T) {
	for _, stays := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "E0S0=1", StaysOffHook: stays})
			w.types("alice", "ATE0DT5552\r")
			pass(0)
			w.got("alice")
			w.bob.Disconnect()
			if _, err := w.dte["bob"].Write([]byte("x")); err == nil {
				t.Error("the port is open")
			}
			w.dte["bob"] = w.bob.DTE()
			w.types("alice", "hello")
			want, state := "hello", Connected
			if !stays {
				want, state = "", OnHook
			}
			w.want("bob", want)
			if got := w.bob.State(); got != state {
				t.Errorf("bob is %s", got)
			}
		})
	}
}

// A dialect that names something unknown is a programming error.
func TestDialectMistakes(t *testing.T) {
	for want, d := range map[string]Dialect{
		`no result code "NODIALTONE"`: {Texts: map[string]string{"NODIALTONE": "x"}},
		"needs %s":                    {CallerIDText: "NMBR"},
		"needs a RingText":            {RingCommand: "+CRC=1"},
		"S100":                        {Registers: map[int]Register{100: {}}},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("got %s, want %q", got, want)
				}
			}()
			New(Config{}).AddModem(ModemConfig{Dialect: d})
		}()
	}
}

// An event comes exactly this long after what the DTE sent, in one write or in pieces.
func TestAfter(t *testing.T) {
	for _, pieces := range [][]string{{"ATDT5552\r"}, {"AT", "DT5552", "\r"}} {
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, Config{}, ModemConfig{})
			at := make(chan time.Duration, 5)
			var began time.Time
			for d := time.Duration(0); d <= 30*time.Millisecond; d += 10 * time.Millisecond {
				w.alice.After("DT5552\r", d, func() { at <- time.Since(began) })
			}
			w.alice.After("never", 0, func() { t.Error("triggered by nothing") })
			for _, p := range pieces {
				pass(time.Second)
				began = time.Now()
				w.types("alice", p)
			}
			pass(time.Second)
			w.types("alice", "DT5552\r") // it triggers only once
			pass(time.Second)
			close(at)
			for want := time.Duration(0); want <= 30*time.Millisecond; want += 10 * time.Millisecond {
				if got, ok := <-at; got != want || !ok {
					t.Errorf("at %v, %v, want %v", got, ok, want)
				}
			}
			if got, ok := <-at; ok {
				t.Errorf("again at %v", got)
			}
		})
	}
}

// A ring, a key and a hang-up at exact moments.
func TestAfterRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "E0"})
		w.bob.After("AT\r", 10*time.Millisecond, func() {
			if !w.x.Ring(w.alice, w.bob) || w.x.Ring(w.alice, w.bob) {
				t.Error("ring")
			}
		})
		w.types("bob", "AT\r")
		w.want("bob", "\r\nOK\r\n")
		pass(10*time.Millisecond - 1)
		w.want("bob", "")
		pass(1)
		w.want("bob", "\r\nRING\r\n")
		w.bob.After("ATA\r", time.Millisecond, func() { w.dte["alice"].Write([]byte("first")) })
		w.bob.After("ATA\r", 20*time.Millisecond, w.alice.HangUp)
		w.types("bob", "ATA\r")
		w.want("bob", "\r\nCONNECT\r\n")
		w.want("alice", "\r\nCONNECT\r\n")
		pass(time.Millisecond)
		w.want("bob", "first")
		pass(19 * time.Millisecond)
		w.want("bob", "\r\nNO CARRIER\r\n")
		if n := len(w.x.Dials()); n != 0 {
			t.Errorf("%d dial commands", n)
		}
	})
}

// What a called modem of each family shows of a call, with two rings.
func TestCallsOfFamilies(t *testing.T) {
	const ring, at = "\r\nRING\r\n", "E0+VCID=1"
	for name, tt := range map[string]struct {
		dialect       Dialect
		profile, want string
	}{
		"two lines before the ring": {Dialect{CallerIDText: "NMBR=%s\nANID=%s", CallerIDTime: BeforeFirstRing}, at,
			"\r\nNMBR=5551\r\nANID=5551\r\n" + ring + ring},
		"before each ring, without a command": {Dialect{CallerIDText: "CALLER NUMBER: %s", CallerIDAlways: true,
			CallerIDEachRing: true, CallerIDTime: BeforeFirstRing}, "E0", "\r\nCALLER NUMBER: 5551\r\n" + ring +
			"\r\nCALLER NUMBER: 5551\r\n" + ring + "\r\nCALLER NUMBER: 5551\r\n"},
		"own ring after its command": {Dialect{RingText: "+CRING: REL ASYNC", RingCommand: "+CRC=1"}, "E0+CRC=1",
			"\r\n+CRING: REL ASYNC\r\n\r\n+CRING: REL ASYNC\r\n"},
		"without the command": {Dialect{RingText: "+CRING: REL ASYNC", RingCommand: "+CRC=1"}, "E0",
			ring + ring},
		"caller ID that is not on":       {Dialect{CallerIDCommand: "#CID=1"}, "E0", ring + ring},
		"caller ID that is switched off": {Dialect{CallerIDCommand: "S40.2=1"}, "E0S40.2=1S40.2=0", ring + ring},
		"in the ring": {Dialect{CallerIDText: "RING;%s;55555", CallerIDCommand: "S153=6",
			CallerIDTime: BeforeFirstRing},
			"E0S153=6", "\r\nRING;5551;55555\r\n\r\nRING;5551;55555\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, Config{Instant: true},
					ModemConfig{Profile: tt.profile, CallerID: true, Dialect: tt.dialect})
				w.types("alice", "ATDT5552\r")
				pass(11 * time.Second)
				if got := w.got("bob"); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// A number of one modem beside the number of the group, and lines before CONNECT.
func TestDirectNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "E0S0=1", Direct: "777123",
			ConnectText: "CONNECT 9600",
			Dialect:     Dialect{Negotiated: []string{"CARRIER 33600", "PROTOCOL: LAP-M"}}})
		w.types("alice", "ATDT777123\r")
		pass(10 * time.Second)
		w.want("bob", "\r\nRING\r\n\r\nCARRIER 33600\r\n\r\nPROTOCOL: LAP-M\r\n\r\nCONNECT 9600\r\n")
	})
}

// A modem with an escape character above 127 (tcpser): three of them in silence are the escape.
func TestEscapeAbove127(t *testing.T) {
	for _, above := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, Config{Instant: true},
				ModemConfig{Profile: "E0S0=1S2=255", Dialect: Dialect{EscapeAbove127: above}})
			w.types("alice", "ATDT5552\r")
			pass(10 * time.Second)
			w.types("bob", "\xff\xff\xff")
			pass(2 * time.Second)
			if got := w.bob.State() == Escaped; got != above {
				t.Errorf("above 127: %v, and the modem is %s", above, w.bob.State())
			}
		})
	}
}
