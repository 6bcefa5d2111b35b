package listener

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/nvt"
)

const (
	MaxBeforeLogin = 64 << 10         // octets of a client before a user is admitted
	readAtOnce     = 4 << 10          // octets of one read from the network, and of one write to it
	answerTime     = 10 * time.Second // for an answer of the protocol
	lastInputTime  = 10 * time.Second // for a session to read what came before the client's end of input
	lingerTime     = time.Second      // for the client to take the last output
)

// ErrTooMuch is why a connection is closed before a login.
var ErrTooMuch = fmt.Errorf("more than %d octets before a login", MaxBeforeLogin)

// Stream is a connection of a client, as the data of a session: without the commands of Telnet, which it answers. It
// always reads, so that it notices at once that the client has gone.
type Stream struct {
	conn net.Conn
	in   *inbox

	protocol sync.Mutex    // guards what follows, and is held by no one who blocks
	server   *nvt.Server   // nil: the octets pass unchanged
	com      *nvt.ComPort  // of RFC 2217; nil: the client drives no port
	broken   error         // why the stream was ended; nil: the client or the session did it
	resumed  chan struct{} // closed when the client takes data again; nil: it does
	breaks   int           // that the client has sent
	drops    int           // of DTR, by the client
	cols     int           // of the client's window, if no protocol tells it
	rows     int
	changed  chan struct{} // see Changed

	writing   sync.Mutex // held while something is written
	deadline  sync.Mutex // guards writeUntil
	writeTill time.Time
	admitted  atomic.Bool // a user is, so the client's octets are not limited any more

	closing sync.Once
	done    chan struct{} // closed when the client or the session has ended the connection
	read    chan struct{} // closed when nothing is read any more
}

// NewStream begins to serve conn, until Hangup, which closes it. What the protocol asks of the client is sent at once.
// modem says that the session is a modem's: a BREAK is for it, and no key of a terminal.
func NewStream(conn net.Conn, p Protocol, modem bool) *Stream {
	s := &Stream{conn: conn, in: newInbox(), done: make(chan struct{}), read: make(chan struct{}),
		changed: make(chan struct{}, 1)}
	switch p {
	case Telnet:
		s.server = nvt.NewServer(nil)
	case RFC2217:
		s.com = nvt.NewComPort("ringback")
		s.com.Settings, s.com.Purge = s.driven, s.purge
		s.server = nvt.NewServer(s.com)
	}
	if s.server != nil && modem {
		s.server.Break = s.broke
	}
	go s.serve()
	return s
}

// serve reads until the connection ends.
func (s *Stream) serve() {
	defer close(s.read)
	defer s.end()
	err := s.answer()
	buf := make([]byte, readAtOnce)
	var data []byte
	for octets := 0; err == nil; {
		var n int
		n, err = s.conn.Read(buf)
		octets += n
		if !s.admitted.Load() && octets > MaxBeforeLogin {
			err = s.breakOff(ErrTooMuch)
		}
		if n == 0 || err != nil && !errors.Is(err, io.EOF) {
			continue
		}
		bad := error(nil)
		if data, bad = s.decode(data[:0], buf[:n]); len(data) > 0 {
			s.in.put(data)
		}
		if bad != nil {
			err = s.breakOff(bad)
		} else if err == nil {
			err = s.answer()
		}
	}
	if errors.Is(err, io.EOF) {
		s.in.end(lastInputTime)
	}
}

func (s *Stream) decode(dst, p []byte) ([]byte, error) {
	if s.server == nil {
		return append(dst, p...), nil
	}
	s.protocol.Lock()
	defer s.protocol.Unlock()
	return s.server.Decode(dst, p)
}

// breakOff records why the stream is ended.
func (s *Stream) breakOff(why error) error {
	s.protocol.Lock()
	defer s.protocol.Unlock()
	s.broken = why
	return why
}

// Broken returns why the stream was ended for what the client did; nil: it was not.
func (s *Stream) Broken() error {
	s.protocol.Lock()
	defer s.protocol.Unlock()
	return s.broken
}

// replies takes what the protocol has to send.
func (s *Stream) replies() []byte {
	if s.server == nil {
		return nil
	}
	s.protocol.Lock()
	defer s.protocol.Unlock()
	return s.server.Replies()
}

// answer sends what the protocol has to send.
func (s *Stream) answer() error {
	p := s.replies()
	if len(p) == 0 {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.deadline.Lock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(answerTime)) // an error shows in the write
	s.deadline.Unlock()
	_, err := s.conn.Write(p)
	s.deadline.Lock()
	defer s.deadline.Unlock()
	_ = s.conn.SetWriteDeadline(s.writeTill)
	return err
}

// end says that the connection is over for the session.
func (s *Stream) end() {
	s.closing.Do(func() { close(s.done) })
	s.in.close()
}

// Admit says that a user is admitted: the client may now send any number of octets.
func (s *Stream) Admit() { s.admitted.Store(true) }

// Read implements lines.Data.
func (s *Stream) Read(p []byte) (int, error) { return s.in.read(p) }

// Buffered returns how many octets can be read without blocking.
func (s *Stream) Buffered() int { return s.in.buffered() }

// SetReadDeadline implements lines.Data.
func (s *Stream) SetReadDeadline(t time.Time) error {
	s.in.setDeadline(t)
	return nil
}

// SetWriteDeadline implements lines.Data.
func (s *Stream) SetWriteDeadline(t time.Time) error {
	s.deadline.Lock()
	defer s.deadline.Unlock()
	s.writeTill = t
	return s.conn.SetWriteDeadline(t)
}

// Write implements lines.Data.
func (s *Stream) Write(p []byte) (n int, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	var wire []byte
	for n < len(p) {
		select {
		case <-s.done:
			return n, io.EOF
		default:
		}
		if err := s.awaitResume(); err != nil {
			return n, err
		}
		chunk := p[n:min(n+readAtOnce, len(p))]
		wire = s.encode(append(wire[:0], s.replies()...), chunk)
		if _, err := s.conn.Write(wire); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return n, err
			}
			return n, io.EOF
		}
		n += len(chunk)
	}
	return n, nil
}

func (s *Stream) encode(dst, p []byte) []byte {
	if s.server == nil {
		return append(dst, p...)
	}
	s.protocol.Lock()
	defer s.protocol.Unlock()
	return s.server.Encode(dst, p)
}

// awaitResume blocks while the client wants no data (RFC 2217 §5), until the write deadline.
func (s *Stream) awaitResume() error {
	s.protocol.Lock()
	resumed := s.resumed
	s.protocol.Unlock()
	if resumed == nil {
		return nil
	}
	s.deadline.Lock()
	until := s.writeTill
	s.deadline.Unlock()
	var expired <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		expired = t.C
	}
	select {
	case <-resumed:
		return nil
	case <-s.done:
		return io.EOF
	case <-expired:
		return os.ErrDeadlineExceeded
	}
}

// Drain implements lines.Data: what was written is on its way.
func (s *Stream) Drain(context.Context) error { return nil }

// Done implements lines.Data.
func (s *Stream) Done() <-chan struct{} { return s.done }

// Hangup implements lines.Data: it closes the connection, with a short time for the client to take the last output. It
// always succeeds.
func (s *Stream) Hangup(ctx context.Context) error {
	s.end()
	if c, ok := s.conn.(interface{ CloseWrite() error }); ok && c.CloseWrite() == nil {
		linger := time.NewTimer(lingerTime)
		defer linger.Stop()
		select {
		case <-s.read:
		case <-linger.C:
		case <-ctx.Done():
		}
	}
	_ = s.conn.Close() // nothing can be done about an error
	<-s.read
	return nil
}
