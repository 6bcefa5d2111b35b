// Package aaatest has what tests of AAA need in addition to the servers of lab/servers: FreeRADIUS and radsecproxy as
// peers, and in-memory networks, reliable and lossy.
package aaatest

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lab/servers"
)

// TB is the part of testing.TB that StartFreeRADIUS uses.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
	TempDir() string
	Failed() bool
}

// FreeRADIUSOptions configures a FreeRADIUS. The zero value uses testdata/peers/freeradius unchanged.
type FreeRADIUSOptions struct {
	Users  string     // the users file's text; "" is testdata/peers/freeradius/users
	Config string     // radiusd.conf's text with its @…@ marks; "" is testdata/peers/freeradius/radiusd.conf.in
	Secret aaa.Secret // "" is a random secret of 24 octets
	Auth   string     // host:port for authentication; "": a free port of 127.0.0.1
	Acct   string
	// if set, the server also accepts RADIUS over TLS from clients with a certificate of this authority; its own
	// certificate is for radius.example
	RadSec *servers.Authority
	// if set, Dir has its certificate ca.pem, and radius.pem with radius.key for the server, as for RadSec, without the
	// listener
	Authority *servers.Authority
}

// FreeRADIUS is a running FreeRADIUS.
type FreeRADIUS struct {
	Auth, Acct string // host:port
	RadSec     string // host:port over TLS, for authentication and accounting; "": not configured
	Secret     aaa.Secret
	Dir        string // its configuration and logs
	Detail     string // path of the detail file: the accounting records it accepted
	Log        string // path of its log

	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// freeradiusPrograms are the names of the daemon on Debian and elsewhere.
var freeradiusPrograms = []string{"/usr/sbin/freeradius", "/usr/sbin/radiusd"}

// StartFreeRADIUS starts a FreeRADIUS for the test on loopback, as user nobody if the test runs as root, and waits
// until it answers Status-Server. The test's cleanup kills it. If FreeRADIUS is not installed, the test is skipped, or
// fails with RINGBACK_REQUIRE_PEERS=1.
func StartFreeRADIUS(t TB, o FreeRADIUSOptions) *FreeRADIUS {
	t.Helper()
	program := findFreeRADIUS()
	if program == "" {
		const needs = "needs FreeRADIUS 3.2: apt-get install freeradius"
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatalf("%s", needs)
		}
		t.Skipf("%s", needs)
		return nil
	}
	dir := t.TempDir()
	var err error
	for range 3 { // another process may take a free port before FreeRADIUS does
		var f *FreeRADIUS
		if f, err = startFreeRADIUS(program, dir, o); err == nil {
			t.Cleanup(func() {
				f.Stop()
				if t.Failed() {
					log, _ := os.ReadFile(f.Log)
					t.Logf("FreeRADIUS's log:\n%s", log)
				}
			})
			return f
		}
	}
	t.Fatalf("%v", err)
	return nil
}

func findFreeRADIUS() string {
	for _, p := range freeradiusPrograms {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return ""
}

func startFreeRADIUS(program, dir string, o FreeRADIUSOptions) (*FreeRADIUS, error) {
	f := &FreeRADIUS{Secret: o.Secret, Dir: dir, Detail: filepath.Join(dir, "detail"),
		Log: filepath.Join(dir, "radius.log"), done: make(chan struct{})}
	if f.Secret == "" { // not one for all: ready would take another test's server on the same port for this one
		f.Secret = aaa.Secret(rand.Text()[:24])
	}
	var err error
	if f.Auth, f.Acct, err = twoPorts(o); err != nil {
		return nil, err
	}
	if o.RadSec != nil {
		if err := f.prepareRadSec(&o); err != nil {
			return nil, err
		}
	}
	if o.Authority != nil {
		if err := o.Authority.WriteFiles(dir, radsecServer); err != nil {
			return nil, err
		}
	}
	if err := f.configure(o); err != nil {
		return nil, err
	}
	out, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	f.cmd = exec.Command(program, "-f", "-d", dir, "-D", dir, "-n", "radiusd")
	f.cmd.Stdout, f.cmd.Stderr, f.cmd.Dir = out, out, dir
	if os.Getuid() == 0 {
		nobody, err := giveToNobody(dir)
		if err != nil {
			return nil, err
		}
		f.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: nobody}
	}
	if err := f.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() { f.cmd.Wait(); close(f.done) }()
	if err := f.ready(time.Minute); err != nil {
		f.Stop()
		said, _ := os.ReadFile(out.Name())
		log, _ := os.ReadFile(f.Log)
		return nil, fmt.Errorf("start %s: %w\n%s%s", program, err, said, log)
	}
	return f, nil
}

// Stop kills the daemon and waits until it has ended. It may be called twice.
func (f *FreeRADIUS) Stop() {
	f.cmd.Process.Kill()
	<-f.done
}

// Pause stops the daemon without closing its ports (SIGSTOP), and waits until all its threads have stopped: until then
// it may answer one more request.
func (f *FreeRADIUS) Pause() error {
	if err := f.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !f.paused() {
		select {
		case <-tick.C:
		case <-f.done:
			return errors.New("FreeRADIUS has ended")
		case <-late:
			return errors.New("FreeRADIUS does not stop within a minute")
		}
	}
	return nil
}

// paused reports whether all threads have stopped (proc(5)). It is true on a system without /proc.
func (f *FreeRADIUS) paused() bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", f.cmd.Process.Pid))
	for _, t := range threads {
		text, err := os.ReadFile(t)
		if after := strings.LastIndex(string(text), ") "); err == nil && after > 0 && text[after+2] != 'T' {
			return false
		}
	}
	return true
}

// Resume ends a Pause (SIGCONT).
func (f *FreeRADIUS) Resume() error { return f.cmd.Process.Signal(syscall.SIGCONT) }

// twoPorts finds ports that are free now. If both are the same by chance, the start fails and is tried again.
func twoPorts(o FreeRADIUSOptions) (auth, acct string, err error) {
	auth, acct = o.Auth, o.Acct
	for _, p := range []*string{&auth, &acct} {
		if *p != "" {
			continue
		}
		if *p, err = QuietPort(); err != nil {
			return "", "", err
		}
	}
	return auth, acct, nil
}

func (f *FreeRADIUS) configure(o FreeRADIUSOptions) error {
	var err error
	if o.Config == "" {
		if o.Config, err = peerFile("radiusd.conf.in"); err != nil {
			return err
		}
	}
	if o.RadSec != nil {
		if o.Config, err = f.withRadSec(o.Config); err != nil {
			return err
		}
	}
	if o.Users == "" {
		if o.Users, err = peerFile("users"); err != nil {
			return err
		}
	}
	_, authPort, err1 := net.SplitHostPort(f.Auth)
	_, acctPort, err2 := net.SplitHostPort(f.Acct)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	conf := strings.NewReplacer("@DIR@", f.Dir, "@SECRET@", string(f.Secret), "@AUTH@", authPort, "@ACCT@",
		acctPort).Replace(o.Config)
	for name, text := range map[string]string{"radiusd.conf": conf, "users": o.Users, "acct_users": "",
		"dictionary": "$INCLUDE /usr/share/freeradius/dictionary\n"} {
		if err := os.WriteFile(filepath.Join(f.Dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// peerFile reads a file of testdata/peers/freeradius.
func peerFile(name string) (string, error) { return peersFile("freeradius", name) }

// peersFile reads a file of a peer's folder in testdata/peers at the module's root, above the working directory of the
// test.
func peersFile(peer, name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			b, err := os.ReadFile(filepath.Join(dir, "testdata", "peers", peer, name))
			return string(b), err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("testdata/peers/%s/%s: no module root above the working directory", peer, name)
		}
		dir = filepath.Dir(dir)
	}
}

// giveToNobody makes user nobody the owner of dir, and makes its parents below the system's temporary directory
// searchable.
func giveToNobody(dir string) (*syscall.Credential, error) {
	const nobody = 65534
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, nobody, nobody)
	})
	if err != nil {
		return nil, err
	}
	for d := filepath.Dir(dir); d != filepath.Clean(os.TempDir()) && d != "/" && d != "."; d = filepath.Dir(d) {
		st, err := os.Stat(d)
		if err != nil {
			return nil, err
		}
		if st.Mode().Perm()&0o001 == 0 {
			if err := os.Chmod(d, st.Mode().Perm()|0o011); err != nil {
				return nil, err
			}
		}
	}
	return &syscall.Credential{Uid: nobody, Gid: nobody}, nil
}

// ready blocks until the daemon answers Status-Server (RFC 5997), or returns an error if it has ended or after within.
func (f *FreeRADIUS) ready(within time.Duration) error {
	conn, err := net.Dial("udp", f.Auth)
	if err != nil {
		return err
	}
	defer conn.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(within)
	buf := make([]byte, 4096)
	for id := byte(0); ; id++ {
		conn.Write(statusServer(id, f.Secret))
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := conn.Read(buf); err == nil && n >= 20 && buf[0] == 2 {
			return nil
		}
		select {
		case <-f.done:
			return errors.New("it ended immediately")
		case <-end:
			return errors.New("no answer to Status-Server within " + strconv.Itoa(int(within.Seconds())) + " s")
		case <-tick.C:
		}
	}
}

// statusServer is a Status-Server request with its Message-Authenticator.
func statusServer(id byte, secret aaa.Secret) []byte {
	b := make([]byte, 38)
	b[0], b[1], b[3], b[20], b[21] = 12, id, 38, 80, 18
	rand.Read(b[4:20])
	h := hmac.New(md5.New, []byte(secret))
	h.Write(b)
	copy(b[22:], h.Sum(nil))
	return b
}
