package port

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/lines"
)

// newPTY makes a PTY pair and returns the master and the slave's path. No process holds the slave.
func newPTY(t *testing.T) (*os.File, string) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("needs /dev/ptmx: %v", err)
	}
	master := os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	return master, fmt.Sprintf("/dev/pts/%d", n)
}

// exchange sends all octet values both ways.
func exchange(t *testing.T, p lines.Port, other io.ReadWriter) {
	t.Helper()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	got := make([]byte, len(all))
	for _, way := range []struct {
		name     string
		from, to io.ReadWriter
	}{{"out", p, other}, {"in", other, p}} {
		if _, err := way.from.Write(all); err != nil {
			t.Fatalf("%s: %v", way.name, err)
		}
		if _, err := io.ReadFull(way.to, got); err != nil || !bytes.Equal(got, all) {
			t.Fatalf("%s: %v, got % x", way.name, err, got)
		}
	}
}

func TestPTY(t *testing.T) {
	master, slave := newPTY(t)
	link := filepath.Join(t.TempDir(), "modem1")
	if err := os.Symlink(slave, link); err != nil {
		t.Fatal(err)
	}
	for _, a := range []Address{{Scheme: PTY, Path: link}, {Scheme: PTY, Path: slave},
		{Scheme: Serial, Path: slave, Speed: 9600}} {
		t.Run(a.Name(), func(t *testing.T) {
			p := mustOpen(t, a, Options{})
			if p.HasSignals() || p.Changes() != nil || p.Signals() != 0 {
				t.Error("a PTY has signals")
			}
			if err := errors.Join(p.SetDTR(true), p.Break(time.Second)); !errors.Is(err, lines.ErrNoSignals) {
				t.Errorf("SetDTR, Break: %v", err)
			}
			if p.String() != a.Name() {
				t.Errorf("String = %q", p)
			}
			exchange(t, p, master)
			if err := p.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if n, err := p.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read %d, %v; want a timeout", n, err)
			}
			p.SetReadDeadline(time.Time{})
			ended := make(chan error)
			go func() { _, err := p.Read(make([]byte, 1)); ended <- err }()
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if err := <-ended; !errors.Is(err, os.ErrClosed) {
				t.Errorf("read ended with %v", err)
			}
			if err := p.Close(); err != nil {
				t.Errorf("second Close: %v", err)
			}
		})
	}
}

// A write to a PTY that is not read ends at its deadline.
func TestTTYWriteDeadline(t *testing.T) {
	_, slave := newPTY(t)
	p := mustOpen(t, Address{Scheme: PTY, Path: slave}, Options{})
	p.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := p.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %v, want a timeout", err)
	}
}

// Closing the master ends the slave; opening the path again reaches a new master.
func TestPTYOtherSideGone(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "modem1")
	a := Address{Scheme: PTY, Path: link}
	if _, err := a.Open(t.Context(), Options{}); err == nil ||
		!strings.Contains(err.Error(), "while the program on the other side runs") {
		t.Errorf("a missing PTY: %v", err)
	}
	for range 2 {
		master, slave := newPTY(t)
		os.Remove(link)
		if err := os.Symlink(slave, link); err != nil {
			t.Fatal(err)
		}
		p := mustOpen(t, a, Options{})
		exchange(t, p, master)
		master.Close()
		// Closing the master hangs up the slave: its reads then return EOF, or EIO just before; its writes return
		// EIO.
		if _, err := p.Read(make([]byte, 1)); err != io.EOF && !errors.Is(err, unix.EIO) {
			t.Errorf("read: %v, want EOF or EIO", err)
		}
		if _, err := p.Write([]byte("AT")); !errors.Is(err, unix.EIO) ||
			!strings.Contains(err.Error(), "the other side of the PTY is gone") {
			t.Errorf("write: %v, want EIO", err)
		}
		p.Close()
	}
}

// Data that the slave writes before it closes remains available to the master: Close does not discard it.
func TestPTYCloseKeepsOutput(t *testing.T) {
	master, slave := newPTY(t)
	p := mustOpen(t, Address{Scheme: PTY, Path: slave}, Options{})
	p.Write([]byte("ATH\r"))
	p.Close()
	b := make([]byte, 4)
	if _, err := io.ReadFull(master, b); err != nil || string(b) != "ATH\r" {
		t.Errorf("read %q, %v", b, err)
	}
}

func TestTTYRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, slave := newPTY(t)
	held := mustOpen(t, Address{Scheme: PTY, Path: slave}, Options{})
	defer held.Close()
	tests := []struct {
		a    Address
		o    Options
		want string
	}{
		{Address{Scheme: Serial, Path: "/dev/ttyNone7"}, Options{},
			"no such file or directory (is the device plugged in?"},
		{Address{Scheme: Serial, Path: file}, Options{}, "is not a terminal device"},
		{Address{Scheme: PTY, Path: file}, Options{}, "is not a terminal device"},
		{Address{Scheme: PTY, Path: "/dev/ptmx"}, Options{}, "the master side of a PTY"},
		{Address{Scheme: PTY, Path: slave}, Options{}, "in use by another port of this or another program"},
		{Address{Scheme: Serial, Path: slave}, Options{}, "in use by another port of this or another program"},
		{Address{Scheme: Serial, Path: slave}, Options{LockDir: filepath.Join(dir, "none")}, "lock directory: stat"},
		{Address{Scheme: Serial, Path: slave}, Options{LockDir: file}, "is not a directory"},
	}
	for _, tt := range tests {
		if tt.o.LockDir == "" {
			tt.o.LockDir = dir
		}
		p, err := tt.a.Open(t.Context(), tt.o)
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), tt.a.Name()+": ") {
			t.Errorf("%s: %v; want …%s…", tt.a, err, tt.want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "L*")); len(left) != 0 {
		t.Errorf("locks left behind: %v", left)
	}
}

// Descriptors above 1023 work: nothing here uses select(2).
func TestTTYHighDescriptors(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 1400 {
		t.Skipf("needs 1400 descriptors: ulimit -n is %d", limit.Cur)
	}
	for range 1100 {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	master, slave := newPTY(t)
	p := mustOpen(t, Address{Scheme: Serial, Path: slave}, Options{})
	if err := p.(*tty).control(func(fd int) error {
		if fd < 1024 {
			return fmt.Errorf("the descriptor is %d", fd)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	exchange(t, p, master)
	p.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v, want a timeout", err)
	}
}

// A device that was unplugged says so, with the name of the port, and its signals are off.
func TestDeviceGone(t *testing.T) {
	for _, gone := range []error{unix.EIO, unix.ENODEV, unix.ENXIO} {
		p := &tty{name: "serial:///dev/ttyUSB0", kernel: &uart{}}
		p.signals.set(fromModem, lines.DCD|lines.DSR)
		_, err := p.ended(0, &os.PathError{Op: "read", Path: "/dev/ttyUSB0", Err: gone})
		want := "serial:///dev/ttyUSB0: the device is gone: " + gone.Error() + " (unplugged, or its driver reset?)"
		if !errors.Is(err, gone) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if p.Signals()&fromModem != 0 {
			t.Errorf("%v: signals %06b", gone, p.Signals())
		}
	}
}

// The terminal's settings, as termios(3) names them.
func TestRawMode(t *testing.T) {
	cooked := unix.Termios{Iflag: unix.ICRNL | unix.IXON | unix.IXOFF | unix.ISTRIP | unix.BRKINT,
		Oflag: unix.OPOST | unix.ONLCR,
		Lflag: unix.ECHO | unix.ICANON | unix.ISIG,
		Cflag: unix.B9600 | unix.CS7 | unix.PARENB | unix.PARODD | unix.CSTOPB}
	base := uint32(unix.CS8 | unix.CREAD | unix.CLOCAL | unix.HUPCL)
	tests := []struct {
		settings
		cflag, iflag uint32
	}{
		{settings{115200, FlowHardware, ""}, base | unix.B115200 | unix.CRTSCTS, 0},
		{settings{4000000, FlowNone, "8n1"}, base | unix.B4000000, 0},
		{settings{0, FlowNone, ""}, base | unix.B9600, 0}, // unchanged
		{settings{9600, FlowSoftware, "7e1"}, base&^unix.CS8 | unix.CS7 | unix.PARENB | unix.B9600,
			unix.IXON | unix.IXOFF},
		{settings{1200, FlowNone, "8o2"}, base | unix.PARENB | unix.PARODD | unix.CSTOPB | unix.B1200, 0},
	}
	for _, tt := range tests {
		got := rawMode(cooked, tt.settings)
		if got.Cflag != tt.cflag || got.Lflag != 0 || got.Oflag != 0 || got.Iflag != unix.IGNBRK|tt.iflag ||
			got.Cc[unix.VMIN] != 1 || got.Cc[unix.VTIME] != 0 {
			t.Errorf("%+v: %+v, want Cflag %#o", tt.settings, got, tt.cflag)
		}
		if tt.flow == FlowSoftware && (got.Cc[unix.VSTART] != 'Q'-'@' || got.Cc[unix.VSTOP] != 'S'-'@') {
			t.Errorf("%+v: XON %d, XOFF %d", tt.settings, got.Cc[unix.VSTART], got.Cc[unix.VSTOP])
		}
	}
	for _, s := range speeds {
		if baudOf[s] == 0 {
			t.Errorf("no name for %d bit/s", s)
		}
	}
	if len(baudOf) != len(speeds) {
		t.Errorf("%d names for %d speeds", len(baudOf), len(speeds))
	}
}

// uart replaces the kernel's modem ioctls. The LD_PRELOAD shim that gives a C program's PTY modem lines cannot do
// this here: Go makes its system calls itself and never calls libc's ioctl.
type uart struct {
	mu    sync.Mutex
	bits  int
	err   error
	stuck int // octets in the driver's buffer
	log   []string
}

func (u *uart) note(format string, v ...any) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.log = append(u.log, fmt.Sprintf(format, v...))
	return nil
}

func (u *uart) calls() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := u.log
	u.log = nil
	return l
}

func (u *uart) put(bits int, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.bits, u.err = bits, err
}

func (u *uart) get(int) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.bits, u.err
}

func (u *uart) queued(int) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.stuck, nil
}

func (u *uart) set(_, bits int, on bool) error { return u.note("set %#x %v", bits, on) }
func (u *uart) sendBreak(_ int, on bool) error { return u.note("break %v", on) }
func (u *uart) exclusive(_ int, on bool) error { return u.note("exclusive %v", on) }
func (u *uart) discardOutput(_ int) error      { return u.note("discard") }

// TestSerialSetSpeed: the speed changes, and nothing else; a PTY without modem signals has none.
func TestSerialSetSpeed(t *testing.T) {
	master, slave := newPTY(t)
	p := mustOpen(t, Address{Scheme: Serial, Path: slave, Speed: 19200, Flow: FlowNone}, Options{circuits: &uart{}})
	settings := func() unix.Termios {
		t.Helper()
		got, err := unix.IoctlGetTermios(int(master.Fd()), unix.TCGETS) // those of the slave
		if err != nil {
			t.Fatal(err)
		}
		return *got
	}
	before := settings()
	for _, speed := range []int{2400, 115200, 300, 19200} {
		if err := p.(lines.SpeedSetter).SetSpeed(speed); err != nil {
			t.Fatal(err)
		}
		got := settings()
		if got.Cflag&unix.CBAUD != baudOf[speed] || got.Cflag&^unix.CBAUD != before.Cflag&^unix.CBAUD ||
			got.Iflag != before.Iflag {
			t.Errorf("%d bit/s: %+v, before %+v", speed, got, before)
		}
	}
	_, other := newPTY(t)
	pty := mustOpen(t, Address{Scheme: PTY, Path: other}, Options{})
	if err := pty.(lines.SpeedSetter).SetSpeed(300); !errors.Is(err, lines.ErrNoSignals) {
		t.Errorf("a PTY: %v", err)
	}
}

func TestSerialSignals(t *testing.T) {
	_, slave := newPTY(t)
	u := &uart{bits: unix.TIOCM_DSR | unix.TIOCM_CTS}
	p := mustOpen(t, Address{Scheme: Serial, Path: slave, Flow: FlowNone},
		Options{circuits: u, Poller: &Poller{Interval: time.Millisecond}})
	if want := []string{"exclusive true", "set 0x6 true"}; !slices.Equal(u.calls(), want) { // TIOCM_DTR 2, TIOCM_RTS 4
		t.Error("not made exclusive, or DTR and RTS not raised")
	}
	if !p.HasSignals() || p.Signals() != lines.DSR|lines.CTS|lines.DTR|lines.RTS {
		t.Errorf("HasSignals %v, Signals %b", p.HasSignals(), p.Signals())
	}
	changed(t, p)
	u.put(unix.TIOCM_DSR|unix.TIOCM_CTS|unix.TIOCM_CAR|unix.TIOCM_RNG, nil)
	changed(t, p)
	if !p.Signals().Has(lines.DCD | lines.RI) {
		t.Errorf("signals %b, want DCD and RI", p.Signals())
	}
	if err := p.SetDTR(false); err != nil || p.Signals().Has(lines.DTR) {
		t.Errorf("SetDTR: %v, signals %b", err, p.Signals())
	}
	changed(t, p)
	u.put(0, unix.EIO) // pulled out
	changed(t, p)
	if p.Signals() != 0 {
		t.Errorf("signals %b of a device that is gone", p.Signals())
	}
	u.put(0, nil)
	if err := p.Break(time.Millisecond); err != nil {
		t.Error(err)
	}
	p.Close()
	want := []string{"set 0x6 false", "break true", "break false", "discard", "exclusive false"}
	if got := u.calls(); !slices.Equal(got, want) {
		t.Errorf("calls %q, want %q", got, want)
	}
}

// With hardware flow control, the UART drives RTS.
func TestSerialHardwareFlow(t *testing.T) {
	_, slave := newPTY(t)
	u := &uart{}
	p := mustOpen(t, Address{Scheme: Serial, Path: slave}, Options{circuits: u})
	u.calls()
	p.SetDTR(false)
	if got := u.calls(); !slices.Equal(got, []string{"set 0x2 false"}) || p.Signals() != lines.RTS {
		t.Errorf("calls %q, signals %b", got, p.Signals())
	}
}

// Close ends a BREAK and takes the line out of the space state before it closes the device.
func TestSerialCloseEndsBreak(t *testing.T) {
	_, slave := newPTY(t)
	u := &uart{}
	p := mustOpen(t, Address{Scheme: Serial, Path: slave}, Options{circuits: u})
	u.calls()
	ended := make(chan error)
	go func() { ended <- p.Break(time.Hour) }()
	for tick := time.Tick(time.Millisecond); ; <-tick { // until the BREAK has started
		u.mu.Lock()
		begun := slices.Contains(u.log, "break true")
		u.mu.Unlock()
		if begun {
			break
		}
	}
	p.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := u.calls(); len(got) < 2 || got[1] != "break false" {
		t.Errorf("calls %q", got)
	}
}

// The wait for a modem that holds CTS off ends at its limit, in the bubble's time.
func TestBreakOfStuckPort(t *testing.T) {
	_, slave := newPTY(t)
	synctest.Test(t, func(t *testing.T) {
		u := &uart{stuck: 7}
		f, err := os.OpenFile(slave, os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		p := &tty{f: f, kernel: u, name: "serial:///dev/ttyS0", breaking: make(chan struct{}, 1),
			closing: make(chan struct{})}
		if p.conn, err = f.SyscallConn(); err != nil {
			t.Fatal(err)
		}
		if err := p.Break(time.Second); !errors.Is(err, os.ErrDeadlineExceeded) ||
			!strings.Contains(err.Error(), "is CTS off?") {
			t.Errorf("Break: %v", err)
		}
		if got := u.calls(); len(got) != 0 {
			t.Errorf("calls %q", got)
		}
	})
}

// One goroutine polls any number of ports and ends with the last.
func TestPoller(t *testing.T) {
	poller := &Poller{Interval: time.Millisecond}
	var ports []lines.Port
	var uarts []*uart
	for range 20 {
		_, slave := newPTY(t)
		u := &uart{}
		uarts = append(uarts, u)
		ports = append(ports, mustOpen(t, Address{Scheme: Serial, Path: slave}, Options{circuits: u, Poller: poller}))
	}
	for i, p := range ports {
		changed(t, p)
		uarts[i].put(unix.TIOCM_CAR, nil)
		changed(t, p)
		if !p.Signals().Has(lines.DCD) {
			t.Errorf("port %d: signals %b", i, p.Signals())
		}
	}
	done := poller.done
	var closers sync.WaitGroup
	for _, p := range ports {
		closers.Go(func() { p.Close() })
	}
	closers.Wait()
	<-done // the goroutine has ended
	_, slave := newPTY(t)
	u := &uart{bits: unix.TIOCM_CAR}
	p := mustOpen(t, Address{Scheme: Serial, Path: slave}, Options{circuits: u, Poller: poller})
	changed(t, p)
	u.put(0, nil)
	<-p.Changes() // it polls again
}

// changed waits for a token of the port's signals.
func changed(t *testing.T, p lines.Port) {
	t.Helper()
	select {
	case <-p.Changes():
	case <-time.After(time.Minute):
		t.Fatal("no signal has changed")
	}
}
