package port

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Unsent returns the number of written octets that the peer has not acknowledged yet.
func (t *tcp) Unsent() (int, error) { return unsentTCP(t.Conn) }

// Unsent returns the number of written octets that the server has not acknowledged yet. It does not include octets
// that the server itself holds back.
func (p *rfc2217) Unsent() (int, error) { return unsentTCP(p.conn) }

func unsentTCP(c net.Conn) (n int, err error) {
	s, ok := c.(syscall.Conn)
	if !ok {
		return 0, nil // in memory: written data is already read
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, err
	}
	ctl := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	if ctl != nil {
		return 0, ctl
	}
	return n, err
}

// Unsent returns the number of written octets that the device has not accepted yet.
func (t *tty) Unsent() (n int, err error) {
	ctl := t.control(func(fd int) error {
		n, err = unix.IoctlGetInt(fd, unix.TIOCOUTQ)
		return err
	})
	if ctl != nil {
		return 0, ctl
	}
	return n, err
}
