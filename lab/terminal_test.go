package lab

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"testing"
)

// modemEnd collects what is typed, and sends what the test writes.
func modemEnd(t *testing.T) (modem net.Conn, far net.Conn) {
	t.Helper()
	modem, far = net.Pipe()
	t.Cleanup(func() { modem.Close(); far.Close() })
	return modem, far
}

func TestAtTerminal(t *testing.T) {
	for _, tt := range []struct{ keys, want string }{
		{"ats0=1\r\x1d", "ats0=1\r"},
		{"at\x1ddt", "at"},
		{"\x1d", ""},
		{"\x03\x1a\x00\xff\x1d", "\x03\x1a\x00\xff"}, // Ctrl-C and all other keys go to the modem
		{"exit", "exit"},                             // the end of the input
	} {
		keyboard, typist, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer keyboard.Close()
		typist.WriteString(tt.keys)
		typist.Close()
		modem, far := modemEnd(t)
		got := make(chan []byte)
		go func() { b, _ := io.ReadAll(far); got <- b }()
		var screen bytes.Buffer
		if err := AtTerminal(t.Context(), modem, "", keyboard, &screen); err != nil {
			t.Error(err)
		}
		if b := <-got; string(b) != tt.want || screen.String() != "\r\n" {
			t.Errorf("%q: the modem got %q, must be %q; the screen shows %q", tt.keys, b, tt.want, screen.String())
		}
	}
}

// The end of the modem's connection and the end of ctx also leave the terminal, after all output was shown.
func TestAtTerminalLeft(t *testing.T) {
	keyboard, typist, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer typist.Close()
	defer keyboard.Close()
	modem, far := modemEnd(t)
	go func() { io.WriteString(far, "NO CARRIER\r\n"); far.Close() }()
	var screen bytes.Buffer
	if err := AtTerminal(t.Context(), modem, "", keyboard, &screen); err != nil ||
		screen.String() != "NO CARRIER\r\n\r\n" {
		t.Errorf("%v; the screen shows %q", err, screen.String())
	}

	modem, _ = modemEnd(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := AtTerminal(ctx, modem, "", keyboard, io.Discard); err != nil {
		t.Error(err)
	}
}
