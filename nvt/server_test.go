package nvt

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// The octets are written out as in RFC 854, 855, 1073, 1091 and 1143.
const (
	iacWill, iacWont, iacDo, iacDont = "\xff\xfb", "\xff\xfc", "\xff\xfd", "\xff\xfe"
	asks                             = iacWill + "\x01" + iacWill + "\x03" + iacDo + "\x03" + iacDo + "\x1f" +
		iacDo + "\x18"
)

// TestQMethod is the table of RFC 1143 §7, for the peer's side (DO, DONT).
func TestQMethod(t *testing.T) {
	const will, wont, on, off = "WILL", "WONT", "we want it", "we do not want it"
	for _, c := range []struct {
		from     state
		opposite bool
		event    string
		agree    bool
		to       state
		queued   bool
		send     byte
	}{
		{no, false, will, true, yes, false, DO},
		{no, false, will, false, no, false, DONT},
		{yes, false, will, true, yes, false, 0},
		{wantNo, false, will, true, no, false, 0}, // DONT answered by WILL
		{wantNo, true, will, true, yes, false, 0}, // DONT answered by WILL
		{wantYes, false, will, true, yes, false, 0},
		{wantYes, true, will, true, wantNo, false, DONT},

		{no, false, wont, true, no, false, 0},
		{yes, false, wont, true, no, false, DONT},
		{wantNo, false, wont, true, no, false, 0},
		{wantNo, true, wont, true, wantYes, false, DO},
		{wantYes, false, wont, true, no, false, 0},
		{wantYes, true, wont, true, no, false, 0},

		{no, false, on, true, wantYes, false, DO},
		{yes, false, on, true, yes, false, 0},
		{wantNo, false, on, true, wantNo, true, 0},
		{wantNo, true, on, true, wantNo, true, 0},
		{wantYes, false, on, true, wantYes, false, 0},
		{wantYes, true, on, true, wantYes, false, 0},

		{no, false, off, true, no, false, 0},
		{yes, false, off, true, wantNo, false, DONT},
		{wantNo, false, off, true, wantNo, false, 0},
		{wantNo, true, off, true, wantNo, false, 0},
		{wantYes, false, off, true, wantYes, true, 0},
		{wantYes, true, off, true, wantYes, true, 0},
	} {
		s := side{c.from, c.opposite}
		var sent byte
		switch c.event {
		case will, wont:
			sent = s.hear(c.event == will, c.agree, theirs)
		default:
			sent = s.want(c.event == on, theirs)
		}
		if s != (side{c.to, c.queued}) || sent != c.send {
			t.Errorf("%d (opposite %v), %s: %+v and sends %d, want %d (opposite %v) and %d", c.from, c.opposite,
				c.event, s, sent, c.to, c.queued, c.send)
		}
	}
}

// TestServer plays what clients send, in one piece and octet by octet.
func TestServer(t *testing.T) {
	for _, c := range []struct {
		name, in, data, answers string
	}{
		{"nothing", "", "", ""},
		{"text", "austin-01\r\n", "austin-01\r", ""},
		{"CR NUL", "a\r\x00b\r\x00", "a\rb\r", ""},
		{"CR LF and then LF", "a\r\n\nb", "a\r\nb", ""},
		{"CR before text", "a\rb", "a\rb", ""},
		{"a NUL that follows no CR", "a\x00b", "a\x00b", ""},
		{"an octet of 255", "a\xff\xffb", "a\xffb", ""},
		{"CR, a command, LF", "a\r\xff\xf1\nb", "a\rb", ""},

		{"the client agrees", iacDo + "\x01" + iacDo + "\x03" + iacWill + "\x03", "", ""},
		{"it refuses all", iacDont + "\x01" + iacDont + "\x03" + iacWont + "\x03" + iacWont + "\x1f" + iacWont +
			"\x18", "", ""},
		{"it asks for what is in force", iacDo + "\x01" + iacDo + "\x01" + iacDo + "\x01", "", ""},
		{"binary", iacWill + "\x00" + iacDo + "\x00" + "a\r\nb\r\x00", "a\r\nb\r\x00",
			iacDo + "\x00" + iacWill + "\x00"},
		{"binary ends", iacWill + "\x00" + iacWont + "\x00" + "a\r\n", "a\r", iacDo + "\x00" + iacDont + "\x00"},
		{"options that we have not", iacWill + "\x22" + iacDo + "\x05" + iacDo + "\x1f", "",
			iacDont + "\x22" + iacWont + "\x05" + iacWont + "\x1f"},
		{"the client wants to echo", iacWill + "\x01", "", iacDont + "\x01"},
		{"COM-PORT at a terminal", iacWill + "\x2c" + "\xff\xfa\x2c\x01\x00\x00\x25\x80\xff\xf0", "", iacDont + "\x2c"},

		{"are you there", "a\xff\xf6b", "ab", "\r\n[Yes]\r\n"},
		{"are you there, three times at once", "\xff\xf6\xff\xf6\xff\xf6", "", "\r\n[Yes]\r\n"},
		{"interrupt", "a\xff\xf4", "a\x03", ""},
		{"break", "a\xff\xf3", "a\x03", ""},
		{"erase character", "ab\xff\xf7", "ab\x7f", ""},
		{"erase line", "ab\xff\xf8", "ab\x15", ""},
		{"Synch", "ab\xff\xf4\xff\xf2", "ab\x03", ""},
		{"EOF, SUSP, ABORT", "\xff\xec\xff\xed\xff\xee", "\x04\x1a\x03", ""},
		{"GA, NOP, AO and a command that there is not", "a\xff\xf9\xff\xf1\xff\xf5\xff\x01b", "ab", ""},

		{"terminal type", iacWill + "\x18" + "\xff\xfa\x18\x00XTERM-256color\xff\xf0", "", "\xff\xfa\x18\x01\xff\xf0"},
		{"a terminal type that was not agreed", "\xff\xfa\x18\x00VT100\xff\xf0", "", ""},
		{"window size", iacWill + "\x1f" + "\xff\xfa\x1f\x00\x84\x00\x32\xff\xf0", "", ""},
		{"a subnegotiation cut off by a command", iacWill + "\x1f" + "\xff\xfa\x1f\x00\xff\xf6x", "x", "\r\n[Yes]\r\n"},
		{"an empty subnegotiation", "\xff\xfa\xff\xf0x", "x", ""},
	} {
		for _, size := range []int{1, 2, 1 << 10} {
			s := NewServer(nil)
			if got := string(s.Replies()); got != asks {
				t.Fatalf("the server asks %q, want %q", got, asks)
			}
			var data []byte
			for in := []byte(c.in); len(in) > 0; in = in[min(size, len(in)):] {
				var err error
				if data, err = s.Decode(data, in[:min(size, len(in))]); err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
			}
			if got := string(s.Replies()); string(data) != c.data || got != c.answers {
				t.Errorf("%s, %d at once: data %q, answers %q, want %q and %q", c.name, size, data, got, c.data,
					c.answers)
			}
		}
	}
}

func TestTerminal(t *testing.T) {
	s := NewServer(nil)
	in := iacWill + "\x18" + iacWill + "\x1f" + "\xff\xfa\x18\x00xterm\x1b[2J-256color\xff\xf0" +
		"\xff\xfa\x1f\x00\xff\xff\x00\x32\xff\xf0"
	if _, err := s.Decode(nil, []byte(in)); err != nil {
		t.Fatal(err)
	}
	if cols, rows := s.Window(); cols != 255 || rows != 50 {
		t.Errorf("the window is %d by %d, want 255 by 50", cols, rows)
	}
	if got := s.Terminal(); got != "xterm2J-256color" {
		t.Errorf("the terminal is %q", got)
	}
	if _, err := s.Decode(nil, []byte("\xff\xfa\x1f\x00\x84\xff\xf0")); err != nil {
		t.Fatal(err)
	}
	if cols, rows := s.Window(); cols != 255 || rows != 50 {
		t.Errorf("a size of two octets makes the window %d by %d", cols, rows)
	}
}

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		name, negotiation string
		out               []string
		want              string
	}{
		{"lines", "", []string{"a\r\nb\r\n"}, "a\r\nb\r\n"},
		{"a line end in two pieces", "", []string{"a\r", "\nb"}, "a\r\nb"},
		{"CR alone", "", []string{"a\rb"}, "a\r\x00b"},
		{"CR alone, in two pieces", "", []string{"a\r", "b"}, "a\r\x00b"},
		{"255", "", []string{"a\xffb"}, "a\xff\xffb"},
		{"binary", iacDo + "\x00", []string{"a\rb\xff"}, "a\rb\xff\xff"},
	} {
		s := NewServer(nil)
		if _, err := s.Decode(nil, []byte(c.negotiation)); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for _, p := range c.out {
			got = s.Encode(got, []byte(p))
		}
		if string(got) != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestRaw asks for binary after a terminal was agreed, and takes it back before the client has answered.
func TestRaw(t *testing.T) {
	s := NewServer(nil)
	s.Replies()
	s.Raw(true)
	if got := string(s.Replies()); got != iacWill+"\x00"+iacDo+"\x00" {
		t.Errorf("the server asks %q", got)
	}
	s.Raw(false)
	if got := string(s.Replies()); got != "" {
		t.Errorf("before an answer, the server sends %q", got)
	}
	if _, err := s.Decode(nil, []byte(iacDo+"\x00"+iacWill+"\x00")); err != nil {
		t.Fatal(err)
	}
	if got := string(s.Replies()); got != iacWont+"\x00"+iacDont+"\x00" {
		t.Errorf("the server takes it back with %q", got)
	}
}

// TestAttacks ends connections that do not come to an end by themselves.
func TestAttacks(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     error
	}{
		{"an option on and off", strings.Repeat(iacWill+"\x00"+iacWont+"\x00", 1<<20), ErrEndless},
		{"options that there are not", strings.Repeat(iacDo+"\x63", 1<<20), ErrEndless},
		{"a subnegotiation without end", "\xff\xfa" + strings.Repeat("a", 1<<20), ErrSub},
		{"one of doubled 255", "\xff\xfa" + strings.Repeat("\xff\xff", 1<<20), ErrSub},
	} {
		s := NewServer(nil)
		n, most := 0, 0
		for in := []byte(c.in); ; in = in[512:] {
			data, err := s.Decode(nil, in[:512])
			n += 512
			most = max(most, len(data), len(s.Replies()))
			if err == nil {
				continue
			}
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
			break
		}
		if n > 4096 || most > 4096 {
			t.Errorf("%s: ended after %d octets, with %d at once", c.name, n, most)
		}
	}
	s := NewServer(&ComPort{Name: strings.Repeat("x", 200)})
	if _, err := s.Decode(nil, []byte(iacWill+"\x2c"+strings.Repeat("\xff\xfa\x2c\x00\xff\xf0", 1000))); !errors.Is(err,
		ErrReplies) {
		t.Errorf("a client that reads no answers: %v", err)
	}
}

func FuzzServer(f *testing.F) {
	f.Add([]byte("austin-01\r\n"), true)
	f.Add([]byte(asks+"\xff\xfa\x18\x00VT100\xff\xf0\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0\xff\xf6"), false)
	f.Add([]byte(iacWill+"\x2c\xff\xfa\x2c\x01\x00\x00\x25\x80\xff\xf0\xff\xfa\x2c\x05\x08\xff\xf0"), true)
	f.Fuzz(func(t *testing.T, in []byte, com bool) {
		play := func(size int) (data, out []byte, err error) {
			var port *ComPort
			if com {
				port = NewComPort("ringback")
			}
			s := NewServer(port)
			out = append(out, s.Replies()...)
			for p := in; len(p) > 0 && err == nil; p = p[min(size, len(p)):] {
				data, err = s.Decode(data, p[:min(size, len(p))])
			}
			return data, append(out, s.Replies()...), err
		}
		data, out, err := play(len(in) + 1)
		one, outOne, errOne := play(1)
		if err == nil && (!bytes.Equal(data, one) || !bytes.Equal(out, outOne) || errOne != nil) {
			t.Fatalf("in one piece %q and %q, by octets %q, %q and %v", data, out, one, outOne, errOne)
		}
		if len(data) > len(in) {
			t.Fatalf("%d octets of data from %d", len(data), len(in))
		}
	})
}

// FuzzEncode reads back with a client's rules what the server sends.
func FuzzEncode(f *testing.F) {
	f.Add([]byte("a\r\nb\rc\xff"), 2)
	f.Fuzz(func(t *testing.T, p []byte, size int) {
		p = bytes.ReplaceAll(p, []byte("\r\x00"), []byte("\r")) // a client reads no NUL after a CR
		size = max(size%64, 1)
		s := NewServer(nil)
		var wire []byte
		for q := p; len(q) > 0; q = q[min(size, len(q)):] {
			wire = s.Encode(wire, q[:min(size, len(q))])
		}
		var got []byte
		for i := 0; i < len(wire); i++ {
			b := wire[i]
			if b == IAC {
				i++
			}
			if b == 0 && i > 0 && wire[i-1] == '\r' {
				continue
			}
			got = append(got, b)
		}
		if !bytes.Equal(got, p) {
			t.Fatalf("%q is sent as %q, which is read as %q", p, wire, got)
		}
	})
}
