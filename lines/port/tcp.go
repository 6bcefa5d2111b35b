package port

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/lines"
)

// tcp is a port of plain bytes over TCP or TLS.
type tcp struct {
	net.Conn
	noSignals
	name    string
	closing atomic.Bool
}

func openTCP(ctx context.Context, a Address, o Options) (lines.Port, error) {
	c, err := dial(ctx, a, o.TLS)
	if err != nil {
		return nil, err
	}
	return &tcp{Conn: c, name: a.Name()}, nil
}

func (t *tcp) String() string { return t.name }

// Await implements lines.Port.
func (t *tcp) Await() { await(t.Conn) }

func await(c net.Conn) {
	if s, ok := c.(*secure); ok {
		s.await()
		return
	}
	awaitReadable(c)
}

// Read implements lines.Port. During Close the server ends the connection too, which is no error of the port.
func (t *tcp) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if err != nil && t.closing.Load() {
		err = net.ErrClosed
	}
	return n, err
}

// Close ends the connection; a second Close does nothing.
func (t *tcp) Close() error {
	t.closing.Store(true)
	release(t.Conn, releaseLimit)
	if err := t.Conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// releaseLimit is how long Close waits for the server.
const releaseLimit = 250 * time.Millisecond

// release tells the server the end of a TCP connection, and waits until it has closed its side or the limit is over.
// Most servers accept one client per port: the next connection, by a line that was changed or by a second command,
// would be closed immediately if it came before. The caller closes c.
func release(c net.Conn, limit time.Duration) {
	t, ok := c.(*net.TCPConn)
	if !ok || t.CloseWrite() != nil || t.SetReadDeadline(time.Time{}) != nil {
		return
	}
	late := time.AfterFunc(limit, func() { _ = t.CloseRead() }) // also ends the line's reader, which may be reading
	defer late.Stop()
	_, _ = io.Copy(io.Discard, t)
}

// Keep-alive detects a peer that is switched off after silenceLimit: probes follow keepAliveIdle of silence.
const (
	keepAliveIdle     = 30 * time.Second
	keepAliveInterval = 10 * time.Second
	keepAliveCount    = 3
)

// silenceLimit is how long the peer of a TCP or RFC 2217 port may be out of reach. On Linux it is also how long written
// octets may wait to be delivered: a dial command that was written just before a network failed must not reach the
// modem when the network works again minutes later. It is the whole time of keep-alive, because Linux gives up an idle
// connection at the first unanswered probe after this limit.
const silenceLimit = keepAliveIdle + keepAliveCount*keepAliveInterval

// dial connects to a.Host.
func dial(ctx context.Context, a Address, files *certs.Files) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	c, err := dialer(silenceLimit).DialContext(ctx, "tcp", a.Host) // Go sets TCP_NODELAY by itself
	if err != nil {
		return nil, fmt.Errorf("%s: %w%s", a.Name(), bare(err), dialHint(err))
	}
	if !a.OverTLS() {
		return c, nil
	}
	s, err := handshake(ctx, c, a, files)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", a.Name(), bare(err))
	}
	return s, nil
}

func dialer(unsent time.Duration) *net.Dialer {
	return &net.Dialer{Control: limitUnsent(unsent), KeepAliveConfig: net.KeepAliveConfig{Enable: true,
		Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount}}
}

// bare returns the cause of an error of net or os, without the address (the name of the port has it) and the system
// call.
func bare(err error) error {
	if op, ok := err.(*net.OpError); ok && op.Err != nil {
		err = op.Err
	}
	if call, ok := err.(*os.SyscallError); ok {
		err = call.Err
	}
	return err
}

func dialHint(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return " (is the host's name spelled right?)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return " (is the server running, and does it listen on this TCP port?)"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return " (is the host switched on, and does a firewall block the connection?)"
	}
	return ""
}

// noSignals implements the signal methods of a port without modem signals.
type noSignals struct{}

func (noSignals) HasSignals() bool         { return false }
func (noSignals) Signals() lines.Signals   { return 0 }
func (noSignals) Changes() <-chan struct{} { return nil }
func (noSignals) SetDTR(bool) error        { return lines.ErrNoSignals }
func (noSignals) Break(time.Duration) error {
	return lines.ErrNoSignals
}
