package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// escapeKey is Ctrl-], telnet's: it leaves the PC, since Ctrl-C goes to the modem like any other key.
const escapeKey = 0x1d

// AtTerminal puts the person at in and out before a modem until Ctrl-], the end of the input, the modem's end or ctx's.
// A terminal is set to raw mode and back, and shows the greeting; what is piped gets the modem's bytes alone.
func AtTerminal(ctx context.Context, modem io.ReadWriteCloser, greeting string, in *os.File, out io.Writer) error {
	// Raw before the first word: what is typed as soon as it is read would be a line of the terminal's else, its Enter
	// a line feed, which no modem takes for the end of a command.
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
	// The reader of the keyboard cannot be interrupted; it ends with the process, or with the next key.
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
