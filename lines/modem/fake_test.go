package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lines"
)

// fakePort is the computer's end of a cable in memory, with or without modem signals.
type fakePort struct {
	net.Conn
	f       *fake
	signals bool
	changes chan struct{}

	ahead []byte // read by Await; used by the reader

	mu      sync.Mutex
	waiting bool
}

func (p *fakePort) Read(b []byte) (int, error) {
	if len(p.ahead) > 0 {
		n := copy(b, p.ahead)
		p.ahead = p.ahead[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

func (p *fakePort) Await() {
	if p.setWaiting(true); len(p.ahead) == 0 && len(p.changes) == 0 {
		b := make([]byte, 1)
		n, _ := p.Conn.Read(b)
		p.ahead = b[:n]
	}
	p.setWaiting(false)
}

func (p *fakePort) setWaiting(is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = is
}

// changed leaves a token and ends Await.
func (p *fakePort) changed() {
	if !p.signals {
		return
	}
	signal(p.changes)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting {
		p.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

func (p *fakePort) HasSignals() bool { return p.signals }

func (p *fakePort) Changes() <-chan struct{} {
	if !p.signals {
		return nil
	}
	return p.changes
}

func (p *fakePort) Signals() lines.Signals {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	return p.f.sig
}

func (p *fakePort) SetDTR(on bool) error {
	if !p.signals {
		return lines.ErrNoSignals
	}
	p.f.setDTR(on)
	return nil
}

func (p *fakePort) Break(time.Duration) error { return nil }
func (p *fakePort) String() string            { return "fake" }

func (p *fakePort) SetSpeed(bps int) error {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	if p.f.noSpeed {
		return lines.ErrNoSignals
	}
	p.f.speeds = append(p.f.speeds, bps)
	return nil
}

// speed returns the speed of the port; 0 if it was never set.
func (f *fake) speed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.speeds) == 0 {
		return 0
	}
	return f.speeds[len(f.speeds)-1]
}

// fake is a modem with its own telephone line. Its fields are set before use, or under mu.
type fake struct {
	signals bool
	echo    bool
	numeric bool
	mute    bool                    // sends nothing
	cure    string                  // what ends mute: a command, "DTR low", or "open" and the number of times
	chunk   int                     // writes in pieces of this size; 0: whole
	latency time.Duration           // before each answer
	reply   func(cmd string) string // replaces the answer to a command; "" keeps the usual one
	dials   func(number string) string
	answers string // the result of ATA; "" is CONNECT
	train   time.Duration
	keeps   func(reg, value int) int // the part of a value that a register keeps; nil: all of it
	refused map[int]bool             // registers that the modem does not have

	skipsPlus bool // takes AT+VCID=1 for V, C, I and a dial, as tcpser does
	dcdHigh   bool // DCD never drops
	dcdLow    bool // DCD never rises
	gap       time.Duration

	noSpeed bool  // the speed of the port cannot be set
	speeds  []int // that were set

	running  sync.WaitGroup
	saying   chan struct{} // one at a time
	mu       sync.Mutex
	wire     net.Conn // our end
	port     *fakePort
	sig      lines.Signals
	online   bool
	offHook  bool
	drops    int // how often DTR has dropped
	s        map[int]int
	commands []string
	dialed   []string // the dial commands
	heard    strings.Builder
	opened   atomic.Int32
	refuse   error // the error of open
}

func newFake(signals bool) *fake { return &fake{signals: signals, s: factory()} }

func factory() map[int]int { return map[int]int{2: '+', 12: 50} }

// open connects the modem.
func (f *fake) open(ctx context.Context) (lines.Port, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.curedLocked(fmt.Sprint("open ", f.opened.Add(1)))
	if f.refuse != nil {
		return nil, f.refuse
	}
	ours, theirs := net.Pipe()
	f.wire = ours
	f.saying = make(chan struct{}, 1) // created in the bubble of this test
	f.port = &fakePort{Conn: theirs, f: f, signals: f.signals, changes: make(chan struct{}, 1)}
	if f.dcdHigh {
		f.sig |= lines.DCD
	}
	f.running.Go(func() { f.listen(ours) })
	return f.port, nil
}

func (f *fake) listen(wire net.Conn) {
	var line []byte
	buf := make([]byte, 256)
	last := time.Now()
	for {
		n, err := wire.Read(buf)
		if err != nil {
			return
		}
		f.mu.Lock()
		online, mute := f.online, f.mute
		if online {
			f.heard.Write(buf[:n])
		}
		f.mu.Unlock()
		if online {
			esc := f.register(2)
			guard := time.Duration(f.register(12)) * 20 * time.Millisecond
			if string(buf[:n]) == strings.Repeat(string(rune(esc)), 3) && time.Since(last) >= guard && esc < 128 {
				_ = wire.SetReadDeadline(time.Now().Add(guard))
				if m, err := wire.Read(buf); m > 0 || err == nil {
					_ = wire.SetReadDeadline(time.Time{})
					continue
				}
				_ = wire.SetReadDeadline(time.Time{})
				f.set(func() { f.online = false })
				f.say("\r\nOK\r\n")
			}
			last = time.Now()
			continue
		}
		last = time.Now()
		for _, c := range buf[:n] {
			if c == '\b' {
				line = line[:max(0, len(line)-1)]
				continue
			}
			if c != '\r' {
				line = append(line, c)
				continue
			}
			cmd := string(line)
			line = nil
			f.set(func() {
				f.curedLocked(cmd)
				mute = f.mute
			})
			if !mute {
				if f.echo {
					f.say(cmd + "\r")
				}
				f.command(strings.ToUpper(cmd))
			}
		}
	}
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// say sends raw text to the computer.
func (f *fake) say(text string) {
	f.mu.Lock()
	saying := f.saying
	f.mu.Unlock()
	saying <- struct{}{}
	defer func() { <-saying }()
	f.mu.Lock()
	wire, chunk, gap := f.wire, f.chunk, f.gap
	f.mu.Unlock()
	if chunk == 0 {
		chunk = len(text)
	}
	for text != "" {
		n := min(chunk, len(text))
		if _, err := io.WriteString(wire, text[:n]); err != nil {
			return
		}
		text = text[n:]
		if gap > 0 {
			<-time.After(gap)
		}
	}
}

// code sends a result code in the format that is set.
func (f *fake) code(words string) {
	if f.numeric {
		for n, c := range map[string]lines.ResultCode{"0": lines.OK, "1": lines.Connected, "2": lines.Ring,
			"3": lines.NoCarrier, "4": lines.Error, "7": lines.Busy} {
			if string(c) == words {
				f.say(n + "\r")
				return
			}
		}
	}
	f.say("\r\n" + words + "\r\n")
}

func (f *fake) command(cmd string) {
	at := strings.Index(cmd, "AT")
	f.set(func() { f.commands = append(f.commands, cmd) })
	if at < 0 {
		return
	}
	<-time.After(f.latency)
	if f.reply != nil {
		if r := f.reply(cmd); r != "" {
			f.say(r)
			return
		}
	}
	body := cmd[at+2:]
	if name, ok := strings.CutPrefix(body, "+"); ok && f.skipsPlus {
		_, body, _ = strings.Cut(name, "D") // what precedes it is harmless
		if body != "" {
			body = "D" + body
		}
	}
	switch {
	case body == "+GMI":
		f.code("fake")
		f.code("OK")
	case strings.HasPrefix(body, "D"):
		f.set(func() { f.dialed = append(f.dialed, cmd) })
		result := "CONNECT"
		if f.dials != nil {
			result = f.dials(strings.TrimLeft(body[1:], "TP "))
		}
		f.result(result)
	case body == "A":
		result := f.answers
		if result == "" {
			result = "CONNECT"
		}
		f.result(result)
	case registers.MatchString(body):
		f.registers(body)
	case body == "H1":
		f.set(func() { f.offHook = true })
		f.code("OK")
	case body == "H", body == "Z":
		f.set(func() {
			f.offHook = false
			if body == "Z" {
				f.s = factory()
			}
		})
		f.code("OK")
	default:
		f.code("OK")
	}
}

// registers matches a command line with only S registers, and the settings that the driver sends with them.
var registers = regexp.MustCompile(`^(?:[EQV][01])*(?:S[0-9]+(?:=[0-9]+|\?))+$`)

var oneRegister = regexp.MustCompile(`S([0-9]+)(?:=([0-9]+)|\?)`)

func (f *fake) registers(body string) {
	for _, m := range oneRegister.FindAllStringSubmatch(body, -1) {
		n, _ := strconv.Atoi(m[1])
		switch {
		case f.refused[n]:
			f.code("ERROR")
			return
		case m[2] == "":
			f.say(fmt.Sprintf("\r\n%03d\r\n", f.register(n)))
			continue
		}
		v, _ := strconv.Atoi(m[2])
		if f.keeps != nil {
			v = f.keeps(n, v)
		}
		f.set(func() { f.s[n] = v })
	}
	f.code("OK")
}

// result trains and connects, or sends another result. "" sends nothing.
func (f *fake) result(text string) {
	if text == "" {
		return
	}
	f.mu.Lock()
	drops := f.drops
	f.mu.Unlock()
	<-time.After(f.train)
	f.mu.Lock()
	dropped := f.drops != drops
	f.mu.Unlock()
	if dropped {
		return
	}
	if strings.HasPrefix(text, "CONNECT") {
		f.connect(text)
		return
	}
	f.code(text)
}

func (f *fake) connect(text string) {
	if !f.dcdLow {
		f.dcd(true)
	}
	f.set(func() { f.online, f.offHook = true, true })
	f.code(text)
}

func (f *fake) dcd(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.sig
	f.sig &^= lines.DCD
	if on || f.dcdHigh {
		f.sig |= lines.DCD
	}
	if f.sig != was && f.port.changes != nil {
		f.port.changed()
	}
}

// dsr is the modem's power.
func (f *fake) dsr(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sig &^= lines.DSR
	if on {
		f.sig |= lines.DSR
	}
	f.port.changed()
}

// ri is the ring indicator. Each change is seen before it returns.
func (f *fake) ri(on bool) {
	f.mu.Lock()
	f.sig &^= lines.RI
	if on {
		f.sig |= lines.RI
	}
	f.port.changed()
	f.mu.Unlock()
	<-time.After(time.Second)
}

// carrierGone simulates a hang-up by the far end.
func (f *fake) carrierGone() {
	f.set(func() { f.online, f.offHook = false, false })
	f.code("NO CARRIER")
	f.dcd(false)
}

func (f *fake) setDTR(on bool) {
	f.mu.Lock()
	f.sig &^= lines.DTR
	if on {
		f.sig |= lines.DTR
	} else {
		f.curedLocked("DTR low")
	}
	f.port.changed()
	drop := !on && !f.dcdHigh
	f.mu.Unlock()
	if drop {
		f.set(func() { f.online, f.offHook = false, false; f.drops++ })
		f.dcd(false)
	}
}

// curedLocked ends mute if that is the cure.
func (f *fake) curedLocked(by string) {
	if f.mute && f.cure != "" && by == f.cure {
		f.mute = false
	}
}

// unplug ends the port.
func (f *fake) unplug() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.online, f.offHook = false, false
	f.sig = 0
	_ = f.wire.Close()
}

func (f *fake) register(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.s[n]
}

func (f *fake) heardText() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.heard.String()
}

func (f *fake) isOnHook() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.online && !f.offHook
}

func (f *fake) dialedCommands() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.dialed...)
}

func (f *fake) allCommands() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.commands, " ")
}

// bench is a pool with one line, tty 1, in a bubble of its own time.
type bench struct {
	t     *testing.T
	f     *fake
	pool  *lines.Pool
	drv   *Driver
	calls chan *lines.Call
	log   []string
	logMu sync.Mutex
	stop  func()
}

type option func(*Options)

// onBench runs body in a bubble with a line on f in service, unless f refuses. Calls are put on b.calls and live until
// they are hung up.
func onBench(t *testing.T, f *fake, body func(b *bench), opts ...option) {
	t.Helper()
	onBenchOf(t, f, lines.PoolOptions{}, body, opts...)
}

func onBenchOf(t *testing.T, f *fake, po lines.PoolOptions, body func(b *bench), opts ...option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, f: f, calls: make(chan *lines.Call, 10)}
		o := Options{Config: &lines.Config{TTY: 1, Port: "fake", Rotary: lines.NoRotary, InBand: !f.signals},
			Open: f.open, Debug: b.debug}
		for _, opt := range opts {
			opt(&o)
		}
		po.Debug = b.debug
		b.pool = lines.NewPool(po)
		b.drv = New(o)
		if err := b.pool.Add(o.Config, b.drv); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- b.pool.Run(ctx, func(ctx context.Context, c *lines.Call) {
				b.calls <- c
				select {
				case <-c.Done():
				case <-ctx.Done():
				}
			})
		}()
		stopped := false
		b.stop = func() {
			if stopped {
				return
			}
			stopped = true
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
			f.running.Wait()
		}
		defer func() {
			b.stop()
			if n := b.pool.Outstanding(); n != 0 {
				t.Errorf("%d leases were not released", n)
			}
			if t.Failed() {
				b.logMu.Lock()
				defer b.logMu.Unlock()
				t.Log(strings.Join(b.log, "\n"))
			}
		}()
		body(b)
	})
}

func (b *bench) debug(tty int, text string) {
	b.logMu.Lock()
	defer b.logMu.Unlock()
	b.log = append(b.log, time.Now().Format("05.000 ")+text)
}

// pass lets time pass.
func (b *bench) pass(d time.Duration) { <-time.After(d) }

// until waits for a state.
func (b *bench) until(want lines.State) lines.Status {
	b.t.Helper()
	late := time.After(10 * time.Minute)
	for {
		changed := b.pool.Changed()
		s, _ := b.pool.Line(1)
		if s.State == want {
			return s
		}
		select {
		case <-changed:
		case <-late:
			b.t.Fatalf("state %q (%s), want %q", s.State, s.Reason, want)
		}
	}
}

func (b *bench) lease() *lines.Lease {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Minute)
	defer cancel()
	l, err := b.pool.Acquire(ctx, lines.Want{Owner: "cb", TTYs: []int{1}, Rotary: lines.NoRotary})
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

// incoming rings until the call is answered.
func (b *bench) incoming() *lines.Call {
	b.t.Helper()
	for range 10 {
		b.f.code("RING")
		select {
		case c := <-b.calls:
			return c
		case <-time.After(6 * time.Second):
		}
	}
	b.t.Fatal("no answer to the call")
	return nil
}

// dialScript dials as a chat script does: AT, OK, ATDT, CONNECT.
func dialScript(number string) lines.Script {
	return func(ctx context.Context, c lines.CommandConn) error {
		if err := expect(ctx, c, "AT\r", "OK"); err != nil {
			return err
		}
		return expect(ctx, c, "ATDT"+number+"\r", "CONNECT")
	}
}

var errTimeout = errors.New("the script timed out")

// expect sends and reads, one byte at a time, until want was seen. It gives up after 45 s.
func expect(ctx context.Context, c lines.CommandConn, send, want string) error {
	if _, err := io.WriteString(c, send); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(45 * time.Second)); err != nil {
		return err
	}
	var seen strings.Builder
	var one [1]byte
	for !strings.Contains(seen.String(), want) {
		if _, err := c.Read(one[:]); err != nil {
			if ctx.Err() == nil {
				err = fmt.Errorf("%w for %s: %v, saw %q", errTimeout, want, err, seen.String())
			}
			return err
		}
		seen.WriteByte(one[0])
	}
	return nil
}
