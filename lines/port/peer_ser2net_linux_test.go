package port

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/lines"
)

// The behavior of ser2net 4.3.11 (gensio 2.6.2, Debian 12), as seen on the wire:
//
//   - It offers WILL ECHO and DONT ECHO by itself, and continues if they are rejected.
//   - It reports the modem's state as soon as it reads our WILL COM-PORT, and again after SET-MODEMSTATE-MASK; it does
//     not answer an empty NOTIFY-MODEMSTATE. Later changes reach us up to a second late, because it polls the device
//     once a second. So a test of DCD must be patient, and a carrier that is lost and found again within that second is
//     never reported.
//   - Behind a PTY without modem lines it still agrees to COM-PORT, reports a state of 0 and never confirms DTR.
//   - SET-CONTROL BREAK off is confirmed with the value of "on". IAC BRK has no effect unless its configuration
//     enables it.
//   - It opens the device when a client connects and closes it when the client disconnects, which drops DTR. It creates
//     no UUCP lock for a PTY.
//   - It cannot report which TCP port it chose by itself (0), and "Unable to start mdns" in its log has no meaning.
type ser2net struct {
	url    string
	master *os.File      // the modem's end of the cable
	driven *bufio.Reader // the lines that the program drives, one text line per change
	fifo   *os.File
	lines  string // path of the file with the lines that the modem has on

	kill    func()      // without a farewell, and waits for its end
	restart func() bool // at the same address
}

// ser2netTLS is the TLS of a ser2net; the zero value is none.
type ser2netTLS struct{ params, authdir string }

// startSer2net starts ser2net on a PTY; shim gives the PTY modem lines.
func startSer2net(t *testing.T, shim bool, tls ser2netTLS) *ser2net {
	t.Helper()
	program := need(t, "ser2net", "ser2net")
	dir := t.TempDir()
	master, slave := newPTY(t)
	// otherwise the master reads EIO whenever ser2net closes the slave
	hold, err := os.OpenFile(slave, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hold.Close() })
	if err := setRaw(int(hold.Fd()), settings{flow: FlowNone}); err != nil {
		t.Fatal(err)
	}
	s := &ser2net{master: master, lines: filepath.Join(dir, "in")}
	s.modem(t, "dsr cts")
	env := os.Environ()
	if shim {
		out := filepath.Join(dir, "out")
		if err := unix.Mkfifo(out, 0o600); err != nil {
			t.Fatal(err)
		}
		fd, err := unix.Open(out, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		s.fifo = os.NewFile(uintptr(fd), out)
		t.Cleanup(func() { s.fifo.Close() })
		s.driven = bufio.NewReader(s.fifo)
		env = append(env, "LD_PRELOAD="+buildShim(t, dir), "TTYMODEM_IN="+s.lines, "TTYMODEM_OUT="+out)
	}
	for range 5 { // another program may take the TCP port before ser2net does
		host := freePort(t)
		if s.run(t, program, dir, host, slave, tls, env) {
			scheme := RFC2217
			if tls.params != "" {
				scheme = RFC2217TLS
			}
			s.url = string(scheme) + "://" + host + "?speed=115200"
			s.restart = func() bool { return s.run(t, program, dir, host, slave, tls, env) }
			return s
		}
	}
	t.Fatal("ser2net did not come up on any of five ports")
	return nil
}

func need(t *testing.T, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	if err != nil {
		msg := fmt.Sprintf("needs %s: apt-get install %s", program, pkg)
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal(msg)
		}
		t.Skip(msg)
	}
	return path
}

func buildShim(t *testing.T, dir string) string {
	t.Helper()
	so := filepath.Join(dir, "ttymodem.so")
	out, err := exec.Command(need(t, "gcc", "gcc"), "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O2", "-o", so,
		"testdata/ttymodem/ttymodem.c", "-ldl").CombinedOutput()
	if err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return so
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// run starts ser2net and reports whether it serves host.
func (s *ser2net) run(t *testing.T, program, dir, host, slave string, tls ser2netTLS, env []string) bool {
	t.Helper()
	ip, port, _ := net.SplitHostPort(host)
	config := filepath.Join(dir, "ser2net.yaml")
	layer := "tcp"
	if tls.params != "" {
		layer = "ssl(" + tls.params + "),tcp"
	}
	yaml := fmt.Sprintf("%%YAML 1.1\n---\nconnection: &modem\n  accepter: telnet(rfc2217),%s,%s,%s\n  connector: "+
		"serialdev,%s,115200n81\n", layer, ip, port, slave)
	if tls.authdir != "" {
		yaml += "  options:\n    authdir: " + tls.authdir + "\n"
	}
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(program, "-n", "-d", "-c", config, "-P", filepath.Join(dir, "pid"))
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	s.kill = func() { cmd.Process.Kill(); <-ended }
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("ser2net says: %s", log.String())
		}
	})
	if serves(host, ended) {
		return true
	}
	cmd.Process.Kill()
	<-ended
	t.Logf("ser2net on %s: %s", host, log.String())
	return false
}

// serves waits until a program listens at host. A connection would open the device, so it reads /proc.
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

// modem sets the lines that the modem has on.
func (s *ser2net) modem(t *testing.T, on string) {
	t.Helper()
	if err := os.WriteFile(s.lines+".new", []byte(on), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.lines+".new", s.lines); err != nil {
		t.Fatal(err)
	}
}

// sees waits until the modem's end of the cable shows want.
func (s *ser2net) sees(t *testing.T, want string) {
	t.Helper()
	s.fifo.SetReadDeadline(time.Now().Add(time.Minute))
	var before []string
	for {
		line, err := s.driven.ReadString('\n')
		if err != nil {
			t.Fatalf("the modem sees %q, never %q: %v", before, want, err)
		}
		if line == want+"\n" {
			return
		}
		before = append(before, line)
	}
}

func open(t *testing.T, url string, o Options) lines.Port {
	t.Helper()
	a, err := Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, a, o)
}

// reading reads p all the time, like the driver of a line, and passes the data on.
func reading(p lines.Port) <-chan []byte {
	got := make(chan []byte, 100)
	go func() {
		defer close(got)
		b := make([]byte, 512)
		for {
			n, err := p.Read(b)
			if n > 0 {
				got <- bytes.Clone(b[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	return got
}

// until waits until ok accepts the signals of p.
func until(t *testing.T, p lines.Port, what string, ok func(lines.Signals) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok(p.Signals()) {
		select {
		case <-p.Changes():
		case <-ctx.Done():
			t.Fatalf("%s: signals are %06b after a minute", what, p.Signals())
		}
	}
}

// hasSpeed waits until the device has a speed.
func (s *ser2net) hasSpeed(t *testing.T, bps int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		got, err := unix.IoctlGetTermios(int(s.master.Fd()), unix.TCGETS) // those of the slave
		if err != nil {
			t.Fatal(err)
		}
		if got.Cflag&unix.CBAUD == baudOf[bps] {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("the device does not get %d bit/s", bps)
		}
	}
}

func TestPeerSer2net(t *testing.T) {
	t.Parallel()
	s := startSer2net(t, true, ser2netTLS{})
	p := open(t, s.url, Options{FlowControl: FlowNone})
	if !p.HasSignals() {
		t.Fatal("no signals")
	}
	s.sees(t, "dtr rts")
	until(t, p, "open", func(g lines.Signals) bool { return g == lines.DSR|lines.CTS|lines.DTR|lines.RTS })

	got := reading(p)
	t.Run("signals in", func(t *testing.T) {
		s.modem(t, "dsr cts ri")
		until(t, p, "RI on", func(g lines.Signals) bool { return g.Has(lines.RI) })
		s.modem(t, "dsr cts dcd")
		until(t, p, "DCD on, RI off", func(g lines.Signals) bool { return g.Has(lines.DCD) && !g.Has(lines.RI) })
		s.modem(t, "dsr cts")
		until(t, p, "DCD off", func(g lines.Signals) bool { return !g.Has(lines.DCD) })
	})
	t.Run("speed", func(t *testing.T) {
		for _, speed := range []int{2400, 300, 115200} {
			if err := p.(lines.SpeedSetter).SetSpeed(speed); err != nil {
				t.Fatal(err)
			}
			s.hasSpeed(t, speed)
		}
	})
	t.Run("signals out", func(t *testing.T) {
		if err := p.SetDTR(false); err != nil {
			t.Fatal(err)
		}
		s.sees(t, "none")
		if err := p.SetDTR(true); err != nil {
			t.Fatal(err)
		}
		s.sees(t, "dtr rts")
		if err := p.Break(50 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		s.sees(t, "break on")
		s.sees(t, "break off")
	})
	t.Run("data", func(t *testing.T) { allOctets(t, p, got, s.master) })
	t.Run("close", func(t *testing.T) {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		for range got {
		}
		s.sees(t, "none") // HUPCL at the server
	})
	t.Run("again", func(t *testing.T) {
		again := open(t, s.url, Options{})
		if !again.HasSignals() {
			t.Error("no signals the second time")
		}
	})
}

// allOctets sends all octet values both ways, three times: 255 then has both itself and other values as neighbours.
func allOctets(t *testing.T, p lines.Port, got <-chan []byte, master *os.File) {
	t.Helper()
	var all []byte
	for i := range 3 * 256 {
		all = append(all, byte(i), 255, 13)
	}
	out := make(chan error, 1)
	go func() { _, err := p.Write(all); out <- err }()
	master.SetDeadline(time.Now().Add(time.Minute))
	b := make([]byte, len(all))
	n := 0
	for n < len(b) {
		m, err := master.Read(b[n:])
		if n += m; err != nil {
			t.Fatalf("the modem's end: %v after %d of %d octets", err, n, len(b))
		}
	}
	if err := <-out; err != nil || !bytes.Equal(b, all) {
		t.Errorf("out: %v, equal %v", err, bytes.Equal(b, all))
	}
	go func() { _, err := master.Write(all); out <- err }()
	late := time.After(time.Minute)
	var in []byte
	for len(in) < len(all) {
		select {
		case piece, ok := <-got:
			if !ok {
				t.Fatal("the connection ended")
			}
			in = append(in, piece...)
		case <-late:
			t.Fatalf("in: %d of %d octets", len(in), len(all))
		}
	}
	if err := <-out; err != nil || !bytes.Equal(in, all) {
		t.Errorf("in: %v, equal %v", err, bytes.Equal(in, all))
	}
}

// A PTY behind ser2net has no modem lines: the port works, but reports no signals.
func TestPeerSer2netWithoutLines(t *testing.T) {
	t.Parallel()
	s := startSer2net(t, false, ser2netTLS{})
	var log bytes.Buffer
	p := open(t, s.url, Options{Timeout: time.Second,
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if p.HasSignals() || !bytes.Contains(log.Bytes(), []byte("no modem signals")) {
		t.Errorf("HasSignals %v, log %q", p.HasSignals(), log.String())
	}
	allOctets(t, p, reading(p), s.master)
}

// The same over TLS, with a client certificate. ser2net resets the connection of a rejected client after the handshake,
// often before its alert is read.
func TestPeerSer2netTLS(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	ca := filepath.Join(site.dir, "ca.pem")
	s := startSer2net(t, true, ser2netTLS{fmt.Sprintf("key=%s,cert=%s,clientauth", filepath.Join(site.dir,
		"server.key"), filepath.Join(site.dir, "server.pem")), site.authdir(t)})
	files := site.client("client")
	p := open(t, s.url, Options{FlowControl: FlowNone, TLS: &files})
	if !p.HasSignals() {
		t.Fatal("no signals")
	}
	s.sees(t, "dtr rts")
	until(t, p, "open", func(g lines.Signals) bool { return g == lines.DSR|lines.CTS|lines.DTR|lines.RTS })
	got := reading(p)
	allOctets(t, p, got, s.master)
	if err := p.SetDTR(false); err != nil {
		t.Fatal(err)
	}
	s.sees(t, "none")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for range got {
	}

	a, err := Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		files certs.Files
		want  string
	}{
		{certs.Files{CAFile: ca}, "cert_file"},
		{site.client("stranger"), "cert_file"},
		{certs.Files{CAFile: filepath.Join(site.dir, "other.pem")}, "signed by an unknown authority"},
		{certs.Files{CAFile: ca, ServerName: "modems.example"}, "for another name"},
	} {
		p, err := a.Open(t.Context(), Options{Timeout: time.Minute, TLS: &tt.files})
		if err == nil {
			p.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v; want …%s…", err, tt.want)
		}
	}
}

// A server that is killed ends the port; until it is back, the port cannot be opened, and says why; then everything
// works again.
func TestPeerSer2netRestarts(t *testing.T) {
	t.Parallel()
	s := startSer2net(t, true, ser2netTLS{})
	a, err := Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		p := open(t, s.url, Options{Timeout: time.Minute})
		if !p.HasSignals() {
			t.Fatal("no signals")
		}
		got := reading(p)
		s.kill()
		for range got { // until the reader sees the end
		}
		if p.Signals()&fromModem != 0 {
			t.Errorf("signals %06b of a server that is gone", p.Signals())
		}
		p.Close()
		if _, err := a.Open(t.Context(), Options{}); err == nil ||
			!strings.Contains(err.Error(), "connection refused (is the server running") {
			t.Errorf("while it is gone: %v", err)
		}
		if !s.restart() {
			t.Skip("another program has taken the TCP port")
		}
	}
	p := open(t, s.url, Options{Timeout: time.Minute, FlowControl: FlowNone})
	allOctets(t, p, reading(p), s.master)
}

// authdir makes the directory in which ser2net looks for the authorities of the user "client", by the hash of their
// names.
func (s *site) authdir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(s.dir, "auth", "client", "allowed_certs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	hash, err := exec.Command(need(t, "openssl", "openssl"), "x509", "-hash", "-noout", "-in",
		filepath.Join(s.dir, "ca.pem")).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, string(bytes.TrimSpace(hash))+".0"), s.ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(s.dir, "auth")
}

// A certificate of ser2net that has expired.
func TestPeerSer2netExpired(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	s := startSer2net(t, false, ser2netTLS{params: fmt.Sprintf("key=%s,cert=%s", filepath.Join(site.dir,
		"expired.key"), filepath.Join(site.dir, "expired.pem"))})
	a, err := Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Open(t.Context(), Options{TLS: &certs.Files{CAFile: filepath.Join(site.dir, "ca.pem")}})
	if err == nil {
		p.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "expired or not yet valid") {
		t.Error(err)
	}
	open(t, s.url, Options{TLS: &certs.Files{Insecure: true}})
}

// minicom names and writes its lock as we do and observes ours, and we observe its. It is the usual terminal program
// on most systems.
func TestPeerMinicomLock(t *testing.T) {
	t.Parallel()
	program := need(t, "minicom", "minicom")
	const dir = "/run/lock"
	if unix.Access(dir, unix.W_OK) != nil {
		t.Skip("needs a writable " + dir)
	}
	_, slave := newPTY(t)
	a := Address{Scheme: Serial, Path: slave}

	term, wait := startMinicom(t, program, slave)
	readUntil(t, term, "Welcome to minicom")
	p, err := a.Open(t.Context(), Options{})
	if err == nil {
		p.Close()
	}
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("(minicom); end it or remove "+dir+"/LCK..pts_")) {
		t.Errorf("Open beside minicom: %v", err)
	}
	wait(true)

	if p, err = a.Open(t.Context(), Options{}); err != nil {
		t.Fatalf("after minicom: %v", err)
	}
	defer p.Close()
	term, wait = startMinicom(t, program, slave)
	readUntil(t, term, "is locked")
	wait(false)
}

// startMinicom runs minicom on device, in a terminal of its own. wait waits for its end, and first kills it if kill
// is true.
func startMinicom(t *testing.T, program, device string) (term *os.File, wait func(kill bool)) {
	t.Helper()
	term, path := newPTY(t)
	tty, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	cmd := exec.Command(program, "-D", device)
	cmd.Env = append(os.Environ(), "TERM=vt100", "LC_ALL=C", "HOME="+t.TempDir())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	wait = func(kill bool) {
		if ended {
			return
		}
		ended = true
		if kill {
			cmd.Process.Signal(syscall.SIGTERM)
		}
		term.SetReadDeadline(time.Time{})
		// it may write more before it ends
		go io.Copy(io.Discard, term)
		// its lock is then that of an ended process
		stuck := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
		defer stuck.Stop()
		cmd.Wait()
	}
	t.Cleanup(func() { cmd.Process.Kill(); wait(false) })
	return term, wait
}

func readUntil(t *testing.T, f *os.File, want string) {
	t.Helper()
	f.SetReadDeadline(time.Now().Add(time.Minute))
	var all []byte
	b := make([]byte, 4096)
	for !bytes.Contains(all, []byte(want)) {
		n, err := f.Read(b)
		all = append(all, b[:n]...)
		if err != nil && !(errors.Is(err, unix.EIO) && bytes.Contains(all, []byte(want))) {
			t.Fatalf("%v before %q; got %q", err, want, all)
		}
	}
}
