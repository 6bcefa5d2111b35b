package port

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// limitUnsent returns the function with which a net.Dialer limits how long written octets may stay unacknowledged
// (TCP_USER_TIMEOUT, RFC 5482): the connection is then closed, and the octets are discarded.
func limitUnsent(limit time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) (err error) {
		ctl := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit.Milliseconds()))
		})
		if ctl != nil {
			return ctl
		}
		return err
	}
}
