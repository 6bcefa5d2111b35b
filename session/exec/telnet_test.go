package exec

import (
	"bytes"
	"testing"

	"github.com/ringback/ringback/nvt"
)

// The octets are written out as in RFC 854, 855, 1091 and 1143.
const (
	iacWill, iacWont, iacDo, iacDont = "\xff\xfb", "\xff\xfc", "\xff\xfd", "\xff\xfe"
	sbTTypeSend                      = "\xff\xfa\x18\x01\xff\xf0"
	sbTTypeIsVT100                   = "\xff\xfa\x18\x00vt100\xff\xf0"
)

func TestTelnetFromHost(t *testing.T) {
	tests := []struct {
		name, host, data, reply string
	}{
		{"text", "login: ", "login: ", ""},
		{"lines", "a\r\nb\r\n", "a\r\nb\r\n", ""},
		{"a lone CR is CR NUL", "a\r\x00b", "a\rb", ""},
		{"NUL elsewhere is kept", "a\x00b", "a\x00b", ""},
		{"a command between CR and NUL", "a\r\xff\xf1\x00b", "a\rb", ""},
		{"IAC doubled", "a\xff\xffb", "a\xffb", ""},
		{"CR, IAC doubled, NUL", "\r\xff\xff\x00", "\r\xff\x00", ""},
		{"commands are dropped", "a\xff\xf1\xff\xf9\xff\xf2\xff\xf4\xff\xf6b", "ab", ""},
		{"WILL ECHO", iacWill + "\x01", "", iacDo + "\x01"},
		{"WILL SGA", iacWill + "\x03", "", iacDo + "\x03"},
		{"WILL BINARY", iacWill + "\x00", "", iacDo + "\x00"},
		{"WILL STATUS is refused", iacWill + "\x05", "", iacDont + "\x05"},
		{"WILL TTYPE is refused", iacWill + "\x18", "", iacDont + "\x18"},
		{"DO SGA", iacDo + "\x03", "", iacWill + "\x03"},
		{"DO BINARY", iacDo + "\x00", "", iacWill + "\x00"},
		{"DO TTYPE", iacDo + "\x18", "", iacWill + "\x18"},
		{"DO ECHO is refused", iacDo + "\x01", "", iacWont + "\x01"},
		{"DO NAWS is refused", iacDo + "\x1f", "", iacWont + "\x1f"},
		{"DO 255 is refused", iacDo + "\xff", "", iacWont + "\xff"},
		{"said twice, answered once", iacWill + "\x01" + iacWill + "\x01" + iacDo + "\x03" + iacDo + "\x03", "",
			iacDo + "\x01" + iacWill + "\x03"},
		{"on and off", iacWill + "\x01" + iacWont + "\x01" + iacWont + "\x01", "", iacDo + "\x01" + iacDont + "\x01"},
		{"ours on and off", iacDo + "\x00" + iacDont + "\x00", "", iacWill + "\x00" + iacWont + "\x00"},
		{"off from the start", iacWont + "\x01" + iacDont + "\x03", "", ""},
		{"terminal type", iacDo + "\x18" + sbTTypeSend, "", iacWill + "\x18" + sbTTypeIsVT100},
		{"terminal type, twice", iacDo + "\x18" + sbTTypeSend + sbTTypeSend, "",
			iacWill + "\x18" + sbTTypeIsVT100 + sbTTypeIsVT100},
		{"terminal type unasked", sbTTypeSend, "", ""},
		{"terminal type said to us", iacDo + "\x18" + "\xff\xfa\x18\x00xterm\xff\xf0b", "b", iacWill + "\x18"},
		{"another subnegotiation", "\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0b", "b", ""},
		{"IAC doubled in a subnegotiation", "\xff\xfa\x1f\xff\xff\xf0\xff\xf0b", "b", ""},
		{"a subnegotiation broken off by a command", "\xff\xfa\x18\x01\xff\xfb\x01b", "b", iacDo + "\x01"},
		{"a very long subnegotiation", "\xff\xfa\x18" + string(bytes.Repeat([]byte("x"), 100000)) + "\xff\xf0b", "b",
			""},
		{"in binary CR NUL stays", iacWill + "\x00" + "a\r\x00\xff\xffb", "a\r\x00\xffb", iacDo + "\x00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, chunk := range []int{len(tt.host), 1} {
				tn := &telnet{terminal: "vt100"}
				var data, reply []byte
				for i := 0; i < len(tt.host); i += chunk {
					data, reply = tn.fromHost([]byte(tt.host[i:i+chunk]), data, reply)
				}
				if string(data) != tt.data || string(reply) != tt.reply {
					t.Errorf("by %d octets: %q, answered %q; want %q, %q", chunk, data, reply, tt.data, tt.reply)
				}
			}
		})
	}
}

func TestTelnetFromCaller(t *testing.T) {
	tests := []struct {
		name, host, typed, wire, echo string
		sealed                        bool
		left                          bool
	}{
		{name: "a host that does not echo", typed: "ls\r", wire: "ls\r\n", echo: "ls\r\n"},
		{name: "a host that echoes", host: iacWill + "\x01", typed: "ls\r", wire: "ls\r\x00"},
		{name: "a terminal that sends CR LF", typed: "a\r\nb", wire: "a\r\nb", echo: "a\r\nb"},
		{name: "CR LF and an echo", host: iacWill + "\x01", typed: "a\r\n\nb", wire: "a\r\x00\nb"},
		{name: "CR NUL", typed: "a\r\x00b", wire: "a\r\nb", echo: "a\r\nb"},
		{name: "CR CR", typed: "\r\r", wire: "\r\n\r\n", echo: "\r\n\r\n"},
		{name: "erasing", typed: "a\bb\x7f", wire: "a\bb\x7f", echo: "a\b \bb\b \b"},
		{name: "control characters have no echo", typed: "\x03\x1b[A\x9b", wire: "\x03\x1b[A\x9b", echo: "[A"},
		{name: "IAC is doubled", host: iacWill + "\x01", typed: "\xff", wire: "\xff\xff"},
		{name: "binary", host: iacDo + "\x00", typed: "a\r\n\r\x00\xff\x1ex", wire: "a\r\n\r\x00\xff\xff\x1ex",
			sealed: true},
		{name: "leaving in binary", host: iacDo + "\x00", typed: "\xff\x1ex", wire: "\xff\xff", left: true},
		{name: "leaving", typed: "a\x1exb", wire: "a", echo: "a", left: true},
		{name: "leaving, shifted", typed: "\x1eXb", left: true},
		{name: "sealed", typed: "a\x1ex\r", wire: "a\x1ex\r\n", echo: "ax\r\n", sealed: true},
		{name: "twice is once", typed: "\x1e\x1ex", wire: "\x1ex", echo: "x"},
		{name: "with another key", typed: "\x1eq", wire: "\x1eq", echo: "q"},
		{name: "break, interrupt, abort, are you there, erase", typed: "\x1eb\x1ec\x1eo\x1et\x1eh\x1eu",
			wire: "\xff\xf3\xff\xf4\xff\xf5\xff\xf6\xff\xf7\xff\xf8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, chunk := range []int{len(tt.typed), 1} {
				tn := &telnet{terminal: "vt100"}
				tn.fromHost([]byte(tt.host), nil, nil)
				k := keyboard{telnet: tn, escapes: !tt.sealed}
				var wire, echo []byte
				left := false
				for i := 0; i < len(tt.typed) && !left; i += chunk {
					wire, echo, _, left = k.typed([]byte(tt.typed[i:i+chunk]), wire, echo)
				}
				if string(wire) != tt.wire || string(echo) != tt.echo || left != tt.left {
					t.Errorf("by %d octets: %q, echo %q, left %v; want %q, %q", chunk, wire, echo, left, tt.wire,
						tt.echo)
				}
			}
		})
	}
}

// FuzzTelnet checks, for any data of host and caller in any chunks: the result does not depend on the chunks; replies
// are complete commands and no more than requested by the host; IAC doubling of binary input is reversible.
func FuzzTelnet(f *testing.F) {
	f.Add([]byte(iacDo+"\x18"+sbTTypeSend+"a\r\x00b\xff\xff"), []byte("ls\r\n\xff\x1ex"), uint8(3))
	f.Add([]byte("\xff\xfa\x18\xff\xff\x01\xff\xfb\x00\xff"), []byte("\x1eb\x1e\x1e"), uint8(1))
	f.Fuzz(func(t *testing.T, host, typed []byte, cut uint8) {
		whole, parts := &telnet{terminal: "vt100"}, &telnet{terminal: "vt100"}
		data, reply := whole.fromHost(host, nil, nil)
		var data2, reply2 []byte
		for rest := host; len(rest) > 0; {
			n := min(int(cut)+1, len(rest))
			data2, reply2 = parts.fromHost(rest[:n], data2, reply2)
			rest = rest[n:]
		}
		if !bytes.Equal(data, data2) || !bytes.Equal(reply, reply2) {
			t.Fatalf("whole %q %q, cut %q %q", data, reply, data2, reply2)
		}
		if len(data) > len(host) || len(reply) > 3*len(host) {
			t.Fatalf("%d octets became %d and %d", len(host), len(data), len(reply))
		}
		if rest := wholeCommands(reply); len(rest) > 0 {
			t.Fatalf("replied %q, of which %q is no command", reply, rest)
		}
		escapes := cut%2 == 0
		k := keyboard{telnet: whole, escapes: escapes}
		wire, echo, _, _ := k.typed(typed, nil, nil)
		if len(wire) > 2*len(typed) || len(echo) > 3*len(typed) {
			t.Fatalf("%q became %q, %q", typed, wire, echo)
		}
		if whole.local[nvt.OptBinary] && !escapes &&
			!bytes.Equal(bytes.ReplaceAll(wire, []byte("\xff\xff"), []byte("\xff")), typed) {
			t.Fatalf("binary %q went as %q", typed, wire)
		}
	})
}

// wholeCommands removes complete Telnet commands from p and returns the rest.
func wholeCommands(p []byte) []byte {
	for len(p) >= 3 && p[0] == 0xff {
		switch {
		case bytes.HasPrefix(p, []byte(sbTTypeIsVT100)):
			p = p[len(sbTTypeIsVT100):]
		case p[1] >= 0xfb && p[1] <= 0xfe:
			p = p[3:]
		default:
			return p
		}
	}
	return p
}
