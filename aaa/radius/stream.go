package radius

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	writeQueue  = 64               // packets that wait for the writer
	writeWithin = 10 * time.Second // a peer that takes nothing for so long is gone
)

// badFrame is the error of a stream whose next Length is none: nothing behind it can be trusted (RFC 6613 §2.6.4).
type badFrame int

func (b badFrame) Error() string {
	return fmt.Sprintf("packet length %d not from 20 to %d, connection closed", int(b), maxLen)
}

// readPacket reads the next packet of a stream into buf, which holds maxLen octets, and returns it. io.EOF at the end
// of the stream, io.ErrUnexpectedEOF inside a packet, badFrame where its Length is none.
func readPacket(r *bufio.Reader, buf []byte) ([]byte, error) {
	head, err := r.Peek(4)
	if err != nil {
		if err == io.EOF && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(head[2:]))
	if n < headerLen || n > maxLen {
		return nil, badFrame(n)
	}
	if _, err := io.ReadFull(r, buf[:n]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return buf[:n], nil
}

// readStream is the one goroutine that reads a connection, until it is closed, broken or lies.
func (s *socket) readStream() {
	r := bufio.NewReaderSize(s.conn, replyBuf)
	buf := make([]byte, maxLen)
	for {
		packet, err := readPacket(r, buf)
		if err != nil {
			s.complain(explainTLS(err))
			return
		}
		s.heard.Add(1)
		// RFC 6613 §2.6.4: a reply that lies about its length or its authenticators ends the connection; one that
		// nobody waits for does not.
		switch f := s.deliver(packet); f {
		case badLength, badDigest, badMAC, doubledMAC:
			s.complain(fmt.Errorf("reply %s, connection closed", f))
			return
		}
	}
}

// writeStream is the one goroutine that writes a connection: no exchange waits in a Write for another's octets. Each
// packet is a TLS record of its own: FreeRADIUS 3.2.1 closes a connection over a record with two.
func (s *socket) writeStream() {
	for {
		select {
		case wire := <-s.queue:
			s.conn.SetWriteDeadline(time.Now().Add(writeWithin))
			if _, err := s.conn.Write(wire); err != nil {
				s.fail(err)
				return
			}
		case <-s.gone:
			return
		}
	}
}

// fail ends a connection that cannot be written to. Where the server closed it, its alert says why, and the reader may
// still find that.
func (s *socket) fail(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.shut(fmt.Errorf("the server read nothing for %s: %w", writeWithin, err))
		return
	}
	s.conn.SetReadDeadline(time.Now().Add(time.Second))
}
