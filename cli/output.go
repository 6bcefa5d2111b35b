package cli

import (
	"errors"
	"io"
	"sync"
	"syscall"
)

// output is standard output that remembers the first write that failed, so that a full disk does not go unnoticed. A
// reader who leaves ends the program by SIGPIPE, as with any other tool: the Go runtime sees to it.
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

// failed is why the first write that failed did, without the name of the file, which is none of the user's.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if errno, ok := errors.AsType[syscall.Errno](o.err); ok {
		return errno
	}
	return o.err
}
