package port

import (
	"cmp"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/lines"
)

// baudOf maps each of speeds to the kernel's constant.
var baudOf = map[int]uint32{300: unix.B300, 600: unix.B600, 1200: unix.B1200, 1800: unix.B1800, 2400: unix.B2400,
	4800: unix.B4800,
	9600: unix.B9600, 19200: unix.B19200, 38400: unix.B38400, 57600: unix.B57600, 115200: unix.B115200,
	230400: unix.B230400,
	460800: unix.B460800, 500000: unix.B500000, 576000: unix.B576000, 921600: unix.B921600, 1000000: unix.B1000000,
	1152000: unix.B1152000, 1500000: unix.B1500000, 2000000: unix.B2000000, 2500000: unix.B2500000,
	3000000: unix.B3000000,
	3500000: unix.B3500000, 4000000: unix.B4000000}

// settings are those of a serial port. speed 0 keeps the speed.
type settings struct {
	speed  int
	flow   string
	format Format
}

// setRaw makes the terminal transparent for octets, as far as format and flow allow: no echo, no signals, no
// translation. speed 0 keeps the speed. Pending input is kept, because a flush could lose a peer's first octets.
//
// CLOCAL is set: without it, the kernel hangs the terminal up whenever the carrier drops, and the modem's NO CARRIER
// is lost; the Poller watches the carrier instead. HUPCL is set, so that the modem hangs up when the process dies.
func setRaw(fd int, s settings) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("read the terminal's settings: %w", err)
	}
	want := rawMode(*t, s)
	if err := ignoringEINTR(func() error { return unix.IoctlSetTermios(fd, unix.TCSETS, &want) }); err != nil {
		return fmt.Errorf("set the terminal raw: %w", err)
	}
	// The kernel reports success if it could apply any part of the settings.
	got, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return fmt.Errorf("read the terminal's settings: %w", err)
	}
	switch differ := want.Cflag ^ got.Cflag; {
	case differ&unix.CBAUD != 0:
		return fmt.Errorf("the device does not support %d bit/s: choose another speed=", s.speed)
	case differ&unix.CRTSCTS != 0:
		return errors.New("the device does not support RTS/CTS flow control: use flow=none")
	case differ&formatBits != 0:
		return fmt.Errorf("the device does not support the format %s: use another format=", cmp.Or(s.format, "8n1"))
	}
	return nil
}

// formatBits are the bits of Cflag for the format of the characters.
const formatBits = unix.CSIZE | unix.PARENB | unix.PARODD | unix.CMSPAR | unix.CSTOPB

// rawMode does not check the parity of what is received: a wrong octet is better than none.
func rawMode(t unix.Termios, s settings) unix.Termios {
	t.Iflag = unix.IGNBRK // a received BREAK is not an octet
	t.Oflag = 0
	t.Lflag = 0
	t.Cflag &^= formatBits | unix.CRTSCTS
	t.Cflag |= charFormat(s.format) | unix.CREAD | unix.CLOCAL | unix.HUPCL
	switch s.flow {
	case FlowHardware:
		t.Cflag |= unix.CRTSCTS
	case FlowSoftware:
		t.Iflag |= unix.IXON | unix.IXOFF
		t.Cc[unix.VSTART], t.Cc[unix.VSTOP] = xon, xoff
	}
	if b, ok := baudOf[s.speed]; ok {
		t.Cflag = t.Cflag&^(unix.CBAUD|unix.CBAUD<<unix.IBSHIFT) | b
		t.Ispeed, t.Ospeed = b, b
	}
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return t
}

// The octets of software flow control (DC1 and DC3).
const (
	xon  = 0x11
	xoff = 0x13
)

func charFormat(f Format) (cflag uint32) {
	cflag = unix.CS8
	if f.DataBits() == 7 {
		cflag = unix.CS7
	}
	switch f.Parity() {
	case 'e':
		cflag |= unix.PARENB
	case 'o':
		cflag |= unix.PARENB | unix.PARODD
	}
	if f.StopBits() == 2 {
		cflag |= unix.CSTOPB
	}
	return cflag
}

// modemIoctl has the kernel calls for a serial port's modem. Tests replace them, since a PTY has no modem signals.
type modemIoctl interface {
	get(fd int) (bits int, err error)      // TIOCMGET
	set(fd, bits int, on bool) error       // TIOCMBIS, TIOCMBIC
	sendBreak(fd int, on bool) error       // TIOCSBRK, TIOCCBRK
	queued(fd int) (octets int, err error) // TIOCOUTQ
	exclusive(fd int, on bool) error       // TIOCEXCL, TIOCNXCL
	discardOutput(fd int) error            // TCFLSH
}

// linuxIoctl calls the kernel. A signal of the runtime (preemption) may interrupt a call, which is then repeated.
type linuxIoctl struct{}

func (linuxIoctl) get(fd int) (int, error) {
	return ignoringEINTR2(func() (int, error) { return unix.IoctlGetInt(fd, unix.TIOCMGET) })
}

func (linuxIoctl) set(fd, bits int, on bool) error {
	req := uint(unix.TIOCMBIC)
	if on {
		req = unix.TIOCMBIS
	}
	return ignoringEINTR(func() error { return unix.IoctlSetPointerInt(fd, req, bits) })
}

func (linuxIoctl) sendBreak(fd int, on bool) error {
	req := uint(unix.TIOCCBRK)
	if on {
		req = unix.TIOCSBRK
	}
	return ignoringEINTR(func() error { return unix.IoctlSetInt(fd, req, 0) })
}

func (linuxIoctl) queued(fd int) (int, error) {
	return ignoringEINTR2(func() (int, error) { return unix.IoctlGetInt(fd, unix.TIOCOUTQ) })
}

func (linuxIoctl) exclusive(fd int, on bool) error {
	req := uint(unix.TIOCNXCL)
	if on {
		req = unix.TIOCEXCL
	}
	return ignoringEINTR(func() error { return unix.IoctlSetInt(fd, req, 0) })
}

func (linuxIoctl) discardOutput(fd int) error {
	return ignoringEINTR(func() error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCOFLUSH) })
}

// circuitBits pairs the kernel's bits with ours.
var circuitBits = []struct {
	bit int
	sig lines.Signals
}{
	{unix.TIOCM_CAR, lines.DCD}, {unix.TIOCM_DSR, lines.DSR}, {unix.TIOCM_CTS, lines.CTS}, {unix.TIOCM_RNG, lines.RI},
	{unix.TIOCM_DTR, lines.DTR}, {unix.TIOCM_RTS, lines.RTS},
}

func signalsOf(bits int) (s lines.Signals) {
	for _, c := range circuitBits {
		if bits&c.bit != 0 {
			s |= c.sig
		}
	}
	return s
}

func bitsOf(s lines.Signals) (bits int) {
	for _, c := range circuitBits {
		if s.Has(c.sig) {
			bits |= c.bit
		}
	}
	return bits
}

func ignoringEINTR(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

func ignoringEINTR2(f func() (int, error)) (int, error) {
	for {
		if n, err := f(); err != unix.EINTR {
			return n, err
		}
	}
}
