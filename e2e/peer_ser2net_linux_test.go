package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lab/servers"
)

// TestPeerSer2net plays a whole callback on lines behind ser2net, as at a console server: exchange modem, cable with
// DTR and DCD, ser2net, RFC 2217 or raw TCP, plain or over TLS, ringback. ser2net polls the cable once a second, which
// is too slow for a network 50 times as fast, but not for one at its true pace.
func TestPeerSer2net(t *testing.T) {
	t.Parallel()
	server := ser2net{program: needs(t, "ser2net", "ser2net")}
	dir := tempDir(t)
	server.shim = filepath.Join(dir, "ttymodem.so")
	out, err := exec.Command(needs(t, "gcc", "gcc"), "-shared", "-fPIC", "-O2", "-o", server.shim,
		"../lines/port/testdata/ttymodem/ttymodem.c", "-ldl").CombinedOutput()
	if err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	authority, err := servers.NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	cert := servers.Certificate{Name: "server", Hosts: []string{"127.0.0.1"}}
	if err := authority.WriteFiles(dir, cert); err != nil {
		t.Fatal(err)
	}
	overTLS := fmt.Sprintf("ssl(key=%s/server.key,cert=%[1]s/server.pem),tcp", dir)
	for _, c := range []struct {
		scheme   string
		accepter string // of ser2net, without its address
		signals  bool
	}{
		{"rfc2217", "telnet(rfc2217),tcp", true},
		{"rfc2217s", "telnet(rfc2217)," + overTLS, true},
		{"tcps", overTLS, false},
	} {
		t.Run(c.scheme, func(t *testing.T) {
			t.Parallel()
			dir, ca := tempDir(t), dir+"/ca.pem"
			edit := func(name, text string) string {
				if text = shortWait(name, text); name == "ringback.yaml" && c.scheme != "rfc2217" {
					const flow = "flow_control: hardware,"
					text = strings.ReplaceAll(text, flow, flow+" tls: {ca_file: "+ca+"},")
				}
				return text
			}
			port := func(tty int, m *exchange.Modem) (string, error) {
				host, err := server.serve(t, c.accepter, filepath.Join(dir, fmt.Sprint(tty)), m)
				url := c.scheme + "://" + host
				if c.signals {
					url += "?speed=115200"
				}
				return url, err
			}
			l := startTown(t, lab.Options{Pace: 4, Edit: edit, Line: port})
			play(t, l, shipped(t, "any-number"))
			if d := lineDials(l); len(d) != 1 || d[0].Number != "84001" {
				t.Errorf("dial commands of the lines: %+v, must be one to 84001", d)
			}
			lines, err := l.Client().Lines(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range lines {
				if !strings.HasPrefix(line.Port, c.scheme+"://") {
					t.Errorf("line %d has the port %s", line.TTY, line.Port)
				}
				if strings.Contains(line.Signals, "DSR") != c.signals {
					t.Errorf("line %d shows the signals %q", line.TTY, line.Signals)
				}
			}
		})
	}
}

// ser2net is the program, and the shim that gives its terminals modem signals.
type ser2net struct{ program, shim string }

// serve connects a modem to a ser2net of its own and returns its address.
func (s ser2net) serve(t *testing.T, accepter, dir string, m *exchange.Modem) (host string, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	master, tty := openTerminal(t)
	if err := rawTerminal(tty); err != nil {
		return "", err
	}
	in, driven := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := unix.Mkfifo(driven, 0o600); err != nil {
		return "", err
	}
	fd, err := unix.Open(driven, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	fifo := os.NewFile(uintptr(fd), driven)
	plug(t, m.DTE(), master, fifo, in)
	t.Cleanup(func() { tty.Close() })
	for range 5 { // another process may take the port before ser2net does
		if host := s.run(t, accepter, dir, tty.Name(), in, driven); host != "" {
			return host, nil
		}
	}
	return "", fmt.Errorf("ser2net did not come up on any of five ports")
}

// plug is the cable between a modem and the master of a terminal: bytes in both directions, DTR from the FIFO, the
// other circuits into the file in.
func plug(t *testing.T, dte *exchange.DTE, master, fifo *os.File, in string) {
	dte.SetDTR(false)
	lines := func() {
		var on []string
		for _, l := range []struct {
			bit  exchange.Signals
			word string
		}{{exchange.DCD, "dcd"}, {exchange.DSR, "dsr"}, {exchange.CTS, "cts"}, {exchange.RI, "ri"}} {
			if dte.Signals().Has(l.bit) {
				on = append(on, l.word)
			}
		}
		if err := os.WriteFile(in+".new", []byte(strings.Join(on, " ")), 0o600); err == nil {
			os.Rename(in+".new", in)
		}
	}
	lines()
	ended := make(chan struct{})
	done := make(chan struct{}, 4)
	go func() { io.Copy(struct{ io.Writer }{master}, struct{ io.Reader }{dte}); done <- struct{}{} }()
	go func() { io.Copy(struct{ io.Writer }{dte}, struct{ io.Reader }{master}); done <- struct{}{} }()
	go func() {
		defer func() { done <- struct{}{} }()
		for s := bufio.NewScanner(fifo); s.Scan(); {
			if !strings.HasPrefix(s.Text(), "break") {
				dte.SetDTR(strings.Contains(s.Text(), "dtr"))
			}
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		for {
			select {
			case <-dte.Changes():
				lines()
			case <-ended:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(ended)
		dte.Close()
		master.Close()
		fifo.Close()
		for range 4 {
			<-done
		}
	})
}

func rawTerminal(tty *os.File) error {
	a, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		return err
	}
	a.Iflag, a.Oflag, a.Lflag = 0, 0, 0
	a.Cflag = a.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8 | unix.CLOCAL | unix.CREAD
	return unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, a)
}

// run starts ser2net on a terminal and returns its address, "" if it could not serve.
func (s ser2net) run(t *testing.T, accepter, dir, tty, in, driven string) string {
	host := quietPort(t)
	ip, port, _ := net.SplitHostPort(host)
	config := filepath.Join(dir, "ser2net.yaml")
	text := fmt.Sprintf("%%YAML 1.1\n---\nconnection: &modem\n  accepter: %s,%s,%s\n  connector: "+
		"serialdev,%s,115200n81\n", accepter, ip, port, tty)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(s.program, "-n", "-d", "-c", config, "-P", filepath.Join(dir, "pid"))
	cmd.Env = append(os.Environ(), "LD_PRELOAD="+s.shim, "TTYMODEM_IN="+in, "TTYMODEM_OUT="+driven)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("ser2net of %s says: %s", tty, log.String())
		}
	})
	if serves(host, ended) {
		return host
	}
	cmd.Process.Kill()
	<-ended
	return ""
}

// serves waits until a process listens at host. A connection would open the device, so it reads /proc.
func serves(host string, ended <-chan struct{}) bool {
	addr, err := net.ResolveTCPAddr("tcp4", host)
	if err != nil {
		return false
	}
	listening := fmt.Appendf(nil, ": 0100007F:%04X 00000000:0000 0A ", addr.Port) // 0A is LISTEN
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 6000 {
		if table, err := os.ReadFile("/proc/net/tcp"); err == nil && bytes.Contains(table, listening) {
			return true
		}
		select {
		case <-ended:
			return false
		case <-tick.C:
		}
	}
	return false
}
