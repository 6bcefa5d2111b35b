package console

import (
	"context"
	"errors"
	"io"
	"strings"
)

// ErrExit is returned by a command that leaves the Tree.
var ErrExit = errors.New("exit")

// Fatal is returned by a command that used the terminal itself (asked a question, say) and lost it: Run, Step and Execute return Err
// in place of showing it.
type Fatal struct{ Err error }

func (f Fatal) Error() string { return f.Err.Error() }
func (f Fatal) Unwrap() error { return f.Err }

// Run reads commands under prompt and carries them out one after another, until one returns ErrExit (Run returns nil), ctx ends
// (its cause), the terminal is Idle for too long (ErrIdle) or its stream ends. Writes of a command fail once ctx has ended.
func (t *Tree) Run(ctx context.Context, term *Terminal, prompt string) error {
	for {
		err := t.Step(ctx, term, prompt)
		if errors.Is(err, ErrExit) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// Step is one round of Run: it reads a line and carries it out. ErrExit comes back as it is.
func (t *Tree) Step(ctx context.Context, term *Terminal, prompt string) error {
	line, err := term.read(ctx, prompt, &editor{helpKey: true, hist: &term.hist}, treeAssistant{t})
	switch {
	case errors.Is(err, ErrTooLong):
		return say(term, "% Line too long\n")
	case errors.Is(err, ErrGarbled):
		return say(term, "% Line rejected: unsupported characters\n")
	case errors.Is(err, ErrInterrupt), errors.Is(err, ErrSuspend):
		return nil
	case err != nil:
		return err
	}
	return t.execute(ctx, term, prompt, line)
}

// Execute carries out line as if it had been typed, but shows it not. The error is as Step's.
func (t *Tree) Execute(ctx context.Context, term *Terminal, line string) error {
	return t.execute(ctx, term, "", line)
}

// execute carries out one line. The error is ErrExit or the stream's; what a command could not do is shown to the person.
func (t *Tree) execute(ctx context.Context, term *Terminal, prompt, line string) error {
	m, err := t.Lookup(line)
	if err != nil {
		return say(term, refusal(prompt, err))
	}
	if m == nil {
		return nil
	}
	if t.Before != nil {
		if text := t.Before(ctx, m.Words); text != "" {
			return say(term, text+"\n")
		}
	}
	release := term.watch(ctx)
	out := &output{w: term}
	err = m.Node.Run(ctx, m.Args, out)
	release()
	var lost Fatal
	switch {
	case out.err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case out.err != nil:
		return out.err
	case errors.As(err, &lost):
		return lost.Err
	case err != nil && !errors.Is(err, ErrExit):
		return say(term, "% "+Clean(err.Error())+"\n")
	}
	return err
}

// output remembers that the terminal failed, since a command may not look.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}

// refusal is what is shown for a line that is no command: the caret stands under the line, behind the prompt.
func refusal(prompt string, err error) string {
	var le *LookupError
	if !errors.As(err, &le) || le.Column < 0 {
		return err.Error() + "\n"
	}
	last := prompt[strings.LastIndexByte(prompt, '\n')+1:]
	return strings.Repeat(" ", Width(last)+le.Column) + "^\n" + le.Text + "\n\n"
}

func say(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}

// treeAssistant lets a Tree answer `?` and Tab.
type treeAssistant struct{ *Tree }

func (a treeAssistant) help(w io.Writer, before string)       { a.Help(w, before) }
func (a treeAssistant) complete(before string) (string, bool) { return a.Complete(before) }
