package broker_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
	sshfront "github.com/ringback/ringback/session/ssh"
	"github.com/ringback/ringback/tty"
)

// stream is one direction of a connection in memory that holds what nobody has read.
type stream struct {
	mu      sync.Mutex
	changed *sync.Cond
	held    bytes.Buffer
	over    bool
	expires time.Time
}

func newStream() *stream {
	s := &stream{}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// wire is an end of a connection in memory.
type wire struct{ in, out *stream }

func newWire() (a, b wire) {
	x, y := newStream(), newStream()
	return wire{x, y}, wire{y, x}
}

func (w wire) Read(p []byte) (int, error) {
	w.in.mu.Lock()
	defer w.in.mu.Unlock()
	for w.in.held.Len() == 0 {
		switch {
		case w.in.over:
			return 0, io.EOF
		case !w.in.expires.IsZero() && !time.Now().Before(w.in.expires):
			return 0, os.ErrDeadlineExceeded
		}
		w.in.changed.Wait()
	}
	return w.in.held.Read(p)
}

func (w wire) Write(p []byte) (int, error) {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	if w.out.over {
		return 0, io.ErrClosedPipe
	}
	defer w.out.changed.Broadcast()
	return w.out.held.Write(p)
}

func (w wire) Close() error {
	for _, s := range []*stream{w.in, w.out} {
		s.mu.Lock()
		s.over = true
		s.changed.Broadcast()
		s.mu.Unlock()
	}
	return nil
}

func (w wire) SetReadDeadline(t time.Time) error {
	w.in.mu.Lock()
	defer w.in.mu.Unlock()
	w.in.expires = t
	w.in.changed.Broadcast()
	return nil
}

func (wire) SetDeadline(time.Time) error      { return nil }
func (wire) SetWriteDeadline(time.Time) error { return nil }
func (wire) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (wire) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

// sshVisit is a client of SSH on a vty.
type sshVisit struct {
	conn wire
	out  chan session.Outcome
}

func (w *town) sshVisit() *sshVisit {
	w.t.Helper()
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(secret)
	if err != nil {
		w.t.Fatal(err)
	}
	theirs, ours := newWire()
	v := &sshVisit{conn: theirs, out: make(chan session.Outcome, 1)}
	local := w.config().Lines[65]
	go func() {
		c := sshfront.NewConn(ours, true)
		out, err := w.broker.Visit(context.Background(), broker.Visit{
			Call: &lines.Call{Data: c, ID: broker.NewID(), TTY: tty.VTY(0), Direction: lines.Incoming,
				Caller: "192.0.2.7", Connect: "ssh", Start: time.Now()},
			Line: broker.Line{Login: local.Login}, Admitted: c.Admit,
			FrontEnd: func(text session.FrontEnd) session.FrontEnd {
				return sshfront.New(c, key, text.(sshfront.Shell))
			}})
		if err != nil {
			w.t.Error(err)
		}
		v.out <- out
	}()
	return v
}

// dial makes the handshake of a client that tries these passwords, one after the other, with keyboard-interactive.
// Questions of AAA are answered by answers.
func (v *sshVisit) dial(user string, answers map[string]string, passwords ...string) (*ssh.Client, error) {
	tried := 0
	ask := func(_, _ string, questions []string, _ []bool) (all []string, err error) {
		for _, q := range questions {
			if answer, ok := answers[q]; ok {
				all = append(all, answer)
				continue
			}
			if tried == len(passwords) {
				return nil, errors.New("no more passwords")
			}
			all = append(all, passwords[tried])
			tried++
		}
		return all, nil
	}
	return v.client(user, ssh.RetryableAuthMethod(ssh.KeyboardInteractive(ask), 5))
}

func (v *sshVisit) client(user string, methods ...ssh.AuthMethod) (*ssh.Client, error) {
	c, chans, reqs, err := ssh.NewClientConn(v.conn, "", &ssh.ClientConfig{User: user, Auth: methods,
		HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		_ = v.conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, chans, reqs), nil
}

// TestSSH logs in over SSH: with a wrong password first, with the method password, and with questions of AAA. It runs
// the EXEC and one command, and gets no forwarding.
func TestSSH(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		v := w.sshVisit()
		begun := time.Now()
		c, err := v.dial("paia-04", nil, "wrong", password)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took < 2*time.Second {
			t.Errorf("a wrong password costs %v", took)
		}
		if _, err := c.Dial("tcp", "192.0.2.1:23"); err == nil {
			t.Error("a connection was forwarded")
		}
		if _, err := c.Listen("tcp", "192.0.2.1:2323"); err == nil {
			t.Error("a port was forwarded")
		}
		s, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.NewSession(); err == nil {
			t.Error("there are two sessions on a connection")
		}
		if err := s.Setenv("LC_ALL", "C"); err == nil {
			t.Error("the environment was changed")
		}
		in, _ := s.StdinPipe()
		out, _ := s.StdoutPipe()
		if err := errors.Join(s.RequestPty("xterm", 40, 132, nil), s.Shell()); err != nil {
			t.Fatal(err)
		}
		if err := s.WindowChange(50, 100); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(in, "show clock\rexit\r")
		text, _ := io.ReadAll(out)
		if !strings.Contains(string(text), "maui-nas-04>show clock\r\n") {
			t.Errorf("the user reads %q", text)
		}
		if err := s.Wait(); err != nil {
			t.Errorf("the shell ended with %v", err)
		}
		if out := <-v.out; out.Kind != session.SessionEnded || out.Tries != 1 || out.Identity.User != "paia-04" {
			t.Errorf("%+v", out)
		}

		one := w.sshVisit()
		c, err = one.client("paia-04", ssh.Password(password))
		if err != nil {
			t.Fatal(err)
		}
		s, err = c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if text, err := s.Output("show privilege"); err != nil ||
			!strings.Contains(string(text), "privilege level is 1") || strings.Contains(string(text), ">") {
			t.Errorf("show privilege: %q, %v", text, err)
		}
		<-one.out

		wrong := w.sshVisit()
		c, err = wrong.client("paia-04", ssh.Password(password))
		if err != nil {
			t.Fatal(err)
		}
		s, err = c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		var status *ssh.ExitError
		if text, err := s.Output("nonsense"); !errors.As(err, &status) || status.ExitStatus() != 1 ||
			!strings.Contains(string(text), "% ") {
			t.Errorf("nonsense: %q, %v", text, err)
		}
		<-wrong.out
	})
}

// TestSSHPiped: a client whose input ends gets the output of all its commands, as `ssh -n` and a pipe need it.
func TestSSHPiped(t *testing.T) {
	for input, want := range map[string]string{
		"show privilege\nshow clock\n": "show clock\r\n",
		"show clock\nshow privilege":   "privilege level is 1",
		"":                             "maui-nas-04>",
	} {
		inTown(t, townOptions{}, func(w *town) {
			v := w.sshVisit()
			c, err := v.client("paia-04", ssh.Password(password))
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			s.Stdin = strings.NewReader(input)
			out, _ := s.StdoutPipe()
			if err := s.Shell(); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			text, _ := io.ReadAll(out)
			if err := s.Wait(); err != nil || !strings.Contains(string(text), want) {
				t.Errorf("%q: %q, %v", input, text, err)
			}
			if took := time.Since(begun); took > time.Minute {
				t.Errorf("%q: the session ended after %v", input, took)
			}
			if out := <-v.out; out.Kind != session.SessionEnded {
				t.Errorf("%q: %+v", input, out)
			}
		})
	}
}

// TestSSHFlood: a client that sends without end before a login is cut off, whatever layer of the protocol it uses.
func TestSSHFlood(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		v := w.sshVisit()
		go func() { _, _ = io.Copy(io.Discard, v.conn) }()
		ignore := append([]byte{0, 0, 0x10, 0, 4, 2}, make([]byte, 0x0ffe)...) // RFC 4253 §6, §11.2: SSH_MSG_IGNORE
		begun, sent := time.Now(), 0
		_, err := io.WriteString(v.conn, "SSH-2.0-x\r\n")
		for ; err == nil && sent < 1<<20; sent += len(ignore) {
			_, err = v.conn.Write(ignore)
		}
		if out := <-v.out; out.Kind != session.NotAdmitted || time.Since(begun) > time.Second {
			t.Errorf("%d octets: %+v after %v", sent, out, time.Since(begun))
		}
		_ = v.conn.Close()
	})
}

// TestSSHRefused: who is not admitted gets no shell, at the same pace and with the same texts as elsewhere.
func TestSSHRefused(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		v := w.sshVisit()
		if _, err := v.dial("paia-04", nil, "one", "two", "three", password); err == nil {
			t.Error("admitted after three wrong passwords")
		}
		if out := <-v.out; out.Kind != session.NotAdmitted || out.Tries != 3 {
			t.Errorf("%+v", out)
		}
		for _, user := range []string{"", " paia-04", "pa\x00ia", strings.Repeat("x", 300)} {
			v := w.sshVisit()
			if _, err := v.dial(user, nil, password, password, password); err == nil {
				t.Errorf("admitted as %q", user)
			}
			<-v.out
			<-time.After(time.Hour)
		}
		silent := w.sshVisit()
		begun := time.Now()
		if out := <-silent.out; out.Kind != session.NotAdmitted || time.Since(begun) > 2*time.Minute {
			t.Errorf("a client that says nothing: %+v after %v", out, time.Since(begun))
		}
		noShell := w.sshVisit()
		c, err := noShell.dial("paia-04", nil, password)
		if err != nil {
			t.Fatal(err)
		}
		begun = time.Now()
		if out := <-noShell.out; out.Kind != session.NotAdmitted || time.Since(begun) > 2*time.Minute {
			t.Errorf("a client that opens no shell: %+v after %v", out, time.Since(begun))
		}
		_ = c.Close()
		broken := w.sshVisit()
		_, _ = io.WriteString(broken.conn, "GET / HTTP/1.0\r\n\r\n"+strings.Repeat("x", 1<<20))
		go func() { _, _ = io.Copy(io.Discard, broken.conn) }()
		if out := <-broken.out; out.Kind != session.NotAdmitted {
			t.Errorf("a client that speaks HTTP: %+v", out)
		}
		_ = broken.conn.Close()
	})
	for mode, least := range map[policies.CallbackMode]time.Duration{policies.Required: 0,
		policies.Secure: session.SecureTime} {
		inTown(t, townOptions{policy: func(p *policies.Policy) { p.Callback = mode }}, func(w *town) {
			v := w.sshVisit()
			begun := time.Now()
			if _, err := v.dial("kihei-03", nil, password); err == nil {
				t.Errorf("%s: admitted without a callback", mode)
			}
			if took := time.Since(begun); took < least {
				t.Errorf("%s: the answer came after %v", mode, took)
			}
			<-v.out
			synctest.Wait()
			if n := len(w.x.Dials()); n != 0 {
				t.Errorf("%s: %d numbers were dialed", mode, n)
			}
		})
	}
}

// questions is a method that asks for a code after the password.
type questions struct{ broker.Login }

func (q questions) Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	_, res := q.Login.Start(ctx, r)
	if res.Kind != aaa.Granted {
		return nil, res
	}
	return code{res}, aaa.Result{Kind: aaa.Prompt, Message: "Code:", Echo: true}
}

type code struct{ granted aaa.Result }

func (c code) Answer(_ context.Context, answer aaa.Secret) aaa.Result {
	if answer != "424242" {
		return aaa.Result{Kind: aaa.Refused, Reason: "wrong code"}
	}
	return c.granted
}

func TestSSHQuestions(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		w.opt.login = questions{w.config().Lines[65].Login}
		v := w.sshVisit()
		if _, err := v.dial("paia-04", map[string]string{"Code: ": "1"}, password); err == nil {
			t.Error("admitted with a wrong code")
		}
		<-v.out
		v = w.sshVisit()
		c, err := v.dial("paia-04", map[string]string{"Code: ": "424242"}, password)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		<-v.out
		v = w.sshVisit()
		if _, err := v.client("paia-04", ssh.Password(password)); err == nil {
			t.Error("admitted without the code, with the method password")
		}
		<-v.out
	})
}
