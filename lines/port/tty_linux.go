package port

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/lines"
)

// drainLimit is how long a BREAK waits until earlier octets are sent. A modem that holds CTS off could block it
// forever.
const drainLimit = 2 * time.Second

// tty is a serial device or a PTY. The descriptor is non-blocking: the runtime's poller implements its deadlines,
// Close unblocks Read, and no thread waits in the kernel.
type tty struct {
	f    *os.File
	conn syscall.RawConn // of f
	name string
	lock *lockFile // nil if there is none

	want    settings   // those of the address; of a PTY the zero value
	kernel  modemIoctl // nil: no modem signals
	poller  *Poller
	driven  lines.Signals // by SetDTR
	signals circuits

	breaking chan struct{} // capacity 1: full while a BREAK is sent
	closing  chan struct{} // closed by Close
	once     sync.Once
}

// openSerial locks, opens and configures the device of a.
func openSerial(a Address, o Options) (lines.Port, error) {
	lock, err := takeLock(o.LockDir, a.Path, o.Log)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Name(), err)
	}
	t, err := openTTY(a)
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	t.lock = lock
	if err := t.setUp(a, o); err != nil {
		t.Close()
		return nil, fmt.Errorf("%s: %w", a.Name(), err)
	}
	return t, nil
}

// openPTY opens the slave side of a PTY. It creates no lock file, which would outlive the PTY in a shared directory;
// flock protects it.
func openPTY(a Address) (lines.Port, error) {
	t, err := openTTY(a)
	if err != nil {
		return nil, err
	}
	err = t.control(func(fd int) error {
		if _, err := unix.IoctlGetInt(fd, unix.TIOCGPTN); err == nil {
			return errors.New("this is the master side of a PTY: name the slave's path, such as /dev/pts/3")
		}
		return setRaw(fd, settings{flow: FlowNone})
	})
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("%s: %w", a.Name(), err)
	}
	return t, nil
}

// openTTY opens the device for exclusive use (flock). It changes nothing else.
func openTTY(a Address) (*tty, error) {
	fd, err := ignoringEINTR2(func() (int, error) {
		return unix.Open(a.Path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w%s", a.Name(), err, openHint(a, err))
	}
	f := os.NewFile(uintptr(fd), a.Path)
	t := &tty{f: f, name: a.Name(), breaking: make(chan struct{}, 1), closing: make(chan struct{})}
	if t.conn, err = f.SyscallConn(); err == nil {
		err = t.control(func(fd int) error {
			if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err != nil {
				return fmt.Errorf("%w (%s is not a terminal device)", err, a.Path)
			}
			err := ignoringEINTR(func() error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
			if errors.Is(err, unix.EWOULDBLOCK) {
				return &lines.Failed{Kind: lines.FailInUse, Text: "in use by another port of this or another program " +
					"(flock); `fuser -v " + a.Path + "` names the program"}
			}
			return err
		})
	}
	if err == nil { // a descriptor that the poller does not support would never time out
		err = f.SetDeadline(time.Time{})
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", a.Name(), err)
	}
	return t, nil
}

// setUp makes the device raw. If the device has modem signals, setUp also acquires exclusive use, raises DTR and RTS,
// and starts to watch the others.
func (t *tty) setUp(a Address, o Options) error {
	speed := a.Speed
	if speed == 0 {
		speed = DefaultSpeed
	}
	t.want = settings{speed, o.FlowControl, a.Format}
	if err := t.control(func(fd int) error { return setRaw(fd, t.want) }); err != nil {
		return err
	}
	kernel := o.circuits
	if kernel == nil {
		kernel = linuxIoctl{}
	}
	bits, err := t.bits(kernel)
	if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) {
		o.Log.Debug("the device has no modem signals: a PTY?")
		return nil
	}
	if err != nil {
		return fmt.Errorf("modem signals: %w", err)
	}
	t.kernel = kernel
	t.driven = driven(o.FlowControl)
	t.signals.changes = make(chan struct{}, 1)
	if err := t.control(func(fd int) error { return kernel.exclusive(fd, true) }); err != nil {
		return fmt.Errorf("exclusive use: %w", err)
	}
	if err := t.drive(toModem, true); err != nil {
		return fmt.Errorf("raise DTR: %w", err)
	}
	t.signals.set(fromModem, signalsOf(bits))
	if t.poller = o.Poller; t.poller == nil {
		t.poller = &Poller{}
	}
	t.poller.add(t)
	return nil
}

func (t *tty) Read(b []byte) (int, error)         { return t.ended(t.f.Read(b)) }
func (t *tty) Write(b []byte) (int, error)        { return t.ended(t.f.Write(b)) }
func (t *tty) Await()                             { t.signals.await(t.readable, t.interrupt) }
func (t *tty) SetReadDeadline(d time.Time) error  { return t.f.SetReadDeadline(d) }
func (t *tty) SetWriteDeadline(d time.Time) error { return t.f.SetWriteDeadline(d) }
func (t *tty) String() string                     { return t.name }
func (t *tty) HasSignals() bool                   { return t.kernel != nil }
func (t *tty) Signals() lines.Signals             { return t.signals.get() }
func (t *tty) Changes() <-chan struct{}           { return t.signals.changes }

// ended returns the result of a Read or Write. After a hang-up of the terminal, it turns off all signals from the
// modem.
func (t *tty) ended(n int, err error) (int, error) {
	gone := errors.Is(err, unix.EIO) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO)
	if gone || err == io.EOF {
		t.signals.set(fromModem, 0)
	}
	switch {
	case gone && t.kernel == nil:
		err = fmt.Errorf("%s: the other side of the PTY is gone: %w", t.name, err)
	case gone:
		err = fmt.Errorf("%s: the device is gone: %w (unplugged, or its driver reset?)", t.name, bareErrno(err))
	}
	return n, err
}

// bareErrno removes the path and the system call from an error of os.
func bareErrno(err error) error {
	if no, ok := errors.AsType[unix.Errno](err); ok {
		return no
	}
	return err
}

func (t *tty) readable() { awaitReadable(t.f) }

// interrupt ends Await with the read deadline, which the caller of Await sets again.
func (t *tty) interrupt() { _ = t.f.SetReadDeadline(time.Unix(1, 0)) }

// SetDTR raises or drops DTR, and also RTS if hardware flow control is off.
func (t *tty) SetDTR(on bool) error {
	if t.kernel == nil {
		return lines.ErrNoSignals
	}
	if err := t.drive(t.driven, on); err != nil {
		return fmt.Errorf("%s: set DTR: %w", t.name, err)
	}
	return nil
}

// SetSpeed implements lines.SpeedSetter.
func (t *tty) SetSpeed(bps int) error {
	if t.kernel == nil {
		return lines.ErrNoSignals
	}
	want := t.want
	want.speed = bps
	if err := t.control(func(fd int) error { return setRaw(fd, want) }); err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	return nil
}

func (t *tty) drive(which lines.Signals, on bool) error {
	if err := t.control(func(fd int) error { return t.kernel.set(fd, bitsOf(which), on) }); err != nil {
		return err
	}
	state := lines.Signals(0)
	if on {
		state = which
	}
	t.signals.set(which, state)
	return nil
}

// Break holds the line in the space state for d, after earlier octets are sent, and then returns. Close ends it
// early.
func (t *tty) Break(d time.Duration) error {
	if t.kernel == nil {
		return lines.ErrNoSignals
	}
	select {
	case t.breaking <- struct{}{}:
	case <-t.closing:
		return os.ErrClosed
	}
	defer func() { <-t.breaking }()
	err := t.drained()
	if err == nil {
		err = t.control(func(fd int) error { return t.kernel.sendBreak(fd, true) })
	}
	if err == nil {
		t.pause(d)
		err = t.control(func(fd int) error { return t.kernel.sendBreak(fd, false) })
	}
	if err != nil {
		return fmt.Errorf("%s: BREAK: %w", t.name, err)
	}
	return nil
}

// drained waits until the driver's buffer is empty. TIOCSBRK would also wait, but in the kernel, where nothing could
// end the wait.
func (t *tty) drained() error {
	for end := time.Now().Add(drainLimit); ; {
		var n int
		err := t.control(func(fd int) (err error) { n, err = t.kernel.queued(fd); return err })
		if err != nil || n == 0 {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d octets written before are still unsent (is CTS off?): %w", n, os.ErrDeadlineExceeded)
		}
		if !t.pause(10 * time.Millisecond) {
			return os.ErrClosed
		}
	}
}

// pause returns false if the port was closed before d had passed.
func (t *tty) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.closing:
		return false
	}
}

// poll reads the modem's signals once. An error means that the device is gone; the reader detects this itself.
func (t *tty) poll() {
	bits, err := t.bits(t.kernel)
	if err != nil {
		bits = 0
	}
	t.signals.set(fromModem, signalsOf(bits))
}

func (t *tty) bits(kernel modemIoctl) (bits int, err error) {
	err = t.control(func(fd int) (err error) { bits, err = kernel.get(fd); return err })
	return bits, err
}

// Close discards unsent output, hangs up (HUPCL drops DTR with the last descriptor) and releases the locks.
func (t *tty) Close() (err error) {
	t.once.Do(func() {
		close(t.closing)
		if t.poller != nil {
			t.poller.remove(t)
		}
		if t.kernel != nil {
			t.breaking <- struct{}{}           // a running BREAK ends now, before its descriptor is closed
			_ = t.control(func(fd int) error { // best effort: the device may be gone
				// Otherwise the kernel's close would wait up to 30 s for a modem that holds CTS off (closing_wait).
				return errors.Join(t.kernel.discardOutput(fd), t.kernel.exclusive(fd, false))
			})
		}
		err = errors.Join(t.f.Close(), t.lock.release())
	})
	return err
}

// control calls f with the descriptor; Close does not close it during the call.
func (t *tty) control(f func(fd int) error) (err error) {
	if e := t.conn.Control(func(fd uintptr) { err = f(int(fd)) }); e != nil {
		return e
	}
	return err
}
