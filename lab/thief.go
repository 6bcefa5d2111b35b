package lab

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/lab/exchange"
)

// caller is a person at a subscriber's PC modem. The modem's output is read all the time.
type caller struct {
	s    *siege
	name string
	m    *exchange.Modem
	dte  *exchange.DTE
	done chan struct{}

	mu     sync.Mutex
	screen strings.Builder
	seen   int       // the screen was searched up to here
	lies   *impostor // receives the modem's output; nil: no answers
}

// sit connects to a subscriber's PC; leave must be called. The PC's own modem ignores the escape sequence.
func (s *siege) sit(ctx context.Context, name string) (*caller, error) {
	dte, err := s.Attach(name)
	if err != nil {
		return nil, err
	}
	c := &caller{s: s, name: name, m: s.subscribers[name], dte: dte, done: make(chan struct{})}
	go c.read()
	if err := c.enters(ctx, "ATE0S0=1S2=255", "OK"); err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
}

// leave ends the caller's call and disconnects from the PC.
func (c *caller) leave() {
	c.s.detach(c.name, c.dte)
	<-c.done
}

// prompt is the EXEC's prompt, the thief's goal.
var prompt = regexp.MustCompile(`maui-nas-04[>#]`)

func (c *caller) read() {
	defer close(c.done)
	buf := make([]byte, 1024)
	for {
		n, err := c.dte.Read(buf)
		if err != nil {
			return
		}
		c.mu.Lock()
		c.screen.Write(buf[:n])
		lies, text := c.lies, c.screen.String()
		c.mu.Unlock()
		if lies != nil {
			lies.hear(buf[:n], text)
		}
	}
}

// lie lets an impostor answer the output from now on; nil ends that.
func (c *caller) lie(i *impostor) {
	if i != nil {
		i.c, i.from = c, len(c.text())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lies = i
}

func (c *caller) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.screen.String()
}

func (c *caller) types(text string) error {
	c.dte.SetWriteDeadline(time.Now().Add(30 * time.Second))
	if _, err := c.dte.Write([]byte(text)); err != nil {
		return fmt.Errorf("%s types %q: %w", c.name, text, err)
	}
	return nil
}

// stepTime is how long a step may take on a busy machine.
const stepTime = time.Minute

var errNotSeen = errors.New("not seen")

// sees waits for the first of the texts after the last match, and returns it.
func (c *caller) sees(ctx context.Context, texts ...string) (string, error) {
	deadline := time.Now().Add(stepTime)
	for {
		c.mu.Lock()
		shown := c.screen.String()[c.seen:]
		first, end := "", 0
		for _, t := range texts {
			if i := strings.Index(shown, t); i >= 0 && (first == "" || i+len(t) < end) {
				first, end = t, i+len(t)
			}
		}
		c.seen += end
		c.mu.Unlock()
		switch {
		case first != "":
			return first, nil
		case time.Now().After(deadline):
			return "", fmt.Errorf("%s waits for %q: %w; the screen shows %q", c.name, texts, errNotSeen, shown)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// enters types a line and waits for a text.
func (c *caller) enters(ctx context.Context, line, want string) error {
	if err := c.types(line + "\r"); err != nil {
		return err
	}
	_, err := c.sees(ctx, want)
	return err
}

// errNoLine says that no line of the daemon accepts calls any more.
var errNoLine = errors.New("all lines are out of service")

// calls dials the daemon until it asks for a user name. It redials while the lines are busy, and after a call that came
// while a modem was being reset, which is answered to be hung up.
func (c *caller) calls(ctx context.Context) error {
	for deadline := time.Now().Add(stepTime); ; {
		if err := c.types("ATDT" + mainNumber + "\r"); err != nil {
			return err
		}
		said, err := c.sees(ctx, "CONNECT", "BUSY", "NO CARRIER", "NO ANSWER")
		if err != nil {
			return err
		}
		if said == "CONNECT" {
			if said, err = c.sees(ctx, "Username: ", "NO CARRIER"); err != nil || said == "Username: " {
				return err
			}
		}
		if time.Now().After(deadline) {
			if !c.s.inService(ctx) {
				return errNoLine
			}
			return fmt.Errorf("%s calls: %s for %v", c.name, said, stepTime)
		}
		if err := c.s.pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// logsIn answers the prompts for name and password; more is typed together with the password's CR.
func (c *caller) logsIn(ctx context.Context, user, password, more string) error {
	if err := c.enters(ctx, user, "Password: "); err != nil {
		return err
	}
	return c.types(password + "\r" + more)
}

// promised calls, logs in, and waits for the promise of a callback.
func (c *caller) promised(ctx context.Context, user, password string) error {
	if err := c.calls(ctx); err != nil {
		return err
	}
	if err := c.logsIn(ctx, user, password, ""); err != nil {
		return err
	}
	_, err := c.sees(ctx, "Callback initiated")
	return err
}

// hangsUp ends the call and the impostor's answers.
func (c *caller) hangsUp(ctx context.Context) error {
	c.lie(nil)
	c.dte.SetDTR(false)
	err := c.s.until(ctx, 10*time.Second, func() bool { return c.m.State() == exchange.OnHook })
	c.dte.SetDTR(true)
	return err
}

// thrownOff reports whether the daemon has ended the caller's call.
func (c *caller) thrownOff() bool { return c.m.State() == exchange.OnHook }

// impostor answers as a modem would: OK to every command, CONNECT to ATDT and ATA, values to queries of registers. The
// zero value with a caller answers zeros.
type impostor struct {
	guess    func(register int) int // value of a register that was not set; nil: 0
	says     string                 // answer to commands other than queries and dials; "": OK
	silent   bool                   // no answers: the output is only searched
	user     string                 // the user whose stolen password is typed at a prompt; "": none
	password string

	c         *caller
	from      int // start of the forgery in the screen
	line      []byte
	last      byte
	same      int
	registers map[int]int
	asked     string // the last prompt that was answered
}

// hear handles what the daemon has sent; screen is all of it.
func (i *impostor) hear(b []byte, screen string) {
	for _, ch := range b {
		if !i.silent {
			i.octet(ch)
		}
	}
	screen = screen[i.from:]
	if p := prompt.FindString(screen); p != "" {
		i.c.s.gets("the prompt %s", p)
	}
	i.login(screen)
}

func (i *impostor) octet(ch byte) {
	if i.same++; ch != i.last {
		i.last, i.same = ch, 1
	}
	if printed := ch == '+' || ch < ' ' || ch == 0x7f; i.same == 3 && printed && ch != '\b' {
		i.say(i.okay()) // the escape sequence, answered before its guard time is over
	}
	switch {
	case ch == '\r':
		i.command(string(i.line))
		i.line = i.line[:0]
	case ch >= ' ' && ch < 0x7f && len(i.line) < 300:
		i.line = append(i.line, ch)
	}
}

var registerCommand = regexp.MustCompile(`S(\d+)(?:=(\d+)|(\?))`)

// command answers a command line.
func (i *impostor) command(line string) {
	at := strings.LastIndex(line, "AT")
	if at < 0 {
		return
	}
	body := line[at+2:]
	switch {
	case strings.HasPrefix(body, "D"):
		i.c.s.fooled("the dial command %s", line[at:])
		i.say("\r\nCONNECT 33600\r\n")
		return
	case body == "A":
		i.c.s.fooled("the answer to a forged ring: ATA")
		i.say("\r\nCONNECT 33600\r\n")
		return
	}
	for _, m := range registerCommand.FindAllStringSubmatch(body, -1) {
		n, _ := strconv.Atoi(m[1])
		if m[3] == "" {
			v, _ := strconv.Atoi(m[2])
			if i.registers == nil {
				i.registers = map[int]int{}
			}
			i.registers[n] = v
			continue
		}
		i.say(fmt.Sprintf("\r\n%03d\r\n", i.value(n)))
	}
	i.say(i.okay())
}

func (i *impostor) value(n int) int {
	if v, ok := i.registers[n]; ok {
		return v
	}
	if i.guess == nil {
		return 0
	}
	return i.guess(n)
}

func (i *impostor) okay() string {
	if i.says != "" {
		return i.says
	}
	return "\r\nOK\r\n"
}

// login answers the prompts of a second leg.
func (i *impostor) login(screen string) {
	for _, p := range []struct{ prompt, answer string }{{"Username: ", i.user}, {"Password: ", i.password}} {
		if i.user != "" && i.asked != p.prompt && strings.HasSuffix(screen, p.prompt) {
			i.asked = p.prompt
			i.say(p.answer + "\r")
		}
	}
}

// say types at the PC while there is a call: the PC modem's own command mode gets no forged answers.
func (i *impostor) say(text string) {
	if i.c.m.State() == exchange.Connected {
		_ = i.c.types(text) // the call has ended, which the attack notices itself
	}
}
