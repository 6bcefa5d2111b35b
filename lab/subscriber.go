package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ringback/ringback/lab/exchange"
)

// Chunk is a piece of text that appeared on a subscriber's screen.
type Chunk struct {
	Time time.Time
	Text string
}

// subscriber is a person at a PC modem who follows a script. The screen is recorded.
type subscriber struct {
	dte    *exchange.DTE
	screen []Chunk
	unseen strings.Builder // what came since the last `see` was satisfied
	within time.Duration
	echo   io.Writer // gets the screen's text as it appears; may be nil
}

// defaultWithin is how long a `see` waits: forced wait, dialing, ringing and training at pace 1, with a margin.
const defaultWithin = 2 * time.Minute

func newSubscriber(m *exchange.Modem, echo io.Writer) *subscriber {
	return &subscriber{dte: m.DTE(), within: defaultWithin, echo: echo}
}

func (s *subscriber) close() { s.dte.Close() }

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
	case "hangup":
		s.dte.SetDTR(false)
	}
	return nil
}

func (s *subscriber) write(text string) error {
	_, err := io.WriteString(s.dte, text)
	return err
}

// see waits until the text has come, case-insensitively, and discards everything up to its end.
func (s *subscriber) see(ctx context.Context, text string) error {
	want := strings.ToLower(text)
	found := func() bool {
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
		return fmt.Errorf("not seen within %v; since the last match the screen shows %q", s.within, s.unseen.String())
	}
	return err
}

var errTime = errors.New("timed out")

// read shows what comes until enough returns true or the time is out (which is no error for a pause).
func (s *subscriber) read(ctx context.Context, until time.Time, enough func() bool) error {
	buf := make([]byte, 1024)
	for !enough() {
		s.dte.SetReadDeadline(until)
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := s.dte.Read(buf)
		if n > 0 {
			s.show(string(buf[:n]))
		}
		switch {
		case err == nil:
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

func (s *subscriber) show(text string) {
	s.screen = append(s.screen, Chunk{Time: time.Now(), Text: text})
	s.unseen.WriteString(text)
	if s.echo != nil {
		io.WriteString(s.echo, text)
	}
}

// transcript is everything that the screen has shown.
func (s *subscriber) transcript() string {
	var b strings.Builder
	for _, c := range s.screen {
		b.WriteString(c.Text)
	}
	return b.String()
}
