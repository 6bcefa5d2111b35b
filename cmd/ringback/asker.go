package main

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

// asker asks on the terminal, without echo where it must, or reads lines of standard input.
type asker struct {
	in *bufio.Reader
	fd int
}

func newAsker() *asker { return &asker{bufio.NewReader(os.Stdin), int(os.Stdin.Fd())} }

// ask blocks for an answer, or until ctx ends: then the terminal is as it was, and nothing more can be asked. A read cannot be broken off; its
// goroutine ends with the program.
func (a *asker) ask(ctx context.Context, prompt string, echo bool) (string, error) {
	before, err := term.GetState(a.fd)
	terminal := err == nil
	var text string
	done := make(chan error, 1)
	go func() {
		var err error
		text, err = a.read(prompt, echo, terminal)
		done <- err
	}()
	select {
	case err := <-done:
		return text, err
	case <-ctx.Done():
		if terminal {
			term.Restore(a.fd, before)
			fmt.Fprintln(os.Stderr)
		}
		return "", fmt.Errorf("interrupted at %q", prompt)
	}
}

func (a *asker) read(prompt string, echo, terminal bool) (string, error) {
	if terminal {
		fmt.Fprint(os.Stderr, prompt)
	}
	if terminal && !echo {
		b, err := term.ReadPassword(a.fd)
		fmt.Fprintln(os.Stderr)
		return string(b), err
	}
	line, err := a.in.ReadString('\n')
	if err != nil && (line == "" || !errors.Is(err, io.EOF)) {
		return "", fmt.Errorf("read the answer to %q from standard input: %w", prompt, err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
