package atprompt

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// step is one event of a story, and all that the modem then does, as text: user output in quotes, "dial 5551", "abort",
// "hang up", "call" with data.
type step struct {
	after time.Duration
	in    string // typed; or one of the events below
	want  string
}

// Events of a story. Others are typed.
const (
	breaks    = "\x00break"
	dtr       = "\x00dtr"
	lost      = "\x00lost"
	tick      = "\x00tick"
	connected = "\x00connected"
	busy      = "\x00busy"
	noTone    = "\x00no dial tone"
	denied    = "\x00denied"
	hungUp    = "\x00hung up"
	unproven  = "\x00unproven"
)

// event returns what an event of a story does.
func event(m *Modem, now time.Time, in string) []Action {
	switch in {
	case breaks:
		return m.Break(now)
	case dtr:
		return m.DropDTR(now)
	case lost:
		return m.Lost(now)
	case tick:
		return m.Tick(now)
	case connected:
		return m.Done(now, Result{Code: Connected, Connect: "CONNECT 33600/V34"})
	case busy:
		return m.Done(now, Result{Code: Busy})
	case noTone:
		return m.Done(now, Result{Code: NoDialtone})
	case denied:
		return m.Done(now, Result{Code: NoCarrier, Why: "not dialed: \x1b[2Jno policy\r\nOK allows it"})
	case hungUp:
		return m.Done(now, Result{Code: OK})
	case unproven:
		return m.Done(now, Result{Code: Error, Why: "the line is not proven on hook"})
	}
	return m.Input(now, []byte(in))
}

func text(all []Action) string {
	var parts []string
	for _, a := range all {
		switch a.Kind {
		case ToUser:
			parts = append(parts, fmt.Sprintf("%q", a.Data))
		case ToCall:
			parts = append(parts, fmt.Sprintf("call %q", a.Data))
		case Dial:
			parts = append(parts, "dial "+a.Number)
		case Abort:
			parts = append(parts, "abort")
		case HangUp:
			parts = append(parts, "hang up")
		}
	}
	return strings.Join(parts, ", ")
}

const (
	ok        = `"\r\nOK\r\n"`
	failed    = `"\r\nERROR\r\n"`
	noCarrier = `"\r\nNO CARRIER\r\n"`
)

// quietly begins a story without echo, sentences and the line before.
var quietly = step{in: "ATE0\r", want: `"ATE0\r\r\nOK\r\n"`}

// call is a story's dial with its connection.
var call = []step{quietly, {in: "ATDT5551\r", want: "dial 5551"}, {in: connected,
	want: `"\r\nCONNECT 33600/V34\r\n"`}}

func after(before []step, more ...step) []step {
	return append(before[:len(before):len(before)], more...)
}

// TestStories: the sources are the sections of V.250 in the names.
func TestStories(t *testing.T) {
	second := time.Second
	for name, story := range map[string][]step{
		"5.2.1 prefix, spaces, case": {{in: "garbage\r", want: `"garbage\r"`},
			{in: "at e 0\r\n", want: `"at e 0\r\r\nOK\r\n"`},
			{in: "\r", want: ""}, {in: "AAT\r", want: ok}, {in: "xATE1 \x01\r", want: ok}},
		"5.2.1 parity": {quietly, {in: "\xc1\xd4\x8d", want: ok},
			{in: "\xc1\xd4D\xb5\xb5\x8d", want: "dial 55"}},
		"5.2.1 length": {quietly, {in: "AT" + strings.Repeat("E0", 20) + "\r", want: ok},
			{in: "AT" + strings.Repeat("E0", 200) + "\r", want: failed}, {in: "A/", want: ok}},
		"5.2.2 editing": {{in: "ATX\b\x7f\x7fE0\r", want: `"ATX\b \bE0\r\r\nOK\r\n"`},
			{in: "ATDT5552\b1\r", want: "dial 5551"}},
		"5.2.4 repetition": {quietly, {in: "A/", want: ok}, {in: "\r\n", want: ""},
			{in: "ATD1\r", want: "dial 1"}, {in: busy, want: `"\r\nBUSY\r\n"`}, {in: "a/", want: "dial 1"},
			{after: second, in: "\r\n", want: ""}, {in: busy, want: `"\r\nBUSY\r\n"`},
			{in: "ATH\r", want: ok}, {in: "A/", want: ok}},
		"5.3.1 values": {quietly, {in: "ATE2\r", want: failed}, {in: "ATE\r", want: ok},
			{in: "ATV00\r", want: `"0\r"`}, {in: "ATV99999999999999999999\r", want: `"4\r"`}},
		"5.3.2 registers": {quietly, {in: "ATS7?\r", want: `"\r\n090\r\n\r\nOK\r\n"`},
			{in: "ATS7=30S7?\r", want: `"\r\n030\r\n\r\nOK\r\n"`}, {in: "ATS7=\r", want: failed},
			{in: "ATS7=256\r", want: failed}, {in: "ATS0=1\r", want: failed}, {in: "ATS0=0\r", want: ok},
			{in: "ATS99=1\r", want: failed}, {in: "ATS\r", want: failed}, {in: "ATS7\r", want: failed},
			{in: "ATS=5\r", want: failed}, {in: "ATS3=65\r", want: failed}, {in: "ATS3=10\r", want: failed}},
		"6.2.1 S3": {quietly, {in: "ATS3=30\r", want: `"\x1e\nOK\x1e\n"`},
			{in: "AT\r\x1e", want: `"\x1e\nOK\x1e\n"`}, {in: "AT&F\x1e", want: ok}},
		"6.2.3 S5": {quietly, {in: "ATS5=24\r", want: ok}, {in: "ATX\x18E0\r", want: ok},
			{in: "ATX\bE0\r", want: ok}},
		"6.2.5 Q": {quietly, {in: "ATQ1\r", want: ""}, {in: "ATS0?\r", want: `"\r\n000\r\n"`},
			{in: "AT*\r", want: ""}, {in: "ATQ0\r", want: ok}},
		"6.2.7 X": {quietly, {in: "ATX0D1\r", want: "dial 1"},
			{in: connected, want: `"\r\nCONNECT\r\n"`}, {in: lost, want: noCarrier},
			{in: "ATD1\r", want: "dial 1"}, {in: busy, want: noCarrier}, {in: "ATX3D1\r", want: "dial 1"},
			{in: noTone, want: noCarrier}, {in: "ATX2D1\r", want: "dial 1"},
			{in: noTone, want: `"\r\nNO DIALTONE\r\n"`}},
		"6.2.6 V0": {quietly, {in: "ATV0D1\r", want: "dial 1"}, {in: connected, want: `"1\r"`},
			{in: lost, want: `"3\r"`}, {in: "ATD1\r", want: "dial 1"}, {in: busy, want: `"7\r"`}},
		"6.3.1 modifiers": {quietly, {in: "ATDP+1(80)5.5-1\r", want: "dial +1(80)5.5-1"},
			{in: busy, want: `"\r\nBUSY\r\n"`}, {in: "ATD1;ATH\r", want: failed},
			{in: "ATD1;\r", want: failed}, {in: "ATDL\r", want: failed}, {in: "ATDS=1\r", want: failed},
			{in: "ATDS\r", want: failed}, {in: "ATD9,1\r", want: failed}, {in: "ATDW1\r", want: failed},
			{in: "ATD1@\r", want: failed}, {in: "ATD!1\r", want: failed}, {in: "ATD*67\r", want: failed},
			{in: "ATD1T\r", want: failed}, {in: "ATD\r", want: failed}, {in: "ATD+\r", want: failed},
			{in: "ATD>x\r", want: failed}, {in: "ATD\"bob\"\r", want: failed},
			{in: "ATD" + strings.Repeat("1", 41) + "\r", want: failed}},
		"6.3.1 abort": {quietly, {in: "ATD1\r\nxx", want: "dial 1"},
			{after: 124 * time.Millisecond, in: "x", want: ""},
			{after: time.Millisecond, in: "+++", want: "abort"}, {in: "ATD2\r", want: ""},
			{in: busy, want: noCarrier}, {in: "AT\r", want: ok}},
		"6.3.1 late abort": {quietly, {in: "ATD1\r", want: "dial 1"},
			{after: second, in: "x", want: "abort"}, {in: connected, want: "hang up"},
			{in: "AT\r", want: ""}, {in: hungUp, want: noCarrier}},
		"break in a dial": {quietly, {in: "ATD12", want: ""}, {in: breaks, want: ""},
			{in: "\rATD1\r", want: "dial 1"}, {in: breaks, want: "abort"}, {in: breaks, want: ""},
			{in: denied, want: noCarrier}},
		"S7": {quietly, {in: "ATS7=5D1\r", want: "dial 1"},
			{after: 5*second - 1, in: tick, want: ""}, {after: 1, in: tick, want: "abort"},
			{after: second, in: tick, want: ""}, {in: denied, want: noCarrier}},
		"order after order": {quietly, {in: "ATE0Q0D1\r", want: "dial 1"},
			{in: denied, want: noCarrier}, {in: denied, want: ""}, {in: hungUp, want: ""}, {in: lost, want: ""}},
		"nothing half done": {quietly, {in: "ATE1D1*\r", want: failed}, {in: "ATV0*\r", want: failed},
			{in: "ATHD1,\r", want: failed}},
		"escape": after(call, step{in: "data", want: `call "data"`},
			step{after: second, in: "+++", want: `call "+++"`},
			step{after: second - 1, in: tick, want: ""}, step{after: 1, in: tick, want: ok},
			step{in: "ATD1\r", want: failed}, step{in: "ATA\r", want: failed},
			step{in: "ATO\r\n", want: `"\r\nCONNECT 33600/V34\r\n"`}, step{in: "\nmore", want: `call "\nmore"`}),
		"escape by hand": after(call, step{after: second, in: "+", want: `call "+"`},
			step{after: second / 2, in: "+", want: `call "+"`},
			step{after: second / 2, in: "+", want: `call "+"`},
			step{after: second, in: "ATH\r", want: `"\r\nOK\r\n", hang up`},
			step{in: "AT\r", want: ""}, step{in: hungUp, want: ok}),
		"not an escape": after(call, step{after: second / 2, in: "+++", want: `call "+++"`},
			step{after: second, in: tick, want: ""},
			step{after: second, in: "+++ATH\r", want: `call "+++ATH\r"`}, step{after: second, in: tick, want: ""},
			step{after: second, in: "+++", want: `call "+++"`},
			step{after: second / 2, in: "ATH\r", want: `call "ATH\r"`},
			step{after: 2 * second, in: "++++", want: `call "++++"`}, step{after: 2 * second, in: tick, want: ""},
			step{after: second, in: "++", want: `call "++"`}, step{after: 2 * second, in: "+", want: `call "+"`},
			step{after: 2 * second, in: tick, want: ""}),
		"no escape": {quietly, {in: "ATS2=128D1\r", want: "dial 1"},
			{in: connected, want: `"\r\nCONNECT 33600/V34\r\n"`},
			{after: 5 * second, in: "\x80\x80\x80", want: `call "\x80\x80\x80"`},
			{after: 5 * second, in: tick, want: ""}},
		"lost": after(call, step{in: lost, want: noCarrier},
			step{in: "ATO\r", want: noCarrier}, step{in: "AT\r", want: ok}),
		"lost, typed": after(call, step{after: second, in: "+++", want: `call "+++"`},
			step{after: second, in: "ATH", want: ok}, step{in: lost, want: noCarrier}, step{in: "\r", want: ok}),
		"ATZ": after(call, step{after: second, in: "+++", want: `call "+++"`},
			step{after: second, in: "ATZE0\r", want: ok + ", hang up"},
			step{in: hungUp, want: ok}),
		"unproven": after(call, step{after: second, in: "+++", want: `call "+++"`},
			step{after: second, in: "ATHD1\r", want: ok + ", hang up"},
			step{in: unproven, want: failed}),
		"H, then D": after(call, step{after: second, in: "+++", want: `call "+++"`},
			step{after: second, in: "ATHD2\r", want: ok + ", hang up"},
			step{in: hungUp, want: "dial 2"}),
		"DTR": after(call, step{in: dtr, want: "hang up"},
			step{in: dtr, want: ""}, step{in: hungUp, want: ok}),
		"DTR, &D0": {quietly, {in: "AT&D0D1\r", want: "dial 1"}, {in: dtr, want: ""},
			{in: connected, want: `"\r\nCONNECT 33600/V34\r\n"`}, {in: dtr, want: ""}},
		"DTR, &D1": {quietly, {in: "AT&D1D1\r", want: "dial 1"},
			{in: connected, want: `"\r\nCONNECT 33600/V34\r\n"`}, {in: dtr, want: ok}, {in: dtr, want: ""}},
		"DTR, &D3": {quietly, {in: "AT&D3D1\r", want: "dial 1"}, {in: dtr, want: "abort"},
			{in: busy, want: noCarrier}, {in: "A", want: `"A"`}},
		"ATA": {quietly, {in: "ATA\r", want: noCarrier}},
		"identify": {quietly,
			{in: "ATI3+GMM;+FCLASS?\r", want: `"\r\nringback\r\n\r\nringback\r\n\r\n0\r\n\r\nOK\r\n"`},
			{in: "ATI1\r", want: failed}, {in: "AT+FCLASS=1\r", want: failed},
			{in: "ATI4\r", want: `"\r\nE0 Q0 V1 X4 &C1 &D2\r\n\r\nS00:000 S01:000 S02:043 S03:013 S04:010 S05:008 S06:002 S07:090 S08:002 S10:014 S12:050\r\n\r\nOK\r\n"`}},
		"of programs": {quietly, {in: "ATS7=45S0=0L1V1X4&C1E0Q0\r", want: ok},
			{in: "AT&FE0V1&C1&D2S0=0\r", want: ok}, {in: "ATM0T\r", want: ok},
			{in: "AT&W\r", want: failed}, {in: "AT&\r", want: failed}, {in: "AT+\r", want: failed},
			{in: "AT%\r", want: failed}},
		"far end's text is data": after(call, step{in: "NO CARRIER\r\nAT\r", want: `call "NO CARRIER\r\nAT\r"`}),
	} {
		t.Run(name, func(t *testing.T) {
			m, now := New(Config{Product: "ringback"}), time.Unix(0, 0)
			for _, s := range story {
				now = now.Add(s.after)
				if got := text(event(m, now, s.in)); got != s.want {
					t.Fatalf("%q: %s, want %s", s.in, got, s.want)
				}
			}
		})
	}
}

// TestSentences: only people read why, and nothing in it acts on their terminal.
func TestSentences(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"ATD1\r", `"\r\nnot dialed: [2Jno policy  OK allows it\r\n\r\nNO CARRIER\r\n"`},
		{"ATX0D1\r", noCarrier}, {"ATV0D1\r", `"3\r"`}, {"ATQ1D1\r", ""},
	} {
		m := New(Config{Explain: true})
		now := time.Unix(0, 0)
		m.Input(now, []byte("ATE0\r"+c.in))
		if got := text(event(m, now, denied)); got != c.want {
			t.Errorf("%q: %s, want %s", c.in, got, c.want)
		}
	}
	m := New(Config{Explain: true})
	if got := text(m.Input(time.Unix(0, 0), []byte("ATD1;ATH\r"))); !strings.Contains(got, "semicolon") {
		t.Error(got)
	}
}

// TestCarrier: DCD follows the call with &C1.
func TestCarrier(t *testing.T) {
	m, now := New(Config{}), time.Unix(0, 0)
	for _, s := range []struct {
		in   string
		want bool
	}{{"ATD1\r", false}, {connected, true}, {lost, false}, {"AT&C0\r", true}, {"ATZ\r", false}} {
		if event(m, now, s.in); m.Carrier() != s.want {
			t.Errorf("after %q DCD is %v", s.in, m.Carrier())
		}
	}
}

// owner carries out what a modem asks for, and checks that it asks for one thing at a time.
type owner struct {
	t     rapid.TB
	m     *Modem
	dials int
	open  Kind // the order that waits for Done; ToUser: none
	call  bool
}

// took checks the actions of one event that had n octets.
func (o *owner) took(all []Action, n int) {
	size := 0
	for _, a := range all {
		switch a.Kind {
		case ToUser:
			size += len(a.Data)
		case ToCall:
			if !o.call {
				o.t.Fatalf("data without a call: %q", a.Data)
			}
		case Dial:
			if o.open != ToUser || o.call {
				o.t.Fatal("a dial during another order or call")
			}
			if text, rest := digits(strings.Map(func(r rune) rune {
				if strings.ContainsRune(numberChars, r) {
					return -1
				}
				return r
			}, a.Number)); text == "" || rest != "" {
				o.t.Fatalf("dials %q", a.Number)
			}
			o.open, o.dials = Dial, o.dials+1
		case Abort:
			if o.open != Dial {
				o.t.Fatal("an abort without a dial")
			}
		case HangUp:
			if !o.call || o.open != ToUser {
				o.t.Fatal("a hang-up without a call")
			}
			o.open = HangUp
		}
	}
	if most := (n + 8) * maxCommands * 4000; size > most {
		o.t.Fatalf("%d octets make %d of output", n, size)
	}
	if (o.open == Dial) != (o.m.State() == Dialing) || (o.open == HangUp) != (o.m.State() == HangingUp) {
		o.t.Fatalf("the state is %v, and the order %v", o.m.State(), o.open)
	}
}

// done ends the order that is open.
func (o *owner) done(now time.Time, r Result) {
	switch o.open {
	case Dial:
		o.call = r.Code == Connected
	case HangUp:
		o.call, r = false, Result{Code: OK}
	default:
		return
	}
	o.open = ToUser
	o.took(o.m.Done(now, r), 0)
}

// idle brings the modem to its command line, which then answers.
func (o *owner) idle(now time.Time) {
	for range 4 {
		if o.open == Dial {
			o.took(o.m.Break(now), 0)
			o.done(now, Result{Code: NoCarrier})
		}
		o.done(now, Result{Code: OK})
		if o.call {
			o.call = false
			o.took(o.m.Lost(now), 0)
		}
	}
	o.took(o.m.Break(now), 0)
	end := string(rune(o.m.set.s[3]))
	o.took(o.m.Input(now, []byte("ATZ"+end)), 4)
	got := text(o.m.Input(now, []byte("ATE0\r")))
	if o.m.State() != Command || !strings.Contains(got, "OK") {
		o.t.Fatalf("%v: the modem answers %s", o.m.State(), got)
	}
}

// TestNeverStuck attacks the modem with everything in any order: there is one order at a time, what is dialed is a
// number, what it prints is bounded, and at the end it answers.
func TestNeverStuck(t *testing.T) {
	lines := []string{"ATD5551\r", "A/", "ATH\r", "ATO\r", "+++", "ATZ\r", "AT&F\r", "ATA\r", "AT$\r", "ATS3=7\r",
		"\r\n", "ATHD12\r", "ATX0V0\r", "AT&D3\r", "ATD1;ATH\r", "ATS2=200\r", "ATS7=1\r", "ATS5=9S4=12\r"}
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(0, 0)
		o := &owner{t: t, m: New(Config{Explain: rapid.Bool().Draw(t, "explain")})}
		t.Repeat(map[string]func(*rapid.T){
			"line": func(t *rapid.T) {
				in := rapid.SampledFrom(lines).Draw(t, "line")
				o.took(o.m.Input(now, []byte(in)), len(in))
			},
			"octets": func(t *rapid.T) {
				in := rapid.SliceOf(rapid.Byte()).Draw(t, "octets")
				o.took(o.m.Input(now, in), len(in))
			},
			"break": func(*rapid.T) { o.took(o.m.Break(now), 0) },
			"dtr":   func(*rapid.T) { o.took(o.m.DropDTR(now), 0) },
			"lost": func(*rapid.T) {
				if o.open != HangUp { // the call ends while it is hung up: its Done says so
					o.call = false
				}
				o.took(o.m.Lost(now), 0)
			},
			"done": func(t *rapid.T) {
				codes := []Code{Connected, Connected, Busy, NoCarrier, Error}
				o.done(now, Result{Code: rapid.SampledFrom(codes).Draw(t, "code")})
			},
			"time": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond)
				if at := o.m.Deadline(); !at.IsZero() && !now.Before(at) {
					o.took(o.m.Tick(now), 0)
					if o.m.Deadline().Equal(at) {
						t.Fatal("Tick does not end its deadline")
					}
				}
			},
		})
		o.idle(now)
	})
}

// FuzzInput: no octets make a dial of anything but digits, or a modem that does not answer.
func FuzzInput(f *testing.F) {
	for _, s := range []string{"ATD5551\rxATH\r", "ATD1;ATH\r", "A/A/", "ATS3=7\rAT\a", "AT\x7f\b+++", "ATD\xb1\x8d"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		now := time.Unix(0, 0)
		o := &owner{t: t, m: New(Config{Explain: true})}
		for i := range in {
			now = now.Add(100 * time.Millisecond)
			o.took(o.m.Input(now, in[i:i+1]), 1)
			if o.open != ToUser && i%7 == 0 {
				o.done(now, Result{Code: Connected})
			}
		}
		o.idle(now)
	})
}
