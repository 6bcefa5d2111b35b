package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// SiteCall is an order to dial a site.
type SiteCall struct {
	Site   string
	Number string // "": that of the site's profile
	Line   int    // 0: any line of Rotary
	Rotary int    // without Line; -1: any line
}

// SiteStatus is what becomes of a call to a site.
type SiteStatus struct {
	State      string   `json:"state" doc:"dialing, connected or ended"`
	Call       string   `json:"call,omitempty" doc:"its ID, also in accounting"`
	Line       int      `json:"line,omitempty" doc:"the line that dialed, a TTY"`
	Number     string   `json:"number,omitempty" doc:"that was dialed, in canonical digits"`
	Connect    string   `json:"connect,omitempty" doc:"the modem's CONNECT line"`
	Script     string   `json:"script,omitempty" doc:"the name of the script that dialed"`
	Transcript []string `json:"transcript,omitempty" doc:"of the scripts, secrets masked"`
	Result     string   `json:"result,omitempty" doc:"ended, of a dial that has no call: the result code, such as BUSY"`
	Reason     string   `json:"reason,omitempty" doc:"ended: why"`
}

// The states of a call to a site.
const (
	SiteDialing   = "dialing"
	SiteConnected = "connected"
	SiteEnded     = "ended"
)

// SiteProtocol is the protocol to which a request for a call is upgraded: frames of a kind, a length in two octets, the
// highest first, and octets.
const SiteProtocol = "ringback-call/1"

// The kinds of frames.
const (
	FrameData   = 'd' // octets of the call, in both directions; from the client, no more than it has credit for
	FrameCredit = 'c' // from the daemon: the client may send so many octets more, as a number of four octets
	FrameStatus = 's' // from the daemon: a SiteStatus as JSON. Nothing follows one that has ended
	FrameHangup = 'h' // from the client: hang up
)

// MaxFrame is the most octets of a frame, and SiteWindow the most that a client may send ahead of the modem.
const (
	MaxFrame   = 16 << 10
	SiteWindow = 16 << 10
)

// WriteFrame writes a frame with one write.
func WriteFrame(w io.Writer, kind byte, data []byte) error {
	if len(data) > MaxFrame {
		return fmt.Errorf("a frame of %d octets: the maximum is %d", len(data), MaxFrame)
	}
	b := make([]byte, 3, 3+len(data))
	b[0] = kind
	binary.BigEndian.PutUint16(b[1:], uint16(len(data)))
	_, err := w.Write(append(b, data...))
	return err
}

// ReadFrame reads a frame. io.EOF means that the other side has ended between two frames.
func ReadFrame(r *bufio.Reader) (kind byte, data []byte, err error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint16(head[1:]))
	if n > MaxFrame {
		return 0, nil, fmt.Errorf("a frame of %d octets: the maximum is %d", n, MaxFrame)
	}
	data = make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return 0, nil, fmt.Errorf("a frame is cut short: %w", io.ErrUnexpectedEOF)
	}
	return head[0], data, nil
}

// Credit is the octets of a FrameCredit.
func Credit(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// SiteConn is the operator's end of a call to a site. Read and Next are for one goroutine, Write for another; Hangup
// and Close may be called from any.
type SiteConn struct {
	conn io.ReadWriteCloser
	in   *bufio.Reader

	out    chan struct{} // capacity 1: one frame at a time
	mu     sync.Mutex    // guards credit and closed
	more   *sync.Cond
	credit int
	closed bool
}

// CallSite has the daemon dial a site. The daemon must be asked with the role operator. The result's Next reports what
// becomes of the call; ctx applies until the daemon has taken the order. The caller must close the SiteConn, which
// hangs up a call that is not over.
func (c *Client) CallSite(ctx context.Context, q SiteCall) (*SiteConn, error) {
	v := url.Values{}
	if q.Number != "" {
		v.Set("number", q.Number)
	}
	if q.Line != 0 {
		v.Set("line", strconv.Itoa(q.Line))
	}
	if q.Rotary >= 0 {
		v.Set("rotary", strconv.Itoa(q.Rotary))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/v1/sites/"+url.PathEscape(q.Site)+"/call?"+
		v.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", SiteProtocol)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		defer resp.Body.Close()
		return nil, problemOf(resp)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || !strings.EqualFold(resp.Header.Get("Upgrade"), SiteProtocol) {
		resp.Body.Close()
		return nil, fmt.Errorf("the daemon at %s does not speak %s (is it of another version?)", c.where, SiteProtocol)
	}
	s := &SiteConn{conn: conn, in: bufio.NewReaderSize(conn, 3+MaxFrame), out: make(chan struct{}, 1)}
	s.more = sync.NewCond(&s.mu)
	return s, nil
}

// Next blocks for what comes next: octets of the call, or a status. After the status SiteEnded, and if the daemon has
// gone, the error is io.EOF or says why.
func (s *SiteConn) Next() (data []byte, status *SiteStatus, err error) {
	for {
		kind, data, err := ReadFrame(s.in)
		switch {
		case err != nil:
			s.Close()
			return nil, nil, err
		case kind == FrameData:
			return data, nil, nil
		case kind == FrameCredit && len(data) == 4:
			s.mu.Lock()
			s.credit += int(binary.BigEndian.Uint32(data))
			s.more.Broadcast()
			s.mu.Unlock()
		case kind == FrameStatus:
			var status SiteStatus
			if err := json.Unmarshal(data, &status); err != nil {
				s.Close()
				return nil, nil, fmt.Errorf("read a status: %w", err)
			}
			return nil, &status, nil
		}
	}
}

// ErrSiteClosed is the error of a Write after Close, or after the end of the call.
var ErrSiteClosed = errors.New("the call is over")

// Write sends octets to the site, as fast as the modem takes them. It blocks until all are sent, or the SiteConn is
// closed; they may be lost if the call ends.
func (s *SiteConn) Write(p []byte) (n int, err error) {
	for n < len(p) {
		s.mu.Lock()
		for s.credit == 0 && !s.closed {
			s.more.Wait()
		}
		now := min(len(p)-n, s.credit, MaxFrame)
		s.credit -= now
		closed := s.closed
		s.mu.Unlock()
		if closed {
			return n, ErrSiteClosed
		}
		if err := s.frame(FrameData, bytes.Clone(p[n:n+now])); err != nil {
			return n, err
		}
		n += now
	}
	return n, nil
}

// Hangup asks the daemon to hang up, or to give up a dial. The status SiteEnded follows.
func (s *SiteConn) Hangup() error { return s.frame(FrameHangup, nil) }

func (s *SiteConn) frame(kind byte, data []byte) error {
	s.out <- struct{}{}
	defer func() { <-s.out }()
	return WriteFrame(s.conn, kind, data)
}

// Close ends the connection. A second call is safe.
func (s *SiteConn) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.more.Broadcast()
	return s.conn.Close()
}
