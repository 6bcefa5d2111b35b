package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// asker asks on the terminal, without echo if required, or reads lines of standard input.
type asker struct {
	fd       int
	in       *bufio.Reader  // standard input, if it is not a terminal
	terminal *term.Terminal // nil: standard input is not a terminal
}

func newAsker() *asker {
	a := &asker{fd: int(os.Stdin.Fd())}
	if term.IsTerminal(a.fd) {
		a.terminal = term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{os.Stdin, os.Stderr}, "")
	} else {
		a.in = bufio.NewReader(os.Stdin)
	}
	return a
}

// yes asks whether to do something; an empty answer is a yes.
func (a *asker) yes(ctx context.Context, question string) (bool, error) {
	text, err := a.ask(ctx, question+" [Y/n]? ", true)
	return err == nil && !strings.HasPrefix(strings.ToLower(strings.TrimSpace(text)), "n"), err
}

// ask blocks for an answer, or until ctx ends; after that, ask cannot be used again. It sets the terminal mode
// before the prompt is shown and restores it when it returns, even while the read still blocks: a read cannot
// be cancelled, and its goroutine ends with the program.
func (a *asker) ask(ctx context.Context, prompt string, echo bool) (string, error) {
	if a.terminal != nil {
		before, err := term.MakeRaw(a.fd)
		if err != nil {
			return "", fmt.Errorf("ask %q on the terminal: %w", prompt, err)
		}
		defer term.Restore(a.fd, before)
	}
	type answer struct {
		text string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		text, err := a.read(prompt, echo)
		done <- answer{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", a.interrupted(prompt)
	}
}

func (a *asker) read(prompt string, echo bool) (string, error) {
	if a.terminal == nil {
		line, err := a.in.ReadString('\n')
		if err != nil && (line == "" || !errors.Is(err, io.EOF)) {
			return "", fmt.Errorf("read the answer to %q from standard input: %w", prompt, err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	a.terminal.SetPrompt(prompt)
	read := a.terminal.ReadLine
	if !echo {
		read = func() (string, error) { return a.terminal.ReadPassword(prompt) }
	}
	text, err := read()
	if errors.Is(err, io.EOF) { // Ctrl-C or Ctrl-D, which are ordinary keys in raw mode
		return "", a.interrupted(prompt)
	}
	return text, err
}

func (a *asker) interrupted(prompt string) error {
	if a.terminal != nil {
		fmt.Fprint(os.Stderr, "\r\n")
	}
	return fmt.Errorf("interrupted at %q", prompt)
}
