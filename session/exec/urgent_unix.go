//go:build unix

package exec

import "syscall"

// urgentInline keeps urgent octets in the stream: Telnet's Synch sends the DM of an IAC DM as one (RFC 854), and an IAC
// without it would take the next octet of text for a command.
func urgentInline(_, _ string, c syscall.RawConn) error {
	var failed error
	if err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_OOBINLINE, 1)
	}); err != nil {
		return err
	}
	return failed
}
