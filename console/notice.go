package console

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/texts"
)

// maxNotices is how many notices wait for the end of a command.
const maxNotices = 1000

// notices are texts that arrive while a user types or a command runs. They are guarded by Terminal.mu.
type notices struct {
	texts   []string
	lost    int
	reading bool // a read blocks, and prints them when it is interrupted
	woken   bool // it was interrupted by a deadline in the past
}

// Notify shows a text on rows of its own, such as an event of `terminal monitor`: at once above the line that is being
// typed, or after the command that runs. It never blocks, and may be called concurrently with all other methods. If
// more than 1000 texts wait, the later ones are lost, and their number is shown.
func (t *Terminal) Notify(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := &t.notices
	if len(n.texts) >= maxNotices {
		n.lost++
		return
	}
	n.texts = append(n.texts, text)
	if n.reading && t.expired == 0 {
		n.woken = true
		_ = t.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// takeShowing is take with the Idle timeout. While it blocks, notices are shown above the prompt and the line, unless
// that is a password.
func (t *Terminal) takeShowing(p []byte, prompt string, e *editor) (int, error) {
	var idle time.Time
	if t.Idle > 0 {
		idle = time.Now().Add(t.Idle)
	}
	for {
		if !t.hasMore() {
			if err := t.flush(); err != nil {
				return 0, err
			}
		}
		if !t.await(idle, e.raw) {
			if err := t.announce(prompt, e); err != nil {
				return 0, err
			}
			continue
		}
		n, err := t.take(p)
		woken := t.awaited()
		early := idle.IsZero() || time.Now().Before(idle)
		if n > 0 || !woken || !early || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
}

// await prepares a read that blocks until the deadline; zero: without one. It returns false if notices wait. A silent
// read is not interrupted by notices.
func (t *Terminal) await(deadline time.Time, silent bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := &t.notices
	if len(n.texts) > 0 && !silent {
		return false
	}
	n.reading = !silent
	if (n.woken || !deadline.IsZero()) && t.expired == 0 {
		_ = t.conn.SetReadDeadline(deadline)
	}
	n.woken = false
	return true
}

// awaited ends what await began, and reports whether a notice has interrupted the read.
func (t *Terminal) awaited() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notices.reading = false
	return t.notices.woken
}

// takeNotices returns the texts that wait, each on rows of its own.
func (t *Terminal) takeNotices() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := &t.notices
	var b strings.Builder
	for _, text := range n.texts {
		b.WriteString(strings.TrimRight(text, "\n") + "\n")
	}
	if n.lost > 0 {
		b.WriteString(t.Texts.Text(texts.ConsoleLost, n.lost) + "\n")
	}
	n.texts, n.lost = slices.Delete(n.texts, 0, len(n.texts)), 0
	return b.String()
}

// announce prints the notices that wait in the place of the prompt and the line typed so far, and these below.
func (t *Terminal) announce(prompt string, e *editor) error {
	text := t.takeNotices()
	if text == "" {
		return nil
	}
	last := prompt[strings.LastIndexByte(prompt, '\n')+1:]
	gone := strings.Repeat(" ", e.width([]rune(last))+e.width(e.line))
	if _, err := io.WriteString(t, "\r"+gone+"\r"+text); err != nil {
		return err
	}
	return t.redraw(prompt, e)
}
