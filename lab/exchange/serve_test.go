package exchange

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const patience = time.Minute // for actions of the operating system

// readUntil reads until want has come.
func readUntil(t *testing.T, r interface {
	io.Reader
	SetReadDeadline(time.Time) error
}, want string) string {
	t.Helper()
	r.SetReadDeadline(time.Now().Add(patience))
	var got []byte
	b := make([]byte, 1)
	for !bytes.HasSuffix(got, []byte(want)) {
		n, err := r.Read(b)
		got = append(got, b[:n]...)
		if err != nil {
			t.Fatalf("got %q, then %v; want %q", got, err, want)
		}
	}
	return string(got)
}

// watchKind returns an OnEvent and a channel of the events of one modem.
func watchKind(modem string, kinds ...Kind) (func(Event), <-chan Kind) {
	c := make(chan Kind, 100)
	return func(e Event) {
		for _, k := range kinds {
			if e.Modem == modem && e.Kind == k {
				c <- k
			}
		}
	}, c
}

func await[T comparable](t *testing.T, c <-chan T, want T) {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case got := <-c:
			if got == want {
				return
			}
		case <-timeout:
			t.Fatalf("no %v within %v", want, patience)
		}
	}
}

func TestServeTCP(t *testing.T) {
	onEvent, events := watchKind("bob", PortClosedEvent, OnHookEvent)
	x := New(Config{Instant: true, OnEvent: onEvent})
	defer x.Close()
	alice := x.AddModem(ModemConfig{Name: "alice", Number: "5551", Profile: "E0"}).DTE()
	bob := x.AddModem(ModemConfig{Name: "bob", Number: "5552", Profile: "S0=1E0"})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- bob.ServeTCP(l) }()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := dial()
	c.Write([]byte("AT\r"))
	readUntil(t, c, "\r\nOK\r\n")
	second := dial()
	second.SetReadDeadline(time.Now().Add(patience))
	if n, err := second.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a second client got %d bytes, %v", n, err)
	}
	second.Close()
	await(t, events, PortClosedEvent)

	alice.Write([]byte("ATDT5552\r"))
	readUntil(t, c, "\r\nRING\r\n\r\nCONNECT\r\n")
	readUntil(t, alice, "\r\nCONNECT\r\n")
	alice.Write([]byte("hello\xff"))
	readUntil(t, c, "hello\xff")
	c.Close()
	readUntil(t, alice, "\r\nNO CARRIER\r\n")
	await(t, events, OnHookEvent)

	c = dial()
	c.Write([]byte("AT\r"))
	readUntil(t, c, "\r\nOK\r\n")
	bob.SetFault(Fault{Vanished: true})
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("read %q, %v from a modem that vanished", b, err)
	}
	c.Close()
	c = dial()
	if b, _ := io.ReadAll(c); len(b) > 0 {
		t.Errorf("read %q from a modem that vanished", b)
	}
	c.Close()
	bob.SetFault(Fault{})
	c = dial()
	defer c.Close()
	c.Write([]byte("AT\r"))
	readUntil(t, c, "\r\nOK\r\n")
	x.Close()
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
	if err := bob.ServeTCP(l); err != nil {
		t.Errorf("serve after Close: %v", err)
	}
}

func openPath(t *testing.T, path string) *os.File {
	t.Helper()
	// O_NONBLOCK and O_NOCTTY of Linux: deadlines work, and it does not become a controlling terminal
	f, err := os.OpenFile(path, os.O_RDWR|0x900, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestServePTY(t *testing.T) {
	onEvent, events := watchKind("bob", OnHookEvent)
	x := New(Config{Instant: true, OnEvent: onEvent})
	defer x.Close()
	alice := x.AddModem(ModemConfig{Name: "alice", Number: "5551", Profile: "E0S10=0"}).DTE()
	bob := x.AddModem(ModemConfig{Name: "bob", Number: "5552", Profile: "E0"})
	link := filepath.Join(t.TempDir(), "ttyB")
	path, err := bob.ServePTY(link)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if to, _ := os.Readlink(link); to != path {
		t.Errorf("link to %q, want %q", to, path)
	}
	if _, err := bob.ServePTY(""); err == nil {
		t.Error("two terminals on one modem")
	}
	if bob.Signals().Has(DTR) {
		t.Error("DTR is up while the terminal is not open")
	}
	for range 3 { // opened, closed and opened again
		f := openPath(t, link)
		f.Write([]byte("AT\r"))
		if got := readUntil(t, f, "\r\nOK\r\n"); got != "\r\nOK\r\n" {
			t.Errorf("got %q", got)
		}
		if !bob.Signals().Has(DTR) {
			t.Error("DTR is down while the terminal is open")
		}
		alice.Write([]byte("ATDT5552\r"))
		readUntil(t, f, "\r\nRING\r\n")
		f.Write([]byte("ATA\r"))
		readUntil(t, f, "\r\nCONNECT\r\n")
		readUntil(t, alice, "\r\nCONNECT\r\n")
		alice.Write([]byte("every byte: \x00\x03\x04\r\n\x11\x13\x1a\x7f\xff."))
		if got := readUntil(t, f, "."); got != "every byte: \x00\x03\x04\r\n\x11\x13\x1a\x7f\xff." {
			t.Errorf("got %q", got)
		}
		f.Write([]byte("back: \x00\x03\x04\r\n\x11\x13\x1a\x7f\xff."))
		if got := readUntil(t, alice, "."); got != "back: \x00\x03\x04\r\n\x11\x13\x1a\x7f\xff." {
			t.Errorf("got %q", got)
		}
		f.Close()
		await(t, events, OnHookEvent)
		readUntil(t, alice, "\r\nNO CARRIER\r\n")
	}

	f := openPath(t, link)
	f.Write([]byte("AT\r"))
	readUntil(t, f, "\r\nOK\r\n")
	bob.SetFault(Fault{Vanished: true})
	f.SetReadDeadline(time.Now().Add(patience))
	if _, err := f.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read from a terminal that vanished: %v", err)
	}
	f.Close()
	bob.SetFault(Fault{})
	f = openPath(t, link)
	f.Write([]byte("AT\r"))
	readUntil(t, f, "\r\nOK\r\n")
	f.Close()
	x.Close()
	if _, err := os.Lstat(link); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link outlives the exchange: %v", err)
	}
}

// A modem that stays off hook keeps its call when the terminal is closed, and the next DTE continues it.
func TestPTYStaysOffHook(t *testing.T) {
	x := New(Config{Instant: true})
	defer x.Close()
	alice := x.AddModem(ModemConfig{Number: "5551", Profile: "E0"}).DTE()
	bob := x.AddModem(ModemConfig{Name: "bob", Number: "5552", Profile: "E0S12=0", StaysOffHook: true})
	path, err := bob.ServePTY("")
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	f := openPath(t, path)
	f.Write([]byte("ATS0=1\r"))
	readUntil(t, f, "\r\nOK\r\n")
	alice.Write([]byte("ATDT5552\r"))
	readUntil(t, f, "\r\nCONNECT\r\n")
	readUntil(t, alice, "\r\nCONNECT\r\n")
	f.Close()
	f = openPath(t, path)
	defer f.Close()
	f.Write([]byte("still here?"))
	readUntil(t, alice, "still here?")
	f.Write([]byte("+++"))
	readUntil(t, f, "\r\nOK\r\n")
	f.Write([]byte("ATH\r"))
	readUntil(t, f, "\r\nOK\r\n")
	readUntil(t, alice, "\r\nNO CARRIER\r\n")
}

func TestPTYLinkNeverReplacesAFile(t *testing.T) {
	x := New(Config{})
	defer x.Close()
	name := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(name, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := x.AddModem(ModemConfig{Name: "m"}).ServePTY(name); err == nil {
		t.Error("no error")
	}
	if b, err := os.ReadFile(name); string(b) != "data" {
		t.Errorf("%q, %v", b, err)
	}
}
