package console

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/ringback/ringback/texts"
)

// pager stops the output of a command at the end of each page, until a key is typed: space shows the next page, RETURN
// the next row, and any other key ends the output, as in IOS. Rows longer than the terminal count as one.
type pager struct {
	ctx  context.Context
	term *Terminal
	rows int // of a page
	left int // of this page
	quit bool
}

// paged returns a writer of pages, or the terminal if its Length is 0.
func (t *Terminal) paged(ctx context.Context) io.Writer {
	if t.Length <= 1 {
		return t
	}
	return &pager{ctx: ctx, term: t, rows: t.Length - 1, left: t.Length - 1}
}

// Write implements io.Writer. After the reader has seen enough, it discards the output.
func (p *pager) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0 && !p.quit; {
		if p.left == 0 {
			if err := p.ask(); err != nil {
				return 0, err
			}
			continue
		}
		row, after, ended := bytes.Cut(rest, []byte("\n"))
		if ended {
			row = rest[:len(row)+1]
			p.left--
		}
		if _, err := p.term.Write(row); err != nil {
			return 0, err
		}
		rest = after
	}
	return len(b), nil
}

// ask shows that there is more and waits for a key.
func (p *pager) ask() error {
	more := p.term.Texts.Text(texts.ConsoleMore)
	if _, err := io.WriteString(p.term, more); err != nil {
		return err
	}
	key, err := p.term.ReadKey(p.ctx)
	if err != nil {
		return err
	}
	switch key {
	case ' ':
		p.left = p.rows
	case carriageReturn, lineFeed:
		p.left = 1
	default:
		p.quit = true
	}
	gone := strings.Repeat("\b", Width(more))
	_, err = io.WriteString(p.term, gone+strings.Repeat(" ", Width(more))+gone)
	return err
}

// ReadKey reads one key without echo. It blocks until then, until ctx ends (the error is its cause), the Idle timeout
// (ErrIdle), or the end of the stream. The LF or NUL after a CR is no key of its own.
func (t *Terminal) ReadKey(ctx context.Context) (byte, error) {
	if err := ctx.Err(); err != nil {
		return 0, context.Cause(ctx)
	}
	defer t.watch(ctx)()
	b, err := t.readByte("", &editor{raw: true})
	if err != nil && ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	t.wasCR = b == carriageReturn
	return b, err
}
