package console

import (
	"io"
	"os"
	"sync"
	"testing"
	"time"
)

// screen renders the display of a dumb terminal of unlimited width: printable ASCII, backspace, CR and LF. It counts
// bells.
type screen struct {
	rows  [][]byte
	row   int
	col   int
	bells int
	odd   []byte // control characters that a terminal might act on
}

func render(out []byte) *screen {
	s := &screen{rows: [][]byte{nil}}
	for _, b := range out {
		switch {
		case b == '\r':
			s.col = 0
		case b == '\n':
			s.row++
			s.rows = append(s.rows, nil)
		case b == '\b':
			s.col--
		case b == 7:
			s.bells++
		case b < 0x20 || b == 0x7f:
			s.odd = append(s.odd, b)
		default:
			for len(s.rows[s.row]) <= s.col {
				s.rows[s.row] = append(s.rows[s.row], ' ')
			}
			s.rows[s.row][s.col] = b
			s.col++
		}
	}
	return s
}

func (s *screen) line(i int) string { return string(s.rows[i]) }

// tape is a Conn that delivers bytes in chunks and records writes; after the last chunk it returns io.EOF.
type tape struct {
	in    [][]byte
	out   []byte
	reads int
}

func (t *tape) Read(p []byte) (int, error) {
	for len(t.in) > 0 && len(t.in[0]) == 0 {
		t.in = t.in[1:]
	}
	if len(t.in) == 0 {
		return 0, io.EOF
	}
	t.reads++
	n := copy(p, t.in[0])
	t.in[0] = t.in[0][n:]
	return n, nil
}

func (t *tape) Write(p []byte) (int, error)      { t.out = append(t.out, p...); return len(p), nil }
func (t *tape) SetReadDeadline(time.Time) error  { return nil }
func (t *tape) SetWriteDeadline(time.Time) error { return nil }

func play(chunks ...string) *tape {
	t := &tape{}
	for _, c := range chunks {
		t.in = append(t.in, []byte(c))
	}
	return t
}

// rest returns the unread bytes.
func (t *tape) rest() string {
	var b []byte
	for _, c := range t.in {
		b = append(b, c...)
	}
	return string(b)
}

// stuck is a Conn that blocks until its deadlines pass, in a synctest bubble.
type stuck struct {
	mu          sync.Mutex
	read, write *time.Timer
	readDue     chan struct{}
	writeDue    chan struct{}
}

func newStuck(t *testing.T) *stuck {
	t.Helper()
	return &stuck{readDue: make(chan struct{}, 1), writeDue: make(chan struct{}, 1)}
}

func (s *stuck) Read([]byte) (int, error)  { <-s.readDue; return 0, os.ErrDeadlineExceeded }
func (s *stuck) Write([]byte) (int, error) { <-s.writeDue; return 0, os.ErrDeadlineExceeded }

func (s *stuck) SetReadDeadline(at time.Time) error  { s.arm(&s.read, s.readDue, at); return nil }
func (s *stuck) SetWriteDeadline(at time.Time) error { s.arm(&s.write, s.writeDue, at); return nil }

func (s *stuck) arm(timer **time.Timer, due chan struct{}, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *timer != nil {
		(*timer).Stop()
		*timer = nil
	}
	select {
	case <-due: // a new deadline replaces one that has passed
	default:
	}
	if !at.IsZero() {
		*timer = time.AfterFunc(time.Until(at), func() {
			select {
			case due <- struct{}{}:
			default:
			}
		})
	}
}
