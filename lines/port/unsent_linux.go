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
	held := 0
	if t, ok := c.(*secure); ok {
		c, held = t.raw.Conn, t.raw.size()
	}
	s, ok := c.(syscall.Conn)
	if !ok {
		return held, nil // in memory: written data is already read
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, err
	}
	ctl := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	if ctl != nil {
		return 0, ctl
	}
	return held + n, err
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
