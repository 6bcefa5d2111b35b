package pppfront

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

const (
	readSize = 2048            // octets of one read
	lastTime = 5 * time.Second // for the last frames of a link that has ended
	quiet    = time.Second     // without a frame, the next one begins with a flag: RFC 1662 §4.4.2
)

// past is a deadline that ends a read under way.
var past = time.Unix(1, 0)

// link is the Engine on a call. What is not guarded belongs to the goroutine of Serve.
type link struct {
	config Config
	ipv6   bool // the profile has it
	*session.Session
	line *session.Line

	since time.Time

	mu      sync.Mutex // guards the following; held only for calls of the Engine
	engine  *ppp.Engine
	framed  session.Framed
	phase   ppp.Phase // that was told
	counted uint64    // Traffic.Counted when used was set
	used    time.Time // see Status
	until   time.Time

	captures atomic.Pointer[[]*Capture]

	ctx      context.Context // limits the login or the session at hand
	releases []context.CancelFunc
	admitted bool
	end      *ppp.Ending
	timers   [ppp.Timers]deadline
	offer    string // the ID of the broker's offer
	asking   asking
	lease    ppp.Lease // nil: none

	mail  sync.Mutex // guards inbox
	inbox []func()   // for the goroutine of Serve

	wake     chan struct{} // the writer has something to do
	stopping chan struct{} // closed: it writes the rest and ends
	writer   sync.WaitGroup
	worker   worker
}

// deadline is a running timer.
type deadline struct {
	at         time.Time // zero: it does not run
	generation uint64
}

func newLink(c Config, p Profile, s *session.Session) *link {
	leg := s.Leg().Number
	l := &link{
		config: c, ipv6: p.IPv6, Session: s, line: s.Line(), since: time.Now(),
		wake: make(chan struct{}, 1), stopping: make(chan struct{}),
	}
	engine := p.engine(s.Call(), leg, s.Line().Wrote())
	engine.Tap = l.tap
	l.engine = ppp.New(engine)
	return l
}

// run serves the call until the link has ended.
func (l *link) run(ctx context.Context) session.Ending {
	l.config.Sessions.enter(l)
	defer l.config.Sessions.leave(l)
	defer l.stop()
	l.limit(ctx, func() {})
	l.Carries(l.carried)
	l.line.Frames()
	l.writer.Go(func() {
		if err := session.Relay(l.write); err != nil {
			l.post(func() { session.Repanic(err); l.event(l.engine.CarrierLost) })
		}
	})
	l.event(l.engine.Start)
	buf := make([]byte, readSize)
	for l.end == nil {
		l.step(buf)
	}
	return session.Ending{Cause: l.end.Cause, Reason: l.Scrub(l.end.Reason)}
}

// step takes the answers and timers that are due, and then octets of the line.
func (l *link) step(buf []byte) {
	l.takeMail()
	l.runTimers()
	if l.end != nil || !l.arm() {
		return
	}
	n, err := l.line.Read(buf)
	for rest := buf[:n]; len(rest) > 0 && l.end == nil; {
		rest = rest[l.receive(rest):]
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		l.event(l.engine.CarrierLost)
	}
}

// receive has the Engine take octets up to the end of a frame, and returns how many.
func (l *link) receive(octets []byte) int {
	n, effects := l.lockedReceive(octets)
	l.carry(effects)
	return n
}

func (l *link) lockedReceive(octets []byte) (int, []ppp.Effect) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.followed()
	return l.engine.Receive(octets)
}

// event has the Engine take an event and carries out the effects.
func (l *link) event(f func() []ppp.Effect) { l.carry(l.locked(f)) }

// locked calls the Engine. If it panics, l.mu is free: the end of the call needs it, as for each call of the Engine.
func (l *link) locked(f func() []ppp.Effect) []ppp.Effect {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.followed()
	return f()
}

// post has functions run by the goroutine of Serve, one after the other, and ends its read.
func (l *link) post(f ...func()) {
	l.mail.Lock()
	defer l.mail.Unlock()
	l.inbox = append(l.inbox, f...)
	_ = l.line.SetReadDeadline(past) // if it fails, so does the read
}

// takeMail runs what was posted. If a function panics, those after it stay: stop runs them.
func (l *link) takeMail() {
	for f := l.nextMail(); f != nil; f = l.nextMail() {
		f()
	}
}

func (l *link) nextMail() func() {
	l.mail.Lock()
	defer l.mail.Unlock()
	if len(l.inbox) == 0 {
		return nil
	}
	f := l.inbox[0]
	l.inbox = l.inbox[1:]
	return f
}

// arm sets the read deadline to the next timer. It returns false if there is mail to take first.
func (l *link) arm() bool {
	l.mail.Lock()
	defer l.mail.Unlock()
	if len(l.inbox) > 0 {
		return false
	}
	var next time.Time
	for _, t := range l.timers {
		if !t.at.IsZero() && (next.IsZero() || t.at.Before(next)) {
			next = t.at
		}
	}
	_ = l.line.SetReadDeadline(next) // if it fails, so does the read
	return true
}

// runTimers ends the timers that are due.
func (l *link) runTimers() {
	now := time.Now()
	for t := range ppp.Timers {
		d := l.timers[t]
		if d.at.IsZero() || d.at.After(now) || l.end != nil {
			continue
		}
		l.timers[t] = deadline{}
		l.tellTimeout(t)
		l.event(func() []ppp.Effect { return l.engine.Timeout(t, d.generation) })
	}
}

// limit has the end of ctx end the link, until another limit takes its place.
func (l *link) limit(ctx context.Context, release context.CancelFunc) {
	l.ctx = ctx
	stop := context.AfterFunc(ctx, func() { l.post(func() { l.interrupted(ctx) }) })
	l.releases = append(l.releases, func() { stop(); release() })
}

// interrupted ends the link because ctx has ended. The Engine ends once, if this is called again.
func (l *link) interrupted(ctx context.Context) {
	if ctx != l.ctx {
		return
	}
	e := session.Interrupted(ctx, ctx.Err())
	if e.Cause == aaa.CauseLostCarrier {
		l.event(l.engine.CarrierLost)
		return
	}
	l.event(func() []ppp.Effect {
		return l.engine.Order(ppp.Ending{Cause: e.Cause, Reason: e.Reason}, lastWords(context.Cause(ctx)))
	})
}

// lastWords is what the caller is told of the end of a session. Messages of PPP are in English: they are ASCII (RFC
// 1334 §2.2.2, RFC 1994 §4.2), and what a computer's dialer shows of them is for its log.
func lastWords(cause error) string {
	var end session.End
	switch {
	case errors.As(cause, &end):
		return end.Text.English()
	case errors.Is(cause, session.ErrLoginTimeout):
		return texts.EndLogin.English()
	case errors.Is(cause, session.ErrSessionTimeout):
		return texts.EndSession.English()
	}
	return texts.EndCleared.English()
}

// stop ends all goroutines. The writer first writes what is left, unless nobody can receive it.
func (l *link) stop() {
	until := time.Now().Add(lastTime)
	if l.end == nil { // a panic: what is open is closed, as far as possible
		_ = session.Relay(func() error { l.event(l.engine.CarrierLost); return nil })
		until = past
	} else if l.end.Cause == aaa.CauseLostCarrier {
		until = past
	}
	_ = l.line.SetWriteDeadline(until) // if it fails, so does the write
	close(l.stopping)
	l.release()
	l.worker.stop()
	l.writer.Wait()
	for session.Relay(func() error { l.takeMail(); return nil }) != nil { // a lease may have come too late
	}
	l.release()
	if l.lease != nil {
		_ = session.Relay(func() error { l.lease.Release(); return nil })
	}
	_ = l.line.SetWriteDeadline(time.Time{})
	_ = l.line.SetReadDeadline(time.Time{})
}

// release ends the limits and the questions.
func (l *link) release() {
	for _, f := range l.releases {
		f()
	}
	l.releases = nil
}

// write is the writer: it encodes one frame after the other, so that a control packet waits for one IP packet at most.
func (l *link) write() error {
	buf := make([]byte, 0, ppp.MaxOutput)
	var last time.Time
	for stopping := false; ; {
		idle := time.Since(last) >= quiet
		out := l.lockedOutput(buf, idle)
		switch {
		case len(out) > 0:
			if _, err := l.line.Write(out); err != nil {
				return err
			}
			last = time.Now()
		case stopping:
			return nil
		default:
			select {
			case <-l.wake:
			case <-l.stopping:
				stopping = true
			}
		}
	}
}

func (l *link) lockedOutput(buf []byte, idle bool) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.engine.Output(buf, idle)
}

// signal tells the writer that there is something to write.
func (l *link) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// send queues an IP packet for the caller; see ppp.Lease. The goroutine may be one of the network, where a panic would
// end the process: it ends the call.
func (l *link) send(packet []byte) bool {
	var ok bool
	if err := session.Relay(func() error { ok = l.lockedSend(packet); return nil }); err != nil {
		l.repanic(err)
		return false
	}
	if ok {
		l.signal()
	}
	return ok
}

func (l *link) lockedSend(packet []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.followed()
	return l.engine.SendIP(packet)
}

// carried is the traffic for accounting.
func (l *link) carried() session.Carried {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.engine.Traffic()
	return session.Carried{OctetsIn: t.OctetsIn, OctetsOut: t.OctetsOut, PacketsIn: t.PacketsIn,
		PacketsOut: t.PacketsOut, Framed: l.framed}
}
