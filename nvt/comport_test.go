package nvt

import (
	"bytes"
	"testing"
)

// sub returns a subnegotiation of COM-PORT-OPTION.
func sub(value ...byte) string { return string(AppendSub(nil, OptComPort, value...)) }

// TestComPort plays the commands of a client, with the octets of RFC 2217 §2 to §5.
func TestComPort(t *testing.T) {
	for _, c := range []struct {
		name, in, answers string
	}{
		{"signature", sub(0), sub(100, 'r', 'b')},
		{"the client's signature", sub(0, 'x'), ""},
		{"9600 bit/s", sub(1, 0, 0, 0x25, 0x80), sub(101, 0, 0, 0x25, 0x80)},
		{"255 in a speed", sub(1, 0, 0, 0xff, 0xff), sub(101, 0, 0, 0xff, 0xff)},
		{"what speed", sub(1, 0, 0, 0, 0), sub(101, 0, 0, 0x25, 0x80)},
		{"7 bits", sub(2, 7), sub(102, 7)},
		{"what size", sub(2, 0), sub(102, 8)},
		{"9 bits, which there are not", sub(2, 9), sub(102, 8)},
		{"even parity", sub(3, 3), sub(103, 3)},
		{"a parity that there is not", sub(3, 6), sub(103, 1)},
		{"2 stop bits", sub(4, 2), sub(104, 2)},
		{"what flow control", sub(5, 0), sub(105, 1)},
		{"RTS/CTS", sub(5, 3), sub(105, 3)},
		{"flow control by DCD", sub(5, 17), sub(105, 17)},
		{"break", sub(5, 5) + sub(5, 4) + sub(5, 6) + sub(5, 4), sub(105, 5) + sub(105, 5) + sub(105, 6) + sub(105, 6)},
		{"DTR", sub(5, 7) + sub(5, 9) + sub(5, 7), sub(105, 8) + sub(105, 9) + sub(105, 9)},
		{"RTS", sub(5, 10) + sub(5, 12) + sub(5, 10), sub(105, 11) + sub(105, 12) + sub(105, 12)},
		{"inbound flow control", sub(5, 13) + sub(5, 16), sub(105, 14) + sub(105, 16)},
		{"a control that there is not", sub(5, 20), ""},
		{"line state mask", sub(10, 16), sub(110, 16)},
		{"modem state mask", sub(11, 255), sub(111, 255)},
		{"purge", sub(12, 3), sub(112, 3)},
		{"suspend and resume, which have no answer", sub(8) + sub(9), ""},
		{"no command", sub(), ""},
		{"values of another size", sub(1, 1) + sub(2) + sub(2, 8, 8) + sub(12), ""},
		{"a command that there is not", sub(99, 1), ""},
	} {
		s := NewServer(NewComPort("rb"))
		s.Replies()
		if _, err := s.Decode(nil, []byte(iacWill+"\x2c")); err != nil {
			t.Fatal(err)
		}
		s.Replies()
		data, err := s.Decode(nil, []byte(c.in))
		if got := string(s.Replies()); err != nil || len(data) > 0 || got != c.answers {
			t.Errorf("%s: answers %q, data %q, %v, want %q", c.name, got, data, err, c.answers)
		}
	}
}

// TestComPortHooks tells the owner of the port what the client does.
func TestComPortHooks(t *testing.T) {
	com := NewComPort("rb")
	var changes []Serial
	var purged []byte
	com.Settings = func(c *ComPort, _ Serial) {
		if c.Speed > 115200 {
			c.Speed = 115200
		}
		changes = append(changes, c.Serial)
	}
	com.Purge = func(which byte) { purged = append(purged, which) }
	s := NewServer(com)
	if com.Ready() {
		t.Error("ready before the client has agreed")
	}
	s.Replies()
	in := iacWill + "\x2c" + sub(1, 0, 0x10, 0, 0) + sub(5, 9) + sub(8) + sub(12, 1) + sub(12, 9)
	if _, err := s.Decode(nil, []byte(in)); err != nil {
		t.Fatal(err)
	}
	if got := string(s.Replies()); got != sub(101, 0, 1, 0xc2, 0)+sub(105, 9)+sub(112, 1)+sub(112, 9) {
		t.Errorf("answers %q", got)
	}
	if len(changes) != 3 || changes[0].Speed != 115200 || changes[1].DTR || !changes[2].Suspended ||
		!bytes.Equal(purged, []byte{1}) {
		t.Errorf("changes %+v, purged %v", changes, purged)
	}
}

// TestNotifications reports circuits with their changes, and only those that the mask has.
func TestNotifications(t *testing.T) {
	com := NewComPort("rb")
	s := NewServer(com)
	s.Replies()
	com.Modem(ModemDSR | ModemCTS) // before the client has agreed, nothing is sent
	if got := s.Replies(); len(got) > 0 {
		t.Errorf("sent %q to a client that has not agreed", got)
	}
	if _, err := s.Decode(nil, []byte(iacWill+"\x2c"+sub(11, 255))); err != nil {
		t.Fatal(err)
	}
	if got := string(s.Replies()); got != sub(111, 255)+sub(107, 0x30) {
		t.Errorf("after the mask %q", got)
	}
	for _, c := range []struct {
		state byte
		want  string
	}{
		{ModemDSR | ModemCTS, ""},
		{ModemDSR | ModemCTS | ModemRI, sub(107, 0x70)},
		{ModemDSR | ModemCTS, sub(107, 0x34)},
		{ModemDSR | ModemCTS | ModemDCD, sub(107, 0xb8)},
		{ModemDSR, sub(107, 0x29)},
		{0, sub(107, 0x02)},
	} {
		com.Modem(c.state)
		if got := string(s.Replies()); got != c.want {
			t.Errorf("state %#x: %q, want %q", c.state, got, c.want)
		}
	}
	if _, err := s.Decode(nil, []byte(sub(11, ModemDCD)+sub(10, LineBreak))); err != nil {
		t.Fatal(err)
	}
	s.Replies()
	com.Modem(ModemCTS)
	if got := s.Replies(); len(got) > 0 {
		t.Errorf("a circuit that the mask has not: %q", got)
	}
	com.Modem(ModemDCD)
	if got := string(s.Replies()); got == "" {
		t.Error("DCD, which the mask has, is not reported")
	}
	if com.Line(LineParity) || !com.Line(LineBreak|LineData) {
		t.Error("the line's mask is not kept")
	}
	if got := string(s.Replies()); got != sub(106, LineBreak|LineData) {
		t.Errorf("the line's state: %q", got)
	}
}
