package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// escapeKey is Ctrl-], as in telnet. It leaves the PC, because Ctrl-C goes to the modem like any other key.
const escapeKey = 0x1d

// AtTerminal connects in and out to a modem until Ctrl-], the end of the input, the end of the modem's connection or
// the end of ctx. It sets a terminal to raw mode and back, and shows it the greeting; a pipe receives the modem's bytes
// alone.
func AtTerminal(ctx context.Context, modem io.ReadWriteCloser, greeting string, in *os.File, out io.Writer) error {
	// Set raw mode before the greeting: otherwise a line typed immediately would end with a line feed, which no modem
	// accepts as the end of a command.
	if term.IsTerminal(int(in.Fd())) {
		old, err := term.MakeRaw(int(in.Fd()))
		if err != nil {
			return fmt.Errorf("terminal: %w", err)
		}
		defer term.Restore(int(in.Fd()), old)
		fmt.Fprint(out, strings.ReplaceAll(greeting, "\n", "\r\n"))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		defer cancel()
		io.Copy(struct{ io.Writer }{out}, struct{ io.Reader }{modem})
	}()
	// The goroutine that reads the keyboard cannot be interrupted; it ends with the process or with the next key.
	go func() {
		defer cancel()
		typeInto(modem, in)
	}()
	<-ctx.Done()
	modem.Close()
	<-shown
	fmt.Fprint(out, "\r\n")
	return nil
}

func typeInto(modem io.Writer, keyboard io.Reader) {
	buf := make([]byte, 256)
	for {
		n, err := keyboard.Read(buf)
		for i, c := range buf[:n] {
			if c == escapeKey {
				modem.Write(buf[:i])
				return
			}
		}
		if n > 0 {
			if _, err := modem.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
