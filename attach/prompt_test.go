package attach

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/atprompt"
)

// client is a client of RFC 2217.
type client struct {
	mu       sync.Mutex
	circuits []lines.Signals // as they changed
	binary   []bool
	drops    int
	breaks   int
	changed  chan struct{}
}

func newClient() *client                   { return &client{changed: make(chan struct{}, 1)} }
func (c *client) Window() (int, int)       { return 80, 24 }
func (c *client) Changed() <-chan struct{} { return c.changed }

func (c *client) Raw(on bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.binary = append(c.binary, on)
	return nil
}

func (c *client) Circuits(s lines.Signals) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.circuits); n == 0 || c.circuits[n-1] != s {
		c.circuits = append(c.circuits, s)
	}
	return nil
}

func (c *client) DTR() bool { return true }

func (c *client) Drops() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drops
}

func (c *client) Breaks() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.breaks
}

func (c *client) change(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	c.changed <- struct{}{}
}

func (c *client) carrier() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.circuits[len(c.circuits)-1].Has(lines.DCD)
}

// far is a call and its far end.
type far struct {
	net.Conn // our end
	end      net.Conn
	done     chan struct{}
	once     sync.Once
}

func newFar() *far {
	ours, end := net.Pipe()
	return &far{Conn: ours, end: end, done: make(chan struct{})}
}

func (f *far) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if err != nil {
		f.over()
		return n, io.EOF
	}
	return n, nil
}

func (f *far) over()                        { f.once.Do(func() { close(f.done) }) }
func (f *far) Drain(context.Context) error  { return nil }
func (f *far) Done() <-chan struct{}        { return f.done }
func (f *far) Hangup(context.Context) error { f.over(); return f.Conn.Close() }

// desk is a user at a prompt, with what happens to the line.
type desk struct {
	t      *testing.T
	p      *prompt
	client *client
	keys   net.Conn
	cancel context.CancelCauseFunc
	ended  chan error
	gone   bool // ended was read

	mu     sync.Mutex
	seen   strings.Builder
	open   chan struct{} // closed while the terminal takes output
	dials  []string      // numbers
	hung   int
	down   error         // the line's loss
	takes  time.Duration // how long a dial takes
	answer func() dialed // nil: a call
	call   *far
	proof  error // of a hang-up
}

func atDesk(t *testing.T, body func(d *desk), opts ...func(*desk)) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t, client: newClient(), ended: make(chan error, 1), open: make(chan struct{})}
		close(d.open)
		ours, theirs := net.Pipe()
		d.keys = theirs
		ctx, cancel := context.WithCancelCause(t.Context())
		d.cancel = cancel
		d.p = &prompt{conn: ours, client: d.client, modem: atprompt.New(atprompt.Config{Explain: true}),
			screen: newScreen(ours, nil), idle: 10 * time.Minute, dial: d.dial,
			lost: func(ctx context.Context) error {
				<-ctx.Done()
				d.mu.Lock()
				defer d.mu.Unlock()
				return d.down
			}}
		for _, o := range opts {
			o(d)
		}
		go func() {
			ctx, shut := d.p.open(ctx)
			err := d.p.run(ctx)
			shut(err)
			_ = ours.SetWriteDeadline(time.Now().Add(time.Second))
			d.p.screen.close()
			_ = ours.Close()
			d.ended <- err
		}()
		var reading sync.WaitGroup
		reading.Go(func() {
			buf := make([]byte, 100)
			for {
				n, err := theirs.Read(buf)
				d.mu.Lock()
				d.seen.Write(buf[:n])
				open := d.open
				d.mu.Unlock()
				<-open
				if err != nil {
					return
				}
			}
		})
		body(d)
		_ = theirs.Close()
		if !d.gone {
			<-d.ended
		}
		reading.Wait()
		if d.call != nil && d.hung == 0 {
			t.Error("a call was not hung up")
		}
		if d.hung > len(d.dials) {
			t.Errorf("%d calls were hung up, of %d", d.hung, len(d.dials))
		}
	})
}

func (d *desk) dial(ctx context.Context, number string) dialed {
	d.mu.Lock()
	d.dials = append(d.dials, number)
	d.mu.Unlock()
	select {
	case <-time.After(d.takes):
	case <-ctx.Done():
		return dialed{result: atprompt.Result{Code: atprompt.NoCarrier}}
	}
	if d.answer != nil {
		return d.answer()
	}
	call := newFar()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.call = call
	return dialed{call: call, result: atprompt.Result{Code: atprompt.Connected, Connect: "CONNECT 9600"},
		hangUp: func() error {
			_ = call.Hangup(context.Background())
			d.mu.Lock()
			defer d.mu.Unlock()
			d.hung++
			return d.proof
		}}
}

func (d *desk) sends(text string) { _, _ = io.WriteString(d.keys, text) }

func (d *desk) types(text string) {
	d.sends(text)
	synctest.Wait()
}

// sees checks what the user has read since the last time.
func (d *desk) sees(want string) {
	d.t.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if got := d.seen.String(); got != want {
		d.t.Errorf("the user reads %q, want %q", got, want)
	}
	d.seen.Reset()
}

// ends checks why the attachment ends.
func (d *desk) ends(want error) {
	d.t.Helper()
	if err := <-d.ended; !errors.Is(err, want) {
		d.t.Errorf("ended: %v, want %v", err, want)
	}
	d.gone = true
}

// dialsUp makes a call.
func (d *desk) dialsUp() {
	d.t.Helper()
	d.types("ATE0\r")
	d.types("ATDT5551\r")
	d.sees("ATE0\r\r\nOK\r\n\r\nCONNECT 9600\r\n")
}

// TestCall: data passes unchanged in both directions, DCD and Telnet's BINARY follow the call, and the far end's text
// is data.
func TestCall(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.dialsUp()
		if !d.client.carrier() {
			t.Error("no DCD")
		}
		go d.sends("+++ATH\r\x00\xff")
		buf := make([]byte, 100)
		n, _ := d.call.end.Read(buf)
		if got := string(buf[:n]); got != "+++ATH\r\x00\xff" {
			t.Errorf("the far end reads %q", got)
		}
		_, _ = io.WriteString(d.call.end, "\r\nNO CARRIER\r\n+++AT\r\xff")
		d.sees("\r\nNO CARRIER\r\n+++AT\r\xff")
		_ = d.call.end.Close()
		d.sees("\r\nNO CARRIER\r\n")
		if d.client.carrier() || d.hung != 1 {
			t.Errorf("DCD is on, or %d hang-ups", d.hung)
		}
		d.types("ATO\r")
		d.sees("\r\nthere is no call to return to\r\n\r\nNO CARRIER\r\n")
	})
}

// TestEscapeAndReturn: during an escape the far end waits; ATH proves the hang-up.
func TestEscapeAndReturn(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.dialsUp()
		<-time.After(time.Second)
		go d.sends("+++")
		_, _ = io.ReadFull(d.call.end, make([]byte, 3))
		<-time.After(2 * time.Second)
		d.sees("\r\nOK\r\n")
		go func() { _, _ = io.WriteString(d.call.end, "held") }()
		synctest.Wait()
		d.sees("")
		d.types("ATO\r")
		d.sees("\r\nCONNECT 9600\r\nheld")
		<-time.After(time.Second)
		go d.sends("+++")
		_, _ = io.ReadFull(d.call.end, make([]byte, 3))
		<-time.After(2 * time.Second)
		d.proof = errors.New("DCD stays on")
		d.types("ATH\r")
		d.sees("\r\nOK\r\n\r\nthe line is not proven on hook: it is not used until it is\r\n\r\nERROR\r\n")
	})
	atDesk(t, func(d *desk) { // the call ends during the escape, with data that nobody reads
		d.dialsUp()
		<-time.After(time.Second)
		go d.sends("+++")
		_, _ = io.ReadFull(d.call.end, make([]byte, 3))
		<-time.After(2 * time.Second)
		go func() { _, _ = io.WriteString(d.call.end, "lost") }()
		synctest.Wait()
		d.call.over()
		d.sees("\r\nOK\r\n\r\nNO CARRIER\r\n")
	})
}

// TestEndsOfADial: each event that ends a dial in progress; there is one dial, and nothing stays up.
func TestEndsOfADial(t *testing.T) {
	for name, end := range map[string]struct {
		by    func(d *desk)
		sees  string
		cause error // of the attachment; nil: it goes on
	}{
		"key": {func(d *desk) { d.types("x") }, "\r\nthe dial was ended by a key\r\n\r\nNO CARRIER\r\n", nil},
		"break": {func(d *desk) { d.client.change(func() { d.client.breaks++ }) },
			"\r\nthe dial was ended by a break\r\n\r\nNO CARRIER\r\n", nil},
		"DTR": {func(d *desk) { d.client.change(func() { d.client.drops++ }) },
			"\r\nthe dial was ended: DTR went off\r\n\r\nNO CARRIER\r\n", nil},
		"S7": {func(d *desk) { <-time.After(2 * time.Minute) },
			"\r\nno connection within the seconds of S7\r\n\r\nNO CARRIER\r\n", nil},
		"disconnect": {func(d *desk) { _ = d.keys.Close() }, "", io.EOF},
		"operator":   {func(d *desk) { d.cancel(lines.ErrCleared) }, "", lines.ErrCleared},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				d.takes = time.Hour
				d.types("ATE0\r")
				d.types("ATD1;\r")
				d.types("ATDT5551\r")
				d.sees("ATE0\r\r\nOK\r\n\r\nATD: a semicolon is not allowed: this prompt places data calls only, " +
					"one on a line\r\n" + "\r\nERROR\r\n")
				<-time.After(time.Second)
				end.by(d)
				if end.cause != nil {
					d.ends(end.cause)
				} else {
					d.sees(end.sees)
					d.types("AT\r")
					d.sees("\r\nOK\r\n")
				}
				if len(d.dials) != 1 {
					t.Errorf("dials %q", d.dials)
				}
			})
		})
	}
}

// TestEndsOfACall: the call is hung up, whatever ends it.
func TestEndsOfACall(t *testing.T) {
	for name, end := range map[string]struct {
		by    func(d *desk)
		cause error
	}{
		"disconnect":   {func(d *desk) { _ = d.keys.Close() }, io.EOF},
		"operator":     {func(d *desk) { d.cancel(lines.ErrCleared) }, lines.ErrCleared},
		"idle":         {func(d *desk) { <-time.After(time.Hour) }, errIdle},
		"stuck reader": {func(d *desk) { go d.flood(); <-time.After(time.Hour) }, errIdle},
		"DTR":          {func(d *desk) { d.client.change(func() { d.client.drops++ }) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				d.dialsUp()
				end.by(d)
				if end.cause != nil {
					d.ends(end.cause)
				} else {
					d.sees("\r\nOK\r\n")
				}
				if d.hung != 1 {
					t.Errorf("%d hang-ups", d.hung)
				}
			})
		})
	}
}

// flood sends what the user's terminal does not take.
func (d *desk) flood() {
	open := make(chan struct{})
	defer close(open)
	d.mu.Lock()
	d.open = open
	d.mu.Unlock()
	for range 100 {
		_ = d.call.end.SetWriteDeadline(time.Now().Add(time.Minute))
		if _, err := d.call.end.Write(make([]byte, 1<<10)); err != nil {
			return
		}
	}
}

// TestSlowFarEnd: a line that takes no data holds up the user, and neither a break nor the end of the call.
func TestSlowFarEnd(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.dialsUp()
		go func() { _, _ = d.keys.Write(make([]byte, 100<<10)) }()
		<-time.After(time.Minute)
		d.client.change(func() { d.client.drops++ })
		d.sees("\r\nOK\r\n")
	})
}

// TestRefused: what a dial that was not made tells the user.
func TestRefused(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.answer = func() dialed {
			return dialed{result: atprompt.Result{Code: atprompt.NoCarrier, Why: "not dialed: no policy allows 1900"}}
		}
		d.types("ATE0\r")
		d.types("ATDT1900\r")
		d.sees("ATE0\r\r\nOK\r\n\r\nnot dialed: no policy allows 1900\r\n\r\nNO CARRIER\r\n")
		d.types("A/") // a new order
		d.sees("\r\nnot dialed: no policy allows 1900\r\n\r\nNO CARRIER\r\n")
		if len(d.dials) != 2 {
			t.Errorf("dials %q", d.dials)
		}
	})
}
