//go:build unix

package port

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// awaitReadable blocks until a read of c would not block: there is input, the end of input, or an expired read
// deadline. It uses no buffer and fits on the smallest stack.
func awaitReadable(c any) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return // an in-memory connection in a test
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return // closed; Read returns the error
	}
	_ = raw.Read(isReadable) // the next Read returns the error too
}

// isReadable checks without waiting.
func isReadable(fd uintptr) bool {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		if n, err := unix.Poll(p[:], 0); err != unix.EINTR {
			return n != 0
		}
	}
}
