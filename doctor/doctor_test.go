package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/port"
)

// line returns line tty 65 with this port.
func line(t *testing.T, url string) config.Line {
	t.Helper()
	a, err := port.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	return config.Line{Config: lines.Config{TTY: 65, Port: url}, Address: a}
}

// site makes a root directory with these files; a text that begins with "->" is a symbolic link. The user is root.
func site(t *testing.T, url string, files map[string]string) *Site {
	t.Helper()
	root := t.TempDir()
	files["/proc/1/comm"] = "systemd\n"
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "->"); ok {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o660)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return &Site{Lines: []config.Line{line(t, url)}, Root: root}
}

// found makes one check and returns what it prints.
func found(t *testing.T, s *Site, name string) string {
	t.Helper()
	for _, c := range Checks() {
		if c.Name != name {
			continue
		}
		r := Run(t.Context(), s, []Check{c})
		var all []string
		for _, f := range r.Findings {
			all = append(all, fmt.Sprintf("%d: %s | %s", f.TTY, f.Found, f.Fix))
		}
		for _, s := range r.Skipped {
			all = append(all, "skipped: "+s.Why)
		}
		return strings.Join(all, "\n")
	}
	t.Fatalf("there is no check %q", name)
	return ""
}

// Each check with a machine on which it finds something, and one on which it finds nothing.
func TestDevices(t *testing.T) {
	const url = "serial:///dev/ttyS0"
	for _, tt := range []struct {
		check, url string
		files      map[string]string
		want       string // "" nothing
	}{
		{"device", url, map[string]string{"/dev/ttyS0": ""}, ""},
		{"device", url, map[string]string{"/dev/serial/by-id/usb-FTDI-if00": "->../../ttyUSB0"},
			"65: /dev/ttyS0 does not exist | plug it in, or write one of: serial:///dev/serial/by-id/usb-FTDI-if00"},
		{"by-number", url, map[string]string{"/dev/ttyS0": ""}, ""},
		{"by-number", "serial:///dev/ttyUSB1", map[string]string{"/dev/ttyUSB1": "",
			"/dev/serial/by-id/a": "->../../ttyUSB0", "/dev/serial/by-id/b": "->../../ttyUSB1"},
			"65: /dev/ttyUSB1 may name another adapter when it is plugged in again | write port: " +
				"serial:///dev/serial/by-id/b"},
		{"getty", url, map[string]string{"/dev/ttyS0": "", "/etc/systemd/system/getty.target.wants/" +
			"serial-getty@ttyS1.service": ""}, ""},
		{"getty", url, map[string]string{"/etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service": ""},
			"65: systemd starts a login on /dev/ttyS0 (serial-getty@ttyS0.service) | systemctl disable --now " +
				"serial-getty@ttyS0.service"},
		{"getty", url, map[string]string{"/run/systemd/generator/getty.target.wants/serial-getty@ttyS0.service": ""},
			"65: systemd starts a login on /dev/ttyS0 (serial-getty@ttyS0.service) | systemctl mask --now " +
				"serial-getty@ttyS0.service"},
		{"getty", "serial:///dev/modem", map[string]string{"/dev/modem": "->ttyS0", "/dev/ttyS0": "",
			"/proc/77/comm": "mgetty\n", "/proc/77/fd/3": "->/dev/ttyS0", "/proc/77/fd/4": "->/dev/ttyS0"},
			"65: mgetty (process 77) waits for a login on /dev/ttyS0 | systemctl disable --now " +
				"serial-getty@ttyS0.service (or remove it from /etc/inittab)"},
		{"modem-manager", url, map[string]string{"/proc/9/comm": "NetworkManager\n"}, ""},
		{"modem-manager", url, map[string]string{"/proc/9/comm": "ModemManager\n"},
			"0: ModemManager (process 9) sends commands to new serial devices and modems | systemctl mask --now " +
				"ModemManager.service"},
		{"modem-manager", "tcp://127.0.0.1:7001", map[string]string{"/proc/9/comm": "ModemManager\n"}, ""},
		{"console", url, map[string]string{"/proc/cmdline": "quiet console=ttyS1,115200 console=tty0\n"}, ""},
		{"console", url, map[string]string{"/proc/cmdline": "quiet console=ttyS0,115200\n"},
			"65: the kernel's console is /dev/ttyS0 | remove console=ttyS0,115200 from the kernel's command line (on " +
				"Debian in /etc/default/grub, then update-grub) and restart"},
		{"in-use", url, map[string]string{"/proc/77/comm": "ringback\n", "/proc/77/fd/3": "->/dev/ttyS0"}, ""},
		{"in-use", url, map[string]string{"/proc/77/comm": "minicom\n", "/proc/77/fd/3": "->/dev/ttyS0"},
			"65: minicom (process 77) has /dev/ttyS0 open | end it: kill 77"},
		{"in-use", url, map[string]string{"/proc/1/fd/3": "->/dev/ttyS0"}, "65: systemd (process 1) has /dev/ttyS0 " +
			"open | stop the service or the container for which process 1 has it open; do not end process 1"},
		{"lock", url, map[string]string{"/run/lock/LCK..ttyS1": "        99\n"}, ""},
		{"lock", url, map[string]string{"/run/lock/LCK..ttyS0": "        77\n", "/proc/77/comm": "ringback\n"}, ""},
		{"lock", url, map[string]string{"/run/lock/LCK..ttyS0": "        99\n"},
			"65: /run/lock/LCK..ttyS0 is of process 99, which has ended; ringback removes it, other programs may not " +
				"| rm /run/lock/LCK..ttyS0"},
		{"lock", url, map[string]string{"/run/lock/LCK..ttyS0": "        77\n", "/proc/77/comm": "sshd\n",
			"/proc/77/fd/3": "->/dev/ttyS1"}, "65: /run/lock/LCK..ttyS0 names sshd (process 77), which does not have " +
			"/dev/ttyS0 open: the lock is stale or forged, or of a program in a container | rm " +
			"/run/lock/LCK..ttyS0, if no program uses the device"},
		{"lock", url, map[string]string{"/run/lock/LCK..ttyS0": "         1\n"}, "65: /run/lock/LCK..ttyS0 names " +
			"systemd (process 1), which does not have /dev/ttyS0 open: the lock is stale or forged, or of a program " +
			"in a container | rm /run/lock/LCK..ttyS0, if no program uses the device"},
		{"lock", url, map[string]string{"/run/lock/LCK..ttyS0": "         1\n", "/proc/1/fd/3": "->/dev/ttyS0"},
			"65: systemd (process 1) has locked it (/run/lock/LCK..ttyS0) | stop the service or the container for " +
				"which process 1 has it open; do not end process 1"},
		{"lock", url, map[string]string{"/run/lock/LCK..ttyS0": "->/dev/zero"}, "65: /run/lock/LCK..ttyS0 is a " +
			"symbolic link, not a lock file: ringback does not use the line | rm /run/lock/LCK..ttyS0"},
		{"lock", url, map[string]string{"/run/lock/LCK..ttyS0/x": ""}, "65: /run/lock/LCK..ttyS0 is a directory, not " +
			"a lock file: ringback does not use the line | rm -r /run/lock/LCK..ttyS0"},
		{"lock", url, map[string]string{"/var/lock/LCK..ttyS0": "        77\n", "/proc/77/comm": "minicom\n",
			"/proc/77/fd/3": "->/dev/ttyS0"},
			"65: minicom (process 77) has locked it (/var/lock/LCK..ttyS0) | end it: kill 77"},
		{"lock", url, map[string]string{"/run/lock/LCK..ttyS0": ""},
			"65: /run/lock/LCK..ttyS0 contains no process number, so nobody knows whose it is | rm " +
				"/run/lock/LCK..ttyS0, if no program uses the device"},
	} {
		if got := found(t, site(t, tt.url, tt.files), tt.check); got != tt.want {
			t.Errorf("%s, %v:\n got %s\nwant %s", tt.check, tt.files, got, tt.want)
		}
	}
}

// A FIFO and a huge file in the place of a lock file neither block nor are read to their end.
func TestLockIsNone(t *testing.T) {
	s := site(t, "serial:///dev/ttyS0", map[string]string{"/dev/ttyS0": "", "/run/lock/x": ""})
	path := filepath.Join(s.Root, "/run/lock/LCK..ttyS0")
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	const fifo = "65: /run/lock/LCK..ttyS0 is a FIFO, not a lock file: ringback does not use the line | rm " +
		"/run/lock/LCK..ttyS0"
	if got := found(t, s, "lock"); got != fifo {
		t.Error(got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Fatal(err)
	}
	if got := found(t, s, "lock"); !strings.Contains(got, "contains no process number") {
		t.Error(got)
	}
}

// A process whose files are hidden from this user is not blamed.
func TestLockHidden(t *testing.T) {
	for _, tt := range []struct {
		p    process
		want Finding
	}{
		{process{77, "sshd"}, Finding{Found: "/run/lock/LCK..ttyS0 names sshd (process 77); whether that has " +
			"/dev/ttyS0 open is hidden from this user", Fix: "run doctor as root, outside of containers"}},
		{process{1, "init"}, Finding{Found: "/run/lock/LCK..ttyS0 names init (process 1), which is the first of the " +
			"system: the lock is stale or forged, or of a program in a container",
			Fix: "rm /run/lock/LCK..ttyS0, if no program uses the device"}},
	} {
		s := &Site{hidden: map[int]bool{tt.p.pid: true}}
		if got := s.lock([]process{tt.p}, "/dev/ttyS0", "/run/lock/LCK..ttyS0", tt.p.pid, nil); got != tt.want {
			t.Errorf("%+v", got)
		}
	}
}

// The fix of a port that cannot be opened, or a modem that does not answer, is by its cause.
func TestModemFixes(t *testing.T) {
	for reason, want := range map[string]string{
		"serial:///dev/ttyS0: locked by process 7 (minicom); end it or remove /run/lock/LCK..ttyS0": "end that " +
			"program, or remove its lock file",
		"serial:///dev/ttyS0: locked by process 1 (systemd), which is the first of the system: the lock is stale " +
			"or forged, or of a program in a container; remove /run/lock/LCK..ttyS0 if no program uses the device": "" +
			"remove the lock file that the reason names, if no program uses the device",
		"serial:///dev/ttyS0: lock file /run/lock/LCK..ttyS0 is a FIFO, not a regular file, which no program makes " +
			"there: remove it (rm /run/lock/LCK..ttyS0)": "remove it with the command that the reason names",
		"serial:///dev/ttyS0: no such file or directory (is the device plugged in?": "plug it in; ls " +
			"/dev/serial/by-id lists the adapters",
		"serial:///dev/ttyS0: permission denied (is this user in group dialout?": "usermod -aG dialout USER, then " +
			"start the daemon again",
		"rfc2217://h:1: connection refused (is the server running?)": "start the server, and check its TCP port",
		"rfc2217://h:1: i/o timeout":                                 fixServer,
		"serial:///dev/ttyS0: no OK to AT within 5s: \"\": i/o timeout": "switch the modem on; check its speed, its " +
			"cable and flow_control",
		"serial:///dev/ttyS0: the modem answered ERROR to AT": "switch the modem off and on",
		"something else": "ringback modem probe serial:///dev/ttyS0 shows more",
	} {
		s := site(t, "serial:///dev/ttyS0", map[string]string{"/dev/ttyS0": ""})
		s.Ask = func(context.Context, config.Line) (Modem, error) { return Modem{}, errors.New(reason) }
		if got := found(t, s, "modem"); got != "65: "+reason+" | "+want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestSharedDevice(t *testing.T) {
	s := site(t, "serial:///dev/ttyUSB0", map[string]string{"/dev/ttyUSB0": "",
		"/dev/serial/by-id/a": "->../../ttyUSB0"})
	other := line(t, "serial:///dev/serial/by-id/a")
	other.TTY = 66
	s.Lines = append(s.Lines, other)
	const want = "66: /dev/serial/by-id/a and /dev/ttyUSB0 of tty 65 are both /dev/ttyUSB0 | remove one of the lines"
	if got := found(t, s, "same-device"); got != want {
		t.Error(got)
	}
}

func TestPermission(t *testing.T) {
	s := site(t, "serial:///dev/ttyS0", map[string]string{"/dev/ttyS0": ""})
	if got := found(t, s, "permission"); got != "" {
		t.Errorf("root: %s", got)
	}
	s.User = User{UID: 54321}
	if err := os.Chmod(filepath.Join(s.Root, "dev/ttyS0"), 0o660); err != nil {
		t.Fatal(err)
	}
	fix := "usermod -aG "
	if os.Getegid() == 0 {
		fix = "chgrp dialout /dev/ttyS0" // nobody should join group 0
	}
	if got := found(t, s, "permission"); !strings.Contains(got, "user 54321 may not read and write /dev/ttyS0") ||
		!strings.Contains(got, fix) {
		t.Errorf("a stranger: %s", got)
	}
	if err := os.Chmod(filepath.Join(s.Root, "dev/ttyS0"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := found(t, s, "permission"); !strings.Contains(got, "&& chmod g+rw /dev/ttyS0") {
		t.Errorf("no group may: %s", got)
	}
	for _, tt := range []struct {
		u    User
		mode os.FileMode
		want bool
	}{
		{User{UID: 5}, 0o600, true}, {User{UID: 5}, 0o060, false}, {User{UID: 6, GIDs: []int{20}}, 0o660, true},
		{User{UID: 6, GIDs: []int{20}}, 0o640, false}, {User{UID: 6}, 0o666, true}, {User{UID: 6}, 0o660, false},
	} {
		if got := tt.u.may(tt.mode, 5, 20); got != tt.want {
			t.Errorf("%+v, mode %o: %v", tt.u, tt.mode, got)
		}
	}
}

func TestDaemon(t *testing.T) {
	const serial, remote = "serial:///dev/ttyS0", "rfc2217://console1:2217"
	for _, tt := range []struct {
		check, url string
		line       client.Line
		want       string
	}{
		{"line", serial, client.Line{State: "idle"}, ""},
		{"line", serial, client.Line{State: "down", Reason: "no OK to AT"}, "65: down: no OK to AT | switch the " +
			"modem on; check its speed, its cable and flow_control; then ringback clear line 65"},
		{"line", remote, client.Line{State: "down", Reason: "its server does not support them (COM-PORT, RFC 2217)"},
			"65: down: its server does not support them (COM-PORT, RFC 2217) | enable RFC 2217 at the server " +
				"(ser2net: accepter: telnet(rfc2217),tcp,PORT), or set insecure_signals: true"},
		{"line", serial, client.Line{State: "quarantined", Reason: "x"}, "65: quarantined: x | ringback debug " +
			"modem shows what the modem answers; then ringback clear line 65"},
		{"notice", serial, client.Line{State: "idle", Notices: []string{"no caller ID"}},
			"65: no caller ID | ringback show line 65"},
		{"dcd", serial, client.Line{State: "in call", Signals: "DCD DSR"}, ""},
		{"dcd", serial, client.Line{State: "idle", Signals: "DCD DSR"}, "65: DCD is on while the line is on hook | " +
			fixCarrier},
		{"wires", serial, client.Line{State: "idle", Signals: "DTR RTS DSR CTS"}, ""},
		{"wires", serial + "?flow=none", client.Line{State: "idle", Signals: "DTR RTS DSR"}, ""},
		{"wires", serial, client.Line{State: "idle", Signals: "DTR RTS DSR"}, "65: CTS is off: with hardware flow " +
			"control nothing can be sent | AT&K3 (or &R2&H1) in the modem; use a cable with RTS and CTS, or " +
			"flow_control: none"},
		{"com-port", remote, client.Line{State: "idle", Signals: "DSR"}, ""},
		{"com-port", remote, client.Line{State: "idle", InBand: true}, "65: the server reports no modem signals, so " +
			"the state of the modem cannot be seen | enable RFC 2217 at the server (ser2net: accepter: " +
			"telnet(rfc2217),tcp,PORT)"},
		{"com-port", "tcp://console1:1", client.Line{State: "idle", InBand: true}, ""},
	} {
		tt.line.TTY = 65
		s := &Site{Lines: []config.Line{line(t, tt.url)}, Daemon: &Daemon{Lines: []client.Line{tt.line}}}
		if got := found(t, s, tt.check); got != tt.want {
			t.Errorf("%s, %+v:\n got %s\nwant %s", tt.check, tt.line, got, tt.want)
		}
	}
	s := &Site{Daemon: &Daemon{Health: client.Health{Warnings: []client.Warning{{What: "the disk is full",
		Fix: "free some space"}}}}}
	if got := found(t, s, "daemon"); got != "0: the disk is full | free some space" {
		t.Error(got)
	}
	s.Daemon.Nodes = client.Nodes{Nodes: []client.Node{{Name: "lyon-1", State: "up"},
		{Name: "lyon-2", State: "silent"}}}
	if got := found(t, s, "fleet"); got != "0: node lyon-2 of the fleet is silent | look at that machine; if it is "+
		"off for good: ringback fleet remove lyon-2" {
		t.Error(got)
	}
	s.Daemon.Nodes.Nodes[1] = client.Node{Name: "lyon-2", State: "up", Differs: []string{"numbers", "version"}}
	if got := found(t, s, "fleet"); got != "0: node lyon-2 differs in numbers, version | give both nodes the same "+
		"version and files; ringback show nodes -o wide" {
		t.Error(got)
	}
	for _, c := range daemonChecks {
		if got := found(t, &Site{}, c.Name); got != "skipped: no daemon answers" {
			t.Errorf("%s: %s", c.Name, got)
		}
	}
}

// rockwell is an answer to AT&V in the form of the modems with Rockwell's commands; made for this test.
const rockwell = "\r\nACTIVE PROFILE:\r\nB0 E1 L1 M1 N1 P Q0 V1 W0 X4 Y0 &C1 &D2 &G0 &J0 &K3 &Q5 &R1 &S0 &T5\r\n" +
	"S00:000 S01:000 S02:043 S03:013 S04:010 S07:050\r\n\r\nSTORED PROFILE 0:\r\n" +
	"B0 E1 L1 M1 N1 P Q1 V1 W0 X3 Y0 &C0 &D0 &G0 &J0 &K3 &Q5 &R1 &S0 &T5 &X0\r\n" +
	"S00:002 S02:043 S03:013 S05:038 S06:003\r\n\r\nSTORED PROFILE 1:\r\nB0 E1 &C1 &D2\r\nS00:000\r\n\r\n" +
	"TELEPHONE NUMBERS:\r\n\r\nOK\r\n"

func TestModems(t *testing.T) {
	active, stored := settings(rockwell)
	asked := Modem{Signals: lines.DSR | lines.CTS, Active: active, Stored: stored}
	s := site(t, "serial:///dev/ttyS0", map[string]string{"/dev/ttyS0": ""})
	calls := 0
	s.Ask = func(context.Context, config.Line) (Modem, error) { calls++; return asked, nil }
	s.Lines = append(s.Lines, line(t, "tcp://127.0.0.1:7001")) // never asked: a caller could be on the line
	for check, want := range map[string]string{
		"modem": "", "modem-dcd": "", "modem-wires": "",
		"answers-itself": "65: S0=2: the modem answers by itself while ringback does not run, or before it has set " +
			"the modem up | ATS0=0&W in the modem",
		"stored-profile": "65: the stored profile has &C0: DCD is always on after each reset | AT&C1&W in the modem\n" +
			"65: the stored profile has &D0: DTR does not hang up after each reset | AT&D2&W in the modem\n" +
			"65: the stored profile has Q1: result codes are suppressed after each reset | ATQ0&W in the modem\n" +
			"65: the stored profile has X3: dial tone is not waited for, or BUSY is not reported after each reset | " +
			"ATX4&W in the modem\n" +
			"65: the stored profile has S5=38: another character is the backspace, so that a command may become a " +
			"dial, after each reset | ATS5=8&W in the modem",
	} {
		s.Lines[1].TTY = 66
		if got := found(t, s, check); got != want {
			t.Errorf("%s:\n got %s\nwant %s", check, got, want)
		}
	}
	if calls != 1 {
		t.Errorf("asked %d times", calls)
	}
	s.Daemon = &Daemon{}
	if got := found(t, s, "modem"); got != "skipped: the daemon uses the ports: stop it to have its modems asked" {
		t.Error(got)
	}
	s = site(t, "serial:///dev/ttyS0", map[string]string{"/dev/ttyS0": "", "/proc/7/comm": "minicom",
		"/proc/7/fd/1": "->/dev/ttyS0"})
	s.Ask = func(context.Context, config.Line) (Modem, error) {
		t.Error("a port that another program uses was opened")
		return Modem{}, nil
	}
	if got := found(t, s, "modem"); got != "" {
		t.Error(got)
	}
	s.Ask = nil
	if got := found(t, s, "modem"); got != "skipped: --modems was not given: no port is opened" {
		t.Error(got)
	}
	for init, want := range map[string]string{"": "", "AT&F1X4": "", "AT&F&X0": "", "AT+X0": "", "AT+MS=V90,X": "",
		"AT&F1x3":     "X3: the modem dials without waiting for dial tone, so",
		"X0":          "X0: the modem neither waits for dial tone nor reports BUSY, so",
		"ATX2":        "X2: the modem does not report BUSY",
		"ATE0 X1S0=0": "X1: the modem neither waits for dial tone nor reports BUSY, so"} {
		s.Lines[0].Init = init
		got := found(t, s, "dial-tone")
		if want == "" && got != "" || want != "" && !strings.HasPrefix(got, "65: init has "+want) {
			t.Errorf("%s: %s", init, got)
		}
	}
}

// modemPort is a port with signals and a modem behind it that answers by a table.
type modemPort struct {
	net.Conn
	lines.Port
	sig  lines.Signals
	none bool
}

func (m modemPort) Read(b []byte) (int, error)         { return m.Conn.Read(b) }
func (m modemPort) Write(b []byte) (int, error)        { return m.Conn.Write(b) }
func (m modemPort) SetReadDeadline(t time.Time) error  { return m.Conn.SetReadDeadline(t) }
func (m modemPort) SetWriteDeadline(t time.Time) error { return m.Conn.SetWriteDeadline(t) }
func (m modemPort) Close() error                       { return m.Conn.Close() }
func (m modemPort) HasSignals() bool                   { return !m.none }
func (m modemPort) Signals() lines.Signals             { return m.sig }
func (m modemPort) String() string                     { return "serial:///dev/ttyS0" }

func TestInterview(t *testing.T) {
	for name, tt := range map[string]struct {
		port    modemPort
		answers map[string]string
		want    string // of the error; "" none
		s0      int    // of the stored profile
	}{
		"answers": {modemPort{sig: lines.DSR}, map[string]string{"AT": "AT\r\r\nOK\r\n", "AT&V": rockwell}, "", 2},
		"has no &V": {modemPort{sig: lines.DSR}, map[string]string{"AT": "\r\nOK\r\n", "AT&V": "\r\nERROR\r\n"},
			"", 0},
		"is silent": {modemPort{}, nil, "serial:///dev/ttyS0: no OK to AT within 5s", 0},
		"refuses":   {modemPort{}, map[string]string{"AT": "\r\nERROR\r\n"}, "answered ERROR to AT", 0},
		"has a call": {modemPort{sig: lines.DCD}, map[string]string{"AT": "\r\nOK\r\n"}, "DCD is on: nothing was sent",
			0},
		"has no signals": {modemPort{none: true}, nil, "no modem signals", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				tt.port.Conn = near
				go func() {
					b := make([]byte, 100)
					for {
						n, err := far.Read(b)
						if err != nil {
							return
						}
						if tt.port.sig.Has(lines.DCD) {
							t.Errorf("%q was sent into a call", b[:n])
						}
						io.WriteString(far, tt.answers[strings.TrimSpace(string(b[:n]))])
					}
				}()
				m, err := interview(tt.port)
				near.Close()
				if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%v, want %s", err, tt.want)
				}
				if m.Stored["S0"] != tt.s0 {
					t.Errorf("S0=%d", m.Stored["S0"])
				}
			})
		})
	}
}

// All rows of the table have a name of their own and say what they look at.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Checks() {
		if c.Name == "" || c.Looks == "" || seen[c.Name] {
			t.Errorf("%+v", c)
		}
		seen[c.Name] = true
	}
	broken := Check{Name: "x", find: func(context.Context, *Site) ([]Finding, error) {
		return []Finding{{Found: "a"}}, errors.New("not all")
	}}
	r := Run(t.Context(), &Site{}, []Check{broken})
	if len(r.Findings) != 1 || r.Findings[0].Check != "x" || len(r.Skipped) != 1 || r.Skipped[0].Why != "not all" {
		t.Errorf("%+v", r)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add(rockwell)
	f.Add("STORED PROFILE 0 STORED PROFILE 1 S999:999 X99999999999999999999")
	f.Fuzz(func(t *testing.T, text string) { settings(text) })
}
