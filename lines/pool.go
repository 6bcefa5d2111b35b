package lines

import (
	"cmp"
	"container/list"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"
)

// ErrClosed is the error of a Request after the pool's Run has ended.
var ErrClosed = errors.New("the lines are closed: ringback is shutting down")

// PoolOptions are the parameters of a Pool. The zero value is usable.
type PoolOptions struct {
	NewID func() string    // IDs for calls; nil: 26 random letters and digits
	Now   func() time.Time // the wall clock; nil: time.Now
	// receives events that have no owner (a handler that panicked, quarantine); must not block; may be nil
	Debug func(tty int, text string)
	// Prepare returns what prepares the modem of a line on an occasion; nil: nothing does. It must not block, and is
	// called for each occasion. nil: no line is prepared.
	Prepare func(tty int, o Occasion) Preparation
	Grace   time.Duration // how long Run waits at its end for running calls and commands; 0: 15 s

	// Message gets each short message of a line with Config.Messages. It blocks until what is to be done about it is
	// done, or until ctx ends. True: the modem deletes it. nil: all are deleted unread.
	Message func(ctx context.Context, m Message) bool

	// Screen decides whether a call that rings on a line with Config.CallCheck may be answered. It may block, and
	// must return soon after ctx ends, which means that the caller has hung up. nil: such lines answer no call.
	Screen func(ctx context.Context, r RingingCall) bool

	// Full reports whether a call that rings must be left ringing because the called number, which is known, has too
	// many calls. It is asked at each ring and must not block. nil: no number has.
	Full func(r RingingCall) bool
}

// Pool leases lines to incoming calls when they are answered, and to callbacks on request. A line has one owner at a
// time and is released exactly once. All methods may be called from any goroutine; only Run, Acquire and Clear block.
type Pool struct {
	o PoolOptions

	mu       sync.Mutex // guards the fields below and those of each line
	lines    map[int]*line
	sorted   []*line          // by TTY
	usable   map[int]count    // rotary → its lines that are in service and may dial
	hunts    map[int]Hunt     // rotary → its hunt; missing: Linear
	busyouts map[int]Busyout  // by TTY
	drain    *Busyout         // of all other lines; nil: none
	ports    map[string]*line // Config.device → the line that uses it
	records  map[int]*Record  // by TTY
	counted  chan struct{}    // capacity 1: a record has changed
	total    Counts           // as in Tally
	queue    list.List        // of *Waiting, in the order in which they are served
	lent     uint64           // leases ever granted
	returned uint64           // leases ever released
	draining bool             // no more calls are answered
	closing  bool             // no new leases
	stopped  bool             // no more goroutines are started
	quiet    chan struct{}    // closed when closing and nothing runs; nil before closing
	changed  chan struct{}    // closed at the next change of a line; nil while there is no waiter

	ctx     context.Context // of accept; nil before Run
	drivers context.Context // of the drivers and their scripts: outlives ctx until the calls have ended
	accept  Accept
	jobs    sync.WaitGroup // drivers, calls, settling, quarantine
}

// NewPool returns a Pool without lines.
func NewPool(o PoolOptions) *Pool {
	if o.NewID == nil {
		o.NewID = rand.Text
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Debug == nil {
		o.Debug = func(int, string) {}
	}
	if o.Grace <= 0 {
		o.Grace = 15 * time.Second
	}
	return &Pool{o: o, lines: map[int]*line{}, usable: map[int]count{}, ports: map[string]*line{},
		records: map[int]*Record{}, counted: make(chan struct{}, 1)}
}

// Add adds a line to the pool, which keeps cfg. If Run is already running, Add starts the driver. A TTY that is
// already in the pool is an error.
func (p *Pool) Add(cfg *Config, d Driver) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return ErrClosed
	}
	if _, taken := p.lines[cfg.TTY]; taken {
		return fmt.Errorf("tty %d: duplicate line", cfg.TTY)
	}
	p.addLocked(&Planned{Config: cfg, Driver: func() Driver { return d }})
	return nil
}

func (p *Pool) addLocked(by *Planned) *line {
	cfg := by.Config
	l := &line{pool: p, by: by, cfg: cfg, driver: by.Driver(), reason: startingUp, since: p.o.Now()}
	p.recordLocked(cfg.TTY)
	l.planLocked()
	l.busyOutLocked()
	l.serve()
	p.lines[cfg.TTY] = l
	at, _ := slices.BinarySearchFunc(p.sorted, cfg.TTY,
		func(l *line, tty int) int { return cmp.Compare(l.cfg.TTY, tty) })
	p.sorted = slices.Insert(p.sorted, at, l)
	p.startLocked(l)
	return l
}

// Run runs the drivers and passes incoming calls to accept, each in its own goroutine. It blocks until ctx ends. Then
// it rejects the requests that wait for a line, waits up to Grace for calls and commands, stops the drivers, and
// returns nil when all its goroutines have ended.
func (p *Pool) Run(ctx context.Context, accept Accept) error {
	drivers, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	p.mu.Lock()
	if p.ctx != nil {
		p.mu.Unlock()
		return errors.New("run lines: the pool was already started")
	}
	p.ctx, p.drivers, p.accept = ctx, drivers, accept
	for _, l := range p.sorted {
		p.startLocked(l)
	}
	p.mu.Unlock()

	<-ctx.Done()
	select {
	case <-p.close():
	case <-time.After(p.o.Grace):
	}
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	stop()
	p.jobs.Wait()
	return nil
}

// close rejects the waiting requests and returns a channel that is closed when nothing runs any more.
func (p *Pool) close() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closing, p.draining = true, true
	p.quiet = make(chan struct{})
	for e := p.queue.Front(); e != nil; e = p.queue.Front() {
		q := e.Value.(*Waiting)
		q.leaveLocked()
		q.err = ErrClosed
		close(q.lease)
	}
	p.hushLocked()
	return p.quiet
}

// hushLocked closes quiet if the pool is closing and no call, command or proof is running.
func (p *Pool) hushLocked() {
	if p.quiet == nil || isClosed(p.quiet) {
		return
	}
	for _, l := range p.sorted {
		if l.settling || l.lease != nil && l.lease.busyLocked() {
			return
		}
	}
	close(p.quiet)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// startLocked runs the driver of l, once, unless the pool does not run or another line still uses the port.
func (p *Pool) startLocked(l *line) {
	if l.ctx != nil || p.ctx == nil || p.closing || p.stopped {
		return
	}
	if o := p.ports[l.cfg.device()]; o != nil && o != l && l.cfg.device() != "" {
		l.reason = fmt.Sprintf("waits until tty %d has released the port", o.cfg.TTY)
		l.touchLocked()
		return
	}
	p.ports[l.cfg.device()] = l
	l.reason, l.running, l.closed = startingUp, true, make(chan struct{})
	l.ctx, l.stop = context.WithCancel(p.drivers)
	p.jobs.Add(1)
	l.driver.Run(l.ctx, l, func(err error) {
		defer p.jobs.Done()
		l.ended(err)
	})
}

// ended handles the end of the driver. If it ends early, its line is down and the others continue.
func (l *line) ended(err error) {
	l.pool.mu.Lock()
	l.running = false
	close(l.closed)
	early := l.ctx.Err() == nil
	if l.next != nil && !l.inUseLocked() && !l.pool.closing {
		l.replaceLocked()
	}
	l.pool.mu.Unlock()
	if early {
		l.pool.o.Debug(l.cfg.TTY, fmt.Sprintf("the driver ended: %v", err))
		l.Down(fmt.Errorf("the driver ended: %v", err))
	}
}

// goLocked starts f unless the pool has stopped. Its context ends with the line.
func (l *line) goLocked(f func(context.Context)) bool {
	if l.pool.stopped || l.ctx == nil {
		return false
	}
	ctx := l.ctx
	l.pool.jobs.Go(func() { f(ctx) })
	return true
}

// Drain stops the pool from answering calls. Existing calls continue, and lines are leased as before.
func (p *Pool) Drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draining = true
}

// Lines returns the state of all lines, sorted by TTY.
func (p *Pool) Lines() []Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Status, 0, len(p.sorted))
	for _, l := range p.sorted {
		all = append(all, l.statusLocked())
	}
	return all
}

// Each returns the states of the lines one after the other, sorted by TTY, each of its own instant: for checks that run
// again and again, since Lines copies the states of all.
func (p *Pool) Each() iter.Seq[Status] {
	return func(yield func(Status) bool) {
		p.mu.Lock()
		all := slices.Clone(p.sorted)
		p.mu.Unlock()
		for _, l := range all {
			p.mu.Lock()
			gone := l.gone
			var s Status
			if !gone {
				s = l.statusLocked()
			}
			p.mu.Unlock()
			if !gone && !yield(s) {
				return
			}
		}
	}
}

// Line returns the state of one line; false if there is none.
func (p *Pool) Line(tty int) (Status, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.lines[tty]; l != nil {
		return l.statusLocked(), true
	}
	return Status{}, false
}

// Config returns the configuration of a line; false if there is none.
func (p *Pool) Config(tty int) (Config, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.lines[tty]; l != nil {
		return l.configLocked(), true
	}
	return Config{}, false
}

// Changed returns a channel that is closed at the next change of any line's Status. Call it before Lines, so that no
// change is missed.
func (p *Pool) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.changed
}

func (p *Pool) changedLocked() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// Starting returns the number of lines that have not reported yet whether they are in service.
func (p *Pool) Starting() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.sorted {
		if !l.reported {
			n++
		}
	}
	return n
}

// Outstanding returns the number of leases that are granted and not released: those of calls and of callbacks.
func (p *Pool) Outstanding() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.lent - p.returned)
}

// Clear ends the call, script or dial on a line, like IOS's `clear line`. The owner of the lease notices and releases
// it. A line that is down or quarantined is retried immediately. Clear blocks until the line is on hook or
// Timing.OnHook has passed several times.
func (p *Pool) Clear(tty int) error {
	p.mu.Lock()
	l := p.lines[tty]
	ctx := p.drivers
	if l != nil && l.proving {
		signal(l.kick)
	}
	if l != nil && l.lease != nil && (l.lease.role == ForUser || l.lease.role == ForAdmin) {
		l.lease.loseLocked(ErrCleared) // there may be no call, and in raw access no driver, that could end
		if end := l.lease.raw; end != nil {
			end(l.lease.cause)
		}
	}
	p.mu.Unlock()
	if l == nil {
		return fmt.Errorf("clear line %d: no such line", tty)
	}
	if ctx == nil {
		return nil // no driver runs yet
	}
	ctx, cancel := context.WithTimeout(ctx, l.proofTime())
	defer cancel()
	if err := l.driver.Clear(ctx); err != nil && !errors.Is(err, ErrDown) {
		return fmt.Errorf("clear line %d: %w", tty, err)
	}
	return nil
}
