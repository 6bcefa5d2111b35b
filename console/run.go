package console

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/ringback/ringback/texts"
)

// ErrExit is returned by a command that leaves the Tree.
var ErrExit = errors.New("exit")

// Fatal is returned by a command that used the terminal itself (for example, to ask a question) and got an error from
// it: Run, Step and Execute return Err instead of displaying it.
type Fatal struct{ Err error }

func (f Fatal) Error() string { return f.Err.Error() }
func (f Fatal) Unwrap() error { return f.Err }

// Run reads and executes commands until one returns ErrExit (Run returns nil), ctx ends (its cause), the idle timeout
// expires (ErrIdle) or the stream ends. Writes of a command fail once ctx has ended.
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

// Step is one iteration of Run: it reads a line and executes it. It returns ErrExit unchanged.
func (t *Tree) Step(ctx context.Context, term *Terminal, prompt string) error {
	line, err := term.read(ctx, prompt, &editor{helpKey: true, endKey: term.EndKey, hist: &term.hist},
		treeAssistant{t, term.Texts})
	switch {
	case errors.Is(err, ErrTooLong):
		return say(term, term.Texts.Text(texts.LineTooLong)+"\n")
	case errors.Is(err, ErrGarbled):
		return say(term, term.Texts.Text(texts.LineGarbled)+"\n")
	case errors.Is(err, ErrInterrupt), errors.Is(err, ErrSuspend):
		return nil
	case err != nil:
		return err
	}
	return t.execute(ctx, term, prompt, line)
}

// Execute executes line as if typed, without echo. The error is as for Step.
func (t *Tree) Execute(ctx context.Context, term *Terminal, line string) error {
	return t.execute(ctx, term, "", line)
}

// execute executes one line. The error is ErrExit or that of the stream; errors of commands are displayed.
func (t *Tree) execute(ctx context.Context, term *Terminal, prompt, line string) error {
	term.Failed = false
	m, err := t.Lookup(line)
	if err != nil {
		term.Failed = true
		return say(term, refusal(prompt, term.Texts, err))
	}
	if m == nil {
		return nil
	}
	if t.Before != nil {
		if text := t.Before(ctx, m.Words); text != "" {
			term.Failed = true
			return say(term, text+"\n")
		}
	}
	release := term.watch(ctx)
	out := &output{w: term.paged(ctx)}
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
		term.Failed = true
		return say(term, "% "+Clean(term.Texts.Error(err))+"\n")
	}
	return err
}

// output records a write error of the terminal, since a command may ignore it.
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

// refusal returns the text for an invalid command, with the caret below the line and aligned with the prompt.
func refusal(prompt string, p texts.Printer, err error) string {
	var le *LookupError
	if !errors.As(err, &le) {
		return err.Error() + "\n"
	}
	text := p.Message(le.Text)
	if le.Column < 0 {
		return text + "\n"
	}
	last := prompt[strings.LastIndexByte(prompt, '\n')+1:]
	return strings.Repeat(" ", Width(last)+le.Column) + "^\n" + text + "\n\n"
}

func say(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}

// treeAssistant answers `?` and Tab from a Tree.
type treeAssistant struct {
	*Tree
	texts texts.Printer
}

func (a treeAssistant) help(w io.Writer, before string)       { a.Help(w, a.texts, before) }
func (a treeAssistant) complete(before string) (string, bool) { return a.Complete(before) }
