package port

import (
	"bytes"
	"slices"
	"testing"

	"github.com/ringback/ringback/lines"

	"github.com/ringback/ringback/nvt"
)

// decoded feeds in to a new machine in pieces of size n (0: in one piece) and returns data, answers and COM-PORT
// messages.
func decoded(start bool, n int, in []byte) (data, out []byte, com [][]byte, t *telnet) {
	t = &telnet{}
	t.comPort = func(m []byte) { com = append(com, bytes.Clone(m)) }
	if start {
		t.start()
		t.out = nil
	}
	if n == 0 {
		n = max(len(in), 1)
	}
	for piece := range slices.Chunk(in, n) {
		p := bytes.Clone(piece)
		data = append(data, p[:t.decode(p)]...)
	}
	return data, t.out, com, t
}

func TestTelnetStart(t *testing.T) {
	var m telnet
	m.start()
	// RFC 2217 §1: the client offers WILL COM-PORT-OPTION. RFC 856, RFC 858: BINARY and SGA are requested in each
	// direction.
	want := []byte{255, 251, 44, 255, 251, 0, 255, 253, 0, 255, 251, 3, 255, 253, 3}
	if !bytes.Equal(m.out, want) {
		t.Errorf("start sends % d, want % d", m.out, want)
	}
}

func TestTelnetDecode(t *testing.T) {
	tests := []struct {
		name      string
		in        []byte
		data, out []byte
		com       [][]byte
	}{
		{"data", []byte("RING\r\n"), []byte("RING\r\n"), nil, nil},
		{"RFC 854 page 14: IAC IAC is an octet of 255", []byte{1, 255, 255, 2}, []byte{1, 255, 2}, nil, nil},
		{"two doubled IACs", []byte{255, 255, 255, 255}, []byte{255, 255}, nil, nil},
		{"RFC 856: binary leaves CR NUL alone", []byte{13, 0, 13, 10}, []byte{13, 0, 13, 10}, nil, nil},
		{"RFC 854: CR NUL is CR once BINARY is refused", []byte{255, 252, 0, 'a', 13, 0, 13, 10, 0, 13, 0, 0},
			[]byte{'a', 13, 13, 10, 0, 13, 0}, nil, nil},
		{"NOP, DM, GA, AYT and BRK have no meaning", []byte{255, 241, 1, 255, 242, 255, 249, 255, 246, 2, 255, 243},
			[]byte{1, 2}, nil, nil},
		{"RFC 1143: a reply to our request is not answered", []byte{255, 253, 44, 255, 253, 0, 255, 251, 0, 255, 251, 3,
			255, 253, 3}, nil, nil, nil},
		{"ECHO is refused", []byte{255, 251, 1, 255, 253, 1}, nil, []byte{255, 254, 1, 255, 252, 1}, nil},
		{"unknown options are refused (31 is NAWS, 24 TTYPE)", []byte{255, 253, 31, 255, 251, 24}, nil,
			[]byte{255, 252, 31, 255, 254, 24}, nil},
		{"a refusal of a refused option is not answered", []byte{255, 252, 31, 255, 254, 31, 255, 252, 1}, nil, nil,
			nil},
		{"withdrawn: answered once", []byte{255, 253, 0, 255, 254, 0, 255, 254, 0}, nil, []byte{255, 252, 0}, nil},
		{"offered by the server itself", []byte{255, 251, 44}, nil, []byte{255, 253, 44}, nil},
		{"RFC 2217 §4: NOTIFY-MODEMSTATE", []byte{255, 250, 44, 107, 176, 255, 240}, nil, nil, [][]byte{{107, 176}}},
		{"RFC 2217 §1: 255 within a value is doubled", []byte{255, 250, 44, 107, 255, 255, 255, 240, 'x'}, []byte("x"),
			nil, [][]byte{{107, 255}}},
		{"RFC 2217 §2: SET-BAUDRATE 115200", []byte{255, 250, 44, 101, 0, 1, 194, 0, 255, 240}, nil, nil,
			[][]byte{{101, 0, 1, 194, 0}}},
		{"an empty subnegotiation", []byte{255, 250, 255, 240, 255, 250, 44, 255, 240, 'x'}, []byte("x"), nil, nil},
		{"one of another option", []byte{255, 250, 24, 1, 255, 240, 'x'}, []byte("x"), nil, nil},
		{"one that is cut off by a command", []byte{255, 250, 44, 107, 255, 253, 31, 'x'}, []byte("x"),
			[]byte{255, 252, 31}, nil},
		{"one that starts again", []byte{255, 250, 44, 107, 255, 250, 44, 107, 16, 255, 240}, nil, nil,
			[][]byte{{107, 16}}},
		{"one that never ends", append([]byte{255, 250, 44, 107}, bytes.Repeat([]byte{7}, 10_000)...), nil, nil, nil},
		{"an overlong one is dropped whole", slices.Concat([]byte{255, 250, 44, 100}, bytes.Repeat([]byte("x"), 300),
			[]byte{255, 240, 'y'}), []byte("y"), nil, nil},
	}
	for _, tt := range tests {
		for n := range 4 { // in one piece, and in pieces of 1, 2 and 3 octets
			data, out, com, _ := decoded(true, n, tt.in)
			if !bytes.Equal(data, tt.data) || !bytes.Equal(out, tt.out) || !slices.EqualFunc(com, tt.com, bytes.Equal) {
				t.Errorf("%s (pieces of %d): data % d, answers % d, messages %d; want % d, % d, %d", tt.name, n, data,
					out, com, tt.data, tt.out, tt.com)
			}
		}
	}
}

// A peer that asks again after each rejection gets no more answers at some point.
func TestTelnetEndsLoops(t *testing.T) {
	tests := map[string][]byte{
		"refused option":                {255, 251, 1},
		"unknown option":                {255, 253, 99},
		"flapping":                      {255, 253, 0, 255, 254, 0},
		"flapping of COM-PORT":          {255, 253, 44, 255, 254, 44},
		"flapping of the peer's BINARY": {255, 252, 0, 255, 251, 0},
	}
	for name, in := range tests {
		_, out, _, _ := decoded(true, 0, bytes.Repeat(in, 10_000))
		if len(out) > 3*maxAnswers {
			t.Errorf("%s: %d octets of answers", name, len(out))
		}
		_, out, _, _ = decoded(false, 0, bytes.Repeat(in, 10_000))
		if len(out) > 3*maxAnswers {
			t.Errorf("%s, nothing asked: %d octets of answers", name, len(out))
		}
	}
}

// Two machines connected to each other stop sending when everything is agreed.
func TestTelnetTwoSettle(t *testing.T) {
	var a, b telnet
	a.start()
	b.start()
	rounds := 0
	for ; len(a.out)+len(b.out) > 0; rounds++ {
		if rounds > 10 {
			t.Fatalf("still talking: % d / % d", a.out, b.out)
		}
		toB, toA := a.out, b.out
		a.out, b.out = nil, nil
		b.decode(toB)
		a.decode(toA)
	}
	for _, m := range []*telnet{&a, &b} {
		if m.ours(nvt.OptBinary) != yes || m.theirs(nvt.OptBinary) != yes || m.ours(nvt.OptSGA) != yes ||
			m.ours(nvt.OptComPort) != yes {
			t.Errorf("us %d them %d, want all agreed", m.us, m.them)
		}
	}
}

func TestAppendData(t *testing.T) {
	tests := []struct {
		nvt      bool
		in, want []byte
	}{
		{false, []byte("ATDT5551234\r"), []byte("ATDT5551234\r")},
		{true, []byte("ATDT5551234\r"), []byte("ATDT5551234\r\x00")},
		{false, []byte{126, 255, 3, 13}, []byte{126, 255, 255, 3, 13}}, // the start of a PPP frame
		{true, []byte{255, 13, 255}, []byte{255, 255, 13, 0, 255, 255}},
	}
	for _, tt := range tests {
		got := appendData(nil, tt.in, tt.nvt)
		if !bytes.Equal(got, tt.want) {
			t.Errorf("appendData(% d, nvt %v) = % d, want % d", tt.in, tt.nvt, got, tt.want)
		}
		if escapes(tt.in, tt.nvt) == bytes.Equal(tt.in, tt.want) {
			t.Errorf("escapes(% d, nvt %v) = %v", tt.in, tt.nvt, escapes(tt.in, tt.nvt))
		}
		n := 0
		for _, c := range tt.in {
			n += width(c, tt.nvt)
		}
		if n != len(tt.want) {
			t.Errorf("widths of % d add up to %d, want %d", tt.in, n, len(tt.want))
		}
	}
}

func TestComPortMessages(t *testing.T) {
	tests := []struct {
		name string
		got  []byte
		want []byte
	}{
		{"§2 SET-BAUDRATE 9600", appendCom(nil, 1, 0, 0, 37, 128), []byte{255, 250, 44, 1, 0, 0, 37, 128, 255, 240}},
		{"§4 SET-MODEMSTATE-MASK 255, doubled", appendCom(nil, 11, 255), []byte{255, 250, 44, 11, 255, 255, 255, 240}},
		{"§3 SET-CONTROL DTR off, RTS off", appendDrive(nil, lines.DTR|lines.RTS, false),
			[]byte{255, 250, 44, 5, 9, 255, 240, 255, 250, 44, 5, 12, 255, 240}},
		{"§3 SET-CONTROL DTR on alone", appendDrive(nil, lines.DTR, true), []byte{255, 250, 44, 5, 8, 255, 240}},
		{"§2–4 settings at 115200, RTS/CTS", appendSettings(nil, 115200, FlowHardware, ""), slices.Concat(
			[]byte{255, 250, 44, 1, 0, 1, 194, 0, 255, 240}, // SET-BAUDRATE
			[]byte{255, 250, 44, 2, 8, 255, 240},            // SET-DATASIZE
			[]byte{255, 250, 44, 3, 1, 255, 240},            // SET-PARITY NONE
			[]byte{255, 250, 44, 4, 1, 255, 240},            // SET-STOPSIZE 1
			[]byte{255, 250, 44, 5, 3, 255, 240},            // SET-CONTROL HARDWARE flow control
			[]byte{255, 250, 44, 10, 0, 255, 240},           // SET-LINESTATE-MASK
			[]byte{255, 250, 44, 11, 255, 255, 255, 240},    // SET-MODEMSTATE-MASK
			[]byte{255, 250, 44, 5, 8, 255, 240},            // DTR on
			[]byte{255, 250, 44, 5, 11, 255, 240},           // RTS on
			[]byte{255, 250, 44, 7, 255, 240},               // NOTIFY-MODEMSTATE, empty: requests the state
		)},
		{"7 data bits, even parity, 2 stop bits, XON/XOFF", appendSettings(nil, 0, FlowSoftware, "7e2")[:28], []byte{
			255, 250, 44, 2, 7, 255, 240, 255, 250, 44, 3, 3, 255, 240, 255, 250, 44, 4, 2, 255, 240, 255, 250, 44, 5,
			2, 255, 240}},
		{"settings at the server's speed, no flow control", appendSettings(nil, 0, FlowNone, "8o1")[:28], []byte{
			255, 250, 44, 2, 8, 255, 240, 255, 250, 44, 3, 2, 255, 240, 255, 250, 44, 4, 1, 255, 240, 255, 250, 44, 5,
			1, 255, 240}},
	}
	for _, tt := range tests {
		if !bytes.Equal(tt.got, tt.want) {
			t.Errorf("%s:\n got % d\nwant % d", tt.name, tt.got, tt.want)
		}
	}
}

// RFC 2217 §4: 128 RLSD, 64 RI, 32 DSR, 16 CTS; 8, 4, 2 and 1 are their changes.
func TestModemState(t *testing.T) {
	tests := []struct {
		b    byte
		want lines.Signals
	}{{0, 0}, {128, lines.DCD}, {64, lines.RI}, {32, lines.DSR}, {16, lines.CTS}, {15, 0},
		{255, lines.DCD | lines.RI | lines.DSR | lines.CTS}}
	for _, tt := range tests {
		if got := modemState(tt.b); got != tt.want {
			t.Errorf("modemState(%d) = %b, want %b", tt.b, got, tt.want)
		}
	}
}

func FuzzTelnet(f *testing.F) {
	f.Add([]byte("CONNECT\r\n"), byte(1), false)
	f.Add([]byte{255, 250, 44, 107, 255, 255, 255, 240, 13, 0}, byte(2), true)
	f.Add([]byte{255, 252, 0, 13, 0, 255, 253, 44, 255}, byte(3), true)
	f.Fuzz(func(t *testing.T, in []byte, cut byte, nvt bool) {
		// For any input: no panic, no more data than octets, a bounded number of answers, and the same result however
		// it is cut.
		data, out, com, m := decoded(true, 0, in)
		data2, out2, com2, _ := decoded(true, int(cut%7)+1, in)
		if !bytes.Equal(data, data2) || !bytes.Equal(out, out2) || !slices.EqualFunc(com, com2, bytes.Equal) {
			t.Fatalf("cut into pieces it reads differently: % d / % d", data, data2)
		}
		if len(data) > len(in) || len(out) > len(in) || len(out) > 3*maxAnswers || m.subLen > maxSub+1 {
			t.Fatalf("%d octets made %d of data and %d of answers", len(in), len(data), len(out))
		}
		// Data survives a round trip, in binary and in NVT.
		wire := appendData(nil, in, nvt)
		if nvt {
			wire = append([]byte{255, 252, 0}, wire...) // the peer rejects BINARY
		}
		if got, _, _, _ := decoded(true, int(cut%7)+1, wire); !bytes.Equal(got, in) {
			t.Fatalf("% d goes as % d and comes back as % d", in, wire, got)
		}
		// So does a COM-PORT message.
		v := in[:min(len(in), maxSub-2)]
		if _, _, com, _ := decoded(true, 1, appendCom(nil, 100, v...)); len(com) != 1 || !bytes.Equal(com[0][1:], v) {
			t.Fatalf("message % d comes back as %d", v, com)
		}
	})
}
