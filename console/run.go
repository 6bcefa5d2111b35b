package console

import (
	"context"
	"errors"
	"io"
	"strings"
)

// ErrExit is returned by a command that leaves the Tree.
var ErrExit = errors.New("exit")

// Run reads commands under prompt and carries them out one after another, until one returns ErrExit (Run returns nil), ctx ends
// (its cause), the terminal is Idle for too long (ErrIdle) or its stream ends. Writes of a command fail once ctx has ended.
func (t *Tree) Run(ctx context.Context, term *Terminal, prompt string) error {
	for {
		line, err := term.read(ctx, prompt, &editor{helpKey: true, hist: &term.hist}, treeAssistant{t})
		switch {
		case errors.Is(err, ErrTooLong):
			err = say(term, "% Line too long\n")
		case errors.Is(err, ErrInterrupt), errors.Is(err, ErrSuspend):
			err = nil
		case err == nil:
			err = t.execute(ctx, term, prompt, line)
		}
		if errors.Is(err, ErrExit) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// execute carries out one line. The error is ErrExit or the stream's; what a command could not do is shown to the person.
func (t *Tree) execute(ctx context.Context, term *Terminal, prompt, line string) error {
	node, args, err := t.Lookup(line)
	if err != nil {
		return say(term, refusal(prompt, err))
	}
	if node == nil {
		return nil
	}
	release := term.watch(ctx)
	out := &output{w: term}
	err = node.Run(ctx, args, out)
	release()
	switch {
	case out.err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case out.err != nil:
		return out.err
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
