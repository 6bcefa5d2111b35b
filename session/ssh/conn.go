// Package sshfront is the front end for users who come over SSH (RFC 4251 to 4254). They log in with the method lists
// of every login: keyboard-interactive for the questions of AAA, or password. It serves one session channel, with a
// shell or one command, and forwards nothing.
package sshfront

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/ringback/ringback/listener"
)

const (
	keepaliveEvery = time.Minute      // between two questions whether the client is there
	keepaliveTime  = 30 * time.Second // for the answer
	maxCommand     = 4096             // octets of a command
	maxSide        = 1 << 16          // of a window, in characters
)

// Conn is a connection of SSH, as the data of a session: what is typed and shown in its shell.
type Conn struct {
	*listener.Stream
	raw  net.Conn
	term *terminal
	vty  bool           // its user gets the EXEC, which may run one command
	work sync.WaitGroup // the goroutines of the connection

	admitted atomic.Bool

	mu     sync.Mutex
	broken error
}

// NewConn returns the data of a connection, whose handshake a FrontEnd makes. Its Hangup closes it. On a vty, the end
// of the client's input is Ctrl-D, which the EXEC takes when it has run what came before; elsewhere it ends the
// session.
func NewConn(raw net.Conn, vty bool) *Conn {
	c := &Conn{vty: vty}
	c.raw = &handshake{Conn: raw, of: c}
	c.term = &terminal{raw: raw, vty: vty, opened: make(chan struct{}), closed: make(chan struct{}),
		left: make(chan struct{})}
	c.Stream = listener.NewStream(c.term, listener.SSH, false)
	return c
}

// Admit says that a user is admitted: the client may now send any number of octets.
func (c *Conn) Admit() {
	c.admitted.Store(true)
	c.Stream.Admit()
}

// handshake is a connection whose client may send only so much before a user is admitted. One goroutine reads it.
type handshake struct {
	net.Conn
	of     *Conn
	octets int
}

// Read implements net.Conn.
func (h *handshake) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	if h.of.admitted.Load() {
		return n, err
	}
	if h.octets += n; h.octets > listener.MaxBeforeLogin {
		h.of.breakOff(listener.ErrTooMuch)
		_ = h.Close()
		return 0, listener.ErrTooMuch
	}
	return n, err
}

// Hangup implements lines.Data.
func (c *Conn) Hangup(ctx context.Context) error {
	err := c.Stream.Hangup(ctx)
	_ = c.raw.Close() // it is closed, if a shell was opened
	c.work.Wait()
	return err
}

// Broken returns why the connection was ended for what the client did; nil: it was not.
func (c *Conn) Broken() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

func (c *Conn) breakOff(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = err
}

// terminal is the session channel as a net.Conn. Until the channel is open, reads and writes wait for it.
type terminal struct {
	raw    net.Conn
	vty    bool // as in NewConn
	opened chan struct{}
	ch     ssh.Channel // once opened
	one    bool        // a command is run, which takes no input

	once   sync.Once
	closed chan struct{}
	left   chan struct{} // closed when the client has closed the channel, or has gone

	// of the one goroutine that reads
	last byte // that was read
	over bool // the end of the input was passed on

	mu     sync.Mutex
	until  time.Time // of writes
	status uint32    // of the command (RFC 4254 §6.10)
}

func (t *terminal) open(ch ssh.Channel, command string) {
	t.ch, t.one = ch, command != ""
	close(t.opened)
}

// await blocks until the channel is open. It returns io.EOF if the connection was closed.
func (t *terminal) await() error {
	select {
	case <-t.closed:
		return io.EOF
	default:
	}
	select {
	case <-t.opened:
		return nil
	case <-t.closed:
		return io.EOF
	}
}

func (t *terminal) Read(p []byte) (int, error) {
	if err := t.await(); err != nil {
		return 0, err
	}
	if t.over {
		return t.gone()
	}
	n, err := t.ch.Read(p)
	if n > 0 {
		t.last = p[n-1]
		return n, nil
	}
	if !errors.Is(err, io.EOF) || !t.vty {
		return n, err
	}
	t.over = true
	if t.one {
		return t.gone()
	}
	return copy(p, t.endOfInput()), nil
}

// gone blocks until the client has gone, or the session is over.
func (t *terminal) gone() (int, error) {
	select {
	case <-t.left:
	case <-t.closed:
	}
	return 0, io.EOF
}

// endOfInput is what the EXEC reads at the end of the input: that of a line that has none, and Ctrl-D.
func (t *terminal) endOfInput() string {
	if t.last == 0 || t.last == '\r' || t.last == '\n' {
		return "\x04"
	}
	return "\r\x04"
}

// Write implements net.Conn. A write that is not over in time ends the connection: what the client has is not known.
func (t *terminal) Write(p []byte) (int, error) {
	if err := t.await(); err != nil {
		return 0, err
	}
	t.mu.Lock()
	until := t.until
	t.mu.Unlock()
	if until.IsZero() {
		return t.ch.Write(p)
	}
	left := time.Until(until)
	if left <= 0 {
		return 0, os.ErrDeadlineExceeded
	}
	late := false
	var mu sync.Mutex
	timer := time.AfterFunc(left, func() {
		mu.Lock()
		late = true
		mu.Unlock()
		_ = t.Close()
	})
	n, err := t.ch.Write(p)
	timer.Stop()
	mu.Lock()
	defer mu.Unlock()
	if err != nil && late {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// ends says whether the command has failed.
func (t *terminal) ends(failed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if failed {
		t.status = 1
	}
}

// CloseWrite ends the shell, whose client then closes the connection.
func (t *terminal) CloseWrite() error {
	select {
	case <-t.opened:
	default:
		return errors.New("no shell")
	}
	t.mu.Lock()
	status := t.status
	t.mu.Unlock()
	_, _ = t.ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
	_ = t.ch.CloseWrite()
	return t.ch.Close()
}

func (t *terminal) Close() error {
	t.once.Do(func() { close(t.closed) })
	return t.raw.Close()
}

func (t *terminal) LocalAddr() net.Addr  { return t.raw.LocalAddr() }
func (t *terminal) RemoteAddr() net.Addr { return t.raw.RemoteAddr() }

func (t *terminal) SetDeadline(time.Time) error     { return os.ErrNoDeadline }
func (t *terminal) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }

func (t *terminal) SetWriteDeadline(until time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until = until
	return nil
}

// shell waits for the client to open a session channel and to ask for a shell, or for a command, which it returns.
func (c *Conn) shell(ctx context.Context, server *ssh.ServerConn, chans <-chan ssh.NewChannel,
	reqs <-chan *ssh.Request) (command string, err error) {
	asked := make(chan string, 1)
	c.work.Go(func() { ssh.DiscardRequests(reqs) })
	c.work.Go(func() { c.channels(chans, asked) })
	c.work.Go(func() { c.keepalive(server) })
	select {
	case command, ok := <-asked:
		if !ok {
			return "", io.EOF
		}
		return command, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// channels accepts one session channel, until the connection is closed.
func (c *Conn) channels(chans <-chan ssh.NewChannel, asked chan<- string) {
	open := false
	for n := range chans {
		switch {
		case n.ChannelType() != "session":
			_ = n.Reject(ssh.Prohibited, "nothing is forwarded") // the client may have gone
		case open:
			_ = n.Reject(ssh.ResourceShortage, "one session for a connection")
		default:
			ch, reqs, err := n.Accept()
			if err != nil {
				continue
			}
			open = true
			c.work.Go(func() { c.requests(ch, reqs, asked) })
		}
	}
	if !open {
		close(asked)
	}
}

// requests answers the requests of the session channel (RFC 4254 §6), until it is closed.
func (c *Conn) requests(ch ssh.Channel, reqs <-chan *ssh.Request, asked chan<- string) {
	defer close(c.term.left)
	defer close(asked)
	running := false
	for r := range reqs {
		ok, begins, command := false, false, ""
		switch r.Type {
		case "pty-req":
			var pty struct {
				Term                         string
				Columns, Rows, Width, Height uint32
				Modes                        string
			}
			if ok = ssh.Unmarshal(r.Payload, &pty) == nil; ok {
				c.window(pty.Columns, pty.Rows)
			}
		case "window-change":
			var size struct{ Columns, Rows, Width, Height uint32 }
			if ok = ssh.Unmarshal(r.Payload, &size) == nil; ok {
				c.window(size.Columns, size.Rows)
			}
		case "shell":
			begins = true
		case "exec":
			var exec struct{ Command string }
			begins = c.vty && ssh.Unmarshal(r.Payload, &exec) == nil && exec.Command != "" && printable(exec.Command)
			command = exec.Command
		case "break": // RFC 4335
			c.Break()
			ok = true
		}
		begins = begins && !running
		if r.WantReply {
			_ = r.Reply(ok || begins, nil) // the client may have gone
		}
		if begins { // after the answer, which would follow the output otherwise
			running = true
			c.term.open(ch, command)
			asked <- command
		}
	}
}

func (c *Conn) window(cols, rows uint32) {
	if cols < maxSide && rows < maxSide {
		c.SetWindow(int(cols), int(rows))
	}
}

// printable reports whether a command can be typed on one line.
func printable(command string) bool {
	if len(command) > maxCommand {
		return false
	}
	for _, r := range command {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return true
}

// keepalive asks again and again whether the client is there, and closes the connection if it is not.
func (c *Conn) keepalive(server *ssh.ServerConn) {
	tick := time.NewTicker(keepaliveEvery)
	defer tick.Stop()
	for {
		select {
		case <-c.Done():
			return
		case <-tick.C:
		}
		late := time.AfterFunc(keepaliveTime, func() { _ = c.term.Close() })
		_, _, err := server.SendRequest("keepalive@openssh.com", true, nil)
		late.Stop()
		if err != nil {
			return
		}
	}
}
