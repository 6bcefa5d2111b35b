package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

const (
	hostChunk  = 1024            // octets per write: 34 s at 300 bit/s, so the idle timer notices progress
	hostStall  = 2 * time.Minute // maximum time that a host may block output
	hostLinger = 2 * time.Second // time for the last output of a host that no longer accepts input
)

// Why a host connection ended, other than by the end of the session.
var (
	errHostClosed = errors.New("closed by the host")
	errEscaped    = errors.New("caller left the host")
)

// hosted connects the session to the host granted by AAA, instead of an EXEC.
func (s *dialogue) hosted(ctx context.Context, auth aaa.Authorization) session.Ending {
	t, err := s.cfg.Hosts.target(*auth.Host, auth.NoEscape)
	if err != nil {
		return session.Ending{Cause: aaa.CauseServiceUnavailable, Reason: err.Error()}
	}
	if t.host == "" {
		if t.host, err = s.askHost(ctx); err != nil {
			return s.interruptedBy(ctx, err)
		}
		if t.host == "" {
			return session.Ending{Cause: aaa.CauseNASRequest, Reason: "caller entered no host"}
		}
	}
	e, err := s.join(ctx, t)
	if err != nil {
		return s.interruptedBy(ctx, err)
	}
	return e
}

// hostTries is the maximum number of tries to enter a host.
const hostTries = 3

// askHost asks the caller for the host; "" if none is entered. Surrounding spaces are removed. The error is that of the
// terminal.
func (s *dialogue) askHost(ctx context.Context) (string, error) {
	for range hostTries {
		name, err := s.ask(ctx, s.text(texts.PromptHost), true)
		switch {
		case rejected(err) != "":
			s.say(s.text(rejected(err)) + "\n")
		case err != nil && !errors.Is(err, errBlank):
			return "", err
		}
		if name = strings.Trim(name, " "); err == nil && name != "" {
			return name, nil
		}
	}
	return "", nil
}

// connectNode is the command to connect to a host: always available to an autocmd, shown if hosts are listed.
func (x *exec) connectNode(word string) console.Node {
	return console.Node{Word: word, Help: texts.HelpConnect, Hidden: len(x.cfg.Hosts.Allow) == 0,
		Next: []console.Node{
			{Word: "host", Kind: console.Word, Help: texts.HelpHost, Run: x.connect, Next: []console.Node{
				{Word: "port", Kind: console.Number, Min: 1, Max: 65535, Help: texts.HelpPort,
					Run: x.connect},
			}},
		}}
}

// unreachable returns why an autocmd may not connect to a host; "" if no reason is known without a name lookup.
func (h Hosts) unreachable(host string, args console.Args) string {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	port := telnetPort
	if n, typed := args.Int("port"); typed {
		port = n
	}
	if err := h.refuses(netip.AddrPortFrom(addr, uint16(port)), byAAA); err != nil {
		return err.Error()
	}
	return ""
}

// connect connects the caller to a host until the connection ends, and returns to the EXEC.
func (x *exec) connect(ctx context.Context, args console.Args, _ io.Writer) error {
	t := target{service: aaa.Telnet, host: args["host"], port: telnetPort, by: byCaller}
	if port, typed := args.Int("port"); typed {
		t.port = port
	}
	if x.auto {
		t.by, t.sealed = byAAA, x.res.Auth.NoEscape
	} else if x.level < unprivileged {
		return texts.Error{Key: texts.EXECErrorLevel0}
	}
	e, err := x.join(ctx, t)
	if err != nil {
		return console.Fatal{Err: err}
	}
	if x.auto {
		x.joined = &e
	}
	return nil
}

func (s *dialogue) joined(t target, why string) {
	s.Joined(console.Clean(fmt.Sprintf("%s with %s", t, t.service)), why)
}

// join connects the caller to t and relays octets in both directions until one side ends. An error ends the session too
// (ctx, terminal, idle timeout); otherwise the Ending says how the connection ended.
func (s *dialogue) join(ctx context.Context, t target) (session.Ending, error) {
	s.talk(t, s.text(texts.HostTrying, console.Clean(t.title())))
	conn, err := s.cfg.Hosts.dial(ctx, t)
	switch {
	case err != nil && ctx.Err() != nil:
		return session.Ending{}, context.Cause(ctx)
	case err != nil:
		reason := s.Scrub(fmt.Sprintf("connect to %s with %s: %v", t, t.service, err))
		s.Debugf("host: %s", reason)
		s.joined(t, s.Scrub(err.Error()))
		s.say("\n" + s.text(unconnected(err)) + "\n")
		return session.Ending{Cause: aaa.CauseServiceUnavailable, Reason: reason}, nil
	}
	defer conn.Close()
	s.Debugf("host: connected to %s with %s", t, t.service)
	s.joined(t, "")
	s.talk(t, s.text(texts.HostOpen)+"\n")
	err = s.carry(ctx, conn, t)
	s.Debugf("host: %s: %s", t, s.Scrub(err.Error()))
	if ctx.Err() != nil {
		return session.Ending{}, context.Cause(ctx)
	}
	return s.parted(t, err)
}

// talk sends text about the connection to the caller, except with TCP-clear: the caller may be a program that expects
// only the host's output.
func (s *dialogue) talk(t target, text string) {
	if t.service != aaa.TCPClear {
		s.say(text)
	}
}

// parted converts the error that ended the relay to an Ending; an error that ends the session is returned unchanged.
func (s *dialogue) parted(t target, err error) (session.Ending, error) {
	e := session.Ending{Reason: s.Scrub(fmt.Sprintf("%s: %v", t, err))}
	closed := texts.HostClosedByHost
	switch {
	case errors.Is(err, errEscaped):
		e.Cause, closed = aaa.CauseUserRequest, texts.HostClosed
	case errors.Is(err, errHostClosed):
		e.Cause = aaa.CauseHostRequest
	case errors.As(err, new(hostError)):
		e.Cause = aaa.CauseLostService
	default:
		return session.Ending{}, err
	}
	s.talk(t, "\n"+s.text(closed, console.Clean(t.title()))+"\n")
	return e, nil
}

// unconnected returns the text for a failed connection.
func unconnected(err error) texts.Key {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, new(refusedError)):
		return texts.HostNotAllowed
	case errors.Is(err, syscall.ECONNREFUSED):
		return texts.HostRefused
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return texts.HostTimedOut
	}
	return texts.HostUnreachable
}

// hostError is the error of a broken host connection.
type hostError struct{ error }

func (e hostError) Unwrap() error { return e.error }

// carry relays octets between the caller and conn until either ends, and returns why. It does not queue: a blocked side
// stops the other. When it returns, all output of the host has been passed on, unless the caller ended the connection.
func (s *dialogue) carry(ctx context.Context, conn net.Conn, t target) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	raw, release := s.term.Raw(ctx)
	defer release()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	j := &joint{caller: raw, conn: conn, alive: func() {}}
	if t.service == aaa.Telnet {
		j.telnet = &telnet{terminal: s.cfg.Hosts.terminal()}
		j.keys = keyboard{telnet: j.telnet, escapes: !t.sealed}
	}
	if d := s.term.Idle; d > 0 {
		idle := time.AfterFunc(d, func() { cancel(console.ErrIdle) })
		defer idle.Stop()
		j.alive = func() { idle.Reset(d) }
	}
	var up sync.WaitGroup
	up.Go(func() {
		if err := session.Relay(j.fromCaller); err != nil {
			cancel(err)
		}
	})
	cancel(session.Relay(j.fromHost))
	up.Wait()
	err := context.Cause(ctx)
	session.Repanic(err)
	return err
}

func (h Hosts) terminal() string {
	if h.Terminal == "" {
		return "vt100"
	}
	return h.Terminal
}

// joint is a connection between a caller and a host. One goroutine relays each direction.
type joint struct {
	caller console.Stream
	conn   net.Conn
	alive  func() // called when octets were relayed

	mu     sync.Mutex
	telnet *telnet  // nil: transparent; guarded by mu
	keys   keyboard // guarded by mu

	toHost, toCaller sync.Mutex // held while writing
}

// gone returns the meaning of an error of the host's stream.
func gone(err error) error {
	if errors.Is(err, io.EOF) {
		return errHostClosed
	}
	return hostError{err}
}

// fromCaller relays input of the caller until the caller's stream ends or the caller leaves. It returns nil if the host
// accepts no more: its last output may be under way, and fromHost returns when it has ended.
func (j *joint) fromCaller() error {
	buf := make([]byte, hostChunk)
	var wire, echo []byte
	for {
		n, err := j.caller.Read(buf)
		if n > 0 {
			j.alive()
			var taken int
			var left bool
			wire, echo, taken, left = j.typed(buf[:n], wire[:0], echo[:0])
			if left {
				j.caller.Unread(n - taken)
			}
			if err := j.writeCaller(echo); err != nil {
				return err
			}
			if err := j.writeHost(wire); err != nil {
				_ = j.conn.SetReadDeadline(time.Now().Add(hostLinger))
				return nil
			}
			if left {
				return errEscaped
			}
		}
		if err != nil {
			return err
		}
	}
}

func (j *joint) typed(p, wire, echo []byte) (wire2, echo2 []byte, taken int, left bool) {
	if j.telnet == nil {
		return append(wire, p...), echo, len(p), false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.keys.typed(p, wire, echo)
}

// fromHost relays output of the host until it ends or the caller accepts no more.
func (j *joint) fromHost() error {
	buf := make([]byte, 4*hostChunk)
	var data, reply []byte
	for {
		n, err := j.conn.Read(buf)
		data, reply = j.heard(buf[:n], data[:0], reply[:0])
		if err := j.writeCaller(data); err != nil {
			return err
		}
		if err := j.writeHost(reply); err != nil {
			return gone(err)
		}
		if err != nil {
			return gone(err)
		}
	}
}

func (j *joint) heard(p, data, reply []byte) (data2, reply2 []byte) {
	if j.telnet == nil {
		return append(data, p...), reply
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.telnet.fromHost(p, data, reply)
}

// writeCaller blocks while the caller accepts no output: a caller may stop the output to read it, until the idle
// timeout.
func (j *joint) writeCaller(p []byte) error {
	j.toCaller.Lock()
	defer j.toCaller.Unlock()
	for len(p) > 0 {
		n, err := j.caller.Write(p[:min(len(p), hostChunk)])
		if err != nil {
			return err
		}
		j.alive()
		p = p[n:]
	}
	return nil
}

func (j *joint) writeHost(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	j.toHost.Lock()
	defer j.toHost.Unlock()
	_ = j.conn.SetWriteDeadline(time.Now().Add(hostStall)) // without deadline support, the idle timeout ends it
	_, err := j.conn.Write(p)
	return err
}
