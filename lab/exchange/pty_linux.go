package exchange

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// ServePTY connects the modem to a pseudo terminal and returns the path of its slave, which any number of DTEs may open
// and close in turn. A non-empty link becomes a symbolic link to the slave, replaces an existing link, and is removed
// with the terminal. ServePTY does not block. The terminal exists until Exchange.Close or a Vanished fault; after the
// fault it returns.
//
// A pseudo terminal has no modem signals. DTR is up while the slave is open, as far as the system reports it (inotify);
// modem output is lost while it is not open. The terminal is set to raw mode without echo, and again after each DTE.
func (m *Modem) ServePTY(link string) (path string, err error) {
	l := &ptyLink{m: m, link: link}
	if err := l.open(); err != nil {
		return "", fmt.Errorf("serve modem %s on a pseudo terminal: %w", m.cfg.Name, err)
	}
	return l.path, nil
}

var errTaken = errors.New("the modem has a DTE already, has vanished, or its exchange is closed")

// taken reports whether no terminal can be attached now. It locks the mutex itself.
func (m *Modem) taken() bool {
	m.x.lock()
	defer m.x.unlock()
	return m.port != nil || m.fault.Vanished || m.x.closed
}

// ptyLink is a modem's claim to have a pseudo terminal.
type ptyLink struct {
	m    *Modem
	link string
	path string
}

// open makes a terminal and attaches it. It locks the mutex itself.
func (l *ptyLink) open() error {
	if l.m.taken() {
		return errTaken
	}
	f, err := openPTY()
	if err != nil {
		return err
	}
	if err := f.symlink(l.link); err != nil {
		f.Close()
		return err
	}
	x := l.m.x
	x.lock()
	defer x.unlock()
	l.path = f.path
	s := &ptySlave{m: l.m, file: f}
	s.watchOpens()
	if !l.m.attach(&port{rwc: f, slave: s}) {
		return errTaken
	}
	l.m.pty = l
	return nil
}

// reopen makes a new terminal after a Vanished fault. It locks the mutex itself.
func (l *ptyLink) reopen() {
	if err := l.open(); err != nil {
		l.m.x.lock()
		l.m.x.event(PortClosedEvent, l.m, nil, "reopen the pseudo terminal: %v", err)
		l.m.x.unlock()
	}
}

// ptyFile is the master with an open slave descriptor. Without that the master returns EIO while no program has the
// slave open; and a terminal that is not in raw mode would echo the modem's output back to it.
type ptyFile struct {
	*os.File
	path  string
	slave int
	link  string
	once  sync.Once
}

func openPTY() (*ptyFile, error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/ptmx: %w", err)
	}
	f := &ptyFile{slave: -1}
	n, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		f.path = fmt.Sprintf("/dev/pts/%d", n)
		f.slave, err = unix.Open(f.path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	}
	if err == nil {
		err = makeRaw(f.slave)
	}
	if err != nil {
		unix.Close(fd)
		if f.slave >= 0 {
			unix.Close(f.slave)
		}
		return nil, fmt.Errorf("set up pseudo terminal %s: %w", f.path, err)
	}
	f.File = os.NewFile(uintptr(fd), "/dev/ptmx")
	return f, nil
}

// symlink points link at the slave, atomically, and replaces only a link.
func (f *ptyFile) symlink(link string) error {
	if link == "" {
		return nil
	}
	if st, err := os.Lstat(link); err == nil && st.Mode()&os.ModeSymlink == 0 {
		return fmt.Errorf("link %s: a file of that name exists (remove it, or choose another link)", link)
	}
	tmp := fmt.Sprintf("%s.%d.%d", link, os.Getpid(), f.slave)
	if err := os.Symlink(f.path, tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, link); err != nil {
		os.Remove(tmp)
		return err
	}
	f.link = link
	return nil
}

// Close ends the terminal and removes its link. It may be called twice.
func (f *ptyFile) Close() error {
	err := os.ErrClosed
	f.once.Do(func() {
		err = f.File.Close()
		unix.Close(f.slave)
		if f.link == "" {
			return
		}
		if to, e := os.Readlink(f.link); e == nil && to == f.path {
			os.Remove(f.link)
		}
	})
	return err
}

// makeRaw is cfmakeraw(3), with CLOCAL and 8 bits.
func makeRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag &^= unix.CSIZE | unix.PARENB
	t.Cflag |= unix.CS8 | unix.CLOCAL | unix.CREAD
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// ptySlave counts the opens of the slave, except the exchange's own.
type ptySlave struct {
	m     *Modem
	file  *ptyFile
	watch *ptyWatch // nil: the system reports nothing, assumed open
	wd    int32
	count int
}

func (s *ptySlave) opened() bool { return s.watch == nil || s.count > 0 }

// sync processes the opens and closes that happened before now. The reader calls it before it passes bytes on, so that
// DTR is up when the first command is answered.
func (s *ptySlave) sync() {
	if s.watch != nil {
		s.watch.drain()
	}
}

func (s *ptySlave) watchOpens() {
	x := s.m.x
	if x.watch == nil {
		w, err := newPTYWatch(x)
		if err != nil {
			return
		}
		x.watch = w
	}
	wd, err := unix.InotifyAddWatch(x.watch.fd, s.file.path, unix.IN_OPEN|unix.IN_CLOSE)
	if err != nil {
		return
	}
	s.watch, s.wd = x.watch, int32(wd)
	s.watch.slaves[s.wd] = s
}

func (s *ptySlave) forget() {
	if s.watch == nil || s.watch.slaves[s.wd] != s {
		return
	}
	delete(s.watch.slaves, s.wd)
	if !s.watch.closed {
		_, _ = unix.InotifyRmWatch(s.watch.fd, uint32(s.wd)) // the watch ends with the terminal anyway
	}
}

func (s *ptySlave) changed(opened bool) {
	if opened {
		if s.count++; s.count == 1 {
			s.m.setDTR(true)
		}
		return
	}
	if s.count = max(s.count-1, 0); s.count > 0 {
		return
	}
	s.m.portClosed()
	_ = makeRaw(s.file.slave) // it worked before; a closed terminal does not need it
	if s.m.port != nil && s.m.port.slave == s {
		s.m.port.out = nil
	}
	_ = unix.IoctlSetInt(s.file.slave, unix.TCFLSH, unix.TCIFLUSH)
}

// ptyWatch reports through inotify when slaves are opened and closed: one goroutine for all terminals of an exchange.
type ptyWatch struct {
	x      *Exchange
	fd     int
	file   *os.File
	slaves map[int32]*ptySlave
	closed bool
}

func newPTYWatch(x *Exchange) (*ptyWatch, error) {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, err
	}
	w := &ptyWatch{x: x, fd: fd, file: os.NewFile(uintptr(fd), "inotify"), slaves: map[int32]*ptySlave{}}
	rc, err := w.file.SyscallConn()
	if err != nil || !x.goroutine(func() { w.run(rc) }) {
		w.file.Close()
		return nil, os.ErrClosed
	}
	return w, nil
}

// run drains the file until close. The poller wakes it; the events themselves are processed under the lock, by the
// first goroutine that needs them.
func (w *ptyWatch) run(rc syscall.RawConn) {
	_ = rc.Read(func(uintptr) bool {
		w.x.lock()
		w.drain()
		done := w.closed
		w.x.unlock()
		return done
	}) // its error means that the file was closed
}

// close locks the mutex itself.
func (w *ptyWatch) close() {
	w.x.lock()
	w.closed = true
	w.x.unlock()
	w.file.Close()
}

func (w *ptyWatch) drain() {
	var buf [4096]byte
	for !w.closed {
		n, err := unix.Read(w.fd, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n < unix.SizeofInotifyEvent {
			return
		}
		for b := buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			wd := int32(binary.NativeEndian.Uint32(b))
			mask := binary.NativeEndian.Uint32(b[4:])
			size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
			b = b[min(size, len(b)):]
			if s := w.slaves[wd]; s != nil && mask&(unix.IN_OPEN|unix.IN_CLOSE) != 0 {
				s.changed(mask&unix.IN_OPEN != 0)
			}
		}
	}
}
