package lines

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"
)

// line is one line's place in the pool, and the Host of its driver. Its fields are guarded by pool.mu, except the
// constant ones.
type line struct {
	pool   *Pool
	by     *Planned
	cfg    *Config // of by
	driver Driver

	ctx     context.Context    // of the driver and the goroutines of the line; nil until it begins
	stop    context.CancelFunc // of ctx
	next    *replacement       // what follows the line; nil: it stays
	running bool               // the driver has begun and not ended
	closed  chan struct{}      // closed when the driver has ended; nil until it begins
	used    chan struct{}      // closed when Raw does not use the port any more; nil: it never did
	gone    bool               // it is not in the pool any more

	kick chan struct{} // capacity 1: prove a quarantined line now; nil: it is not being proven
	calm chan struct{} // capacity 1: the obstacle to a probe may be gone; nil: no probe is made

	// the driver has reported Up or Down at least once; until then the line counts as in service, since it is about
	// to start
	reported bool
	up       bool // the modem is ready
	proving  bool // the goroutine that ends the quarantine runs
	settling bool // released, prepared or quarantined, and being proven on hook
	inBand   bool // the open port has no modem signals
	probing  bool // its modem is being probed, or cannot be probed now: it may answer, but is not leased
	signals  Signals

	reason     string            // why it is not up
	quarantine string            // why it is quarantined; "" it is not
	busyout    *Busyout          // the operator's order; nil: none
	counted    count             // what it adds to pool.usable
	due        Occasion          // the preparation before the next use; "": none
	lease      *Lease            // nil: not leased
	phase      State             // the activity of the driver or the lease, while the line is up
	shown      State             // the state shown last, since the time of since
	since      time.Time         // of shown
	answered   time.Time         // when a probe was last answered; zero: not yet
	retry      time.Time         // when the proof that ends the quarantine is tried again
	leases     uint64            // ever granted
	lastLent   uint64            // pool.lent at its last lease for a callback; 0: none yet
	notices    map[string]string // by name
	plan       standing          // of configLocked, for Choose
	probedFor  *Waiting          // the request that gets it when it was probed; nil: the first that fits
}

// freeLocked reports whether the line may be leased or may answer now.
func (l *line) freeLocked() bool {
	return l.up && l.quarantine == "" && l.busyout == nil && l.next == nil && l.lease == nil && !l.settling
}

// lendableLocked reports whether the line may be leased now.
func (l *line) lendableLocked() bool { return l.freeLocked() && !l.probing }

// configLocked returns the configuration, corrected by the properties of the open port.
func (l *line) configLocked() Config {
	c := *l.cfg
	c.Modem, c.InBand = c.mode(), c.InBand || l.inBand
	return c
}

func (l *line) stateLocked() State {
	switch {
	case !l.up:
		return Down
	case l.quarantine != "", l.busyout != nil && l.busyout.Quarantine && l.lease == nil && !l.settling:
		return Quarantined
	case l.busyout != nil && l.lease == nil && !l.settling:
		return BusiedOut
	case l.phase == "":
		return Idle
	}
	return l.phase
}

func (l *line) statusLocked() Status {
	record := l.pool.recordLocked(l.cfg.TTY)
	s := Status{
		TTY: l.cfg.TTY, Port: l.cfg.Port, Modem: l.plan.modem, Rotary: l.cfg.Rotary, State: l.stateLocked(),
		Since:   l.since,
		Signals: l.signals.String(), Counts: record.Counts, CountsSince: record.Since, Failure: record.Failure,
		Leases: l.leases,
		Speed:  l.cfg.Speed, Profile: l.cfg.Profile.Name, Answered: l.answered,
	}
	switch s.State {
	case Down:
		s.Reason = l.reason
	case Quarantined:
		if s.Reason = l.quarantine; l.quarantine == "" {
			s.Reason = l.busyout.String() // an operator must end it
		} else {
			s.Retry = l.retry
		}
	case BusiedOut:
		s.Reason = l.busyout.String()
	}
	s.Busyout = l.busyout
	switch {
	case l.next.removes():
		s.Change = Leaves
	case l.next != nil && !l.next.again:
		s.Change = Changes
	}
	s.InBand, s.Untrusted, s.SameLine = l.cfg.InBand || l.inBand, l.plan.untrusted, l.plan.sameLine
	for _, name := range slices.Sorted(maps.Keys(l.notices)) {
		s.Notices = append(s.Notices, l.notices[name])
	}
	if l.lease != nil {
		s.Owner, s.Role, s.Connect = l.lease.owner, l.lease.role, l.lease.connect
	}
	return s
}

// phaseLocked sets the phase and wakes watchers.
func (l *line) phaseLocked(s State) {
	l.phase = s
	l.touchLocked()
}

// touchLocked must follow each change of a field that Status shows.
func (l *line) touchLocked() {
	if s := l.stateLocked(); s != l.shown {
		l.shown, l.since = s, l.pool.o.Now()
	}
	l.pool.changedLocked()
}

// count is the number of lines in service that may dial, and how many of them are trusted.
type count struct{ all, trusted int }

func (c count) plus(d count) count  { return count{c.all + d.all, c.trusted + d.trusted} }
func (c count) minus(d count) count { return count{c.all - d.all, c.trusted - d.trusted} }

// serve updates the count of lines in service, which tells a Waiting whether to fall back on other lines.
func (l *line) serve() {
	if l.gone {
		return
	}
	var now count
	if !l.next.removes() && l.cfg.Modem != CallIn && l.quarantine == "" && l.busyout == nil && (l.up || !l.reported) {
		now.all = 1
		if !l.plan.untrusted {
			now.trusted = 1
		}
	}
	was, r := l.counted, l.cfg.Rotary
	l.counted = now
	l.pool.usable[r] = l.pool.usable[r].plus(now).minus(was)
	if now.all < was.all || now.trusted < was.trusted {
		l.pool.fallBackLocked()
	}
}

// Up implements Host.
func (l *line) Up(unproven error) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	if l.reported && !l.up {
		l.countLocked(Reopenings)
	}
	if !l.up {
		l.dueLocked(Startup)
	}
	l.reported, l.up, l.reason = true, true, ""
	signal(l.calm)
	if l.lease == nil && !l.settling {
		l.phase = Idle
	}
	if unproven != nil {
		l.quarantineLocked(unproven)
		return
	}
	l.liftLocked()
}

// Down implements Host.
func (l *line) Down(reason error) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	l.reported, l.up, l.reason = true, false, reason.Error()
	l.failLocked(reason, FailDown)
	l.outLocked(reason)
}

// Failed implements Host.
func (l *line) Failed(err error) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	l.failLocked(err, FailDown)
}

// outLocked handles a line that goes out of service: it informs the lease, the request that waits for its probe, and
// each request that could fall back on other lines.
func (l *line) outLocked(cause error) {
	l.touchLocked()
	l.serve()
	if l.lease != nil {
		l.lease.loseLocked(cause)
	}
	l.freeCandidateLocked()
}

// Phase implements Host.
func (l *line) Phase(s State) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	if s == Dialing {
		l.countLocked(Dials)
		if l.lease != nil {
			l.lease.dialedAt = time.Now()
		}
	}
	if s == Ringing {
		l.rangLocked()
	}
	switch {
	case l.lease == nil && !l.settling && (s == Ringing || s == Idle):
		l.phaseLocked(s)
		if s == Idle {
			signal(l.calm)
		}
	case l.lease == nil:
	case s == Idle && l.phase == HangingUp && !l.lease.incoming:
		l.phaseLocked(Leased)
	case s == Dialing || s == HangingUp:
		l.phaseLocked(s)
	}
}

// Screen implements Host. If the screening callback panics, the call is left ringing.
func (l *line) Screen(ctx context.Context, r RingingCall) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			l.pool.o.Debug(l.cfg.TTY, fmt.Sprintf("call check panicked: %v\n%s", p, debug.Stack()))
			ok = false
		}
	}()
	l.pool.mu.Lock()
	expected := l.expectsLocked() != nil
	l.pool.mu.Unlock()
	if expected {
		return true
	}
	if l.pool.o.Screen == nil {
		l.pool.o.Debug(l.cfg.TTY, "call not answered: no call check is running (call_check)")
		return false
	}
	r.TTY = l.cfg.TTY
	return l.pool.o.Screen(ctx, r)
}

// Message implements Host. A message at which the callback panics is taken: it would do so again.
func (l *line) Message(ctx context.Context, m Message) (taken bool) {
	defer func() {
		if p := recover(); p != nil {
			l.pool.o.Debug(l.cfg.TTY, fmt.Sprintf("short message: panic: %v\n%s", p, debug.Stack()))
			taken = true
		}
	}()
	return l.pool.o.Message == nil || l.pool.o.Message(ctx, m)
}

// Answer implements Host.
func (l *line) Answer(caller, called string) bool {
	l.pool.mu.Lock()
	expected := l.answerExpectedLocked()
	l.pool.mu.Unlock()
	if expected {
		return true
	}
	if l.full(RingingCall{TTY: l.cfg.TTY, Caller: caller, Called: called}) {
		return false
	}
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if !l.freeLocked() || p.draining || p.closing || p.stopped || l.cfg.Modem == CallOut {
		return false
	}
	l.lendLocked(p.o.NewID(), ForCallback, true)
	l.freeCandidateLocked()
	signal(l.calm)
	return true
}

// full asks PoolOptions.Full. If it panics, the call is left ringing.
func (l *line) full(r RingingCall) (full bool) {
	defer func() {
		if p := recover(); p != nil {
			l.pool.o.Debug(l.cfg.TTY, fmt.Sprintf("the check for too many calls panicked: %v\n%s", p, debug.Stack()))
			full = true
		}
	}()
	return l.pool.o.Full != nil && r.Called != "" && l.pool.o.Full(r)
}

// Connected implements Host.
func (l *line) Connected(c *Call) {
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	l.countLocked(CallsIn)
	s := l.lease
	if s == nil || !s.incoming {
		l.connectedLocked(c)
		return
	}
	c.ID = s.owner
	s.connect = c.Connect
	l.phaseLocked(InCall)
	// The driver is itself a job and still runs, so jobs is not done yet, even if the pool has stopped meanwhile.
	ctx := p.ctx
	p.jobs.Go(func() { l.serveCall(ctx, s, c) })
}

// serveCall runs the handler of an incoming call, hangs up, and passes the line to the next request.
func (l *line) serveCall(ctx context.Context, s *Lease, c *Call) {
	l.handle(ctx, c)
	hang, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.proofTime())
	defer cancel()
	err := c.Hangup(hang)
	p := l.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	s.returnLocked()
	l.settledLocked(err, true)
}

func (l *line) handle(ctx context.Context, c *Call) {
	defer func() {
		if r := recover(); r != nil {
			l.pool.o.Debug(l.cfg.TTY, fmt.Sprintf("call %s: its handler panicked: %v\n%s", c.ID, r, debug.Stack()))
		}
	}()
	if l.pool.accept != nil {
		l.pool.accept(ctx, c)
	}
}

// Missed implements Host.
func (l *line) Missed(unproven error) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	l.countLocked(CallsMissed)
	l.failLocked(errMissed, FailConnect)
	if l.lease == nil || !l.lease.incoming {
		l.missedLocked(unproven)
		return
	}
	l.lease.returnLocked()
	l.settledLocked(unproven, true)
}

// InBand implements Host.
func (l *line) InBand(is bool) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	l.inBand = is
	l.planLocked()
	l.touchLocked()
	l.serve()
}

func (l *line) planLocked() {
	l.plan = l.configLocked().Idle().standing()
	l.plan.leaves = l.next.removes()
}

// Notice implements Host.
func (l *line) Notice(name, text string) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	l.noticeLocked(name, text)
}

func (l *line) noticeLocked(name, text string) {
	if l.notices[name] == text {
		return
	}
	if l.notices == nil {
		l.notices = map[string]string{}
	}
	l.notices[name] = text
	if text == "" {
		delete(l.notices, name)
	}
	l.touchLocked()
}

// Signals implements Host.
func (l *line) Signals(s Signals) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	if s.Has(RI) && !l.signals.Has(RI) {
		l.rangLocked()
	}
	l.signals = s
	l.touchLocked()
}

// errMissed is the failure of an answered call that did not connect.
var errMissed = errors.New("an answered call did not connect")

// proofTime bounds a hang-up with its proof. The driver's own limits end it long before.
func (l *line) proofTime() time.Duration {
	t := l.cfg.Timing.WithDefaults()
	return 2*t.OnHook + t.DTRLow + 14*t.Guard + 6*t.Command
}

// settle makes the driver prove the line on hook. After raw access there is none; its port must be closed.
func (l *line) settle(ctx context.Context) {
	l.pool.mu.Lock()
	used := l.used
	l.pool.mu.Unlock()
	if used != nil {
		<-used
	}
	ctx, cancel := context.WithTimeout(ctx, l.proofTime())
	defer cancel()
	err := l.driver.Settle(ctx)
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	l.settledLocked(err, false) // the proof may have been skipped, and the modem may have been silent for hours
}

// settledLocked handles a released line after its proof. A line that was just proven on hook is passed on under the
// same lock, so that no call is answered in between.
func (l *line) settledLocked(err error, fresh bool) {
	l.settling = false
	l.phaseLocked(Idle)
	defer l.pool.hushLocked()
	switch {
	case err == nil && l.proving:
		signal(l.kick) // a proof that was due had to wait
	case err != nil && !errors.Is(err, ErrDown):
		l.quarantineLocked(err)
	}
	if l.next != nil {
		l.giveWayLocked()
		return
	}
	l.readyLocked(fresh)
}

// quarantineLocked stops leases and answers on the line until it is proven on hook.
func (l *line) quarantineLocked(err error) {
	if l.quarantine == "" {
		l.countLocked(Quarantines)
		l.failLocked(err, FailQuarantine)
	}
	l.quarantine = err.Error()
	l.pool.o.Debug(l.cfg.TTY, "quarantined: "+l.quarantine)
	l.outLocked(err)
	if l.proving {
		return
	}
	l.kick = make(chan struct{}, 1)
	l.proving = l.goLocked(l.prove)
}

// liftLocked ends a quarantine, if there is one, and passes the line to the next request.
func (l *line) liftLocked() {
	if l.quarantine != "" {
		l.pool.o.Debug(l.cfg.TTY, "proven on hook: back in service")
	}
	l.quarantine = ""
	l.touchLocked()
	l.serve()
	l.readyLocked(true)
}

// maxQuarantine is the longest pause between two attempts at a proof.
const maxQuarantine = 5 * time.Minute

// prove repeats the proof until the quarantine ends.
func (l *line) prove(ctx context.Context) {
	l.pool.mu.Lock()
	kick := l.kick
	l.pool.mu.Unlock()
	pause := l.cfg.Timing.WithDefaults().Quarantine
	for {
		l.pool.mu.Lock()
		l.retry = l.pool.o.Now().Add(pause)
		l.pool.mu.Unlock()
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-kick:
		case <-ctx.Done():
		}
		t.Stop()
		if ctx.Err() != nil || !l.tryProof(ctx) {
			return
		}
		pause = min(2*pause, maxQuarantine)
	}
}

// tryProof tries the proof once and reports whether to try again. Until the driver has ended it, the line is not free:
// the proof would hang up a call.
func (l *line) tryProof(ctx context.Context) (again bool) {
	p := l.pool
	p.mu.Lock()
	switch {
	case l.quarantine == "": // Up has ended it
		l.proving = false
		p.mu.Unlock()
		return false
	case l.lease != nil || l.settling: // settledLocked orders another try
		p.mu.Unlock()
		return true
	}
	l.settling = true
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, l.proofTime())
	defer cancel()
	err := l.driver.Settle(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.hushLocked()
	// down: the driver proves it before it reports Up again
	again = l.quarantine != "" && err != nil && !errors.Is(err, ErrDown)
	l.settling, l.proving = false, again
	if again {
		l.quarantine = err.Error()
	}
	l.phaseLocked(Idle)
	if !again {
		l.liftLocked()
	}
	if l.next != nil {
		l.giveWayLocked()
	}
	return again
}
