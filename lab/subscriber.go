package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/lab/exchange"
)

// Chunk is a line that appeared on a subscriber's screen, from the time of its first character.
type Chunk struct {
	Time time.Time
	Text string
}

// subscriber is a person at a PC modem who follows a script. The screen is recorded.
type subscriber struct {
	dte    *exchange.DTE
	in     *bufio.Reader // reads dte. Text and PPP share it: it is read to the last octet that is needed
	within time.Duration
	echo   io.Writer                                 // gets the screen's text as it appears; may be nil
	online *online                                   // nil: the line carries text
	phone  func(context.Context, ScenarioStep) error // does the steps sms and ring

	mu     sync.Mutex
	screen []Chunk         // lines; the last one may be unfinished
	unseen strings.Builder // what came since the last `see` was satisfied
}

// defaultWithin is how long a `see` waits: forced wait, dialing, ringing and training at pace 1, with a margin.
const defaultWithin = 2 * time.Minute

func newSubscriber(m *exchange.Modem, echo io.Writer) *subscriber {
	dte := m.DTE()
	return &subscriber{dte: dte, in: bufio.NewReader(dte), within: defaultWithin, echo: echo}
}

// close drops the line; PPP does not say good-bye.
func (s *subscriber) close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.offline(ctx)
	s.dte.Close()
}

// play follows the script to its end or to the first step that fails.
func (s *subscriber) play(ctx context.Context, steps []ScenarioStep) error {
	stop := context.AfterFunc(ctx, func() { s.dte.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for _, st := range steps {
		if err := s.do(ctx, st); err != nil {
			return fmt.Errorf("script line %d: %s %s: %w", st.Line, st.Verb, st.Text, err)
		}
	}
	return nil
}

func (s *subscriber) do(ctx context.Context, st ScenarioStep) error {
	switch st.Verb {
	case "type":
		return s.write(st.Text + "\r")
	case "send":
		return s.write(st.Text)
	case "see":
		return s.see(ctx, st.Text)
	case "pause":
		if err := s.read(ctx, time.Now().Add(st.Wait), func() bool { return false }); !errors.Is(err, errTime) {
			return err
		}
	case "within":
		s.within = st.Wait
	case "sms", "ring":
		return s.phone(ctx, st)
	case "ppp":
		return s.dialUp(ctx, *st.PPP)
	case "fetch":
		return s.fetch(ctx, st.Text)
	case "hangup":
		s.offline(ctx)
		s.dte.SetDTR(false)
	}
	return nil
}

func (s *subscriber) write(text string) error {
	if s.online != nil {
		return errors.New("the line carries PPP: hang up before you type")
	}
	_, err := io.WriteString(s.dte, text)
	return err
}

// see waits until the text has come, case-insensitively, and discards everything up to its end.
func (s *subscriber) see(ctx context.Context, text string) error {
	want := strings.ToLower(text)
	found := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		all := s.unseen.String()
		i := strings.Index(strings.ToLower(all), want)
		if i < 0 {
			return false
		}
		s.unseen.Reset()
		s.unseen.WriteString(all[i+len(want):])
		return true
	}
	err := s.read(ctx, time.Now().Add(s.within), found)
	if errors.Is(err, errTime) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return fmt.Errorf("not seen within %v; since the last match the screen shows %q", s.within, s.unseen.String())
	}
	return err
}

var errTime = errors.New("timed out")

// read shows what comes until enough returns true or the time is out (which is no error for a pause). While the line
// carries PPP, it waits for the end of PPP.
func (s *subscriber) read(ctx context.Context, until time.Time, enough func() bool) error {
	for !enough() {
		if err := s.awaitOffline(ctx, until); err != nil {
			return err
		}
		s.dte.SetReadDeadline(until)
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		c, err := s.in.ReadByte()
		switch {
		case err == nil:
			s.show(string([]byte{c}))
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return errTime
		default:
			return fmt.Errorf("the modem's port: %w", err)
		}
	}
	return nil
}

// show appends a text to the screen, at the end of its last line.
func (s *subscriber) show(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(text) {
		if s.atLineStart() {
			s.screen = append(s.screen, Chunk{Time: time.Now()})
		}
		s.screen[len(s.screen)-1].Text += line
	}
	s.unseen.WriteString(text)
	if s.echo != nil {
		io.WriteString(s.echo, text)
	}
}

func (s *subscriber) atLineStart() bool {
	return len(s.screen) == 0 || strings.HasSuffix(s.screen[len(s.screen)-1].Text, "\n")
}

// transcript is everything that the screen has shown.
func (s *subscriber) transcript() string {
	var b strings.Builder
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.screen {
		b.WriteString(c.Text)
	}
	return b.String()
}
