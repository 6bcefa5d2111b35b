package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/lines"
)

// The limits of one command.
const (
	shortGap = 40 * time.Millisecond  // between a result code and the next command (V.250 §5.7.1)
	longGap  = 110 * time.Millisecond // for a modem that ignores what comes earlier
	maxReply = 8 << 10                // octets; more is no answer to a command
)

// The errors of a conversation.
var (
	errSilent  = errors.New("no answer")
	errFlood   = errors.New("the device sends data all the time")
	errRinging = errors.New("the line rings")
)

// reply is the answer to one command.
type reply struct {
	lines  []string // without the echo and the result code
	ok     bool     // OK; otherwise ERROR
	silent bool     // there was no result code
	raw    string   // all that came, for errors
}

// last returns the last line of the answer; "" if there is none.
func (r reply) last() string {
	if len(r.lines) == 0 {
		return ""
	}
	return r.lines[len(r.lines)-1]
}

// talker holds a conversation with a modem.
type talker struct {
	port     lines.Port
	gap      time.Duration
	patience time.Duration // Options.Patience
	numeric  bool          // the modem sends result codes as digits (V0)
}

// ask sends a command and waits for its result code. The error is errSilent if there is none in time; the reply then
// has what came instead.
func (t *talker) ask(ctx context.Context, command string) (reply, error) {
	select {
	case <-time.After(t.gap):
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
	limit := time.Now().Add(t.patience)
	if end, ok := ctx.Deadline(); ok && end.Before(limit) {
		limit = end
	}
	if err := t.port.SetWriteDeadline(limit); err != nil {
		return reply{}, err
	}
	if _, err := io.WriteString(t.port, command+"\r"); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = errors.New("the device accepts no bytes (is it powered? without RTS and CTS in the cable, add " +
				"flow=none)")
		}
		return reply{}, err
	}
	if err := t.port.SetReadDeadline(limit); err != nil {
		return reply{}, err
	}
	return t.listen(command)
}

// listen reads until a result code.
func (t *talker) listen(command string) (reply, error) {
	var raw []byte
	buf := make([]byte, 256)
	for {
		n, err := t.port.Read(buf)
		raw = append(raw, buf[:n]...)
		r, done := t.parse(command, string(raw))
		switch {
		case done:
			return r, nil
		case len(raw) > maxReply:
			return r, errFlood
		case errors.Is(err, os.ErrDeadlineExceeded):
			if slices.Contains(r.lines, string(lines.Ring)) {
				return r, errRinging
			}
			return r, errSilent
		case err != nil:
			return r, fmt.Errorf("read: %w", err)
		}
	}
}

// parse splits what came into lines; done means that the last one is a result code and complete.
func (t *talker) parse(command, raw string) (r reply, done bool) {
	r.raw = raw
	for text := range strings.FieldsFuncSeq(raw, func(c rune) bool { return c == '\r' || c == '\n' }) {
		text = strings.TrimFunc(text, unprintable)
		switch up := strings.ToUpper(text); {
		case text == "":
		case up == strings.ToUpper(command):
		case up == "OK" || t.numeric && up == "0":
			r.ok, done = true, true
		case up == "ERROR" || t.numeric && up == "4" || strings.HasPrefix(up, "+CME ERROR"):
			done = true
		default:
			r.lines = append(r.lines, strings.Map(visible, text))
		}
	}
	return r, done && (strings.HasSuffix(raw, "\r") || strings.HasSuffix(raw, "\n"))
}

func unprintable(c rune) bool { return c <= ' ' || c >= 0x7f }

// visible replaces what would act on a terminal.
func visible(c rune) rune {
	if c != ' ' && unprintable(c) {
		return '?'
	}
	return c
}
