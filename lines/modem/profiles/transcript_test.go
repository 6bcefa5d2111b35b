package profiles

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
)

// Each shipped profile has a transcript, testdata/NAME.txt, of a modem of its family: identification, initialization, a
// call with caller ID, a dial, the texts that end a dial. The driver must say the modem's lines, and understand ours.
func TestTranscripts(t *testing.T) {
	for _, name := range Shipped().Names() {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			if first := string(text); !strings.HasPrefix(first, "# Captured from ") &&
				!strings.HasPrefix(first, "# Constructed from ") {
				t.Error("the first line does not say where the transcript is from")
			}
			synctest.Test(t, func(t *testing.T) { replay(t, Shipped().Get(name), string(text)) })
		})
	}
}

// paper is a modem that follows a transcript.
type paper struct {
	t       *testing.T
	inBand  bool        // the port has no modem signals
	wire    net.Conn    // to the driver
	sent    chan string // by the driver: texts, and its changes of DTR
	changes chan struct{}

	ahead []byte // read by Await; used by the reader
	net.Conn

	mu      sync.Mutex
	sig     lines.Signals
	waiting bool
}

func newPaper(t *testing.T) *paper {
	ours, theirs := net.Pipe()
	return &paper{t: t, wire: ours, Conn: theirs, sent: make(chan string, 100), changes: make(chan struct{}, 1)}
}

func (p *paper) Read(b []byte) (int, error) {
	if len(p.ahead) > 0 {
		n := copy(b, p.ahead)
		p.ahead = p.ahead[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

func (p *paper) Await() {
	if p.setWaiting(true); len(p.ahead) == 0 && len(p.changes) == 0 {
		b := make([]byte, 1)
		n, _ := p.Conn.Read(b)
		p.ahead = b[:n]
	}
	p.setWaiting(false)
}

func (p *paper) setWaiting(is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = is
}

func (p *paper) Write(b []byte) (int, error) {
	p.sent <- string(b)
	return len(b), nil
}

func (p *paper) SetDTR(on bool) error {
	if p.inBand {
		return lines.ErrNoSignals
	}
	p.sent <- "DTR " + map[bool]string{true: "on", false: "off"}[on]
	return nil
}

func (p *paper) Signals() lines.Signals {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sig
}

func (p *paper) Changes() <-chan struct{} {
	if p.inBand {
		return nil
	}
	return p.changes
}

func (p *paper) dcd(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sig = 0
	if on {
		p.sig = lines.DCD
	}
	select {
	case p.changes <- struct{}{}:
	default:
	}
	if p.waiting {
		_ = p.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

func (p *paper) HasSignals() bool          { return !p.inBand }
func (p *paper) Break(time.Duration) error { return nil }
func (p *paper) String() string            { return "paper" }

// stage is a line whose modem is on paper.
type stage struct {
	t       *testing.T
	p       *paper
	pool    *lines.Pool
	calls   chan *lines.Call
	call    *lines.Call
	lease   *lines.Lease
	dials   chan string
	noticed bool     // a notice is part of the transcript
	log     []string // guarded by p.mu
}

func (s *stage) debug(_ int, text string) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.log = append(s.log, time.Now().Format("04:05.000 ")+text)
}

// patience is how long the driver may take for one line of a transcript.
const patience = 2 * time.Minute

func replay(t *testing.T, p *Profile, text string) {
	s := &stage{t: t, p: newPaper(t), calls: make(chan *lines.Call, 1), dials: make(chan string, 1)}
	cfg := &lines.Config{TTY: 1, Port: "paper", Rotary: lines.NoRotary, CallerID: true}
	p.Apply(cfg)
	if strings.Contains(text, "\n[port]\nin-band, insecure_signals\n") {
		s.p.inBand, cfg.InBand, cfg.InsecureSignals = true, true, true
	}
	s.pool = lines.NewPool(lines.PoolOptions{})
	if err := s.pool.Add(cfg, modem.New(modem.Options{Config: cfg, Debug: s.debug,
		Open: func(context.Context) (lines.Port, error) { return s.p, nil }})); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if t.Failed() {
			s.p.mu.Lock()
			defer s.p.mu.Unlock()
			t.Log(strings.Join(s.log, "\n"))
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- s.pool.Run(ctx, func(_ context.Context, c *lines.Call) {
			s.calls <- c
			<-c.Done()
		})
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	section := ""
	answers := map[string][]string{}
	for n, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		case section == "port":
		case section == "identify":
			command, answer, _ := strings.Cut(line, ": ")
			answers[command] = append(answers[command], answer)
		case section == "texts":
			said, means, _ := strings.Cut(line, " = ")
			steps := []string{"! dial 84001", "> AT", "< OK", "> ATDT84001", "< " + said}
			if s.p.inBand {
				steps = append(steps, "> ESC", "> +++", "> +++", "> (return)")
			}
			for _, step := range append(steps, "> ATH", "< OK", "= dialed "+means, "= idle") {
				s.step(fmt.Sprintf("line %d", n+1), step)
			}
		default:
			s.step(fmt.Sprintf("line %d", n+1), line)
		}
	}
	if found, _ := Shipped().Identify(answersOf(answers)); len(answers) > 0 && found.Name != p.Name {
		t.Errorf("identified as %s", found.Name)
	}
	if got, _ := s.pool.Line(1); len(got.Notices) > 0 && !s.noticed {
		t.Errorf("notices: %q", got.Notices)
	}
}

// answersOf sorts the answers of a transcript by what was asked.
func answersOf(said map[string][]string) (a Answers) {
	for command, answers := range said {
		switch {
		case command == "USB":
			a.USB = answers[0]
		case strings.HasSuffix(command, "GMI"):
			a.GMI = append(a.GMI, answers...)
		case strings.HasSuffix(command, "GMM"):
			a.GMM = append(a.GMM, answers...)
		default:
			a.ATI = append(a.ATI, answers...)
		}
	}
	return a
}

// step plays one line of a transcript: > the driver sends it, < the modem sends it, ! the pool does it, = it is so.
func (s *stage) step(where, line string) {
	kind, text := line[:1], line[2:]
	verb, arg, _ := strings.Cut(text, " ")
	switch kind {
	case ">":
		s.expect(where, text)
	case "<":
		s.says(text)
	case "!":
		s.does(where, verb, arg)
	case "=":
		s.is(where, verb, arg)
	default:
		s.t.Fatalf("%s: %q", where, line)
	}
}

// expect waits for what the driver sends.
func (s *stage) expect(where, want string) {
	s.t.Helper()
	late := time.After(patience)
	for {
		select {
		case got := <-s.p.sent:
			got, _ = strconv.Unquote(steady(strconv.Quote(got)))
			if got = strings.TrimSuffix(got, "\r"); got == "" {
				got = "(return)"
			}
			switch {
			case got == want:
				return
			case got == again:
				s.says("OK")
				continue
			}
			s.t.Fatalf("%s: the driver sends %q, want %q", where, got, want)
		case <-late:
			s.t.Fatalf("%s: the driver does not send %q", where, want)
		}
	}
}

// again is sent if the call's owner and the line's goroutine hang up the same call, one after the other.
const again = "ATH"

func (s *stage) says(text string) {
	switch text {
	case "DCD on", "DCD off":
		s.p.dcd(text == "DCD on")
	default:
		_ = s.p.wire.SetWriteDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(s.p.wire, "\r\n"+text+"\r\n"); err != nil {
			s.t.Fatalf("%q: %v", text, err)
		}
	}
}

func (s *stage) does(where, verb, arg string) {
	switch verb {
	case "dial":
		ctx, cancel := context.WithTimeout(s.t.Context(), patience)
		defer cancel()
		l, err := s.pool.Acquire(ctx, lines.Want{Owner: "cb", TTYs: []int{1}, Rotary: lines.NoRotary})
		if err != nil {
			s.t.Fatalf("%s: %v", where, err)
		}
		s.lease = l
		go s.dial(arg)
	case "hang":
		call := s.call
		go func() {
			if err := call.Hangup(s.t.Context()); err != nil {
				s.t.Errorf("%s: %v", where, err)
			}
		}()
	default:
		s.t.Fatalf("%s: no such action: %s", where, verb)
	}
}

// dial runs a chat script of two lines, as the shipped ones are.
func (s *stage) dial(number string) {
	call, code, err := s.lease.Dial(s.t.Context(), func(_ context.Context, c lines.CommandConn) error {
		if _, err := io.WriteString(c, "AT\r"); err != nil {
			return err
		}
		var seen []byte
		one := make([]byte, 1)
		for !strings.HasSuffix(string(seen), "OK\r\n") {
			if _, err := c.Read(one); err != nil {
				return err
			}
			seen = append(seen, one...)
		}
		_, err := io.WriteString(c, "ATDT"+number+"\r")
		return err
	})
	if err != nil {
		s.t.Errorf("dial: %v", err)
	}
	s.call = call
	s.dials <- string(code)
}

func (s *stage) is(where, verb, arg string) {
	s.t.Helper()
	late := time.After(patience)
	switch verb {
	case "idle":
		if s.lease != nil {
			s.lease.Release()
			s.lease = nil
		}
		for {
			changed := s.pool.Changed()
			now, _ := s.pool.Line(1)
			if now.State == lines.Idle {
				return
			}
			select {
			case <-changed:
			case got := <-s.p.sent:
				if got != again+"\r" {
					s.t.Fatalf("%s: the driver sends %q", where, got)
				}
				s.says("OK")
			case <-late:
				s.t.Fatalf("%s: the line is %s: %s", where, now.State, now.Reason)
			}
		}
	case "noticed":
		s.noticed = true
		if now, _ := s.pool.Line(1); !strings.Contains(strings.Join(now.Notices, " "), arg) {
			s.t.Errorf("%s: notices %q, want %q", where, now.Notices, arg)
		}
	case "answered":
		select {
		case s.call = <-s.calls:
		case <-late:
			s.t.Fatalf("%s: no call", where)
		}
		if got := strings.TrimSpace(fmt.Sprintf("%s %d", s.call.Caller, s.call.Speed)); got != arg {
			s.t.Errorf("%s: caller and speed %q, want %q", where, got, arg)
		}
	case "dialed":
		select {
		case got := <-s.dials:
			if got != arg {
				s.t.Errorf("%s: the dial ends with %q, want %q", where, got, arg)
			}
		case <-late:
			s.t.Fatalf("%s: the dial does not end", where)
		}
	default:
		s.t.Fatalf("%s: no such state: %s", where, verb)
	}
}

// No transcript is left over from a profile.
func TestTranscriptsHaveProfiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		if !strings.HasPrefix(name, "octets-") && !slices.Contains(Shipped().Names(), name) {
			t.Errorf("%s: there is no profile of this name", file)
		}
	}
}
