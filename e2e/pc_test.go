package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/exchange"
)

// pc is a subscriber's PC and modem that a test operates step by step. A scenario is simpler if nothing else happens
// meanwhile.
type pc struct {
	t      *testing.T
	dte    *exchange.DTE
	screen strings.Builder
	seen   int // the screen was searched up to here
}

// sitDown connects to a subscriber's PC. The modem answers when it rings.
func sitDown(t *testing.T, l *lab.Lab, name string) *pc {
	t.Helper()
	dte, err := l.Attach(name)
	if err != nil {
		t.Fatal(err)
	}
	p := &pc{t: t, dte: dte}
	t.Cleanup(func() {
		dte.Close()
		if t.Failed() {
			t.Logf("the screen of %s:\n%s", name, p.screen.String())
		}
	})
	p.enter("ats0=1")
	p.see("OK")
	return p
}

func (p *pc) enter(line string) {
	p.t.Helper()
	p.dte.SetWriteDeadline(time.Now().Add(patience))
	if _, err := p.dte.Write([]byte(line + "\r")); err != nil {
		p.t.Fatalf("type %q: %v", line, err)
	}
}

// see waits until the screen shows text after the last match.
func (p *pc) see(text string) {
	p.t.Helper()
	buf := make([]byte, 1024)
	p.dte.SetReadDeadline(time.Now().Add(patience))
	for {
		shown := p.screen.String()[p.seen:]
		if i := strings.Index(shown, text); i >= 0 {
			p.seen += i + len(text)
			return
		}
		n, err := p.dte.Read(buf)
		p.screen.Write(buf[:n])
		if err != nil {
			p.t.Fatalf("the screen does not show %q: %v; since the last match: %q", text, err, shown)
		}
	}
}

// call dials the main number and logs in.
func (p *pc) call(user, password string) {
	p.t.Helper()
	p.enter("atdt 55555")
	p.see("CONNECT")
	p.login(user, password)
}

// promised places a call that ends with the promise of a callback.
func (p *pc) promised(user, password string) {
	p.t.Helper()
	p.call(user, password)
	p.see("Callback initiated")
	p.see("NO CARRIER")
}

// answer waits for the callback.
func (p *pc) answer() {
	p.t.Helper()
	p.see("RING")
	p.see("CONNECT")
}

func (p *pc) login(user, password string) {
	p.t.Helper()
	p.see("Username: ")
	p.enter(user)
	p.see("Password: ")
	p.enter(password)
}

// run types a command of the EXEC and waits for its output and for the prompt.
func (p *pc) run(command, want string) {
	p.t.Helper()
	p.enter(command)
	if want != "" {
		p.see(want)
	}
	p.see(prompt)
}

// prompt is the EXEC's prompt without the character for the privilege level.
const prompt = "maui-nas-04"

// hangUp drops DTR, and raises it again for another call.
func (p *pc) hangUp() {
	p.t.Helper()
	p.dte.SetDTR(false)
	p.see("NO CARRIER")
	p.dte.SetDTR(true)
}

// onlyCallback waits until the town's only callback satisfies ok, and returns it.
func onlyCallback(t *testing.T, l *lab.Lab, what string, ok func(client.Callback) bool) client.CallbackDetail {
	t.Helper()
	return callbackOf(t, l, what, func(all []client.Callback) (client.Callback, bool) {
		return all[0], len(all) == 1 && ok(all[0])
	})
}

// callbackOf waits until choose finds a callback among those of the town, newest first and at least one, and returns
// it.
func callbackOf(t *testing.T, l *lab.Lab, what string, choose func([]client.Callback) (client.Callback,
	bool)) (found client.CallbackDetail) {
	t.Helper()
	eventually(t, what, func() bool {
		all, err := l.Client().Callbacks(t.Context(), true)
		if err != nil || len(all) == 0 {
			return false
		}
		c, ok := choose(all)
		if !ok {
			return false
		}
		found, err = l.Client().Callback(t.Context(), c.ID)
		return err == nil
	})
	return found
}

func phase(want string) func(client.Callback) bool {
	return func(c client.Callback) bool { return c.Phase == want }
}

// nobodyOnLine waits until all sessions have ended.
func nobodyOnLine(t *testing.T, l *lab.Lab) {
	t.Helper()
	eventually(t, "no session on any line", func() bool {
		users, err := l.Client().Users(t.Context())
		return err == nil && len(users) == 0
	})
}

// dialed returns the numbers that the daemon's lines have dialed.
func dialed(l *lab.Lab) []string {
	var numbers []string
	for _, d := range lineDials(l) {
		numbers = append(numbers, d.Number)
	}
	return numbers
}

// wantDialed compares the dial commands with the expected ones.
func wantDialed(t *testing.T, l *lab.Lab, want ...string) {
	t.Helper()
	if got := dialed(l); !slices.Equal(got, want) {
		t.Errorf("the lines have dialed %q, must be %q", got, want)
	}
}

// edit is one replacement in a file that a lab writes.
type edit struct{ file, old, new string }

// edits converts replacements for lab.Options. A missing text fails the test, because the test would check nothing.
func edits(t *testing.T, all ...edit) func(name, text string) string {
	return func(name, text string) string {
		for _, e := range all {
			if e.file != name {
				continue
			}
			changed := strings.ReplaceAll(text, e.old, e.new)
			if changed == text {
				t.Errorf("%s has no %q to replace:\n%s", name, e.old, text)
			}
			text = changed
		}
		return text
	}
}

// Edits that many towns use.
func waits(d string) edit         { return edit{"ringback.yaml", "forced_wait: 5s", "forced_wait: " + d} }
func configured(text string) edit { return edit{"ringback.yaml", "\nexec: ", "\n" + text + "\nexec: "} }
func inAAA(text string) edit {
	return edit{"ringback.yaml", "\n  lists:\n", "\n" + text + "\n  lists:\n"}
}
func inLists(text string) edit {
	return edit{"ringback.yaml", "\n  lists:\n", "\n  lists:\n    " + text + "\n"}
}
func policy(text string) edit {
	return edit{"policies.d/default.yaml", "attempts: {max: 1}", "attempts: {max: 1}\n" + text}
}

// elapsed blocks for d.
func elapsed(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}

// heard is a debug stream and what it has printed.
type heard struct {
	mu   sync.Mutex
	text strings.Builder
	of   map[string]bool // the users of the events
	over chan error
	stop context.CancelFunc
}

// listen records the output of `debug all` until it is ended.
func listen(t *testing.T, l *lab.Lab) *heard { return listenTo(t, l) }

// listenTo is listen with conditions of all topics. It returns when the daemon streams.
func listenTo(t *testing.T, l *lab.Lab, conditions ...client.DebugCondition) *heard {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	h := &heard{of: map[string]bool{}, over: make(chan error, 1), stop: stop}
	listening := make(chan struct{})
	go func() {
		h.over <- l.Client().Debug(ctx, client.DebugQuery{Topics: client.Topics, Conditions: conditions},
			func() { close(listening) }, func(e client.DebugEvent) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.text.WriteString(e.Text + "\n")
				h.of[e.User] = true
			})
	}()
	select {
	case <-listening:
	case err := <-h.over:
		t.Fatal("no debug stream: ", err)
	}
	t.Cleanup(func() {
		if err := h.end(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// end stops listening; it may be called twice.
func (h *heard) end() error {
	h.stop()
	err := <-h.over
	h.over <- nil
	return err
}

// soFar is the output so far.
func (h *heard) soFar() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// hears waits until text was printed.
func (h *heard) hears(t *testing.T, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%q in the debug stream", text), func() bool { return strings.Contains(h.soFar(), text) })
}
