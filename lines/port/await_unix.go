//go:build unix

package port

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// awaitReadable blocks until a read of c would not: there are octets, the end, or the read deadline has passed. It
// holds no buffer, and fits on the smallest stack.
func awaitReadable(c any) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return // in memory, in tests
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return // closed: Read says so
	}
	_ = raw.Read(isReadable) // an error is the next Read's too
}

// isReadable asks without waiting.
func isReadable(fd uintptr) bool {
	p := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		if n, err := unix.Poll(p[:], 0); err != unix.EINTR {
			return n != 0
		}
	}
}
