package port

import (
	"context"
	"strings"
	"testing"

	"github.com/ringback/ringback/lines"
)

func TestParse(t *testing.T) {
	tests := []struct {
		url  string
		want Address
		name string
	}{
		{"serial:///dev/ttyS0", Address{Scheme: Serial, Path: "/dev/ttyS0"}, "serial:///dev/ttyS0"},
		{"serial:///dev/ttyS0?speed=115200&flow=hardware", Address{Scheme: Serial, Path: "/dev/ttyS0", Speed: 115200,
			Flow: "hardware"}, "serial:///dev/ttyS0"},
		{"serial:///dev/ttyS0?flow=software&format=7E1", Address{Scheme: Serial, Path: "/dev/ttyS0",
			Flow: "software", Format: "7e1"}, "serial:///dev/ttyS0"},
		{"serial:///dev/../dev//ttyS0?flow=none", Address{Scheme: Serial, Path: "/dev/ttyS0", Flow: "none"},
			"serial:///dev/ttyS0"},
		{"serial:///dev/serial/by-id/usb-FTDI%20x-if00?speed=4000000",
			Address{Scheme: Serial, Path: "/dev/serial/by-id/usb-FTDI x-if00", Speed: 4000000},
			"serial:///dev/serial/by-id/usb-FTDI%20x-if00"},
		{"rfc2217://console1.example.net:2217?speed=9600", Address{Scheme: RFC2217, Host: "console1.example.net:2217",
			Speed: 9600}, "rfc2217://console1.example.net:2217"},
		{"RFC2217://Console1:02217/", Address{Scheme: RFC2217, Host: "console1:2217"}, "rfc2217://console1:2217"},
		{"tcp://127.0.0.1:7001", Address{Scheme: TCP, Host: "127.0.0.1:7001"}, "tcp://127.0.0.1:7001"},
		{"tcp://[::1]:7001", Address{Scheme: TCP, Host: "[::1]:7001"}, "tcp://[::1]:7001"},
		{"rfc2217s://console1:2217?speed=9600", Address{Scheme: RFC2217TLS, Host: "console1:2217", Speed: 9600},
			"rfc2217s://console1:2217"},
		{"tcps://console1:7001", Address{Scheme: TCPTLS, Host: "console1:7001"}, "tcps://console1:7001"},
		{"pty:///run/ringback/modem1", Address{Scheme: PTY, Path: "/run/ringback/modem1"},
			"pty:///run/ringback/modem1"},
	}
	for _, tt := range tests {
		a, err := Parse(tt.url)
		if err != nil || a != tt.want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", tt.url, a, err, tt.want)
			continue
		}
		if a.Name() != tt.name {
			t.Errorf("%q: Name = %q, want %q", tt.url, a.Name(), tt.name)
		}
		if again, err := Parse(a.String()); again != a || err != nil {
			t.Errorf("%q: String %q reads as %+v, %v", tt.url, a.String(), again, err)
		}
	}
	if s := (Address{Scheme: Serial, Path: "/dev/ttyS0", Speed: 115200,
		Flow: "none"}).String(); s != "serial:///dev/ttyS0?speed=115200&flow=none" {
		t.Errorf("String = %q", s)
	}
}

func TestTransparent(t *testing.T) {
	for _, tt := range []struct {
		url, flow string
		want      bool
	}{
		{"serial:///dev/ttyS0", "", true}, {"serial:///dev/ttyS0?format=8e1", "hardware", true},
		{"serial:///dev/ttyS0?format=7e1", "", false}, {"serial:///dev/ttyS0", "software", false},
		{"rfc2217://h:1?flow=software", "", false}, {"tcp://h:1", "software", true},
	} {
		a, err := Parse(tt.url)
		if got := a.Transparent(tt.flow); err != nil || got != tt.want {
			t.Errorf("%s, flow control %q: %v, %v", tt.url, tt.flow, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ url, want string }{
		{"", "the URL is empty"},
		{"/dev/ttyS0", "did you mean serial:///dev/ttyS0?"},
		{"ttyS0", "no scheme://"},
		{"serial:/dev/ttyS0", "no scheme://"},
		{"seriel:///dev/ttyS0", "did you mean serial?"},
		{"rfc2271://host:1", "did you mean rfc2217?"},
		{"telnet://host:23", "use one of serial, rfc2217, rfc2217s, tcp, tcps, pty"},
		{"serial://ttyS0", "did you mean serial:///dev/ttyS0?"},
		{"serial://dev/ttyS0", "did you mean serial:///dev/ttyS0?"},
		{"serial:///", "the device path is missing"},
		{"serial://", "the device path is missing"},
		{"serial:///dev/ttyS0%00", "NUL"},
		{"serial:///dev/ttyS0?sped=9600", "did you mean speed?"},
		{"serial:///dev/ttyS0?parity=even", "serial ports have speed, flow, format"},
		{"serial:///dev/ttyS0?format=9n1", "as format=7e1"},
		{"serial:///dev/ttyS0?format=8x1", "as format=7e1"},
		{"serial:///dev/ttyS0?format=8n3", "as format=7e1"},
		{"serial:///dev/ttyS0?format=", "as format=7e1"},
		{"tcp://host:1?format=7e1", "tcp ports have none"},
		{"serial:///dev/ttyS0?speed=115201", "did you mean 115200?"},
		{"serial:///dev/ttyS0?speed=33600", "did you mean 38400?"},
		{"serial:///dev/ttyS0?speed=9k6", "not a number of bit/s"},
		{"serial:///dev/ttyS0?speed=+9600", "not a number of bit/s"},
		{"serial:///dev/ttyS0?speed=", "not a number of bit/s"},
		{"serial:///dev/ttyS0?speed=0", "is not a serial port speed"},
		{"serial:///dev/ttyS0?speed=9600&speed=9600", "given 2 times"},
		{"serial:///dev/ttyS0?flow=hard", "did you mean flow=hardware?"},
		{"serial:///dev/ttyS0?flow=xonxoff", "did you mean flow=software?"},
		{"serial:///dev/ttyS0?flow=", "use flow=hardware or flow=software or flow=none"},
		{"serial:///dev/ttyS0?speed=%zz", "invalid URL escape"},
		{"serial:///dev/ttyS0#1", "#fragment"},
		{"tcp://host:1#", "#fragment"},
		{"tcp://user@host:1", "user name"},
		{"tcp://:7001", "the host is missing"},
		{"tcp://host", "write host:PORT"},
		{"tcp://host:", "write host:PORT"},
		{"tcp://host:0", "not between 1 and 65535"},
		{"tcp://host:65536", "not between 1 and 65535"},
		{"tcp://host:http", "invalid port"},
		{"tcp://ho st:1", "invalid character"},
		{"tcp://-host:1", "neither a host name nor an IP address"},
		{"tcp://300.1.1.1:1", "neither a host name nor an IP address"},
		{"tcp://host:1/x", "a path (/x) is not allowed"},
		{"tcp://host:1?speed=9600", "tcp ports have none"},
		{"pty:///dev/pts/3?flow=none", "pty ports have none"},
	}
	for _, tt := range tests {
		a, err := Parse(tt.url)
		if err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", tt.url, a)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Parse(%q): %v; want …%s…", tt.url, err, tt.want)
		}
		if !strings.Contains(err.Error(), "example: ") && !strings.Contains(err.Error(), "did you mean") {
			t.Errorf("Parse(%q): %v has no example", tt.url, err)
		}
		if a != (Address{}) && tt.url != "" {
			t.Errorf("Parse(%q) returned %+v beside its error", tt.url, a)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"serial:///dev/ttyS0?speed=115200&flow=hardware", "rfc2217://h:1", "tcp://[::1%25lo]:7",
		"pty:///x%2Fy", "serial://?", "tcp://h:1?"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(a.String())
		if err != nil || again != a {
			t.Fatalf("%q is %+v; its String %q is %+v, %v", s, a, a.String(), again, err)
		}
		if _, err := Parse(a.Name()); err != nil {
			t.Fatalf("%q: Name %q: %v", s, a.Name(), err)
		}
	})
}

func TestOpenRefusesOptions(t *testing.T) {
	a := Address{Scheme: Serial, Path: "/nowhere/ttyS0", Flow: FlowNone}
	tests := []struct {
		o    Options
		want string
	}{
		{Options{FlowControl: "xon-xoff"}, `flow control "xon-xoff" is unknown`},
		{Options{FlowControl: FlowHardware}, "the URL says flow=none and the line says flow control hardware"},
	}
	for _, tt := range tests {
		if _, err := a.Open(t.Context(), tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Open(%+v): %v; want …%s…", tt.o, err, tt.want)
		}
	}
	if _, err := (Address{}).Open(t.Context(), Options{}); err == nil {
		t.Error("the zero Address opened")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Open(ctx, Options{}); err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("Open with an ended context: %v", err)
	}
}

func TestCircuits(t *testing.T) {
	c := circuits{changes: make(chan struct{}, 1)}
	c.set(fromModem, lines.DCD|lines.DTR) // the modem does not drive DTR
	if got := c.get(); got != lines.DCD {
		t.Errorf("signals = %b, want DCD", got)
	}
	c.set(fromModem, lines.DCD|lines.CTS) // the receiver is slow: one token covers both
	if len(c.changes) != 1 {
		t.Fatalf("%d tokens, want 1", len(c.changes))
	}
	<-c.changes
	c.set(fromModem, lines.DCD|lines.CTS)
	if len(c.changes) != 0 {
		t.Error("a token though nothing changed")
	}
}
