package cli

import (
	"errors"
	"io"
	"sync"
	"syscall"
)

// output is standard output that records the first failed write, so that a full disk is noticed. If the reader
// closes a pipe, SIGPIPE ends the program as with any other tool; the Go runtime does this.
type output struct {
	w io.Writer

	mu  sync.Mutex
	err error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
	}
	return n, err
}

// failed returns why the first failed write failed, without the file name, which means nothing to the user.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if errno, ok := errors.AsType[syscall.Errno](o.err); ok {
		return errno
	}
	return o.err
}
