package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
)

// consoleTown is a town with a daemon whose line 65 is reached over the network by dialing users, and whose line 66 by
// operators who have its modem itself.
type consoleTown struct {
	*lab.Lab
	prompt, raw string // addresses
}

func newConsoleTown(t *testing.T) *consoleTown {
	t.Helper()
	dir := tempDir(t)
	l, err := lab.Start(t.Context(), lab.Options{Dir: dir, NoDaemon: true, Quiet: true, Pace: pace, S7: 255})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ports := regexp.MustCompile(`rfc2217://[^ \n]+`).FindAllString(l.Screen(), -1)
	c := &consoleTown{Lab: l, prompt: freeAddress(t), raw: freeAddress(t)}
	conf := filepath.Join(dir, "conf")
	for name, text := range map[string]string{
		"kim.password": "maui-1993\n",
		"policies.d/default.yaml": "group: default\ndial_out: {allow: [\"84*\"]}\n" +
			"limits: {user: {day: {calls: 2}}}\n",
		"policies.d/operators.yaml": "group: operators\nusers: [ops]\nraw_access: true\n",
		"ringback.yaml": fmt.Sprintf(`hostname: maui-nas-04
state_dir: %[1]s/state
api: {socket: %[1]s/ringback.sock}
log: {file: %[1]s/ringback.log}
aaa: {lists: {login: {default: [local]}}}
users:
  - {name: kim, password_file: kim.password, dial_out: true}
  - {name: tom, password_file: kim.password}
  - {name: ops, password_file: kim.password, dial_out: true}
chat_scripts: [{name: dial, script: 'ABORT BUSY ABORT "NO CARRIER" "" "ATDT \T" TIMEOUT 60 CONNECT \c'}]
lines:
  - {tty: 65, port: "%[2]s", scripts: {callback: dial}}
  - {tty: 66, port: "%[3]s"}
listen:
  - {address: "%[4]s", protocol: raw, line: 65}
  - {address: "%[5]s", protocol: raw, line: 66, raw: [operators]}
`, dir, ports[0], ports[1], c.prompt, c.raw),
	} {
		path := filepath.Join(conf, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	daemon := exec.Command(program(t), "serve", "-c", filepath.Join(conf, "ringback.yaml"))
	var out bytes.Buffer
	daemon.Stderr = &out
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Signal(syscall.SIGTERM)
		_ = daemon.Wait()
		if t.Failed() {
			t.Logf("%s\nlog:\n%s", &out, readFile(t, filepath.Join(dir, "ringback.log")))
		}
	})
	c.idle(t)
	return c
}

// freeAddress returns a TCP address that is free now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// idle waits until both lines are in service and free.
func (c *consoleTown) idle(t *testing.T) {
	t.Helper()
	eventually(t, "the lines are idle", func() bool {
		have, err := c.Client().Lines(t.Context())
		return err == nil && len(have) == 2 &&
			!slices.ContainsFunc(have, func(line client.Line) bool { return line.State != "idle" })
	})
}

// netUser is a user over TCP.
type netUser struct {
	t    *testing.T
	conn net.Conn
	seen strings.Builder
	from int
}

// visit connects and logs in.
func visit(t *testing.T, address, name string) *netUser {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	u := &netUser{t: t, conn: conn}
	t.Cleanup(func() {
		conn.Close()
		if t.Failed() {
			t.Logf("%s has read:\n%s", name, u.seen.String())
		}
	})
	u.see("Username: ")
	u.enter(name)
	u.see("Password: ")
	u.enter("maui-1993")
	return u
}

func (u *netUser) enter(line string) {
	u.t.Helper()
	if _, err := io.WriteString(u.conn, line+"\r"); err != nil {
		u.t.Fatalf("type %q: %v", line, err)
	}
}

func (u *netUser) see(text string) {
	u.t.Helper()
	_ = u.conn.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 1024)
	for {
		shown := u.seen.String()[u.from:]
		if i := strings.Index(shown, text); i >= 0 {
			u.from += i + len(text)
			return
		}
		n, err := u.conn.Read(buf)
		u.seen.Write(buf[:n])
		if err != nil {
			u.t.Fatalf("%q is not seen: %v; since the last match: %q", text, err, shown)
		}
	}
}

// ready types ahead, right after the password: a command is executed once there is a line.
func (u *netUser) ready() {
	u.t.Helper()
	u.enter("ATS8=77S8?E0")
	u.see("077")
	u.see("OK\r\n")
}

// TestConsoleServer: a user over the network logs in, tries what must not reach the modem, and dials: the modem of the
// line gets the template with the digits of the numbers that are allowed, and each dial counts.
func TestConsoleServer(t *testing.T) {
	t.Parallel()
	c := newConsoleTown(t)
	far := sitDown(t, c.Lab, "austin-01")
	u := visit(t, c.prompt, "kim")
	u.ready()
	for _, line := range []string{"ATDT1900555", "ATD84001;ATH", "ATD84001;", "ATDL", "ATDS=1", "ATD9,84001",
		"ATD84001@", "ATE0D911", "AT+FCLASS=1D84001"} {
		u.enter(line)
		u.see("ERROR\r\n")
	}
	u.enter("AT&F") // the settings of the emulation
	u.see("OK\r\n")
	u.enter("ATX1DT84001")
	far.answer()
	u.see("CONNECT")
	u.enter("hello")
	far.see("hello")
	far.enter("NO CARRIER")
	u.see("NO CARRIER") // is data
	far.enter("good day")
	u.see("good day")
	if err := u.conn.Close(); err != nil {
		t.Fatal(err)
	}
	far.see("NO CARRIER")
	c.idle(t)

	u = visit(t, c.prompt, "kim")
	u.ready()
	u.enter("ATD84010")
	u.see("BUSY")
	u.enter("A/") // another dial: the ceiling is reached
	u.see("ERROR")
	u.enter("ATH")
	u.see("OK")
	var dials []string
	for _, d := range lineDials(c.Lab) {
		dials = append(dials, d.Number)
	}
	if want := []string{"84001", "84010"}; !slices.Equal(dials, want) {
		t.Errorf("the modems got the dials %q, want %q", dials, want)
	}
	u.conn.Close()
	c.idle(t)
}

// TestConsoleServerRefuses: a user without dial-outs at AAA has no line.
func TestConsoleServerRefuses(t *testing.T) {
	t.Parallel()
	c := newConsoleTown(t)
	u := visit(t, c.prompt, "tom")
	u.see("Username: ")
	c.idle(t)
}

// TestConsoleServerRaw: an operator has the modem itself, and what they leave is undone.
func TestConsoleServerRaw(t *testing.T) {
	t.Parallel()
	c := newConsoleTown(t)
	far := sitDown(t, c.Lab, "austin-01")
	u := visit(t, c.raw, "ops")
	u.ready()
	u.enter("ATS7=33S0=1DT84001")
	far.answer()
	u.see("CONNECT")
	u.conn.Close()
	far.see("NO CARRIER")
	c.idle(t)
	u = visit(t, c.raw, "ops")
	u.ready()
	u.enter("ATS0?")
	u.see("000")
	u.conn.Close()
	c.idle(t)
}
