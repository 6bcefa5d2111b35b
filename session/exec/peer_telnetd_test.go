//go:build unix

package exec

import (
	"context"
	"net"
	"os"
	osexec "os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// telnetd serves connections one after another, like inetd, with program instead of login, and returns its port.
func telnetd(t *testing.T, program string) int {
	t.Helper()
	path, err := osexec.LookPath("/usr/sbin/telnetd")
	if err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal("needs telnetd: apt-get install inetutils-telnetd")
		}
		t.Skip("needs telnetd: apt-get install inetutils-telnetd")
	}
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.AcceptTCP()
			if err != nil {
				return
			}
			f, err := conn.File()
			conn.Close()
			if err != nil {
				t.Error(err)
				return
			}
			served.Go(func() {
				defer f.Close()
				cmd := osexec.CommandContext(ctx, path, "--exec-login="+program)
				cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = f, f, f, time.Second
				_ = cmd.Run() // ends with its connection
			})
		}
	})
	t.Cleanup(func() { stop(); l.Close(); served.Wait() })
	return l.Addr().(*net.TCPAddr).Port
}

// realCaller is a user at a terminal in real time.
type realCaller struct {
	t    *testing.T
	far  net.Conn
	got  chan string // output; closed at the end
	seen string
	out  chan session.Outcome
}

func realDialIn(t *testing.T, auth aaa.Authorization, cfg settings) *realCaller {
	near, far := net.Pipe()
	data := &fakeData{Conn: near, done: make(chan struct{})}
	c := &realCaller{t: t, far: far, got: make(chan string, 1000), out: make(chan session.Outcome, 1)}
	call := &lines.Call{Data: data, ID: "c1", TTY: 65, Start: time.Now()}
	b := &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}
	go func() {
		c.out <- session.Run(context.Background(), call, cfg.frontEnds(), fakeLogin{"u": {password: "pw", auth: auth}},
			b, session.Leg{})
		data.lose()
	}()
	far.SetDeadline(time.Now().Add(2 * time.Minute))
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(c.got)
		buf := make([]byte, 256)
		for {
			n, err := far.Read(buf)
			c.got <- string(buf[:n])
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() { data.lose(); far.Close(); reading.Wait() })
	return c
}

// expects reads until text arrives and returns the output before it.
func (c *realCaller) expects(text string) (before string) {
	c.t.Helper()
	for !strings.Contains(c.seen, text) {
		more, ok := <-c.got
		if c.seen += more; !ok {
			c.t.Fatalf("waiting for %q: the caller saw %q", text, c.seen)
		}
	}
	before, c.seen, _ = strings.Cut(c.seen, text)
	return before
}

// interrupts sends the interrupt until text arrives: a shell that is about to read notices it only with the next one.
func (c *realCaller) interrupts(text string) {
	c.t.Helper()
	for again := time.After(0); !strings.Contains(c.seen, text); {
		select {
		case <-again:
			c.types("\x1ec")
			again = time.After(5 * time.Second)
		case more, ok := <-c.got:
			if c.seen += more; !ok {
				c.t.Fatalf("waiting for %q: the caller saw %q", text, c.seen)
			}
		}
	}
	c.expects(text)
}

func (c *realCaller) types(keys string) {
	c.t.Helper()
	if _, err := c.far.Write([]byte(keys)); err != nil {
		c.t.Fatal(err)
	}
}

// With a real telnetd: negotiation, echo, terminal type, interrupt with urgent data, and end of the session.
func TestPeerTelnetd(t *testing.T) {
	t.Parallel()
	script := t.TempDir() + "/login"
	program := `#!/bin/sh
stty noflsh # Linux signals first and then flushes the output: perhaps what the trap says
trap 'trap "" INT; interrupted=yes; echo interrupted' INT
echo "terminal $TERM ready"
while :; do
	line=
	read -r line || { [ "$interrupted" ] || exit; interrupted=; continue; } # the caller is gone, or has interrupted
	case $line in bye) echo farewell; read -r line; exit;; esac # telnetd drops what it has not sent when it hears of the exit
	echo "got <$line>"
done
`
	if err := os.WriteFile(script, []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	host := &aaa.Host{Address: "127.0.0.1", Service: aaa.Telnet, Port: telnetd(t, script)}
	c := realDialIn(t, aaa.Authorization{Host: host},
		settings{exec: Config{Hosts: Hosts{Allow: rules(t, "127.0.0.1"), Terminal: "vt220"}}})
	c.expects("Username: ")
	c.types("u\r")
	c.expects("Password: ")
	c.types("pw\r\n")
	c.expects("Open\r\n")
	c.expects("terminal vt220 ready\r\n")
	c.types("hello\r")
	c.expects("hello\r\ngot <hello>\r\n") // one echo, telnetd's
	c.types("a \xff\xfe b\r")
	c.expects("got <a \xff\xfe b>\r\n")
	c.types("half a line")
	c.interrupts("interrupted\r\n")
	c.types("\x1eo") // telnetd answers Abort Output with a Synch: IAC DM, the DM urgent
	c.types("after\r")
	if before := c.expects("after\r\ngot <half a line\x0fafter>\r\n"); strings.ReplaceAll(before, "^C", "") != "^O" {
		// telnetd types the discard character for it
		c.t.Errorf("the Synch left %q", before)
	}
	c.types("bye\r")
	c.expects("farewell\r\n")
	c.types("\r")
	c.expects("closed by foreign host]\r\n")
	if out := <-c.out; out.Cause != aaa.CauseHostRequest && out.Cause != aaa.CauseLostService {
		t.Errorf("outcome %+v", out)
	}
}
