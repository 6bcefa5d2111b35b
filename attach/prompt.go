package attach

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/atprompt"
	"github.com/ringback/ringback/session"
)

// errIdle is why an attachment without traffic ends.
var errIdle = errors.New("idle timeout")

// Conn is the user's end; it is a *session.Line.
type Conn interface {
	io.ReadWriter
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// dialed is how a dial has ended.
type dialed struct {
	call   lines.Data // nil: none
	result atprompt.Result
	// hangUp ends the call and records its end. It blocks until the line is proven on hook. It is called once.
	hangUp func() error
}

// prompt is a user at the emulated modem of a leased line. All its events are handled by one goroutine, which waits for
// nobody: a user or a line that takes no data holds up only the other direction.
type prompt struct {
	conn   Conn
	client session.Client
	modem  *atprompt.Modem
	screen *screen
	idle   time.Duration // without traffic, after which the attachment ends; 0: none
	// dial places a call to a number as typed. It blocks until the call is up or the dial has ended; ctx ends both.
	dial func(ctx context.Context, number string) dialed
	// lost blocks until the line is lost or ctx ends: lines.Lease.Lost.
	lost func(ctx context.Context) error

	early   []byte             // what the user has typed before there was a line; it comes before input
	input   chan []byte        // of the user; closed at its end
	unread  error              // why input is closed; nil: the user has left
	taken   chan bool          // capacity 1: input is not used any more
	dials   chan dialed        // capacity 1
	hung    chan error         // capacity 1
	cancel  context.CancelFunc // of the dial, and of its call; nil: neither is there
	link    *link              // the call; nil: none
	hanging bool               // a call is being hung up
	signs   *signs
	traffic time.Time
	work    sync.WaitGroup // the reader, the dial, the hang-up
}

// link carries the data of a call.
type link struct {
	dialed
	cancel context.CancelFunc
	out    chan []byte // to the call
	wrote  chan bool   // capacity 1: out was written
	full   bool        // out waits to be written
	parted chan bool   // capacity 1: all data of the call is shown
	pumps  sync.WaitGroup
}

// open begins to read what the user sends, for serve or others, which take it from input, and answer each with taken.
// The context ends with ctx or the user. shut must be called.
func (p *prompt) open(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	p.input, p.taken = make(chan []byte), make(chan bool, 1)
	p.dials, p.hung = make(chan dialed, 1), make(chan error, 1)
	p.signs = showSigns(p.client)
	ctx, cancel := context.WithCancelCause(ctx)
	p.work.Go(func() { p.read(ctx) })
	return ctx, func(why error) {
		cancel(why)
		p.leave()
	}
}

// run serves the user until the connection, the line or ctx ends, or nothing happens for the idle time. Then no call
// and no dial is left. It returns the cause; io.EOF: the user has left.
func (p *prompt) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p.work.Go(func() {
		if err := p.lost(ctx); err != nil {
			cancel(err)
		}
	})
	err := p.serve(ctx)
	cancel(err)
	return err
}

// read passes on what the user sends, until the connection or ctx ends.
func (p *prompt) read(ctx context.Context) {
	defer func() {
		p.unread = context.Cause(ctx) // a context of serve may end later than this one
		close(p.input)
	}()
	defer context.AfterFunc(ctx, func() { _ = p.conn.SetReadDeadline(time.Unix(1, 0)) })()
	buf := make([]byte, 4<<10)
	for {
		n, err := p.conn.Read(buf)
		if n > 0 {
			select {
			case p.input <- buf[:n]:
			case <-ctx.Done():
				return
			}
			select {
			case <-p.taken:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// serve handles all events.
func (p *prompt) serve(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	p.traffic = time.Now()
	p.show()
	drops, breaks := p.client.Drops(), p.client.Breaks()
	p.do(ctx, p.modem.Input(p.traffic, p.early))
	for {
		timer.Reset(time.Until(p.due()))
		input, l := p.input, p.link
		if l == nil {
			l = &link{} // nothing comes from it
		}
		if l.full || p.screen.full() {
			input = nil // the user has to wait
		}
		select {
		case b, ok := <-input:
			if !ok && p.unread != nil {
				return p.unread
			}
			if !ok {
				return io.EOF
			}
			p.traffic = time.Now()
			p.do(ctx, p.modem.Input(p.traffic, b))
			p.taken <- true
		case d := <-p.dials:
			p.connect(d)
			p.do(ctx, p.modem.Done(time.Now(), d.result))
		case err := <-p.hung:
			p.done(ctx, err)
		case <-l.parted:
			p.part()
		case <-p.escapedEnd():
			p.part()
		case <-l.wrote:
			l.full, p.traffic = false, time.Now()
		case <-p.screen.moved:
			p.traffic = time.Now()
		case <-p.client.Changed():
			d, n := p.client.Drops(), p.client.Breaks()
			if n != breaks {
				p.do(ctx, p.modem.Break(time.Now()))
			}
			if d != drops {
				p.do(ctx, p.modem.DropDTR(time.Now()))
			}
			drops, breaks = d, n
		case <-timer.C:
			if now := time.Now(); p.idle > 0 && !now.Before(p.traffic.Add(p.idle)) {
				return errIdle
			}
			p.do(ctx, p.modem.Tick(time.Now()))
		case <-p.screen.done:
			return ended(ctx)
		case <-ctx.Done():
			return ended(ctx)
		}
	}
}

// ended returns why nothing more is read or written.
func ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return io.EOF
}

// due returns when the modem or the idle time is due.
func (p *prompt) due() time.Time {
	at := p.modem.Deadline()
	if at.IsZero() {
		at = time.Now().Add(time.Hour)
	}
	if end := p.traffic.Add(p.idle); p.idle > 0 && end.Before(at) {
		return end
	}
	return at
}

// do carries out what the modem asks for.
func (p *prompt) do(ctx context.Context, all []atprompt.Action) {
	for _, a := range all {
		switch a.Kind {
		case atprompt.ToUser:
			p.screen.say(a.Data)
		case atprompt.ToCall:
			p.send(a.Data)
		case atprompt.Dial:
			ctx, cancel := context.WithCancel(ctx)
			p.cancel = cancel
			p.work.Go(func() { p.dials <- p.dial(ctx, a.Number) })
		case atprompt.Abort:
			p.cancel()
		case atprompt.HangUp:
			p.part()
		}
	}
	p.show()
}

// show makes the client and the screen follow the state of the emulated modem.
func (p *prompt) show() {
	online := p.modem.State() == atprompt.Online
	p.screen.setOnline(online)
	s := lines.DSR | lines.CTS
	if p.modem.Carrier() {
		s |= lines.DCD
	}
	p.signs.set(sign{binary: online, circuits: s})
}

// connect takes the end of a dial.
func (p *prompt) connect(d dialed) {
	cancel := p.cancel
	p.cancel = nil
	if d.call == nil {
		cancel()
		return
	}
	l := &link{dialed: d, cancel: cancel,
		out: make(chan []byte, 1), wrote: make(chan bool, 1), parted: make(chan bool, 1)}
	number := p.screen.next()
	l.pumps.Go(l.toCall)
	l.pumps.Go(func() { l.fromCall(p.screen, number) })
	p.link = l
}

// send gives data to the writer to the call, which is not busy: serve takes no input while it is.
func (p *prompt) send(b []byte) {
	if p.link == nil {
		return // the call has ended, and its hang-up is not proven yet
	}
	p.link.full = true
	p.link.out <- append([]byte(nil), b...) // b is used again
}

func (l *link) toCall() {
	for b := range l.out {
		_, _ = l.call.Write(b) // an error is the end of the call, which the reader finds
		l.wrote <- true
	}
}

// fromCall shows the data of the call until that ends.
func (l *link) fromCall(s *screen, number int) {
	buf := make([]byte, 4<<10)
	for {
		n, err := l.call.Read(buf)
		if n > 0 && !s.data(number, buf[:n]) {
			return
		}
		if err != nil {
			l.parted <- true
			return
		}
	}
}

// escapedEnd returns a channel that is closed at the end of a call whose data waits for ATO.
func (p *prompt) escapedEnd() <-chan struct{} {
	if p.link == nil || p.modem.State() != atprompt.Escaped {
		return nil
	}
	return p.link.call.Done()
}

// part begins to hang up the call, which may have ended already; the result is for done.
func (p *prompt) part() {
	if p.link == nil {
		return // it is being hung up
	}
	l := p.link
	p.link, p.hanging = nil, true
	p.screen.next()
	close(l.out)
	p.work.Go(func() {
		err := l.hangUp()
		l.cancel()
		l.pumps.Wait()
		p.hung <- err
	})
}

// done takes the end of a hang-up: of one that the modem has asked for, or of a call that has ended on its own.
func (p *prompt) done(ctx context.Context, err error) {
	p.hanging = false
	if p.modem.State() != atprompt.HangingUp {
		p.do(ctx, p.modem.Lost(time.Now()))
		return
	}
	r := atprompt.Result{Code: atprompt.OK}
	if err != nil {
		r = atprompt.Result{Code: atprompt.Error, Why: "the line is not proven on hook: it is not used until it is"}
	}
	p.do(ctx, p.modem.Done(time.Now(), r))
}

// leave ends the dial or the call, and waits for everything.
func (p *prompt) leave() {
	if p.cancel != nil {
		p.cancel()
		p.connect(<-p.dials) // it may have been faster
	}
	p.part()
	if p.hanging {
		<-p.hung
	}
	p.work.Wait()
	_ = p.conn.SetWriteDeadline(time.Now().Add(lastWords)) // the user may read nothing
	p.signs.close()
}
