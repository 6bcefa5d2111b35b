//go:build unix

package nvt

import "syscall"

// UrgentInline keeps urgent data in the stream: Telnet's Synch sends the DM of IAC DM as urgent (RFC 854); without it,
// the IAC would interpret the next octet of text as a command.
func UrgentInline(_, _ string, c syscall.RawConn) error {
	var failed error
	if err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_OOBINLINE, 1)
	}); err != nil {
		return err
	}
	return failed
}
