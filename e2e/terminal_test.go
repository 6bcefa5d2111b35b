package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a program on the test's own terminal, 80 columns by 24 rows.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	tty    *os.File // the other end, held open so that its settings can be read and nothing is lost
	before *unix.Termios
	ended  chan struct{}

	mu     sync.Mutex
	screen bytes.Buffer // all output
	seen   int          // searched up to here
	more   chan struct{}
}

// atTerminal starts the program at a terminal. The program is killed at the end of the test.
func atTerminal(t *testing.T, state string, args ...string) *terminal {
	t.Helper()
	c := exec.Command(program(t), args...)
	c.Env = append(os.Environ(), "XDG_STATE_HOME="+state)
	return onTerminal(t, c)
}

// onTerminal is atTerminal for a command.
func onTerminal(t *testing.T, c *exec.Cmd) *terminal {
	t.Helper()
	master, tty := openTerminal(t)
	p := &terminal{t: t, cmd: c, master: master, tty: tty, ended: make(chan struct{}), more: make(chan struct{}, 1)}
	var err error
	if p.before, err = unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS); err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = tty, tty, tty
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.cmd.Wait(); close(p.ended) }()
	read := make(chan struct{})
	go func() { defer close(read); p.read() }()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.ended
		master.SetReadDeadline(time.Unix(1, 0))
		<-read
		master.Close()
		tty.Close()
		if t.Failed() {
			t.Logf("%q showed:\n%s", c.Args[1:], p.text())
		}
	})
	return p
}

func openTerminal(t *testing.T) (master, tty *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err1 := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	err2 := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	err3 := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "/dev/ptmx"), tty
}

func (p *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := p.master.Read(buf)
		p.mu.Lock()
		p.screen.Write(buf[:n])
		p.mu.Unlock()
		select {
		case p.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (p *terminal) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.screen.String()
}

// see waits until the screen shows text after the last match.
func (p *terminal) see(text string) {
	p.t.Helper()
	late := time.After(patience)
	for {
		p.mu.Lock()
		i := bytes.Index(p.screen.Bytes()[p.seen:], []byte(text))
		if i >= 0 {
			p.seen += i + len(text)
		}
		p.mu.Unlock()
		if i >= 0 {
			return
		}
		select {
		case <-p.more:
		case <-late:
			p.t.Fatalf("%q does not show %q in %v", p.cmd.Args[1:], text, patience)
		}
	}
}

// enter types a line.
func (p *terminal) enter(line string) { p.press(line + "\r") }

func (p *terminal) press(keys string) {
	p.t.Helper()
	if _, err := p.master.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// end waits for the program's end, and checks that it restored the terminal.
func (p *terminal) end(status int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("%q has not ended in %v", p.cmd.Args[1:], patience)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != status {
		p.t.Errorf("%q: %v, must be %d", p.cmd.Args[1:], p.cmd.ProcessState, status)
	}
	after, err := unix.IoctlGetTermios(int(p.tty.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	if *after != *p.before {
		p.t.Errorf("%q leaves the terminal changed:\n%+v\nit was\n%+v", p.cmd.Args[1:], *after, *p.before)
	}
}

// A newcomer's first minutes: they read one screen, dial, are called back, and leave; meanwhile another user is at
// another PC.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	state := tempDir(t)
	dir := filepath.Join(state, "ringback", "lab")
	l := atTerminal(t, state, "lab", "--pace", "20")
	l.see("Ctrl-] leaves and ends the lab.\r\n")
	for _, want := range []string{"austin-02", "hana-1993", "84002", "lab call --as austin-02",
		"show callback ID --trace", "at 20 times real speed", dir} {
		if !strings.Contains(l.text(), want) {
			t.Errorf("the explanation does not say %q", want)
		}
	}
	_, first, _ := strings.Cut(l.text(), "\x1b[K")
	if rows := strings.Count(first, "\n"); rows > 23 {
		t.Errorf("the explanation has %d rows: with the row to type in it is more than a screen", rows)
	}
	l.enter("ats0=1")
	l.see("OK")
	l.enter("atdt 55555")
	l.see("CONNECT")
	l.see("Username: ")
	l.enter("austin-01")
	l.see("Password: ")
	l.enter("maui-1993")
	l.see("Callback initiated - line is disconnected")
	l.see("NO CARRIER")

	other := atTerminal(t, state, "lab", "call", "--as", "austin-02")
	other.see("You sit at austin-02's PC and modem, number 84002.")
	other.see("Ctrl-] leaves.\r\n")
	other.enter("atdt 55555")
	other.see("Username: ")
	other.enter("paia-04")
	other.see("Password: ")
	other.enter("hookipa-4")
	other.see("maui-nas-04>")

	third := atTerminal(t, state, "lab", "call", "--as", "austin-02")
	third.see("the PC of austin-02 is in use")
	third.end(1)

	l.see("RING")
	l.see("CONNECT")
	l.see("maui-nas-04>")
	l.enter("show users")
	l.see("austin-01  exec")
	l.see("maui-nas-04>")

	other.press("\x1d")
	other.end(0)
	again := atTerminal(t, state, "lab", "call", "--as", "austin-02")
	again.see("Ctrl-] leaves.\r\n")

	l.press("\x03") // Ctrl-C goes to the modem, not to the lab
	l.enter("")
	l.see("maui-nas-04>")
	l.press("\x1d")
	l.see("the lab has ended; its files stay in " + dir)
	l.end(0)
	again.end(0) // the modem is gone
	gone(t, dir)
}

// gone checks that a lab has ended its daemon and removed its traces.
func gone(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"running.json", "ringback.sock", "lab.sock"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	pid, err := strconv.Atoi(strings.TrimSpace(readFile(t, filepath.Join(dir, "daemon.pid"))))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("the daemon (pid %d) is still there: %v", pid, err)
	}
}

// However a lab is ended, its daemon ends with it.
func TestLabEnds(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			state := tempDir(t)
			dir := filepath.Join(state, "ringback", "lab")
			l := atTerminal(t, state, "lab", "--pace", "20")
			l.see("Ctrl-] leaves")
			if err := l.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if sig != syscall.SIGKILL {
				l.end(0)
				gone(t, dir)
				return
			}
			// A killed lab cannot clean up; its daemon still ends, and the next lab is not confused by the remains.
			<-l.ended
			next := atTerminal(t, state, "lab", "--pace", "20")
			next.see("Ctrl-] leaves")
			next.press("\x1d")
			next.end(0)
			gone(t, dir)
		})
	}
}

// If the terminal is closed in the middle of a call, a lab that is started immediately afterwards waits for the
// previous one's daemon.
func TestLabAgainAtOnce(t *testing.T) {
	t.Parallel()
	state := tempDir(t)
	l := atTerminal(t, state, "lab", "--pace", "20")
	l.see("Ctrl-] leaves")
	l.enter("atdt 55555")
	l.see("Username: ")
	if err := l.cmd.Process.Signal(syscall.SIGHUP); err != nil { // as at the end of the terminal
		t.Fatal(err)
	}
	eventually(t, "the lab's beginning to end", func() bool {
		return strings.Contains(readFile(t, filepath.Join(state, "ringback", "lab", "lab.lock")), `"ending":true`)
	})
	next := atTerminal(t, state, "lab", "--pace", "20")
	next.see("Ctrl-] leaves")
	l.end(0)
	next.press("\x1d")
	next.end(0)
	gone(t, filepath.Join(state, "ringback", "lab"))
}

// If the daemon ends by itself, the user at the terminal is told, and the lab ends.
func TestDaemonEnds(t *testing.T) {
	t.Parallel()
	state := tempDir(t)
	dir := filepath.Join(state, "ringback", "lab")
	l := atTerminal(t, state, "lab", "--pace", "20")
	l.see("Ctrl-] leaves")
	pid, err := strconv.Atoi(strings.TrimSpace(readFile(t, filepath.Join(dir, "daemon.pid"))))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	l.see("the daemon stopped; its log is " + filepath.Join(dir, "ringback.log"))
	l.end(1)
}
