package lines

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrReleased is the error of a lease that was released.
var ErrReleased = errors.New("the lease was released")

// Waiting is a place in the queue for a line.
type Waiting struct {
	pool   *Pool
	want   Want
	rotary int           // Want.Rotary, or the called line's
	since  time.Time     // of the request
	lease  chan *Lease   // capacity 1; closed when the pool ends
	place  *list.Element // nil: no longer in the queue; guarded by pool.mu
	err    error         // why no line can serve it; set before lease is closed
	probed *line         // the line whose modem is being probed for it; nil none; guarded by pool.mu
}

// CanServe returns nil if a line could serve w now or later; otherwise the error gives the reason.
func (p *Pool) CanServe(w Want) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.canServeLocked(w, p.rotaryLocked(w))
}

func (p *Pool) canServeLocked(w Want, rotary int) error {
	for _, l := range p.sorted {
		switch w.fit(l.plan, rotary) {
		case fitFirst, fitFirstLogin:
			return nil
		case fitSame, fitSameLogin:
			if w.Rotary == NoRotary || l.cfg.Rotary == w.Rotary { // otherwise the rotary may have no line at all
				return nil
			}
		}
	}
	all := make([]Status, 0, len(p.sorted))
	for _, l := range p.sorted {
		all = append(all, l.statusLocked())
	}
	return possible(w, all)
}

func (p *Pool) rotaryLocked(w Want) int {
	if l := p.lines[w.Called]; w.Rotary == NoRotary && l != nil {
		return l.cfg.Rotary
	}
	return w.Rotary
}

// Request asks for a line and returns immediately; requests are served in the order of their
// Role. Choose determines the lines that may
// serve, and is checked again whenever a line changes. The modem of an idle line is probed before the lease. An error
// means that no line can ever serve w.
func (p *Pool) Request(w Want) (*Waiting, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return nil, ErrClosed
	}
	q := p.waitingLocked(w)
	if err := p.canServeLocked(w, q.rotary); err != nil {
		return nil, err
	}
	q.since = p.o.Now()
	q.enterLocked()
	q.seekLocked()
	return q, nil
}

// waitingLocked returns a request that is not in the queue.
func (p *Pool) waitingLocked(w Want) *Waiting {
	return &Waiting{pool: p, want: w, rotary: p.rotaryLocked(w), lease: make(chan *Lease, 1)}
}

// seekLocked starts a probe of the best line that may serve q now, if q still waits and no line is being probed for
// it.
func (q *Waiting) seekLocked() {
	if q.place == nil || q.probed != nil {
		return
	}
	if l := q.freeLocked(); l != nil {
		l.probeLocked(q)
	}
}

// freeLocked returns the best free line that may serve q now, or nil.
func (q *Waiting) freeLocked() *line {
	if len(q.want.TTYs) > 0 {
		return q.freeListedLocked()
	}
	var best *line
	hunt := q.pool.hunts[q.rotary]
	for _, l := range q.pool.sorted {
		if l.lendableLocked() && (best == nil || l.beforeLocked(best, hunt)) && q.servesLocked(l) {
			best = l
		}
	}
	return best
}

// freeListedLocked is freeLocked among explicit lines: the lines of the first tier that has a free one hunt.
func (q *Waiting) freeListedLocked() (best *line) {
	for _, ttys := range q.want.tiers() {
		for _, tty := range ttys {
			l := q.pool.lines[tty]
			if l != nil && l.lendableLocked() && q.servesLocked(l) &&
				(best == nil || l.beforeLocked(best, q.pool.hunts[best.cfg.Rotary])) {
				best = l
			}
		}
		if best != nil {
			break
		}
	}
	return best
}

// servesLocked reports whether l may serve q now.
func (q *Waiting) servesLocked(l *line) bool {
	f := q.want.fit(l.plan, q.rotary)
	return f != fitNever && !q.betterLocked(f)
}

// betterLocked reports whether a line with a better fit is in service.
func (q *Waiting) betterLocked(than fit) bool {
	if len(q.want.TTYs) > 0 {
		return than != fitFirst && slices.ContainsFunc(q.want.TTYs, func(tty int) bool {
			l := q.pool.lines[tty]
			if l == nil || l.counted.all == 0 {
				return false
			}
			f := q.want.fit(l.plan, q.rotary)
			return f != fitNever && f < than
		})
	}
	if len(q.want.Avoid) > 0 {
		return slices.ContainsFunc(q.pool.sorted, func(l *line) bool {
			f := q.want.fit(l.plan, q.rotary)
			return l.counted.all > 0 && f != fitNever && f < than
		})
	}
	if than == fitFirst {
		return false
	}
	others := q.othersLocked()
	first, login := others.all, 0
	if q.want.NoVerify {
		first, login = others.trusted, others.all-others.trusted
	}
	c := q.calledLocked()
	same := c != nil && c.counted.all > 0 && q.want.fit(c.plan, q.rotary) == fitSame
	switch than {
	case fitSame:
		return first > 0
	case fitFirstLogin:
		return first > 0 || same
	case fitSameLogin:
		return first > 0 || login > 0
	}
	return false
}

// calledLocked returns the line that was called; nil if there is none.
func (q *Waiting) calledLocked() *line { return q.pool.lines[q.want.Called] }

// othersLocked counts the lines of the rotary in service, without the called one.
func (q *Waiting) othersLocked() count {
	if q.rotary == NoRotary {
		return count{}
	}
	if q.want.Unfit != nil {
		return q.fitOthersLocked()
	}
	n := q.pool.usable[q.rotary]
	if c := q.calledLocked(); c != nil && c.cfg.Rotary == q.rotary {
		n = n.minus(c.counted)
	}
	return n
}

// fitOthersLocked is othersLocked for a request that not every line of the rotary may serve.
func (q *Waiting) fitOthersLocked() (n count) {
	called := q.calledLocked()
	for _, l := range q.pool.sorted {
		if l != called && l.cfg.Rotary == q.rotary && q.want.unfit(l.cfg.TTY) == "" {
			n = n.plus(l.counted)
		}
	}
	return n
}

// prefersLocked reports whether a line, nil none, precedes l among the explicit lines of q.
func (q *Waiting) prefersLocked(probed, l *line) bool {
	if probed == nil {
		return false
	}
	at := q.want.tier(probed.cfg.TTY)
	return at >= 0 && at < q.want.tier(l.cfg.TTY)
}

// Lease returns the channel that delivers the lease, once. It is closed without a lease when the pool ends, or when a
// new configuration has no line that can ever serve the request; Err says which.
func (q *Waiting) Lease() <-chan *Lease { return q.lease }

// Err returns why the channel of Lease was closed: ErrClosed, or why no line can ever serve the request. Call it only
// after that.
func (q *Waiting) Err() error { return q.err }

// Cancel leaves the queue. It releases a lease that was granted but not yet received from the channel. A second call
// is safe. A lease that was received is unaffected.
func (q *Waiting) Cancel() {
	q.pool.mu.Lock()
	q.leaveLocked()
	q.pool.mu.Unlock()
	select {
	case l := <-q.lease:
		if l != nil {
			l.Release()
		}
	default:
	}
}

// leaveLocked removes q from the queue and from the line that is being probed for it.
func (q *Waiting) leaveLocked() {
	if q.place != nil {
		q.pool.queue.Remove(q.place)
		q.place = nil
	}
	if l := q.probed; l != nil {
		l.probedFor, q.probed = nil, nil
	}
}

// Acquire requests a line and blocks until it has a lease or ctx ends.
func (p *Pool) Acquire(ctx context.Context, w Want) (*Lease, error) {
	q, err := p.Request(w)
	if err != nil {
		return nil, err
	}
	select {
	case l, ok := <-q.Lease():
		if !ok {
			return nil, q.Err()
		}
		return l, nil
	case <-ctx.Done():
		q.Cancel()
		return nil, fmt.Errorf("wait for a line: %w", context.Cause(ctx))
	}
}

// passLocked gives a free line to the oldest request that it may serve. fresh means that its modem has just answered;
// otherwise the line is probed first.
func (p *Pool) passLocked(l *line, fresh bool) {
	if !l.lendableLocked() || p.closing {
		return
	}
	for e := p.queue.Front(); e != nil; e = e.Next() {
		switch q := e.Value.(*Waiting); {
		case !q.servesLocked(l) || !fresh && q.probed != nil || q.prefersLocked(q.probed, l):
		case fresh:
			q.leaveLocked()
			q.lease <- l.lendLocked(q.want.Owner, q.want.Role, false)
			return
		default:
			l.probeLocked(q)
			return
		}
	}
}

// fallBackLocked serves the requests that may use other lines because one went out of service.
func (p *Pool) fallBackLocked() {
	for e := p.queue.Front(); e != nil && !p.closing; e = e.Next() {
		e.Value.(*Waiting).seekLocked()
	}
}

// Lease is the right to use one line. Its owner must call Release, even after a call on it has ended.
type Lease struct {
	line     *line
	owner    string
	role     Role
	incoming bool // held by an incoming call itself
	ctx      context.Context
	end      context.CancelCauseFunc

	running  int  // running commands and dials; guarded by pool.mu
	dialed   bool // a dial connected; guarded by pool.mu
	released bool // guarded by pool.mu

	raw context.CancelCauseFunc // ends Raw; nil: it does not run; guarded by pool.mu

	expected *expected // the call that the owner waits for; nil none; guarded by pool.mu
	connect  string    // the CONNECT line of the call that is up; guarded by pool.mu
	rang     time.Time // see Rang; guarded by pool.mu
	dialedAt time.Time // see Dialed; guarded by pool.mu

	lost  chan struct{} // closed when the line went out of service
	cause error         // the reason; set before lost is closed
}

// lendLocked leases l, which must be free.
func (l *line) lendLocked(owner string, role Role, incoming bool) *Lease {
	if !l.freeLocked() {
		panic(fmt.Sprintf("lines: tty %d leased twice", l.cfg.TTY))
	}
	s := &Lease{line: l, owner: owner, role: role, incoming: incoming, lost: make(chan struct{})}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	l.pool.lent++
	l.leases++
	l.lease = s
	phase := Leased
	if !incoming {
		l.lastLent = l.pool.lent
		if l.phase == Ringing {
			s.rang = time.Now()
		}
	}
	if incoming {
		phase = Ringing
	}
	l.phaseLocked(phase)
	return s
}

// busyLocked reports whether a command or a call is active for which a stopping pool must wait. A call that is still
// being answered does not count.
func (s *Lease) busyLocked() bool {
	return s.incoming && s.line.phase != Ringing || s.running > 0 || s.dialed
}

// TTY returns the line's number.
func (s *Lease) TTY() int { return s.line.cfg.TTY }

// Config returns the line's configuration. InBand is also set if the open port turned out to have no modem signals.
func (s *Lease) Config() Config {
	s.line.pool.mu.Lock()
	defer s.line.pool.mu.Unlock()
	return s.line.configLocked()
}

// Rang returns when a call first rang on the line under the lease, by RING or RI, answered or not; zero:
// none did. A call that rang already when the lease began counts.
func (s *Lease) Rang() time.Time {
	s.line.pool.mu.Lock()
	defer s.line.pool.mu.Unlock()
	return s.rang
}

// Dialed returns when the last dial command of the lease was sent; zero: none was.
func (s *Lease) Dialed() time.Time {
	s.line.pool.mu.Lock()
	defer s.line.pool.mu.Unlock()
	return s.dialedAt
}

// rangLocked notes that a call rings on a leased line.
func (l *line) rangLocked() {
	if s := l.lease; s != nil && s.rang.IsZero() {
		s.rang = time.Now()
	}
}

// Lost blocks until the line goes out of service, or an operator clears the line of a user on the network (ErrCleared),
// and returns the reason, also for an earlier loss. nil means that the
// lease was released or ctx ended.
func (s *Lease) Lost(ctx context.Context) error {
	select {
	case <-s.lost:
		return s.cause
	case <-s.ctx.Done():
	case <-ctx.Done():
	}
	return nil
}

// loseLocked informs the owner that the line went out of service.
func (s *Lease) loseLocked(cause error) {
	if s.cause == nil {
		s.cause = fmt.Errorf("tty %d: %w", s.TTY(), cause)
		close(s.lost)
	}
}

// Probe asks whether the modem still answers and blocks for the answer; see Driver.Probe. ctx and the end of the
// lease cancel it.
func (s *Lease) Probe(ctx context.Context) error {
	ctx, done, err := s.begin(ctx)
	if err == nil {
		defer done()
		err = s.line.driver.Probe(ctx)
	}
	if err != nil {
		return fmt.Errorf("tty %d: %w", s.TTY(), err)
	}
	return nil
}

// Owner returns the holder of the lease.
func (s *Lease) Owner() string { return s.owner }

// Command runs fn on the modem's command line and blocks until it returns; see Driver.Command. ctx and the end of the
// lease cancel it.
func (s *Lease) Command(ctx context.Context, fn Script) (ResultCode, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return NoResult, fmt.Errorf("tty %d: %w", s.TTY(), err)
	}
	defer done()
	return s.line.driver.Command(ctx, fn)
}

// Dial runs fn, which may send one dial command, and blocks until the modem's final answer. With Connected and no
// error, the owner must hang up the call; any other result code comes without a call, and without an error or with
// Barred. ctx and the end of the lease cancel it.
func (s *Lease) Dial(ctx context.Context, fn Script) (*Call, ResultCode, error) {
	return s.dial(ctx, nil, fn)
}

// Looking returns the line with a last look before each dial command; nil: no look.
func (s *Lease) Looking(look MayDial) Dialable { return looking{s, look} }

// looking is a lease with the last look of its dials.
type looking struct {
	*Lease
	look MayDial
}

func (l looking) Dial(ctx context.Context, fn Script) (*Call, ResultCode, error) {
	return l.dial(ctx, l.look, fn)
}

func (s *Lease) dial(ctx context.Context, look MayDial, fn Script) (*Call, ResultCode, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return nil, NoResult, fmt.Errorf("tty %d: %w", s.TTY(), err)
	}
	defer done()
	call, code, err := s.line.driver.Dial(ctx, look, fn)
	p := s.line.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	s.line.dialedLocked(ctx, call != nil, code, err)
	if call != nil {
		call.ID = p.o.NewID()
		s.dialed, s.connect = true, call.Connect
	}
	if s.line.lease == s {
		phase := Leased
		if call != nil {
			phase = OutCall
		}
		s.line.phaseLocked(phase)
	}
	return call, code, err
}

// begin derives a context that also ends with the lease. done must be called.
func (s *Lease) begin(ctx context.Context) (_ context.Context, done func(), err error) {
	p := s.line.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.released {
		return nil, nil, ErrReleased
	}
	s.running++
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.ctx, func() { cancel(context.Cause(s.ctx)) })
	return ctx, func() {
		stop()
		cancel(nil)
		p.mu.Lock()
		defer p.mu.Unlock()
		s.running--
		p.hushLocked()
	}, nil
}

// Release ends the lease; a second call does nothing. It cancels everything that runs on the line and returns
// immediately. In the background the line is proven on hook and then passed on, or quarantined.
func (s *Lease) Release() {
	p := s.line.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.released {
		return
	}
	s.returnLocked()
	l := s.line
	l.settling = true
	l.phaseLocked(HangingUp)
	if !l.goLocked(func(ctx context.Context) { l.settle(ctx) }) {
		l.settledLocked(nil, false) // the drivers have ended and closed the ports
	}
}

// returnLocked counts the lease as released and detaches it from the line. The caller decides what happens to the
// line.
func (s *Lease) returnLocked() {
	s.released = true
	s.line.pool.returned++
	s.line.dueLocked(Reset)
	s.line.lease = nil
	s.end(ErrReleased)
}
