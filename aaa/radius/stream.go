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
	writeWithin = 10 * time.Second // a peer that reads nothing for this long is dead
)

// badFrame is the error of a stream with an invalid Length: nothing after it can be trusted (RFC 6613 §2.6.4).
type badFrame int

func (b badFrame) Error() string {
	return fmt.Sprintf("packet length %d not from 20 to %d, connection closed", int(b), maxLen)
}

// readPacket reads the next packet of a stream into buf, of maxLen octets, and returns it. The error is io.EOF at the
// end of the stream, io.ErrUnexpectedEOF inside a packet, and badFrame for an invalid Length.
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

// readStream is the only goroutine that reads a connection. It ends when the connection is closed, fails or delivers an
// invalid packet.
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
		// RFC 6613 §2.6.4: a reply with a wrong length or authenticator ends the connection; a reply that no exchange
		// waits for does not.
		switch f := s.deliver(packet); f {
		case badLength, badDigest, badMAC, doubledMAC:
			s.complain(fmt.Errorf("reply %s, connection closed", f))
			return
		}
	}
}

// writeStream is the only goroutine that writes to a connection, so no exchange blocks in the Write of another. Each
// packet is a separate TLS record: FreeRADIUS 3.2.1 closes a connection after a record with two packets.
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

// fail ends a connection after a write error. If the server closed it, the reader may still receive the alert that says
// why.
func (s *socket) fail(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.shut(fmt.Errorf("the server read nothing for %s: %w", writeWithin, err))
		return
	}
	s.conn.SetReadDeadline(time.Now().Add(time.Second))
}
