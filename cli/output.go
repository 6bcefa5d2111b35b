package cli

import (
	"errors"
	"io"
	"sync"
	"syscall"
	"unicode/utf8"

	"github.com/ringback/ringback/console"
)

// output is standard output or standard error for text. It is the one place that keeps what comes from outside (file
// names, values of files, answers of the daemon, of servers and modems) from acting on the operator's terminal; see
// console.AppendVisible. It records the first failed write, so that a full disk is noticed. If the reader closes a
// pipe, SIGPIPE ends the program as with any other tool; the Go runtime does this.
type output struct {
	w io.Writer

	mu   sync.Mutex
	err  error
	tail []byte // the beginning of a character that the next write ends
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := b
	if len(o.tail) > 0 {
		text = append(o.tail, b...)
	}
	n := len(text)
	for i := max(0, n-utf8.UTFMax+1); i < len(text); i++ {
		if utf8.RuneStart(text[i]) && !utf8.FullRune(text[i:]) {
			n = i
		}
	}
	o.tail = append([]byte(nil), text[n:]...)
	if err := o.write(text[:n]); err != nil {
		return 0, err
	}
	return len(b), nil
}

// write writes whole characters. The mutex is held.
func (o *output) write(text []byte) error {
	if !console.IsVisible(text) {
		text = console.AppendVisible(nil, text)
	}
	_, err := o.w.Write(text)
	o.note(err)
	return err
}

func (o *output) note(err error) {
	if err != nil && o.err == nil {
		o.err = err
	}
}

// failed writes what is left, and returns why the first failed write failed, without the file name, which means nothing
// to the user.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.tail) > 0 {
		_ = o.write(o.tail) // noted
		o.tail = nil
	}
	if errno, ok := errors.AsType[syscall.Errno](o.err); ok {
		return errno
	}
	return o.err
}

// octets returns a writer of all octets to what is behind w: for a capture, and for a terminal on which the user works.
func octets(w io.Writer) io.Writer {
	if o, ok := w.(*output); ok {
		return (*unchanged)(o)
	}
	return w
}

// unchanged is an output for octets.
type unchanged output

func (u *unchanged) Write(b []byte) (int, error) {
	o := (*output)(u)
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.w.Write(b)
	o.note(err)
	return n, err
}
